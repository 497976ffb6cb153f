"""What the prose rules ask about lines: repeated, short, without a full stop, with a bullet, with an ellipsis."""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.characters import DIGIT, LETTER, LOWER, MARK, QUOTE, SPACE, TERMINAL, UPPER
from tamis.kernels.heuristics.prose_columns import (
    BULLET_LINES,
    ELLIPSIS_LINES,
    LINE_CHARACTERS,
    LINES,
    NONBLANK_DUPLICATES,
    SHORT_LINES,
    TERMINAL_LINES,
)
from tamis.kernels.heuristics.repetition import NEWLINE, find_or_add, holds_word, is_blank, text_hash

DOT = 0x2E
HASH = 0x23
ELLIPSIS = 0x2026
LESS, GREATER, SLASH, EXCLAMATION, HYPHEN = map(ord, "<>/!-")
SMALL = LOWER | MARK
IDEOGRAPHIC = 0x3000
CLOSERS = tuple(map(ord, ")]}*_"))


@numba.njit(cache=True, nogil=True)
def heading_mark(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> int:
    """Hash signs with which the line [start, end) begins, if they mark a heading of Markdown (CommonMark 4.2)."""
    at = start
    while at < end and codes[at] == HASH:
        at += 1
    return at - start if at - start <= 6 and (at == end or flags[at] & SPACE) else 0


@numba.njit(cache=True, nogil=True)
def _is_of_sentences(codes: np.ndarray, flags: np.ndarray, first: int, stop: int, count: int, short: int) -> bool:
    """Whether the line [first, stop) ends a sentence, holds the end of one, or runs on in the next line.

    The last character of a line says little where lines are wrapped, end in a blank, a quote or a bracket, or where a
    whole article is one line. A sentence ends inside where punctuation that ends one follows two small letters (or
    letters without case) and stands before a blank, which a Chinese full stop does not need; a longer line than `short`
    runs on where the next begins small.
    """
    end = stop
    while end > first and flags[end - 1] & SPACE:
        end -= 1
    last = end
    while last > first and (flags[last - 1] & QUOTE or codes[last - 1] in CLOSERS):
        last -= 1
    if last > first and (flags[last - 1] & TERMINAL or codes[last - 1] == ELLIPSIS):
        return True
    if end - first <= short:
        return False
    for at in range(first + 2, end - 1):
        if not flags[at] & TERMINAL or not flags[at - 1] & SMALL or not flags[at - 2] & SMALL:
            continue
        if flags[at + 1] & SPACE or codes[at] >= IDEOGRAPHIC:
            return True
    following = stop + 1
    while following < count and flags[following] & SPACE and codes[following] != NEWLINE:
        following += 1
    return following < count and flags[following] & (LETTER | LOWER | UPPER) == LETTER | LOWER


@numba.njit(cache=True, nogil=True)
def newline_lines(
    codes: np.ndarray,
    flags: np.ndarray,
    count: int,
    breaks: np.ndarray,
    number: int,
    short: int,
    as_written: bool,
    keys: np.ndarray,
    stamps: np.ndarray,
    stamp: int,
    mask: int,
    row: np.ndarray,
) -> int:
    """The rules about lines between line feeds: Gopher's repeated lines, FineWeb's line ends, lengths and repeats.

    Line breaks are the first `number` of `breaks`. With `as_written` the very last character of a line is its end, a
    blank too, every line feed is counted, and every line may repeat another; without, the line feeds between lines that
    hold something, so that blank lines make no list, and lines that hold a word may repeat another, so that rules,
    numbers and empty cells of a table repeat nothing.
    """
    lines = 0
    repeated = 0
    characters = 0
    written = 0
    terminal = 0
    shorter = 0
    written_repeats = 0
    newlines = 0
    first: int = np.int64(0)  # type: ignore[assignment]
    for place in range(number + 1):
        at = breaks[place] if place < number else count
        if at < count and codes[at] != NEWLINE:
            continue
        newlines += at < count
        length = at - first
        blank = is_blank(flags, first, at)
        # A run of line feeds is one separator; an empty string stands before a leading and after a trailing one.
        if holds_word(flags, first, at) or (as_written and (length or first == 0 or at == count)):
            lines += 1
            _, seen = find_or_add(text_hash(codes, first, at), keys, stamps, stamp, mask)
            if seen:
                repeated += 1
                characters += length
                if not blank:
                    written_repeats += length
        if not blank:
            written += 1
            if as_written:
                terminal += (flags[at - 1] & TERMINAL) != 0
            else:
                terminal += _is_of_sentences(codes, flags, first, at, count, short)
            shorter += length <= short
        first = at + 1
    row[LINES] = repeated / max(lines, 1)
    row[LINE_CHARACTERS] = characters / count
    if written:
        row[TERMINAL_LINES] = terminal / written
        row[SHORT_LINES] = shorter / written
        row[NONBLANK_DUPLICATES] = written_repeats / (count - newlines)
    return newlines if as_written else max(written - 1, 0)


@numba.njit(cache=True, nogil=True)
def marked_lines(
    codes: np.ndarray,
    flags: np.ndarray,
    count: int,
    breaks: np.ndarray,
    number: int,
    bullet_signs: np.ndarray,
    row: np.ndarray,
) -> None:
    """The shares of lines that start with a bullet and that end in an ellipsis (lines as str.splitlines cuts them)."""
    lines = 0
    bullets = 0
    trailing = 0
    first: int = np.int64(0)  # type: ignore[assignment]
    for place in range(number + 1):
        at = breaks[place] if place < number else count
        # The second of "\r\n", or nothing behind the last break.
        if at < first or first == count:
            continue
        lines += 1
        begin = first
        while begin < at and flags[begin] & SPACE:
            begin += 1
        stop = at
        while stop > begin and flags[stop - 1] & SPACE:
            stop -= 1
        if begin < stop:
            for sign in range(bullet_signs.size):
                if codes[begin] == bullet_signs[sign]:
                    bullets += 1
                    break
            trailing += codes[stop - 1] == ELLIPSIS or (
                stop - begin >= 3 and codes[stop - 1] == DOT and codes[stop - 2] == DOT and codes[stop - 3] == DOT
            )
        first = at + 1
        if at + 1 < count and codes[at] == 0x0D and codes[at + 1] == NEWLINE:
            first += 1
    if lines:
        row[BULLET_LINES] = bullets / lines
        row[ELLIPSIS_LINES] = trailing / lines


@numba.njit(cache=True, nogil=True)
def tag_characters(codes: np.ndarray, flags: np.ndarray, count: int) -> int:
    """Characters in HTML tags: `<`, perhaps `/` or `!`, a name, then a blank, `/` or `>`, up to the next `>`.

    Addresses in angle brackets (<https://…>, <name@host>) are none.
    """
    characters = 0
    at: int = np.int64(0)  # type: ignore[assignment]
    while at < count:
        if codes[at] != LESS:
            at += 1
            continue
        first = at
        at += 1
        if at < count and (codes[at] == SLASH or codes[at] == EXCLAMATION):
            at += 1
        name = at
        while at < count and (flags[at] & (LETTER | DIGIT) or codes[at] == HYPHEN):
            at += 1
        if at in (name, count) or not (flags[at] & SPACE or codes[at] == SLASH or codes[at] == GREATER):
            continue
        while at < count and codes[at] != GREATER and codes[at] != LESS:
            at += 1
        if at < count and codes[at] == GREATER:
            at += 1
            characters += at - first
    return characters
