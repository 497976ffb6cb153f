"""Words and pairs of neighbouring words as numbered features, and a linear score of them, from Arrow's buffers.

The feature of a word is the upper bits of its hash (`tamis.kernels.words`), that of a pair the upper bits of a mix of
both hashes ("hashing trick", Weinberger et al. 2009). A text has a feature or has it not. In a score each feature has a
weight and a square, and the sum of weights is divided by the root of the sum of squares, so that a long text has no
larger score for its length. Sums run in the order in which features first occur, so a text has the same score in any
company.
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
def _find(words: np.ndarray, count: int, bits: int, mark: int, marks: np.ndarray, found: np.ndarray) -> int:
    """The features of a text.

    Args:
        words: uint64, its word hashes.
        count: how many there are.
        bits: features are numbered below 2^bits.
        mark: a number of this text's own.
        marks: int64[2^bits], the mark of the last text that had the feature.
        found: int64 with room for 2 · count, written: each feature once, in the order of its first occurrence.

    Returns:
        The number of different features.
    """
    shift = np.uint64(64 - bits)
    size = 0
    for i in range(count):
        feature = np.int64(words[i] >> shift)
        if marks[feature] != mark:
            marks[feature] = mark
            found[size] = feature
            size += 1
        if i > 0:
            feature = np.int64(_pair(words[i - 1], words[i]) >> shift)
            if marks[feature] != mark:
                marks[feature] = mark
                found[size] = feature
                size += 1
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
) -> None:
    marks = np.zeros(1 << bits, np.int64)
    words = np.empty(4096, np.uint64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    at = 0
    for row in range(len(offsets) - 1):
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        at += _find(words, count, bits, row + 1, marks, features[at:])
        bounds[row + 1] = at


@njit(cache=True, nogil=True)
def _scores(
    offsets: np.ndarray,
    data: np.ndarray,
    word_key: np.uint64,
    table: np.ndarray,
    bits: int,
    model: np.ndarray,
    scores: np.ndarray,
) -> None:
    marks = np.zeros(1 << bits, np.int64)
    words = np.empty(4096, np.uint64)
    found = np.empty(8192, np.int64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    for row in range(len(offsets) - 1):
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        found = grown(found, 2 * count)
        total = 0.0
        square = 0.0
        for i in range(_find(words, count, bits, row + 1, marks, found)):
            total += np.float64(model[found[i], 0])
            square += np.float64(model[found[i], 1])
        scores[row] = total / np.sqrt(square) if square > 0.0 else 0.0


def word_features(offsets: np.ndarray, data: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """The features of n texts.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 from there.
        bits: features are numbered below 2^bits.

    Returns:
        int64[n + 1] bounds, int64 features: each once a text, in the order of first occurrence.
    """
    # Two features a word, and a word takes two bytes with its separator.
    bounds, features = (
        np.zeros(len(offsets), np.int64),
        np.empty(int(offsets[-1] - offsets[0]) + len(offsets), np.int64),
    )
    _features(offsets, data, WORD_KEY, character_table(), bits, bounds, features)
    return bounds, features[: bounds[-1]].copy()


def linear_scores(offsets: np.ndarray, data: np.ndarray, model: np.ndarray) -> np.ndarray:
    """The sum of the weights of a text's features over the root of the sum of their squares, for each of n texts.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 from there.
        model: float32[2^bits, 2]: weight and square of each feature.

    Returns:
        float64[n]; 0 for a text whose squares are all 0.
    """
    scores = np.zeros(len(offsets) - 1)
    _scores(offsets, data, WORD_KEY, character_table(), len(model).bit_length() - 1, model, scores)
    return scores
