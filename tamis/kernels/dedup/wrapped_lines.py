"""Whether the lines of a text are pieces of paragraphs that were broken at a width, or paragraphs themselves.

Where a text is wrapped, a line ends because the next word did not fit. So a line **runs on** when it does not end a
sentence and the first word of the next line would have made it wider than the text is. The width is that of its longest
lines, the longest tenth left out (an address, a table), in characters as written.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.lines import white_space

WIDEST = 200
"""Characters. Nothing is wrapped wider than this; paragraphs are as long as they like."""
RUNS_ON = 3
"""A text is wrapped when one line in so many runs on. Wrapped prose has about 85 % of such lines, less where its
paragraphs are short; of lines that are paragraphs hardly any is as wide as the widest."""
ENDS = tuple(int.from_bytes(mark.encode(), "big") for mark in ".!?:;\"')]…”’»。！？：；」』）")  # noqa: RUF001
"""Marks that end a sentence, or close one that has ended."""


@njit(cache=True, nogil=True, inline="always")
def _characters(data: np.ndarray, start: int, end: int) -> int:
    count = 0
    for i in range(start, end):
        count += int(data[i] & 0xC0 != 0x80)
    return count


@njit(cache=True, nogil=True, inline="always")
def _anywhere(first: int) -> bool:
    """Whether a line may break before a character with this first byte: ideographs, kana, full-width forms."""
    return 0xE3 <= first <= 0xE9 or first == 0xEF


@njit(cache=True, nogil=True)
def _first_word(data: np.ndarray, start: int, end: int) -> int:
    """Characters of the first piece without white space; 1 where lines break anywhere."""
    i = start
    while i < end:
        width = white_space(data, i, end)
        if not width:
            break
        i += width
    if i < end and _anywhere(data[i]):
        return 1
    begin = i
    while i < end and not white_space(data, i, end) and not _anywhere(data[i]):
        i += 1
    return _characters(data, begin, i)


@njit(cache=True, nogil=True)
def _ends_sentence(data: np.ndarray, start: int, end: int) -> bool:
    """Whether the last character that is no white space is one of `ENDS`."""
    i = end
    while i > start:
        begin = i - 1
        while begin > start and data[begin] & 0xC0 == 0x80:
            begin -= 1
        if not white_space(data, begin, end):
            code = np.int64(0)
            for byte in range(begin, i):
                code = code << 8 | np.int64(data[byte])
            return code in ENDS
        i = begin
    return False


@njit(cache=True, nogil=True)
def wrapped(data: np.ndarray, offsets: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which texts are wrapped.

    Args:
        data: uint8 bytes of UTF-8.
        offsets: int64[n + 1], the lines of each text (`tamis.kernels.lines.Units`).
        starts: int64, first byte of each line.
        ends: int64, the byte after its last.

    Returns:
        bool[n]; a text of fewer than two lines is not.
    """
    found = np.zeros(len(offsets) - 1, dtype=np.bool_)
    for row in range(len(offsets) - 1):
        first = offsets[row]
        count = offsets[row + 1] - first
        if count < 2:
            continue
        widths = np.empty(count, dtype=np.int64)
        for line in range(count):
            widths[line] = _characters(data, starts[first + line], ends[first + line])
        width = np.sort(widths)[count - 1 - count // 10]
        if width > WIDEST:
            continue
        run_on = 0
        for line in range(count - 1):
            here = first + line
            if widths[line] + 1 + _first_word(data, starts[here + 1], ends[here + 1]) > width:
                run_on += int(not _ends_sentence(data, starts[here], ends[here]))
        found[row] = RUNS_ON * run_on >= count - 1
    return found
