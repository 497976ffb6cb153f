"""Repeated paragraphs and word n-grams of one document, as Gopher's rules count them (Rae et al. 2021, table A1).

All of them use one open-addressed hash set in scratch memory. A slot belongs to the set only if it carries the stamp
of the present question, so the memory is never cleared.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.characters import SPACE
from tamis.kernels.heuristics.listed_pieces import mix, span_hash

NEWLINE = 0x0A


@numba.njit(cache=True, nogil=True)
def find_or_add(key: np.uint64, keys: np.ndarray, stamps: np.ndarray, stamp: int, mask: int) -> tuple[np.int64, bool]:
    """Slot of a key in an open-addressed set, and whether it was there; adds it. Slots of other stamps are free."""
    slot = np.int64(key & np.uint64(mask))
    while stamps[slot] == stamp:
        if keys[slot] == key:
            return slot, True
        slot = (slot + 1) & mask
    stamps[slot] = stamp
    keys[slot] = key
    return slot, False


@numba.njit(cache=True, nogil=True)
def table_mask(items: int) -> int:
    """Size of a hash table for that many items, minus one: a power of two, at most half full."""
    size = 16
    while size < 2 * items:
        size *= 2
    return size - 1


@numba.njit(cache=True, nogil=True)
def repeated_paragraphs(
    codes: np.ndarray, flags: np.ndarray, count: int, keys: np.ndarray, stamps: np.ndarray, stamp: int, mask: int
) -> tuple[int, int, int]:
    """Paragraphs (cut at blank lines), how many repeat an earlier one, and the characters of those."""
    begin: int = np.int64(0)  # type: ignore[assignment]
    while begin < count and flags[begin] & SPACE:
        begin += 1
    stop = count
    while stop > begin and flags[stop - 1] & SPACE:
        stop -= 1
    paragraphs = 0
    repeated = 0
    characters = 0
    first = begin
    at = begin
    while True:
        following = at
        if at < stop:
            while following < stop and codes[following] == NEWLINE:
                following += 1
            if following - at < 2:
                at = max(following, at + 1)
                continue
        paragraphs += 1
        _, seen = find_or_add(span_hash(codes, first, at), keys, stamps, stamp, mask)
        if seen:
            repeated += 1
            characters += at - first
        if at >= stop:
            break
        at = following
        first = at
    return paragraphs, repeated, characters


@numba.njit(cache=True, nogil=True)
def top_gram(
    tokens: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    count: int,
    size: int,
    keys: np.ndarray,
    stamps: np.ndarray,
    stamp: int,
    mask: int,
    counts: np.ndarray,
    slots: np.ndarray,
) -> int:
    """Characters of the most frequent n-gram, spaces between its words included, times its frequency.

    Among equally frequent ones the first in the text counts.
    """
    most = 0
    for at in range(count - size + 1):
        key = np.uint64(size)
        for word in range(at, at + size):
            key = (key ^ tokens[word]) * np.uint64(0x9FB21C651E98DF25)
            key ^= key >> np.uint64(32)
        slot, seen = find_or_add(key, keys, stamps, stamp, mask)
        counts[slot] = counts[slot] + 1 if seen else 1
        slots[at] = slot
        most = max(most, counts[slot])
    for at in range(count - size + 1):
        if counts[slots[at]] == most:
            length = size - 1
            for word in range(at, at + size):
                length += ends[word] - starts[word]
            return length * most
    return 0


@numba.njit(cache=True, nogil=True)
def repeated_grams(
    sums: np.ndarray,
    inverses: np.ndarray,
    lengths: np.ndarray,
    count: int,
    size: int,
    keys: np.ndarray,
    stamps: np.ndarray,
    stamp: int,
    mask: int,
) -> int:
    """Characters in n-grams that occurred before, each character once: a repeat is stepped over whole.

    n-grams are compared as the concatenation of their words, so "ab c" repeats "a bc".
    """
    characters = 0
    at = 0
    while at < count - size + 1:
        length = lengths[at + size] - lengths[at]
        key = mix((sums[at + size] - sums[at]) * inverses[at] + np.uint64(length))
        _, seen = find_or_add(key, keys, stamps, stamp, mask)
        if seen:
            characters += length
            at += size
        else:
            at += 1
    return characters
