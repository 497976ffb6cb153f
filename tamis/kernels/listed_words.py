"""Entries of word lists in texts, straight from Arrow's buffers: a trie is walked from each word on.

A text is folded while it is read, one code point after the other, by a table (`folding`), so that none is copied. Where
an entry may begin, the bytes of the trie are followed as long as they agree, and the longest entry that may end where
it ends is a hit; the search goes on behind it. Steps from one place are at most those of the longest entry, so time is
linear in the text whatever it holds: 140 to 280 MB a second on one core with lists of 66 to 403 entries.

Where entries may begin and end, by `matching`:

* `BORDERS`  where a word of `tamis.text` begins or ends, or beside any character that is in none; white space of any
             length is one blank, and characters that are not shown (soft hyphens, joiners) are not there
* `ANYWHERE` between any two characters, likewise folded
* `C4`       where C4's expression lets them: beside what is neither a letter, a number (`str.isalnum`) nor an
             underscore; nothing but capitals is folded
* `C4_ANYWHERE`
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from tamis import text
from tamis.kernels.eight_bytes import ascii_run, eight_bytes
from tamis.kernels.folded_characters import (
    CLASS_SHIFT,
    LAST_ASSIGNED,
    LAST_FOLDED,
    LENGTH_SHIFT,
    character_table,
    plain_bytes,
)
from tamis.kernels.words import decode

BORDERS, ANYWHERE, C4, C4_ANYWHERE = range(4)

BLANK, UNSEEN = 4, 5
"""Classes beside those of `tamis.text`: white space, and what is not shown."""

MARKED = LENGTH_SHIFT + 3
"""The bit of an entry of the table that says that a text with this character must be normalised; a length has three."""

PREFIXES = 1 << 15

MOST_MARKS = 30
"""Combining marks in a row, from which on a text is not normalised (Unicode's stream-safe format has this bound):
putting them in order takes quadratic time."""

_UNSEEN = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Unicode's Default_Ignorable_Code_Point, which NFKC_Casefold leaves out."""


class Trie(NamedTuple):
    """Entries of one list, S states and C classes of bytes.

    Attributes:
        classes: uint8[256], 0 for bytes that no entry has.
        steps: int32[S * C], the state after a byte of a class; -1: none.
        ends: int32[S], the number of the entry that ends there; -1: none.
        prefixes: uint8[PREFIXES], whether an entry may begin with three ASCII characters, by five bits of each. Of the
            words of a text they settle most: a walk that ends somewhere is what a processor cannot foresee.
    """

    classes: np.ndarray
    steps: np.ndarray
    ends: np.ndarray
    prefixes: np.ndarray


@lru_cache(maxsize=2)
def folding(*, c4: bool) -> np.ndarray:
    """uint64[code points]: folded bytes, their number and the class of each, in the layout of `character_table`.

    Args:
        c4: small letters as `str.lower` has them (but for the final sigma, which looks around); else `str.casefold`.
    """
    table = character_table().copy()
    missing = np.flatnonzero(table[: LAST_ASSIGNED + 1] == 0)
    packed, length = plain_bytes(missing)
    table[missing] = packed | length << np.uint64(LENGTH_SHIFT)
    if c4:
        for code_point in range(LAST_FOLDED + 1):
            character = chr(code_point)
            lower, folded = character.lower(), character.casefold()
            if lower != folded:
                kind = int(table[code_point]) >> CLASS_SHIFT
                data = lower.encode()
                table[code_point] = int.from_bytes(data, "little") | len(data) << LENGTH_SHIFT | kind << CLASS_SHIFT
        return table
    for first, last in _UNSEEN:
        table[first : last + 1] = UNSEEN << CLASS_SHIFT
    for code_point in range(0x3001):
        if chr(code_point).isspace():
            table[code_point] = 0x20 | 1 << LENGTH_SHIFT | BLANK << CLASS_SHIFT
    return _of_normal_forms(table)


def _of_normal_forms(table: np.ndarray) -> np.ndarray:
    """Give characters that NFKC makes one other of (full width, most compatibility forms) the entry of that one.

    Those that it makes several of, or that may become one with what is before them, are marked: only texts with one of
    these must be normalised as a whole.
    """
    seconds = set(range(0x1100, 0x1200))
    others: dict[int, str] = {}
    for code_point in range(0x80, LAST_ASSIGNED + 1):
        parts = unicodedata.decomposition(chr(code_point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
        if parts:
            normal = unicodedata.normalize("NFKC", chr(code_point))
            if normal != chr(code_point):
                others[code_point] = normal
    table[table >> np.uint64(CLASS_SHIFT) == text.MARK] |= np.uint64(1 << MARKED)
    for code_point in seconds:
        table[code_point] |= np.uint64(1 << MARKED)
    # Those of one other first: an entry of the others' table may itself be marked.
    for code_point, normal in others.items():
        one = len(normal) == 1 and ord(normal) not in seconds and not unicodedata.combining(normal)
        table[code_point] = table[ord(normal)] if one else table[code_point] | np.uint64(1 << MARKED)
    return table


@njit(cache=True, nogil=True, inline="always")
def _at(data: np.ndarray, i: int, end: int, table: np.ndarray) -> tuple[np.uint64, int]:
    """Entry of the table for the character at i, and its bytes; 0 bytes at the end."""
    if i >= end:
        return np.uint64(0), 0
    if data[i] < 0x80:
        return table[data[i]], 1
    code_point, width = decode(data, i, end)
    return table[code_point], width


@njit(cache=True, nogil=True, inline="always")
def _joins(kind: np.uint64, open_class: np.uint64) -> bool:
    """Whether a character goes on with the word before it, as in `tamis.text.words`."""
    if kind == np.uint64(text.MARK):
        return open_class != np.uint64(0)
    return kind == np.uint64(text.LETTER) and open_class == np.uint64(text.LETTER)


@njit(cache=True, nogil=True, inline="always")
def _opened(kind: np.uint64, open_class: np.uint64) -> np.uint64:
    """The class of the word that a character leaves open, 0 for none."""
    if kind == np.uint64(text.MARK):
        return open_class
    return kind if kind == np.uint64(text.LETTER) or kind == np.uint64(text.SINGLE) else np.uint64(0)


@njit(cache=True, nogil=True, inline="always")
def _starts(kind: np.uint64, open_class: np.uint64) -> bool:
    """Whether a word begins with a character."""
    return (kind == np.uint64(text.LETTER) or kind == np.uint64(text.SINGLE)) and not _joins(kind, open_class)


@njit(cache=True, nogil=True, inline="always")
def _alphanumeric(kind: np.uint64, first: int) -> bool:
    """What a word of a regular expression is made of: letters, numbers and the underscore."""
    return kind == np.uint64(text.LETTER) or kind == np.uint64(text.SINGLE) or first == 0x5F


@njit(cache=True, nogil=True, inline="always")
def _prefix(first: int, second: int, third: int) -> np.int64:
    """Five bits of each of three ASCII characters, in which capitals are small letters."""
    return np.int64(first & 31) << 10 | np.int64(second & 31) << 5 | np.int64(third & 31)


def prefixes_of(entries: Iterable[bytes]) -> np.ndarray:
    """The `Trie.prefixes` of folded entries; from a blank on, and behind a short entry, anything may stand."""
    found = np.zeros((32, 32, 32), np.uint8)
    for entry in entries:
        start = entry[:3]
        if b" " in start:
            start = start[: start.index(b" ")]
        if max(start) < 0x80:
            found[tuple(byte & 31 for byte in start)] = 1
    return found.reshape(PREFIXES)


@njit(cache=True, nogil=True)
def to_normalise(offsets: np.ndarray, data: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Which of n texts must be normalised before they are searched, but for those with too many marks: bool[n]."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(offsets) - 1):
        run = longest = 0
        marked = False
        end = offsets[row + 1]
        i = offsets[row]
        while i < end:
            if data[i] < 0x80:
                run = 0
                i += 1
                continue
            entry, width = _at(data, i, end, table)
            marked |= entry >> np.uint64(MARKED) & np.uint64(1) != 0
            run = run + 1 if entry >> np.uint64(CLASS_SHIFT) == np.uint64(text.MARK) else 0
            longest = max(longest, run)
            i += width
        found[row] = marked and longest <= MOST_MARKS
    return found


@njit(cache=True, nogil=True)
def search(
    offsets: np.ndarray,
    data: np.ndarray,
    rows: np.ndarray,
    table: np.ndarray,
    matching: int,
    classes: np.ndarray,
    steps: np.ndarray,
    ends: np.ndarray,
    prefixes: np.ndarray,
    measured: np.ndarray,
    by_entry: np.ndarray,
) -> None:
    """Look for the entries of a list in some texts.

    Args:
        offsets: int64[n + 1] of n texts.
        data: uint8, their bytes.
        rows: int64, the texts to look into.
        table: `folding`.
        matching: BORDERS, ANYWHERE, C4 or C4_ANYWHERE.
        classes: of the `Trie`.
        steps: likewise.
        ends: likewise.
        prefixes: likewise.
        measured: int64[n, 5] to fill: words, hits, words in hits, different entries, and the first entry (-1: none).
        by_entry: int64[entries, 2] to add to: documents with each, and its hits.
    """
    count = int(classes.max()) + 1
    seen = np.full(len(by_entry), -1, np.int64)
    borders = matching == BORDERS
    c4 = matching == C4
    of_words = matching in (BORDERS, ANYWHERE)
    nothing = np.uint64(0)
    last_eight = len(data) - 8
    quiet = np.zeros(128, np.bool_)
    for byte in range(128):
        kind = table[byte] >> np.uint64(CLASS_SHIFT)
        begin = steps[classes[np.int64(table[byte] & np.uint64(0xFF))]]
        quiet[byte] = kind != np.uint64(text.LETTER) and begin < 0 and not (c4 and byte == 0x5F)
    bits = np.uint64((1 << LENGTH_SHIFT) - 1)
    for row in rows:
        end = offsets[row + 1]
        words = hits = covered = distinct = 0
        first = np.int64(-1)
        open_class = nothing
        alphanumeric = False  # whether the character before is, for C4
        i = offsets[row]
        while i < end:
            # Inside of an ASCII word no entry begins, nor in most words: they are stepped over eight bytes at a time.
            while (borders or c4) and i < end and i <= last_eight and data[i] < 0x80:
                if quiet[data[i]]:
                    open_class = nothing
                    alphanumeric = False
                    i += 1
                    continue
                eight = eight_bytes(data, i)
                run = int(min(ascii_run(eight), end - i))
                inside_word = open_class == np.uint64(text.LETTER)
                if run == 0 or (inside_word and c4 and not alphanumeric):
                    break
                if not inside_word:
                    if run < 3 and eight >> np.uint64(8) & np.uint64(0x8080):
                        break
                    if prefixes[_prefix(data[i], data[i + 1], data[i + 2])]:
                        break
                    words += 1
                    open_class = np.uint64(text.LETTER)
                alphanumeric = True
                i += run
            if i >= end:
                break
            entry, width = _at(data, i, end, table)
            kind = entry >> np.uint64(CLASS_SHIFT)
            if kind == np.uint64(UNSEEN):
                i += width
                continue
            joined = _joins(kind, open_class)
            begins = not joined if borders else not alphanumeric if c4 else kind != np.uint64(text.MARK) or not of_words
            best = np.int64(-1)
            best_at = i
            best_words = 0
            best_open = open_class
            best_alphanumeric = False
            if begins and i + 3 <= end and data[i] < 0x80 and data[i + 1] < 0x80 and data[i + 2] < 0x80:
                begins = prefixes[_prefix(data[i], data[i + 1], data[i + 2])] != 0
            if begins:
                state = np.int64(0)
                at = i
                inside = 0
                opened = open_class
                one, wide = entry, width
                while one != nothing:
                    kind_of = one >> np.uint64(CLASS_SHIFT)
                    ends_in_word = _alphanumeric(kind_of, np.int64(data[at]))
                    blank = kind_of == np.uint64(BLANK)
                    folded = one & bits
                    length = (one >> np.uint64(LENGTH_SHIFT)) & np.uint64(7)
                    while length > nothing:
                        byte = classes[np.int64(folded & np.uint64(0xFF))]
                        state = np.int64(steps[state * count + byte]) if byte else np.int64(-1)
                        if state < 0:
                            break
                        folded >>= np.uint64(8)
                        length -= np.uint64(1)
                    if state < 0:
                        break
                    inside += _starts(kind_of, opened)
                    opened = _opened(kind_of, opened)
                    at += wide
                    one, wide = _at(data, at, end, table)
                    # What is not shown is not there, and white space of any length is one blank.
                    while wide > 0:
                        kind_of = one >> np.uint64(CLASS_SHIFT)
                        if kind_of != np.uint64(UNSEEN) and not (blank and kind_of == np.uint64(BLANK)):
                            break
                        at += wide
                        one, wide = _at(data, at, end, table)
                    kind_of = one >> np.uint64(CLASS_SHIFT)
                    if ends[state] >= 0:
                        if wide == 0:
                            stops = True
                        elif borders:
                            stops = not _joins(kind_of, opened)
                        elif c4:
                            stops = not _alphanumeric(kind_of, np.int64(data[at]))
                        else:
                            stops = kind_of != np.uint64(text.MARK) or not of_words
                        if stops:
                            best = np.int64(ends[state])
                            best_at = at
                            best_words = inside
                            best_open = opened
                            best_alphanumeric = ends_in_word
                    if wide == 0:
                        break
            if best >= 0:
                hits += 1
                covered += best_words
                words += best_words
                by_entry[best, 1] += 1
                if seen[best] != row:
                    seen[best] = row
                    by_entry[best, 0] += 1
                    distinct += 1
                if first < 0:
                    first = best
                open_class = best_open
                alphanumeric = best_alphanumeric
                i = best_at
                continue
            words += _starts(kind, open_class)
            open_class = _opened(kind, open_class)
            alphanumeric = _alphanumeric(kind, np.int64(data[i]))
            i += width
        measured[row, 0] = words
        measured[row, 1] = hits
        measured[row, 2] = covered
        measured[row, 3] = distinct
        measured[row, 4] = first
