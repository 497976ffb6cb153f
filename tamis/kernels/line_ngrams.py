"""N-grams of lines: 64-bit keys, how many documents hold each, and how much of a line they cover.

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
from tamis.kernels.hashes import BASE, absorb64, mix64
from tamis.kernels.lines import Units
from tamis.kernels.words import WORD_KEY, character_table, document_words

NGRAM_KEY = hashing.keys("line n-grams", 1)[0]

IN_CACHE = 1 << 13
"""Keys that are grouped in one go once they stand together: 64 kB."""
MOST_BITS = 11
"""More groups at once than 2,048 miss the translation cache with every key that is moved."""
LARGE = 1 << 20
"""Keys from which on those of a document are sorted: a table of those met would take 2 GB for a text of 100 MB."""
FEW = 24
"""Keys that are sorted by insertion."""


@njit(cache=True, nogil=True)
def _line_key(words: np.ndarray, count: int, seed: int) -> int:
    """Key of a whole line: words[:count]."""
    rolling = np.uint64(0)
    for word in range(count):
        rolling = rolling * BASE + words[word]
    return mix64(rolling ^ absorb64(seed, np.uint64(count)))


@njit(cache=True, nogil=True, inline="always")
def _power(ngram: int) -> np.uint64:
    """What the oldest word of a rolling n-gram has been multiplied by when it leaves."""
    power = np.uint64(1)
    for _ in range(ngram):
        power *= BASE
    return power


@njit(cache=True, nogil=True, inline="always")
def _rolled(rolling: int, words: np.ndarray, start: int, ngram: int, power: int) -> int:
    """The polynomial of words[start:start + ngram], from that of the n-gram before (`start` 0: from nothing)."""
    if start == 0:
        for word in range(ngram):
            rolling = rolling * BASE + words[word]
        return rolling
    return rolling * BASE + words[start + ngram - 1] - words[start - 1] * power


@njit(cache=True, nogil=True, inline="always")
def _sampled(key: int, modulus: int) -> bool:
    # Hashed once more: the key's high bits choose its partition and its low bits its slot in a table.
    return modulus == 1 or mix64(np.uint64(key) ^ np.uint64(0xA5A5A5A5A5A5A5A5)) % np.uint64(modulus) == np.uint64(0)


@njit(cache=True, nogil=True)
def _longest(starts: np.ndarray, ends: np.ndarray) -> int:
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
def _sorted_counts(keys: np.ndarray, counts: np.ndarray) -> int:
    """Sort keys in place, collapse equal ones and count them; returns how many remain.

    Keys are hashes, uniform in all their bits, so two rounds of grouping by the next bits leave groups of a few; where
    some are not (one key of many documents), those groups are sorted by comparison.
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
    words = np.empty(_longest(starts, ends) // 2 + 1, dtype=np.uint64)
    power = _power(ngram)
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
                key = _line_key(words, count, seed)
                if large or _new(key, row, mask, slots, rows):
                    keys[total] = key
                    total += 1
            if count > ngram:
                rolling = np.uint64(0)
                for word in range(count - ngram + 1):
                    rolling = _rolled(rolling, words, word, ngram, power)
                    key = mix64(rolling ^ ngram_seed)
                    if _sampled(key, modulus) and (large or _new(key, row, mask, slots, rows)):
                        keys[total] = key
                        total += 1
        if large:
            total = first + _sorted_counts(keys[first:total], np.empty(total - first, dtype=np.int32))
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
        distinct = _sorted_counts(keys, counts)
        # What is handed out keeps its memory.
        self._keys, self._filled = np.empty(0, dtype=np.uint64), 0
        return keys[:distinct], counts[:distinct]


@njit(cache=True, nogil=True)
def _fill(keys: np.ndarray, frequencies: np.ndarray, slots: np.ndarray, values: np.ndarray) -> None:
    mask = np.uint64(len(slots) - 1)
    for i in range(len(keys)):
        slot = keys[i] & mask
        while values[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = keys[i]
        values[slot] = frequencies[i]


@njit(cache=True, nogil=True, inline="always")
def _frequency(key: int, slots: np.ndarray, values: np.ndarray) -> int:
    """Documents that hold a frequent key; 0 when it is not frequent."""
    mask = np.uint64(len(slots) - 1)
    slot = np.uint64(key) & mask
    while values[slot] != 0 and slots[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return values[slot]


@njit(cache=True, nogil=True)
def _cover(
    data: np.ndarray,
    unit_offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    buckets: np.ndarray,
    ngram: int,
    min_words: int,
    modulus: int,
    share: float,
    word_key: int,
    ngram_key: int,
    table: np.ndarray,
    slots: np.ndarray,
    values: np.ndarray,
    found: np.ndarray,
) -> None:
    words = np.empty(_longest(starts, ends) // 2 + 1, dtype=np.uint64)
    power = _power(ngram)
    none = np.empty(0, dtype=np.int64)
    no_hashes = np.empty(0, np.uint64)
    for row in range(len(unit_offsets) - 1):
        seed = absorb64(ngram_key, buckets[row])
        ngram_seed = absorb64(seed, np.uint64(ngram))
        for unit in range(unit_offsets[row], unit_offsets[row + 1]):
            count = document_words(
                data, starts[unit], ends[unit], word_key, table, words, none, none, 0, word_key, no_hashes
            )
            if count < min_words:
                continue
            if count <= ngram or modulus > 1:
                found[unit] = _frequency(_line_key(words, count, seed), slots, values)
            if count > ngram and found[unit] == 0:
                rolling = np.uint64(0)
                judged = 0  # words inside the n-grams looked at
                judged_end = 0
                covered = 0
                covered_end = 0
                most = 0
                for word in range(count - ngram + 1):
                    if modulus == 1:
                        # Words before this one that nothing covers stay uncovered: most lines are done after a few.
                        lost = word - covered + max(0, covered_end - word)
                        if count - lost < share * count:
                            covered = -1
                            break
                    rolling = _rolled(rolling, words, word, ngram, power)
                    key = mix64(rolling ^ ngram_seed)
                    if not _sampled(key, modulus):
                        continue
                    judged += word + ngram - max(word, judged_end)
                    judged_end = word + ngram
                    frequency = _frequency(key, slots, values)
                    if frequency > 0:
                        covered += word + ngram - max(word, covered_end)
                        covered_end = word + ngram
                        most = max(most, frequency)
                if 2 * judged >= count and covered >= share * judged:
                    found[unit] = most


class FrequentKeys:
    """The frequent keys, ready to be looked up."""

    def __init__(self, keys: np.ndarray, frequencies: np.ndarray) -> None:
        """Make the table.

        Args:
            keys: uint64, each once.
            frequencies: int32, in how many documents each occurs, at least 1.
        """
        size = 1 << max(4, int(2 * len(keys)).bit_length())
        self._slots = np.zeros(size, dtype=np.uint64)
        self._values = np.zeros(size, dtype=np.int32)
        _fill(keys, frequencies, self._slots, self._values)

    def lines(
        self,
        data: np.ndarray,
        lines: Units,
        buckets: np.ndarray,
        *,
        ngram: int,
        min_words: int,
        modulus: int,
        share: float,
    ) -> np.ndarray:
        """Which lines are made of frequent n-grams.

        Args:
            data: uint8 from `tamis.kernels.words.buffers`.
            lines: lines of n rows.
            buckets: uint64[n], bucket of each row.
            ngram: as in `KeyCounter`.
            min_words: likewise.
            modulus: likewise. Words that no sampled n-gram covers say nothing; a line of which less than half is
                covered by sampled n-grams goes only when the whole of it is frequent.
            share: of the words of a line that frequent n-grams must cover, above 0.

        Returns:
            int32, one a line: the largest document frequency among the n-grams that cover it; 0 where the line stays.
        """
        found = np.zeros(len(lines.starts), dtype=np.int32)
        _cover(
            data,
            lines.offsets,
            lines.starts,
            lines.ends,
            buckets,
            ngram,
            min_words,
            modulus,
            share,
            WORD_KEY,
            NGRAM_KEY,
            character_table(),
            self._slots,
            self._values,
            found,
        )
        return found
