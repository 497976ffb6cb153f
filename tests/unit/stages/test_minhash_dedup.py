"""Near-duplicates: against brute force, whatever the shards, and under hostile input."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import datasketch
import numpy as np
import pyarrow as pa
import pytest
from documents import batched
from hypothesis import example, given, settings
from hypothesis import strategies as st
from near_duplicates import (
    CERTAIN,
    components,
    corpus,
    greedy,
    jaccard,
    leave_scope_out_of_bands,
    ngrams,
    sentence,
    spread,
    with_changes,
)
from pydantic import ValidationError
from stage_jobs import MinhashJobs, minhash_dedup

from tamis import exchange, hashing, streams
from tamis.dedup.minhash import signatures
from tamis.dedup.minhash.operators import Operators
from tamis.errors import ShardMismatchError, SourceError
from tamis.ids import home_shards
from tamis.kernels.dedup import minhash as kernel
from tamis.shards import read_table, write_table
from tamis.stages import minhash_dedup as stage
from tamis.stages.minhash_dedup import Config, candidate_probability

run = batched(minhash_dedup)

DATA = Path(__file__).parents[4] / "shared" / "data"


def test_an_extract_and_its_parent_are_no_pair_but_others_are(tmp_path: Path, make_documents) -> None:
    """Module and page share 18 of 21 5-grams; so do the page and a module of which it is no extract."""
    words = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
        "h",
        "i",
        "j",
    ]
    module, page = " ".join(words), " ".join(words[1:-1])
    parents = {"parent": [None, f"{0:016x}"]}
    ids = {"id": [f"{7:016x}{0:016x}", f"{8:016x}{1:016x}"]}
    for grouping in ("greedy", "components"):
        config = Config(grouping=grouping, audit_sample=10)
        own = {"parent": [None, f"{7:016x}"], **ids}
        outcome = run(tmp_path / grouping, make_documents([module, page], **own), config)
        assert outcome.matches() == {}
        assert outcome.notes["pairs_of_extracts"] == 1
        assert (outcome.notes["audit_pairs"], outcome.notes["audit_missed"]) == (0, 0)
        other = run(tmp_path / f"{grouping} other", make_documents([module, page], **parents, **ids), config)
        assert other.matches() == {1: ("near_duplicate", 0, 16 / 18)}
        assert other.notes["pairs_of_extracts"] == 0


LETTERS = [f"{i:016x}" for i in range(0, 2**64, 2**64 // 37)]


def folder() -> Path:
    return Path(tempfile.mkdtemp())


def test_by_hand(tmp_path: Path, make_documents) -> None:
    """Twelve words are eight 5-grams. One word more at the end: 8 of 9 shared; one word in the middle changed: 3 of 13."""
    base = "one two three four five six seven eight nine ten eleven twelve"
    texts = [base, base + " thirteen", base.replace("six", "6"), base.upper().replace(" ", "\n")]
    outcome = run(tmp_path, make_documents(texts))
    assert outcome.matches() == {1: ("near_duplicate", 0, 8 / 9), 3: ("exact_ngram_set", 0, 1.0)}
    assert outcome.kept["copies"].to_pylist() == [3, 1]
    assert outcome.dropped["value"].to_pylist() == [8 / 9, 1.0]
    assert set(outcome.dropped["threshold"].to_pylist()) == {0.7}
    assert outcome.notes == {
        "candidate_pairs": 1,
        "groups": 1,
        "largest_group": 3,
        "pairs_told_apart": 0,
        "pairs_of_extracts": 0,
        "suppressed_pairs": 0,
        "verified_pairs": 1,
        "without_words": 0,
    }


def test_a_copy_of_a_dropped_document_names_the_kept_one(tmp_path: Path, make_documents) -> None:
    base = sentence(1, 60)
    near = " ".join(with_changes(base, 1, 2))
    outcome = run(tmp_path, make_documents([" ".join(base), near, near.title()], copies=[1, 2, 4]))
    similarity = jaccard(ngrams(" ".join(base)), ngrams(near))
    assert outcome.matches() == {1: ("near_duplicate", 0, similarity), 2: ("near_duplicate", 0, similarity)}
    assert outcome.kept["copies"].to_pylist() == [7]


@pytest.mark.parametrize("shards", [1, 3])
def test_the_text_before_any_cut_is_compared(tmp_path: Path, make_documents, shards: int) -> None:
    one, two, other = (" ".join(sentence(number, 60)) for number in range(3))
    before = make_documents([one, one, two, f"{two} {other}", other], copies=[1, 1, 1, 1, 1])
    # The second lost most of its words, the fourth what told it from the third; the last is gone.
    cut = make_documents([one, one[:90], two, two, other], copies=[1, 2, 1, 3, 1]).slice(0, 4)
    jobs = MinhashJobs(stage, tmp_path, cut, Config(audit_sample=100, write_index=True), shards, 2)
    jobs.judged = "judged"
    home = home_shards(before["id"], shards)
    for shard in range(shards):
        write_table(jobs.part("judged", shard), before.filter(pa.array(home == shard)).sort_by("id"))
    jobs.candidates()
    jobs.verification()
    outcome = jobs.decision()
    assert outcome.matches() == {1: ("exact_ngram_set", 0, 1.0)}
    assert outcome.kept["text"].to_pylist() == [one, two, two]
    assert outcome.kept["copies"].to_pylist() == [3, 1, 3]
    assert (outcome.notes["audit_documents"], outcome.notes["audit_pairs"], outcome.notes["audit_missed"]) == (4, 1, 0)
    jobs.index()
    again = run(tmp_path / "again", make_documents([f"{two} {other}"]), Config(against=(str(tmp_path / "index"),)))
    assert [row["matched_id"] for row in again.dropped.to_pylist()] == [before["id"][3].as_py()]


def test_greedy_keeps_what_is_similar_only_to_dropped_documents(tmp_path: Path, make_documents) -> None:
    chain = [" ".join(f"w{i}" for i in range(start, start + 44)) for start in (0, 6, 12, 18)]
    sets = [ngrams(text) for text in chain]
    assert jaccard(sets[0], sets[1]) > 0.7 > jaccard(sets[0], sets[2])
    by_greedy = run(tmp_path / "a", make_documents(chain))
    assert by_greedy.kept_numbers() == [0, 2]
    by_components = run(tmp_path / "b", make_documents(chain), Config(grouping="components"))
    assert by_components.kept_numbers() == [0]
    assert by_greedy.stays() == {1: 0, 3: 2}
    direct = jaccard(sets[0], sets[1])
    # Each names the neighbour that joins it, the first of equally similar ones; all make room for the first of the chain.
    assert by_components.matches() == {i: ("near_duplicate", i - 1, direct) for i in (1, 2, 3)}
    assert by_components.stays() == {1: 0, 2: 0, 3: 0}
    assert by_components.dropped["value"].to_pylist() == [direct] * 3
    assert by_components.kept["copies"].to_pylist() == [4]


def test_a_document_that_later_ones_join_to_its_group_names_the_most_similar_of_them(
    tmp_path: Path, make_documents
) -> None:
    # The second is similar to the third and the fourth only, more to the fourth; and a copy of it follows it.
    words = [f"w{i}" for i in range(80)]
    texts = [" ".join(words[first : first + 44]) for first in (0, 14, 7, 10)] + [" ".join(words[14:58]).title()]
    sets = [ngrams(text) for text in texts]
    near = jaccard(sets[1], sets[3])
    assert near > jaccard(sets[1], sets[2]) > 0.65 > jaccard(sets[0], sets[1])
    outcome = run(tmp_path, make_documents(texts), Config(grouping="components", **CERTAIN | {"threshold": 0.65}))
    matches = outcome.matches()
    assert matches[1] == matches[4] == ("near_duplicate", 3, near)
    assert outcome.stays() == dict.fromkeys((1, 2, 3, 4), 0)


def test_most_similar_kept_document_is_named_and_ties_go_to_the_first(tmp_path: Path, make_documents) -> None:
    words = [f"w{i}" for i in range(100)]
    texts = [" ".join(words[:80]), " ".join(words[20:]), " ".join(words[4:84])]
    sets = [ngrams(text) for text in texts]
    near = [jaccard(sets[2], sets[k]) for k in (0, 1)]
    assert near[0] > near[1] > 0.65 > jaccard(sets[0], sets[1])
    config = Config(**CERTAIN | {"threshold": 0.65})
    assert run(tmp_path / "a", make_documents(texts), config).matches() == {2: ("near_duplicate", 0, near[0])}
    swapped = make_documents([texts[1], texts[0], texts[2]])
    assert run(tmp_path / "b", swapped, config).matches() == {2: ("near_duplicate", 1, near[0])}
    even = [" ".join(words[:80]), " ".join(words[20:]), " ".join(words[10:90])]
    assert run(tmp_path / "c", make_documents(even), config).matches()[2][1] == 0


SMALL = st.lists(
    st.lists(st.sampled_from(["a", "b", "C", "d.", "é", "中", "\n"]), max_size=9).map(" ".join), min_size=1, max_size=12
)


@settings(max_examples=40, deadline=None)
@given(SMALL, st.integers(1, 3), st.integers(0, 5))
@example(["a C d.", "a b d.", "a b", "a b d."], 1, 0)  # the last is nearer to a kept text than its dropped equal was
def test_greedy_equals_brute_force(texts: list[str], ngram: int, seed: int) -> None:
    from documents import make_documents

    outcome = run(
        folder(),
        make_documents(texts, id=spread(len(texts), seed)),
        Config(ngram=ngram, **CERTAIN),
        shards=1 + seed % 3,
        partitions=1 + seed % 2,
    )
    expected = greedy(texts, 0.5, ngram)
    assert {i: match[1:] for i, match in outcome.matches().items()} == expected
    assert outcome.stays() == {i: kept for i, (kept, _) in expected.items()}
    for reason, _, similarity in outcome.matches().values():
        assert (reason == "exact_ngram_set") == (similarity == 1.0)
    named = Counter(kept for kept, _ in expected.values())
    names = [int(name[16:], 16) for name in outcome.kept["id"].to_pylist()]
    assert dict(zip(names, outcome.kept["copies"].to_pylist(), strict=True)) == {i: 1 + named[i] for i in names}


@settings(max_examples=15, deadline=None)
@given(SMALL, st.integers(1, 2))
def test_components_equal_brute_force(texts: list[str], ngram: int) -> None:
    from documents import make_documents

    outcome = run(
        folder(),
        make_documents(texts, id=spread(len(texts))),
        Config(ngram=ngram, grouping="components", **CERTAIN),
        shards=2,
    )
    expected = components(texts, 0.5, ngram)
    assert {i: match[1:] for i, match in outcome.matches().items()} == {i: told[:2] for i, told in expected.items()}
    assert outcome.stays() == {i: told[2] for i, told in expected.items()}
    assert outcome.dropped["value"].equals(outcome.dropped["similarity"])


@pytest.mark.parametrize("grouping", ["greedy", "components"])
def test_shards_partitions_and_order_do_not_matter(tmp_path: Path, make_documents, grouping: str) -> None:
    texts = corpus()
    config = Config(grouping=grouping)
    results = []
    for shards, partitions in ((1, 1), (3, 5), (5, 3)):
        documents = make_documents(texts, id=spread(len(texts)))
        shuffled = documents.take(pa.array(np.random.default_rng(shards).permutation(len(texts))))
        results.append(run(tmp_path / str(shards), shuffled, config, shards=shards, partitions=partitions))
    for other in results[1:]:
        assert other.kept.equals(results[0].kept)
        assert other.dropped.equals(results[0].dropped)
    for name in ("candidate_pairs", "suppressed_pairs", "verified_pairs", "groups", "without_words"):
        assert len({result.notes[name] for result in results}) == 1
    assert results[0].notes["without_words"] == 2
    renamed = run(tmp_path / "renamed", make_documents(texts, id=spread(len(texts), 9)), config, shards=2, partitions=2)
    assert renamed.matches() == results[0].matches()
    if grouping == "greedy":
        assert {i: match[1:] for i, match in renamed.matches().items()} == greedy(texts, 0.7)


def test_rewrapped_recased_and_repunctuated_copies_are_copies(tmp_path: Path, make_documents) -> None:
    english = "It was the best of times, it was the worst of times; it was the age of wisdom."
    chinese = "人人生而自由。在尊严和权利上一律平等。他们赋有理性和良心。并应以兄弟关系的精神相对待。"
    thai = "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ"
    texts = [
        english, english.upper().replace(",", " --").replace(" ", "\r\n"),
        chinese, chinese.replace("。", "\n, "),
        thai, "\u201c" + thai[:20] + " " + thai[20:] + "\u201d",
    ]  # fmt: skip
    outcome = run(tmp_path, make_documents(texts))
    assert outcome.matches() == {i: ("exact_ngram_set", i - 1, 1.0) for i in (1, 3, 5)}


def test_one_changed_character_of_a_chinese_text_is_a_near_copy(tmp_path: Path, make_documents) -> None:
    text = "".join(chr(0x4E00 + value) for value in np.random.default_rng(0).integers(0, 5000, 80))
    outcome = run(tmp_path, make_documents([text, text[:40] + "一" + text[41:]]))
    assert outcome.matches() == {1: ("near_duplicate", 0, 71 / 81)}


def test_short_and_wordless_documents(tmp_path: Path, make_documents) -> None:
    texts = ["A b c.", "a, B; (C)", "a b", "a b c d", "a b c d e", "", "", "?!", "c b a"]
    outcome = run(tmp_path, make_documents(texts), Config(threshold=0.5, recall=0.4))
    assert outcome.matches() == {1: ("exact_ngram_set", 0, 1.0)}
    assert outcome.notes["without_words"] == 3


def test_other_kinds_pass_untouched(tmp_path: Path, make_documents) -> None:
    text = " ".join(sentence(0, 30))
    documents = make_documents([text] * 4, kind=["code", "prose", "code", "prose"])
    outcome = run(tmp_path, documents, Config(applies_to=("prose",)), shards=2)
    assert outcome.matches() == {3: ("exact_ngram_set", 1, 1.0)}
    assert outcome.kept_numbers() == [0, 1, 2]


SCOPED = [
    ("source", {"source": ["a", "b"]}),
    ("kind", {"kind": ["licence", "prose"]}),
    ("metadata.snapshot", {"metadata": ['{"snapshot": "2024-10"}', '{"snapshot": "2024-18", "x": 1}']}),
    ("metadata.snapshot", {"metadata": ['{"snapshot": 1}', None]}),
]


@pytest.mark.parametrize(("within", "values"), SCOPED)
def test_documents_are_compared_inside_one_scope_only(tmp_path: Path, make_documents, within: str, values) -> None:
    base = sentence(1, 60)
    three = [" ".join(base), " ".join(with_changes(base, 1, 2)), " ".join(base).upper()]
    near = jaccard(ngrams(three[0]), ngrams(three[1]))
    columns = {name: [pair[0], pair[1]] * 3 for name, pair in values.items()}
    # Two scopes, each with a text, a near-copy and an equal one.
    documents = make_documents([text for text in three for _ in range(2)], id=spread(6), **columns)
    outcome = run(tmp_path, documents, Config(within=within), shards=3, partitions=2)
    assert outcome.matches() == {
        2: ("near_duplicate", 0, near),
        3: ("near_duplicate", 1, near),
        4: ("exact_ngram_set", 0, 1.0),
        5: ("exact_ngram_set", 1, 1.0),
    }
    assert run(tmp_path / "all", documents, shards=2).kept_numbers() == [0]


@pytest.mark.parametrize("grouping", ["greedy", "components"])
def test_a_scope_gives_what_each_part_alone_gives(tmp_path: Path, make_documents, grouping: str) -> None:
    texts = corpus(12)
    sources = ["ab"[value] for value in np.random.default_rng(5).integers(0, 2, len(texts))]
    documents = make_documents(texts, id=spread(len(texts)), source=sources)
    config = Config(grouping=grouping)
    both = run(tmp_path / "both", documents, Config(grouping=grouping, within="source"), shards=2, partitions=3)
    alone = {}
    for name in "ab":
        part = documents.filter(pa.compute.equal(documents["source"], name))
        alone |= run(tmp_path / name, part, config).matches()
    assert both.matches() == alone


def test_candidates_of_another_scope_fail_verification(tmp_path: Path, make_documents, monkeypatch) -> None:
    leave_scope_out_of_bands(monkeypatch)
    base = sentence(1, 60)
    texts = [" ".join(base), " ".join(with_changes(base, 1, 2))]
    outcome = run(tmp_path, make_documents(texts, source=["a", "b"]), Config(within="source"))
    assert outcome.notes["candidate_pairs"] == 1
    assert outcome.kept_numbers() == [0, 1]


def test_texts_made_to_collide_in_every_band_are_told_apart(tmp_path: Path, make_documents, monkeypatch) -> None:
    make = signatures.signatures

    def colliding(*arguments) -> pa.Table:
        table = make(*arguments)
        bands = np.tile(np.arange(42, dtype=np.uint64), table.num_rows)
        column = pa.FixedSizeListArray.from_arrays(pa.array(bands), 42)
        return table.set_column(table.schema.get_field_index("bands"), "bands", column)

    monkeypatch.setattr(signatures, "signatures", colliding)
    base = sentence(1, 60)
    texts = [
        " ".join(base),
        *(" ".join(sentence(seed, 60)) for seed in range(2, 12)),
        " ".join(with_changes(base, 1, 2)),
    ]
    outcome = run(tmp_path, make_documents(texts, id=spread(len(texts))), shards=2, partitions=3)
    assert outcome.notes["candidate_pairs"] == 12 * 11 // 2
    assert outcome.matches().keys() == {11}
    assert outcome.matches()[11][:2] == ("near_duplicate", 0)


def test_an_empty_corpus_and_empty_shards(tmp_path: Path, make_documents) -> None:
    outcome = run(tmp_path, make_documents([]), shards=2, partitions=3)
    assert outcome.kept.num_rows == outcome.dropped.num_rows == 0
    assert outcome.notes["largest_group"] == 0


def test_ten_thousand_identical_documents(tmp_path: Path, make_documents) -> None:
    text = " ".join(sentence(0, 20))
    outcome = run(tmp_path, make_documents([text] * 10_000, id=spread(10_000)), shards=2, partitions=2)
    assert outcome.kept_numbers() == [0]
    assert outcome.kept["copies"].to_pylist() == [10_000]
    assert outcome.notes["candidate_pairs"] == 0


def test_one_bucket_of_near_copies_stays_linear(tmp_path: Path, make_documents) -> None:
    base = sentence(0, 300)
    texts = [" ".join([*base, f"page{i}"]) for i in range(1500)]
    outcome = run(tmp_path, make_documents(texts, id=spread(1500)), Config(bucket_candidates=4), shards=2, partitions=2)
    assert outcome.kept_numbers() == [0]
    assert outcome.notes["candidate_pairs"] < 1500 * 4 * 42
    assert outcome.notes["suppressed_pairs"] > 10**6
    assert min(outcome.dropped["similarity"].to_pylist()) == 296 / 298


def test_one_word_a_million_times(tmp_path: Path, make_documents) -> None:
    outcome = run(tmp_path, make_documents(["spam " * 10**6, "SPAM spam spam spam spam, spam", "spam"]))
    assert outcome.matches() == {1: ("exact_ngram_set", 0, 1.0)}


# The audit


def close_pairs(texts: list[str], threshold: float) -> set[tuple[int, int]]:
    sets = [ngrams(text) for text in texts]
    return {(k, i) for i in range(len(sets)) for k in range(i) if sets[i] and jaccard(sets[i], sets[k]) >= threshold}


# One band of 24 rows finds few pairs at 0.5; the default nearly all.
POOR = {"threshold": 0.5, "bands": 1, "rows": 24, "recall": 0.0}


@pytest.mark.parametrize("settings", [{}, POOR, {"bucket_candidates": 1, "threshold": 0.6, "recall": 0}])
def test_an_audit_of_everything_counts_the_pairs_that_brute_force_finds(tmp_path, make_documents, settings) -> None:
    texts = corpus(25)
    config = Config(**settings, audit_sample=10**6)
    outcome = run(tmp_path, make_documents(texts, id=spread(len(texts))), config, shards=3, partitions=2)
    close, kept = close_pairs(texts, config.threshold), set(outcome.kept_numbers())
    assert outcome.notes["audit_documents"] == len(texts) - 2
    assert outcome.notes["audit_pairs"] == len(close) > 20
    assert outcome.notes["audit_missed"] == sum(one in kept and other in kept for one, other in close)
    assert (outcome.notes["audit_missed"] > 0) == bool(settings)


def test_an_audit_of_a_sample_counts_the_pairs_of_its_documents(tmp_path: Path, make_documents) -> None:
    texts = corpus(25)
    ids = spread(len(texts))
    documents = make_documents(texts, id=ids, source=["ab"[i % 2] for i in range(len(texts))])
    config = Config(**POOR, audit_sample=30)
    outcome = run(tmp_path / "a", documents, config, shards=3, partitions=2)
    positions = hashing.keyed_uint64("minhash_dedup audit", ids)
    sample = {i for i, text in enumerate(texts) if ngrams(text) and positions[i] < 30 * 2**64 // (len(texts) - 2)}
    close = {pair for pair in close_pairs(texts, 0.5) if sample & set(pair)}
    kept = set(outcome.kept_numbers())
    assert 15 < outcome.notes["audit_documents"] == len(sample) < 45
    assert outcome.notes["audit_pairs"] == len(close)
    assert outcome.notes["audit_missed"] == sum(one in kept and other in kept for one, other in close)
    again = run(tmp_path / "b", documents, config, shards=1)
    assert [again.notes[name] for name in ("audit_documents", "audit_pairs", "audit_missed")] == [
        outcome.notes[name] for name in ("audit_documents", "audit_pairs", "audit_missed")
    ]
    inside = run(tmp_path / "c", documents, Config(**POOR, audit_sample=30, within="source"), shards=2)
    assert inside.notes["audit_pairs"] == sum(one % 2 == other % 2 for one, other in close)


def test_an_audit_changes_no_document_and_an_empty_corpus_has_one(tmp_path: Path, make_documents) -> None:
    documents = make_documents(corpus(8))
    one = run(tmp_path / "a", documents, shards=2)
    other = run(tmp_path / "b", documents, Config(audit_sample=10), shards=2)
    assert one.kept.equals(other.kept)
    assert one.dropped.equals(other.dropped)
    empty = run(tmp_path / "c", make_documents([]), Config(audit_sample=5), shards=2)
    assert empty.notes["audit_pairs"] == empty.notes["audit_documents"] == 0


def test_recall_on_licences(tmp_path: Path, make_documents) -> None:
    zstandard = pytest.importorskip("zstandard")
    path = DATA / "text" / "licensedb.jsonl.zst"
    if not path.exists():
        pytest.skip(f"{path} is not here: the shared test data is optional")
    with path.open("rb") as file:
        lines = io.TextIOWrapper(
            zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file), encoding="utf-8"
        )
        texts = [json.loads(line)["text"] for line in lines][::3]
    outcome = run(tmp_path, make_documents(texts, id=spread(len(texts))), shards=3, partitions=2)
    sets = [ngrams(text) for text in texts]
    close = [
        (k, i)
        for i in range(len(sets))
        for k in range(i)
        if min(len(sets[i]), len(sets[k])) >= 0.7 * max(len(sets[i]), len(sets[k])) and jaccard(sets[i], sets[k]) >= 0.7
    ]
    kept = set(outcome.kept_numbers())
    assert len(close) > 100
    assert sum(one in kept and other in kept for one, other in close) <= len(close) / 100
    for i, (_, named, similarity) in outcome.matches().items():
        assert named in kept
        assert similarity == jaccard(sets[i], sets[named]) >= 0.7


# The kernels


def signature_of(grams: np.ndarray, permutations: int) -> np.ndarray:
    numbers = hashing.keys("test", 2 * permutations).astype(np.uint32)
    minima = np.empty(permutations, np.uint32)
    kernel.signature(
        grams,
        len(grams),
        numbers[:permutations] | np.uint32(1),
        numbers[permutations:],
        np.empty(kernel.BLOCK, np.uint32),
        minima,
    )
    return minima


@pytest.mark.parametrize("shared", range(50, 1050, 50))
def test_signatures_estimate_the_known_jaccard(shared: int) -> None:
    """Twenty levels; 2048 permutations have a standard error of at most 0.011, datasketch's with 512 at most 0.022."""
    size = 1000
    values = np.random.default_rng(shared).integers(1, 2**64, 2 * size - shared, dtype=np.uint64)
    one, other = values[:size], values[size - shared :]
    known = shared / (2 * size - shared)
    estimate = (signature_of(one, 2048) == signature_of(other, 2048)).mean()
    assert estimate == pytest.approx(known, abs=0.045)
    sketches = [datasketch.MinHash(512, seed=1) for _ in range(2)]
    for sketch, members in zip(sketches, (one, other), strict=True):
        sketch.update_batch([member.tobytes() for member in members])
    assert estimate == pytest.approx(sketches[0].jaccard(sketches[1]), abs=0.1)


