"""Exact Jaccard of documents with all members of a sample, through an inverted index of the sample's n-grams."""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.dedup.minhash import ngram_set
from tamis.kernels.dedup.scratch import grown, power_of_two
from tamis.kernels.words import document_words

EMPTY = np.int64(-1)


@njit(cache=True, nogil=True)
def invert(grams: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The inverted index of some n-gram sets.

    Args:
        grams: uint64, the sets one after the other; never 0.
        bounds: int64[n + 1].

    Returns:
        An open-addressed table: uint64 n-gram of each slot (0 for none) and int64 number of its first posting (-1 for
        none); and for each posting the number of its set and of the next posting of the same n-gram (-1 at the end).
    """
    size = power_of_two(2 * len(grams) + 2)
    mask = np.uint64(size - 1)
    keys = np.zeros(size, np.uint64)
    heads = np.full(size, EMPTY, np.int64)
    members = np.empty(len(grams), np.int32)
    following = np.empty(len(grams), np.int64)
    for member in range(len(bounds) - 1):
        for i in range(bounds[member], bounds[member + 1]):
            slot = grams[i] & mask
            while keys[slot] != np.uint64(0) and keys[slot] != grams[i]:
                slot = (slot + np.uint64(1)) & mask
            keys[slot] = grams[i]
            members[i] = member
            following[i] = heads[slot]
            heads[slot] = i
    return keys, heads, members, following


@njit(cache=True, nogil=True)
def close_members(
    offsets: np.ndarray,
    data: np.ndarray,
    word_key: np.uint64,
    table: np.ndarray,
    ngram: int,
    key: np.uint64,
    keys: np.ndarray,
    heads: np.ndarray,
    members: np.ndarray,
    following: np.ndarray,
    sizes: np.ndarray,
    threshold: float,
    of_smaller: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of a document and a member of the index at or above the threshold: nothing is estimated or left out.

    Args:
        offsets: int64[n + 1].
        data: uint8 bytes of UTF-8.
        word_key: key of the word hashes.
        table: `character_table()`.
        ngram: words a n-gram.
        key: key of the n-gram hashes.
        keys: of `invert`.
        heads: of `invert`.
        members: of `invert`.
        following: of `invert`.
        sizes: int64[m], size of each member's set.
        threshold: smallest similarity.
        of_smaller: similarity is the share that both have of the smaller set; else Jaccard's, of the union.

    Returns:
        For each pair the row of the document, the number of the member (int64) and the similarity (float64).
    """
    words = np.empty(4096, np.uint64)
    grams = np.empty(4096, np.uint64)
    slots = np.empty(8192, np.uint64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    shared = np.zeros(len(sizes), np.int64)
    touched = np.empty(len(sizes), np.int64)
    rows = np.empty(1024, np.int64)
    others = np.empty(1024, np.int64)
    values = np.empty(1024, np.float64)
    mask = np.uint64(len(keys) - 1)
    found = 0
    for row in range(len(offsets) - 1):
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        grams = grown(grams, count)
        slots = grown(slots, power_of_two(2 * count + 2))
        size = ngram_set(words, count, ngram, key, slots, grams)
        seen = 0
        for i in range(size):
            slot = grams[i] & mask
            while keys[slot] != np.uint64(0) and keys[slot] != grams[i]:
                slot = (slot + np.uint64(1)) & mask
            posting = heads[slot]
            while posting != EMPTY:
                member = members[posting]
                if shared[member] == 0:
                    touched[seen] = member
                    seen += 1
                shared[member] += 1
                posting = following[posting]
        for i in range(seen):
            member = touched[i]
            both = shared[member]
            shared[member] = 0
            whole = min(size, sizes[member]) if of_smaller else size + sizes[member] - both
            if both / whole >= threshold:
                if found == len(rows):
                    rows = np.concatenate((rows, np.empty_like(rows)))
                    others = np.concatenate((others, np.empty_like(others)))
                    values = np.concatenate((values, np.empty_like(values)))
                rows[found] = row
                others[found] = member
                values[found] = both / whole
                found += 1
    return rows[:found], others[:found], values[:found]


@njit(cache=True, nogil=True)
def sets_of(
    offsets: np.ndarray, data: np.ndarray, word_key: np.uint64, table: np.ndarray, ngram: int, key: np.uint64
) -> tuple[np.ndarray, np.ndarray]:
    """The n-gram sets of some texts: int64[n + 1] bounds and uint64 n-grams; arguments as those of `close_members`."""
    words = np.empty(4096, np.uint64)
    grams = np.empty(4096, np.uint64)
    slots = np.empty(8192, np.uint64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    bounds = np.zeros(len(offsets), np.int64)
    every = np.empty(4096, np.uint64)
    for row in range(len(offsets) - 1):
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        grams = grown(grams, count)
        slots = grown(slots, power_of_two(2 * count + 2))
        size = ngram_set(words, count, ngram, key, slots, grams)
        start = bounds[row]
        bounds[row + 1] = start + size
        if start + size > len(every):
            more = np.empty(power_of_two(start + size), np.uint64)
            more[:start] = every[:start]
            every = more
        every[start : start + size] = grams[:size]
    return bounds, every[: bounds[-1]].copy()


@njit(cache=True, nogil=True)
def mark(
    offsets: np.ndarray,
    data: np.ndarray,
    word_key: np.uint64,
    table: np.ndarray,
    ngram: int,
    key: np.uint64,
    keys: np.ndarray,
    heads: np.ndarray,
    wanted: np.ndarray,
    seen: np.ndarray,
) -> None:
    """Mark in `seen` (bool, one a slot of `keys`) the n-grams of an index that stand in those texts that are `wanted`.

    The other arguments are those of `close_members`.
    """
    words = np.empty(4096, np.uint64)
    grams = np.empty(4096, np.uint64)
    slots = np.empty(8192, np.uint64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    mask = np.uint64(len(keys) - 1)
    for row in range(len(offsets) - 1):
        if not wanted[row]:
            continue
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        grams = grown(grams, count)
        slots = grown(slots, power_of_two(2 * count + 2))
        size = ngram_set(words, count, ngram, key, slots, grams)
        for i in range(size):
            slot = grams[i] & mask
            while keys[slot] != np.uint64(0) and keys[slot] != grams[i]:
                slot = (slot + np.uint64(1)) & mask
            if heads[slot] != EMPTY:
                seen[slot] = True
