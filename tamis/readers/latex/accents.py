r"""Accents of TeX as the letters that they make: `\\'e` is é, `\\v{c}` is č."""

from __future__ import annotations

import re
import unicodedata

_COMBINING = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "d": "\u0323", "b": "\u0331",
    "r": "\u030a", "t": "\u0361",
}  # fmt: skip
LETTERS = {"ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å",
           "AA": "Å", "i": "i", "j": "j"}  # fmt: skip
"""Letters by the command that makes them."""

_ACCENT = re.compile(
    r"""\\(['`^"~=.])[ ]?(?:\{\\?([A-Za-z])\}|\\([ij])(?![A-Za-z])[ ]?|([A-Za-z]))"""
    r"""|\\([uvHckdbrt])(?:\{\\?([A-Za-z])\}|[ ]([A-Za-z])(?![A-Za-z]))"""
)


def composed(text: str) -> str:
    """A text with its accents composed; not for what stands in formulas."""
    if "\\" not in text:
        return text
    return _ACCENT.sub(_letter, text)


def _letter(found: re.Match[str]) -> str:
    accent = found[1] or found[5]
    letter = found[2] or found[3] or found[4] or found[6] or found[7]
    return unicodedata.normalize("NFC", letter + _COMBINING[accent])
