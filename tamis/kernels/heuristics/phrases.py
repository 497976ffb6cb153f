"""Where a phrase may begin: a screen of three characters, looked up at every place of a text.

Phrases are in small ASCII letters and are found whatever the case of letters. Five bits of a character are the same for
`A` and `a`, so three of them are an index of fifteen bits: about one place of a thousand passes, and is compared.
"""

from __future__ import annotations

import numba
import numpy as np

PLACES = 1 << 15
KELVIN = 0x212A


@numba.njit(cache=True, nogil=True)
def small(code: np.uint32) -> np.uint32:
    """ASCII letters in small; the Kelvin sign is a k, as in str.lower."""
    if code >= 0x41 and code <= 0x5A:
        return np.uint32(code + 0x20)
    return np.uint32(0x6B) if code == KELVIN else np.uint32(code)


@numba.njit(cache=True, nogil=True, inline="always")
def opening(first: np.uint32, second: np.uint32, third: np.uint32) -> np.int64:
    """Place of three characters in a screen."""
    return np.int64(
        (first & np.uint32(31)) << np.uint32(10) | (second & np.uint32(31)) << np.uint32(5) | third & np.uint32(31)
    )


@numba.njit(cache=True, nogil=True)
def openings(phrases: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """The screen of several phrases, bool[`PLACES`]; of a short one any characters may stand behind it.

    Args:
        phrases: code points in small letters, one phrase after the other.
        bounds: bounds of each phrase.
    """
    screen = np.zeros(PLACES, np.bool_)
    for phrase in range(bounds.size - 1):
        first = bounds[phrase]
        length = bounds[phrase + 1] - first
        for place in range(PLACES):
            fits = True
            for index in range(min(length, 3)):
                bits = (place >> (10 - 5 * index)) & 31
                code = phrases[first + index]
                kelvin = code == 0x6B and bits == KELVIN & 31
                fits = fits and (np.int64(code) & 31 == bits or kelvin)
            screen[place] = screen[place] or fits
    return screen
