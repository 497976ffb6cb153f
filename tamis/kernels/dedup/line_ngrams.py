"""N-grams of lines: 64-bit keys, and how many documents hold each.

Keys of a line of w words (`tamis.text.words`) for n-grams of n words:

* w < min_words: none;
* w <= n: one, of the whole line;
* w > n: each of its w - n + 1 n-grams whose key is 0 modulo k; with k > 1 the whole line too, so that lines
  that repeat word for word are found whatever k is.

A key takes in the bucket of the document, so that one table counts all buckets.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit

from tamis import hashing
from tamis.kernels.dedup.key_counts import sorted_counts
from tamis.kernels.folded_characters import character_table
from tamis.kernels.hashes import BASE, absorb64, mix64
from tamis.kernels.lines import Units
from tamis.kernels.words import WORD_KEY, document_words

NGRAM_KEY = hashing.keys("line n-grams", 1)[0]

LARGE = 1 << 20
"""Keys from which on those of a document are sorted: a table of those met would take 2 GB for a text of 100 MB."""


@njit(cache=True, nogil=True)
def line_key(words: np.ndarray, count: int, seed: int) -> int:
    """Key of a whole line: words[:count]."""
    rolling = np.uint64(0)
    for word in range(count):
        rolling = rolling * BASE + words[word]
    return mix64(rolling ^ absorb64(seed, np.uint64(count)))


@njit(cache=True, nogil=True, inline="always")
def highest_power(ngram: int) -> np.uint64:
    """What the oldest word of a rolling n-gram has been multiplied by when it leaves."""
    power = np.uint64(1)
    for _ in range(ngram):
        power *= BASE
    return power


@njit(cache=True, nogil=True, inline="always")
def rolled(rolling: int, words: np.ndarray, start: int, ngram: int, power: int) -> int:
    """The polynomial of words[start:start + ngram], from that of the n-gram before (`start` 0: from nothing)."""
    if start == 0:
        for word in range(ngram):
            rolling = rolling * BASE + words[word]
        return rolling
    return rolling * BASE + words[start + ngram - 1] - words[start - 1] * power


@njit(cache=True, nogil=True, inline="always")
def is_sampled(key: int, modulus: int) -> bool:
    """Whether an n-gram belongs to the sample of one in `modulus`."""
    # Hashed once more: the key's high bits choose its partition and its low bits its slot in a table.
    return modulus == 1 or mix64(np.uint64(key) ^ np.uint64(0xA5A5A5A5A5A5A5A5)) % np.uint64(modulus) == np.uint64(0)


@njit(cache=True, nogil=True)
def longest_line(starts: np.ndarray, ends: np.ndarray) -> int:
    """Bytes of the longest line."""
    longest = 0
    for unit in range(len(starts)):
        longest = max(longest, ends[unit] - starts[unit])
    return longest


@njit(cache=True, nogil=True, inline="always")
def _new(key: int, row: int, mask: int, slots: np.ndarray, rows: np.ndarray) -> bool:
    """Whether a row meets a key for the first time; the slots of earlier rows count as empty."""
    slot = np.uint64(key) & mask
    while rows[slot] == row:
        if slots[slot] == key:
            return False
        slot = (slot + np.uint64(1)) & mask
    slots[slot] = key
    rows[slot] = row
    return True


@njit(cache=True, nogil=True)
def _collect(
    data: np.ndarray,
    unit_offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    buckets: np.ndarray,
    ngram: int,
    min_words: int,
    modulus: int,
    word_key: int,
    ngram_key: int,
    table: np.ndarray,
    room: np.ndarray,
    slots: np.ndarray,
    rows: np.ndarray,
    keys: np.ndarray,
) -> int:
    """Fill `keys` with the keys of each document, each once a document; returns how many."""
    words = np.empty(longest_line(starts, ends) // 2 + 1, dtype=np.uint64)
    power = highest_power(ngram)
    none = np.empty(0, dtype=np.int64)
    no_hashes = np.empty(0, np.uint64)
    total = 0
    for row in range(len(unit_offsets) - 1):
        seed = absorb64(ngram_key, buckets[row])
        ngram_seed = absorb64(seed, np.uint64(ngram))
        first = total
        large = room[row] > LARGE
        # A small document uses the first slots only: they stay in the cache.
        mask = np.uint64(1)
        while mask <= np.uint64(2 * min(room[row], LARGE)):
            mask *= np.uint64(2)
        mask -= np.uint64(1)
        for unit in range(unit_offsets[row], unit_offsets[row + 1]):
            count = document_words(
                data, starts[unit], ends[unit], word_key, table, words, none, none, 0, word_key, no_hashes
            )
            if count < min_words:
                continue
            if count <= ngram or modulus > 1:
                key = line_key(words, count, seed)
                if large or _new(key, row, mask, slots, rows):
                    keys[total] = key
                    total += 1
            if count > ngram:
                rolling = np.uint64(0)
                for word in range(count - ngram + 1):
                    rolling = rolled(rolling, words, word, ngram, power)
                    key = mix64(rolling ^ ngram_seed)
                    if is_sampled(key, modulus) and (large or _new(key, row, mask, slots, rows)):
                        keys[total] = key
                        total += 1
        if large:
            total = first + sorted_counts(keys[first:total], np.empty(total - first, dtype=np.int32))
    return total


class KeyCounter:
    """Counts in how many rows each key occurs, with the rows given some at a time.

    When `capacity` keys have come together (each once a row), they are counted and handed out, so a key may be handed
    out several times with a part of its rows. Memory: 20 bytes a key of the capacity.
    """

    def __init__(self, capacity: int, *, ngram: int, min_words: int, modulus: int) -> None:
        """Begin with nothing.

        Args:
            capacity: keys in memory; more where one call of `add` brings more.
            ngram: words of an n-gram.
            min_words: lines with fewer words have no keys.
            modulus: of the sample, 1 = all.
        """
        self._capacity = capacity
        self._ngram, self._min_words, self._modulus = ngram, min_words, modulus
        self._keys = np.empty(0, dtype=np.uint64)
        self._filled = 0

    def add(self, data: np.ndarray, lines: Units, buckets: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Take in the lines of n rows that no other call has.

        Args:
            data: uint8 from `tamis.kernels.words.buffers`.
            lines: lines of n rows.
            buckets: uint64[n], bucket of each row.

        Yields:
            What `counted` gives, when the memory is full.
        """
        # A line of b bytes has at most (b + 1) // 2 words, and no more n-grams; one more for the whole line.
        until = np.concatenate([[0], np.cumsum((lines.ends - lines.starts + 1) // 2 + 1)])
        if self._filled + until[-1] > len(self._keys):
            if self._filled:
                yield self.counted()
            if until[-1] > len(self._keys):
                self._keys = np.empty(max(self._capacity, until[-1]), dtype=np.uint64)
        room = np.diff(until[lines.offsets])
        size = 1 << int(2 * min(room.max(initial=4), LARGE)).bit_length()
        self._filled += _collect(
            data,
            lines.offsets,
            lines.starts,
            lines.ends,
            buckets,
            self._ngram,
            self._min_words,
            self._modulus,
            WORD_KEY,
            NGRAM_KEY,
            character_table(),
            room,
            np.empty(size, dtype=np.uint64),
            np.full(size, -1, dtype=np.int64),
            self._keys[self._filled :],
        )

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """The keys that have come together, uint64, ascending, and in how many rows each is, int32; then none are."""
        keys = self._keys[: self._filled]
        counts = np.empty(self._filled, dtype=np.int32)
        distinct = sorted_counts(keys, counts)
        # What is handed out keeps its memory.
        self._keys, self._filled = np.empty(0, dtype=np.uint64), 0
        return keys[:distinct], counts[:distinct]
