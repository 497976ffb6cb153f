"""Signatures and n-gram sets: against exact Jaccard, datasketch and plain Python."""

from __future__ import annotations

import datasketch
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from near_duplicates import (
    ngrams,
)

from tamis import hashing
from tamis.kernels.dedup import minhash as kernel
from tamis.stages.minhash_dedup import candidate_probability


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
