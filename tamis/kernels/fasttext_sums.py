"""What a fastText classifier says of texts, from Arrow's buffers: words, their pairs and the sum of their numbers.

A classifier of softmax is linear: the mean of its vectors times a matrix. So each vector is multiplied by the matrix
once, when the model is read (`tamis.classifiers.fasttext_scorer`), and a text is the mean of as many numbers as there
are classes, whatever the dimension; with two classes the numbers of 260,000 words and buckets fit a processor's cache.

Words are those of fastText's `Dictionary::getLine` over a text as `tamis.classifiers.fasttext.normalise` writes it, by
its hash, FNV-1a over bytes with their sign; a pair is a bucket of a mix of both hashes; behind the last word stands the
end of the line. The buffers are read as they are: cut, lower case and punctuation apart happen on the way.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.dedup.scratch import grown
from tamis.kernels.words import decode

SPACE, APART = 1, 2
"""Classes of a character: between words, and a word of its own; 0 is part of a word."""

CLASS_SHIFT = 30
"""Where the class stands in an entry of the table of characters, behind the character in lower case."""

_START, _PRIME, _MIX = np.uint32(2_166_136_261), np.uint32(16_777_619), np.uint64(116_049_371)


@njit(cache=True, nogil=True, inline="always")
def _absorbed(state: np.uint32, byte: np.uint8) -> np.uint32:
    # fastText takes bytes for signed ones.
    return np.uint32((state ^ np.uint32(np.int32(np.int8(byte)))) * _PRIME)


@njit(cache=True, nogil=True)
def word_hash(word: np.ndarray) -> np.uint32:
    """The hash that fastText has of a word's bytes."""
    state = _START
    for byte in word:
        state = _absorbed(state, byte)
    return state


@njit(cache=True, nogil=True)
def entries(data: np.ndarray, count: int, bounds: np.ndarray, kinds: np.ndarray) -> int:
    """Where the entries of a model file's dictionary stand: text, a zero, eight bytes of a count, one of a type.

    Args:
        data: uint8, the file from the first entry on.
        count: of the entries.
        bounds: int64[count, 2], written: first byte of each text and the byte behind it.
        kinds: uint8[count], written.

    Returns:
        Bytes of all of them, -1 where they do not end.
    """
    at = 0
    for entry in range(count):
        bounds[entry, 0] = at
        while at < len(data) and data[at] != 0:
            at += 1
        if at + 10 > len(data):
            return -1
        bounds[entry, 1] = at
        kinds[entry] = data[at + 9]
        at += 10
    return at


@njit(cache=True, nogil=True)
def numbered(data: np.ndarray, bounds: np.ndarray, slots: np.ndarray) -> None:
    """Make a table of words by their hash.

    Args:
        data: uint8, in which words stand.
        bounds: int64[n, 2], where.
        slots: int64, zeros, of a power of two above n, written: hash and number + 1 of a word.
    """
    mask = len(slots) - 1
    for word in range(len(bounds)):
        state = word_hash(data[bounds[word, 0] : bounds[word, 1]])
        slot = np.int64(state) & mask
        while slots[slot]:
            slot = (slot + 1) & mask
        slots[slot] = np.int64(state) << 32 | (word + 1)


@njit(cache=True, nogil=True, inline="always")
def _number(
    state: np.uint32, word: np.ndarray, size: int, data: np.ndarray, bounds: np.ndarray, slots: np.ndarray
) -> int:
    """The number of a word, -1 where it has none."""
    mask = len(slots) - 1
    slot = np.int64(state) & mask
    while slots[slot]:
        if slots[slot] >> 32 & 0xFFFFFFFF == np.int64(state):
            number = (slots[slot] & 0xFFFFFFFF) - 1
            first = bounds[number, 0]
            same = bounds[number, 1] - first == size
            place = 0
            while same and place < size:
                same = data[first + place] == word[place]
                place += 1
            if same:
                return number
        slot = (slot + 1) & mask
    return -1


@njit(cache=True, nogil=True, inline="always")
def _added(total: np.ndarray, numbers: np.ndarray, number: int) -> int:
    """Add a row of numbers, if there is one (-1: none), and say how many were."""
    if number < 0:
        return 0
    for k in range(len(total)):
        total[k] += np.float64(numbers[number, k])
    return 1


