"""`rule_words`: words with their punctuation apart, as the heuristic rules count them.

Gopher's rules were tuned on tokens, not on runs of letters: "don't (really) stop." is six words and four marks.
This is a second definition of a word beside the one of de-duplication, used by the heuristics alone. It follows the
conventions of English treebanks as spaCy's rule-based tokenizer implements them, because the oracle of these rules
counts with that one:

1. text is cut at white space;
2. brackets, quotes, commas, dashes … come off both ends of each piece, one after the other; a final full stop comes
   off unless the piece is a known abbreviation or initials; 's comes off, units and currencies come off numbers;
3. what is left is cut inside at dots runs, at hyphens, commas, colons, slashes between letters, at a full stop
   between a small and a capital letter; web addresses stay whole;
4. contractions are split: do|n't, I|'m, can|not;
5. every letter of scripts written without spaces is a word, with its marks.

How often the two agree is in `tamis/stages/heuristics.py`.

Kernels work on code points and their flags (`tamis/kernels/heuristics/characters.py`), never on Python strings.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.addresses import is_address
from tamis.kernels.heuristics.affixes import prefix_length, separator_length, suffix_length
from tamis.kernels.heuristics.characters import CHARACTER_WORD, LETTER, MARK, SPACE, table
from tamis.kernels.heuristics.listed_pieces import encode, find_listed, listed_pieces, unit_hashes


@numba.njit(cache=True, nogil=True)
def _add(starts: np.ndarray, ends: np.ndarray, count: int, start: int, end: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Append a word, doubling the arrays when they are full."""
    if count == starts.size:
        more_starts = np.empty(count * 2, np.int32)
        more_ends = np.empty(count * 2, np.int32)
        # A loop, not a slice: numba compiles it in a tenth of the time.
        for index in range(count):
            more_starts[index] = starts[index]
            more_ends[index] = ends[index]
        starts = more_starts
        ends = more_ends
    starts[count] = start
    ends[count] = end
    return starts, ends, count + 1


