"""Spans of a text column, straight on Arrow's buffers: what characters they are, and taking them out.

Spans are bytes of the column's data buffer (`tamis.kernels.words.buffers`), each of one row.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from tamis.kernels.words import buffers


@njit(cache=True, nogil=True)
def characters_of(
    offsets: np.ndarray,
    data: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Turn spans of bytes into spans of characters of their rows.

    Args:
        offsets: int64[n + 1].
        data: uint8.
        rows: int64[k], row of each span; spans ordered by row, then start, and not overlapping.
        starts: int64[k] first byte.
        ends: int64[k] byte after the last.

    Returns:
        int64[k] first character, int64[k] character after the last.
    """
    first = np.empty(len(rows), dtype=np.int64)
    last = np.empty(len(rows), dtype=np.int64)
    row = -1
    position = 0
    count = 0
    for span in range(len(rows)):
        if rows[span] != row:
            row = rows[span]
            position = offsets[row]
            count = 0
        while position < starts[span]:
            if data[position] & 0xC0 != 0x80:
                count += 1
            position += 1
        first[span] = count
        while position < ends[span]:
            if data[position] & 0xC0 != 0x80:
                count += 1
            position += 1
        last[span] = count
    return first, last


@njit(cache=True, nogil=True)
def _gather(data: np.ndarray, starts: np.ndarray, ends: np.ndarray, new_data: np.ndarray) -> None:
    """Put pieces of `data` one after another; a piece runs on over rows of which nothing is cut."""
    position = 0
    for piece in range(len(starts)):
        length = ends[piece] - starts[piece]
        new_data[position : position + length] = data[starts[piece] : ends[piece]]
        position += length


@njit(cache=True, nogil=True)
def _weave(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    inserted: np.ndarray,
    bounds: np.ndarray,
    new_data: np.ndarray,
) -> None:
    """Like `_gather`, with inserted[bounds[i]:bounds[i + 1]] after piece i; nothing after the last piece."""
    position = 0
    for piece in range(len(starts)):
        length = ends[piece] - starts[piece]
        new_data[position : position + length] = data[starts[piece] : ends[piece]]
        position += length
        if piece < len(bounds) - 1:
            length = bounds[piece + 1] - bounds[piece]
            new_data[position : position + length] = inserted[bounds[piece] : bounds[piece + 1]]
            position += length


def replace_spans(
    offsets: np.ndarray,
    data: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    replacements: pa.Array | None = None,
) -> pa.Array:
    """The text column with the given spans of bytes taken out, and others put in their place.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 likewise.
        rows: int64[k], row of each span; spans ordered by row, then start, not overlapping, on character boundaries.
        starts: int64[k] first byte.
        ends: int64[k] byte after the last.
        replacements: k strings without nulls; None where all spans are cut.

    Returns:
        n strings, large_string.
    """
    shorter = ends - starts
    if replacements is not None:
        bounds, inserted = buffers(replacements)
        shorter -= np.diff(bounds)
    until = np.concatenate([[0], np.cumsum(shorter)])
    new_offsets = offsets - offsets[0] - until[np.searchsorted(rows, np.arange(len(offsets)))]
    new_data = np.empty(int(offsets[-1] - offsets[0] - until[-1]), dtype=np.uint8)
    piece_starts, piece_ends = np.r_[offsets[0], ends], np.r_[starts, offsets[-1]]
    if replacements is None:
        _gather(data, piece_starts, piece_ends, new_data)
    else:
        _weave(data, piece_starts, piece_ends, inserted, bounds, new_data)
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(new_offsets), pa.py_buffer(new_data))
