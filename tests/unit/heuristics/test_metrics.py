"""datatrove's own filters as the oracle: the same words must give the same decision for the same reason."""

from __future__ import annotations

import io
import json
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.heuristics.metrics import measure_prose
from tamis.heuristics.rules import RULES
from tamis.kernels.heuristics.characters import SENTENCE_END, table
from tamis.kernels.heuristics.rule_words import rule_words
from tamis.stages.heuristics import Config

datatrove_filters = pytest.importorskip("datatrove.pipeline.filters")

PROSE_GROUPS = ("gopher_repetition", "gopher_quality", "c4", "fineweb")

# datatrove's reason → ours. "empty" has no words, and the first rule on words says so.
REASONS = {
    "dup_para_frac": "gopher_duplicate_paragraphs",
    "dup_para_char_frac": "gopher_duplicate_paragraph_characters",
    "dup_line_frac": "gopher_duplicate_lines",
    "dup_line_char_frac": "gopher_duplicate_line_characters",
    **{f"top_{n}_gram": f"gopher_top_{n}_gram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"gopher_duplicate_{n}_grams" for n in range(5, 11)},
    "gopher_short_doc": "gopher_too_few_words",
    "gopher_long_doc": "gopher_too_many_words",
    "gopher_below_avg_threshold": "gopher_short_words",
    "gopher_above_avg_threshold": "gopher_long_words",
    "gopher_too_many_hashes": "gopher_hashes",
    "gopher_too_many_ellipsis": "gopher_ellipses",
    "gopher_too_many_bullets": "gopher_bullet_lines",
    "gopher_too_many_end_ellipsis": "gopher_ellipsis_lines",
    "gopher_below_alpha_threshold": "gopher_alphabetic_words",
    "gopher_enough_stop_words": "gopher_stop_words",
    "lorem_ipsum": "c4_lorem_ipsum",
    "curly_bracket": "c4_curly_brackets",
    "too_few_sentences": "c4_too_few_sentences",
    "line_punct_ratio": "fineweb_terminal_lines",
    "short_line_ratio": "fineweb_short_lines",
    "char_dup_ratio": "fineweb_duplicate_line_characters",
    "list_ratio": "fineweb_newlines",
}


# Rules that datatrove has not.
OWN = {"gopher_duplicate_10_grams_unspaced", "gopher_too_few_words_unspaced", "c4_tags"}

# Its thresholds where ours differ.
DATATROVE: dict[str, dict[str, Any]] = {
    "gopher_quality": {"stop_words": {"en": ["the", "be", "to", "of", "and", "that", "have", "with"]}},
    "c4": {"max_curly_bracket_lines": 0, "min_sentences": 5, "max_lorem_ipsum": 0},
    "fineweb": {"max_duplicate_line_characters": 0.01},
}


def oracle(group: str, config: Config) -> Any:
    """The datatrove filter with the thresholds of a configuration."""
    repetition, quality, c4, fineweb = config.gopher_repetition, config.gopher_quality, config.c4, config.fineweb
    if group == "gopher_repetition":
        return datatrove_filters.GopherRepetitionFilter(
            repetition.max_duplicate_lines,
            repetition.max_duplicate_paragraphs,
            repetition.max_duplicate_line_characters,
            repetition.max_duplicate_paragraph_characters,
            tuple((n, getattr(repetition, f"max_top_{n}_gram")) for n in (2, 3, 4)),
            tuple((n, getattr(repetition, f"max_duplicate_{n}_grams")) for n in range(5, 11)),
        )
    if group == "gopher_quality":
        return datatrove_filters.GopherQualityFilter(
            quality.min_words,
            quality.max_words,
            quality.min_mean_word_length,
            quality.max_mean_word_length,
            quality.max_hashes,
            quality.max_bullet_lines,
            quality.max_ellipsis_lines,
            quality.min_alphabetic_words,
            quality.min_stop_words,
            quality.stop_words["en"],
        )
    if group == "c4":
        return datatrove_filters.C4QualityFilter(
            filter_no_terminal_punct=c4.terminal_lines_only,
            min_num_sentences=c4.min_sentences,
            min_words_per_line=c4.min_line_words,
            max_word_length=c4.max_word_length,
        )
    return datatrove_filters.FineWebQualityFilter(
        line_punct_thr=fineweb.min_terminal_lines,
        short_line_thr=fineweb.max_short_lines,
        short_line_length=fineweb.short_line,
        char_duplicates_ratio=fineweb.max_duplicate_line_characters,
        new_line_ratio=fineweb.max_newlines,
    )


def ours(texts: list[str], config: Config) -> list[dict[str, str | None]]:
    """For each text and group the first failing rule of that group; scripts without spaces included, as in the oracle."""
    assert config.as_datatrove
    metrics = measure_prose(pa.array(texts, pa.large_string()), pa.array(["en"] * len(texts)), config)
    result: list[dict[str, str | None]] = [dict.fromkeys(PROSE_GROUPS) for _ in texts]
    for rule in reversed(RULES):
        if rule.group not in PROSE_GROUPS or rule.reason in OWN:
            continue
        threshold = getattr(getattr(config, rule.group), rule.field)
        value = metrics[rule.metric]
        for row in np.flatnonzero(value < threshold if rule.fails == "below" else value > threshold):
            result[row][rule.group] = rule.reason
    return result


def theirs(text: str, filters: dict[str, Any]) -> dict[str, str | None]:
    from datatrove.data import Document

    result = {}
    for group, one in filters.items():
        answer = one.filter(Document(text=text, id=""))
        result[group] = None if answer is True else answer[1]
    return result


def assert_equal(text: str, mine: dict[str, str | None], other: dict[str, str | None]) -> None:
    for group, reason in other.items():
        if {REASONS.get(reason), mine[group]} == {"c4_lorem_ipsum", "c4_curly_brackets"}:
            continue  # datatrove names whichever line comes first
        assert mine[group] == (None if reason is None else REASONS[reason]), (group, text)


class OurWords:
    """Stands for datatrove's tokenizer: our words, and its sentencizer's rule on them."""

    def word_tokenize(self, text: str) -> list[str]:
        return rule_words(text)

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        flags = table()
        spans: list[tuple[int, int]] = []
        start = position = 0
        ended = False
        for word, begin, end in self._with_white_space(text):
            terminal = len(word) == 1 and bool(flags[ord(word)] & SENTENCE_END)
            punctuation = all(unicodedata.category(letter)[0] == "P" for letter in word)
            if ended and not punctuation and not terminal:
                spans.append((start, begin))
                start, ended = begin, False
            elif terminal:
                ended = True
            position = end
        return [*spans, (start, position)] if position else []

    @staticmethod
    def _with_white_space(text: str) -> Iterator[tuple[str, int, int]]:
        position = 0
        for word in rule_words(text):
            begin = text.index(word, position)
            gap = text[position:begin]
            if gap and gap != " ":
                yield gap, position, begin
            yield word, begin, begin + len(word)
            position = begin + len(word)
        if text[position:] not in ("", " "):
            yield text[position:], position, len(text)


LINES = [
    "The cat and the dog have to be with that of the king.",
    "It's a (short) line",
    "- bullet",
    "\u2022 point...",
    "#hash # tag",
    "{",
    "Lorem ipsum dolor sit amet.",
    "uses cookies and JavaScript here",
    "terms of use: read on. Please! Why?",
    "12 34 56 78",
    "",
    " ",
    "\t",
    "the the the the the the",
    "a b c d e f g h i j k",
    "\u201cQuoted,\u201d she said\u2026",
    "end.[1] Next one [edit] here. [citation needed]",
    "short",
    "x" * 40,
    "no\u00a0break\u2028line\x0bfeed\x85 end.",
    "筛子让细小的颗粒通过。",
    "ก็ดี",
    'What?! No way... (Yes.) "Sure." ok',
    "a.  b. \u00a0 c",
    "privacy policy",
    "one two three.  )",
    "2.5 km, $3 and 50%.",
    "word " * 30 + ".",
]
TEXTS = st.builds(
    lambda lines, breaks: "".join(line + ending for line, ending in zip(lines, breaks, strict=True)),
    st.shared(st.integers(1, 40), key="n").flatmap(lambda n: st.lists(st.sampled_from(LINES), min_size=n, max_size=n)),
    st.shared(st.integers(1, 40), key="n").flatmap(
        lambda n: st.lists(st.sampled_from(["\n", "\n", "\n\n", "\r\n", " ", "", "\n\n\n"]), min_size=n, max_size=n)
    ),
) | st.text(min_size=1, max_size=100)

PAPER = Config.model_validate({"as_datatrove": True} | DATATROVE)
LOOSE = Config.model_validate(
    {
        "as_datatrove": True,
        "gopher_repetition": {
            "max_duplicate_lines": 0.8,
            "max_duplicate_paragraphs": 0.8,
            "max_duplicate_line_characters": 0.7,
            "max_duplicate_paragraph_characters": 0.7,
            "max_top_2_gram": 0.5,
            "max_top_3_gram": 0.5,
            "max_top_4_gram": 0.5,
        },
        "gopher_quality": {
            "min_words": 1,
            "max_words": 150,
            "min_mean_word_length": 2.0,
            "max_mean_word_length": 6.0,
            "max_hashes": 0.05,
            "max_ellipses": 0.05,
            "max_bullet_lines": 0.3,
            "max_ellipsis_lines": 0.2,
            "min_alphabetic_words": 0.5,
        },
        "c4": {"terminal_lines_only": True, "min_sentences": 3, "max_curly_bracket_lines": 0, "max_lorem_ipsum": 0},
        "fineweb": {"min_terminal_lines": 0.3, "max_duplicate_line_characters": 0.3, "max_newlines": 0.2},
    }
)


@pytest.mark.parametrize("config", [PAPER, LOOSE], ids=["paper", "loose"])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=TEXTS)
def test_the_same_words_give_the_same_decision(config: Config, text: str) -> None:
    from datatrove.utils import text as datatrove_text
    from datatrove.utils import word_tokenizers

    if not rule_words(text):
        return  # datatrove divides by zero or calls it empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_tokenizers, "load_word_tokenizer", lambda _: OurWords())
        datatrove_text.split_into_parts.cache_clear()
        other = theirs(text, {group: oracle(group, config) for group in PROSE_GROUPS})
        datatrove_text.split_into_parts.cache_clear()
    assert_equal(text, ours([text], config)[0], other)


DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.parametrize("name", ["text/c4_demo", "text/nltk-brown", "text/licensedb", "web/wcxb.S.gold"])
def test_datatrove_with_its_own_tokenizer_agrees_on_real_text(name: str) -> None:
    pytest.importorskip("spacy")
    path = DATA / f"{name}.jsonl.zst"
    if not path.exists():
        pytest.skip(f"{path} is not here: real documents are checked only where the shared test data lie")
    import zstandard

    with path.open("rb") as file:
        reader = io.TextIOWrapper(
            zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file), encoding="utf-8"
        )
        texts = [json.loads(line).get("text") or "" for line in reader]
    texts = [text for text in texts if text.strip() and len(text) < 15_000]
    random.Random(5).shuffle(texts)  # noqa: S311 - a fixed sample
    texts = texts[:25]
    filters = {group: oracle(group, PAPER) for group in PROSE_GROUPS}
    decisions = [(mine, theirs(text, filters)) for text, mine in zip(texts, ours(texts, PAPER), strict=True)]
    differ = sum((mine[group] is None) != (other[group] is None) for mine, other in decisions for group in PROSE_GROUPS)
    # 99 % over the four corpora; at most one decision of a hundred here.
    assert differ <= 1


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=TEXTS)
def test_sentences_do_not_depend_on_what_a_word_is(text: str) -> None:
    texts, language = pa.array([text], pa.large_string()), pa.array(["en"])
    pieces, tokens = (measure_prose(texts, language, Config(words=words)) for words in ("pieces", "tokens"))
    for name in ("sentences", "curly_bracket_lines"):
        np.testing.assert_array_equal(pieces[name], tokens[name])
    lines = [round(float(one["lorem_ipsum_ratio"][0] * one["all_words"][0])) for one in (pieces, tokens)]
    assert lines[0] == lines[1]
