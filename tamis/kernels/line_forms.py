"""Which forms a text can have at most, from one look at its bytes.

`tamis.readers.forms` tells the kind of a text by regular expressions on its lines, at 7 MB/s. Nearly all prose has far
too few lines for any of them, which a few bytes of each line show. What is counted here is never less than what the
expressions would find, so a form that is ruled out here would have been found absent; where it is not ruled out, they
decide.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LICENCE, MATHS, SESSION, CATALOGUE = 1, 2, 4, 8

# Stem of each licence phrase, how many of the phrases have it, and its letter that is least frequent in texts.
STEMS = (
    (b"licen", 7, 2), (b"copyright", 4, 2), (b"warrant", 2, 0), (b"hereby", 1, 4), (b"redistribut", 2, 8),
    (b'as is"', 1, 5), (b"rights reserved", 1, 12), (b"commons", 1, 2), (b"merchantability", 1, 10),
    (b"derivative", 1, 4), (b"liab", 2, 3), (b"copy, modify", 1, 2),
)  # fmt: skip
_STEM_BYTES = np.frombuffer(b"".join(stem for stem, _, _ in STEMS), np.uint8).copy()
_STEM_BOUNDS = np.cumsum([0, *(len(stem) for stem, _, _ in STEMS)]).astype(np.int64)
_STEM_PHRASES = np.array([phrases for _, phrases, _ in STEMS], np.int64)
_STEM_RARE = np.array([rare for _, _, rare in STEMS], np.int64)
_STEM_OF_PAIR = np.zeros(1024, np.uint16)
for _number, (_stem, _, _rare) in enumerate(STEMS):
    # What has it at its end goes on with anything.
    _pair = _stem[_rare : _rare + 2]
    _following = range(32) if len(_pair) == 1 else [_pair[1] & 31]
    for _next in _following:
        _STEM_OF_PAIR[(_pair[0] & 31) << 5 | _next] |= np.uint16(1 << _number)

_CLASSES = np.zeros(256, np.uint8)
# 0: nothing to look for; 1: the rare letter of a stem, or an m; 2: any other.
_CLASSES[0x80:] = 2
for _byte in b"\\$|\t>":
    _CLASSES[_byte] = 2
for _one in (*(_stem[_rare] for _stem, _, _rare in STEMS), ord("m")):
    _CLASSES[[_one, ord(chr(_one).upper())]] = 1

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
    classes: np.ndarray,
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
        stem_rare: int64, the place of the rare letter in each.
        stem_of_pair: uint16[1024], bit i is set where the rare letter of stem i may be, by five bits of it and of the
            byte behind it.
        classes: uint8[256].
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
        while end < size and data[end] != 0x0A:
            byte = data[end]
            kind = classes[byte]
            if kind == 0:
                end += 1
                continue
            if kind == 1:
                stems = np.uint16(0)
                following = np.int64(data[end + 1]) & 31 if end + 1 < size else 0
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
    classes: np.ndarray,
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
        classes: as there.
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
                classes,
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
        _CLASSES,
        maths_share,
        catalogue_share,
        columns_share,
        licence_characters,
    )