def test_signature_is_the_minimum_of_each_permutation() -> None:
    grams = np.random.default_rng(0).integers(1, 2**64, 3000, dtype=np.uint64)
    numbers = hashing.keys("test", 40).astype(np.uint32)
    upper = (grams >> np.uint64(32)).astype(object)
    expected = [
        min((int(a | 1) * x + int(b)) % 2**32 for x in upper) for a, b in zip(numbers[:20], numbers[20:], strict=True)
    ]
    assert signature_of(grams, 20).tolist() == expected
    assert signature_of(grams[::-1].copy(), 20).tolist() == expected
    assert len(set(expected)) == 20


@pytest.mark.parametrize(("bands", "rows"), [(42, 6), (14, 8), (25, 5)])
def test_share_of_candidates_is_the_one_of_the_formula(bands: int, rows: int) -> None:
    pairs = 250
    found = 0
    for seed in range(pairs):
        values = np.random.default_rng(seed).integers(1, 2**64, 230 + 70, dtype=np.uint64)
        one, other = (signature_of(part, bands * rows).reshape(bands, rows) for part in (values[:255], values[45:]))
        found += bool((one == other).all(axis=1).any())
    expected = candidate_probability(0.7, bands, rows)
    assert found / pairs == pytest.approx(expected, abs=0.01 + 4 * (expected * (1 - expected) / pairs) ** 0.5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 6), max_size=40), st.integers(1, 7))
