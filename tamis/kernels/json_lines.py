"""Records of JSON Lines taken apart without an object for any of them.

Of each line the strings of some fields are unescaped, and the fields that stay are written anew as
`json.dumps(…, ensure_ascii=False, separators=(",", ":"))` would write what `json.loads` makes of them. A line in which
there is anything that it would take more to get right is odd: no JSON, a key twice or with an escape, a lone surrogate,
a number that is written otherwise (`-0`, `1.50`, `1E5`), deep nesting. Who calls parses those himself.
"""

from __future__ import annotations

import numpy as np
from numba import njit

RIGHT, ODD, BLANK = 0, 1, 2
"""What a line can be."""

ABSENT, NULL, STRING, NUMBER, OTHER = 0, 1, 2, 3, 4
"""What the value of a field can be."""

MOST_KEYS = 256
"""Keys of one line that are compared with each other."""

MOST_DEPTH = 32
SURE_DIGITS = 15
"""A decimal fraction of so many digits is the shortest that gives its floating-point number."""

SMALL_ZEROS = 3
"""Zeros behind `0.` up to which Python writes a number without an exponent."""

LONGEST_INTEGER = 4_000

_CLOSE_OBJECT, _CLOSE_LIST = 0x7D, 0x5D


@njit(cache=True, nogil=True)
def _spaces(data: np.ndarray, at: int, end: int) -> int:
    while at < end and (data[at] == 0x20 or data[at] == 0x09 or data[at] == 0x0D or data[at] == 0x0A):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _four_digits(data: np.ndarray, at: int, end: int) -> np.int64:
    """The number that four hexadecimal digits are; -1: they are none."""
    if at + 4 > end:
        return np.int64(-1)
    value = np.int64(0)
    for i in range(at, at + 4):
        byte = np.int64(data[i])
        if byte >= 0x30 and byte <= 0x39:
            digit = byte - 0x30
        elif (byte | 0x20) >= 0x61 and (byte | 0x20) <= 0x66:
            digit = (byte | 0x20) - 0x57
        else:
            return np.int64(-1)
        value = value * 16 + digit
    return value


@njit(cache=True, nogil=True)
def _put(code: np.int64, out: np.ndarray, o: int, escaped: bool) -> int:
    """Write a character as UTF-8, or as it stands in a JSON string; where it ends."""
    if escaped and (code < 0x20 or code in (0x22, 0x5C)):
        out[o] = 0x5C
        short = np.int64(0)
        if code in (0x22, 0x5C):
            short = code
        elif code == 0x08:
            short = np.int64(0x62)
        elif code == 0x09:
            short = np.int64(0x74)
        elif code == 0x0A:
            short = np.int64(0x6E)
        elif code == 0x0C:
            short = np.int64(0x66)
        elif code == 0x0D:
            short = np.int64(0x72)
        if short:
            out[o + 1] = short
            return o + 2
        out[o + 1] = 0x75
        out[o + 2] = 0x30
        out[o + 3] = 0x30
        out[o + 4] = 0x30 + (code >> 4)
        out[o + 5] = (0x30 if code & 15 < 10 else 0x57) + (code & 15)
        return o + 6
    if code < 0x80:
        out[o] = code
        return o + 1
    if code < 0x800:
        out[o] = 0xC0 | code >> 6
        out[o + 1] = 0x80 | code & 0x3F
        return o + 2
    if code < 0x10000:
        out[o] = 0xE0 | code >> 12
        out[o + 1] = 0x80 | code >> 6 & 0x3F
        out[o + 2] = 0x80 | code & 0x3F
        return o + 3
    out[o] = 0xF0 | code >> 18
    out[o + 1] = 0x80 | code >> 12 & 0x3F
    out[o + 2] = 0x80 | code >> 6 & 0x3F
    out[o + 3] = 0x80 | code & 0x3F
    return o + 4


