"""Words and pairs of neighbouring words as numbered features, and a linear score of them, from Arrow's buffers.

The feature of a word is the upper bits of its hash (`tamis.kernels.words`), that of a pair the upper bits of a mix of
both hashes ("hashing trick", Weinberger et al. 2009). A feature that occurs c times in a text counts 1 + ln c, and all
of a text have unit length together, so that a long text has no larger score for its length. Sums run in the order in
which features first occur, so a text has the same score in any company.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.dedup.scratch import grown
from tamis.kernels.folded_characters import character_table
from tamis.kernels.hashes import BASE, mix64
from tamis.kernels.words import WORD_KEY, document_words


@njit(cache=True, nogil=True, inline="always")
def _pair(first: np.uint64, second: np.uint64) -> np.uint64:
    """Hash of two neighbouring words, which their order changes."""
    return mix64(np.uint64(first) * BASE + np.uint64(second))


@njit(cache=True, nogil=True)
def _count(words: np.ndarray, count: int, bits: int, counts: np.ndarray, found: np.ndarray) -> int:
    """Count the features of a text.

    Args:
        words: uint64, its word hashes.
        count: how many there are.
        bits: features are numbered below 2^bits.
        counts: int32[2^bits], zeros; counted up.
        found: int64 with room for 2 · count, written: each feature once, in the order of its first occurrence.

    Returns:
        The number of different features.
    """
    shift = np.uint64(64 - bits)
    size = 0
    for i in range(count):
        feature = np.int64(words[i] >> shift)
        if counts[feature] == 0:
            found[size] = feature
            size += 1
        counts[feature] += 1
        if i > 0:
            feature = np.int64(_pair(words[i - 1], words[i]) >> shift)
            if counts[feature] == 0:
                found[size] = feature
                size += 1
            counts[feature] += 1
    return size


@njit(cache=True, nogil=True)
def _features(
    offsets: np.ndarray,
    data: np.ndarray,
    word_key: np.uint64,
    table: np.ndarray,
    bits: int,
    bounds: np.ndarray,
    features: np.ndarray,
    values: np.ndarray,
) -> None:
    counts = np.zeros(1 << bits, np.int32)
    words = np.empty(4096, np.uint64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    at = 0
    for row in range(len(offsets) - 1):
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        size = _count(words, count, bits, counts, features[at:])
        for i in range(at, at + size):
            values[i] = counts[features[i]]
            counts[features[i]] = 0
        at += size
        bounds[row + 1] = at


@njit(cache=True, nogil=True)
def _scores(
    offsets: np.ndarray,
    data: np.ndarray,
    word_key: np.uint64,
    table: np.ndarray,
    bits: int,
    weights: np.ndarray,
    of_count: np.ndarray,
    scores: np.ndarray,
) -> None:
    counts = np.zeros(1 << bits, np.int32)
    words = np.empty(4096, np.uint64)
    found = np.empty(8192, np.int64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    most = len(of_count) - 1
    for row in range(len(offsets) - 1):
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        found = grown(found, 2 * count)
        size = _count(words, count, bits, counts, found)
        total = 0.0
        square = 0.0
        for i in range(size):
            feature = found[i]
            value = of_count[min(counts[feature], most)]
            counts[feature] = 0
            total += value * weights[feature]
            square += value * value
        scores[row] = total / np.sqrt(square) if size > 0 else 0.0


def word_features(offsets: np.ndarray, data: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The features of n texts and how often each occurs.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 from there.
        bits: features are numbered below 2^bits.

    Returns:
        int64[n + 1] bounds, int64 features (each once a text, in the order of first occurrence), int32 counts.
    """
    # Two features a word, and a word takes two bytes with its separator.
    room = int(offsets[-1] - offsets[0]) + len(offsets)
    bounds = np.zeros(len(offsets), np.int64)
    features, values = np.empty(room, np.int64), np.empty(room, np.int32)
    _features(offsets, data, WORD_KEY, character_table(), bits, bounds, features, values)
    return bounds, features[: bounds[-1]].copy(), values[: bounds[-1]].copy()


def linear_scores(offsets: np.ndarray, data: np.ndarray, weights: np.ndarray, of_count: np.ndarray) -> np.ndarray:
    """The weighted sum of the features of each of n texts, at unit length.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 from there.
        weights: float32[2^bits].
        of_count: float64, the value of a feature by how often it occurs; the last one for all larger counts.

    Returns:
        float64[n]; 0 for a text without words.
    """
    scores = np.zeros(len(offsets) - 1)
    bits = len(weights).bit_length() - 1
    _scores(offsets, data, WORD_KEY, character_table(), bits, weights, of_count, scores)
    return scores
