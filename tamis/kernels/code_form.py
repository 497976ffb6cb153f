"""What tells source code from text written for people, in one pass over the bytes of a text.

Shares of punctuation, of what lines begin and end with, and of pairs that programs are full of: a call, an attribute,
a name with an underscore or a capital inside, an operator. Nothing asks for one programming language.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.eight_bytes import eight_bytes, small_words

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
FIRST = ("lower", "upper", "digit", "#", "/", "*", "-", "<", "@", "closing", "quote", ".", ";", "%", "beyond", "other")
LAST = (
    "lower",
    "upper",
    "digit",
    ";",
    "{",
    "}",
    ")",
    ",",
    ":",
    ".",
    "!?",
    "(",
    ">",
    "=",
    "\\",
    "quote",
    "beyond",
    "other",
)
PAIRS = (
    "word space word", "word(", "word.word", "word_word", "aB", "==", "::", "->", "=>", "//", "&&", "||", " = ", ");",
    "()", "[]", "{}", ", word", "</", "/>", "--", ":=", "+=", "word[", "$word", "@word", "%word", "#word", "!=",
    "word:word", "digit,", "word = ",
)  # fmt: skip
OTHERS = (
    "letters",
    "capitals",
    "digits",
    "beyond ASCII",
    "indented lines",
    "tabs",
    "line length",
    "short lines",
    "blank lines",
)

NAMES = (
    *(f"punctuation {one}" for one in PUNCTUATION),
    *(f"first {one}" for one in FIRST),
    *(f"last {one}" for one in LAST),
    *(f"pair {one}" for one in PAIRS),
    *OTHERS,
)
"""Names of the figures, in their order."""

_AT_FIRST = len(PUNCTUATION)
_AT_LAST = _AT_FIRST + len(FIRST)
_AT_PAIRS = _AT_LAST + len(LAST)
_AT_OTHERS = _AT_PAIRS + len(PAIRS)
_COUNT = _AT_OTHERS + len(OTHERS)

_PLACE = np.full(256, -1, np.int64)
for _number, _one in enumerate(PUNCTUATION):
    _PLACE[ord(_one)] = _number


def _places(names: tuple[str, ...], groups: dict[str, str]) -> np.ndarray:
    """For each byte its place among some classes of bytes."""
    place = np.full(256, names.index("other"), np.int64)
    place[0x80:] = names.index("beyond")
    place[ord("a") : ord("z") + 1] = names.index("lower")
    place[ord("A") : ord("Z") + 1] = names.index("upper")
    place[ord("0") : ord("9") + 1] = names.index("digit")
    for number, name in enumerate(names):
        for one in groups.get(name, name if len(name) == 1 else ""):
            place[ord(one)] = number
    return place


_FIRST = _places(FIRST, {"closing": "})]", "quote": "\"'`"})
_LAST = _places(LAST, {"!?": "!?", "quote": "\"'`"})

SHORT_LINE = 30

LINES = 3
"""Lines that a text must have to be told by its form."""


@njit(cache=True, nogil=True)
def _letter(byte: int) -> bool:
    return (byte >= 0x61 and byte <= 0x7A) or (byte >= 0x41 and byte <= 0x5A) or byte >= 0x80


@njit(cache=True, nogil=True)
def figures(data: np.ndarray) -> np.ndarray:
    """The figures of a text, float32[len(NAMES)]: roots of shares, of 0 to 1, and the logarithm of the line length.

    Args:
        data: uint8, UTF-8 of the text.
    """
    counts = np.zeros(_COUNT, np.float64)
    size = data.size
    visible = 0
    lines = 0
    blank = 0
    letters = 0
    capitals = 0
    digits = 0
    beyond = 0
    tabs = 0
    fence = 0
    begin = 0
    while begin < size:
        end = begin
        while end < size and data[end] != 0x0A:
            end += 1
        first = begin
        while first < end and data[first] <= 0x20:
            first += 1
        if first == end:
            blank += 1
            begin = end + 1
            continue
        last = end - 1
        while data[last] <= 0x20:
            last -= 1
        lines += 1
        ticks = first
        while ticks <= last and data[ticks] == 0x60:
            ticks += 1
        ticks -= first
        # What a page quotes between fences does not make it a program. A fence ends with one as long, and nothing else.
        if fence:
            if ticks >= fence and first + ticks > last:
                fence = 0
            lines -= 1
            begin = end + 1
            continue
        if ticks >= 3:
            fence = ticks
            begin = end + 1
            continue
        counts[_AT_FIRST + _FIRST[data[first]]] += 1
        counts[_AT_LAST + _LAST[data[last]]] += 1
        counts[_AT_OTHERS + 4] += first > begin
        counts[_AT_OTHERS + 7] += last - first < SHORT_LINE
        tabs += first > begin and data[begin] == 0x09
        at = first - 1
        while at < last:
            at += 1
            byte = data[at]
            if byte >= 0x61 and byte <= 0x7A and at > first and data[at - 1] != 0x20:
                # Small letters inside a word, which are most of a text, count and mean nothing else.
                start = at
                spaces = 0
                while True:
                    while at + 8 <= last:
                        passed, between = small_words(eight_bytes(data, at + 1))
                        if not passed:
                            break
                        at += passed
                        spaces += between
                    while at < last and data[at + 1] >= 0x61 and data[at + 1] <= 0x7A:
                        at += 1
                    # So do the words behind it that are small too, but for the spaces between.
                    if at + 2 > last or data[at + 1] != 0x20 or data[at + 2] < 0x61 or data[at + 2] > 0x7A:
                        break
                    at += 2
                    spaces += 1
                visible += at - start + 1 - spaces
                letters += at - start + 1 - spaces
                counts[_AT_PAIRS] += spaces
                continue
            if byte <= 0x20:
                continue
            # A character counts once.
            if byte & 0xC0 == 0x80:
                continue
            visible += 1
            before = data[at - 1] if at > first else 0x20
            after = data[at + 1] if at < last else 0x20
            place = _PLACE[byte]
            if place < 0:
                if byte >= 0x80:
                    beyond += 1
                elif byte >= 0x30 and byte <= 0x39:
                    digits += 1
                    counts[_AT_PAIRS + 30] += after == 0x2C
                else:
                    letters += 1
                    if byte <= 0x5A:
                        capitals += 1
                        counts[_AT_PAIRS + 4] += before >= 0x61 and before <= 0x7A
                if before == 0x20 and at - 2 >= first and _letter(data[at - 2]) and _letter(byte):
                    counts[_AT_PAIRS] += 1
                elif before == 0x20 and at - 2 >= first and data[at - 2] == 0x2C and _letter(byte):
                    counts[_AT_PAIRS + 17] += 1
                continue
            counts[place] += 1
            word_before = _letter(before)
            word_after = _letter(after)
            if byte == 0x28:
                counts[_AT_PAIRS + 1] += word_before
                counts[_AT_PAIRS + 14] += after == 0x29
            elif byte == 0x2E:
                counts[_AT_PAIRS + 2] += word_before and after >= 0x61 and after <= 0x7A
            elif byte == 0x5F:
                counts[_AT_PAIRS + 3] += word_before and word_after
            elif byte == 0x3D:
                counts[_AT_PAIRS + 5] += after == 0x3D
                counts[_AT_PAIRS + 8] += after == 0x3E
                counts[_AT_PAIRS + 12] += before == 0x20 and after == 0x20
                counts[_AT_PAIRS + 31] += before == 0x20 and after == 0x20 and at - 2 >= first and _letter(data[at - 2])
            elif byte == 0x3A:
                counts[_AT_PAIRS + 6] += after == 0x3A
                counts[_AT_PAIRS + 21] += after == 0x3D
                counts[_AT_PAIRS + 29] += word_before and word_after
            elif byte == 0x2D:
                counts[_AT_PAIRS + 7] += after == 0x3E
                counts[_AT_PAIRS + 20] += after == 0x2D
            elif byte == 0x2F:
                counts[_AT_PAIRS + 9] += after == 0x2F and before != 0x3A
                counts[_AT_PAIRS + 19] += after == 0x3E
            elif byte == 0x26:
                counts[_AT_PAIRS + 10] += after == 0x26
            elif byte == 0x7C:
                counts[_AT_PAIRS + 11] += after == 0x7C
            elif byte == 0x29:
                counts[_AT_PAIRS + 13] += after == 0x3B
            elif byte == 0x5B:
                counts[_AT_PAIRS + 15] += after == 0x5D
                counts[_AT_PAIRS + 23] += word_before
            elif byte == 0x7B:
                counts[_AT_PAIRS + 16] += after == 0x7D
            elif byte == 0x3C:
                counts[_AT_PAIRS + 18] += after == 0x2F
            elif byte == 0x2B:
                counts[_AT_PAIRS + 22] += after == 0x3D
            elif byte == 0x24:
                counts[_AT_PAIRS + 24] += word_after
            elif byte == 0x40:
                counts[_AT_PAIRS + 25] += word_after and not word_before
            elif byte == 0x25:
                counts[_AT_PAIRS + 26] += word_after
            elif byte == 0x23:
                counts[_AT_PAIRS + 27] += word_after
            elif byte == 0x21:
                counts[_AT_PAIRS + 28] += after == 0x3D
        begin = end + 1
    of_visible = 1.0 / max(visible, 1)
    of_lines = 1.0 / max(lines, 1)
    for place in range(_COUNT):
        if place < _AT_FIRST or (place >= _AT_PAIRS and place < _AT_OTHERS):
            counts[place] *= of_visible
        else:
            counts[place] *= of_lines
    counts[_AT_OTHERS] = letters * of_visible
    counts[_AT_OTHERS + 1] = capitals * of_visible
    counts[_AT_OTHERS + 2] = digits * of_visible
    counts[_AT_OTHERS + 3] = beyond * of_visible
    counts[_AT_OTHERS + 5] = tabs * of_lines
    counts[_AT_OTHERS + 8] = blank / max(lines + blank, 1)
    result = np.sqrt(counts).astype(np.float32)
    result[_AT_OTHERS + 6] = np.log1p(visible * of_lines) / 8
    return result


@njit(cache=True, nogil=True)
def scores(data: np.ndarray, bounds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted sum of the figures of many texts: float64[n]; minus infinity for a text of less than three lines.

    Args:
        data: uint8, UTF-8 of the texts.
        bounds: int64[n, 2], where each begins and ends.
        weights: float64[len(NAMES)].
    """
    found = np.empty(len(bounds), np.float64)
    for row in range(len(bounds)):
        text = data[bounds[row, 0] : bounds[row, 1]]
        breaks = 0
        for byte in text:
            breaks += byte == 0x0A
            if breaks == LINES - 1:
                break
        # Empty lines count too: what is ruled out here is shorter still.
        if breaks < LINES - 1:
            found[row] = -np.inf
            continue
        of_text = figures(text)
        total = 0.0
        for place in range(len(weights)):
            total += of_text[place] * weights[place]
        found[row] = total
    return found
