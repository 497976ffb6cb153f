"""Which forms a text can have at most, from one look at its bytes.

`tamis.readers.forms` tells the kind of a text by regular expressions on its lines, at 7 MB/s. Nearly all prose has far
too few lines for any of them, which a few bytes of each line show. What is counted here is never less than what the
expressions would find, so a form that is ruled out here would have been found absent; where it is not ruled out, they
decide.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.eight_bytes import among, eight_bytes

LICENCE, MATHS, SESSION, CATALOGUE = 1, 2, 4, 8

# Stem of each licence phrase, how many of the phrases have it, and where its pair of letters is that is least frequent.
STEMS = (
    (b"licen", 7, 2), (b"copyright", 4, 2), (b"warrant", 2, 2), (b"hereby", 1, 4), (b"redistribut", 2, 8),
    (b'as is"', 1, 4), (b"rights reserved", 1, 11), (b"commons", 1, 2), (b"merchantability", 1, 9),
    (b"derivative", 1, 4), (b"liab", 2, 1), (b"copy, modify", 1, 2),
)  # fmt: skip
_STEM_BYTES = np.frombuffer(b"".join(stem for stem, _, _ in STEMS), np.uint8).copy()
_STEM_BOUNDS = np.cumsum([0, *(len(stem) for stem, _, _ in STEMS)]).astype(np.int64)
_STEM_PHRASES = np.array([phrases for _, phrases, _ in STEMS], np.int64)
_STEM_RARE = np.array([rare for _, _, rare in STEMS], np.int64)
_STEM_OF_PAIR = np.zeros(1024, np.uint16)
for _number, (_stem, _, _rare) in enumerate(STEMS):
    _STEM_OF_PAIR[(_stem[_rare] & 31) << 5 | (_stem[_rare + 1] & 31)] |= np.uint16(1 << _number)

_PAIRS = np.zeros(1 << 16, np.bool_)
# A byte and the one behind it, at which there is something to look for. Single letters would be a seventh of all bytes,
# and each a branch that is guessed wrong; these pairs are one in a hundred. Behind the last byte there is none: 0.
_PAIRS.reshape(256, 256)[[*b"\n\\$|\t>", *range(0x80, 256)]] = True
for _one in {_stem[_rare] for _stem, _, _rare in STEMS}:
    for _byte in {_one, ord(chr(_one).upper())}:
        _PAIRS[(_byte << 8) + np.flatnonzero(_STEM_OF_PAIR[(_byte & 31) << 5 | (np.arange(256) & 31)])] = True
_PAIRS[ord("m") << 8 | ord("a")] = True

MAYBE_DIGIT = (0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xEA, 0xEF, 0xF0)
"""First bytes of the decimal digits of all scripts beyond ASCII, among other characters."""

CELL = 40
SEPARATORS = 4
WORD = 100
"""Bounds of the expressions: characters of a cell, its separators in a line, characters of a lone word."""


@njit(cache=True, nogil=True)
def _space_at(data: np.ndarray, at: int, end: int) -> int:
    """Bytes of the white-space character that begins at a byte; 0 when there is none."""
    first = data[at]
    if first < 0x80:
        return int(first == 0x20 or 0x09 <= first <= 0x0D or 0x1C <= first <= 0x1F)
    if first == 0xC2 and at + 1 < end and (data[at + 1] == 0x85 or data[at + 1] == 0xA0):
        return 2
    if at + 2 < end:
        second = data[at + 1]
        if first == 0xE2 and (second in (0x80, 0x81)):
            third = data[at + 2]
            spaces = (second == 0x80 and (third <= 0x8A or third in (0xA8, 0xA9, 0xAF))) or (
                second == 0x81 and third == 0x9F
            )
            return 3 * int(spaces)
        if (first == 0xE1 and second == 0x9A and data[at + 2] == 0x80) or (
            first == 0xE3 and second == 0x80 and data[at + 2] == 0x80
        ):
            return 3
    return 0


@njit(cache=True, nogil=True)
def _is(data: np.ndarray, at: int, end: int, word: bytes) -> bool:
    if at + len(word) > end:
        return False
    for i in range(len(word)):
        if data[at + i] != word[i]:
            return False
    return True


@njit(cache=True, nogil=True, inline="always")
def _parting(eight: np.uint64) -> np.uint64:
    """Whether a comma, a semicolon or `<` is among eight bytes: not 0."""
    return among(eight, 0x2C, 0x2C) | among(eight, 0x3B, 0x3C)


@njit(cache=True, nogil=True)
def _maybe_item(data: np.ndarray, begin: int, end: int) -> int:
    """What a line, without white space before it, may be.

    Returns:
        2: an item, a row, a list of cells or a lone word; 1: other values that a comma or semicolon parts; 0: neither.
    """
    first = data[begin]
    if first < 0x80:
        if 0x30 <= first <= 0x39 or first in (0x7C, 0x2B, 0x3D, 0x2E, 0x3A):
            return 2
        if (first in (0x2D, 0x2A)) and begin + 1 < end and data[begin + 1] == 0x20:
            return 2
    elif _is(data, begin, end, b"\xe2\x80\xa2"):
        return 2
    else:
        for one in MAYBE_DIGIT:
            if first == one:
                return 2
    separators = 0
    cell = 0
    short = True
    opened = False
    bracket = data[end - 1] == 0x3E
    word = end - begin <= WORD
    i = begin
    while i < end and (word or short):
        byte = data[i]
        word &= 0x21 <= byte <= 0x7E
        opened |= byte == 0x3C
        if byte in (0x2C, 0x3B):
            separators += 1
            cell = 0
        elif byte & 0xC0 != 0x80:
            cell += 1
            short &= cell <= CELL
        i += 1
    # The rest of a sentence says nothing more, but for these.
    while i < end and not (separators > 0 and (opened or not bracket)):
        if i + 8 <= end and not _parting(eight_bytes(data, i)):
            i += 8
            continue
        byte = data[i]
        opened |= byte == 0x3C
        separators += byte in (0x2C, 0x3B)
        i += 1
    if word or (short and separators >= SEPARATORS) or (opened and bracket):
        return 2
    return int(separators > 0)


@njit(cache=True, nogil=True)
def possible_forms(
    data: np.ndarray,
    characters: int,
    stem_bytes: np.ndarray,
    stem_bounds: np.ndarray,
    stem_phrases: np.ndarray,
    stem_rare: np.ndarray,
    stem_of_pair: np.ndarray,
    pairs: np.ndarray,
    maths_share: float,
    catalogue_share: float,
    columns_share: float,
    licence_characters: int,
) -> int:
    """Which forms cannot be ruled out: a sum of LICENCE, MATHS, SESSION and CATALOGUE.

    Args:
        data: uint8, UTF-8 of the text or of its beginning.
        characters: of the whole text; -1 where `data` is the whole text.
        stem_bytes: the stems one after the other; this and what follows by `forms_of`.
        stem_bounds: int64, where each begins.
        stem_phrases: int64, how many phrases have it.
        stem_rare: int64, the place of the rare pair of letters in each.
        stem_of_pair: uint16[1024], bit i is set where the rare pair of stem i may be, by five bits of each letter.
        pairs: bool[65536], whether there is something to look for at a byte (times 256) before another.
        maths_share: lines with mathematics among all lines, at least.
        catalogue_share: of lines of a catalogue.
        columns_share: of lines with as many separators as the first.
        licence_characters: of a licence for each phrase, at most.
    """
    lines = 0
    items = 0
    parted = 0
    marked = 0
    sessions = 0
    seen = np.uint16(0)
    strange = False
    beyond = 0
    size = len(data)
    begin = 0
    while begin <= size:
        end = begin
        marks = False
        tabs = 0
        bars = 0
        while end < size:
            # Four pairs a step: most texts have something to look for at one byte in a hundred.
            while end + 4 < size and not (
                pairs[np.uint64(data[end]) << np.uint64(8) | np.uint64(data[end + 1])]
                | pairs[np.uint64(data[end + 1]) << np.uint64(8) | np.uint64(data[end + 2])]
                | pairs[np.uint64(data[end + 2]) << np.uint64(8) | np.uint64(data[end + 3])]
                | pairs[np.uint64(data[end + 3]) << np.uint64(8) | np.uint64(data[end + 4])]
            ):
                end += 4
            byte = data[end]
            while end + 1 < size and not pairs[np.uint64(byte) << np.uint64(8) | np.uint64(data[end + 1])]:
                end += 1
                byte = data[end]
            if byte == 0x0A:
                break
            following = np.int64(data[end + 1]) & 31 if end + 1 < size else 0
            if (0x41 <= byte <= 0x5A) or (0x61 <= byte <= 0x7A):
                stems = stem_of_pair[(np.int64(byte) & 31) << 5 | following] & ~seen
                stem = 0
                while stems != 0:
                    if stems & 1:
                        low = stem_bounds[stem]
                        length = stem_bounds[stem + 1] - low
                        first = end - stem_rare[stem]
                        if first >= 0 and first + length <= size:
                            same = True
                            for i in range(length):
                                one = data[first + i]
                                if one >= 0x41 and one <= 0x5A:
                                    one += 0x20
                                if one != stem_bytes[low + i]:
                                    same = False
                                    break
                            if same:
                                seen |= np.uint16(1 << stem)
                    stems >>= 1
                    stem += 1
                if byte == 0x6D and _is(data, end, size, b"math"):
                    marks = True
            elif byte >= 0x80:
                beyond += byte & 0xC0 == 0x80
                # Mathematical operators; and two letters beyond ASCII that become ASCII in small letters.
                if byte == 0xE2 and end + 1 < size:
                    marks |= data[end + 1] == 0x88 or data[end + 1] == 0x89
                    strange |= data[end + 1] == 0x84
                elif byte == 0xC4:
                    strange |= end + 1 < size and data[end + 1] == 0xB0
            elif byte in (0x5C, 0x24):
                marks = True
            elif byte == 0x7C:
                bars += 1
            elif byte == 0x09:
                tabs += 1
            elif byte == 0x3E and _is(data, end, size, b">>> "):
                sessions += 1
            end += 1
        start = begin
        while start < end:
            width = _space_at(data, start, end)
            if width == 0:
                break
            start += width
        marked += marks
        items += tabs > 0 or bars > 1
        if start < end:
            lines += 1
            item = _maybe_item(data, start, end)
            items += item == 2
            parted += item > 0
        begin = end + 1
    if characters < 0:
        characters = size - beyond
    found = 0
    phrases = 0
    for stem in range(len(stem_phrases)):
        if seen >> np.uint16(stem) & np.uint16(1):
            phrases += stem_phrases[stem]
    if strange or (phrases >= 3 and characters <= licence_characters * phrases):
        found += LICENCE
    if marked >= 3 and marked >= maths_share * lines:
        found += MATHS
    if sessions >= 3:
        found += SESSION
    if items >= catalogue_share * lines or parted >= columns_share * lines:
        found += CATALOGUE
    return found


@njit(cache=True, nogil=True)
def all_possible_forms(
    data: np.ndarray,
    bounds: np.ndarray,
    characters: np.ndarray,
    wanted: np.ndarray,
    stem_bytes: np.ndarray,
    stem_bounds: np.ndarray,
    stem_phrases: np.ndarray,
    stem_rare: np.ndarray,
    stem_of_pair: np.ndarray,
    pairs: np.ndarray,
    maths_share: float,
    catalogue_share: float,
    columns_share: float,
    licence_characters: int,
) -> np.ndarray:
    """`possible_forms` of many texts: uint8[n].

    Args:
        data: uint8, UTF-8 of the texts.
        bounds: int64[n, 2], where each of them, or its beginning, begins and ends.
        characters: int64[n], of each whole text; -1 where its bounds hold all of it.
        wanted: bool[n]; of the others 0 is said.
        stem_bytes: this and what follows as there.
        stem_bounds: as there.
        stem_phrases: as there.
        stem_rare: as there.
        stem_of_pair: as there.
        pairs: as there.
        maths_share: as there.
        catalogue_share: as there.
        columns_share: as there.
        licence_characters: as there.
    """
    found = np.zeros(len(bounds), np.uint8)
    for row in range(len(bounds)):
        if wanted[row]:
            found[row] = possible_forms(
                data[bounds[row, 0] : bounds[row, 1]],
                characters[row],
                stem_bytes,
                stem_bounds,
                stem_phrases,
                stem_rare,
                stem_of_pair,
                pairs,
                maths_share,
                catalogue_share,
                columns_share,
                licence_characters,
            )
    return found


def forms_of(
    data: np.ndarray,
    bounds: np.ndarray,
    characters: np.ndarray,
    wanted: np.ndarray,
    *,
    maths_share: float,
    catalogue_share: float,
    columns_share: float,
    licence_characters: int,
) -> np.ndarray:
    """`all_possible_forms` with the stems of the phrases; the arguments as there."""
    return all_possible_forms(
        data,
        bounds,
        characters,
        wanted,
        _STEM_BYTES,
        _STEM_BOUNDS,
        _STEM_PHRASES,
        _STEM_RARE,
        _STEM_OF_PAIR,
        _PAIRS,
        maths_share,
        catalogue_share,
        columns_share,
        licence_characters,
    )
