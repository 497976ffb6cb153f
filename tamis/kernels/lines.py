r"""Lines and paragraphs of a text column, and what is cut with them, straight on Arrow's buffers.

A line ends at "\n", "\r\n" or "\r"; it is blank when it holds nothing but white space (`str.isspace`). A **unit**
is a line that is not blank, or a paragraph: a run of such lines. The bytes between two units are a gap: the line
ending of the first, and the blank lines. A unit is cut together with one of the gaps beside it, so the text
stays well formed:

* of the gaps on either side of a run of cut units, the one with more line endings stays (the left one when equal), so
  cutting the last line of a paragraph does not glue the next paragraph to it;
* cutting at the end of a text leaves what stood after the last unit, cutting at its beginning what stood before.

Spans are bytes of the column's data buffer (`tamis/kernels/spans.py`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tamis.kernels.eight_bytes import HIGH_BITS, LOW_BITS, eight_bytes

BYTES_PER_UNIT = 16
"""Room for units is made for this many bytes each at first: lines of real text are longer, blank ones aside."""


class Units(NamedTuple):
    """The units of n rows.

    offsets: int64[n + 1], the units of row i are offsets[i] … offsets[i + 1] - 1.
    starts, ends: int64, bytes of each unit, without its line ending.
    breaks: int64, line endings between this unit and the next one of its row (or the end of the row).
    """

    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    breaks: np.ndarray


@njit(cache=True, nogil=True, inline="always")
def white_space(data: np.ndarray, i: int, end: int) -> int:
    """Bytes of the white-space character at i; 0 when it is none."""
    first = data[i]
    second = data[i + 1] if i + 1 < end else 0
    third = data[i + 2] if i + 2 < end else 0
    width = 0
    if first < 0x80:
        width = int(first == 0x20 or 0x09 <= first <= 0x0D or 0x1C <= first <= 0x1F)
    elif first == 0xC2:
        width = 2 * int(second in (0x85, 0xA0))
    elif first == 0xE1:
        width = 3 * int(second == 0x9A and third == 0x80)
    elif first == 0xE2 and second == 0x80:
        width = 3 * int(0x80 <= third <= 0x8A or third in (0xA8, 0xA9, 0xAF))
    elif first == 0xE2:
        width = 3 * int(second == 0x81 and third == 0x9F)
    elif first == 0xE3:
        width = 3 * int(second == 0x80 and third == 0x80)
    return width


@njit(cache=True, nogil=True, inline="always")
def line_end(data: np.ndarray, i: int, end: int) -> int:
    """First byte at or after i that ends a line; `end` when there is none."""
    last_eight = min(end, len(data)) - 8
    while i <= last_eight:
        eight = eight_bytes(data, i)
        line_feed = eight ^ (LOW_BITS * np.uint64(0x0A))
        carriage_return = eight ^ (LOW_BITS * np.uint64(0x0D))
        # A byte that is zero borrows from its high bit; one above a zero byte may look like it, never one below.
        zero = ((line_feed - LOW_BITS) & ~line_feed) | ((carriage_return - LOW_BITS) & ~carriage_return)
        if zero & HIGH_BITS != np.uint64(0):
            break
        i += 8
    while i < end and data[i] != 0x0A and data[i] != 0x0D:
        i += 1
    return i


@njit(cache=True, nogil=True)
def _scan(
    offsets: np.ndarray,
    data: np.ndarray,
    wanted: np.ndarray,
    by_line: np.ndarray,
    unit_offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    breaks: np.ndarray,
) -> int:
    """Find the units of the wanted rows; returns how many there are, also where they have more than room."""
    unit = 0
    room = len(starts)
    for row in range(len(offsets) - 1):
        if wanted[row]:
            end = offsets[row + 1]
            i = offsets[row]
            inside = False  # the line before was not blank
            first = True
            endings = 0
            while i < end:
                line = i
                blank = True
                while blank and i < end and data[i] != 0x0A and data[i] != 0x0D:
                    width = white_space(data, i, end)
                    blank = width > 0
                    i += width
                if not blank:
                    i = line_end(data, i, end)
                stop = i
                ended = 0
                if i < end:
                    ended = 1
                    i += 2 if data[i] == 0x0D and i + 1 < end and data[i + 1] == 0x0A else 1
                if blank:
                    inside = False
                    endings += ended
                else:
                    if by_line[row] or not inside:
                        if unit < room:
                            starts[unit] = line
                        if not first and unit <= room:
                            breaks[unit - 1] = endings
                        first = False
                        unit += 1
                    inside = True
                    endings = ended
                    if unit <= room:
                        ends[unit - 1] = stop
            if not first and unit <= room:
                breaks[unit - 1] = endings
        unit_offsets[row + 1] = unit
    return unit


def find_units(offsets: np.ndarray, data: np.ndarray, wanted: np.ndarray, *, by_line: bool | np.ndarray) -> Units:
    """The units of the wanted rows; other rows have none.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 likewise.
        wanted: bool[n].
        by_line: lines, or paragraphs; one for all rows, or bool[n].
    """
    by_line = np.ascontiguousarray(np.broadcast_to(by_line, len(offsets) - 1))
    unit_offsets = np.zeros(len(offsets), dtype=np.int64)
    # Reserved, not touched: the system gives memory only for the part that is filled.
    room = len(offsets) + int(offsets[-1] - offsets[0]) // BYTES_PER_UNIT
    starts, ends, breaks = (np.empty(room, dtype=np.int64) for _ in range(3))
    count = _scan(offsets, data, wanted, by_line, unit_offsets, starts, ends, breaks)
    if count > room:
        starts, ends, breaks = (np.empty(count, dtype=np.int64) for _ in range(3))
        _scan(offsets, data, wanted, by_line, unit_offsets, starts, ends, breaks)
    return Units(unit_offsets, starts[:count], ends[:count], breaks[:count])


@njit(cache=True, nogil=True)
def unit_characters(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Code points of each span of bytes: int64."""
    counts = np.empty(len(starts), dtype=np.int64)
    for unit in range(len(starts)):
        count = 0
        for i in range(starts[unit], ends[unit]):
            if data[i] & 0xC0 != 0x80:
                count += 1
        counts[unit] = count
    return counts


