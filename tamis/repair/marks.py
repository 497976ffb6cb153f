"""Signs of damage, as tables over all code points, by which a kernel finds the few lines that need a look.

Each sign is a superset of what is repaired: `tamis.repair.lines` decides. Mojibake is seen by pairs of characters of
which each expression of ftfy's heuristic (`ftfy.badness`, 6.3) holds at least one; a test holds the pairs against it.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal, NamedTuple

import numpy as np

Form = Literal["NFC", "NFKC"]

CONTROLS = (
    *range(0x09),
    *range(0x0E, 0x20),
    *range(0x7F, 0xA0),
    *range(0x206A, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFD),
)
"""Those that ftfy removes, and what is left of C1: control characters but tab, line feed and form feed, deprecated
formats of Arabic, byte order marks, annotation and object marks."""
BREAKS = (0x0B, 0x0D, 0x2028, 0x2029)
"""Line breaks that are no line feed: vertical tab, carriage return, line and paragraph separator."""
SOFT = (0xAD,)
ZERO_WIDTHS = (0x200B, 0x2060)
"""Zero-width space, word joiner."""
JOINERS = (0x180E, 0x200C, 0x200D)
"""Mongolian vowel separator, non-joiner, joiner."""
PLAIN_RANGES = (
    (0x00, 0x24F),  # ASCII, Latin
    (0x370, 0x52F),  # Greek, Cyrillic
    (0x1E00, 0x1FFF),  # Latin, Greek
    (0x2000, 0x206F),  # punctuation
    (0x3000, 0x30FF),  # of East Asia, kana
    (0x3400, 0x9FFF),  # ideographs
    (0xAC00, 0xD7A3),  # Hangul
    (0xFF00, 0xFFEF),  # full width
)
"""Characters between which joiners say nothing."""
BIDIS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))


def _categories() -> dict[str, str]:
    """Categories of characters by ftfy; ranges stand in them as in a regular expression."""
    from ftfy.badness import MOJIBAKE_CATEGORIES

    def spelt(match: re.Match[str]) -> str:
        return "".join(map(chr, range(ord(match[1]), ord(match[2]) + 1)))

    return {name: re.sub("(.)-(.)", spelt, letters, flags=re.DOTALL) for name, letters in MOJIBAKE_CATEGORIES.items()}


_LATIN_SECOND = "€œŠš¢£Ÿž\xa0\xad®©°·»–—´"
_ARABIC_SECOND = "ŸŠ®°µ»"

PAIRS: tuple[tuple[str, str], ...] = (
    (
        "{bad}{lower_accented}{upper_accented}{box}{start_punctuation}{end_punctuation}{currency}{numeric}{law}",
        "{bad}",
    ),
    (
        "{bad}",
        "{lower_accented}{upper_accented}{box}{start_punctuation}{end_punctuation}{currency}{numeric}{law}",
    ),
    ("{lower_common}{upper_common}", "{bad}"),
    ("{lower_accented}{lower_common}{box}{end_punctuation}{currency}{numeric}", "{upper_accented}"),
    ("{box}{end_punctuation}{currency}{numeric}", "{lower_accented}"),
    ("{lower_accented}{upper_accented}{box}{end_punctuation}", "{currency}"),
    ("{upper_accented}{box}", "{numeric}{law}"),
    ("{end_punctuation}", "{start_punctuation}"),
    ("{currency}{numeric}{box}{upper_accented}", "{start_punctuation}"),
    ("{box}", "{kaomoji}{end_punctuation}"),
    ("{lower_accented}{upper_accented}{currency}{numeric}{start_punctuation}{end_punctuation}{law}", "{box}"),
    ("{lower_accented}{upper_accented}", "{start_punctuation}{end_punctuation}"),
    ("{upper_accented}", "°"),
    ("ÂÃÎÐ", _LATIN_SECOND + "{start_punctuation}{end_punctuation}"),
    ("ÂÃ", " \xa0¡"),
    ("×", "²³"),
    ("ØÙ", _ARABIC_SECOND + "{common}{currency}{bad}{numeric}{start_punctuation}"),
    ("à", "²µ¹¼½¾"),
    ("√", "±∂†≠®™´≤≥¥µø"),
    ("≈", "°¢"),
    ("‚", "Äâó"),
    ("в", "Ђ"),
    ("ВГРС", "°µ{c1}{bad}{start_punctuation}{end_punctuation}{currency}"),
    ("Г", "ў"),
    ("β", "€"),
    ("ΒΓΞΟ", "°{c1}{bad}{start_punctuation}{end_punctuation}{currency}"),
)
"""Characters of which the second stands right after the first, by the names of ftfy's categories: one pair of each of
its expressions, but of C1 controls, which are bad alone, and of œ."""

LIGATURES = "Œœ"
"""Bad before all but an unaccented Latin letter."""


class Tables(NamedTuple):
    """Tables for `tamis.kernels.damage.damaged`.

    marks: uint16[0x110000], bits that a character gives its line.
    first, second: uint64[0x10000], a bit a pair: what may begin it, and what may end it.
    combining: uint16[0x110000], canonical combining classes, of a character and << 8 of the last of its parts; zeros
        where the form of texts is left as it is.
    composed: int64[p], pairs of characters that are written as one, the first << 21 | the second, sorted; likewise.
    """

    marks: np.ndarray
    first: np.ndarray
    second: np.ndarray
    combining: np.ndarray
    composed: np.ndarray


_CODES = (*range(0x80, 0x20000), *range(0x2F800, 0x2FA20))
"""Those that may not be in a normal form, or combine with others."""


def _compositions() -> np.ndarray:
    """What is written as one character: int64[p], the first << 21 | the second, sorted; Hangul is composed by rule."""
    found = []
    for code in _CODES:
        parts = unicodedata.decomposition(chr(code)).split()
        # Not those that only look alike (<font>). Some others are never put together: they are another in NFC.
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.is_normalized("NFC", chr(code)):
            found.append(int(parts[0], 16) << 21 | int(parts[1], 16))
    return np.array(sorted(found), np.int64)


def _classes() -> np.ndarray:
    """Combining classes: uint16[0x110000], of a character, and << 8 of the last one that it can be taken apart to."""
    found = np.zeros(0x110000, np.uint16)
    for code in range(0xC0, 0x1F000):
        if own := unicodedata.combining(chr(code)):
            found[code] = own
        if last := unicodedata.combining(unicodedata.normalize("NFD", chr(code))[-1]):
            found[code] |= last << 8
    return found


@functools.cache
def tables(form: Form | None) -> Tables:
    """The tables, for a normal form."""
    from tamis.kernels.damage import (
        BIDI,
        BREAK,
        COMPOSES,
        CONTROL,
        FORM,
        JOINER,
        MOJIBAKE,
        OPENS,
        PAIRED,
        PLAIN,
        SOFT_HYPHEN,
        TAG,
        ZERO_WIDTH,
    )

    marks = np.zeros(0x110000, np.uint16)
    for codes, bit in (
        (CONTROLS, CONTROL),
        (BREAKS, BREAK),
        (SOFT, SOFT_HYPHEN),
        (ZERO_WIDTHS, ZERO_WIDTH),
        (JOINERS, JOINER),
        *((range(low, high + 1), PLAIN) for low, high in PLAIN_RANGES),
        (BIDIS, BIDI),
        (range(0x80, 0xA0), MOJIBAKE),
        ((ord("<"),), TAG),
    ):
        marks[list(codes)] |= np.uint16(bit)
    combining = np.zeros(0x110000, np.uint16)
    composed = np.empty(0, np.int64)
    if form is not None:
        marks[[code for code in _CODES if not unicodedata.is_normalized(form, chr(code))]] |= np.uint16(FORM)
        combining, composed = _classes(), _compositions()
        seconds = [*np.unique(composed & 0x1FFFFF), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]
        firsts = [*np.unique(composed >> 21), *range(0x1100, 0x1113), *range(0xAC00, 0xD7A4, 28)]
        marks[seconds] |= np.uint16(COMPOSES)
        marks[firsts] |= np.uint16(OPENS)
    first, second = np.zeros(PAIRED, np.uint64), np.zeros(PAIRED, np.uint64)
    categories = _categories()
    for number, (left, right) in enumerate(PAIRS):
        pair = np.uint64(1 << number)
        first[[ord(character) for character in left.format(**categories)]] |= pair
        second[[ord(character) for character in right.format(**categories)]] |= pair
    pair = np.uint64(1 << len(PAIRS))
    first[[ord(character) for character in LIGATURES]] |= pair
    second |= pair
    for begin, end in (("A", "Z"), ("a", "z")):
        second[ord(begin) : ord(end) + 1] &= ~pair
    return Tables(marks, first, second, combining, composed)