@njit(cache=True, nogil=True)
def _string(  # noqa: PLR0911 - a way out for each thing that is odd
    data: np.ndarray, at: int, end: int, out: np.ndarray, o: int, escaped: bool
) -> tuple[int, int]:
    """Copy what stands in quotes.

    Args:
        data: uint8, valid UTF-8.
        at: behind the quote that opens the string.
        end: of the line.
        out: uint8, to write to.
        o: where to write.
        escaped: whether it is written as JSON; else as text.

    Returns:
        where it ends, behind its quote, and where what was written ends; -1 where it is odd.
    """
    while at < end:
        byte = data[at]
        if byte == 0x22:
            return at + 1, o
        if byte == 0x5C:
            at += 1
            if at >= end:
                return -1, o
            code = np.int64(data[at])
            at += 1
            if code == 0x75:
                code = _four_digits(data, at, end)
                at += 4
                if code < 0 or (code >= 0xDC00 and code < 0xE000):
                    return -1, o
                if code >= 0xD800 and code < 0xDC00:
                    if at + 6 > end or data[at] != 0x5C or data[at + 1] != 0x75:
                        return -1, o
                    low = _four_digits(data, at + 2, end)
                    at += 6
                    if low < 0xDC00 or low >= 0xE000:
                        return -1, o
                    code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00
            elif code == 0x62:
                code = np.int64(0x08)
            elif code == 0x66:
                code = np.int64(0x0C)
            elif code == 0x6E:
                code = np.int64(0x0A)
            elif code == 0x72:
                code = np.int64(0x0D)
            elif code == 0x74:
                code = np.int64(0x09)
            elif code not in (0x22, 0x5C, 0x2F):
                return -1, o
            o = _put(code, out, o, escaped)
        elif byte < 0x20:
            return -1, o
        else:
            out[o] = byte
            o += 1
            at += 1
    return -1, o


@njit(cache=True, nogil=True)
def _number(data: np.ndarray, at: int, end: int) -> tuple[int, bool]:
    """Where a number ends, -1 where it is odd; and whether it may be one that Python writes otherwise."""
    start = at
    if data[at] == 0x2D:
        at += 1
    first = at
    while at < end and data[at] >= 0x30 and data[at] <= 0x39:
        at += 1
    whole = at - first
    if whole == 0 or (whole > 1 and data[first] == 0x30):
        return -1, False
    zero = whole == 1 and data[first] == 0x30
    if at == end or (data[at] != 0x2E and data[at] | 0x20 != 0x65):
        if whole > LONGEST_INTEGER or (zero and first > start):
            return -1, False
        return at, False
    sure = data[at] == 0x2E
    if sure:
        at += 1
        point = at
        while at < end and data[at] >= 0x30 and data[at] <= 0x39:
            at += 1
        size = at - point
        if size == 0:
            return -1, False
        zeros = 0
        while zeros < size and data[point + zeros] == 0x30:
            zeros += 1
        sure = whole + size <= SURE_DIGITS and (size == 1 or data[at - 1] != 0x30)
        sure &= not zero or zeros <= SMALL_ZEROS
    if at < end and data[at] | 0x20 == 0x65:
        sure = False
        at += 1
        if at < end and (data[at] == 0x2B or data[at] == 0x2D):
            at += 1
        digits = at
        while at < end and data[at] >= 0x30 and data[at] <= 0x39:
            at += 1
        if at == digits:
            return -1, False
    return at, not sure


@njit(cache=True, nogil=True)
def _word(data: np.ndarray, at: int, end: int, word: bytes) -> bool:
    if at + len(word) > end:
        return False
    for i in range(len(word)):
        if data[at + i] != word[i]:
            return False
    return True


@njit(cache=True, nogil=True)
def _seen(data: np.ndarray, keys: np.ndarray, first: int, count: int) -> bool:
    """Whether the last key stands among those before it, from the first of its object on."""
    begin, size = keys[count - 1, 0], keys[count - 1, 1]
    for other in range(first, count - 1):
        if keys[other, 1] == size:
            same = True
            for i in range(size):
                if data[keys[other, 0] + i] != data[begin + i]:
                    same = False
                    break
            if same:
                return True
    return False


@njit(cache=True, nogil=True)
def _key(data: np.ndarray, at: int, end: int) -> int:
    """Where a key ends, given what is behind its quote; -1 where it is odd."""
    while at < end:
        byte = data[at]
        if byte == 0x22:
            return at
        if byte < 0x20 or byte == 0x5C:
            return -1
        at += 1
    return -1


