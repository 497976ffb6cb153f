"""C4's line rules, as far as they decide about a document: which lines would stay, and their sentences.

C4 cuts lines and then counts the sentences of what is left. tamis's heuristics select documents and cut nothing, so
the lines are judged, their sentences counted, and the text left alone.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.characters import DIGIT, PUNCTUATION, SENTENCE_END, SPACE
from tamis.kernels.heuristics.phrases import opening, small
from tamis.kernels.heuristics.rule_words import split_words

# Places in `settings`.
TERMINAL_ONLY = 0
MIN_WORDS = 1
MAX_WORD_LENGTH = 2
CITATIONS = 3

LOREM_IPSUM = "lorem ipsum"
"""The phrase that must be the first in `phrases`; all others leave a line out."""
MOST_PHRASES = 64

CITATION = ord("[")
BRACE = ord("{")
LINE_ENDS = tuple(map(ord, ".?!\"'"))

LOREM_BIT = np.uint64(1)
# Phrases past the first leave a line out; "javascript" does so before the curly bracket is looked for.
JAVASCRIPT_BIT = np.uint64(2)

_EDIT = np.array([ord(letter) for letter in "[edit]"], np.uint32)
_CITATION_NEEDED = np.array([ord(letter) for letter in "[citation needed]"], np.uint32)


@numba.njit(cache=True, nogil=True)
def _starts_with(codes: np.ndarray, at: int, stop: int, phrase: np.ndarray) -> bool:
    if stop - at < phrase.size:
        return False
    for index in range(phrase.size):
        if codes[at + index] != phrase[index]:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _phrases_at(codes: np.ndarray, at: int, stop: int, phrases: np.ndarray, bounds: np.ndarray) -> np.uint64:
    """Bit set of the phrases that begin at a place, whatever the case of their letters."""
    present = np.uint64(0)
    for phrase in range(bounds.size - 1):
        length = bounds[phrase + 1] - bounds[phrase]
        equal = at + length <= stop
        for index in range(length if equal else 0):
            if small(codes[at + index]) != phrases[bounds[phrase] + index]:
                equal = False
                break
        if equal:
            present |= np.uint64(1) << np.uint64(phrase)
    return present


@numba.njit(cache=True, nogil=True)
def _phrases_in(
    codes: np.ndarray, begin: int, stop: int, phrases: np.ndarray, bounds: np.ndarray, screen: np.ndarray
) -> np.uint64:
    """Bit set of the phrases that a line holds."""
    present = np.uint64(0)
    for at in range(begin, stop - 2):
        if screen[opening(codes[at], codes[at + 1], codes[at + 2])]:
            present |= _phrases_at(codes, at, stop, phrases, bounds)
    # Behind the last two nothing stands that could be looked up.
    for at in range(max(begin, stop - 2), stop):
        present |= _phrases_at(codes, at, stop, phrases, bounds)
    return present


@numba.njit(cache=True, nogil=True)
def _without_citations(
    codes: np.ndarray, flags: np.ndarray, begin: int, stop: int, line_codes: np.ndarray, line_flags: np.ndarray
) -> int:
    """Copy a line without [12], [], [edit] and [citation needed]; returns the length of the copy."""
    length = 0
    at = begin
    while at < stop:
        if codes[at] == CITATION:
            end = at + 1
            while end < stop and flags[end] & DIGIT:
                end += 1
            if end < stop and codes[end] == 0x5D:
                at = end + 1
                continue
            if _starts_with(codes, at, stop, _EDIT):
                at += _EDIT.size
                continue
            if _starts_with(codes, at, stop, _CITATION_NEEDED):
                at += _CITATION_NEEDED.size
                continue
        line_codes[length] = codes[at]
        line_flags[length] = flags[at]
        length += 1
        at += 1
    return length


@numba.njit(cache=True, nogil=True)
def _sentences(
    codes: np.ndarray,
    flags: np.ndarray,
    begin: int,
    stop: int,
    starts: np.ndarray,
    ends: np.ndarray,
    first_word: int,
    last_word: int,
) -> int:
    """Sentences of a line: one more than the words that follow a sentence end with no punctuation between.

    White space beyond a single blank stands for a word of its own, as in the oracle.
    """
    sentences = 1
    ended = False
    before = begin
    for word in range(first_word, last_word):
        first = starts[word]
        last = ends[word]
        gap = first - before
        if ended and (gap > 1 or (gap == 1 and codes[before] != 0x20)):
            sentences += 1
            ended = False
        if last - first == 1 and flags[first] & SENTENCE_END:
            ended = True
        elif ended:
            punctuation = True
            for at in range(first, last):
                if not flags[at] & PUNCTUATION:
                    punctuation = False
                    break
            if not punctuation:
                sentences += 1
                ended = False
        before = last
    if ended and (stop - before > 1 or (stop - before == 1 and codes[before] != 0x20)):
        sentences += 1
    return sentences


@numba.njit(cache=True, nogil=True)
def c4_lines(
    codes: np.ndarray,
    flags: np.ndarray,
    count: int,
    breaks: np.ndarray,
    number: int,
    bracketed: bool,
    starts: np.ndarray,
    ends: np.ndarray,
    words: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
    units: np.ndarray,
    settings: np.ndarray,
    phrases: np.ndarray,
    phrase_bounds: np.ndarray,
    screen: np.ndarray,
    line_starts: np.ndarray,
    line_ends: np.ndarray,
    line_codes: np.ndarray,
    line_flags: np.ndarray,
) -> tuple[int, int, int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Judge the lines of one document.

    Args:
        codes: its code points.
        flags: their flags.
        count: how many.
        breaks: where its line breaks are, `LINE_BREAK`.
        number: how many.
        bracketed: whether there is a square or curly bracket at all.
        starts: where its words start, at least those that sentences need (`split_pieces`).
        ends: where they end.
        words: how many.
        listed: as for `split_words`.
        units: as for `split_words`.
        settings: int64 [lines must end in . ? ! " ' (0/1), least words a line, longest word in characters or -1,
            citations are left out (0/1)].
        phrases: code points in small letters, one phrase after the other: `LOREM_IPSUM`, "javascript" or a phrase that
            never occurs, then those that leave a line out.
        phrase_bounds: bounds of each phrase.
        screen: `phrases.openings(phrases, phrase_bounds)`.
        line_starts: int32 scratch.
        line_ends: int32 scratch.
        line_codes: uint32 scratch.
        line_flags: uint16 scratch.

    Returns:
        lines with "lorem ipsum", lines with a curly bracket, sentences in the lines that stay, and the four scratch
        arrays, which may have grown.
    """
    lorem = 0
    curly = 0
    sentences = 0
    word = 0
    first: int = np.int64(0)  # type: ignore[assignment]
    for place in range(number + 1):
        at = breaks[place] if place < number else count
        # The second of "\r\n", or nothing behind the last break.
        if at < first or first == count:
            continue
        begin = first
        stop = at
        first = at + 1
        if at + 1 < count and codes[at] == 0x0D and codes[at + 1] == 0x0A:
            first += 1
        while begin < stop and flags[begin] & SPACE:
            begin += 1
        while stop > begin and flags[stop - 1] & SPACE:
            stop -= 1
        # A line break is white space, so words never cross lines.
        while word < words and starts[word] < begin:
            word += 1
        first_word = word
        pieces = 0
        longest = 0
        piece = begin
        while word < words and starts[word] < stop:
            start = starts[word]
            if start == begin or flags[start - 1] & SPACE:
                pieces += 1
                piece = start
            longest = max(longest, ends[word] - piece)
            word += 1
        if settings[MAX_WORD_LENGTH] >= 0 and longest > settings[MAX_WORD_LENGTH]:
            continue
        if pieces < settings[MIN_WORDS]:
            continue
        cited = False
        braces = False
        if bracketed:
            for position in range(begin, stop):
                cited = cited or codes[position] == CITATION
                braces = braces or codes[position] == BRACE
        line = codes
        marks = flags
        from_word = first_word
        to_word = word
        its_starts = starts
        its_ends = ends
        if cited and settings[CITATIONS] > 0:
            if stop - begin > line_codes.size:
                line_codes = np.empty(2 * (stop - begin), np.uint32)
                line_flags = np.empty(2 * (stop - begin), np.uint16)
            length = _without_citations(codes, flags, begin, stop, line_codes, line_flags)
            if length < stop - begin:
                begin = 0
                stop = length
                line_starts, line_ends, to_word = split_words(
                    line_codes, line_flags, np.int64(0), length, listed, units, line_starts, line_ends
                )
                line = line_codes
                marks = line_flags
                its_starts = line_starts
                its_ends = line_ends
                from_word = 0
        if settings[TERMINAL_ONLY] > 0:
            if stop == begin:
                continue
            last = line[stop - 1]
            if last not in LINE_ENDS:
                continue
            if stop - begin >= 3 and last == 0x2E and line[stop - 2] == 0x2E and line[stop - 3] == 0x2E:
                continue
        present = _phrases_in(line, begin, stop, phrases, phrase_bounds, screen)
        lorem += present & LOREM_BIT != 0
        if present & JAVASCRIPT_BIT:
            continue
        curly += braces
        if present > LOREM_BIT:
            continue
        sentences += _sentences(line, marks, begin, stop, its_starts, its_ends, from_word, to_word)
    return lorem, curly, sentences, line_starts, line_ends, line_codes, line_flags
