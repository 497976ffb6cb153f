"""The lines of a page's whole text, and what is counted of each, in one pass over its characters.

The text is Resiliparse's reduced markup of a page that has marks (`tamis.kernels.markup`). Each of its tags becomes one
character first, so that what counts sees characters only.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.markup import MARK
from tamis.kernels.page_characters import COMMA, DIGIT, END, FULL_STOPS, LETTER, ODD, SPACE, UPPER, WIDE

TAGS = ("a", "p", "pre", "br", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6")
"""Of the reduced markup."""

TAG = MARK + 0x100
"""Code point of the first opening tag; its closing tag has one more, the next opening tag two."""

_A, _P, _PRE, _, _LI = range(5)
_H1, _LEVELS = TAGS.index("h1"), 6
_KEYS = np.array([sum(ord(letter) << 8 * i for i, letter in enumerate(tag)) for tag in TAGS], np.int64)

COUNTS = (
    "mass", "letters", "words", "linked", "links", "commas", "odd", "digits", "upper", "cells", "repeats", "ends_well",
    "full_stop", "upper_first", "heading", "paragraph", "pre", "item",
)  # fmt: skip
"""Columns of what is counted of a line; their meaning is that of `tamis.extraction.lines.Own`."""

(
    _MASS, _LETTERS, _WORDS, _LINKED, _LINKS, _COMMAS, _ODD, _DIGITS, _UPPER, _CELLS, _, _ENDS_WELL,
    _FULL_STOP, _UPPER_FIRST, _HEADING, _PARAGRAPH, _IS_PRE, _ITEM,
) = range(len(COUNTS))  # fmt: skip

DEEPEST = 3
_OPEN, _LAST, _LINE = range(3)
HASHES = np.random.Generator(np.random.PCG64(0)).integers(1, 2**63, 4096, np.uint64)
_LINE_FEED, _TAB, _BLANK, _LESS, _GREATER, _SLASH = map(ord, "\n\t <>/")


@njit(cache=True, nogil=True)
def reduce_tags(codes: np.ndarray, out: np.ndarray) -> tuple[int, int]:
    """Copy reduced markup with one character a tag.

    Args:
        codes: uint32, code points.
        out: uint32, as long.

    Returns:
        how many characters were written, and how many lines outside of `<pre>` hold more than white space.
    """
    written = 0
    lines = 1
    filled = False
    preserved = 0
    i = 0
    while i < len(codes):
        code = int(codes[i])
        if code == _LINE_FEED and preserved <= 0:
            lines += int(filled)
            filled = False
        filled |= code > _BLANK
        end = i
        if code == _LESS:
            while end < len(codes) and codes[end] != _GREATER:
                end += 1
        if i < end < len(codes):
            closing = int(codes[i + 1] == _SLASH)
            begin = i + 1 + closing
            key = 0
            for j in range(begin, min(end, begin + 4)):
                key |= min(int(codes[j]), 255) << 8 * (j - begin)
            # What is not among the tags has an attribute, as links alone have.
            code = TAG
            for tag in range(len(_KEYS)):
                if _KEYS[tag] == key:
                    code = TAG + 2 * tag + closing
            if (code - TAG) >> 1 == _PRE:
                preserved += 1 - 2 * closing
            i = end
        out[written] = code
        written += 1
        i += 1
    return written, lines


@njit(cache=True, nogil=True)
def _bits(code: int, table: np.ndarray) -> int:
    """Bits of a character."""
    if code <= 0xFFFF:
        return int(table[code])
    # Rare scripts, ideographs and emoji; only of ideographs it matters, and planes 2 and 3 hold nothing else.
    return LETTER | WIDE if 0x20000 <= code < 0x40000 else 0


@njit(cache=True, nogil=True)
def count_lines(
    codes: np.ndarray,
    table: np.ndarray,
    places: np.ndarray,
    counts: np.ndarray,
    groups: np.ndarray,
    keys: np.ndarray,
    tags: np.ndarray,
    open_groups: np.ndarray,
) -> int:
    """Count what is in the lines of a text that hold a letter or digit; what lies in `<pre>` is one line.

    Args:
        codes: uint32, code points, tags and marks among them.
        table: uint8[65536], bits of a character (`tamis.kernels.page_characters`).
        places: int64[lines, 2] for the first character of each line and the one behind its last.
        counts: int64[lines, len(COUNTS)], zeros; repeats are not counted here.
        groups: int64[lines, kinds] for the levels of containers around its first character, up to `DEEPEST`.
        keys: uint64[lines], zeros, for the sum of hashes of its letters and digits.
        tags: int64[3, len(TAGS)], zeros: levels that are open, that were at the last character, tags of the line.
        open_groups: int64[kinds], zeros.

    Returns:
        how many lines there are; the arrays have a row for each that `reduce_tags` has found.
    """
    n = 0
    start = 0
    first = -1
    last = 0
    wide = 0
    moved = False
    in_word = False
    for i in range(len(codes) + 1):
        code = int(codes[i]) if i < len(codes) else _LINE_FEED
        ends = code == _LINE_FEED and (i == len(codes) or tags[_OPEN, _PRE] <= 0)
        if moved and (ends or code >= TAG):
            for tag in range(len(TAGS)):
                tags[_LAST, tag] = max(tags[_OPEN, tag], 0)
            moved = False
        if code >= MARK:
            in_word = False
            change = 1 - 2 * (code & 1)
            if code >= TAG:
                tag = (code - TAG) >> 1
                if tag < len(TAGS):
                    tags[_OPEN, tag] += change
                    tags[_LINE, tag] += change > 0
            elif (code - MARK) >> 1 < len(open_groups):
                open_groups[(code - MARK) >> 1] += change
            continue
        if ends:
            if counts[n, _LETTERS]:
                places[n, 0] = start
                places[n, 1] = i
                counts[n, _MASS] = counts[n, _LETTERS] + 2 * wide
                counts[n, _WORDS] += wide // 2
                counts[n, _LINKS] = tags[_LINE, _A]
                counts[n, _ENDS_WELL] = (_bits(int(codes[last]), table) & END) != 0
                for stop in FULL_STOPS:
                    counts[n, _FULL_STOP] |= codes[last] == stop
                counts[n, _UPPER_FIRST] = (_bits(int(codes[first]), table) & UPPER) != 0
                for level in range(_LEVELS, 0, -1):
                    if tags[_LAST, _H1 + level - 1] + tags[_LINE, _H1 + level - 1]:
                        counts[n, _HEADING] = level
                counts[n, _PARAGRAPH] = min(tags[_LAST, _P] + tags[_LINE, _P], 1)
                counts[n, _IS_PRE] = min(tags[_LINE, _PRE], 1)
                counts[n, _ITEM] = min(tags[_LAST, _LI] + tags[_LINE, _LI], DEEPEST)
                n += 1
            else:
                counts[n, _COMMAS] = 0
                counts[n, _ODD] = 0
                counts[n, _UPPER] = 0
                counts[n, _CELLS] = 0
            for tag in range(len(TAGS)):
                tags[_LINE, tag] = 0
            start = i + 1
            first = -1
            wide = 0
            in_word = False
            continue
        bits = _bits(code, table)
        counts[n, _CELLS] += code == _TAB
        if bits & SPACE:
            in_word = False
            continue
        if first < 0:
            first = i
            for group in range(len(open_groups)):
                groups[n, group] = min(max(open_groups[group], 0), DEEPEST)
        last = i
        moved = True
        counts[n, _COMMAS] += (bits & COMMA) != 0
        counts[n, _ODD] += (bits & ODD) != 0
        counts[n, _UPPER] += (bits & UPPER) != 0
        if not bits & (LETTER | DIGIT):
            in_word = False
            continue
        keys[n] += np.uint64(code) * HASHES[counts[n, _LETTERS] & 4095]
        counts[n, _LETTERS] += 1
        counts[n, _WORDS] += not in_word
        in_word = True
        counts[n, _LINKED] += tags[_OPEN, _A] > 0
        counts[n, _DIGITS] += (bits & DIGIT) != 0
        wide += (bits & WIDE) != 0
    return n