@numba.njit(cache=True, nogil=True)
def _core(
    codes: np.ndarray, flags: np.ndarray, start: int, end: int, starts: np.ndarray, ends: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Words of what is left of a piece without its affixes: cut at inner separators, each ideograph by itself."""
    first = start
    whole = is_address(codes, flags, start, end)
    at = start
    while at < end:
        flag = flags[at]
        if flag & CHARACTER_WORD:
            if at > first:
                starts, ends, count = _add(starts, ends, count, first, at)
            first = at
            at += 1
            while at < end and flags[at] & MARK:
                at += 1
            starts, ends, count = _add(starts, ends, count, first, at)
            first = at
            continue
        size = 0 if whole else separator_length(codes, flags, at, start, end)
        if size:
            if at > first:
                starts, ends, count = _add(starts, ends, count, first, at)
            starts, ends, count = _add(starts, ends, count, at, at + size)
            at += size
            first = at
        else:
            at += 1
    if end > first:
        starts, ends, count = _add(starts, ends, count, first, end)
    return starts, ends, count


@numba.njit(cache=True, nogil=True)
def _join_faces(
    codes: np.ndarray,
    flags: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    first: int,
    count: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> int:
    """Join marks of one piece that together are a face; returns the new number of words."""
    if count - first < 2:
        return count
    kept = first
    at = first
    while at < count:
        start = np.int64(starts[at])
        end = np.int64(ends[at])
        joined = at + 1
        if not flags[start] & LETTER and codes[start] != 0x27 and end - start <= 3:
            for following in range(min(count, at + 4) - 1, at, -1):
                slot = find_listed(codes, start, np.int64(ends[following]), listed)
                if slot >= 0 and listed[1][slot, 1] == 0:
                    end = np.int64(ends[following])
                    joined = following + 1
                    break
        starts[kept] = start
        ends[kept] = end
        kept += 1
        at = joined
    return kept


@numba.njit(cache=True, nogil=True)
def _piece(
    codes: np.ndarray,
    flags: np.ndarray,
    start: int,
    end: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
    units: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    count: int,
    cuts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Words of one piece between white space, in order."""
    last = end
    first = count
    slot = -1
    # Suffixes are found back to front and written after the core; their borders wait in `cuts`.
    waiting = 0
    while start < end:
        slot = find_listed(codes, start, end, listed)
        if slot >= 0:
            break
        front = prefix_length(codes, flags, start, end)
        # A listed piece is looked for behind the prefix, then before the suffix, then between the two.
        if front and start + front < end:
            slot = find_listed(codes, start + front, end, listed)
        back = 0
        if slot < 0 and start + front < end:
            back = suffix_length(codes, flags, start + front, end, units)
            if back:
                slot = find_listed(codes, start, end - back, listed)
                if slot >= 0:
                    front = 0
        if front:
            starts, ends, count = _add(starts, ends, count, start, start + front)
            start += front
        if back:
            if waiting == cuts.size:
                more = np.empty(waiting * 2, np.int32)
                for index in range(waiting):
                    more[index] = cuts[index]
                cuts = more
            end -= back
            cuts[waiting] = end
            waiting += 1
        if slot >= 0 or not (front or back):
            break
    if slot >= 0 and start < end:
        for part in range(3):
            if listed[1][slot, part]:
                starts, ends, count = _add(starts, ends, count, start, start + listed[1][slot, part])
                start += listed[1][slot, part]
    elif start < end:
        starts, ends, count = _core(codes, flags, start, end, starts, ends, count)
    for index in range(waiting - 1, -1, -1):
        border = last if index == 0 else np.int64(cuts[index - 1])
        starts, ends, count = _add(starts, ends, count, np.int64(cuts[index]), border)
    return starts, ends, _join_faces(codes, flags, starts, ends, first, count, listed)


@numba.njit(cache=True, nogil=True)
def split_words(
    codes: np.ndarray,
    flags: np.ndarray,
    begin: int,
    stop: int,
    listed: tuple[np.ndarray, np.ndarray, np.ndarray],
    units: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Words of code points [begin, stop).

    Args:
        codes: code points.
        flags: their flags.
        begin: where to start.
        stop: where to end.
        listed: `listed_pieces()`.
        units: `unit_hashes()`.
        starts: int32 scratch, at least one element; overwritten.
        ends: likewise.

    Returns:
        starts, ends (int32, possibly new and larger arrays) and the number of words in them.
    """
    # Typed, or numba compiles everything below twice: for the literal 0 and for integers.
    count: int = np.int64(0)  # type: ignore[assignment]
    cuts = np.empty(16, np.int32)
    at = begin
    while at < stop:
        while at < stop and flags[at] & SPACE:
            at += 1
        first = at
        plain = True
        while at < stop and not flags[at] & SPACE:
            if not flags[at] & LETTER or flags[at] & CHARACTER_WORD:
                plain = False
            at += 1
        if first == at:
            break
        if plain and find_listed(codes, first, at, listed) < 0:
            starts, ends, count = _add(starts, ends, count, first, at)
        else:
            starts, ends, count = _piece(codes, flags, first, at, listed, units, starts, ends, count, cuts)
    return starts, ends, count


@numba.njit(cache=True, nogil=True)
def split_pieces(
    flags: np.ndarray, begin: int, stop: int, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Like `split_words`, cutting at white space only (and around letters of scripts without spaces)."""
    count: int = np.int64(0)  # type: ignore[assignment]
    at = begin
    while at < stop:
        while at < stop and flags[at] & SPACE:
            at += 1
        first = at
        while at < stop and not flags[at] & SPACE:
            if flags[at] & CHARACTER_WORD:
                if at > first:
                    starts, ends, count = _add(starts, ends, count, first, at)
                first = at
                at += 1
                while at < stop and flags[at] & MARK:
                    at += 1
                starts, ends, count = _add(starts, ends, count, first, at)
                first = at
            else:
                at += 1
        if at > first:
            starts, ends, count = _add(starts, ends, count, first, at)
    return starts, ends, count


def rule_words(text: str) -> list[str]:
    """Words of a text: for tests and for reading; the kernels never make strings."""
    codes = encode(text)
    flags = table()[codes]
    starts, ends, count = split_words(
        codes, flags, 0, len(codes), listed_pieces(), unit_hashes(), np.empty(1, np.int32), np.empty(1, np.int32)
    )
    return [text[start:end] for start, end in zip(starts[:count], ends[:count], strict=True)]
