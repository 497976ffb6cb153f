"""What stands between white space, as the papers' rules count words, and the words that counting sentences needs.

One character in six is a blank and one in seventy ends a sentence, and no branch knows which; so places are written
without one, to where the next one will overwrite them unless they were meant.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.affixes import STOP
from tamis.kernels.heuristics.characters import CHARACTER_WORD, DIGIT, LETTER, LOWER, MARK, SENTENCE_END, SPACE
from tamis.kernels.heuristics.listed_pieces import find_listed
from tamis.kernels.heuristics.rule_words import cut_piece, larger


@numba.njit(cache=True, nogil=True)
def _counts(flags: np.ndarray, stop: int) -> tuple[int, int, int]:
    """Pieces between white space, letters that are words, and marks that end a sentence."""
    pieces: int = np.int64(0)  # type: ignore[assignment]
    letters: int = np.int64(0)  # type: ignore[assignment]
    marks: int = np.int64(0)  # type: ignore[assignment]
    for at in range(stop):
        letters += (flags[at] & CHARACTER_WORD) != 0
        marks += (flags[at] & SENTENCE_END) != 0
    for at in range(1, stop):
        pieces += flags[at - 1] & ~flags[at] & SPACE
    return pieces + (stop > 0 and not flags[0] & SPACE), letters, marks


@numba.njit(cache=True, nogil=True)
def _places(flags: np.ndarray, stop: int, starts: np.ndarray, ends: np.ndarray, marks: np.ndarray) -> None:
    """Write where pieces start and end, and where marks that end a sentence are; arrays have room for one more."""
    pieces = np.int64(0)
    ended = np.int64(0)
    marked = np.int64(0)
    before = np.int64(SPACE)
    for at in range(stop):
        flag = np.int64(flags[at])
        starts[pieces] = at
        pieces += before & ~flag & SPACE
        ends[ended] = at
        ended += ~before & flag & SPACE
        marks[marked] = at
        marked += (flag & SENTENCE_END) != 0
        before = flag
    if ended < pieces:
        ends[ended] = stop


@numba.njit(cache=True, nogil=True)
def _cut_characters(flags: np.ndarray, start: int, end: int, starts: np.ndarray, ends: np.ndarray, count: int) -> int:
    """Write a piece cut around letters of scripts without spaces; returns the new number of words."""
    first = start
    at = start
    while at < end:
        if not flags[at] & CHARACTER_WORD:
            at += 1
            continue
        if at > first:
            starts[count] = first
            ends[count] = at
            count += 1
        first = at
        at += 1
        while at < end and flags[at] & MARK:
            at += 1
        starts[count] = first
        ends[count] = at
        count += 1
        first = at
    if end > first:
        starts[count] = first
        ends[count] = end
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _ends_in_stop(
    codes: np.ndarray, flags: np.ndarray, first: int, end: int, hashes: np.ndarray, endings: np.ndarray
) -> bool:
    """Whether a piece is the usual end of a sentence, small letters or a number and a full stop, and not listed."""
    if end - first < 2 or codes[end - 1] != STOP or not flags[end - 2] & (LOWER | DIGIT):
        return False
    every = np.uint16(LETTER | DIGIT)
    some = np.uint16(0)
    for at in range(first, end - 1):
        every &= flags[at]
        some |= flags[at]
    return (
        every != 0
        and not some & CHARACTER_WORD
        and find_listed(codes, first, end, hashes, endings) < 0
        and find_listed(codes, first, end - 1, hashes, endings) < 0
    )


@numba.njit(cache=True, nogil=True)
def split_pieces(
    codes: np.ndarray,
    flags: np.ndarray,
    stop: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
    units: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    word_starts: np.ndarray,
    word_ends: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, int, np.ndarray, np.ndarray, int]:
    """Code points up to `stop` cut at white space, and the words that one needs to count their sentences.

    Pieces are cut around letters of scripts without spaces, and nowhere else. The words are those of `split_words`, but
    that a piece without a mark that ends a sentence stays whole, eleven of twelve in prose.

    Args:
        codes: code points.
        flags: their flags.
        stop: where to end.
        listed: `listed_pieces()`.
        units: `unit_hashes()`.
        starts: int32 scratch for the pieces; overwritten.
        ends: likewise, of the same size.
        word_starts: int32 scratch for the words; overwritten.
        word_ends: likewise, of the same size.

    Returns:
        starts and ends of the pieces and their number, and those of the words; arrays may be new and larger.
    """
    hashes, lengths, endings = listed
    pieces, letters, sentence_marks = _counts(flags, stop)
    # A letter that is a word cuts a piece before and behind itself.
    wanted = pieces + 2 * letters + 1
    if wanted > starts.size:
        starts = larger(starts, np.int64(0), wanted)
        ends = larger(ends, np.int64(0), wanted)
    marks = np.empty(sentence_marks + 1, np.int32)
    count = pieces
    if letters:
        first_starts = np.empty(pieces + 1, np.int32)
        first_ends = np.empty(pieces + 1, np.int32)
        _places(flags, stop, first_starts, first_ends, marks)
        count = np.int64(0)
        for piece in range(pieces):
            count = _cut_characters(
                flags, np.int64(first_starts[piece]), np.int64(first_ends[piece]), starts, ends, count
            )
    else:
        _places(flags, stop, starts, ends, marks)
        first_starts = starts
        first_ends = ends
    words: int = np.int64(0)  # type: ignore[assignment]
    piece = np.int64(0)  # type: ignore[assignment]
    cuts = np.empty(64, np.int32)
    for mark in range(sentence_marks + 1):
        # Behind the last mark the rest is copied.
        place = marks[mark] if mark < sentence_marks else stop
        if words + pieces - piece > word_starts.size:
            word_starts = larger(word_starts, words, words + pieces - piece)
            word_ends = larger(word_ends, words, words + pieces - piece)
        while piece < pieces and first_ends[piece] <= place:
            word_starts[words] = first_starts[piece]
            word_ends[words] = first_ends[piece]
            words += 1
            piece += 1
        # Another mark of a piece that is cut.
        if piece == pieces or place < first_starts[piece]:
            continue
        first = np.int64(first_starts[piece])
        end = np.int64(first_ends[piece])
        piece += 1
        # A word has at least one character.
        if words + end - first > word_starts.size:
            word_starts = larger(word_starts, words, words + end - first)
            word_ends = larger(word_ends, words, words + end - first)
        if _ends_in_stop(codes, flags, first, end, hashes, endings):
            word_starts[words] = first
            word_ends[words] = end - 1
            word_starts[words + 1] = end - 1
            word_ends[words + 1] = end
            words += 2
            continue
        if end - first > cuts.size:
            cuts = np.empty(2 * (end - first), np.int32)
        words = cut_piece(
            codes, flags, first, end, hashes, lengths, endings, units, word_starts, word_ends, words, cuts
        )
    return starts, ends, count, word_starts, word_ends, words
