"""A run against the index of an earlier one: what that corpus holds goes, verified and named."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from documents import batched
from hypothesis import given, settings
from hypothesis import strategies as st
from near_duplicates import (
    CERTAIN,
    corpus,
    jaccard,
    leave_scope_out_of_bands,
    ngrams,
    sentence,
    spread,
    with_changes,
)
from stage_jobs import minhash_dedup

from tamis.errors import ConfigError, SourceError
from tamis.kernels.dedup.buckets import join
from tamis.shards import read_json
from tamis.stages.minhash_dedup import Config

run = batched(minhash_dedup)


def halves(make_documents) -> tuple[list[str], list[str]]:
    texts = corpus(30)
    return texts[::2], texts[1::2]


def by_hand(first: list[str], second: list[str], threshold: float, scopes=None) -> dict[int, tuple[int, float]]:
    """Number in the second corpus → best kept document of the first and similarity; numbers of the first as ids."""
    sets = [ngrams(text) for text in first]
    found = {}
    for i, text in enumerate(second):
        own = ngrams(text)
        near = [
            (jaccard(own, other), -k) for k, other in enumerate(sets) if scopes is None or scopes[0][k] == scopes[1][i]
        ]
        best = max(near, default=(0.0, 0))
        if own and best[0] >= threshold:
            found[i] = (-best[1], best[0])
    return found


def earlier_of(outcome) -> dict[int, tuple[int, float]]:
    return {i: match[1:] for i, match in outcome.matches().items() if match[0] == "in_earlier_corpus"}


@pytest.mark.parametrize(("before", "after"), [(1, 1), (3, 2), (2, 5)])
def test_what_the_earlier_corpus_holds_goes_and_the_rest_is_as_without_it(
    tmp_path: Path, make_documents, before: int, after: int
) -> None:
    first, second = halves(make_documents)
    # Ids of the first corpus in the order of its texts, so that ties go to the smaller number.
    ids = [f"{i * 2**50:016x}{i:016x}" for i in range(len(first))]
    config = Config(**CERTAIN, write_index=True)
    earlier = run(tmp_path / "a", make_documents(first, id=ids), config, shards=before, partitions=2)
    kept = earlier.kept_numbers()
    described = read_json(tmp_path / "a" / "index" / "index.json")
    with_words = [i for i in kept if ngrams(first[i])]
    assert (described["parts"], described["documents"]) == (before, len(with_words))

    later = Config(**CERTAIN, against=[str(tmp_path / "a" / "index")])
    documents = make_documents(second, id=spread(len(second)))
    outcome = run(tmp_path / "b", documents, later, shards=after, partitions=3)
    expected = {
        i: (with_words[k], value) for i, (k, value) in by_hand([first[i] for i in with_words], second, 0.5).items()
    }
    assert len(expected) > 10
    assert earlier_of(outcome) == expected
    rest = [i for i in range(len(second)) if i not in expected]
    left = documents.filter(np.isin(documents["rank"].to_numpy(), rest))
    alone = run(tmp_path / "c", left, Config(**CERTAIN))
    assert {i: match for i, match in outcome.matches().items() if i not in expected} == alone.matches()
    assert outcome.kept.equals(alone.kept)
    assert outcome.notes["groups"] == alone.notes["groups"]


def test_code_with_other_operators_is_not_in_an_earlier_corpus(tmp_path: Path, make_documents) -> None:
    texts = ["if x < lo: return x", "if x > lo: return x", "if x < lo:\n return x"]
    run(tmp_path / "a", make_documents(texts[:1], kind=["code"]), Config(write_index=True))
    config = Config(against=[str(tmp_path / "a" / "index")])
    outcome = run(tmp_path / "b", make_documents(texts, kind=["code"] * 3), config)
    assert {i: match[0] for i, match in outcome.matches().items()} == dict.fromkeys((0, 2), "in_earlier_corpus")
    assert outcome.notes["earlier_pairs_told_apart"] == 1
    with pytest.raises(ConfigError, match="operators_below is 500 there and 9 here"):
        run(tmp_path / "c", make_documents(texts), config.model_copy(update={"operators_below": 9}))


def test_the_same_corpus_again_goes_altogether(tmp_path: Path, make_documents) -> None:
    documents = make_documents(corpus(10))
    run(tmp_path / "a", documents, Config(write_index=True), shards=2)
    config = Config(against=[str(tmp_path / "a" / "index")], audit_sample=10**6)
    outcome = run(tmp_path / "b", documents, config, shards=3)
    assert [ngrams(text) for text in outcome.kept["text"].to_pylist()] == [frozenset()] * 2
    assert set(outcome.dropped["reason"].to_pylist()) == {"in_earlier_corpus"}
    assert min(outcome.dropped["similarity"].to_pylist()) >= 0.7
    assert outcome.notes["audit_missed"] == 0


def test_several_indexes_and_the_most_similar_match(tmp_path: Path, make_documents) -> None:
    base = sentence(1, 80)
    texts = [" ".join(with_changes(base, changes, 9)) for changes in (2, 1, 0)]
    for name, text in zip("ab", texts, strict=False):
        run(tmp_path / name, make_documents([text], id=[f"{ord(name):032x}"]), Config(write_index=True))
    config = Config(against=[str(tmp_path / name / "index") for name in "ab"])
    outcome = run(tmp_path / "c", make_documents([texts[2], texts[2].upper(), "of its own"]), config)
    best = jaccard(ngrams(texts[1]), ngrams(texts[2]))
    assert outcome.matches() == {i: ("in_earlier_corpus", ord("b"), best) for i in (0, 1)}
    assert outcome.kept["copies"].to_pylist() == [1]


def test_an_index_knows_its_scope(tmp_path: Path, make_documents) -> None:
    text = " ".join(sentence(1, 60))
    run(tmp_path / "a", make_documents([text], source=["x"]), Config(write_index=True, within="source"))
    config = Config(against=[str(tmp_path / "a" / "index")], within="source")
    outcome = run(tmp_path / "b", make_documents([text, text], source=["x", "y"]), config)
    assert outcome.matches() == {0: ("in_earlier_corpus", 0, 1.0)}


def test_candidates_of_another_scope_fail_verification(tmp_path: Path, make_documents, monkeypatch) -> None:
    leave_scope_out_of_bands(monkeypatch)
    text = " ".join(sentence(1, 60))
    run(tmp_path / "a", make_documents([text], source=["x"]), Config(write_index=True, within="source"))
    config = Config(against=[str(tmp_path / "a" / "index")], within="source")
    outcome = run(tmp_path / "b", make_documents([text], source=["y"]), config)
    assert outcome.notes["earlier_candidate_pairs"] == 1
    assert outcome.kept_numbers() == [0]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_equal_matches_the_smallest_id_is_named_wherever_it_lies(tmp_path: Path, make_documents, order) -> None:
    words = [f"w{i}" for i in range(100)]
    # With two shards, id 1 lies in the second part and id 2 in the first.
    ids = [f"{half:016x}{half:016x}" for half in order]
    first = make_documents([" ".join(words[:80]), " ".join(words[20:])], id=ids)
    run(tmp_path / "a", first, Config(**CERTAIN | {"threshold": 0.65}, write_index=True), shards=2)
    config = Config(**CERTAIN | {"threshold": 0.65}, against=[str(tmp_path / "a" / "index")])
    outcome = run(tmp_path / "b", make_documents([" ".join(words[10:90])]), config)
    assert outcome.matches()[0][:2] == ("in_earlier_corpus", 1)


def test_an_index_of_other_settings_is_refused_and_each_is_named(tmp_path: Path, make_documents) -> None:
    run(tmp_path / "a", make_documents(["one two three four five six"]), Config(write_index=True))
    folder = tmp_path / "a" / "index"
    with pytest.raises(ConfigError, match=r"ngram is 5 there and 6 here; seed is 0 there and 1 here"):
        Config(ngram=6, seed=1, against=[str(folder)]).earlier()
    with pytest.raises(ConfigError, match=r"within is null there and \"source\" here"):
        Config(within="source", against=[str(folder)]).earlier()
    with pytest.raises(SourceError, match=r"nowhere/index\.json is missing"):
        Config(against=[str(tmp_path / "nowhere")]).earlier()
    (folder / "index.json").write_text("{}")
    with pytest.raises(SourceError, match="not the description of an index"):
        Config(against=[str(folder)]).earlier()


@pytest.mark.parametrize("name", ["bands-00000.arrow", "sets-00000.arrow"])
def test_a_damaged_file_of_an_index_is_named(tmp_path: Path, make_documents, name: str) -> None:
    documents = make_documents(["one two three four five six"])
    run(tmp_path / "a", documents, Config(write_index=True))
    (tmp_path / "a" / "index" / name).write_bytes(b"ARROW1 and then nothing")
    with pytest.raises(SourceError, match=rf"{name}: damaged.*write that index again"):
        run(tmp_path / "b", documents, Config(against=[str(tmp_path / "a" / "index")]))


def test_empty_corpora(tmp_path: Path, make_documents) -> None:
    run(tmp_path / "a", make_documents(["?"]), Config(write_index=True), shards=2)
    config = Config(against=[str(tmp_path / "a" / "index")], write_index=True)
    assert run(tmp_path / "b", make_documents(["one two", ""]), config, shards=2).kept_numbers() == [0, 1]
    config = Config(against=[str(tmp_path / "b" / "index")])
    outcome = run(tmp_path / "c", make_documents([]), config, shards=2)
    assert outcome.kept.num_rows == 0


def test_the_bound_of_a_bucket_limits_pairs_and_is_counted() -> None:
    random = np.random.default_rng(0)
    own, other = (np.sort(random.integers(0, 6, size).astype(np.uint64)) for size in (40, 50))
    members, rows = np.arange(40, dtype=np.int64), np.arange(50, dtype=np.int64)
    for bound, room in ((10**6, 100), (3, 5)):
        state = np.zeros(3, np.int64)
        left, right = np.empty(room, np.int64), np.empty(room, np.int64)
        seen = []
        while filled := join(own, members, other, rows, bound, state, left, right):
            seen += list(zip(left[:filled].tolist(), right[:filled].tolist(), strict=True))
        every = [(i, j) for i in range(40) for j in range(50) if own[i] == other[j]]
        first = {value: np.flatnonzero(other == value)[:bound].tolist() for value in set(other.tolist())}
        assert seen == [(i, j) for i, j in every if j in first[int(other[j])]]
        assert state[2] == len(every) - len(seen)


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 100),
    cuts=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    splits=st.permutations([(1, 1), (3, 2), (2, 6)]),
)
def test_runs_one_after_the_other_keep_what_one_run_keeps(tmp_path_factory, make_documents, seed, cuts, splits) -> None:
    folder = tmp_path_factory.mktemp("growing")
    texts = [corpus(8)[number] for number in np.random.default_rng(seed).permutation(len(corpus(8)))]
    documents = make_documents(texts, id=spread(len(texts))).sort_by("rank")
    whole = run(folder / "whole", documents, Config(**CERTAIN), shards=2, partitions=3)
    bounds = [0, *sorted(min(cut, len(texts)) for cut in cuts), len(texts)]
    kept, indexes = [], []
    for number, (first, last) in enumerate(itertools.pairwise(bounds)):
        config = Config(**CERTAIN, against=indexes, write_index=True)
        shards, partitions = splits[number]
        outcome = run(folder / f"{number}", documents[first:last], config, shards=shards, partitions=partitions)
        kept += outcome.kept["id"].to_pylist()
        indexes.append(str(folder / f"{number}" / "index"))
    assert sorted(kept) == whole.kept["id"].to_pylist()
