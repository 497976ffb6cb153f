"""Substring de-duplication against a dictionary of whole windows written plainly."""

from __future__ import annotations

import io
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from documents import batched, make_documents
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plain_text import without
from pydantic import ValidationError
from stage_jobs import substring_dedup
from substring_oracle import oracle

from tamis import exchange, hashing
from tamis.stages import substring_dedup as stage

run = batched(substring_dedup)


def check(documents, config, shards=1, partitions=1):
    """Run the stage and hold it to the oracle and to its promises; returns its outcome."""
    with tempfile.TemporaryDirectory() as folder:
        kept, dropped, edits, notes = run(folder, documents, config, shards, partitions)
    expected, gone, cuts, words, copy = oracle(documents, config)
    before = {row["id"]: row for row in documents.to_pylist()}
    assert {row["id"]: row["text"] for row in kept.to_pylist()} == expected
    assert [(row["id"], row["reason"]) for row in dropped.to_pylist()] == [
        (name, "too_little_left") for name in sorted(gone)
    ]
    assert [tuple(row.values()) for row in edits.to_pylist()] == sorted(
        (name, start, end, None, "repeated_span", count, owner) for name, start, end, count, owner in cuts
    )
    found = defaultdict(list)
    for row in edits.to_pylist():
        found[row["id"]].append((row["start"], row["end"]))
        # What goes stands in the document that is named, character for character.
        assert before[row["id"]]["text"][row["start"] : row["end"]] in before[row["matched_id"]]["text"]
    for row in kept.to_pylist():
        old = before[row["id"]]
        # The edits are the whole difference.
        assert row == old | {"text": without(old["text"], found[row["id"]])}
    # Every word that was cut stands in a kept document, reached from owner to owner; what a dropped document repeated of
    # itself is part of the little that was left of it.
    for name, tokens in copy.items():
        for token in tokens:
            other, at = name, token
            while at in copy[other]:
                other, at, _ = copy[other][at]
            assert other in expected or (other == name and name in gone)
            there, here = words[other][at], words[name][token]
            assert before[other]["text"][slice(*there)] == before[name]["text"][slice(*here)]
    assert notes["tokens"] == sum(map(len, words.values()))
    assert notes["tokens_cut"] == sum(map(len, copy.values()))
    return kept, dropped, edits, notes


WORD = st.sampled_from(["a", "a", "b", "b", "c", "A", "é", "e\u0301", "語", "漢", "ที่", "ก", "𐍈", "カ\u3099", "한국"])
GAP = st.sampled_from(
    [" ", " ", " ", " ", ". ", ".\n\n", "\n\n", "\r\n", "", "😀", " \u0301", "\0", " -", "。", "」。", "\n\n## "]
)
TEXT = st.lists(st.tuples(WORD, GAP), max_size=30).map(lambda pairs: "".join(w + g for w, g in pairs))
PLAIN = st.text("aab ", max_size=40)
CONFIG = st.builds(
    stage.Config,
    applies_to=st.just(("prose", "maths")),
    tokens=st.integers(2, 6),
    min_characters=st.sampled_from([0, 1, 5, 12]),
    within=st.sampled_from([None, None, "source"]),
    seed=st.integers(0, 3),
)


@st.composite
def corpora(draw):
    passages = draw(st.lists(TEXT | PLAIN, min_size=1, max_size=4))
    glue = st.sampled_from(["", " ", "\n", "…", "語"])
    piece = st.sampled_from(passages) | TEXT | PLAIN
    texts = [
        "".join(text + draw(glue) for text in draw(st.lists(piece, max_size=4))) for _ in range(draw(st.integers(0, 6)))
    ]
    n = len(texts)
    order = draw(st.permutations(range(n)))
    return make_documents(
        texts,
        id=[f"{(i * 7919) % 1000:016x}{i:016x}" for i in range(n)],
        rank=[10 * r for r in order],
        kind=draw(st.lists(st.sampled_from(["prose", "prose", "maths", "code"]), min_size=n, max_size=n)),
        source=draw(st.lists(st.sampled_from(["x", "y"]), min_size=n, max_size=n)),
    )


@given(corpora(), CONFIG, st.sampled_from([(1, 1), (1, 2), (3, 1), (3, 3), (5, 2)]))
@example(make_documents(["ha " * 9, "", "x", "ha ha ha"]), stage.Config(tokens=3, min_characters=0), (1, 1))
@example(make_documents(["ha ha ha ha"]), stage.Config(tokens=2, min_characters=7), (1, 1))
@settings(deadline=None, max_examples=40)
def test_equals_the_oracle_for_any_number_of_shards(documents, config, split):
    check(documents, config, *split)


