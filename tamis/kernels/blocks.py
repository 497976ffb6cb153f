r"""Blocks: paragraphs that belong together, so that nothing is cut out of the middle of what a reader reads as one.

A **heading** is a paragraph that begins with a Markdown heading (`# …`), is underlined (or lies between two rules), is
a rule alone, or is one short line that ends in a letter, a digit or a closing bracket, stands at the margin and begins
with neither a small letter nor a list mark.

* A heading with all that follows up to the next heading is one block, if these are at most `SECTION` paragraphs. In a
  longer section the heading is a block of its own.
* Elsewhere a paragraph and the next are one block if the first ends in a colon, comma, semicolon, dash or opening
  bracket; if the next begins with a small letter, or deeper than the block, or is an item of a list whose lead-in ended
  in a colon; or if a fenced block of code (``` or ~~~) is open between them.

Spans are bytes of the column's data buffer, as in `tamis/kernels/lines.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from tamis.kernels.folded_characters import CLASS_SHIFT, character_table
from tamis.kernels.lines import Units, line_end

SECTION = 12
"""Most paragraphs of a section that is one block, its heading included. A section of a manual has three to eight; a
page of news under one title has more, and the notices between its paragraphs may go."""

HEADING_BYTES = 80
TAB = 4

NOTHING, LEAD_IN, OPEN, WORD = 0, 1, 2, 3


class Blocks(NamedTuple):
    """Blocks of n rows.

    units: one a block; the spans hold the gaps inside them.
    begins: bool, blocks that begin with a heading.
    alone: bool, those of them that are the heading and nothing else of a long section.
    """

    units: Units
    begins: np.ndarray
    alone: np.ndarray


@lru_cache(maxsize=1)
def _small_letters() -> np.ndarray:
    """bool[0x3000]: code points that are small letters; scripts beyond have none but for rare ones."""
    return np.array([chr(code).islower() for code in range(0x3000)], dtype=np.bool_)


@njit(cache=True, nogil=True, inline="always")
def _code_point(data: np.ndarray, i: int, end: int) -> np.int64:
    """The character at i, which begins there; 0 where the bytes are no whole character."""
    first = np.int64(data[i])
    length = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if i + length > end:
        return np.int64(0)
    if length == 1:
        return first
    code = first & (0x7F >> length)
    for k in range(1, length):
        code = code << 6 | (np.int64(data[i + k]) & 0x3F)
    return code


@njit(cache=True, nogil=True, inline="always")
def _next_line(data: np.ndarray, stop: int, end: int) -> int:
    """The first byte of the line after the one that stops here."""
    if stop + 1 < end and data[stop] == 0x0D and data[stop + 1] == 0x0A:
        return stop + 2
    return min(stop + 1, end)


@njit(cache=True, nogil=True, inline="always")
def _mark(byte: int) -> bool:
    """ASCII punctuation."""
    return 0x21 <= byte <= 0x2F or 0x3A <= byte <= 0x40 or 0x5B <= byte <= 0x60 or 0x7B <= byte <= 0x7E


@njit(cache=True, nogil=True)
def _is_rule(data: np.ndarray, start: int, stop: int) -> bool:
    """Whether a line is one punctuation mark three times or more, spaces at its ends aside."""
    while start < stop and (data[start] == 0x20 or data[start] == 0x09):
        start += 1
    while stop > start and (data[stop - 1] == 0x20 or data[stop - 1] == 0x09):
        stop -= 1
    if stop - start < 3 or not _mark(data[start]):
        return False
    for i in range(start + 1, stop):
        if data[i] != data[start]:
            return False
    return True


@njit(cache=True, nogil=True)
def _is_item(data: np.ndarray, i: int, end: int) -> bool:
    """Whether a list mark stands at i: a bullet, or a number or letter with a dot or bracket, and white space."""
    first = data[i]
    after = i
    if first in (0x2D, 0x2A, 0x2B):
        after = i + 1
    elif i + 2 < end and _code_point(data, i, end) in (0x2022, 0x2023, 0x2013, 0x25AA, 0x25CF):
        after = i + 3
    elif i + 1 < end and first == 0xC2 and data[i + 1] == 0xB7:
        after = i + 2
    else:
        digit = i
        while digit < end and digit < i + 3 and 0x30 <= data[digit] <= 0x39:
            digit += 1
        if digit == i and (0x41 <= first <= 0x5A or 0x61 <= first <= 0x7A):
            digit = i + 1
        if digit > i and digit < end and (data[digit] == 0x2E or data[digit] == 0x29):
            after = digit + 1
    return i < after < end and (data[after] == 0x20 or data[after] == 0x09)


@njit(cache=True, nogil=True)
def _look(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    table: np.ndarray,
    small: np.ndarray,
    heading: np.ndarray,
    indent: np.ndarray,
    begins_small: np.ndarray,
    item: np.ndarray,
    last: np.ndarray,
    fences: np.ndarray,
) -> None:
    """What each paragraph looks like at its beginning and end."""
    for unit in range(len(starts)):
        end = ends[unit]
        first_stop = line_end(data, starts[unit], end)
        # The first character and its distance from the margin.
        i = starts[unit]
        depth = 0
        while i < first_stop and (data[i] == 0x20 or data[i] == 0x09):
            depth += TAB if data[i] == 0x09 else 1
            i += 1
        indent[unit] = depth
        code = _code_point(data, i, end) if i < end else 0
        begins_small[unit] = code < len(small) and small[code]
        item[unit] = i < end and _is_item(data, i, first_stop)
        # The last character that is no white space of ASCII.
        j = end
        while j > i and (data[j - 1] == 0x20 or 0x09 <= data[j - 1] <= 0x0D):
            j -= 1
        k = j - 1
        while k > i and data[k] & 0xC0 == 0x80:
            k -= 1
        final = _code_point(data, k, end) if k >= i and k < end else 0
        kind = NOTHING
        if final in (0x3A, 0xFF1A):
            kind = LEAD_IN
        elif final in (0x2C, 0x3B, 0x28, 0x5B, 0x7B, 0x2013, 0x2014, 0xFF0C, 0x3001, 0xFF1B, 0xFF08):
            kind = OPEN
        elif final in (0x29, 0x5D) or (final < len(table) and table[final] >> np.uint64(CLASS_SHIFT) != np.uint64(0)):
            kind = WORD
        last[unit] = kind
        # Fences, line by line; the second and the third line for rules.
        count = 0
        ruled = _is_rule(data, starts[unit], first_stop)
        line, number = starts[unit], 0
        second = third = False
        while line < end:
            stop = line_end(data, line, end)
            at = line
            while at < stop and (data[at] == 0x20 or data[at] == 0x09):
                at += 1
            if at + 2 < stop and (data[at] == 0x60 or data[at] == 0x7E):
                count += data[at + 1] == data[at] and data[at + 2] == data[at]
            if number == 1:
                second = _is_rule(data, line, stop)
            elif number == 2:
                third = _is_rule(data, line, stop)
            number += 1
            line = _next_line(data, stop, end)
        fences[unit] = count
        hashes = i
        while hashes < first_stop and hashes < i + 7 and data[hashes] == 0x23:
            hashes += 1
        marked = depth < TAB and i < hashes <= i + 6 and hashes < first_stop and data[hashes] == 0x20
        fenced = count > 0
        underlined = not fenced and ((second and not ruled) or (ruled and (number == 1 or third)))
        short = (
            number == 1
            and depth == 0
            and first_stop - starts[unit] <= HEADING_BYTES
            and kind == WORD
            and not begins_small[unit]
            and not item[unit]
        )
        heading[unit] = marked or underlined or short


@njit(cache=True, nogil=True)
def _join(
    unit_offsets: np.ndarray,
    heading: np.ndarray,
    indent: np.ndarray,
    begins_small: np.ndarray,
    item: np.ndarray,
    last: np.ndarray,
    fences: np.ndarray,
    section: int,
    joined: np.ndarray,
    first: np.ndarray,
    alone: np.ndarray,
    block_offsets: np.ndarray,
) -> int:
    """The first paragraph of each block, and whether it is the heading of a long section; returns their number."""
    block = 0
    for row in range(len(unit_offsets) - 1):
        high = unit_offsets[row + 1]
        unit = unit_offsets[row]
        while unit < high:
            first[block] = unit
            alone[block] = False
            block += 1
            if not joined[row]:
                unit += 1
                continue
            if heading[unit]:
                after = unit + 1
                fenced = fences[unit] % 2
                while after < high and (fenced or not heading[after]):
                    fenced = (fenced + fences[after]) % 2
                    after += 1
                if after - unit > section:
                    alone[block - 1] = True
                    unit += 1
                else:
                    unit = after
                continue
            margin = indent[unit]
            listed = last[unit] == LEAD_IN
            open_fence = fences[unit] % 2
            while unit + 1 < high:
                following = unit + 1
                if not open_fence:
                    if heading[following]:
                        break
                    if not (
                        last[unit] == LEAD_IN
                        or last[unit] == OPEN
                        or begins_small[following]
                        or indent[following] > margin
                        or (listed and item[following])
                    ):
                        break
                listed = listed or last[following] == LEAD_IN
                open_fence = (open_fence + fences[following]) % 2
                unit = following
            unit += 1
        block_offsets[row + 1] = block
    return block


def join_paragraphs(data: np.ndarray, units: Units, joined: np.ndarray) -> Blocks:
    """Paragraphs that belong together as one.

    Args:
        data: uint8 from `tamis.kernels.words.buffers`.
        units: paragraphs or lines of it, from `tamis.kernels.lines.find_units`.
        joined: bool[n], rows whose units are joined; in the others each is a block, and none is a heading.

    Returns:
        The blocks.
    """
    count = len(units.starts)
    heading, begins_small, item = (np.zeros(count, dtype=np.bool_) for _ in range(3))
    indent, last, fences = (np.zeros(count, dtype=np.int64) for _ in range(3))
    _look(
        data,
        units.starts,
        units.ends,
        character_table(),
        _small_letters(),
        heading,
        indent,
        begins_small,
        item,
        last,
        fences,
    )
    first, alone = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)
    offsets = np.zeros(len(units.offsets), dtype=np.int64)
    blocks = _join(
        units.offsets, heading, indent, begins_small, item, last, fences, SECTION, joined, first, alone, offsets
    )
    first, alone = first[:blocks], alone[:blocks]
    final = np.append(first[1:], count) - 1 if blocks else first
    heading &= np.repeat(joined, np.diff(units.offsets))
    whole = Units(offsets, units.starts[first], units.ends[final], units.breaks[final])
    return Blocks(whole, heading[first], alone)
