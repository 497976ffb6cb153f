"""The card of a classifier: what it says, what it does not claim, and that hostile text stays text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from html import unescape
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from markdown_it import MarkdownIt

from tamis.classifiers import cards, markdown
from tamis.classifiers.labels import Labelled, as_labelled
from tamis.classifiers.quality_card import quality_card
from tamis.errors import ModelError

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "[link](http://evil.example) ![image](http://evil.example/x.png) <http://evil.example>",
    "http://evil.example www.evil.example someone@evil.example",
    "```\n# Heading\n\n| a | b |\n|---|---|\n```` `code` \u2028 next\u0085line\r\n\r\n***",
    "\x1b]0;title\x07 \u202egnirts\u2066 \x00 \ufeff",
    "<!-- comment --> &lt;b&gt; \\ ~~~ --- $$x$$ [^1] <details>",
    "",
    " \n\t ",
]


def labelled(number: int = 200, **columns: list[Any]) -> Labelled:
    """Labelled texts of two sources and languages, the second half held out."""
    random = np.random.default_rng(0)
    good = np.arange(number) % 2 == 1
    words = np.array([["plain", "dull", "flat", "grey"], ["lively", "rich", "deep", "bright"]])
    given: dict[str, Any] = {
        "id": [f"{n:032x}" for n in range(number)],
        "kind": ["prose" if n % 3 else "code" for n in range(number)],
        "label": ["good" if is_good else "bad" for is_good in good],
        "key": list(range(number)),
        "characters": random.integers(100, 5000, number).tolist(),
        "source": [["web", "books"][n // 7 % 2] for n in range(number)],
        "language": [["en", "en", "de"][n // 5 % 3] for n in range(number)],
        # Seven words in ten say which class a text is of.
        "text": [" ".join(words[int(is_good ^ (random.random() < 0.3)), random.integers(0, 4)] for _ in range(9))
                 for is_good in good],
    }  # fmt: skip
    rows = as_labelled({name: pa.array(values) for name, values in (given | columns).items()})
    held_out = pa.array([n >= number // 2 for n in range(number)], pa.bool_())
    return Labelled(rows.append_column("held_out", held_out), Counter({"good #1": number // 2, "bad #1": number // 2}))


def card_of(given: Labelled, score: np.ndarray, **more: Any) -> dict[str, Any]:
    tested = given.rows.filter(given.rows["held_out"])
    found = quality_card("taste", given, ("prose", "code"), {"a": 1}, tested, score, ("Nothing else.",), 3_000)
    # As it is read again, and as others made of it.
    assert json.loads(json.dumps(found)) == found
    return found | more


def chance(number: int = 100) -> np.ndarray:
    return np.random.default_rng(1).random(number).astype(np.float32)


def rendered(text: str) -> str:
    """The HTML of a Markdown text, by another program, with tables."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_tf_idf_is_said_to_be_better_where_it_is() -> None:
    card = card_of(labelled(), chance())
    best = card["baselines"][0]
    assert best["baseline"] == "TF-IDF with logistic regression"
    assert best["roc_auc"] > 0.9
    assert best["beyond_chance"]
    assert card["remarks"][0].startswith("TF-IDF with logistic regression is better here: its AUC is 0.9")
    assert "with 95 % confidence" in card["remarks"][0]
    assert f"- {card['remarks'][0]}" in cards.markdown(card)
    perfect = card_of(labelled(), np.arange(100, 200) % 2 * 0.8 + 0.1)
    assert perfect["remarks"] == []
    assert perfect["errors"] == []