def numbered(first, last):
    return " ".join(f"w{i}" for i in range(first, last))


SLICE = st.tuples(st.integers(0, 50), st.integers(0, 30)).map(lambda pair: numbered(pair[0], pair[0] + pair[1]))


@given(st.lists(st.lists(SLICE, max_size=3).map(" ".join), max_size=6), st.integers(6, 20))
@settings(deadline=None, max_examples=40)
def test_equals_the_oracle_where_few_grams_are_repeated(texts, tokens):
    check(make_documents(texts), stage.Config(tokens=tokens, min_characters=0), 2, 2)


@given(corpora(), CONFIG, st.randoms())
@settings(deadline=None, max_examples=10)
def test_the_order_of_the_rows_does_not_matter(documents, config, dice):
    order = list(range(documents.num_rows))
    dice.shuffle(order)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        assert run(one, documents, config, 2, 2) == run(two, documents.take(pa.array(order, pa.int64())), config, 2, 2)


@given(corpora(), CONFIG)
@settings(deadline=None, max_examples=10)
def test_equal_hashes_of_different_grams_change_nothing(documents, config):
    with pytest.MonkeyPatch.context() as patch:
        # Base 1: a gram's hash is the sum of its bytes.
        keys = hashing.keys
        patch.setattr(hashing, "keys", lambda purpose, *more: keys(purpose, *more) * np.uint64("grams" not in purpose))
        check(documents, config, 2, 2)


def test_by_hand(tmp_path):
    shared = "Ice, snow and hail: “all” of it"
    documents = make_documents(
        [
            f"One. {shared}",
            # What follows the copy is its own: the owner ends there.
            f"¿Two? {shared}, too.\n",
            # At the end of the text and at its beginning, and so that the copies touch: one cut, of the first's owner.
            f"{shared}!! {shared}",
            # Another case, another spacing, one word fewer.
            "Three. ice, snow and hail: “all” of it. Four. Ice,  snow and hail: “all” of it. Five. Ice, snow and hail: “all” of",
        ]
    )
    config = stage.Config(tokens=7, min_characters=5)
    kept, dropped, edits, notes = run(tmp_path, documents, config, 3, 2)
    ids = documents["id"].to_pylist()
    assert kept["text"].to_pylist() == [
        documents["text"][0].as_py(),
        "¿Two? , too.\n",
        documents["text"][3].as_py(),
    ]
    assert dropped.select(["id", "reason", "value", "threshold", "matched_id"]).to_pylist() == [
        {"id": ids[2], "reason": "too_little_left", "value": 3.0, "threshold": 5.0, "matched_id": None}
    ]
    length = len(shared)
    row = {"reason": "repeated_span", "count": 3, "matched_id": ids[0]}
    assert edits.drop_columns("replacement").to_pylist() == [
        {"id": ids[1], "start": 6, "end": 6 + length} | row,
        {"id": ids[2], "start": 0, "end": length} | row,
        {"id": ids[2], "start": length + 3, "end": 2 * length + 3} | row,
    ]
    assert notes == {
        "tokens": 8 + 9 + 14 + 23,
        "tokens_cut": 21,
        "fingerprints": notes["fingerprints"],
        "windows": notes["windows"],
        "windows_repeated": 3,
        "short_documents_kept_as_owners": 0,
    }


RUN = "alpha beta gamma delta"


