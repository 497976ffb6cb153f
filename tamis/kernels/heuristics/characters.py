"""What each code point is to the heuristic rules: one table of bit flags, looked up once a character.

Built from `unicodedata` and str's own methods (0.1 s, once a job), so that `SPACE`, `LETTER` and `LINE_BREAK` mean
exactly what `str.isspace`, `str.isalpha` and `str.splitlines` mean. `SYMBOL` and `TERMINAL` are the punctuation that
the oracle of these rules counts (datatrove 0.10; a test compares the sets).
"""

from __future__ import annotations

import functools
import unicodedata

import numba
import numpy as np

from tamis.text import SINGLE_RANGES

SPACE = 1
LETTER = 2
LOWER = 4
UPPER = 8
DIGIT = 16
AFFIX = 32
CURRENCY = 64
SYMBOL = 128
TERMINAL = 256
SENTENCE_END = 512
LINE_BREAK = 1024
PUNCTUATION = 2048
CHARACTER_WORD = 4096
QUOTE = 8192
ICON = 16384
MARK = 32768

CODE_POINTS = 0x110000

# str.splitlines; "\r\n" is one break.
LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"

QUOTES = (
    "'\"`\u2018\u2019\u201a\u201c\u201d\u201e\u00b4\u00ab\u00bb\u300c\u300d\u300e\u300f\uff08\uff09\u3014\u3015"
    "\u3010\u3011\u300a\u300b\u3008\u3009\u27e6\u27e7"
)

# Punctuation that comes off either end of a word.
OUTER = (
    ",:;!?()[]{}<>_#*&\u2026\u00bf\u00a1\u00b7\u061f\u060c\u06d4\u061b\u066a\u0964"
    "\u3002\u3001\uff1f\uff01\uff0c\uff1b\uff1a\uff5e"
)

# Unicode's Sentence_Terminal property, as ranges, with a few full stops of the same use; no ASCII.
SENTENCE_TERMINALS = (
    (0x589, 0x589),
    (0x61D, 0x61F),
    (0x6D4, 0x6D4),
    (0x700, 0x702),
    (0x7F9, 0x7F9),
    (0x837, 0x837),
    (0x839, 0x839),
    (0x83D, 0x83E),
    (0x964, 0x965),
    (0x104A, 0x104B),
    (0x1362, 0x1362),
    (0x1367, 0x1368),
    (0x166E, 0x166E),
    (0x1735, 0x1736),
    (0x17D4, 0x17D6),
    (0x17D9, 0x17DA),
    (0x1803, 0x1803),
    (0x1809, 0x1809),
    (0x1944, 0x1945),
    (0x1AA8, 0x1AAB),
    (0x1B5A, 0x1B5B),
    (0x1B5E, 0x1B5F),
    (0x1B7D, 0x1B7E),
    (0x1C3B, 0x1C3C),
    (0x1C7E, 0x1C7F),
    (0x203C, 0x203D),
    (0x2047, 0x2049),
    (0x2E2E, 0x2E2E),
    (0x2E3C, 0x2E3C),
    (0x2E53, 0x2E54),
    (0x3002, 0x3002),
    (0xA4FF, 0xA4FF),
    (0xA60E, 0xA60F),
    (0xA6F3, 0xA6F3),
    (0xA6F7, 0xA6F7),
    (0xA876, 0xA877),
    (0xA8CE, 0xA8CF),
    (0xA92F, 0xA92F),
    (0xA9C8, 0xA9C9),
    (0xAA5D, 0xAA5F),
    (0xAAF0, 0xAAF1),
    (0xABEB, 0xABEB),
    (0xFE52, 0xFE52),
    (0xFE56, 0xFE57),
    (0xFF01, 0xFF01),
    (0xFF0E, 0xFF0E),
    (0xFF1F, 0xFF1F),
    (0xFF61, 0xFF61),
    (0x10A56, 0x10A57),
    (0x10F55, 0x10F59),
    (0x10F86, 0x10F89),
    (0x11047, 0x11048),
    (0x110BE, 0x110C1),
    (0x11141, 0x11143),
    (0x111C5, 0x111C6),
    (0x111CD, 0x111CD),
    (0x111DE, 0x111DF),
    (0x11238, 0x11239),
    (0x1123B, 0x1123C),
    (0x112A9, 0x112A9),
    (0x1144B, 0x1144C),
    (0x115C2, 0x115C3),
    (0x115C9, 0x115D7),
    (0x11641, 0x11642),
    (0x1173C, 0x1173E),
    (0x11944, 0x11944),
    (0x11946, 0x11946),
    (0x11A42, 0x11A43),
    (0x11A9B, 0x11A9C),
    (0x11C41, 0x11C42),
    (0x11EF7, 0x11EF8),
    (0x11F43, 0x11F44),
    (0x16A6E, 0x16A6F),
    (0x16AF5, 0x16AF5),
    (0x16B37, 0x16B38),
    (0x16B44, 0x16B44),
    (0x16E98, 0x16E98),
    (0x1BC9F, 0x1BC9F),
    (0x1DA88, 0x1DA88),
)

