"""Near-duplicates of text made to hurt: memory and comparisons stay bounded, and every drop is verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from documents import batched
from near_duplicates import jaccard, ngrams, sentence, spread
from stage_jobs import minhash_dedup

from tamis.stages.minhash_dedup import Config

pytestmark = pytest.mark.slow

run = batched(minhash_dedup)

MANY = 100_000


def many(make_documents, texts: list[str]) -> pa.Table:
    return make_documents(texts, id=spread(len(texts)))


def test_a_document_of_20_megabytes(tmp_path: Path, make_documents) -> None:
    """Two million different words, its copy in capitals on lines of its own, and one with 1 % of them changed."""
    words = [f"word{value}" for value in np.random.default_rng(0).integers(0, 10**6, 2_000_000)]
    changed = list(words)
    changed[::100] = ["other"] * len(changed[::100])
    texts = [" ".join(words), "\n".join(words).upper(), " ".join(changed)]
    assert min(map(len, texts)) > 18_000_000
    outcome = run(tmp_path, many(make_documents, texts), shards=2, partitions=2)
    found = outcome.matches()
    assert found[1] == ("exact_ngram_set", 0, 1.0)
    # Of 100 n-grams in a row five hold a changed word.
    assert found[2][:2] == ("near_duplicate", 0)
    assert found[2][2] == pytest.approx(95 / 105, abs=0.001)


def test_a_hundred_thousand_identical_documents(tmp_path: Path, make_documents) -> None:
    text = " ".join(sentence(0, 20))
    outcome = run(tmp_path, many(make_documents, [text] * MANY), shards=3, partitions=2)
    assert outcome.kept_numbers() == [0]
    assert outcome.kept["copies"].to_pylist() == [MANY]
    assert outcome.notes["candidate_pairs"] == 0
    assert set(outcome.dropped["similarity"].to_pylist()) == {1.0}


def test_one_bucket_of_fifty_thousand_near_copies(tmp_path: Path, make_documents) -> None:
    """All are near-copies of all: 10^9 pairs. K candidates in each of 42 buckets are compared, in fact far fewer."""
    base = sentence(0, 40)
    texts = [" ".join([*base, f"page{i}"]) for i in range(MANY // 2)]
    bound = 8
    outcome = run(tmp_path, many(make_documents, texts), Config(bucket_candidates=bound), shards=3, partitions=2)
    assert outcome.kept_numbers() == [0]
    assert outcome.notes["candidate_pairs"] <= MANY // 2 * bound * 42
    assert outcome.notes["candidate_pairs"] <= MANY // 2 * 4 * bound
    assert outcome.notes["suppressed_pairs"] > 10**9
    assert set(outcome.dropped["similarity"].to_pylist()) == {jaccard(ngrams(texts[0]), ngrams(texts[1]))}
    assert outcome.kept["copies"].to_pylist() == [MANY // 2]


def test_a_bucket_of_documents_that_only_look_alike(tmp_path: Path, make_documents) -> None:
    """A signature of one value puts half of these pairs into one bucket; verification lets none of them go."""
    shared = sentence(0, 24)
    texts = [" ".join([*shared, *sentence(i + 1, 20)]) for i in range(20_000)]
    config = Config(bands=1, rows=1, recall=0, bucket_candidates=16)
    outcome = run(tmp_path, many(make_documents, texts), config, shards=2, partitions=2)
    assert outcome.notes["candidate_pairs"] > 10_000
    assert outcome.dropped.num_rows == 0
