"""How many pairs are missed: the audit against brute force, and recall on real licences."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from documents import batched
from near_duplicates import (
    corpus,
    jaccard,
    ngrams,
    spread,
)
from stage_jobs import minhash_dedup

from tamis import hashing
from tamis.stages.minhash_dedup import Config

run = batched(minhash_dedup)


DATA = Path(__file__).parents[5] / "shared" / "data"


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
