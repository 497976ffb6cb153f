"""`rule_words`: words with their punctuation apart, as the heuristic rules count them.

Gopher's rules were tuned on tokens, not on runs of letters: "don't (really) stop." is six words and four marks.
This is a second definition of a word beside the one of de-duplication, used by the heuristics alone. It follows the
conventions of English treebanks as spaCy's rule-based tokenizer implements them, because the oracle of these rules
counts with that one:

1. text is cut at white space;
2. brackets, quotes, commas, dashes … come off both ends of each piece, one after the other; a final full stop comes
   off unless the piece is a known abbreviation or initials; 's comes off, units and currencies come off numbers;
3. what is left is cut inside at dots runs, at hyphens, commas, colons, slashes between letters, at a full stop
   between a small and a capital letter; web addresses stay whole;
4. contractions are split: do|n't, I|'m, can|not;
5. every letter of scripts written without spaces is a word, with its marks.

How often the two agree is in `tamis/stages/heuristics.py`.

Kernels work on code points and their flags (`tamis/kernels/characters.py`), never on Python strings.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.characters import (
    AFFIX,
    CHARACTER_WORD,
    CURRENCY,
    DIGIT,
    ICON,
    LETTER,
    LOWER,
    MARK,
    QUOTE,
    SPACE,
    UPPER,
    table,
)
from tamis.kernels.listed_pieces import encode, find_listed, find_sorted, listed_pieces, span_hash, unit_hashes

STOP = ord(".")
APOSTROPHES = tuple(map(ord, "'\u2019"))
BEFORE_STOP = tuple(map(ord, "%\u00b2+-|"))
DASHES = tuple(map(ord, "\u2013\u2014"))
FRONT_MARKS = tuple(map(ord, "\u00a7%=\u2013\u2014"))
HOST_ENDS = tuple(map(ord, ":/?#"))
HOST_MARKS = tuple(map(ord, "-_"))
HYPHENS = tuple(map(ord, "-\u2013\u2014~"))
LETTERS_S = tuple(map(ord, "sS"))
RELATIONS = tuple(map(ord, ":<=>/"))
SIGNS = tuple(map(ord, "+-*^"))
UNIT_ENDS = tuple(map(ord, "%\u00b2\u00b3"))


@numba.njit(cache=True, nogil=True)
def _prefix(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> int:
    """Characters that come off the front: 0, 1, or a run of dots."""
    code = codes[start]
    if code == STOP:
        dots = 1
        while start + dots < end and codes[start + dots] == STOP:
            dots += 1
        return dots if dots > 1 else 0
    if flags[start] & (AFFIX | CURRENCY | ICON):
        return 1
    if code in FRONT_MARKS:
        return 1
    if code == 0x2B and not (start + 1 < end and flags[start + 1] & DIGIT):
        return 1
    return 0


@numba.njit(cache=True, nogil=True)
def _suffix(codes: np.ndarray, flags: np.ndarray, start: int, end: int, units: np.ndarray) -> int:  # noqa: PLR0911 - one return a rule
    """Characters that come off the back of [start, end)."""
    last = codes[end - 1]
    flag = flags[end - 1]
    length = end - start
    if last == STOP:
        if length == 1:
            return 0
        if codes[end - 2] == STOP:
            dots = 2
            while dots < length and codes[end - 1 - dots] == STOP:
                dots += 1
            return dots
        before = codes[end - 2]
        if flags[end - 2] & (LOWER | DIGIT | AFFIX) or before in BEFORE_STOP:
            return 1
        if length > 2 and flags[end - 2] & UPPER and flags[end - 3] & UPPER:
            return 1
        return 0
    if length >= 2 and last in LETTERS_S and codes[end - 2] in APOSTROPHES:
        return 2
    if flag & (AFFIX | ICON) or last in DASHES:
        return 1
    if length >= 2 and flags[end - 2] & DIGIT and (last == 0x2B or flag & CURRENCY):
        return 1
    if length >= 2 and (flag & LETTER or last in UNIT_ENDS):
        for size in range(min(4, length - 1), 0, -1):
            if flags[end - size - 1] & DIGIT:
                if not flags[end - size] & DIGIT:
                    value = span_hash(codes, end - size, end)
                    if find_sorted(units, value) >= 0:
                        return size
    return 0


@numba.njit(cache=True, nogil=True)
def _is_host(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> bool:
    """Whether [start, end) starts with a host name or dotted number that runs to a port, a path, or the end."""
    at = start
    label = start
    dots = 0
    small = 0
    digits = True
    while at < end:
        code = codes[at]
        if code == STOP:
            if at == label or codes[at - 1] == 0x2D or codes[at - 1] == 0x5F:
                return False
            dots += 1
            label = at + 1
            small = 0
        elif code in HOST_ENDS:
            break
        elif flags[at] & DIGIT:
            small = -100
        elif (code >= 0x61 and code <= 0x7A) or (code >= 0xA1 and flags[at] & LOWER):
            small += 1
            digits = False
        elif (code >= 0x41 and code <= 0x5A) or code in HOST_MARKS or (code >= 0xA1 and code <= 0xFFFF):
            small = -100
            digits = False
        else:
            return False
        at += 1
    if dots == 0 or not (small >= 2 or (digits and dots == 3 and at > label)):
        return False
    if at < end and codes[at] == 0x3A:
        at += 1
        first = at
        while at < end and flags[at] & DIGIT:
            at += 1
        if at - first < 2 or at - first > 5:
            return False
    return at == end or codes[at] == 0x2F or codes[at] == 0x3F or codes[at] == 0x23


@numba.njit(cache=True, nogil=True)
def _is_address(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> bool:
    """Whether a piece is a web or mail address as a whole."""
    dot = False
    for at in range(start + 1, end):
        if codes[at] == STOP:
            dot = True
            break
    if not dot:
        return False
    host = start
    at = start
    while at < end and (flags[at] & (LETTER | DIGIT) or codes[at] == 0x2B or codes[at] == 0x2D or codes[at] == STOP):
        at += 1
    if at - start >= 2 and at + 2 < end and codes[at] == 0x3A and codes[at + 1] == 0x2F and codes[at + 2] == 0x2F:
        host = at + 3
    if _is_host(codes, flags, host, end):
        return True
    for at in range(host + 1, end):
        if codes[at] == 0x40 and _is_host(codes, flags, at + 1, end):
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _infix(codes: np.ndarray, flags: np.ndarray, at: int, start: int, end: int) -> int:  # noqa: PLR0911 - one return a rule
    """Length of the separator at `at` inside [start, end), 0 where there is none."""
    code = codes[at]
    flag = flags[at]
    if flag & (LETTER | DIGIT) and not flag & ICON:
        return 0
    if code == 0x2026 or flag & ICON:
        return 1
    if code == STOP:
        dots = 1
        while at + dots < end and codes[at + dots] == STOP:
            dots += 1
        if dots > 1:
            return dots
    if at == start or at + 1 >= end:
        return 0
    before = flags[at - 1]
    after = flags[at + 1]
    # between numbers: + - * ^
    if before & DIGIT and (after & DIGIT or codes[at + 1] == 0x2D) and code in SIGNS:
        return 1
    if code == STOP:
        return 1 if before & (LOWER | QUOTE) and after & (UPPER | QUOTE) else 0
    if code == 0x2C:
        return 1 if before & LETTER and after & LETTER else 0
    if code in HYPHENS:
        size = 1
        if code == 0x2D:
            while size < 3 and at + size < end and codes[at + size] == 0x2D:
                size += 1
        elif code == 0x2014 and codes[at + 1] == 0x2014:
            size = 2
        if before & (LETTER | DIGIT) and at + size < end and flags[at + size] & LETTER:
            return size
        return 0
    if code in RELATIONS:
        return 1 if before & (LETTER | DIGIT) and after & LETTER else 0
    return 0


@numba.njit(cache=True, nogil=True)
def _add(starts: np.ndarray, ends: np.ndarray, count: int, start: int, end: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Append a word, doubling the arrays when they are full."""
    if count == starts.size:
        more_starts = np.empty(count * 2, np.int32)
        more_ends = np.empty(count * 2, np.int32)
        # A loop, not a slice: numba compiles it in a tenth of the time.
        for index in range(count):
            more_starts[index] = starts[index]
            more_ends[index] = ends[index]
        starts = more_starts
        ends = more_ends
    starts[count] = start
    ends[count] = end
    return starts, ends, count + 1