def test_ngram_sets_have_the_members_they_should(numbers: list[int], ngram: int) -> None:
    words = np.array(numbers, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    grams = np.zeros(64, np.uint64)
    size = kernel.ngram_set(words, len(words), ngram, np.uint64(7), np.full(128, 99, np.uint64), grams)
    expected = ngrams(" ".join(map(str, numbers)), ngram)
    assert size == len(expected) == len(set(grams[:size].tolist()))


# The configuration


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"permutations is 256, but bands × rows is 42 × 6 = 252"):
        Config(permutations=256)
    with pytest.raises(
        ValidationError, match=r"bands 14 and rows 8 .* threshold 0.7 .* probability 0.565, less than recall 0.99"
    ):
        Config(bands=14, rows=8)
    assert Config(bands=14, rows=8, recall=0.5, permutations=112).bands == 14
    for wrong in ({"threshold": 0}, {"threshold": 1.1}, {"bucket_candidates": 0}, {"grouping": "all"}, {"band": 3}):
        with pytest.raises(ValidationError):
            Config(**wrong)


def test_candidate_probability_is_that_of_the_papers() -> None:
    assert candidate_probability(0.7, 42, 6) == pytest.approx(0.995, abs=5e-4)
    assert candidate_probability(0.7, 14, 8) == pytest.approx(0.565, abs=5e-4)
    assert candidate_probability(1.0, 1, 1) == 1.0


