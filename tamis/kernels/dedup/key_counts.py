"""64-bit keys sorted, equal ones collapsed and counted, in place."""

from __future__ import annotations

import numpy as np
from numba import njit

IN_CACHE = 1 << 13
"""Keys that are grouped in one go once they stand together: 64 kB."""
MOST_BITS = 11
"""More groups at once than 2,048 miss the translation cache with every key that is moved."""
FEW = 24
"""Keys that are sorted by insertion."""


@njit(cache=True, nogil=True)
def _scatter(keys: np.ndarray, shift: int, ends: np.ndarray, out: np.ndarray) -> None:
    """Group keys by the bits from `shift` on that number the entries of `ends`; fills it with the end of each group."""
    mask = np.uint64(len(ends) - 1)
    ends[:] = 0
    for key in keys:
        ends[np.int64((key >> np.uint64(shift)) & mask)] += 1
    ends[:] = np.cumsum(ends) - ends
    for key in keys:
        group = np.int64((key >> np.uint64(shift)) & mask)
        out[ends[group]] = key
        ends[group] += 1


@njit(cache=True, nogil=True)
def _sort_few(keys: np.ndarray) -> None:
    if len(keys) > FEW:
        keys.sort()
        return
    for i in range(1, len(keys)):
        key = keys[i]
        j = i
        while j > 0 and keys[j - 1] > key:
            keys[j] = keys[j - 1]
            j -= 1
        keys[j] = key


@njit(cache=True, nogil=True)
def sorted_counts(keys: np.ndarray, counts: np.ndarray) -> int:
    """Sort keys in place, collapse equal ones and count them.

    Keys are hashes, uniform in all their bits, so two rounds of grouping by the next bits leave groups of a few; where
    some are not (one key of many documents), those groups are sorted by comparison.

    Args:
        keys: uint64[n]; afterwards the distinct keys, ascending, come first and what follows them means nothing.
        counts: int32[n], written: how often each distinct key was there.

    Returns:
        How many distinct keys there are.
    """
    high_bits = 0
    while high_bits < MOST_BITS and len(keys) >> high_bits > IN_CACHE:
        high_bits += 1
    grouped = np.empty(len(keys), dtype=np.uint64)
    ends = np.zeros(1 << high_bits, dtype=np.int64)
    # A shift by 64 is undefined; where there is one group, any other does.
    _scatter(keys, 64 - max(high_bits, 1), ends, grouped)
    distinct = 0
    for group in range(len(ends)):
        begin = ends[group - 1] if group > 0 else 0
        end = ends[group]
        low_bits = 0
        while low_bits < MOST_BITS and (end - begin) >> low_bits > 1:
            low_bits += 1
        part = keys[begin:end]
        part_ends = np.zeros(1 << low_bits, dtype=np.int64)
        _scatter(grouped[begin:end], 64 - max(high_bits + low_bits, 1), part_ends, part)
        for few in range(len(part_ends)):
            _sort_few(part[part_ends[few - 1] if few > 0 else 0 : part_ends[few]])
        # What is collapsed goes to the front, where all keys have been read.
        for i in range(begin, end):
            if distinct > 0 and keys[distinct - 1] == keys[i]:
                counts[distinct - 1] += 1
            else:
                keys[distinct] = keys[i]
                counts[distinct] = 1
                distinct += 1
    return distinct
