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
def larger(array: np.ndarray, count: int, wanted: int) -> np.ndarray:
    """An array of at least `wanted` elements with the first `count` of another."""
    more = np.empty(max(2 * array.size, wanted), np.int32)
    # A loop, not a slice: numba compiles it in a tenth of the time.
    for index in range(count):
        more[index] = array[index]
    return more


@numba.njit(cache=True, nogil=True)
def _core(
    codes: np.ndarray, flags: np.ndarray, start: int, end: int, starts: np.ndarray, ends: np.ndarray, count: int
) -> int:
    """Words of what is left of a piece without its affixes: cut at inner separators, each ideograph by itself."""
    first = start
    whole = is_address(codes, flags, start, end)
    at = start
    while at < end:
        flag = flags[at]
        if flag & CHARACTER_WORD:
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
            continue
        size = 0 if whole else separator_length(codes, flags, at, start, end)
        if size:
            if at > first:
                starts[count] = first
                ends[count] = at
                count += 1
            starts[count] = at
            ends[count] = at + size
            count += 1
            at += size
            first = at
        else:
            at += 1
    if end > first:
        starts[count] = first
        ends[count] = end
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _join_faces(
    codes: np.ndarray,
    flags: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    first: int,
    count: int,
    hashes: np.ndarray,
    lengths: np.ndarray,
    endings: np.ndarray,
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
                slot = find_listed(codes, start, np.int64(ends[following]), hashes, endings)
                if slot >= 0 and lengths[slot, 1] == 0:
                    end = np.int64(ends[following])
                    joined = following + 1
                    break
        starts[kept] = start
        ends[kept] = end
        kept += 1
        at = joined
    return kept


@numba.njit(cache=True, nogil=True)
def cut_piece(
    codes: np.ndarray,
    flags: np.ndarray,
    start: int,
    end: int,
    hashes: np.ndarray,
    lengths: np.ndarray,
    endings: np.ndarray,
    units: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    count: int,
    cuts: np.ndarray,
) -> int:
    """Write the words of one piece between white space, in order; returns the new number of words."""
    last = end
    first = count
    slot = -1
    # Suffixes are found back to front and written after the core; their borders wait in `cuts`.
    waiting = 0
    while start < end:
        slot = find_listed(codes, start, end, hashes, endings)
        if slot >= 0:
            break
        front = prefix_length(codes, flags, start, end)
        # A listed piece is looked for behind the prefix, then before the suffix, then between the two.
        if front and start + front < end:
            slot = find_listed(codes, start + front, end, hashes, endings)
        back = 0
        if slot < 0 and start + front < end:
            back = suffix_length(codes, flags, start + front, end, units)
            if back:
                slot = find_listed(codes, start, end - back, hashes, endings)
                if slot >= 0:
                    front = 0
        if front:
            starts[count] = start
            ends[count] = start + front
            count += 1
            start += front
        if back:
            end -= back
            cuts[waiting] = end
            waiting += 1
        if slot >= 0 or not (front or back):
            break
    if slot >= 0 and start < end:
        for part in range(3):
            if lengths[slot, part]:
                starts[count] = start
                start += lengths[slot, part]
                ends[count] = start
                count += 1
    elif start < end:
        count = _core(codes, flags, start, end, starts, ends, count)
    for index in range(waiting - 1, -1, -1):
        starts[count] = cuts[index]
        ends[count] = last if index == 0 else np.int64(cuts[index - 1])
        count += 1
    return _join_faces(codes, flags, starts, ends, first, count, hashes, lengths, endings)


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
        starts: int32 scratch; overwritten.
        ends: likewise, of the same size.

    Returns:
        starts, ends (int32, possibly new and larger arrays) and the number of words in them.
    """
    # Typed, or numba compiles everything below twice: for the literal 0 and for integers.
    count: int = np.int64(0)  # type: ignore[assignment]
    hashes, lengths, endings = listed
    cuts = np.empty(64, np.int32)
    at = begin
    while at < stop:
        while at < stop and flags[at] & SPACE:
            at += 1
        first = at
        every = np.uint16(LETTER)
        some = np.uint16(0)
        while at < stop:
            flag = flags[at]
            if flag & SPACE:
                break
            every &= flag
            some |= flag
            at += 1
        if first == at:
            break
        # A word has at least one character. Growing here and not at each word makes this four times as fast.
        if count + at - first > starts.size:
            starts = larger(starts, count, count + at - first)
            ends = larger(ends, count, count + at - first)
        if every and not some & CHARACTER_WORD and find_listed(codes, first, at, hashes, endings) < 0:
            starts[count] = first
            ends[count] = at
            count += 1
        else:
            if at - first > cuts.size:
                cuts = np.empty(2 * (at - first), np.int32)
            count = cut_piece(codes, flags, first, at, hashes, lengths, endings, units, starts, ends, count, cuts)
    return starts, ends, count


def rule_words(text: str) -> list[str]:
    """Words of a text: for tests and for reading; the kernels never make strings."""
    codes = encode(text)
    flags = table()[codes]
    starts, ends, count = split_words(
        codes, flags, 0, len(codes), listed_pieces(), unit_hashes(), np.empty(1, np.int32), np.empty(1, np.int32)
    )
    return [text[start:end] for start, end in zip(starts[:count], ends[:count], strict=True)]