def test_groups_are_by_kind_source_language_and_length() -> None:
    card = card_of(labelled(), chance())
    assert list(card["metrics"]) == ["all", "code", "prose"]
    assert list(card["groups"]) == ["language", "source", "length"]
    kinds = [row for name, row in card["metrics"].items() if name != "all"]
    for groups in (kinds, *card["groups"].values()):
        assert sum(row["documents"] for row in groups) == 100
        assert all(row["tf_idf_roc_auc"] is not None for row in groups if not row["note"])
    html = rendered(cards.markdown(card))
    # Every row of every table has its cells.
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        assert len({len(re.findall(r"<t[hd]\b", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}) == 1
    assert html.count("<table>") == 6


def test_the_most_confident_errors_come_first() -> None:
    given = labelled()
    score = chance()
    # Few different scores, so that many errors are equally confident.
    score = np.round(score * 6) / 6
    card = card_of(given, score)
    tested = given.rows.filter(given.rows["held_out"]).to_pylist()
    wrong = [(abs(float(s) - 0.5), row["id"]) for s, row in zip(score, tested, strict=True)
             if (s >= 0.5) != (row["label"] == "good")]  # fmt: skip
    wanted = [name for _, name in sorted(wrong, key=lambda entry: (-entry[0], entry[1]))][:20]
    assert [row["id"] for row in card["errors"]] == wanted
    assert card["wrong"] == len(wrong)
    assert all(len(row["text"]) <= 200 for row in card["errors"])
    assert f"20 of {len(wrong)}" in cards.markdown(card)


def test_no_private_value_stands_on_a_card() -> None:
    # Across the end of what is shown, too: 200 characters.
    texts = [f"Mail anna.huber@web.de of {'x ' * 83}ben.maier@gmx.net" for _ in range(200)]
    card = card_of(labelled(text=texts), chance())
    assert card["errors"]
    for shown in (*(row["text"] for row in card["errors"]), cards.markdown(card)):
        assert "█" in shown
        for value in ("anna", "web.de", "ben.m"):
            assert value not in shown


def test_rows_in_another_order_give_the_same_card() -> None:
    given, score = labelled(), chance()
    order = np.concatenate([np.random.default_rng(4).permutation(100), 100 + np.random.default_rng(5).permutation(100)])
    other = Labelled(given.rows.take(pa.array(order)), given.matches)
    one, two = card_of(given, score), card_of(other, score[order[100:] - 100])
    one.pop("calibration"), two.pop("calibration")
    assert one == two


def test_hostile_text_stays_text() -> None:
    texts = [HOSTILE[n % len(HOSTILE)] + ("x" * 300 if n % 3 == 0 else "") for n in range(200)]
    sources = [["<b>|`x`", "a_b_*c*"][n // 7 % 2] for n in range(200)]
    card = card_of(labelled(text=texts, source=sources), chance(), model_sha256="0" * 64)
    assert {row["text"] for row in card["errors"]} <= {text[:200] for text in texts}
    text = cards.markdown(card)
    html = rendered(text)
    allowed = {"h1", "h2", "h3", "p", "code", "pre", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(re.findall(r"<(\w+)", html)) <= allowed
    # As many headings as the card has, and as many passages as errors.
    assert len(re.findall(r"<h\d", html)) == 8
    assert html.count("<pre>") == len(card["errors"])
    assert "&lt;script&gt;" in html
    assert not [
        letter for letter in text if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")
    ]
    # No line of a text begins one of its own.
    assert len(text.splitlines()) == text.count("\n")


def test_a_passage_is_one_block_whatever_it_holds() -> None:
    for text in (*HOSTILE, "```", "`````"):
        html = rendered("\n".join(["before", "", *markdown.passage(text), "", "after"]))
        assert re.fullmatch(r'<p>before</p>\n<pre><code class="language-text">[^<]*</code></pre>\n<p>after</p>\n', html)
    assert markdown.passage("") == ["```text", "(no text)", "```"]


@pytest.mark.parametrize("text", ["a|b", "`x` *y* _z_", "<b>", "[a](b)", "&amp;", "~~x~~", "a\nb", "www.x.example"])
def test_a_cell_is_one_cell_whatever_it_holds(text: str) -> None:
    html = rendered("\n".join(markdown.table(["name", "n"], [[markdown.escaped(text), 1]])))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    assert len(cells) == 2
    # Rendered it is the text again, and nothing of it has become markup.
    assert unescape(cells[0]) == markdown.one_line(text)


def test_equal_scores_one_class_and_few_texts_claim_nothing() -> None:
    equal = card_of(labelled(), np.full(100, 0.7))
    assert "All held-out texts have the same score" in equal["remarks"][0]
    assert equal["metrics"]["all"]["roc_auc"] == 0.5
    one = card_of(labelled(label=["good"] * 200), chance())
    assert one["metrics"]["all"]["note"] == "one class only"
    assert "All held-out texts are good" in one["remarks"][0]
    assert "Not measured: one class only." in cards.markdown(one)
    few = card_of(labelled(10), chance(5))
    assert "held-out texts (5) are too few" in few["remarks"][0]
    assert few["baselines"] == []
    given = labelled(10)
    none = quality_card("taste", given, ("prose",), {}, given.rows.slice(0, 0), np.zeros(0, np.float32), (), 100)
    assert "nothing is measured" in none["limits"][0]
    assert "fewer than 10 texts" in cards.markdown(none)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_scores_that_are_no_numbers_make_no_card(wrong: float) -> None:
    score = chance()
    score[3] = wrong
    with pytest.raises(ModelError, match=r"taste: 1 of 100 scores are no numbers.*section taste"):
        card_of(labelled(), score)


def test_scores_outside_of_0_and_1_have_no_calibration() -> None:
    card = card_of(labelled(), chance() * 4.0 - 1.0)
    assert card["calibration"] == []
    assert "Calibration" not in cards.markdown(card)
