r"""Where a repeated span ends: what follows its last word, as far as it also stands at the owner.

The **tail** of a window is what follows its last word: the marks that stand at it and the white space after them, up to
the next word or the next mark. So of ".\n\n## Title" the tail is ".\n\n", of " -40" it is " ": what stands before the
next word without a gap belongs to that word. A tail crosses as a number: its first seven bytes, whole characters, and
in the highest byte how many they are. Longer ones are rare (indented lines), and of those the rest stays.

A span is cut on to the place up to which its tail and that of its owner agree, character for character, and back to
where a cut leaves what stays as it was:

* behind white space or before it, behind a full-width mark that closes (`CLOSING`), or at the end of the text;
* not beyond more line breaks than stand before the span, so a paragraph is not glued to the one before it;
* nothing where the span follows a word without a gap (an ideograph after a Latin letter).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.lines import white_space

TAIL_BYTES = 7
LENGTH_SHIFT = np.uint64(56)
CLOSING = tuple(int.from_bytes(mark.encode(), "big") for mark in "、。〉》」』】〕！），．：；？")  # noqa: RUF001
"""Marks that end something in scripts without spaces; three bytes each."""
ANY = 1 << 62


@njit(cache=True, nogil=True, inline="always")
def _width(first: int) -> int:
    """Bytes of a character by its first."""
    width = 1
    if first >= 0xF0:
        width = 4
    elif first >= 0xE0:
        width = 3
    elif first >= 0xC2:
        width = 2
    return width


@njit(cache=True, nogil=True, inline="always")
def _closing(data: np.ndarray, i: int, end: int) -> bool:
    if i + 3 > end:
        return False
    return (np.int64(data[i]) << 16 | np.int64(data[i + 1]) << 8 | np.int64(data[i + 2])) in CLOSING


@njit(cache=True, nogil=True, inline="always")
def _breaks(data: np.ndarray, i: int, end: int) -> int:
    r"""1 where a line ends with the byte at i ("\n", or "\r" with none after it), else 0."""
    return int(data[i] == 0x0A or (data[i] == 0x0D and not (i + 1 < end and data[i + 1] == 0x0A)))


@njit(cache=True, nogil=True)
def tails(data: np.ndarray, begins: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """The tails of some windows as numbers.

    Args:
        data: uint8 bytes of UTF-8.
        begins: int64[m], the byte after the last word of each.
        stops: int64[m], the first byte of the next word, or the end of the text.

    Returns:
        uint64[m].
    """
    found = np.zeros(len(begins), dtype=np.uint64)
    for window in range(len(begins)):
        i = begins[window]
        stop = min(stops[window], len(data))
        spaced = False
        while i < stop:
            white = white_space(data, i, stop) > 0
            after = min(i + _width(data[i]), stop)
            if (spaced and not white) or after - begins[window] > TAIL_BYTES:
                break
            spaced = white
            i = after
        length = i - begins[window]
        packed = np.uint64(length) << LENGTH_SHIFT
        for byte in range(length):
            packed |= np.uint64(data[begins[window] + byte]) << np.uint64(8 * byte)
        found[window] = packed
    return found


@njit(cache=True, nogil=True)
def agreed_ends(
    data: np.ndarray,
    gaps: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    stops: np.ndarray,
    text_starts: np.ndarray,
    text_ends: np.ndarray,
    owned: np.ndarray,
) -> np.ndarray:
    """The ends of spans, moved behind what follows them as far as that stands at their owners too.

    Args:
        data: uint8 bytes of UTF-8.
        gaps: int64[k], the byte after the last word before each span, or the start of the text.
        starts: int64[k], first byte of its first word.
        ends: int64[k], the byte after its last word.
        stops: int64[k], the first byte of the next word, or the end of the text.
        text_starts: int64[k], first byte of its text.
        text_ends: int64[k], the byte after the last of its text.
        owned: uint64[k], the tail at the owner, from `tails`.

    Returns:
        int64[k], at least `ends` and at most `stops`.
    """
    moved = ends.copy()
    for span in range(len(ends)):
        stop = stops[span]
        allowed = 0
        if gaps[span] == text_starts[span]:
            # A word at the very start has no gap before it either, but nothing to be glued to.
            allowed = ANY
        elif gaps[span] == starts[span]:
            continue
        else:
            for i in range(gaps[span], starts[span]):
                allowed += _breaks(data, i, stop)
        limit = min(ends[span] + np.int64(owned[span] >> LENGTH_SHIFT), stop)
        i = ends[span]
        while i < limit:
            after = i + _width(data[i])
            agrees = after <= limit
            for byte in range(i, min(after, limit)):
                there = owned[span] >> np.uint64(8 * (byte - ends[span]))
                agrees = agrees and np.uint64(data[byte]) == there & np.uint64(0xFF)
            white = white_space(data, i, stop) > 0
            allowed -= _breaks(data, i, stop)
            if not agrees or allowed < 0:
                break
            closed = _closing(data, i, stop) and not _closing(data, after, stop)
            before_white = after < stop and white_space(data, after, stop) > 0
            inside_break = after < stop and data[i] == 0x0D and data[after] == 0x0A
            if not inside_break and (white or before_white or closed or after == text_ends[span]):
                moved[span] = after
            i = after
    return moved
