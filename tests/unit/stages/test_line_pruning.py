"""Line pruning against a dictionary of n-grams written plainly."""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import zstandard
from documents import batched
from documents import make_documents as make
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_text import keep_openings, plain_line_blocks, plain_units, with_headings, without
from pydantic import ValidationError
from stage_jobs import line_pruning

from tamis.dedup import frequent_lines
from tamis.errors import ConfigError
from tamis.kernels.dedup.key_counts import sorted_counts
from tamis.kernels.dedup.line_ngrams import LARGE
from tamis.stages import line_pruning as stage
from tamis.text import words

run = batched(line_pruning)


def grams(line, config):
    """The n-grams of a line as (first word, words)."""
    found = words(line)
    if len(found) < config.min_words:
        return []
    n = min(config.ngram, len(found))
    return [(i, tuple(found[i : i + n])) for i in range(len(found) - n + 1)]


def whole(text, lines, config):
    """The lines that go with all of what they belong to."""
    blocks, told = plain_line_blocks(text), []
    for first, after, level, alone in blocks:
        size = [len(words(text[start:end])) for start, end, _ in lines[first:after]]
        count = [count for _, _, count in lines[first:after]]
        rare = any(many >= config.min_words and not often for many, often in zip(size, count, strict=True))
        share = sum(many for many, often in zip(size, count, strict=True) if often)
        goes = not rare and any(count) and share >= config.unit_coverage * sum(size)
        told.append(max(count) if goes and not (alone and level != "short") else None)
    told = keep_openings(blocks, with_headings(blocks, told))
    counts = [told[at] or 0 for at, (first, after, *_) in enumerate(blocks) for _ in range(first, after)]
    return [(start, end, count) for (start, end, _), count in zip(lines, counts, strict=True)]


