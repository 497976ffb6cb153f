"""Which lines are made of frequent n-grams: the frequent keys in a table, and how many words of a line they cover."""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.dedup.line_ngrams import NGRAM_KEY, highest_power, is_sampled, line_key, longest_line, rolled
from tamis.kernels.folded_characters import character_table
from tamis.kernels.hashes import absorb64, mix64
from tamis.kernels.lines import Units
from tamis.kernels.words import WORD_KEY, document_words


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
    sizes: np.ndarray,
) -> None:
    words = np.empty(longest_line(starts, ends) // 2 + 1, dtype=np.uint64)
    power = highest_power(ngram)
    none = np.empty(0, dtype=np.int64)
    no_hashes = np.empty(0, np.uint64)
    for row in range(len(unit_offsets) - 1):
        seed = absorb64(ngram_key, buckets[row])
        ngram_seed = absorb64(seed, np.uint64(ngram))
        for unit in range(unit_offsets[row], unit_offsets[row + 1]):
            count = document_words(
                data, starts[unit], ends[unit], word_key, table, words, none, none, 0, word_key, no_hashes
            )
            sizes[unit] = count
            if count < min_words:
                continue
            if count <= ngram or modulus > 1:
                found[unit] = _frequency(line_key(words, count, seed), slots, values)
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
                    rolling = rolled(rolling, words, word, ngram, power)
                    key = mix64(rolling ^ ngram_seed)
                    if not is_sampled(key, modulus):
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
    ) -> tuple[np.ndarray, np.ndarray]:
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
            int32, one a line: the largest document frequency among the n-grams that cover it, 0 where it is not made of
            them; and its words.
        """
        found, sizes = np.zeros(len(lines.starts), dtype=np.int32), np.zeros(len(lines.starts), dtype=np.int32)
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
            sizes,
        )
        return found, sizes
