"""What a character is for the lines of a page: letter, digit, end of a sentence, ideograph, sign of a menu.

Ranges of code points instead of Unicode's tables, which differ between versions of Python; what is counted here is only
compared, never shown.
"""

from __future__ import annotations

import numpy as np

LETTER, DIGIT, UPPER, WIDE, END, COMMA, ODD, SPACE = (1 << bit for bit in range(8))
"""Bits of a character. WIDE: an ideograph, kana, or letter of a script without spaces between words."""

_PUNCTUATION = (
    (0x2000, 0x2C00),
    (0x3000, 0x3005),
    (0x3008, 0x3021),
    (0xFE00, 0xFE70),
    (0xFF00, 0xFF10),
    (0xFFF0, 0x10000),
)
_SINGLE = (0xAB, 0xAC, 0xAD, 0xAE, 0xAF, 0xB0, 0xB1, 0xB4, 0xB6, 0xB7, 0xB8, 0xBB, 0xBF, 0xD7, 0xF7)
_WIDE = ((0xE00, 0x1100), (0x2E80, 0x3000), (0x3005, 0x3008), (0x3021, 0xA000), (0xF900, 0xFB00), (0xFF66, 0xFFA0))
_UPPER = ((0xC0, 0xDF), (0x391, 0x3AB), (0x400, 0x430))
_SENTENCES = (*map(ord, ".!?…"), 0x3002, 0xFF01, 0xFF1F)
_ENDS = (*_SENTENCES, *map(ord, ":;"))
_COMMAS = (ord(","), 0x60C, 0x3001, 0xFF0C)
_ODD = (*map(ord, "|©®»«→←•·/>▼▶#@&"), 0x2039, 0x203A)


def _table() -> np.ndarray:
    table = np.zeros(0x10000, np.uint8)
    table[0xAA:] = LETTER
    for first, last in _PUNCTUATION:
        table[first:last] = 0
    table[list(_SINGLE)] = 0
    for first, last in _WIDE:
        table[first:last] = LETTER | WIDE
    table[ord("a") : ord("z") + 1] = LETTER
    table[ord("A") : ord("Z") + 1] = LETTER | UPPER
    table[ord("0") : ord("9") + 1] = DIGIT
    for first, last in _UPPER:
        table[first:last] |= UPPER
    for codes, bit in ((_ENDS, END), (_COMMAS, COMMA), (_ODD, ODD)):
        table[list(codes)] |= bit
    table[[ord(one) for one in " \t\n\r\f\v\xa0\u3000\u2009\u200b"]] = SPACE
    return table


TABLE = _table()
"""uint8[65536], bits of each code point of the first plane."""

FULL_STOPS = (*_SENTENCES, 0x22, 0x201D)
"""What a sentence may end with."""
