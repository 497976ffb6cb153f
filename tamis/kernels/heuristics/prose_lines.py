"""What the prose rules ask about lines: repeated, short, without a full stop, with a bullet, with an ellipsis."""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.characters import LINE_BREAK, SPACE, TERMINAL
from tamis.kernels.heuristics.listed_pieces import span_hash
from tamis.kernels.heuristics.prose_columns import (
    BULLET_LINES,
    ELLIPSIS_LINES,
    LINE_CHARACTERS,
    LINES,
    NONBLANK_DUPLICATES,
    SHORT_LINES,
    TERMINAL_LINES,
)
from tamis.kernels.heuristics.repetition import NEWLINE, find_or_add

DOT = 0x2E
ELLIPSIS = 0x2026


@numba.njit(cache=True, nogil=True)
def newline_lines(
    codes: np.ndarray,
    flags: np.ndarray,
    count: int,
    short: int,
    keys: np.ndarray,
    stamps: np.ndarray,
    stamp: int,
    mask: int,
    row: np.ndarray,
) -> int:
    """The rules about lines between line feeds: Gopher's repeated lines, FineWeb's line ends, lengths and repeats."""
    lines = 0
    repeated = 0
    characters = 0
    written = 0
    terminal = 0
    shorter = 0
    written_repeats = 0
    newlines = 0
    first: int = np.int64(0)  # type: ignore[assignment]
    for at in range(count + 1):
        if at < count and codes[at] != NEWLINE:
            continue
        newlines += at < count
        length = at - first
        # A run of line feeds is one separator; an empty string stands before a leading and after a trailing one.
        if length or first == 0 or at == count:
            lines += 1
            _, seen = find_or_add(span_hash(codes, first, at), keys, stamps, stamp, mask)
            if seen:
                repeated += 1
                characters += length
            blank = True
            for position in range(first, at):
                if not flags[position] & SPACE:
                    blank = False
                    break
            if not blank:
                written += 1
                terminal += (flags[at - 1] & TERMINAL) != 0
                shorter += length <= short
                if seen:
                    written_repeats += length
        first = at + 1
    row[LINES] = repeated / lines
    row[LINE_CHARACTERS] = characters / count
    if written:
        row[TERMINAL_LINES] = terminal / written
        row[SHORT_LINES] = shorter / written
        row[NONBLANK_DUPLICATES] = written_repeats / (count - newlines)
    return newlines


@numba.njit(cache=True, nogil=True)
def marked_lines(codes: np.ndarray, flags: np.ndarray, count: int, row: np.ndarray) -> None:
    """The shares of lines that start with a bullet and that end in an ellipsis (lines as str.splitlines cuts them)."""
    lines = 0
    bullets = 0
    trailing = 0
    first = 0
    while first < count:
        at = first
        while at < count and not flags[at] & LINE_BREAK:
            at += 1
        lines += 1
        begin = first
        while begin < at and flags[begin] & SPACE:
            begin += 1
        stop = at
        while stop > begin and flags[stop - 1] & SPACE:
            stop -= 1
        if begin < stop:
            bullets += codes[begin] == 0x2022 or codes[begin] == 0x2D
            trailing += codes[stop - 1] == ELLIPSIS or (
                stop - begin >= 3 and codes[stop - 1] == DOT and codes[stop - 2] == DOT and codes[stop - 3] == DOT
            )
        first = at + 1
        if at + 1 < count and codes[at] == 0x0D and codes[at + 1] == NEWLINE:
            first += 1
    if lines:
        row[BULLET_LINES] = bullets / lines
        row[ELLIPSIS_LINES] = trailing / lines