@njit(cache=True, nogil=True)
def sums(
    offsets: np.ndarray,
    data: np.ndarray,
    most: int,
    table: np.ndarray,
    known: np.ndarray,
    bounds: np.ndarray,
    slots: np.ndarray,
    last: tuple[np.uint32, int],
    longest: int,
    numbers: np.ndarray,
    found: np.ndarray,
) -> None:
    """The mean, over the words and runs of words of each of n texts, of the numbers that a model has for them.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 from there.
        most: characters of each text that are read.
        table: uint32[0x110000]: each character in lower case, and its class.
        known: uint8, in which the model's words stand.
        bounds: int64[words, 2], where.
        slots: from `numbered`.
        last: hash and number of the end of a line; -1 where the model does not know it.
        longest: words of the longest run.
        numbers: float32[words + buckets, k].
        found: float64[n, k], written; zeros where a model knows nothing of a text.
    """
    buckets = np.uint64(len(numbers) - len(bounds))
    hashes = np.empty(4096, np.uint64)
    word = np.empty(4096, np.uint8)
    for row in range(len(offsets) - 1):
        end = offsets[row + 1]
        # A character is a word of its own at most; the end of the line is one more.
        room = min(end - offsets[row], most)
        hashes = grown(hashes, room + 2)
        word = grown(word, 4 * room + 4)
        count, features, size, seen = 0, 0, 0, 0
        state = _START
        total = found[row]
        i = offsets[row]
        while True:
            over = i >= end or seen == most
            kind, width = np.uint32(SPACE), 1
            code_point = np.int64(0)
            if not over:
                code_point = np.int64(data[i])
                if code_point >= 0x80:
                    code_point, width = decode(data, i, end)
                entry = table[code_point]
                kind = entry >> np.uint32(CLASS_SHIFT)
                code_point = np.int64(entry & np.uint32((1 << CLASS_SHIFT) - 1))
            # A word ends before a space, before and behind what stands apart.
            if size and kind:
                number = _number(state, word, size, known, bounds, slots)
                features += _added(total, numbers, number)
                hashes[count] = np.uint64(np.int64(np.int32(state)))
                count += 1
                size = 0
                state = _START
            if over:
                break
            if kind != SPACE:
                if code_point < 0x80:
                    word[size] = np.uint8(code_point)
                    size += 1
                elif code_point < 0x800:
                    word[size] = np.uint8(0xC0 | code_point >> 6)
                    word[size + 1] = np.uint8(0x80 | code_point & 0x3F)
                    size += 2
                elif code_point < 0x10000:
                    word[size] = np.uint8(0xE0 | code_point >> 12)
                    word[size + 1] = np.uint8(0x80 | code_point >> 6 & 0x3F)
                    word[size + 2] = np.uint8(0x80 | code_point & 0x3F)
                    size += 3
                else:
                    word[size] = np.uint8(0xF0 | code_point >> 18)
                    word[size + 1] = np.uint8(0x80 | code_point >> 12 & 0x3F)
                    word[size + 2] = np.uint8(0x80 | code_point >> 6 & 0x3F)
                    word[size + 3] = np.uint8(0x80 | code_point & 0x3F)
                    size += 4
                length = 1 if code_point < 0x80 else 2 if code_point < 0x800 else 3 if code_point < 0x10000 else 4
                for place in range(size - length, size):
                    state = _absorbed(state, word[place])
                if kind == APART:
                    number = _number(state, word, size, known, bounds, slots)
                    features += _added(total, numbers, number)
                    hashes[count] = np.uint64(np.int64(np.int32(state)))
                    count += 1
                    size = 0
                    state = _START
            seen += 1
            i += width
        hashes[count] = np.uint64(np.int64(np.int32(last[0])))
        count += 1
        features += _added(total, numbers, last[1])
        for first in range(count if buckets else 0):
            mixed = hashes[first]
            for other in range(first + 1, min(count, first + longest)):
                mixed = mixed * _MIX + hashes[other]
                features += _added(total, numbers, len(bounds) + np.int64(mixed % buckets))
        if features:
            for k in range(len(total)):
                total[k] /= features