@njit(cache=True, nogil=True)
def _value(  # noqa: PLR0911 - as above
    data: np.ndarray,
    at: int,
    end: int,
    out: np.ndarray,
    o: int,
    keys: np.ndarray,
    count: int,
    checks: np.ndarray,
    checked: int,
    line: int,
) -> tuple[int, int, int]:
    """Copy a value as compact JSON.

    Args:
        data: uint8, valid UTF-8.
        at: where it begins.
        end: of the line.
        out: uint8, to write to.
        o: where to write.
        keys: int64[MOST_KEYS, 2], scratch.
        count: keys of the line that stand in it.
        checks: int64[…, 3], numbers that Python may write otherwise: line, begin, end.
        checked: how many they are.
        line: number of the line.

    Returns:
        where it ends (-1 where it is odd), where what was written ends, and how many numbers are to be checked.
    """
    stack = np.empty(MOST_DEPTH, np.uint8)
    firsts = np.empty(MOST_DEPTH, np.int64)
    depth = 0
    while True:
        # A value stands here.
        at = _spaces(data, at, end)
        if at >= end:
            return -1, o, checked
        byte = data[at]
        opened = False
        if byte == 0x22:
            out[o] = 0x22
            at, o = _string(data, at + 1, end, out, o + 1, True)
            if at < 0:
                return -1, o, checked
            out[o] = 0x22
            o += 1
        elif byte in (0x7B, 0x5B):
            if depth == MOST_DEPTH:
                return -1, o, checked
            stack[depth] = _CLOSE_OBJECT if byte == 0x7B else _CLOSE_LIST
            firsts[depth] = count
            depth += 1
            out[o] = byte
            o += 1
            at = _spaces(data, at + 1, end)
            opened = True
        elif byte == 0x2D or (byte >= 0x30 and byte <= 0x39):
            start = at
            at, unsure = _number(data, at, end)
            if at < 0:
                return -1, o, checked
            if unsure:
                if checked == len(checks):
                    return -1, o, checked
                checks[checked, 0] = line
                checks[checked, 1] = start
                checks[checked, 2] = at
                checked += 1
            for i in range(start, at):
                out[o] = data[i]
                o += 1
        else:
            size = 4 if _word(data, at, end, b"true") or _word(data, at, end, b"null") else 0
            if _word(data, at, end, b"false"):
                size = 5
            if size == 0:
                return -1, o, checked
            for i in range(at, at + size):
                out[o] = data[i]
                o += 1
            at += size
        # What is complete is closed; then a comma, and in an object a key.
        while True:
            if depth == 0:
                return at, o, checked
            at = _spaces(data, at, end)
            if at >= end:
                return -1, o, checked
            if data[at] == stack[depth - 1]:
                out[o] = data[at]
                o += 1
                at += 1
                depth -= 1
                opened = False
                continue
            if not opened:
                if data[at] != 0x2C:
                    return -1, o, checked
                out[o] = 0x2C
                o += 1
                at = _spaces(data, at + 1, end)
            break
        if stack[depth - 1] == _CLOSE_OBJECT:
            if at >= end or data[at] != 0x22 or count == MOST_KEYS:
                return -1, o, checked
            close = _key(data, at + 1, end)
            if close < 0:
                return -1, o, checked
            keys[count, 0] = at + 1
            keys[count, 1] = close - at - 1
            count += 1
            if _seen(data, keys, firsts[depth - 1], count):
                return -1, o, checked
            for i in range(at, close + 1):
                out[o] = data[i]
                o += 1
            at = _spaces(data, close + 1, end)
            if at >= end or data[at] != 0x3A:
                return -1, o, checked
            out[o] = 0x3A
            o += 1
            at += 1


@njit(cache=True, nogil=True)
def _which(data: np.ndarray, begin: int, size: int, names: np.ndarray, name_bounds: np.ndarray) -> int:
    """The place of a key among names; -1: it is none of them."""
    for name in range(len(name_bounds) - 1):
        low = name_bounds[name]
        if name_bounds[name + 1] - low == size:
            same = True
            for i in range(size):
                if data[begin + i] != names[low + i]:
                    same = False
                    break
            if same:
                return name
    return -1


