"""Containers of an HTML page, from its bytes: which kind each is by its tag and names, where it begins and ends.

Tags are read as they stand and paired by a stack. A parser would move and add some, and knows what a script or a
comment is; its tree is ten times as dear, and nothing here has to be exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

CONTAINERS = (
    "div", "section", "ul", "ol", "dl", "form", "nav", "header", "footer", "aside", "article", "main", "time",
    "figcaption", "address",
)  # fmt: skip
"""Not tables and their parts, where the parser moves text out, and not paragraphs, which nothing must close."""

MARK = 0x10F000
"""Code point that opens the first kind of container; the next one closes it. From a private plane."""

LONGEST = 2_000
"""Bytes of a tag that are looked at."""

INSIDE = 20
"""Containers that one closing tag closes at most."""

EDGE, NO_LETTER, NO_NOTE = 1, 2, 3
"""What must stand beside a word: the edge of a word of a program, anything but a letter, anything but `note`."""

FORMULAS, MARKS = 1, 2
"""Bits of `hints`."""


def _bytes_of(characters: str) -> np.ndarray:
    table = np.zeros(256, np.bool_)
    table[list(characters.encode())] = True
    return table


_SMALL = np.arange(256, dtype=np.uint8)
_SMALL[ord("A") : ord("Z") + 1] += 32
_SPACE = _bytes_of(" \t\n\r\f\v\x1c\x1d\x1e\x1f")
_LETTER = _bytes_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD = _LETTER | _bytes_of("0123456789_")
_WORD[0x80:] = True
_LETTERS = 26
_LESS, _GREATER, _SLASH, _DOUBLE, _SINGLE, _EQUALS, _COLON, _MINUS = map(ord, "<>/\"'=:-")

_TELLING = (
    *("class", "id", "role", "hidden", "aria-hidden", "display", "none", "true", "note"),
    *CONTAINERS,
)
_CLASS, _ID, _ROLE, _HIDDEN, _ARIA_HIDDEN, _DISPLAY, _NONE, _TRUE, _NOTE, _FIRST_CONTAINER = range(10)
_HINTS = _bytes_of("&mMxX")
_HINTS[0xF4] = True
_AMPERSAND, _NUMBER, _ZERO, _FULL_STOP, _BLANK, _A, _E, _F, _H, _M, _S, _T, _X = map(ord, "&#0. aefhmstx")
_FIRST_LETTERS = _bytes_of("ciradh")


class Words(NamedTuple):
    """Some words, and what they say where they stand.

    Attributes:
        letters: uint8, the words in small letters, one behind the other.
        rows: int64[words, 5]: where its letters begin, how many there are, what must stand before and after it (0 or
            one of `EDGE`, `NO_LETTER`, `NO_NOTE`), bits of what it says.
        first: int64[677], the first row of each pair of letters that a word can begin with, and the number of rows;
            rows are in the order of these pairs.
    """

    letters: np.ndarray
    rows: np.ndarray
    first: np.ndarray


def words_of(words: Sequence[tuple[str, int, int, int]]) -> Words:
    """A table of words; of two that begin at one place the one that stands first here counts.

    Args:
        words: each of two letters or more, with what must stand before and after it, and its bits.
    """
    ordered = sorted(words, key=lambda word: word[0][:2])
    ends = np.cumsum([len(word) for word, *_ in ordered])
    rows = [(end - len(one[0]), len(one[0]), *one[1:]) for end, one in zip(ends.tolist(), ordered, strict=True)]
    pairs = [(ord(word[0]) - ord("a")) * _LETTERS + ord(word[1]) - ord("a") for word, *_ in ordered]
    first = np.searchsorted(pairs, np.arange(_LETTERS**2 + 1))
    letters = np.frombuffer("".join(word for word, *_ in ordered).encode(), np.uint8)
    return Words(letters, np.array(rows, np.int64), first.astype(np.int64))


_TOLD = words_of([(word, 0, 0, i) for i, word in enumerate(_TELLING)])
_TOLD_LETTERS, _TOLD_ROWS, _TOLD_FIRST = _TOLD
_LENGTHS = np.array([len(word) for word in _TELLING], np.int64)


@njit(cache=True, nogil=True)
def _next(
    data: np.ndarray, i: int, end: int, letters: np.ndarray, rows: np.ndarray, first: np.ndarray, word: int
) -> int:
    """The first row, from `word` on where that is not -1, whose letters stand at data[i:end], small or not; else -1."""
    if i + 1 >= end:
        return -1
    letter = np.int64(_SMALL[data[i]]) - 97
    second = np.int64(_SMALL[data[i + 1]]) - 97
    if letter < 0 or letter >= _LETTERS or second < 0 or second >= _LETTERS:
        return -1
    pair = letter * _LETTERS + second
    for row in range(max(word, first[pair]), first[pair + 1]):
        start = rows[row, 0]
        length = rows[row, 1]
        if i + length > end:
            continue
        j = 2
        while j < length and _SMALL[data[i + j]] == letters[start + j]:
            j += 1
        if j == length:
            return row
    return -1


@njit(cache=True, nogil=True)
def _told(data: np.ndarray, i: int, end: int) -> int:
    """Which of `_TELLING` stands at data[i:end], or -1; none is the beginning of another."""
    row = _next(data, i, end, _TOLD_LETTERS, _TOLD_ROWS, _TOLD_FIRST, -1)
    return _TOLD_ROWS[row, 4] if row >= 0 else -1


@njit(cache=True, nogil=True)
def _free(data: np.ndarray, i: int, start: int, end: int, condition: int) -> bool:
    """Whether what stands at data[i], beside a word of the name data[start:end], meets a condition of that word."""
    if condition == 0 or i < start or i >= end:
        return True
    if condition == NO_NOTE:
        return _told(data, i, end) != _NOTE
    return not (_WORD[data[i]] if condition == EDGE else _LETTER[data[i]])


@njit(cache=True, nogil=True)
def _kinds_of_names(
    data: np.ndarray, start: int, end: int, letters: np.ndarray, rows: np.ndarray, first: np.ndarray
) -> int:
    """Bits of the kinds that the names data[start:end], white space between them, say."""
    bits = 0
    begin = start
    while begin < end:
        stop = begin
        while stop < end and not _SPACE[data[stop]]:
            stop += 1
        i = begin
        while i < stop:
            by = 1
            row = _next(data, i, stop, letters, rows, first, -1)
            while row >= 0:
                after = i + rows[row, 1]
                if _free(data, i - 1, begin, stop, rows[row, 2]) and _free(data, after, begin, stop, rows[row, 3]):
                    bits |= rows[row, 4]
                    by = rows[row, 1]
                    break
                row = _next(data, i, stop, letters, rows, first, row + 1)
            i += by
        begin = stop + 1
    return bits


@njit(cache=True, nogil=True)
def _kinds_of_attributes(
    data: np.ndarray,
    start: int,
    end: int,
    letters: np.ndarray,
    rows: np.ndarray,
    first: np.ndarray,
    role_letters: np.ndarray,
    role_rows: np.ndarray,
    role_first: np.ndarray,
    hidden: int,
) -> int:
    """Bits of the kinds that the attributes data[start:end] of a tag say."""
    bits = 0
    role_is_known = False
    taken = start
    for i in range(start, end):
        if not _FIRST_LETTERS[_SMALL[data[i]]]:
            continue
        word = _told(data, i, end)
        if word < 0 or word > _DISPLAY:
            continue
        low = i + _LENGTHS[word]
        if word == _HIDDEN:
            if i > start and not _SPACE[data[i - 1]]:
                continue
            if low == end or _SPACE[data[low]]:
                bits |= hidden
                continue
        elif word < _HIDDEN and ((i > start and _WORD[data[i - 1]]) or i < taken):
            continue
        while low < end and _SPACE[data[low]]:
            low += 1
        if low == end or data[low] != (_COLON if word == _DISPLAY else _EQUALS):
            continue
        low += 1
        while low < end and _SPACE[data[low]]:
            low += 1
        quote = low < end and (data[low] == _DOUBLE or data[low] == _SINGLE)
        low += quote
        high = low
        if word <= _ID:
            if quote:
                while high < end and data[high] != data[low - 1]:
                    high += 1
                if high == end:
                    continue
            else:
                while high < end and not _SPACE[data[high]] and data[high] != _DOUBLE and data[high] != _SINGLE:
                    high += 1
            bits |= _kinds_of_names(data, low, high, letters, rows, first)
            taken = high
        elif word == _ROLE:
            while high < end and (_WORD[data[high]] or data[high] == _MINUS):
                high += 1
            row = -1 if role_is_known else _next(data, low, high, role_letters, role_rows, role_first, -1)
            while row >= 0:
                if role_rows[row, 1] == high - low:
                    bits |= role_rows[row, 4]
                row = _next(data, low, high, role_letters, role_rows, role_first, row + 1)
            role_is_known |= high > low
        else:
            value = _told(data, low, end)
            if (
                (value == _NONE and word == _DISPLAY and not quote)
                or (value == _TRUE and word != _DISPLAY)
                or (word == _HIDDEN and (quote or value == _HIDDEN))
            ):
                bits |= hidden
    return bits


@njit(cache=True, nogil=True)
def tags_of(
    data: np.ndarray,
    letters: np.ndarray,
    rows: np.ndarray,
    first: np.ndarray,
    role_letters: np.ndarray,
    role_rows: np.ndarray,
    role_first: np.ndarray,
    of_tags: np.ndarray,
    hidden: int,
    places: np.ndarray,
    found: np.ndarray,
) -> tuple[int, int]:
    """Find the tags of containers in a page; returns how many there are, and how many bits the opening ones have.

    Args:
        data: uint8, HTML in UTF-8.
        letters: of `Words` that say kinds, in class and id.
        rows: of the same.
        first: of the same.
        role_letters: of `Words` that are roles.
        role_rows: of the same.
        role_first: of the same.
        of_tags: int64, bits of each of `CONTAINERS`.
        hidden: bit of what is not shown.
        places: int64, where `<` stands.
        found: int64[len(places), 4] for begin, end, number among `CONTAINERS` (closing tags: -1 minus it) and bits.
    """
    count = 0
    total = 0
    after = 0
    for i in places:
        if i < after:
            continue
        closing = i + 1 < len(data) and data[i + 1] == _SLASH
        begin = i + 1 + closing
        end = begin
        while end < len(data) and _WORD[data[end]]:
            end += 1
        kind = -1
        row = _next(data, begin, end, _TOLD_LETTERS, _TOLD_ROWS, _TOLD_FIRST, -1)
        while row >= 0:
            if _TOLD_ROWS[row, 1] == end - begin:
                kind = _TOLD_ROWS[row, 4] - _FIRST_CONTAINER
            row = _next(data, begin, end, _TOLD_LETTERS, _TOLD_ROWS, _TOLD_FIRST, row + 1)
        if kind < 0:
            continue
        begin = end
        while end < len(data) and data[end] != _GREATER:
            end += 1
        if end == len(data):
            break
        bits = 0
        if not closing:
            bits = of_tags[kind] | _kinds_of_attributes(
                data,
                begin,
                min(end, begin + LONGEST),
                letters,
                rows,
                first,
                role_letters,
                role_rows,
                role_first,
                hidden,
            )
            rest = bits
            while rest:
                rest &= rest - 1
                total += 1
        found[count, 0] = i
        found[count, 1] = end + 1
        found[count, 2] = -1 - kind if closing else kind
        found[count, 3] = bits
        count += 1
        after = end + 1
    return count, total


@njit(cache=True, nogil=True)
def insert_marks(data: np.ndarray, found: np.ndarray, count: int, stack: np.ndarray, out: np.ndarray) -> int:
    """Copy a page with a mark behind the opening tag of each container that has a kind, and one where it is closed.

    Args:
        data: uint8, HTML in UTF-8.
        found: its tags, of `tags_of`.
        count: how many.
        stack: int64[count].
        out: uint8, room for the page and eight bytes for each bit of an opening tag.

    Returns:
        how many bytes were written.
    """
    size = 0
    at = 0
    written = 0
    for tag in range(count + 1):
        closing = 0
        depth = size
        if tag == count:
            place = len(data)
        elif found[tag, 2] >= 0:
            place = found[tag, 1]
            stack[size] = tag
            size += 1
            if not found[tag, 3]:
                continue
        else:
            # A tag that nothing opened closes nothing; one that was opened closes what is still open inside.
            closing = 1
            place = found[tag, 0]
            last = max(size - INSIDE, 0)
            depth = size - 1
            while depth > last and found[stack[depth], 2] != -1 - found[tag, 2]:
                depth -= 1
            if depth < 0 or found[stack[depth], 2] != -1 - found[tag, 2]:
                continue
        while at < place:
            out[written] = data[at]
            written += 1
            at += 1
        for inner in range(depth, size):
            bits = found[stack[inner], 3]
            kind = 0
            while bits >> kind:
                if bits >> kind & 1:
                    # UTF-8 of MARK + 2 * kind + closing.
                    out[written] = 0xF4
                    out[written + 1] = 0x8F
                    out[written + 2] = 0x80
                    out[written + 3] = 0x80 + 2 * kind + closing
                    written += 4
                kind += 1
        if closing:
            size = depth
    return written


@njit(cache=True, nogil=True)
def hints(data: np.ndarray) -> int:
    """What a page may hold: `FORMULAS` in markup, `MARKS` of its own (as characters or entities); most hold neither.

    Args:
        data: uint8, HTML in UTF-8.
    """
    bits = 0
    # What would stand before the first byte is read at the end, where nothing comes of it.
    for i in range(len(data) - 8):
        if not _HINTS[data[i]]:
            continue
        letter = _SMALL[data[i]]
        if letter == 0xF4:
            bits |= MARKS if data[i + 1] == 0x8F else 0
        elif letter == _AMPERSAND:
            # &#x10f… and &#1110…, with any number of zeros in front.
            if data[i + 1] == _NUMBER:
                hexadecimal = _SMALL[data[i + 2]] == _X
                j = i + 2 + hexadecimal
                while j < len(data) - 4 and data[j] == _ZERO:
                    j += 1
                third = _F if hexadecimal else _ZERO + 1
                if data[j] == _ZERO + 1 and data[j + 1] == _ZERO + (not hexadecimal) and _SMALL[data[j + 2]] == third:
                    bits |= MARKS if hexadecimal or data[j + 3] == _ZERO else 0
        elif letter == _M:
            # Scripts call Math.round, and prose speaks of mathematics.
            if _SMALL[data[i + 1]] == _A and _SMALL[data[i + 2]] == _T and _SMALL[data[i + 3]] == _H:
                bits |= FORMULAS if data[i + 4] != _FULL_STOP and _SMALL[data[i + 4]] != _E else 0
        elif _SMALL[data[i - 1]] == _E and _SMALL[data[i - 2]] == _T:
            if _SMALL[data[i - 3]] == _A:
                # katex and latex, but not translateX, which stands in every second page.
                bits |= FORMULAS if _SMALL[data[i - 5]] != _S else 0
            elif data[i - 3] == _DOUBLE and (data[i + 1] == _DOUBLE or data[i + 1] == _BLANK):
                bits |= FORMULAS
    return bits
