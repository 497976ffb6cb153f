"""The one definition of a word, in plain Python.

MinHash, line pruning and decontamination count words. Each of them must mean the same thing by it, in every
language, so the definition stands here once; `tamis.kernels.words` is the fast form of it and is tested against
this module on arbitrary Unicode.

A word is

* a run of letters and numbers (Unicode categories L and N), or
* a single ideograph, kana or bopomofo, or a single letter or digit of a script that is written without spaces
  between words (Thai, Lao, Khmer, Myanmar),

followed by the combining marks (category M) that stand on it, and case-folded (`str.casefold`: "Straße" and
"STRASSE" are one word). Everything else separates: spaces, punctuation, symbols, emoji, underscores, control and
format characters, unassigned code points, and a mark that follows no word. Text is not normalised: a letter with a
separate accent and its composed form are two words.

Characters that Python's `unicodedata` does not know yet separate, so new Unicode letters become words only with the
Python version that knows them.
"""

from __future__ import annotations

import unicodedata

VERSION = 1
"""Of this definition; an index that a run writes for later ones carries it."""

SEPARATOR, LETTER, MARK, SINGLE = range(4)
"""Classes of characters: between words; part of a run; joins the word before it; a word of its own."""

SINGLE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3031, 0x303C),  # kana repeat marks, Hangzhou tens, masu mark
    (0x3040, 0x312F),  # hiragana, katakana, bopomofo
    (0x31A0, 0x31BF),  # bopomofo extended
    (0x31F0, 0x31FF),  # katakana phonetic extensions
    (0x3400, 0x4DBF),  # ideographs, extension A
    (0x4E00, 0x9FFF),  # ideographs
    (0xA9E0, 0xA9FF),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFF66, 0xFF9F),  # half-width katakana
    (0x1AFF0, 0x1B16F),  # kana extended and supplement
    (0x20000, 0x3FFFF),  # ideographs of the supplementary planes
)
"""Inclusive ranges of code points in which every letter and number is a word of its own."""


def character_class(code_point: int) -> int:
    """SEPARATOR, LETTER, MARK or SINGLE."""
    category = unicodedata.category(chr(code_point))[0]
    if category == "M":
        return MARK
    if category not in "LN":
        return SEPARATOR
    return SINGLE if any(first <= code_point <= last for first, last in SINGLE_RANGES) else LETTER


def words(text: str) -> list[str]:
    """The case-folded words of a text, in order.

    This is the reference for the kernel, not the fast path: about 1 MB/s.
    """
    found: list[str] = []
    previous = SEPARATOR
    for character in text:
        kind = character_class(ord(character))
        if kind == MARK:
            if previous == SEPARATOR:
                continue
            found[-1] += character.casefold()
            continue
        if kind == SINGLE or (kind == LETTER and previous != LETTER):
            found.append(character.casefold())
        elif kind == LETTER:
            found[-1] += character.casefold()
        previous = kind
    return found