# Files


def test_documents_that_change_between_steps_are_noticed(tmp_path: Path, make_documents) -> None:
    base = sentence(0, 60)
    documents = make_documents([" ".join(base), " ".join(with_changes(base, 1, 1))])
    steps = MinhashJobs(stage, tmp_path, documents)
    steps.candidates()
    table = read_table(steps.part("documents", 0))
    shorter = pa.array([text[: len(text) // 2] for text in table["text"].to_pylist()], pa.large_string())
    write_table(steps.part("documents", 0), table.set_column(table.schema.get_field_index("text"), "text", shorter))
    with pytest.raises(ShardMismatchError, match="changed during the run"):
        steps.verification()


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.arrow"
    path.write_bytes(b"ARROW1 and then nothing")
    with pytest.raises(SourceError, match=r"part-00000\.arrow"):
        list(streams.read_rounds(path, 0, 2))
    table = pa.table({"rank": pa.array([1], pa.int64())})
    exchange.write(path, table.schema, [table] * 3)
    with pytest.raises(ShardMismatchError, match="no whole rounds of 2"):
        list(streams.read_rounds(path, 0, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=40).map(sorted), min_size=1, max_size=4), st.integers(1, 5))
def test_merged_files_come_in_rank_order_with_each_rank_whole(files: list[list[int]], rows: int) -> None:
    where = folder()
    paths = []
    for index, ranks in enumerate(files):
        table = pa.table({"rank": pa.array(ranks, pa.int64())})
        paths.append(where / f"{index}.arrow")
        exchange.write(paths[-1], table.schema, [table.slice(start, rows) for start in range(0, len(ranks), rows)])
    seen: list[int] = []
    others: list[int] = []
    last = -1
    for one, other in streams.merged([paths, paths[:1]]):
        ranks = one["rank"].to_pylist()
        assert min(ranks) > last
        assert set(other["rank"].to_pylist()) <= set(ranks)
        last = max(ranks)
        seen += sorted(ranks)
        others += other["rank"].to_pylist()
    assert seen == sorted(rank for ranks in files for rank in ranks)
    assert others == files[0]


LESS = "def clamp(x, lo):\n    if x < lo:\n        return x\n    return lo\n"
MORE = "def clamp(x, lo):\n    if x > lo:\n        return -x\n    return lo\n"


@pytest.mark.parametrize("threshold", [0.7, 1.0])
@pytest.mark.parametrize("grouping", ["greedy", "components"])
def test_code_and_maths_that_differ_in_operators_alone_are_no_copies(
    tmp_path: Path, make_documents, threshold: float, grouping: str
) -> None:
    pairs = [(LESS, MORE), ("Solve x + 3 = 5 for x.", "Solve x - 3 = 5 for x."), ("a ≤ b → c", "a ≥ b → c")]
    pairs += [("1 2 3 4 5", "1, 2, 3, 4, 5"), ("if (a == b) go", "if (a != b) go"), ("x ** 2", "x * 2")]
    texts = [text for pair in pairs for text in pair]
    config = Config(threshold=threshold, recall=0.0, grouping=grouping)
    # Another layout is a copy; so is the fourth pair, which differs in commas.
    texts.append(LESS.replace("    ", "\t"))
    for kind in ("code", "maths"):
        documents = make_documents(texts, kind=[kind] * len(texts))
        outcome = run(tmp_path / kind, documents, config, shards=3, partitions=2)
        assert outcome.matches() == {7: ("exact_ngram_set", 6, 1.0), 12: ("exact_ngram_set", 0, 1.0)}
        assert outcome.notes["pairs_told_apart"] == 5
    outcome = run(tmp_path / "prose", make_documents(texts), config, shards=3)
    assert outcome.matches() == {i: ("exact_ngram_set", 0 if i == 12 else i - 1, 1.0) for i in (1, 3, 5, 7, 9, 11, 12)}
    documents = make_documents(texts, kind=["code"] * len(texts))
    words_alone = run(tmp_path / "words", documents, config.model_copy(update={"operators_in": ()}))
    assert words_alone.matches() == outcome.matches()


def test_a_long_file_with_another_operator_is_a_near_copy_and_no_exact_one(tmp_path: Path, make_documents) -> None:
    body = "\n".join(f"    total = {name} + total" for name in sentence(5, 60))
    texts = [f"{LESS}{body}", f"{MORE}{body}", f"{LESS}{body}\n"]
    documents = make_documents(texts, kind=["code"] * 3)
    assert run(tmp_path / "a", documents).matches() == {1: ("near_duplicate", 0, 1.0), 2: ("exact_ngram_set", 0, 1.0)}
    for name, config in (("b", Config(threshold=1.0)), ("c", Config(operators_below=len(texts[0]) + 1))):
        outcome = run(tmp_path / name, documents, config)
        assert outcome.matches() == {2: ("exact_ngram_set", 0, 1.0)}
        assert outcome.notes["pairs_told_apart"] == 1
    # Only one of the two is prose: its operators are not looked at.
    documents = make_documents(texts, kind=["prose", "code", "code"])
    assert run(tmp_path / "d", documents).matches() == {1: ("near_duplicate", 0, 1.0), 2: ("near_duplicate", 0, 1.0)}


OPERATORS = re.compile(
    r"[0-9+\-*/%=<>!&|^~¬±×÷\u2044\u207a-\u207c\u208a-\u208c\u2190-\u22ff\u27c0-\u27ef\u2900-\u2aff]"
)
SIGNS = st.lists(
    st.sampled_from(["a", "b", " ", "<", ">", "1", "é", "≤", "×", "語", "₊", "ß", ".", "(", "\u2043"]), max_size=9
)


@given(st.lists(SIGNS.map("".join), min_size=1, max_size=6), st.integers(0, 9))
@settings(deadline=None)
def test_operators_are_those_of_a_regular_expression(texts: list[str], below: int) -> None:
    from documents import make_documents

    operators = Operators(("code",), below)
    kinds = ["prose" if number == 3 else "code" for number in range(len(texts))]
    found = operators.hashes(make_documents(texts, kind=kinds))
    for one, text in enumerate(texts):
        for other, its in enumerate(texts):
            differ = OPERATORS.findall(text) != OPERATORS.findall(its) and 3 not in (one, other)
            pair = found[one : one + 1], found[other : other + 1]
            assert Operators(always=True).apart(*pair)[0] == differ
            assert operators.apart(*pair)[0] == (differ and min(len(text), len(its)) < below)


SHORT_CODE = st.lists(st.sampled_from(["a", "b", "C", "<", ">", "1"]), max_size=7).map(" ".join)


@given(st.lists(SHORT_CODE, min_size=1, max_size=8), st.integers(0, 16), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_greedy_equals_brute_force_with_operators(texts: list[str], below: int, seed: int) -> None:
    from documents import make_documents

    config = Config(ngram=2, operators_below=below, audit_sample=100, **CERTAIN)
    kinds = ["prose" if number % 4 == 3 else "code" for number in range(len(texts))]
    documents = make_documents(texts, id=spread(len(texts), seed), kind=kinds)
    outcome = run(folder(), documents, config, shards=1 + seed % 3, partitions=1 + seed % 2)

    def looked_at(number: int) -> list[str] | None:
        return None if kinds[number] == "prose" else OPERATORS.findall(texts[number])

    def similarity(one: int, other: int) -> float:
        short = min(len(texts[one]), len(texts[other])) < below
        differ = None not in (looked_at(one), looked_at(other)) and looked_at(one) != looked_at(other)
        return 0.0 if short and differ else jaccard(sets[one], sets[other])

    sets = [ngrams(text, 2) for text in texts]
    kept: list[int] = []
    for number in range(len(texts)):
        # What has the words and the operators of an earlier document follows its fate.
        first = next(k for k in range(number + 1) if (sets[k], looked_at(k)) == (sets[number], looked_at(number)))
        if not sets[number] or (first == number and all(similarity(number, k) < 0.5 for k in kept)):
            kept.append(number)
    assert outcome.kept_numbers() == kept
    assert outcome.notes["audit_missed"] == 0


@given(st.lists(st.text("ab .\n語", max_size=3), max_size=8), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_by_bytes_only_equal_texts_go_whatever_their_kind(texts: list[str], seed: int) -> None:
    from documents import make_documents

    kinds = [("prose", "code", "licence")[number % 3] for number in range(len(texts))]
    documents = make_documents(texts, id=spread(len(texts), seed), kind=kinds)
    outcome = run(folder(), documents, Config(exact="bytes"), shards=1 + seed % 3, partitions=1 + seed % 2)
    assert outcome.matches() == {
        number: ("exact_text", texts.index(text), 1.0)
        for number, text in enumerate(texts)
        if text and texts.index(text) < number
    }
    assert set(outcome.dropped["threshold"].to_pylist()) <= {1.0}
    assert outcome.notes["candidate_pairs"] == outcome.notes["verified_pairs"] == 0


def test_by_bytes_near_copies_stay(tmp_path: Path, make_documents) -> None:
    text = " ".join(sentence(1, 200))
    documents = make_documents([text, text + ".", text.upper(), text], source=["a", "a", "a", "b"])
    assert run(tmp_path / "a", documents, Config(exact="bytes"), 2).matches() == {3: ("exact_text", 0, 1.0)}
    assert run(tmp_path / "b", documents, Config(exact="bytes", within="source"), 2).matches() == {}
    for more in ({"write_index": True}, {"against": ["earlier"]}, {"audit_sample": 5}):
        with pytest.raises(ValidationError, match="exact: bytes compares whole texts"):
            Config(exact="bytes", **more)
