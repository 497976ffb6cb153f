r"""What a paragraph or a line looks like at its beginning and end: headings, list items, lead-ins, tags.

A **heading** is a unit that begins with a Markdown heading (`# …`), is underlined (or lies between two rules), is a
rule alone, or is one short line that ends in a letter, a digit or a closing bracket, stands at the margin, begins with
neither a small letter, a list mark nor a tag, and holds no address (`://`). An **item** begins with a list mark (`-`,
`*`, `•`, `1.`, `a)`, `(1)` …) or with a label (`Author: `, `:Author: `), or its second line stands deeper than its
first (a term and what it means). An **attribution** is one line that begins with `--`, `—` or `―` and the name behind
it: it leans on the quotation before. A **tag** is one of HTML.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from tamis.kernels.folded_characters import CLASS_SHIFT, character_table
from tamis.kernels.lines import Units, line_end

HEADING_BYTES = 80
TAB = 4
TAG_BYTES = 500
"""A tag that ends a unit is looked for so far back."""

NOTHING, LEAD_IN, OPEN, WORD, STOP = 0, 1, 2, 3, 4
"""Ends of a unit: a colon; a comma, semicolon, dash or opening bracket; a letter, digit or closing bracket; a stop."""

SMALL, ITEM, ATTRIBUTION, TAG_FIRST, TAG_LAST, WORDLESS, ADDRESS, QUOTED, SIGNATURE = (1 << bit for bit in range(9))
"""Bits of `Looks.flags`. Of units of one line: WORDLESS, marks alone; SIGNATURE, `--` alone; ADDRESS, nothing but an
address (`://`). QUOTED: begins with `>`."""
LABEL_BYTES = 40

NO_HEADING, HASHES, UNDERLINED, FRAMED, RULED, SHORT = 0, 0, 256, 512, 768, 1024
"""Levels of headings: 1 to 6 hash signs; 256 or 512 and the mark that it is underlined or framed with; 768 and the mark
of a rule alone; 1024 a short line."""


class Looks(NamedTuple):
    """One value a unit.

    flags: int64, bits above.
    level: int64, of a heading; 0 where the unit is none.
    indent: int64, columns from the margin to the first character, a tab for four.
    last: int64, how the unit ends.
    fences: int64, lines that open or close a fenced block of code (``` or ~~~).
    """

    flags: np.ndarray
    level: np.ndarray
    indent: np.ndarray
    last: np.ndarray
    fences: np.ndarray


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
        while i < digit < end and (data[digit] == 0x2E or data[digit] == 0x29):
            digit += 1
            after = digit
    return i < after < end and (data[after] == 0x20 or data[after] == 0x09)


@njit(cache=True, nogil=True)
def _is_bracketed(data: np.ndarray, i: int, end: int) -> bool:
    """Whether a bracketed number or letter stands at i, as in `(12) `."""
    if i >= end or data[i] != 0x28:
        return False
    after = i + 1
    while after < end and after < i + 4 and 0x30 <= data[after] <= 0x39:
        after += 1
    if after == i + 1 and after < end and (0x41 <= data[after] <= 0x5A or 0x61 <= data[after] <= 0x7A):
        after += 1
    if after == i + 1 or after + 1 >= end or data[after] != 0x29:
        return False
    return data[after + 1] == 0x20 or data[after + 1] == 0x09


@njit(cache=True, nogil=True)
def _is_label(data: np.ndarray, i: int, end: int) -> bool:
    """Whether a label stands at i: one word of letters, digits, `-` and `_`, a colon, and white space or the end."""
    if i < end and data[i] == 0x3A:
        i += 1
    begin = i
    while i < end and i < begin + LABEL_BYTES and (data[i] in (0x2D, 0x5F) or not (data[i] <= 0x20 or _mark(data[i]))):
        i += 1
    if i == begin or i >= end or data[i] != 0x3A:
        return False
    return i + 1 == end or data[i + 1] == 0x20 or data[i + 1] == 0x09


@njit(cache=True, nogil=True)
def _is_tag(data: np.ndarray, i: int, end: int) -> bool:
    """Whether a tag of HTML begins at i: `<!`, or `<` or `</`, a name, and white space, `/`, `>` or the end."""
    if i + 1 >= end or data[i] != 0x3C:
        return False
    if data[i + 1] == 0x21:
        return True
    i += 2 if data[i + 1] == 0x2F else 1
    name = i
    while i < end and (0x30 <= data[i] <= 0x39 or 0x41 <= data[i] <= 0x5A or 0x61 <= data[i] <= 0x7A):
        i += 1
    if i == name:
        return False
    return i == end or data[i] == 0x2F or data[i] == 0x3E or data[i] == 0x20 or 0x09 <= data[i] <= 0x0D


@njit(cache=True, nogil=True)
def _ends_in_tag(data: np.ndarray, i: int, end: int) -> bool:
    """Whether the bytes i … end - 1 end in a tag, or in the end of a comment."""
    if end - i < 3 or data[end - 1] != 0x3E:
        return False
    if data[end - 2] == 0x2D and data[end - 3] == 0x2D:
        return True
    at = end - 2
    while at > i and at > end - TAG_BYTES and data[at] != 0x3C:
        at -= 1
    return _is_tag(data, at, end)


@njit(cache=True, nogil=True)
def _is_attribution(data: np.ndarray, i: int, end: int) -> bool:
    """Whether `--`, `—` or `―` stands at i with a name behind it."""
    code = _code_point(data, i, end) if i < end else np.int64(0)
    if code in (0x2014, 0x2015):
        i += 3
    elif code == 0x2D and i + 1 < end and data[i + 1] == 0x2D:
        i += 2
    else:
        return False
    while i < end and data[i] == 0x20:
        i += 1
    return i < end and (not _mark(data[i]) or data[i] == 0x5B or data[i] == 0x28)


@njit(cache=True, nogil=True)
def _holds_address(data: np.ndarray, i: int, end: int) -> bool:
    for at in range(i, end - 2):
        if data[at] == 0x3A and data[at + 1] == 0x2F and data[at + 2] == 0x2F:
            return True
    return False


@njit(cache=True, nogil=True)
def _is_address(data: np.ndarray, i: int, end: int) -> bool:
    for at in range(i, end):
        if data[at] == 0x20 or data[at] == 0x09:
            return False
    return _holds_address(data, i, end)


@njit(cache=True, nogil=True)
def _margin(data: np.ndarray, i: int, end: int) -> tuple[int, int]:
    """The first byte at or after i that is no space or tab, and its column."""
    depth = 0
    while i < end and (data[i] == 0x20 or data[i] == 0x09):
        depth += TAB if data[i] == 0x09 else 1
        i += 1
    return i, depth


@njit(cache=True, nogil=True)
def _look(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    wanted: np.ndarray,
    table: np.ndarray,
    small: np.ndarray,
    flags: np.ndarray,
    level: np.ndarray,
    indent: np.ndarray,
    last: np.ndarray,
    fences: np.ndarray,
) -> None:
    for row in range(len(wanted)):
        if not wanted[row]:
            continue
        for unit in range(offsets[row], offsets[row + 1]):
            end = ends[unit]
            first_stop = line_end(data, starts[unit], end)
            i, depth = _margin(data, starts[unit], first_stop)
            indent[unit] = depth
            code = _code_point(data, i, end) if i < end else 0
            told = 0
            if code < len(small) and small[code]:
                told |= SMALL
            if i < end and (
                _is_item(data, i, first_stop) or _is_bracketed(data, i, first_stop) or _is_label(data, i, first_stop)
            ):
                told |= ITEM
            if i < end and data[i] == 0x3E:
                told |= QUOTED
            if _is_tag(data, i, first_stop):
                told |= TAG_FIRST
            # The last character that is no white space of ASCII.
            j = end
            while j > i and (data[j - 1] == 0x20 or 0x09 <= data[j - 1] <= 0x0D):
                j -= 1
            if _ends_in_tag(data, i, j):
                told |= TAG_LAST
            k = j - 1
            while k > i and data[k] & 0xC0 == 0x80:
                k -= 1
            final = _code_point(data, k, end) if k >= i and k < end else 0
            kind = NOTHING
            if final in (0x3A, 0xFF1A):
                kind = LEAD_IN
            elif final in (0x2C, 0x3B, 0x28, 0x5B, 0x7B, 0x2013, 0x2014, 0xFF0C, 0x3001, 0xFF1B, 0xFF08):
                kind = OPEN
            elif final in (0x2E, 0x21, 0x3F, 0x2026, 0x3002, 0xFF01, 0xFF1F):
                kind = STOP
            elif final in (0x29, 0x5D) or (
                final < len(table) and table[final] >> np.uint64(CLASS_SHIFT) != np.uint64(0)
            ):
                kind = WORD
            last[unit] = kind
            # Fences, line by line; the second and the third line for rules.
            count = 0
            ruled = _is_rule(data, starts[unit], first_stop)
            line, number = starts[unit], 0
            second = third = False
            under = 0
            while line < end:
                stop = line_end(data, line, end)
                at, column = _margin(data, line, stop)
                if at + 2 < stop and (data[at] == 0x60 or data[at] == 0x7E):
                    count += data[at + 1] == data[at] and data[at + 2] == data[at]
                if number == 1:
                    second = _is_rule(data, line, stop)
                    under = int(data[at])
                    if column > depth:
                        told |= ITEM
                elif number == 2:
                    third = _is_rule(data, line, stop)
                number += 1
                line = _next_line(data, stop, end)
            fences[unit] = count
            if number == 1 and _is_attribution(data, i, j):
                told |= ATTRIBUTION
            wordless = number == 1
            at = i
            while wordless and at < j:
                wordless = _mark(data[at]) or data[at] == 0x20 or data[at] == 0x09
                at += 1
            if wordless:
                told |= WORDLESS
                if j - i == 2 and data[i] == 0x2D and data[i + 1] == 0x2D:
                    told |= SIGNATURE
            elif number == 1 and _is_address(data, i, j):
                told |= ADDRESS
            flags[unit] = told
            hashes = i
            while hashes < first_stop and hashes < i + 7 and data[hashes] == 0x23:
                hashes += 1
            if depth < TAB and i < hashes <= i + 6 and hashes < first_stop and data[hashes] == 0x20:
                level[unit] = HASHES + hashes - i
            elif count == 0 and second and not ruled:
                level[unit] = UNDERLINED + under
            elif count == 0 and ruled and third:
                level[unit] = FRAMED + int(data[i])
            elif count == 0 and ruled and number == 1:
                level[unit] = RULED + int(data[i])
            elif (
                count == 0
                and number == 1
                and depth == 0
                and first_stop - starts[unit] <= HEADING_BYTES
                and kind == WORD
                and not told & (SMALL | ITEM | TAG_FIRST)
                and not _holds_address(data, i, first_stop)
            ):
                level[unit] = SHORT


def look(data: np.ndarray, units: Units, wanted: np.ndarray) -> Looks:
    """What the units of some rows look like; those of the others have no look.

    Args:
        data: uint8 from `tamis.kernels.words.buffers`.
        units: paragraphs or lines of it, from `tamis.kernels.lines.find_units`.
        wanted: bool[n], rows that are looked at.
    """
    flags, level, indent, last, fences = (np.zeros(len(units.starts), dtype=np.int64) for _ in range(5))
    given = (data, units.offsets, units.starts, units.ends, wanted, character_table(), _small_letters())
    _look(*given, flags, level, indent, last, fences)
    return Looks(flags, level, indent, last, fences)


@njit(cache=True, nogil=True)
def _settle(
    offsets: np.ndarray,
    breaks: np.ndarray,
    wanted: np.ndarray,
    seen: np.ndarray,
    indent: np.ndarray,
    flags: np.ndarray,
    level: np.ndarray,
    tail: np.ndarray,
) -> None:
    for row in range(len(wanted)):
        low, high = offsets[row], offsets[row + 1]
        for unit in range(low, high if wanted[row] else low):
            more = unit + 1 < high and breaks[unit] == 1
            if more and indent[unit + 1] > indent[unit]:
                flags[unit] |= ITEM
            level[unit] = 0
            if unit > low and breaks[unit - 1] == 1:
                continue
            # Here a paragraph begins.
            here = seen[unit]
            below = seen[unit + 1] if more else 0
            more_below = more and unit + 2 < high and breaks[unit + 1] == 1
            below_that = seen[unit + 2] if more_below else 0
            ruled = RULED <= here < SHORT
            if HASHES < here < UNDERLINED or (ruled and not more) or (here == SHORT and not more):
                level[unit] = here
            elif RULED <= below < SHORT and not ruled:
                level[unit] = below - RULED + UNDERLINED
                tail[unit + 1] = True
            elif ruled and RULED <= below_that < SHORT:
                level[unit] = here - RULED + FRAMED
                tail[unit + 1] = tail[unit + 2] = True


def look_at_lines(data: np.ndarray, lines: Units, wanted: np.ndarray) -> tuple[Looks, np.ndarray]:
    """What the lines of some rows look like, with what stands around them.

    Only a line that begins a paragraph is a heading, a short line and a rule only where they are the whole of it. A
    line is an item also where the next line of its paragraph stands deeper.

    Args:
        data: uint8 from `tamis.kernels.words.buffers`.
        lines: lines of it, from `tamis.kernels.lines.find_units`.
        wanted: bool[n], rows that are looked at.

    Returns:
        The looks, and bool, one a line: the lines of a heading behind its first.
    """
    seen = look(data, lines, wanted)
    tail = np.zeros(len(lines.starts), dtype=np.bool_)
    level = np.zeros_like(seen.level)
    _settle(lines.offsets, lines.breaks, wanted, seen.level, seen.indent, seen.flags, level, tail)
    return seen._replace(level=level), tail