@pytest.mark.parametrize(
    ("owner", "copy", "left"),
    [
        # The sign belongs to the number, the heading mark to the heading, the bullet to the item.
        (f"{RUN} -7 metres", f"At {RUN} -40 degrees", "At -40 degrees"),
        (f"{RUN} 7 metres", f"At {RUN} -40 degrees", "At -40 degrees"),
        (f"{RUN}.\n\nNext", f"One.\n\n{RUN}.\n\n## Temperatures", "One.\n\n## Temperatures"),
        (f"{RUN}.\n\n## Humidity", f"One.\n\n{RUN}.\n\n## Temperatures", "One.\n\n## Temperatures"),
        (f"{RUN}\n- one", f"- {RUN}\n- two", "- - two"),
        (f"{RUN} (x)", f"In {RUN} (y)", "In (y)"),
        # Marks that the owner does not have stay, those that it has go with the words.
        (f"{RUN}. Next", f"One. {RUN}. Two", "One. Two"),
        (f"{RUN}! Next", f"One. {RUN}. Two", "One. . Two"),
        (f"{RUN}. Next", f'"One. {RUN}." Two', '"One. ." Two'),
        (f"{RUN}.7", f"In {RUN}.5", "In .5"),
        (f"{RUN}.7", f"In {RUN}.", "In "),
        # A paragraph is not joined to the sentence before it, one that stood alone leaves no gap.
        (f"{RUN}.\n\nNext", f"Then {RUN}.\n\nTwo", "Then \n\nTwo"),
        (f"{RUN}\r\n\r\nNext", f"One\r\n\r\n{RUN}\r\n\r\nTwo", "One\r\n\r\nTwo"),
        (f"{RUN}\rNext", f"One\r\n\r\n{RUN}\r\nTwo", "One\r\n\r\n\r\nTwo"),
        (f"{RUN}.\n\nNext", f"{RUN}.\n\nTwo", "Two"),
        # Scripts without spaces: what closes goes, what opens stays.
        ("天地玄黄。宇宙", "日月。天地玄黄。寒来", "日月。寒来"),
        ("天地玄黄。宇宙", "日月天地玄黄。寒来", "日月。寒来"),
        ("天地玄黄、宇宙", "日月。天地玄黄。寒来", "日月。。寒来"),
        ("天地玄黄「宇宙」", "日月。天地玄黄「寒来」", "日月。「寒来」"),
        ("天地玄黄 now", "see天地玄黄 next", "see next"),
        # Only so much crosses: a longer indentation keeps its rest.
        (f"{RUN}\n{' ' * 20}x", f"a\n{RUN}\n{' ' * 20}y", f"a\n{' ' * 14}y"),
    ],
)
def test_a_cut_ends_where_the_owner_goes_on_otherwise(owner, copy, left):
    kept, _, _, _ = check(make_documents([owner, copy]), stage.Config(tokens=4, min_characters=0), 2, 2)
    assert kept["text"].to_pylist() == [owner, left]


def test_a_cut_of_several_owners_names_each_for_what_it_holds():
    words = [f"w{number}" for number in range(12)]
    documents = make_documents([" ".join(words[:7]), " ".join(words[4:]), f"b {' '.join(words)} c"])
    kept, _, edits, _ = check(documents, stage.Config(tokens=4, min_characters=0), 2, 2)
    assert kept["text"].to_pylist()[2] == "b  c"
    ids = documents["id"].to_pylist()
    found = [(row["start"], row["end"], row["matched_id"]) for row in edits.to_pylist() if row["id"] == ids[2]]
    half = 2 + len(" ".join(words[:7]))
    assert found == [(2, half, ids[0]), (half, 2 + len(" ".join(words)), ids[1])]


@pytest.mark.parametrize(("times", "left"), [(1, 1), (2, 2), (3, 3), (5, 5), (6, 3), (7, 3), (1000, 3)])
def test_a_text_that_repeats_one_word_keeps_its_first_window(times, left):
    kept, _, edits, _ = check(make_documents(["ha " * times]), stage.Config(tokens=3, min_characters=0))
    assert kept["text"].to_pylist() == ["ha " * left]
    assert set(edits["count"].to_pylist()) == ({1} if left != times else set())


@pytest.mark.parametrize("period", [2, 3, 4, 5, 7])
def test_a_periodic_text_keeps_its_first_window(period):
    text = " ".join(f"w{i % period}" for i in range(40))
    kept, _, _, _ = check(make_documents([text, text]), stage.Config(tokens=4, min_characters=0))
    # All windows of the first document that are no repeats, and nothing of the second.
    first = max(4, period) if period >= 4 else 4 + (-4) % period
    assert kept["text"].to_pylist() == [numbered_text(text, first)]


def numbered_text(text, words):
    """The first words of a text, with the space after them."""
    return "".join(word + " " for word in text.split()[:words])


@pytest.mark.parametrize("shards", [1, 2, 3, 5])
def test_of_identical_documents_the_first_in_keep_order_stays(shards):
    text = numbered(0, 60)
    documents = make_documents([text] * 9, rank=[5, 3, 8, 0, 1, 2, 4, 6, 7])
    kept, dropped, edits, _ = check(documents, stage.Config(tokens=5), shards, 2)
    assert kept["rank"].to_pylist() == [0]
    assert dropped.num_rows == 8
    assert set(edits["matched_id"].to_pylist()) == {documents["id"][3].as_py()}
    assert set(edits["count"].to_pylist()) == {9}


def test_a_span_of_n_tokens_goes_and_one_of_fewer_stays():
    for words, goes in ((6, True), (5, False)):
        documents = make_documents([f"a {numbered(0, words)} b", f"c {numbered(0, words)} d"])
        _, _, edits, _ = check(documents, stage.Config(tokens=6, min_characters=0), 2, 1)
        assert edits.num_rows == goes