def oracle(documents, config):
    """For each document its lines as (first character, character after the last, document frequency or 0)."""
    rows = [row for row in documents.to_pylist() if row["kind"] in config.applies_to]
    corpus = len(rows)
    bucket = (
        dict(
            zip(
                [row["id"] for row in rows],
                frequent_lines.buckets_of(
                    pa.chunked_array([[row["id"] for row in rows]]), config.size(corpus)["buckets"]
                ).tolist(),
                strict=True,
            )
        )
        if rows
        else {}
    )
    frequency = Counter()
    for row in rows:
        frequency.update(
            {
                (bucket[row["id"]], gram)
                for start, end, _ in plain_units(row["text"], True)
                for _, gram in grams(row["text"][start:end], config)
            }
        )
    per_bucket = corpus / max(1, -(-corpus // config.bucket_documents))
    bound = max(config.min_documents, int(config.min_share * per_bucket))
    result = {}
    for row in rows:
        result[row["id"]] = lines = []
        for start, end, _ in plain_units(row["text"], True):
            covered, most = set(), 0
            for first, gram in grams(row["text"][start:end], config):
                count = frequency[bucket[row["id"]], gram]
                if count > bound:
                    covered |= set(range(first, first + len(gram)))
                    most = max(most, count)
            total = len(words(row["text"][start:end]))
            lines.append((start, end, most if covered and len(covered) >= config.coverage * total else 0))
        if config.unit_coverage is not None:
            result[row["id"]] = whole(row["text"], lines, config)
    return result


LINE = st.sampled_from(
    [
        "a",
        "a b",
        "A,  b",
        "a b c",
        "c a b",
        "a b d",
        "b b b b",
        "é a b",
        "語語",
        "語語語",
        "ก ก",
        "=====",
        "\0",
        "",
        " ",
        "𐍈 a b",
        "d e f g h",
        "# a",
        "- a b",
        "A b:",
        "A b.",
        "-----",
        "    a b",
        "## b c",
    ]
)
TEXT = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\r"])), max_size=7).map(
    lambda pairs: "".join(p + g for p, g in pairs)
) | st.lists(LINE, max_size=5).map("\n".join)
CONFIG = st.builds(
    stage.Config,
    applies_to=st.just(("prose", "maths")),
    ngram=st.integers(1, 4),
    min_words=st.integers(1, 3),
    coverage=st.sampled_from([0.3, 0.5, 0.8, 1.0]),
    unit_coverage=st.sampled_from([None, 0.3, 0.9, 1.0]),
    min_documents=st.integers(1, 3),
    min_share=st.sampled_from([0.0, 0.4, 0.7]),
    bucket_documents=st.sampled_from([2, 4, 100]),
    min_characters=st.integers(0, 5),
)


@st.composite
def corpora(draw):
    texts = draw(st.lists(TEXT, max_size=9))
    kinds = draw(
        st.lists(st.sampled_from(["prose", "prose", "maths", "code"]), min_size=len(texts), max_size=len(texts))
    )
    return make(texts, id=[f"{(i * 7919) % 1000:016x}{i:016x}" for i in range(len(texts))], kind=kinds)


@given(corpora(), CONFIG, st.sampled_from([(1, 1), (3, 5), (5, 2)]))
@settings(deadline=None, max_examples=15)
def test_equals_the_oracle_for_any_number_of_shards(documents, config, split):
    with tempfile.TemporaryDirectory() as folder, patch.object(frequent_lines, "KEYS_AT_ONCE", 20):
        kept, dropped, edits, _ = run(folder, documents, config, *split)
    expected = oracle(documents, config)
    before = {row["id"]: row for row in documents.to_pylist()}
    spans = defaultdict(list)
    for row in edits.to_pylist():
        spans[row["id"]].append((row["start"], row["end"]))
        # The count is that of the most frequent n-gram of the lines in the cut.
        assert row["count"] == max(
            count for start, end, count in expected[row["id"]] if row["start"] <= start and end <= row["end"]
        )
    after = {row["id"]: row["text"] for row in kept.to_pylist()}
    gone = {row["id"]: row["value"] for row in dropped.to_pylist()}
    for name, row in before.items():
        lines = expected.get(name, [])
        text = without(row["text"], spans[name])
        left = [row["text"][start:end] for start, end, count in lines if not count]
        if name in expected:
            assert [text[start:end] for start, end, _ in plain_units(text, True)] == left
        else:
            assert text == row["text"]
        short = sum(map(len, left)) < max(config.min_characters, 1)
        if short and len(left) < len(lines):
            assert gone.pop(name) == sum(map(len, left))
        else:
            assert after.pop(name) == text
    assert not after
    assert not gone


BANNER = "We use cookies to make this site work as well as it can and to count our visitors. Last changed on {} by the web team of this site, which you may write to at any time of the day."
PROSE = "It was the {}th time that she had come to the house by the river, and still nobody would tell her what had been done there in the winter."


def pages(count):
    """Pages with a banner that carries another date on each of them, and prose that differs by one word."""
    return [
        f"Page {i}\n=======\n\n{PROSE.format(i)}\nIt rained, number {i} wrote, all day and all night until the bridge was gone, {'x' * i}.\n\n{BANNER.format(f'{i} May')}\n"
        for i in range(count)
    ]


def test_the_banner_with_another_date_goes_and_prose_stays(tmp_path):
    documents = make(
        [
            *pages(7),
            "Only here.\n\n"
            + PROSE.format("hundred")
            + " And a good deal more of it, in words of its own that no other page has.",
        ]
    )
    kept, dropped, edits, notes = run(tmp_path, documents, stage.Config(), 3, 2)
    assert dropped.num_rows == 0
    for i, text in enumerate(kept["text"].to_pylist()[:7]):
        # Eight documents hold the line of prose but for its fourth word: 24 of 28 words are frequent, less than 0.9.
        assert text == documents["text"][i].as_py().split("\n\nWe use")[0] + "\n"
    assert kept["text"][7].as_py() == documents["text"][7].as_py()
    assert edits["count"].to_pylist() == [7] * 7
    assert set(edits["reason"].to_pylist()) == {"frequent_line"}
    assert notes["lines_cut"] == 7


def test_six_documents_are_not_more_than_six(tmp_path):
    documents = make(
        [
            f"{BANNER.format('1 May')}\nsomething else entirely, number {i}, which is long enough to be left standing on its own, I should say"
            for i in range(6)
        ]
    )
    assert run(tmp_path, documents, stage.Config())[2].num_rows == 0


def test_neighbouring_lines_are_one_cut_and_stumps_go(tmp_path):
    two = "one two three four five six seven eight\nnine ten eleven twelve thirteen fourteen fifteen sixteen\n"
    documents = make([two] * 7 + [two + "\nAnd " + "more " * 30])
    kept, dropped, edits, _ = run(tmp_path, documents, stage.Config(), 2, 2)
    assert kept["text"].to_pylist() == ["And " + "more " * 30]
    assert dropped["reason"].to_pylist() == ["too_little_left"] * 7
    assert dropped["value"].to_pylist() == [0.0] * 7
    assert edits.select(["start", "end", "count"]).slice(7).to_pylist() == [
        {"start": 0, "end": len(two) + 1, "count": 8}
    ]


NOTICE = "This notice stands beneath each page of the site and was broken at a\nWidth by hand, so that its lines are pieces of one paragraph and say\nNothing alone."
OWN = "It rained, as number {} wrote, all day and all night until the bridge was gone{}, and with it the two mills and the house of the man who kept them."


def texts_around(part, count=8):
    return [
        f"Page {i}\n======\n\n{OWN.format(i, 'x' * i)}\n\n{part(i)}\n\nThe end of page {i}.\n" for i in range(count)
    ]


@pytest.mark.parametrize(
    "part",
    [
        # A frequent line in a wrapped paragraph, as the lead-in of a list, as an item, as the heading of a section.
        lambda i: f"{NOTICE} Number {i} tells in words of its own how it came\nTo be here and who had put it there.",
        lambda i: f"For each of the following parts of the machine:\n\n- take number {i}\n- leave {i + 9}",
        lambda i: f"These are:\n\n- to be held against the other parts of the machine\n- the {i}th\n- the {i + 9}th",
        lambda i: f"## What to hold against the other parts of the machine\n\nNumber {i}.",
        lambda i: f"## Number {i}\n\nWhat is held against the other parts of the machine:\n\nThe {i}th.",
        lambda i: f"Author: number {i}\nLicence: as it is given beside the parts of this machine\nDate: {i}",
        lambda i: f"<p>\nHere is the other part of the machine for you\n</p>\n<p>The {i}th</p>",
        lambda i: f"> What is held against the other parts of the machine\n> {i}, as it was told?",
    ],
)
def test_what_belongs_to_something_that_stays_is_not_cut(tmp_path, part):
    documents = make(texts_around(part))
    kept, _, edits, notes = run(tmp_path / "units", documents, stage.Config(), 3, 2)
    assert kept["text"].equals(documents["text"])
    assert edits.num_rows == 0
    assert notes["frequent_lines_kept"] >= 8
    alone = run(tmp_path / "alone", documents, stage.Config(unit_coverage=None), 2, 3)
    assert alone.edits.num_rows >= 8
    assert (alone.notes["frequent_lines_kept"], alone.notes["lines_cut"]) == (0, notes["frequent_lines_kept"])


@pytest.mark.parametrize(
    "notice",
    [
        NOTICE,
        "These are shared by all of the pages:\n\n- the one that is held against the other parts\n- what stands beside the first of all parts",
        "## Copyright\n\nThis document has been placed in the public domain.",
        "--\nAnn of the works that made this machine and others",
    ],
)
def test_what_is_frequent_as_a_whole_goes_as_a_whole(tmp_path, notice):
    # A section ends with the text, or at a heading of its own level.
    texts = [text.replace("The end", "## The end") for text in texts_around(lambda _: notice)]
    kept, dropped, edits, notes = run(tmp_path, make(texts), stage.Config(), 3, 2)
    assert dropped.num_rows == 0
    assert kept["text"].to_pylist() == [text.replace(notice + "\n\n", "") for text in texts]
    assert edits["count"].to_pylist() == [8] * 8
    assert notes["frequent_lines_kept"] == 0


def test_web_text_with_a_paragraph_a_line_loses_its_menus_and_banners(tmp_path):
    menu = "Home | News | Sport | Weather | Shop | Travel | About us | Contact | Imprint"
    foot = "Copyright 2024 The Site Ltd. All rights reserved in all countries of the world"
    texts = [
        "\n".join([menu, f"Story {i}", OWN.format(i, "x" * i), BANNER.format(f"{i} May"), f"More on {i}", foot, "Top"])
        for i in range(8)
    ]
    kept, _, _, notes = run(tmp_path, make(texts), stage.Config(), 2, 2)
    for i, text in enumerate(kept["text"].to_pylist()):
        assert text == "\n".join([f"Story {i}", OWN.format(i, "x" * i), f"More on {i}", "Top"])
    assert notes["lines_cut"] == 24


def test_buckets_count_apart(tmp_path):
    texts = [f"{BANNER.format('1 May')}\n\n{'own ' * 30}{i}" for i in range(16)]
    documents = make(texts, id=[f"{i:016x}{i * i:016x}" for i in range(16)])
    config = stage.Config(bucket_documents=4)
    buckets = frequent_lines.buckets_of(documents["id"], config.size(16)["buckets"])
    assert config.size(16)["buckets"] == 4
    kept, _, _, _ = run(tmp_path, documents, config, 3, 3)
    size = Counter(buckets.tolist())
    assert [text.startswith("own") for text in kept["text"].to_pylist()] == [size[b] > 6 for b in buckets.tolist()]


@pytest.mark.parametrize(
    ("corpus", "config", "expected"),
    [
        (8_000, stage.Config(), 6),
        (1_000_000, stage.Config(), 100),
        (90_000_000, stage.Config(), 3_000),  # three buckets of 30 M
        (90_000_000, stage.Config(min_share=0.0), 6),
        (0, stage.Config(), 6),
    ],
)
def test_threshold(corpus, config, expected):
    size = config.size(corpus)
    assert config.most(size["documents"], size["buckets"]) == expected


def test_a_sample_of_the_ngrams_still_finds_lines_that_repeat_word_for_word(tmp_path):
    texts = [text.replace(f"{i} May", "1 May") for i, text in enumerate(pages(8))]
    full = run(tmp_path / "full", make(texts), stage.Config())
    sampled = run(tmp_path / "sampled", make(texts), stage.Config(sample_modulus=50))
    banner = [text.rindex("We use") for text in texts]
    for name, at in zip(make(texts)["id"].to_pylist(), banner, strict=True):
        assert any(row["id"] == name and row["start"] <= at < row["end"] for row in sampled[2].to_pylist())
        assert any(row["id"] == name and row["start"] <= at < row["end"] for row in full[2].to_pylist())


def test_what_crosses_is_one_row_an_ngram_and_sampling_bounds_it():
    documents = make(
        [PROSE.format("first") + " " + " ".join(f"w{i}" for i in range(4000)) + "\n" + "a b c d e f g h\n" * 9]
    )
    rows = {
        k: next(frequent_lines.count_ngrams([documents], stage.Config(sample_modulus=k).scheme(1))).num_rows
        for k in (1, 8)
    }
    assert rows[1] == len(
        {gram for line in documents["text"][0].as_py().splitlines() for _, gram in grams(line, stage.Config())}
    )
    assert rows[1] / 12 < rows[8] < rows[1] / 6


def test_notes_say_what_crossed_for_how_much_text(tmp_path):
    texts = [*pages(7), "é" * 50]
    notes = run(tmp_path, make(texts, kind=["code", *["prose"] * 7]), stage.Config(), 3, 2)[3]
    assert notes["crossing_bytes"] == sum(path.stat().st_size for path in (tmp_path / "map").glob("*.arrow"))
    assert notes["text_bytes"] == sum(len(text.encode()) for text in texts[1:])


@pytest.mark.parametrize("count", [0, 1, 25, 8_192, 8_193, 300_000])
@pytest.mark.parametrize(
    "draw",
    [
        lambda random, count: random.integers(0, 2**64 - 1, count, dtype=np.uint64),
        lambda random, count: random.integers(0, 2**64 - 1, 40, dtype=np.uint64)[random.integers(0, 40, count)],
        lambda random, count: random.integers(0, 1 << 20, count, dtype=np.uint64),
        lambda random, count: np.uint64(2**64 - 1) - random.integers(0, 3, count, dtype=np.uint64),
    ],
)
def test_keys_are_sorted_and_counted(draw, count):
    keys = draw(np.random.default_rng(count), count)
    expected, times = np.unique(keys, return_counts=True)
    counts = np.empty(count, dtype=np.int32)
    distinct = sorted_counts(keys, counts)
    assert np.array_equal(keys[:distinct], expected)
    assert np.array_equal(counts[:distinct], times)


def test_a_long_document_counts_once_too():
    line = "one two three four five six seven eight nine"
    assert len(line) * 60_000 > 2 * LARGE
    texts = ["\n".join([line] * 60_000), f"{line}\n{line}", "nine ten eleven twelve thirteen fourteen fifteen sixteen"]
    (counted,) = frequent_lines.count_ngrams([make(texts)], stage.Config().scheme(1))
    assert sorted(counted["documents"].to_pylist()) == [1, 2, 2]


def test_partitions_are_ranges_of_the_keys():
    bounds = frequent_lines.partition_bounds(3)
    assert bounds[0] == 0
    assert np.all(bounds[1:] > bounds[:-1])


def test_an_empty_corpus_goes_through(tmp_path):
    kept, dropped, edits, _ = run(tmp_path, make([]), stage.Config(), 2, 3)
    assert (kept.num_rows, dropped.num_rows, edits.num_rows) == (0, 0, 0)


DATA = Path(__file__).parents[4] / "shared/data/text"


def real_texts(name):
    path = DATA / f"{name}.jsonl.zst"
    if not path.exists():
        pytest.skip(f"real data is not here: {path}")
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as lines:
        return [json.loads(line)["text"] for line in lines.read().decode().split("\n") if line]


def test_real_prose_is_untouched_and_real_banners_go():
    prose = [*real_texts("c4_demo"), *real_texts("wiki_demo"), *real_texts("nltk-movie_reviews")]
    weekly = real_texts("ruanyf-weekly")
    documents = make([*prose, *weekly])
    config = stage.Config()
    counted = [
        partial(lambda table: table, table) for table in frequent_lines.count_ngrams([documents], config.scheme(1))
    ]
    (often,), _ = frequent_lines.frequent([counted], config.most(documents.num_rows, 1))
    kept, dropped, edits = frequent_lines.Pruner(often, config.scheme(1)).prune(documents)
    assert dropped.num_rows == 0
    assert kept["text"].to_pylist()[: len(prose)] == prose
    cut = {
        documents["text"][int(row["id"][:16], 16)].as_py()[row["start"] : row["end"]].strip()
        for row in edits.to_pylist()
    }
    assert "这里记录每周值得分享的科技内容，周五发布。" in cut  # noqa: RUF001


@pytest.mark.parametrize(
    "wrong",
    [{"ngram": 0}, {"coverage": 0.0}, {"min_share": 1.5}, {"bucket_documents": 0}, {"sample_modulus": 0}, {"n": 8}],
)
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(ValidationError):
        stage.Config(**wrong)


@given(corpora(), CONFIG, st.tuples(st.integers(0, 9), st.integers(0, 9)), st.permutations([(1, 1), (3, 5), (2, 4)]))
@settings(deadline=None, max_examples=15)
def test_the_last_of_several_runs_cuts_what_one_run_over_everything_cuts_there(documents, config, cuts, splits):
    config = config.model_copy(update={"bucket_documents": 100, "min_characters": 0})
    bounds = [0, *sorted(min(cut, documents.num_rows) for cut in cuts), documents.num_rows]
    indexes: list[str] = []
    with tempfile.TemporaryDirectory() as name, patch.object(frequent_lines, "KEYS_AT_ONCE", 20):
        whole = run(Path(name) / "whole", documents, config, 2, 2)
        for number, (first, last) in enumerate(pairwise(bounds)):
            mine = config.model_copy(update={"against": tuple(indexes), "write_index": True})
            outcome = run(Path(name) / f"{number}", documents[first:last], mine, *splits[number])
            indexes.append(f"{name}/{number}/index")
    for table, everything in ((outcome.kept, whole.kept), (outcome.edits, whole.edits)):
        last_run = pc.is_in(everything["id"], value_set=documents["id"][bounds[2] :].combine_chunks())
        assert table.to_pylist() == everything.filter(last_run).to_pylist()


@pytest.mark.parametrize("before", [(1, 1), (3, 2), (2, 5)])
@pytest.mark.parametrize("after", [(1, 1), (2, 3), (4, 4)])
def test_what_only_a_later_run_makes_frequent_is_counted(tmp_path, before, after):
    texts = [f"{' '.join(f'own{i}x{k}' for k in range(60))}\n\n{BANNER.format('1 May')}" for i in range(8)]
    first = run(tmp_path / "a", make(texts[:4]), stage.Config(write_index=True), *before)
    later = stage.Config(against=(str(tmp_path / "a" / "index"),))
    kept, _, edits, notes = run(tmp_path / "b", make(texts[4:]), later, *after)
    assert kept.num_rows == 4
    assert not any("cookies" in text for text in kept["text"].to_pylist())
    assert set(edits["count"].to_pylist()) == {8}
    assert first.edits.num_rows == 0
    # As many as the banner has.
    assert notes["ngrams_frequent_only_now"] == len(words(BANNER.format("1 May"))) - 7


def test_runs_that_counted_in_different_numbers_of_buckets_are_refused(tmp_path):
    texts = [f"{BANNER.format('1 May')} {i}" for i in range(4)]
    for name, size in (("a", 30), ("b", 2)):
        run(tmp_path / name, make(texts), stage.Config(write_index=True, bucket_documents=size))
    with pytest.raises(ConfigError, match=r"different numbers of buckets .*a/index 1, .*b/index 2"):
        stage.Config(against=[str(tmp_path / name / "index") for name in "ab"]).earlier()
