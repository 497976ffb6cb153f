"""128-bit hashes of paragraphs by their words."""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis import hashing
from tamis.kernels.folded_characters import character_table
from tamis.kernels.hashes import siphash128_values
from tamis.kernels.lines import Units
from tamis.kernels.words import document_words

WORD_KEYS = hashing.keys("paragraph words", 2)
PARAGRAPH_KEYS = hashing.keys("paragraphs", 2)


@njit(cache=True, nogil=True)
def _hash(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    min_words: int,
    table: np.ndarray,
    word_keys: np.ndarray,
    keys: np.ndarray,
    words: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
) -> None:
    longest = 0
    for unit in range(len(starts)):
        longest = max(longest, ends[unit] - starts[unit])
    one = np.empty(longest // 2 + 1, dtype=np.uint64)
    other = np.empty(longest // 2 + 1, dtype=np.uint64)
    lanes = np.empty(longest + 2, dtype=np.uint64)
    none = np.empty(0, dtype=np.int64)
    for unit in range(len(starts)):
        count = document_words(
            data, starts[unit], ends[unit], word_keys[0], table, one, none, none, 0, word_keys[1], other
        )
        words[unit] = count
        if count < min_words:
            continue
        for word in range(count):
            lanes[2 * word] = one[word]
            lanes[2 * word + 1] = other[word]
        low[unit], high[unit] = siphash128_values(lanes, 0, 2 * count, keys[0], keys[1])


def unit_hashes(data: np.ndarray, units: Units, min_words: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words of each unit and, where there are enough, their 128-bit keyed hash.

    The hash is SipHash-128 over two 64-bit hashes of each case-folded word (`tamis.text.words`) under unrelated
    keys, so words that collide under one key still differ. Line breaks, case, spaces and punctuation do not count.

    Args:
        data: uint8 from `tamis.kernels.words.buffers`.
        units: lines or paragraphs of it.
        min_words: units with fewer words get the hash (0, 0), which means none.

    Returns:
        int64 words, uint64 high halves, uint64 low halves.
    """
    count = len(units.starts)
    words = np.zeros(count, dtype=np.int64)
    high = np.zeros(count, dtype=np.uint64)
    low = np.zeros(count, dtype=np.uint64)
    _hash(data, units.starts, units.ends, min_words, character_table(), WORD_KEYS, PARAGRAPH_KEYS, words, high, low)
    return words, high, low
