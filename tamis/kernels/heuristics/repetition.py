"""Repeated paragraphs and word n-grams of one document, as Gopher's rules count them (Rae et al. 2021, table A1).

All of them use one open-addressed hash set in scratch memory. A slot belongs to the set only if it carries the stamp
of the present question, so the memory is never cleared.
"""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.characters import CHARACTER_WORD, LETTER, MARK, SPACE
from tamis.kernels.heuristics.listed_pieces import mix
from tamis.kernels.heuristics.polynomials import power_at
from tamis.kernels.heuristics.prose_columns import TOP_2

NEWLINE = 0x0A

LARGEST_TOP = 4
SMALLEST_DUPLICATE = 5
LARGEST_DUPLICATE = 10

# About three words: of 500 words of prose some twenty begin like an earlier one.
OPENING = 16


@numba.njit(cache=True, nogil=True)
def text_hash(codes: np.ndarray, start: int, end: int) -> np.uint64:
    """64-bit hash of code points [start, end), four at a time: of lines and paragraphs, which are long."""
    value = np.uint64(end - start)
    at = start
    while at + 4 <= end:
        one = np.uint64(codes[at]) | np.uint64(codes[at + 1]) << np.uint64(32)
        other = np.uint64(codes[at + 2]) | np.uint64(codes[at + 3]) << np.uint64(32)
        other *= np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ one) * np.uint64(0x9FB21C651E98DF25) + (other ^ other >> np.uint64(32))
        value ^= value >> np.uint64(29)
        at += 4
    while at < end:
        value = (value ^ np.uint64(codes[at])) * np.uint64(0x9FB21C651E98DF25)
        value ^= value >> np.uint64(29)
        at += 1
    return mix(value)


@numba.njit(cache=True, nogil=True)
def find_or_add(key: np.uint64, keys: np.ndarray, stamps: np.ndarray, stamp: int, mask: int) -> tuple[np.int64, bool]:
    """Slot of a key in an open-addressed set, and whether it was there; adds it. Slots of other stamps are free."""
    slot = np.int64(key & np.uint64(mask))
    while stamps[slot] == stamp:
        if keys[slot] == key:
            return slot, True
        slot = (slot + 1) & mask
    stamps[slot] = stamp
    keys[slot] = key
    return slot, False


@numba.njit(cache=True, nogil=True)
def table_mask(items: int) -> int:
    """Size of a hash table for that many items, minus one: a power of two, at most half full."""
    size = 16
    while size < 2 * items:
        size *= 2
    return size - 1


@numba.njit(cache=True, nogil=True)
def is_blank(flags: np.ndarray, first: int, stop: int) -> bool:
    """Whether there is nothing but white space."""
    for position in range(first, stop):
        if not flags[position] & SPACE:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def holds_word(flags: np.ndarray, first: int, stop: int) -> bool:
    """Whether there are two letters in a row, or one that is a word by itself; no rules, numbers or list marks."""
    for position in range(first, stop):
        if flags[position] & LETTER and (
            flags[position] & CHARACTER_WORD or (position + 1 < stop and flags[position + 1] & (LETTER | MARK))
        ):
            return True
    return False


@numba.njit(cache=True, nogil=True)
def repeated_paragraphs(
    codes: np.ndarray,
    flags: np.ndarray,
    count: int,
    breaks: np.ndarray,
    lines: int,
    as_written: bool,
    keys: np.ndarray,
    stamps: np.ndarray,
    stamp: int,
    mask: int,
) -> tuple[int, int, int]:
    """Paragraphs (cut at empty lines), how many repeat an earlier one, and the characters of those.

    Line breaks are the first `lines` of `breaks`. What holds no word between two empty lines (blanks, empty cells of a
    table, a rule, a number, a list mark) is a paragraph only with `as_written`.
    """
    begin: int = np.int64(0)  # type: ignore[assignment]
    while begin < count and flags[begin] & SPACE:
        begin += 1
    stop = count
    while stop > begin and flags[stop - 1] & SPACE:
        stop -= 1
    paragraphs = 0
    repeated = 0
    characters = 0
    first = begin
    for place in range(lines + 1):
        at = breaks[place] if place < lines else stop
        if at < first or (place < lines and codes[at] != NEWLINE):
            continue
        at = min(at, stop)
        following = at
        while following < stop and codes[following] == NEWLINE:
            following += 1
        if at < stop and following - at < 2:
            continue
        if as_written or holds_word(flags, first, at):
            paragraphs += 1
            _, seen = find_or_add(text_hash(codes, first, at), keys, stamps, stamp, mask)
            if seen:
                repeated += 1
                characters += at - first
        if at == stop:
            break
        first = following
    return max(paragraphs, 1), repeated, characters