@njit(cache=True, nogil=True)
def cut_spans(
    unit_offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    breaks: np.ndarray,
    cut: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The bytes that go with each unit that is cut.

    Args:
        unit_offsets: `Units.offsets`.
        starts: `Units.starts`.
        ends: `Units.ends`.
        breaks: `Units.breaks`.
        cut: bool, one a unit.

    Returns:
        int64 span starts and span ends of the cut units, in order; spans of a row do not overlap.
    """
    total = 0
    for unit in range(len(cut)):
        total += cut[unit]
    span_starts = np.empty(total, dtype=np.int64)
    span_ends = np.empty(total, dtype=np.int64)
    span = 0
    for row in range(len(unit_offsets) - 1):
        low = unit_offsets[row]
        high = unit_offsets[row + 1]
        unit = low
        while unit < high:
            if not cut[unit]:
                unit += 1
                continue
            run = unit
            while run < high and cut[run]:
                run += 1
            # Units unit … run - 1 go. With the gap before each of them, or with the gap after each?
            if unit == low:
                before = False
            elif run == high:
                before = True
            else:
                before = breaks[run - 1] > breaks[unit - 1]
            for gone in range(unit, run):
                if before:
                    span_starts[span] = ends[gone - 1]
                    span_ends[span] = ends[gone]
                else:
                    span_starts[span] = starts[gone]
                    span_ends[span] = starts[gone + 1] if gone + 1 < high else ends[gone]
                span += 1
            unit = run
    return span_starts, span_ends
