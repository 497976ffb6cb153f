"""Lines that show a sign of damage, found in one pass over Arrow's buffers; nearly all text shows none.

What the signs are is said by the tables of `tamis/repair/marks.py`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.words import decode

# Bits of a line: what may be wrong with it.
ENTITY = 1
TAG = 2
CONTROL = 4
BREAK = 8
SOFT_HYPHEN = 16
ZERO_WIDTH = 32
BIDI = 64
MOJIBAKE = 128
FORM = 256
# What characters are beside that: a joiner, which is a sign only behind one that is plain; one that is plain.
JOINER = 512
PLAIN = 1024
# One that makes another character with some that may stand before it; one that may stand there.
COMPOSES = 2048
OPENS = 4096

PAIRED = 0x10000
"""Mojibake is made of characters below this one."""
LINE_BYTES = 5_000
"""A longer line is repaired in pieces, parted at a blank where there is one: what is slow in its length is bounded."""

# Syllables of Hangul are composed by rule (The Unicode Standard, 3.12).
LEADING, VOWEL, TRAILING, SYLLABLE = 0x1100, 0x1161, 0x11A7, 0xAC00
LEADINGS, VOWELS, TRAILINGS = 19, 21, 28

AMPERSAND, SEMICOLON, NUMBER_SIGN, SPACE, LINE_FEED = 0x26, 0x3B, 0x23, 0x20, 0x0A
ENTITY_BYTES = 25
"""Most bytes between & and ;."""


@njit(cache=True, nogil=True)
def _entity(data: np.ndarray, at: int, end: int) -> bool:
    """Whether an entity may begin here: & and letters, digits or # up to a ;."""
    for place in range(at + 1, min(end, at + ENTITY_BYTES + 2)):
        byte = data[place]
        if byte == SEMICOLON:
            return place > at + 1
        letter = (byte | 0x20) >= 0x61 and (byte | 0x20) <= 0x7A
        if not letter and not (byte >= 0x30 and byte <= 0x39) and byte != NUMBER_SIGN:
            return False
    return False


@njit(cache=True, nogil=True)
def _makes_one(before: int, code: int, composed: np.ndarray) -> bool:
    """Whether two characters that stand together are written as one."""
    if VOWEL <= code < VOWEL + VOWELS:
        return LEADING <= before < LEADING + LEADINGS
    if TRAILING < code < TRAILING + TRAILINGS:
        syllable = before - SYLLABLE
        return 0 <= syllable < LEADINGS * VOWELS * TRAILINGS and syllable % TRAILINGS == 0
    pair = np.int64(before) << 21 | code
    place = int(np.searchsorted(composed, pair))
    return place < len(composed) and composed[place] == pair


@njit(cache=True, nogil=True)
def _line(
    data: np.ndarray,
    begin: int,
    end: int,
    marks: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    combining: np.ndarray,
    composed: np.ndarray,
) -> tuple[int, int]:
    """The byte after a line, or after a piece of one that is too long, and its bits."""
    i = begin
    mark = 0
    before = np.uint64(0)  # pairs that the last character may begin
    class_before = np.int64(0)
    starter = np.int64(0)  # the last character that is no mark, where others may follow that make one with it
    between = False  # whether marks have followed it
    plain = True
    while i < end:
        byte = data[i]
        if byte < 0x80:
            if before != 0:
                if before & second[byte]:
                    mark |= MOJIBAKE
                before = np.uint64(0)
            class_before = np.int64(0)
            starter, between = np.int64(byte), False
            plain = True
            i += 1
            if byte == LINE_FEED:
                break
            if byte == AMPERSAND and _entity(data, i - 1, end):
                mark |= ENTITY
            mark |= marks[byte]
            if byte == SPACE and i - begin >= LINE_BYTES:
                break
        else:
            code, width = decode(data, i, end)
            own = marks[code]
            mark |= own
            i += width
            if own & JOINER and plain:
                mark |= ZERO_WIDTH
            plain = own & (PLAIN | JOINER) != 0
            if code < PAIRED:
                if before & second[code]:
                    mark |= MOJIBAKE
                before = first[code]
            else:
                before = np.uint64(0)
            own_class = np.int64(combining[code] & 0xFF)
            if own_class != 0 and own_class < class_before:
                mark |= FORM
            # Not where a mark of the same class, or any before a letter, stands between them.
            open_ = starter != 0 and (not between or own_class > class_before)
            if own & COMPOSES and open_ and _makes_one(starter, code, composed):
                mark |= FORM
            class_before = np.int64(combining[code] >> 8)
            between = own_class != 0
            if own_class == 0:
                starter = np.int64(code) if own & OPENS else np.int64(0)
            if own_class == 0 and i - begin >= 2 * LINE_BYTES:
                break
        # Not between the two that end a line.
        if i - begin >= 4 * LINE_BYTES and (i >= end or data[i] != LINE_FEED):
            break
    return min(i, end), mark


@njit(cache=True, nogil=True)
def signs(
    data: np.ndarray,
    marks: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    combining: np.ndarray,
    composed: np.ndarray,
) -> int:
    """The bits of a text, of all of its lines; see `damaged`."""
    at = 0
    found = 0
    while at < len(data):
        at, mark = _line(data, at, len(data), marks, first, second, combining, composed)
        found |= mark
    return found


@njit(cache=True, nogil=True)
def damaged(
    offsets: np.ndarray,
    data: np.ndarray,
    chosen: np.ndarray,
    marks: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    combining: np.ndarray,
    composed: np.ndarray,
    wanted: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the lines that show a sign of damage.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 likewise.
        chosen: bool[n], rows to look at.
        marks: uint16[0x110000], see `tamis.repair.marks.Tables`.
        first: uint64[0x10000] likewise.
        second: uint64[0x10000] likewise.
        combining: uint16[0x110000] likewise.
        composed: int64[p] likewise.
        wanted: bits that are looked for.

    Returns:
        int64[k, 4]: row, first byte, byte after the last (a line has its line feed), bits; and bool[n], whether the
        text of a row holds a `<`.
    """
    lines = np.empty((1024, 4), np.int64)
    tags = np.zeros(len(chosen), np.bool_)
    found = 0
    for row in range(len(chosen)):
        if not chosen[row]:
            continue
        begin = offsets[row]
        end = offsets[row + 1]
        while begin < end:
            after, mark = _line(data, begin, end, marks, first, second, combining, composed)
            if mark & TAG:
                tags[row] = True
            if mark & wanted:
                if found == len(lines):
                    more = np.empty((2 * found, 4), np.int64)
                    more[:found] = lines
                    lines = more
                lines[found, 0] = row
                lines[found, 1] = begin
                lines[found, 2] = after
                lines[found, 3] = mark
                found += 1
            begin = after
    return lines[:found], tags