@numba.njit(cache=True, nogil=True)
def _place(value: np.uint64, places: np.uint64) -> np.int64:
    """Where a hash lies in a screen."""
    value = (value ^ value >> np.uint64(32)) * np.uint64(0x9FB21C651E98DF25)
    return np.int64(value >> np.uint64(24) & places)


@numba.njit(cache=True, nogil=True)
def screen_mask(items: int) -> int:
    """Size of a screen for that many items, minus one: a power of two, 16 places an item or more."""
    size = 64
    while size < 16 * items:
        size *= 2
    return size - 1


@numba.njit(cache=True, nogil=True)
def top_grams(
    tokens: np.ndarray,
    lengths: np.ndarray,
    count: int,
    characters: int,
    as_written: bool,
    keys: np.ndarray,
    stamps: np.ndarray,
    stamp: int,
    mask: int,
    screen: np.ndarray,
    hashes: np.ndarray,
    counts: np.ndarray,
    slots: np.ndarray,
    chosen: np.ndarray,
    row: np.ndarray,
) -> int:
    """The share of characters in the most frequent n-gram, for n = 2, 3, 4: its length times its frequency.

    Spaces between its words are counted. Among equally frequent ones the first in the text counts. Where each occurs
    once none is frequent, and the share is 0, as in RedPajama-V2; with `as_written` the first one counts, as in
    datatrove and dolma: of ten words any four are two fifths. Of the 2-grams only those are counted whose hash shares
    its place in a screen with another; an n-gram occurs twice only where both (n - 1)-grams in it do, so that of larger
    n only these are.

    Args:
        tokens: hash of each word.
        lengths: characters of the words before each word, and behind the last.
        count: how many words.
        characters: of the document.
        as_written: see above.
        keys: see `find_or_add`.
        stamps: likewise.
        stamp: the last one that was used.
        mask: likewise.
        screen: scratch of at least `screen_mask(count) + 1` bytes.
        hashes: scratch, one a word.
        counts: scratch, one a slot.
        slots: scratch, one a word.
        chosen: scratch, one a word.
        row: the document's metrics.

    Returns:
        the last stamp that was used.
    """
    places = np.uint64(screen_mask(count))
    for place in range(np.int64(places) + 1):
        screen[place] = 0
    for at in range(count - 1):
        hashes[at] = _place(tokens[at] + (tokens[at + 1] >> np.uint64(1)), places)
        screen[hashes[at]] = min(2, screen[hashes[at]] + 1)
    number = 0
    for at in range(count - 1):
        if screen[hashes[at]] > 1:
            chosen[number] = at
            number += 1
    for size in range(2, LARGEST_TOP + 1):
        if count < size:
            break
        stamp += 1
        most = 1
        for place in range(number):
            at = chosen[place]
            key = np.uint64(size)
            for word in range(at, at + size):
                key = (key ^ tokens[word]) * np.uint64(0x9FB21C651E98DF25)
                key ^= key >> np.uint64(32)
            slot, seen = find_or_add(key, keys, stamps, stamp, mask)
            counts[slot] = counts[slot] + 1 if seen else 1
            slots[place] = slot
            most = max(most, counts[slot])
        first = 0
        kept = 0
        found = most == 1
        for place in range(number):
            at = chosen[place]
            if not found and counts[slots[place]] == most:
                first = at
                found = True
            if (
                place + 1 < number
                and chosen[place + 1] == at + 1
                and counts[slots[place]] > 1
                and counts[slots[place + 1]] > 1
            ):
                chosen[kept] = at
                kept += 1
        number = kept
        if most == 1 and not as_written:
            row[TOP_2 + size - 2] = 0.0
        else:
            row[TOP_2 + size - 2] = (size - 1 + lengths[first + size] - lengths[first]) * most / characters
    return stamp


