"""What single values of records are, as they were read, for many at once: texts that have something odd, dates.

What is odd is left to `tamis.readers.values`, which takes one value at a time; nearly all values are not.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NO_DATE = np.iinfo(np.int64).min
"""Stands for a value that is not written like most dates."""


@njit(cache=True, nogil=True)
def odd_texts(data: np.ndarray, offsets: np.ndarray, limit: int) -> np.ndarray:
    """Whether texts hold a carriage return or NUL, begin with a byte order mark, may be blank, or are too long.

    Args:
        data: uint8, UTF-8 of the texts.
        offsets: int64[n + 1].
        limit: bytes of the longest.

    Returns:
        bool[n].
    """
    odd = np.empty(len(offsets) - 1, np.bool_)
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        at = begin
        while at < end and (data[at] < 0x21 or data[at] > 0x7E):
            at += 1
        # White space beyond ASCII is seen to elsewhere.
        strange = at == end or end - begin > limit
        if end - begin >= 3:
            strange |= data[begin] == 0xEF and data[begin + 1] == 0xBB and data[begin + 2] == 0xBF
        odd[row] = strange or _has_return_or_nul(data[begin:end])
    return odd


@njit(cache=True, nogil=True)
def _has_return_or_nul(text: np.ndarray) -> bool:
    """Whether a text holds a carriage return or NUL; without an index, which keeps the loop from wide registers."""
    found = np.uint8(0)
    for byte in text:
        found |= np.uint8(byte == 0x0D) | np.uint8(byte == 0)
    return bool(found > 0)


@njit(cache=True, nogil=True, inline="always")
def _number(data: np.ndarray, at: int, digits: int) -> np.int64:
    """The number that so many digits are; -1: they are none."""
    value = np.int64(0)
    for i in range(digits):
        digit = np.int64(data[at + i]) - 0x30
        if digit < 0 or digit > 9:
            return np.int64(-1)
        value = value * 10 + digit
    return value


@njit(cache=True, nogil=True)
def written_dates(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Seconds since 1970 of dates as most are written: int64[n], `NO_DATE` for all others.

    Understood are `2024-01-31` and `2024-01-31T23:59:59`, with a space for the T, with `Z` or an offset such as
    `+01:00` behind; of the years 1000 to 2099.

    Args:
        data: uint8, the dates.
        offsets: int64[n + 1].
    """
    found = np.full(len(offsets) - 1, NO_DATE, np.int64)
    for row in range(len(offsets) - 1):
        at = offsets[row]
        size = offsets[row + 1] - at
        if size not in (10, 19, 20, 25) or data[at + 4] != 0x2D or data[at + 7] != 0x2D:
            continue
        year, month, day = _number(data, at, 4), _number(data, at + 5, 2), _number(data, at + 8, 2)
        if year < 1000 or year > 2099 or month < 1 or month > 12 or day < 1:
            continue
        leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
        days = 31 - (month in (4, 6, 9, 11))
        if month == 2:
            days = 28 + leap
        if day > days:
            continue
        seconds = 0
        if size > 10:
            hour, minute, second = _number(data, at + 11, 2), _number(data, at + 14, 2), _number(data, at + 17, 2)
            if data[at + 10] not in (0x54, 0x20) or data[at + 13] != 0x3A or data[at + 16] != 0x3A:
                continue
            if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
                continue
            seconds = hour * 3_600 + minute * 60 + second
            if size == 20 and data[at + 19] != 0x5A:
                continue
            if size == 25:
                hour, minute = _number(data, at + 20, 2), _number(data, at + 23, 2)
                sign = data[at + 19]
                if sign not in (0x2B, 0x2D) or data[at + 22] != 0x3A:
                    continue
                if hour < 0 or hour > 23 or minute < 0 or minute > 59:
                    continue
                ahead = hour * 3_600 + minute * 60
                seconds -= ahead if sign == 0x2B else -ahead
        # Howard Hinnant's days_from_civil.
        shifted = year - (month <= 2)
        era = shifted // 400
        of_era = shifted - era * 400
        of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
        days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
        found[row] = days * 86_400 + seconds
    return found