@numba.njit(cache=True, nogil=True)
def _core(
    codes: np.ndarray, flags: np.ndarray, start: int, end: int, starts: np.ndarray, ends: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Words of what is left of a piece without its affixes: cut at inner separators, each ideograph by itself."""
    first = start
    whole = _is_address(codes, flags, start, end)
    at = start
    while at < end:
        flag = flags[at]
        if flag & CHARACTER_WORD:
            if at > first:
                starts, ends, count = _add(starts, ends, count, first, at)
            first = at
            at += 1
            while at < end and flags[at] & MARK:
                at += 1
            starts, ends, count = _add(starts, ends, count, first, at)
            first = at
            continue
        size = 0 if whole else _infix(codes, flags, at, start, end)
        if size:
            if at > first:
                starts, ends, count = _add(starts, ends, count, first, at)
            starts, ends, count = _add(starts, ends, count, at, at + size)
            at += size
            first = at
        else:
            at += 1
    if end > first:
        starts, ends, count = _add(starts, ends, count, first, end)
    return starts, ends, count


@numba.njit(cache=True, nogil=True)
def _join_faces(
    codes: np.ndarray,
    flags: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    first: int,
    count: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> int:
    """Join marks of one piece that together are a face; returns the new number of words."""
    if count - first < 2:
        return count
    kept = first
    at = first
    while at < count:
        start = np.int64(starts[at])
        end = np.int64(ends[at])
        joined = at + 1
        if not flags[start] & LETTER and codes[start] != 0x27 and end - start <= 3:
            for following in range(min(count, at + 4) - 1, at, -1):
                slot = find_listed(codes, start, np.int64(ends[following]), listed)
                if slot >= 0 and listed[1][slot, 1] == 0:
                    end = np.int64(ends[following])
                    joined = following + 1
                    break
        starts[kept] = start
        ends[kept] = end
        kept += 1
        at = joined
    return kept


@numba.njit(cache=True, nogil=True)
def _piece(
    codes: np.ndarray,
    flags: np.ndarray,
    start: int,
    end: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
    units: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    count: int,
    cuts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Words of one piece between white space, in order."""
    last = end
    first = count
    slot = -1
    # Suffixes are found back to front and written after the core; their borders wait in `cuts`.
    waiting = 0
    while start < end:
        slot = find_listed(codes, start, end, listed)
        if slot >= 0:
            break
        front = _prefix(codes, flags, start, end)
        # A listed piece is looked for behind the prefix, then before the suffix, then between the two.
        if front and start + front < end:
            slot = find_listed(codes, start + front, end, listed)
        back = 0
        if slot < 0 and start + front < end:
            back = _suffix(codes, flags, start + front, end, units)
            if back:
                slot = find_listed(codes, start, end - back, listed)
                if slot >= 0:
                    front = 0
        if front:
            starts, ends, count = _add(starts, ends, count, start, start + front)
            start += front
        if back:
            if waiting == cuts.size:
                more = np.empty(waiting * 2, np.int32)
                for index in range(waiting):
                    more[index] = cuts[index]
                cuts = more
            end -= back
            cuts[waiting] = end
            waiting += 1
        if slot >= 0 or not (front or back):
            break
    if slot >= 0 and start < end:
        for part in range(3):
            if listed[1][slot, part]:
                starts, ends, count = _add(starts, ends, count, start, start + listed[1][slot, part])
                start += listed[1][slot, part]
    elif start < end:
        starts, ends, count = _core(codes, flags, start, end, starts, ends, count)
    for index in range(waiting - 1, -1, -1):
        border = last if index == 0 else np.int64(cuts[index - 1])
        starts, ends, count = _add(starts, ends, count, np.int64(cuts[index]), border)
    return starts, ends, _join_faces(codes, flags, starts, ends, first, count, listed)


@numba.njit(cache=True, nogil=True)
def split_words(
    codes: np.ndarray,
    flags: np.ndarray,
    begin: int,
    stop: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
    units: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Words of code points [begin, stop).

    Args:
        codes: code points.
        flags: their flags.
        begin: where to start.
        stop: where to end.
        listed: `listed_pieces()`.
        units: `unit_hashes()`.
        starts: int32 scratch, at least one element; overwritten.
        ends: likewise.

    Returns:
        starts, ends (int32, possibly new and larger arrays) and the number of words in them.
    """
    # Typed, or numba compiles everything below twice: for the literal 0 and for integers.
    count: int = np.int64(0)  # type: ignore[assignment]
    cuts = np.empty(16, np.int32)
    at = begin
    while at < stop:
        while at < stop and flags[at] & SPACE:
            at += 1
        first = at
        plain = True
        while at < stop and not flags[at] & SPACE:
            if not flags[at] & LETTER or flags[at] & CHARACTER_WORD:
                plain = False
            at += 1
        if first == at:
            break
        if plain and find_listed(codes, first, at, listed) < 0:
            starts, ends, count = _add(starts, ends, count, first, at)
        else:
            starts, ends, count = _piece(codes, flags, first, at, listed, units, starts, ends, count, cuts)
    return starts, ends, count


@numba.njit(cache=True, nogil=True)
def split_pieces(
    flags: np.ndarray, begin: int, stop: int, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Like `split_words`, cutting at white space only (and around letters of scripts without spaces)."""
    count: int = np.int64(0)  # type: ignore[assignment]
    at = begin
    while at < stop:
        while at < stop and flags[at] & SPACE:
            at += 1
        first = at
        while at < stop and not flags[at] & SPACE:
            if flags[at] & CHARACTER_WORD:
                if at > first:
                    starts, ends, count = _add(starts, ends, count, first, at)
                first = at
                at += 1
                while at < stop and flags[at] & MARK:
                    at += 1
                starts, ends, count = _add(starts, ends, count, first, at)
                first = at
            else:
                at += 1
        if at > first:
            starts, ends, count = _add(starts, ends, count, first, at)
    return starts, ends, count


def rule_words(text: str) -> list[str]:
    """Words of a text: for tests and for reading; the kernels never make strings."""
    codes = encode(text)
    flags = table()[codes]
    starts, ends, count = split_words(
        codes, flags, 0, len(codes), listed_pieces(), unit_hashes(), np.empty(1, np.int32), np.empty(1, np.int32)
    )
    return [text[start:end] for start, end in zip(starts[:count], ends[:count], strict=True)]