@numba.njit(cache=True, nogil=True)
def repeated_openings(
    prefix: np.ndarray,
    inverses: tuple[np.ndarray, np.ndarray],
    lengths: np.ndarray,
    count: int,
    screen: np.ndarray,
    hashes: np.ndarray,
    chosen: np.ndarray,
) -> int:
    """Words at which an n-gram of five words or more may begin that occurs twice; all others begin none.

    Equal n-grams of at least `OPENING` characters have the same first `OPENING`; shorter ones begin with five words of
    fewer, and have the same first five characters. Hashes of these that share a place in a screen are taken for equal.

    Args:
        prefix: sums of the polynomial over the characters of the words, before each and behind the last.
        inverses: `powers_of`, by which the sum at each character goes back to the beginning of the text.
        lengths: characters of the words before each word, and behind the last.
        count: how many words.
        screen: scratch of at least `screen_mask(count) + 1` bytes.
        hashes: scratch, one a word.
        chosen: where these words are written, in order.

    Returns:
        how many they are.
    """
    places = np.uint64(screen_mask(count))
    for place in range(np.int64(places) + 1):
        screen[place] = 0
    number = count - SMALLEST_DUPLICATE + 1
    end = lengths[count]
    for at in range(number):
        begin = lengths[at]
        hashes[at] = 0
        if begin + OPENING <= end:
            hashes[at] = _place((prefix[begin + OPENING] - prefix[begin]) * power_at(inverses, begin), places)
            screen[hashes[at]] = min(2, screen[hashes[at]] + 1)
        if lengths[at + SMALLEST_DUPLICATE] - begin < OPENING:
            short = _place((prefix[begin + SMALLEST_DUPLICATE] - prefix[begin]) * power_at(inverses, begin), places)
            screen[short] = min(2, screen[short] + 1)
    found = 0
    for at in range(number):
        begin = lengths[at]
        again = begin + OPENING <= end and screen[hashes[at]] > 1
        if not again and lengths[at + SMALLEST_DUPLICATE] - begin < OPENING:
            short = _place((prefix[begin + SMALLEST_DUPLICATE] - prefix[begin]) * power_at(inverses, begin), places)
            again = screen[short] > 1
        if again:
            chosen[found] = at
            found += 1
    return found


@numba.njit(cache=True, nogil=True)
def repeated_grams(
    prefix: np.ndarray,
    inverses: tuple[np.ndarray, np.ndarray],
    lengths: np.ndarray,
    count: int,
    size: int,
    keys: np.ndarray,
    stamps: np.ndarray,
    stamp: int,
    mask: int,
    chosen: np.ndarray,
    number: int,
) -> int:
    """Characters in n-grams that occurred before, each character once: a repeat is stepped over whole.

    n-grams are compared as the concatenation of their words, so "ab c" repeats "a bc". Only those are looked at that
    begin at one of the `number` words in `chosen` (`repeated_openings`).
    """
    characters = 0
    free: int = np.int64(0)  # type: ignore[assignment]
    for place in range(number):
        at = chosen[place]
        if at < free:
            continue
        if at + size > count:
            break
        length = lengths[at + size] - lengths[at]
        key = mix(
            (prefix[lengths[at + size]] - prefix[lengths[at]]) * power_at(inverses, lengths[at]) + np.uint64(length)
        )
        _, seen = find_or_add(key, keys, stamps, stamp, mask)
        if seen:
            characters += length
            free = at + size
    return characters