# Zero-width characters, marks of the letter before them: Khmer and Burmese part words by U+200B, which is no word.
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"

# Beyond ASCII punctuation and sentence terminals, what counts as a symbol when a token is nothing but symbols.
WIDE_SYMBOLS = (
    "\u2014\u2013\u2026\u201c\u201d\u201e\u2019\u00b4\u00ab\u00bb\u2501\u2236\u25ba\u3010\u3011\u300a\u300b"
    "\u3008\u3009\u300c\u300d"
    "\u3001\u3002\uff01\uff05\uff08\uff09\uff0c\uff0e\uff11\uff1a\uff1b\uff1f\uff5e"
)


@functools.cache
def table() -> np.ndarray:
    """The flags of every code point, uint16 of length 0x110000."""
    flags = np.zeros(CODE_POINTS, np.uint16)
    for code in (*range(0x20000), *range(0xE0000, 0xE0200)):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cn":
            continue
        flag = 0
        if category[0] == "L":
            flag |= LETTER
            flag |= {"Ll": LOWER, "Lu": UPPER}.get(category, LOWER | UPPER)
        elif category[0] == "P":
            flag |= PUNCTUATION
        elif category == "Sc":
            flag |= CURRENCY
        elif category == "So":
            flag |= ICON
        elif category[0] == "M":
            flag |= MARK
        if character.isspace():
            flag |= SPACE
        flags[code] = flag
    ideographs = [chr(code).isalpha() for code in range(0x20000, 0x323B0)]
    flags[0x20000:0x323B0][ideographs] |= np.uint16(LETTER | LOWER | UPPER)
    flags[0x30:0x3A] |= np.uint16(DIGIT)
    # Scripts written without spaces: each letter is a word, as in `tamis/text.py`.
    for first, last in SINGLE_RANGES:
        part = flags[first : last + 1]
        part[part & LETTER != 0] |= np.uint16(CHARACTER_WORD)
    for first, last in SENTENCE_TERMINALS:
        flags[first : last + 1] |= np.uint16(TERMINAL | SENTENCE_END | SYMBOL)
    for characters, flag in (
        (".?!", TERMINAL | SENTENCE_END),
        (LINE_BREAKS, LINE_BREAK),
        (QUOTES, QUOTE | AFFIX),
        (OUTER, AFFIX),
        ("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", SYMBOL),
        (WIDE_SYMBOLS, SYMBOL),
        (ZERO_WIDTH, MARK),
    ):
        for character in characters:
            flags[ord(character)] |= np.uint16(flag)
    # All controls but tab and line feed are symbols, NEL and the information separators included.
    flags[[*range(9), *range(11, 32), *range(127, 160)]] |= np.uint16(SYMBOL)
    return flags


@functools.cache
def small_letters() -> np.ndarray:
    """The small letter of every code point, uint32 of length 0x110000; itself where there is none of one character."""
    letters = np.arange(CODE_POINTS, dtype=np.uint32)
    for code in range(0x20000):
        small = chr(code).lower()
        if len(small) == 1:
            letters[code] = ord(small)
    return letters


@numba.njit(cache=True, nogil=True)
def decode(data: np.ndarray, begin: int, stop: int, table: np.ndarray, codes: np.ndarray, flags: np.ndarray) -> int:
    """UTF-8 bytes [begin, stop) to code points and flags; returns how many.

    Of bytes that are no UTF-8, one that begins what does not end, or more than there are characters, is U+FFFD.
    """
    at = begin
    count = 0
    while at < stop:
        lead = np.uint32(data[at])
        if lead < 0x80:
            code = lead
            at += 1
        elif lead < 0xE0 and at + 2 <= stop:
            code = (lead & 0x1F) << 6 | data[at + 1] & 0x3F
            at += 2
        elif lead >= 0xE0 and lead < 0xF0 and at + 3 <= stop:
            code = (lead & 0x0F) << 12 | (data[at + 1] & 0x3F) << 6 | data[at + 2] & 0x3F
            at += 3
        elif lead >= 0xF0 and at + 4 <= stop:
            code = (lead & 0x07) << 18 | (data[at + 1] & 0x3F) << 12 | (data[at + 2] & 0x3F) << 6 | data[at + 3] & 0x3F
            at += 4
        else:
            code = np.uint32(0xFFFD)
            at += 1
        if code >= 0x110000:
            code = np.uint32(0xFFFD)
        codes[count] = code
        flags[count] = table[code]
        count += 1
    return count
