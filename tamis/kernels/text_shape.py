"""What a text looks like, in counts from its bytes: the numbers behind cheap features of classifiers.

A word is a run of ASCII letters, digits and bytes beyond ASCII, compared in small ASCII letters. That is no
linguistics: text in a script without spaces has few long words here, and this, too, is a shape.
"""

from __future__ import annotations

import numpy as np
from numba import njit

COUNTS = (
    "characters",
    "beyond_ascii",
    "words",
    "word_characters",
    "short_words",
    "different_words",
    "function_words",
    "digits",
    "capitals",
    "marks",
    "exclamations",
    "questions",
    "addresses",
    "lines",
    "ended_lines",
)
"""Columns of `counts`: characters; those beyond ASCII; words, their characters, those of at most three, different ones,
and function words; digits; ASCII capitals; ASCII punctuation; `!`; `?`; `://`; lines that hold something, and those of
them that end as a sentence does."""

SHORT = 3
TABLE = 1 << 13
"""Places of the table of different words; words beyond half of it count as seen before."""

FNV_START, FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


def word_hash(word: str) -> int:
    """The hash of a word in small ASCII letters (FNV-1a)."""
    value = int(FNV_START)
    for byte in word.encode():
        value = ((value ^ byte) * int(FNV_PRIME)) & 0xFFFFFFFFFFFFFFFF
    return value


@njit(cache=True, nogil=True, inline="always")
def _ends(data: np.ndarray, start: int, last: int) -> bool:
    """Whether the line from `start` to the byte `last` ends as a sentence does."""
    byte = data[last]
    if byte in (33, 34, 41, 46, 58, 59, 63):
        return True
    if last - start < 2 or byte < 0x80:
        return False
    one, two = data[last - 2], data[last - 1]
    quote = one == 0xE2 and two == 0x80 and byte in (0x9D, 0x99, 0xA6)
    ideographic = one == 0xE3 and two == 0x80 and byte == 0x82
    wide = one == 0xEF and two == 0xBC and byte in (0x81, 0x9F)
    return quote or ideographic or wide


@njit(cache=True, nogil=True)
def _count(offsets: np.ndarray, data: np.ndarray, functions: np.ndarray, found: np.ndarray) -> None:
    table = np.zeros(TABLE, np.uint64)
    stamp = np.zeros(TABLE, np.int64)
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        different = 0
        length = 0
        value = FNV_START
        line, last = start, -1
        for at in range(start, end + 1):
            byte = np.uint64(data[at]) if at < end else np.uint64(10)
            starts = byte & np.uint64(0xC0) != np.uint64(0x80)
            digit = np.uint64(48) <= byte <= np.uint64(57)
            capital = np.uint64(65) <= byte <= np.uint64(90)
            letter = capital or np.uint64(97) <= byte <= np.uint64(122)
            if digit or letter or byte >= np.uint64(128):
                length += int(starts)
                small = byte + np.uint64(32) if capital else byte
                value = (value ^ small) * FNV_PRIME
                found[row, 7] += np.int64(digit)
                found[row, 8] += np.int64(capital)
                found[row, 1] += np.int64(starts and byte >= np.uint64(128))
            else:
                if length:
                    found[row, 2] += 1
                    found[row, 3] += length
                    found[row, 4] += np.int64(length <= SHORT)
                    for known in functions:
                        if known == value:
                            found[row, 6] += 1
                            break
                    place = np.int64(value & np.uint64(TABLE - 1))
                    while stamp[place] == row + 1 and table[place] != value:
                        place = (place + 1) & (TABLE - 1)
                    if stamp[place] != row + 1 and different < TABLE // 2:
                        stamp[place], table[place] = row + 1, value
                        different += 1
                length, value = 0, FNV_START
                if at == end:
                    pass
                elif np.uint64(33) <= byte <= np.uint64(126):
                    found[row, 9] += 1
                    found[row, 10] += np.int64(byte == np.uint64(33))
                    found[row, 11] += np.int64(byte == np.uint64(63))
                    found[row, 12] += np.int64(
                        byte == np.uint64(58) and at + 2 < end and data[at + 1] == 47 and data[at + 2] == 47
                    )
            if byte == np.uint64(10):
                if last >= line:
                    found[row, 13] += 1
                    found[row, 14] += np.int64(_ends(data, line, last))
                line, last = at + 1, -1
            elif byte > np.uint64(32):
                last = at
        for at in range(start, end):
            found[row, 0] += np.int64(data[at] & 0xC0 != 0x80)
        found[row, 5] = different


def counts(offsets: np.ndarray, data: np.ndarray, functions: np.ndarray) -> np.ndarray:
    """Count.

    Args:
        offsets: int64[n + 1] into `data`.
        data: uint8, UTF-8.
        functions: uint64, hashes of function words (`word_hash`).

    Returns:
        int64[n, len(COUNTS)].
    """
    found = np.zeros((len(offsets) - 1, len(COUNTS)), np.int64)
    _count(offsets, data, functions, found)
    return found
