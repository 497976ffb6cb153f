"""Word n-gram sets, MinHash signatures and band hashes of a text column, and exact Jaccard on the sets.

An n-gram is a 64-bit hash of n consecutive words (`tamis.kernels.words`), never 0. A text of fewer words than n is one
n-gram, all its words; a text without words has the empty set. One document at a time goes through scratch memory
that fits the first cache for ordinary documents; nothing but the results is kept.

A signature value is the minimum over the set of (a·x + b) mod 2^32, where x is the upper half of the n-gram hash and a
is odd. The inner loop runs over n-grams for one permutation, so the compiler turns it into vector code: eight values a
step. Everything is cast to uint32 there on purpose, because numba widens a product of uint32 to 64 bits, which
gives half the speed and, with a later cast left out, constant signatures.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.dedup.scratch import grown, power_of_two
from tamis.kernels.hashes import BASE, absorb64, mix64
from tamis.kernels.words import document_words

BLOCK = 1024
"""n-grams a pass of the signature loop: 4 kB, so a long document streams through the first cache."""


@njit(cache=True, nogil=True)
def ngram_set(words: np.ndarray, count: int, ngram: int, key: np.uint64, slots: np.ndarray, grams: np.ndarray) -> int:
    """The distinct n-grams of one document, in order of first appearance.

    Args:
        words: uint64 word hashes, the first `count` of them are the document's.
        count: number of words.
        ngram: words a n-gram.
        key: 64-bit key of the n-gram hashes.
        slots: uint64 scratch of at least 2·count + 2 entries rounded up to a power of two; contents do not matter.
        grams: uint64 room for `count` n-grams.

    Returns:
        How many n-grams were written to `grams`.
    """
    if count == 0:
        return 0
    window = min(count, ngram)
    size = 2
    while size < 2 * (count - window + 1):
        size *= 2
    slots[:size] = np.uint64(0)
    mask = np.uint64(size - 1)
    highest = np.uint64(1)
    rolling = np.uint64(0)
    for i in range(window):
        rolling = rolling * BASE + words[i]
        highest = highest * BASE
    found = 0
    last = count - window
    for i in range(last + 1):
        gram = mix64(rolling ^ key)
        if gram == np.uint64(0):
            gram = np.uint64(1)
        slot = gram & mask
        while slots[slot] != np.uint64(0) and slots[slot] != gram:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] == np.uint64(0):
            slots[slot] = gram
            grams[found] = gram
            found += 1
        if i < last:
            rolling = rolling * BASE + words[i + window] - words[i] * highest
    return found


@njit(cache=True, nogil=True)
def signature(
    grams: np.ndarray, count: int, multipliers: np.ndarray, summands: np.ndarray, block: np.ndarray, minima: np.ndarray
) -> None:
    """Write the MinHash signature of grams[:count] to `minima`.

    Args:
        grams: uint64 n-grams; order and repetition do not matter.
        count: how many.
        multipliers: uint32[permutations], odd.
        summands: uint32[permutations].
        block: uint32[BLOCK] scratch.
        minima: uint32[permutations] to write; all ones for an empty set.
    """
    minima[:] = np.uint32(0xFFFFFFFF)
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        for i in range(size):
            block[i] = np.uint32(grams[first + i] >> np.uint64(32))
        for p in range(len(minima)):
            a = multipliers[p]
            b = summands[p]
            smallest = minima[p]
            for i in range(size):
                value = np.uint32(np.uint32(a * block[i]) + b)
                smallest = min(smallest, value)
            minima[p] = smallest


@njit(cache=True, nogil=True)
def band_rows(
    offsets: np.ndarray,
    data: np.ndarray,
    word_key: np.uint64,
    table: np.ndarray,
    ngram: int,
    keys: np.ndarray,
    multipliers: np.ndarray,
    summands: np.ndarray,
    band_keys: np.ndarray,
    sizes: np.ndarray,
    sets: np.ndarray,
    bands: np.ndarray,
) -> None:
    """Set size, 128-bit set hash and band hashes of each document.

    The set hash adds up two keyed 64-bit hashes of every member, so it needs no sorting.

    Args:
        offsets: int64[n + 1].
        data: uint8 bytes of UTF-8.
        word_key: key of the word hashes.
        table: `character_table()`.
        ngram: words a n-gram.
        keys: uint64[3]: of the n-grams, and of the two halves of the set hash.
        multipliers: uint32[bands·rows], odd.
        summands: uint32[bands·rows].
        band_keys: uint64[bands]; differ, so that equal rows in different bands do not meet.
        sizes: int64[n], written: distinct n-grams.
        sets: uint64[n, 2], written: the set hash (0, 0 for an empty set).
        bands: uint64[n, bands], written.
    """
    permutations = len(multipliers)
    rows = permutations // len(band_keys)
    words = np.empty(4096, np.uint64)
    grams = np.empty(4096, np.uint64)
    slots = np.empty(8192, np.uint64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    block = np.empty(BLOCK, np.uint32)
    minima = np.empty(permutations, np.uint32)
    for row in range(len(offsets) - 1):
        words = grown(words, (offsets[row + 1] - offsets[row]) // 2 + 1)
        count = document_words(
            data, offsets[row], offsets[row + 1], word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes
        )
        grams = grown(grams, count)
        slots = grown(slots, power_of_two(2 * count + 2))
        size = ngram_set(words, count, ngram, keys[0], slots, grams)
        sizes[row] = size
        low = np.uint64(0)
        high = np.uint64(0)
        for i in range(size):
            low += mix64(grams[i] ^ keys[1])
            high += mix64(grams[i] + keys[2])
        sets[row, 0] = low
        sets[row, 1] = high
        signature(grams, size, multipliers, summands, block, minima)
        for band in range(len(band_keys)):
            state = band_keys[band]
            for i in range(band * rows, (band + 1) * rows):
                state = absorb64(state, np.uint64(minima[i]))
            bands[row, band] = mix64(state)


@njit(cache=True, nogil=True)
def write_sets(
    offsets: np.ndarray,
    data: np.ndarray,
    word_key: np.uint64,
    table: np.ndarray,
    ngram: int,
    key: np.uint64,
    rows: np.ndarray,
    bounds: np.ndarray,
    sets: np.ndarray,
    first: int,
) -> bool:
    """Recompute the n-gram sets of chosen documents.

    Args:
        offsets: int64[n + 1].
        data: uint8 bytes of UTF-8.
        word_key: key of the word hashes.
        table: `character_table()`.
        ngram: words a n-gram.
        key: key of the n-gram hashes.
        rows: int64[m] documents to look at.
        bounds: int64[…]; document rows[j] goes to sets[bounds[first + j]:bounds[first + j + 1]].
        sets: uint64, written.
        first: position in `bounds` of the first of them.

    Returns:
        False when a set does not have the size that `bounds` says: the text is not the one it was made from.
    """
    words = np.empty(4096, np.uint64)
    grams = np.empty(4096, np.uint64)
    slots = np.empty(8192, np.uint64)
    no_spans = np.empty(0, np.int64)
    no_hashes = np.empty(0, np.uint64)
    for j in range(len(rows)):
        start = offsets[rows[j]]
        end = offsets[rows[j] + 1]
        words = grown(words, (end - start) // 2 + 1)
        count = document_words(data, start, end, word_key, table, words, no_spans, no_spans, 0, word_key, no_hashes)
        grams = grown(grams, count)
        slots = grown(slots, power_of_two(2 * count + 2))
        size = ngram_set(words, count, ngram, key, slots, grams)
        begin = bounds[first + j]
        if bounds[first + j + 1] - begin != size:
            return False
        sets[begin : begin + size] = grams[:size]
    return True


@njit(cache=True, nogil=True)
def similarities(
    grams: np.ndarray,
    gram_bounds: np.ndarray,
    others: np.ndarray,
    other_bounds: np.ndarray,
    sets: np.ndarray,
    set_bounds: np.ndarray,
    threshold: float,
    result: np.ndarray,
) -> None:
    """Exact Jaccard similarity of documents with other documents.

    Args:
        grams: uint64, the sets of n documents one after the other; members are distinct, in any order.
        gram_bounds: int64[n + 1].
        others: int64, for each document the numbers of the sets to compare it with, one after the other.
        other_bounds: int64[n + 1].
        sets: uint64, the other sets.
        set_bounds: int64[m + 1].
        threshold: pairs whose sizes alone keep them below it are not compared.
        result: float64[len(others)], written: members in both / members in either; 0 where the sizes rule the
            threshold out.
    """
    slots = np.empty(8192, np.uint64)
    for document in range(len(gram_bounds) - 1):
        own = gram_bounds[document + 1] - gram_bounds[document]
        size = power_of_two(2 * own + 2)
        slots = grown(slots, size)
        filled = False
        mask = np.uint64(size - 1)
        for j in range(other_bounds[document], other_bounds[document + 1]):
            begin = set_bounds[others[j]]
            end = set_bounds[others[j] + 1]
            theirs = end - begin
            result[j] = 0.0
            if min(own, theirs) < threshold * max(own, theirs) * (1.0 - 1e-12):
                continue
            if not filled:
                filled = True
                slots[:size] = np.uint64(0)
                for i in range(gram_bounds[document], gram_bounds[document + 1]):
                    slot = grams[i] & mask
                    while slots[slot] != np.uint64(0):
                        slot = (slot + np.uint64(1)) & mask
                    slots[slot] = grams[i]
            shared = 0
            for i in range(begin, end):
                gram = sets[i]
                slot = gram & mask
                while slots[slot] != np.uint64(0) and slots[slot] != gram:
                    slot = (slot + np.uint64(1)) & mask
                if slots[slot] == gram:
                    shared += 1
            result[j] = shared / (own + theirs - shared)
