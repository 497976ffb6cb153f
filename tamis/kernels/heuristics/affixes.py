"""Marks that `rule_words` takes off a piece of text: at its front, at its back, and between two words inside it."""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.characters import AFFIX, CURRENCY, DIGIT, ICON, LETTER, LOWER, QUOTE, UPPER
from tamis.kernels.heuristics.listed_pieces import find_sorted, span_hash

STOP = ord(".")
APOSTROPHES = tuple(map(ord, "'\u2019"))
BEFORE_STOP = tuple(map(ord, "%\u00b2+-|"))
DASHES = tuple(map(ord, "\u2013\u2014"))
FRONT_MARKS = tuple(map(ord, "\u00a7%=\u2013\u2014"))
HYPHENS = tuple(map(ord, "-\u2013\u2014~"))
LETTERS_S = tuple(map(ord, "sS"))
RELATIONS = tuple(map(ord, ":<=>/"))
SIGNS = tuple(map(ord, "+-*^"))
UNIT_ENDS = tuple(map(ord, "%\u00b2\u00b3"))


@numba.njit(cache=True, nogil=True)
def prefix_length(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> int:
    """Characters that come off the front: 0, 1, or a run of dots."""
    code = codes[start]
    if code == STOP:
        dots = 1
        while start + dots < end and codes[start + dots] == STOP:
            dots += 1
        return dots if dots > 1 else 0
    if flags[start] & (AFFIX | CURRENCY | ICON):
        return 1
    if code in FRONT_MARKS:
        return 1
    if code == 0x2B and not (start + 1 < end and flags[start + 1] & DIGIT):
        return 1
    return 0


@numba.njit(cache=True, nogil=True)
def suffix_length(codes: np.ndarray, flags: np.ndarray, start: int, end: int, units: np.ndarray) -> int:  # noqa: PLR0911 - one return a rule
    """Characters that come off the back of [start, end)."""
    last = codes[end - 1]
    flag = flags[end - 1]
    length = end - start
    if last == STOP:
        if length == 1:
            return 0
        if codes[end - 2] == STOP:
            dots = 2
            while dots < length and codes[end - 1 - dots] == STOP:
                dots += 1
            return dots
        before = codes[end - 2]
        if flags[end - 2] & (LOWER | DIGIT | AFFIX) or before in BEFORE_STOP:
            return 1
        if length > 2 and flags[end - 2] & UPPER and flags[end - 3] & UPPER:
            return 1
        return 0
    if length >= 2 and last in LETTERS_S and codes[end - 2] in APOSTROPHES:
        return 2
    if flag & (AFFIX | ICON) or last in DASHES:
        return 1
    if length >= 2 and flags[end - 2] & DIGIT and (last == 0x2B or flag & CURRENCY):
        return 1
    if length >= 2 and (flag & LETTER or last in UNIT_ENDS):
        for size in range(min(4, length - 1), 0, -1):
            if flags[end - size - 1] & DIGIT:
                if not flags[end - size] & DIGIT:
                    value = span_hash(codes, end - size, end)
                    if find_sorted(units, value) >= 0:
                        return size
    return 0


@numba.njit(cache=True, nogil=True)
def separator_length(codes: np.ndarray, flags: np.ndarray, at: int, start: int, end: int) -> int:  # noqa: PLR0911 - one return a rule
    """Length of the separator at `at` inside [start, end), 0 where there is none."""
    code = codes[at]
    flag = flags[at]
    if flag & (LETTER | DIGIT) and not flag & ICON:
        return 0
    if code == 0x2026 or flag & ICON:
        return 1
    if code == STOP:
        dots = 1
        while at + dots < end and codes[at + dots] == STOP:
            dots += 1
        if dots > 1:
            return dots
    if at == start or at + 1 >= end:
        return 0
    before = flags[at - 1]
    after = flags[at + 1]
    # between numbers: + - * ^
    if before & DIGIT and (after & DIGIT or codes[at + 1] == 0x2D) and code in SIGNS:
        return 1
    if code == STOP:
        return 1 if before & (LOWER | QUOTE) and after & (UPPER | QUOTE) else 0
    if code == 0x2C:
        return 1 if before & LETTER and after & LETTER else 0
    if code in HYPHENS:
        size = 1
        if code == 0x2D:
            while size < 3 and at + size < end and codes[at + size] == 0x2D:
                size += 1
        elif code == 0x2014 and codes[at + 1] == 0x2014:
            size = 2
        if before & (LETTER | DIGIT) and at + size < end and flags[at + size] & LETTER:
            return size
        return 0
    if code in RELATIONS:
        return 1 if before & (LETTER | DIGIT) and after & LETTER else 0
    return 0