@njit(cache=True, nogil=True)
def take_apart(
    data: np.ndarray,
    bounds: np.ndarray,
    wrong: np.ndarray,
    longest: int,
    names: np.ndarray,
    name_bounds: np.ndarray,
    kept: np.ndarray,
    values: np.ndarray,
    value_offsets: np.ndarray,
    states: np.ndarray,
    text: np.ndarray,
    fields: np.ndarray,
    field_offsets: np.ndarray,
    checks: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Take lines apart.

    Args:
        data: uint8.
        bounds: int64[n, 2], where each line begins and ends.
        wrong: bool[n], which lines are no UTF-8.
        longest: bytes of a line that is looked at; a longer one is odd.
        names: uint8, the names of k fields, one after the other; the first is that of the text.
        name_bounds: int64[k + 1].
        kept: bool[k], whether a field stays among the others.
        values: uint8[k, …], for the strings and numbers of each field but the first.
        value_offsets: int64[k, n + 1], for where they begin and end.
        states: uint8[n, k], for what each value is.
        text: uint8, as long as `data`, for the text, the first of the fields; its offsets are those of the first.
        fields: uint8, as long as `data`, for the others.
        field_offsets: int64[n + 1]; where a line has no other fields, two are equal.
        checks: int64[…, 3], for numbers that Python may write otherwise: line, begin, end.

    Returns:
        what each line is, uint8[n], and how many numbers are to be checked.
    """
    lines = len(bounds)
    count = len(kept)
    found = np.zeros(lines, np.uint8)
    keys = np.empty((MOST_KEYS, 2), np.int64)
    ends = np.zeros(count, np.int64)
    written = 0
    checked = 0
    for line in range(lines):
        at, end = bounds[line, 0], bounds[line, 1]
        for name in range(count):
            value_offsets[name, line] = ends[name]
            states[line, name] = ABSENT
        field_offsets[line] = written
        before = checked
        o = written
        held = 0
        right = False
        at = _spaces(data, at, end)
        # Other white space than JSON's is for who calls to judge.
        if at == end:
            found[line] = BLANK
        elif wrong[line] or end - bounds[line, 0] > longest or data[at] != 0x7B:
            found[line] = ODD
        else:
            at = _spaces(data, at + 1, end)
            if at < end and data[at] == 0x7D:
                at += 1
                right = True
            while not right:
                if at >= end or data[at] != 0x22 or held == MOST_KEYS:
                    break
                begin = at + 1
                close = _key(data, begin, end)
                if close < 0:
                    break
                keys[held, 0] = begin
                keys[held, 1] = close - begin
                held += 1
                if _seen(data, keys, 0, held):
                    break
                at = _spaces(data, close + 1, end)
                if at >= end or data[at] != 0x3A:
                    break
                at = _spaces(data, at + 1, end)
                if at >= end:
                    break
                name = _which(data, begin, close - begin, names, name_bounds)
                stays = name < 0 or kept[name]
                start = at
                if name >= 0:
                    byte = data[at]
                    state = OTHER
                    if byte == 0x22:
                        state = STRING
                        if name == 0:
                            at, ends[0] = _string(data, at + 1, end, text, ends[0], False)
                        else:
                            at, ends[name] = _string(data, at + 1, end, values[name], ends[name], False)
                    elif byte == 0x6E and _word(data, at, end, b"null"):
                        state = NULL
                        at += 4
                    elif byte == 0x2D or (byte >= 0x30 and byte <= 0x39):
                        state = NUMBER
                        at = _number(data, at, end)[0]
                        if at >= 0 and name > 0:
                            for i in range(start, at):
                                values[name, ends[name]] = data[i]
                                ends[name] += 1
                    if at < 0:
                        break
                    states[line, name] = state
                    if state == OTHER and not stays:
                        break
                    if stays:
                        at = start
                if stays:
                    fields[o] = 0x7B if o == written else 0x2C
                    o += 1
                    for i in range(begin - 1, close + 1):
                        fields[o] = data[i]
                        o += 1
                    fields[o] = 0x3A
                    at, o, checked = _value(data, at, end, fields, o + 1, keys, held, checks, checked, line)
                    if at < 0:
                        break
                at = _spaces(data, at, end)
                if at >= end:
                    break
                if data[at] == 0x7D:
                    at += 1
                    right = True
                elif data[at] == 0x2C:
                    at = _spaces(data, at + 1, end)
                else:
                    break
            right = right and _spaces(data, at, end) == end
            if not right:
                found[line] = ODD
        if right:
            if o > written:
                fields[o] = 0x7D
                o += 1
            written = o
        else:
            checked = before
            for name in range(count):
                ends[name] = value_offsets[name, line]
                states[line, name] = ABSENT
    field_offsets[lines] = written
    for name in range(count):
        value_offsets[name, lines] = ends[name]
    return found, checked


@njit(cache=True, nogil=True)
def line_bounds(data: np.ndarray, lines: int) -> np.ndarray:
    """Where lines begin and end, without their line feeds: int64[lines, 2].

    Args:
        data: uint8.
        lines: how many there are; what follows the last line feed is one.
    """
    bounds = np.empty((lines, 2), np.int64)
    begin = 0
    line = 0
    for i in range(len(data)):
        if data[i] == 0x0A:
            bounds[line, 0] = begin
            bounds[line, 1] = i
            line += 1
            begin = i + 1
    if line < lines:
        bounds[line, 0] = begin
        bounds[line, 1] = len(data)
    return bounds