def test_a_short_document_that_owns_a_span_of_another_stays():
    # Ten ideographs are a window and ten characters.
    owned = "天地玄黄宇宙洪荒日月"
    documents = make_documents(
        [numbered(0, 30), f"{numbered(0, 20)} {owned}", f"{numbered(100, 130)} {owned} x", numbered(5, 20)],
    )
    kept, dropped, _, notes = check(documents, stage.Config(tokens=10, min_characters=50), 2, 2)
    assert kept["text"].to_pylist()[1] == owned
    assert notes["short_documents_kept_as_owners"] == 1
    assert dropped["id"].to_pylist() == [documents["id"][3].as_py()]


def test_kinds_outside_applies_to_neither_lose_nor_own():
    text = numbered(0, 80)
    documents = make_documents([text, text, f"{text} x"], kind=["code", "licence", "prose"])
    kept, dropped, edits, _ = check(documents, stage.Config())
    assert (kept.num_rows, dropped.num_rows, edits.num_rows) == (3, 0, 0)


def test_an_empty_corpus_goes_through():
    kept, dropped, edits, _ = check(make_documents([]), stage.Config(), 2, 3)
    assert (kept.num_rows, dropped.num_rows, edits.num_rows) == (0, 0, 0)


def test_documents_without_words_stay():
    kept, _, edits, _ = check(make_documents(["", " \n", "…!", "", "\u0301"]), stage.Config(tokens=2), 2, 2)
    assert (kept.num_rows, edits.num_rows) == (5, 0)


def rows_in(folder, partitions):
    """Rows of each exchange file in a folder."""
    return [
        sum(exchange.read_batch(path, p, partitions).num_rows for p in range(partitions))
        for path in sorted(folder.glob("*.arrow"))
    ]


def test_what_crosses(tmp_path):
    dice = np.random.default_rng(1)
    plain = [" ".join(f"w{value}" for value in dice.integers(0, 10**6, 2_000)) for _ in range(20)]
    template = [f"{numbered(0, 60)} {numbered(1000 * i, 1000 * i + 9)}" for i in range(10, 60)]
    run(tmp_path, make_documents([*plain, *template]), stage.Config(), 2, 2)
    # Of 26 grams in a row one is chosen: 2 of 27.
    prints = sum(rows_in(tmp_path / "map", 2))
    assert 0.9 * 2 / 27 < prints / 40_000 < 1.1 * 2 / 27
    # Each of the eleven windows of the template has one owner, which both shards are told: copies cross nothing.
    assert sum(rows_in(tmp_path / "reduce", 2)) < 0.01 * prints
    assert sum(rows_in(tmp_path / "elect", 2)) == 22


@pytest.mark.slow
def test_a_hundred_thousand_pages_of_one_template(tmp_path):
    many = 100_000
    template = numbered(0, 60)
    texts = [f"{template} own{i} {numbered(i, i + 30)}x{i}" for i in range(many)]
    kept, dropped, edits, notes = run(tmp_path, make_documents(texts), stage.Config(min_characters=0), 3, 2)
    assert (kept.num_rows, dropped.num_rows, edits.num_rows) == (many, 0, many - 1)
    assert kept["text"].to_pylist() == [texts[0], *(text.removeprefix(f"{template} ") for text in texts[1:])]
    assert set(edits["count"].to_pylist()) == {many}
    assert notes["windows_repeated"] == 11 * (many - 1)
    assert sum(rows_in(tmp_path / "elect", 3)) == 3 * 11


DATA = Path(__file__).parents[4] / "shared/data/text"


def real_texts(name, characters):
    path = DATA / f"{name}.jsonl.zst"
    if not path.exists():
        pytest.skip(f"real data is not here: {path}")
    texts = []
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as lines:
        for line in io.TextIOWrapper(lines, encoding="utf-8", newline="\n"):
            texts.append(json.loads(line)["text"])
            characters -= len(texts[-1])
            if characters < 0:
                break
    return texts


@pytest.mark.parametrize(("name", "tokens"), [("gesetze", 50), ("licensedb", 50), ("udhr", 10)])
def test_real_text_equals_the_oracle(name, tokens):
    _, _, edits, notes = check(make_documents(real_texts(name, 1_000_000)), stage.Config(tokens=tokens), 3, 2)
    assert edits.num_rows > 10
    assert notes["tokens_cut"] < notes["tokens"] / 2


@pytest.mark.parametrize(
    "wrong",
    [{"tokens": 1}, {"tokens": 1001}, {"min_characters": -1}, {"applies_to": []}, {"within": "A"}, {"words": 50}],
)
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(ValidationError):
        stage.Config(**wrong)
