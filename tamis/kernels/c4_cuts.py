"""The lines that C4 cuts, and the citations that it takes out of the others, as spans of Arrow's buffers.

Rules and order are those of the code of C4 (`c4_utils.py` of TensorFlow Datasets) and of datatrove's `C4QualityFilter`;
only letters of ASCII are compared without regard to case.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.heuristics.characters import LINE_BREAK, SPACE
from tamis.kernels.words import decode

# Places in `settings`.
TERMINAL, MIN_WORDS, MAX_WORD, CITATIONS, BRACKETS = range(5)

REASONS = (
    "c4_long_word",
    "c4_citation",
    "c4_no_terminal_punctuation",
    "c4_few_words",
    "c4_lorem_ipsum",
    "c4_javascript",
    "c4_curly_bracket",
    "c4_policy",
)
LONG_WORD, CITATION, NO_TERMINAL, FEW_WORDS, LOREM_IPSUM, JAVASCRIPT, CURLY, POLICY = range(8)
NONE = -1

_CITATION_WORDS = (np.frombuffer(b"[edit]", np.uint8), np.frombuffer(b"[citation needed]", np.uint8))
_EDIT, _NEEDED = _CITATION_WORDS
_ENDS = tuple(b".?!\"'")
_BRACKET, _CLOSE, _BRACE, _DOT, _LF, _CR = 0x5B, 0x5D, 0x7B, 0x2E, 0x0A, 0x0D


@njit(cache=True, nogil=True)
def _citation(data: np.ndarray, at: int, end: int, digits: np.ndarray) -> int:
    """Bytes of a citation that begins here, 0 where none does: [12], [], [edit], [citation needed]."""
    place = at + 1
    while place < end:
        byte = data[place]
        if byte < 0x80:
            if byte < 0x30 or byte > 0x39:
                break
            place += 1
        else:
            code, width = decode(data, place, end)
            if not digits[code]:
                break
            place += width
    if place < end and data[place] == _CLOSE:
        return place + 1 - at
    for word in (_EDIT, _NEEDED):
        if end - at >= word.size:
            same = True
            for index in range(word.size):
                if data[at + index] != word[index]:
                    same = False
                    break
            if same:
                return word.size
    return 0


@njit(cache=True, nogil=True)
def _holds(line: np.ndarray, phrases: np.ndarray, begin: int, end: int) -> bool:
    """Whether a line in small letters holds phrases[begin:end]."""
    length = end - begin
    if length == 0:
        return False
    first = phrases[begin]
    for at in range(line.size - length + 1):
        if line[at] == first:
            same = True
            for index in range(1, length):
                if line[at + index] != phrases[begin + index]:
                    same = False
                    break
            if same:
                return True
    return False


@njit(cache=True, nogil=True)
def _verdict(  # noqa: PLR0911 - one rule after the other
    line: np.ndarray, words: int, longest: int, settings: np.ndarray, phrases: np.ndarray, bounds: np.ndarray
) -> int:
    """Why a line goes, by its bytes without citations, in small letters."""
    if settings[MAX_WORD] >= 0 and longest > settings[MAX_WORD]:
        return LONG_WORD
    if settings[TERMINAL]:
        size = line.size
        last = line[size - 1] if size else np.uint8(0)
        if last not in _ENDS or (size >= 3 and last == _DOT and line[size - 2] == _DOT and line[size - 3] == _DOT):
            return NO_TERMINAL
    if words < settings[MIN_WORDS]:
        return FEW_WORDS
    if _holds(line, phrases, bounds[0], bounds[1]):
        return LOREM_IPSUM
    if _holds(line, phrases, bounds[1], bounds[2]):
        return JAVASCRIPT
    if settings[BRACKETS]:
        for byte in line:
            if byte == _BRACE:
                return CURLY
    for phrase in range(2, bounds.size - 1):
        if _holds(line, phrases, bounds[phrase], bounds[phrase + 1]):
            return POLICY
    return NONE


@njit(cache=True, nogil=True)
def _added(spans: np.ndarray, found: int, row: int, start: int, end: int, reason: int) -> np.ndarray:
    if found == len(spans):
        more = np.empty((2 * len(spans), 4), np.int64)
        more[:found] = spans
        spans = more
    spans[found, 0] = row
    spans[found, 1] = start
    spans[found, 2] = end
    spans[found, 3] = reason
    return spans


@njit(cache=True, nogil=True)
def c4_cuts(
    offsets: np.ndarray,
    data: np.ndarray,
    chosen: np.ndarray,
    flags: np.ndarray,
    digits: np.ndarray,
    settings: np.ndarray,
    phrases: np.ndarray,
    bounds: np.ndarray,
) -> np.ndarray:
    """Find what C4 cuts.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 likewise.
        chosen: bool[n], rows to look at.
        flags: `tamis.kernels.heuristics.characters.table()`.
        digits: bool[0x110000], the decimal digits.
        settings: int64 [lines must end in . ? ! " ' (0/1), least words a line, longest word in characters or -1,
            citations go (0/1), lines with a curly bracket go (0/1)].
        phrases: uint8, small letters of "lorem ipsum", "javascript" (each may be empty: that rule is off) and of the
            phrases of policies, one after the other.
        bounds: int64[p + 1], where each begins.

    Returns:
        int64[k, 4]: row, first byte, byte after the last, place in `REASONS`. A line goes with its break and the blank
        lines that follow it.
    """
    spans = np.empty((1024, 4), np.int64)
    found = 0
    line = np.empty(4096, np.uint8)
    for row in range(len(chosen)):
        if not chosen[row]:
            continue
        end = offsets[row + 1]
        i = offsets[row]
        cut_before = False
        while i < end:
            begin = i
            first = np.int64(-1)  # of what is no white space
            stop = i  # after the last of it
            words = 0
            longest = 0
            length = 0
            cited = False
            after = end
            while i < end:
                byte = data[i]
                code, width = np.int64(byte), 1
                if byte >= 0x80:
                    code, width = decode(data, i, end)
                flag = flags[code]
                if flag & LINE_BREAK:
                    after = i + width
                    if byte == _CR and after < end and data[after] == _LF:
                        after += 1
                    break
                if flag & SPACE:
                    length = 0
                else:
                    if length == 0:
                        words += 1
                    length += 1
                    longest = max(longest, length)
                    if first < 0:
                        first = i
                    stop = i + width
                    cited |= byte == _BRACKET
                i += width
            i = after
            if first < 0:
                # A blank line goes with a line that goes before it.
                if cut_before:
                    spans[found - 1, 2] = after
                continue
            if stop - first > line.size:
                line = np.empty(2 * (stop - first), np.uint8)
            size = 0
            at = first
            citations = found
            while at < stop:
                byte = data[at]
                if cited and byte == _BRACKET and settings[CITATIONS]:
                    width = _citation(data, at, stop, digits)
                    if width:
                        spans = _added(spans, found, row, at, at + width, CITATION)
                        found += 1
                        at += width
                        continue
                line[size] = byte | 0x20 if byte >= 0x41 and byte <= 0x5A else byte
                size += 1
                at += 1
            verdict = _verdict(line[:size], words, longest, settings, phrases, bounds)
            cut_before = verdict != NONE
            if cut_before:
                found = citations
                spans = _added(spans, found, row, begin, after, verdict)
                found += 1
    return spans[:found]
