"""Runs of numbers in a text: where one ends, and whether it may be an address, a card, a person's or a telephone's.

Most numbers of real texts are dates, sums, sections and tables. What `tamis/privacy` refuses by the lengths of its
groups, or for want of a word before them, is refused here already: a decider takes 30 us for a run, this pass .1 us.
What is left is a superset of what the deciders take; `tests/unit/privacy/test_oracle.py` holds it to them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit

DIGIT, LETTER = 1, 2
"""Classes of bytes, of `suspects.CLASSES`."""

LOOK_BACK = 64
"""Bytes before a run in which a word may say what it is: `phones.CONTEXT`, and more than `numbers.CONTEXT`."""
_SLOTS = 1 << 15


@njit(cache=True, nogil=True, inline="always")
def three(first: int, second: int, third: int) -> np.int64:
    """The slot of three bytes."""
    return (np.int64(first) * 1021 + np.int64(second) * 91 + np.int64(third)) & 0x7FFF


def slots_of(beginnings: Iterable[bytes]) -> np.ndarray:
    """bool[2^15], the slots of the first three bytes of some words."""
    table = np.zeros(_SLOTS, np.bool_)
    for one in beginnings:
        table[(one[0] * 1021 + one[1] * 91 + one[2]) & (_SLOTS - 1)] = True
    return table


_WORDS = (
    # Telephones; the last are тел, 电话, 電話, 手机, a telephone black and white, and pictures of one.
    "pho tel t\u00e9l fax mob cel cal tex txt dia con rin rea ans des wha wa. vib sms hot hel han m\u00f3v por ruf voi "
    "tol pag tlf puh \u0442\u0435\u043b \u7535\u8bdd \u96fb\u8a71 \u624b\u673a \u260e \u260f \U0001f4de \U0001f4f1 "
    # Persons.
    "ssn ss# soc ste idn tin ide tax bsn bur sof sin nas nhs hea pes aad adh uid \u0906\u0927 cpf per nir ins sec "
    "s\u00e9c"
)
WORDS = slots_of([bytes(byte | 0x20 for byte in word.encode()[:3]) for word in _WORDS.split(" ")] + [b"ss "])
"""Of the words of `phones._PHONE`, `phones._IN_ADDRESS` and `numbers.SCHEMES`, in small letters."""


@njit(cache=True, nogil=True)
def separator(data: np.ndarray, i: int, end: int) -> int:
    """Bytes of the separator of digits at i, 0 where there is none: blank - . / ( ), fixed blanks, hyphens."""
    byte = data[i]
    if byte == 0x20 or (byte >= 0x28 and byte <= 0x29) or (byte >= 0x2D and byte <= 0x2F):
        return 1
    if byte == 0xC2 and i + 1 < end and data[i + 1] == 0xA0:
        return 2
    if byte == 0xE2 and i + 2 < end:
        second, third = data[i + 1], data[i + 2]
        # U+2007 to U+2014, U+202F.
        if second == 0x80 and ((third >= 0x87 and third <= 0x94) or third == 0xAF):
            return 3
    return 0


@njit(cache=True, nogil=True)
def run_at(data: np.ndarray, i: int, end: int, classes: np.ndarray) -> tuple[int, int, int]:
    """End, digits and groups of the run of numbers at i."""
    digits = 0
    groups = 0
    last = i
    while i < end:
        while i < end and classes[data[i]] & DIGIT:
            i += 1
            digits += 1
        groups += 1
        last = i
        blanks = 0
        for _ in range(3):
            if i >= end:
                break
            width = separator(data, i, end)
            if width == 0:
                break
            if data[i] == 0x20:
                blanks += 1
            i += width
        if i == last or i >= end or not classes[data[i]] & DIGIT or (blanks == 2 and i - last == 2):
            break
    return last, digits, groups


@njit(cache=True, nogil=True)
def is_date(data: np.ndarray, i: int, end: int, classes: np.ndarray) -> bool:
    """Whether a date begins at i: 4-2-2 digits with hyphens."""
    if i + 10 > end or data[i + 4] != 0x2D or data[i + 7] != 0x2D or data[i + 5] > 0x31 or data[i + 8] > 0x33:
        return False
    for place in (0, 1, 2, 3, 5, 6, 8, 9):
        if not classes[data[i + place]] & DIGIT:
            return False
    after = data[i + 10] if i + 10 < end else 0
    return not classes[after] & DIGIT and after != 0x2D


@njit(cache=True, nogil=True)
def _named(data: np.ndarray, start: int, begin: int, classes: np.ndarray, words: np.ndarray) -> bool:
    """Whether a word that may say what a number is begins in the bytes before it; one word in 200 does by chance."""
    first = max(begin, start - LOOK_BACK)
    before = data[start - 1] if start > begin else 0
    # In a URL it need not begin a word: ?userphone=
    anywhere = before == 0x3D or before == 0x2F or before == 0x3A
    inside = False
    for i in range(first, start - 2):
        byte = data[i]
        letter = classes[byte] & LETTER != 0
        if byte >= 0x80 or (letter and (anywhere or not inside)):
            second, third = data[i + 1], data[i + 2]
            if words[three(byte | 0x20, second | 0x20, third | 0x20)]:
                return True
            if byte | 0x20 == 0x70 and second | 0x20 == 0x68 and not classes[third] & LETTER:  # ph
                return True
        inside = letter
    return False


@njit(cache=True, nogil=True)
def may_be_private(
    data: np.ndarray, i: int, last: int, begin: int, end: int, digits: int, classes: np.ndarray, words: np.ndarray
) -> bool:
    """Whether the run of numbers in [i, last) may be private, by the lengths of its groups or by a word before it."""
    start = i
    seen = 0  # digits of the groups before
    one, two = 0, 0  # lengths of the last group and of that before it
    dotted = 0  # groups of up to three digits with dots between
    dot = joined = False
    may = False
    while not may:
        first = i
        while i < last and classes[data[i]] & DIGIT:
            i += 1
        size = i - first
        left = digits - seen
        dotted = (dotted + 1 if dot else 1) if size <= 3 else 0
        # Addresses, cards, and numbers of persons that need no word: 3-2-4, 3-3-3-2, 13-2, 6-4, 6-7; 3-3-4, 6-4 and 3-7
        # are telephones of North America.
        may = dotted >= 4 or size >= 12 or (one == 4 and size >= 4 and digits >= 12)
        may |= one == 3 and (size == 7 or (two == 3 and (size == 2 or size == 4)))
        may |= (
            (two == 3 and one == 2 and size == 4)
            or (one == 6 and (size == 4 or size == 7))
            or (one == 13 and size == 2)
        )
        # 0 before the code of an area, 00 before that of a country; behind a dot or hyphen no number begins.
        if size > 1 and data[first] == 0x30 and not joined:
            if data[first + 1] == 0x30:
                may |= left >= 7 and size > 2
            else:
                may |= left >= 9 and size < 6 and i < last
        if i >= last:
            # Spain's number and letter.
            if size >= 7 and size <= 8 and last < end:
                after = data[last + 1] if data[last] == 0x2D and last + 1 < end else data[last]
                may |= classes[after] & LETTER != 0
            break
        between = i
        while not classes[data[i]] & DIGIT:
            # The code of an area in brackets.
            may |= data[i] == 0x29 and digits >= 9
            i += 1
        dot = i - between == 1 and data[between] == 0x2E
        joined = dot or (i - between == 1 and data[between] == 0x2D)
        seen += size
        two, one = one, size
    if may or digits < 7:
        return may
    while start > begin and data[start - 1] == 0x28:
        start -= 1
    # + before the code of a country.
    return (start > begin and data[start - 1] == 0x2B) or _named(data, start, begin, classes, words)
