"""Whether the lines of a text are pieces of paragraphs that were broken at a width, or paragraphs themselves.

Where a text is wrapped, a line ends because the next word did not fit. So a line **runs on** when it does not end a
sentence and the first word of the next line would have made it wider than the text is. The width is that of its longest
lines, the longest tenth left out (an address, a table), in characters as written. Only pairs of lines with no blank
line between them count, and the lines of such pairs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.lines import Units, white_space

WIDEST = 200
"""Characters. Nothing is wrapped wider than this; paragraphs are as long as they like."""
RUNS_ON = 3
"""A text is wrapped when one such line in so many runs on. Wrapped prose has about 85 % of such lines, less where its
paragraphs are short; of lines that are paragraphs hardly any is as wide as the widest."""
NARROWEST = 30
"""Characters. No line of a narrower text or paragraph is full: it is a menu, an address, verse."""
SLACK, WIDER = 20, 4
"""A line is full when the next word would end within a 20th of the width (3 of 72 columns), of a paragraph that is
wrapped by itself within a quarter: people break lines where they like."""
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
def _judge_lines(
    data: np.ndarray,
    low: int,
    high: int,
    starts: np.ndarray,
    ends: np.ndarray,
    breaks: np.ndarray,
    widths: np.ndarray,
    first_words: np.ndarray,
    slack: int,
    full: np.ndarray,
) -> bool:
    """Whether the lines low … high - 1 are wrapped; if so, those that are full are marked."""
    kept = np.empty(high - low, dtype=np.int64)
    count = 0
    pairs = 0
    for line in range(low, high):
        more = line + 1 < high and breaks[line] == 1
        pairs += int(more)
        if more or (line > low and breaks[line - 1] == 1):
            kept[count] = widths[line]
            count += 1
    if count < 2:
        return False
    width = np.sort(kept[:count])[count - 1 - count // 10]
    if width > WIDEST:
        return False
    run_on = 0
    for line in range(low, high - 1):
        if breaks[line] == 1 and widths[line] + 1 + first_words[line + 1] > width:
            run_on += int(not _ends_sentence(data, starts[line], ends[line]))
    if RUNS_ON * run_on < pairs:
        return False
    for line in range(low, high - 1 if width >= NARROWEST else low):
        if breaks[line] == 1 and widths[line] + 1 + first_words[line + 1] > width - width // slack:
            full[line] = True
    return True


@njit(cache=True, nogil=True)
def _judge(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    breaks: np.ndarray,
    wanted: np.ndarray,
    widths: np.ndarray,
    first_words: np.ndarray,
    by_paragraph: bool,
    found: np.ndarray,
    full: np.ndarray,
) -> None:
    for row in range(len(wanted)):
        low, high = offsets[row], offsets[row + 1]
        if not wanted[row] or high - low < 2:
            continue
        for line in range(low, high):
            widths[line] = _characters(data, starts[line], ends[line])
            first_words[line] = _first_word(data, starts[line], ends[line])
        found[row] = _judge_lines(data, low, high, starts, ends, breaks, widths, first_words, SLACK, full)
        begin = low
        for line in range(low, high if by_paragraph else low):
            if line + 1 == high or breaks[line] > 1:
                if line > begin and (begin > low or line + 1 < high):
                    _judge_lines(data, begin, line + 1, starts, ends, breaks, widths, first_words, WIDER, full)
                begin = line + 1


def _judged(data: np.ndarray, lines: Units, wanted: np.ndarray, *, by_paragraph: bool) -> tuple[np.ndarray, np.ndarray]:
    found, full = np.zeros(len(wanted), dtype=np.bool_), np.zeros(len(lines.starts), dtype=np.bool_)
    widths, first_words = (np.empty(len(lines.starts), dtype=np.int64) for _ in range(2))
    _judge(data, *lines, wanted, widths, first_words, by_paragraph, found, full)
    return found, full


def wrapped(data: np.ndarray, lines: Units) -> np.ndarray:
    """Which texts are wrapped.

    Args:
        data: uint8 bytes of UTF-8.
        lines: lines of n texts.

    Returns:
        bool[n]; a text without two lines of one paragraph is not.
    """
    return _judged(data, lines, np.ones(len(lines.offsets) - 1, dtype=np.bool_), by_paragraph=False)[0]


def full_lines(data: np.ndarray, lines: Units, wanted: np.ndarray) -> np.ndarray:
    """Lines of wrapped texts, or of wrapped paragraphs of others, behind which the next word had no room.

    Sentences may end there too. Told by the width of the text and by that of the paragraph: a list of short lines hides
    the one, a word that just fits the other.

    Args:
        data: uint8 bytes of UTF-8.
        lines: lines of n texts.
        wanted: bool[n], texts that are looked at.

    Returns:
        bool, one a line.
    """
    return _judged(data, lines, wanted, by_paragraph=True)[1]
