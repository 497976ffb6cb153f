"""Near-duplicates: against brute force, whatever the shards, and under hostile input."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

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

from tamis.dedup.minhash import signatures
from tamis.errors import ShardMismatchError
from tamis.ids import home_shards
from tamis.shards import read_table, write_table
from tamis.stages import minhash_dedup as stage
from tamis.stages.minhash_dedup import Config, candidate_probability

run = batched(minhash_dedup)


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
