"""Eight bytes of text at a time, as one little-endian uint64: most text is ASCII, and eight bytes a step read it."""

from __future__ import annotations

import numpy as np
from numba import njit

HIGH_BITS = np.uint64(0x8080808080808080)
LOW_BITS = np.uint64(0x0101010101010101)


@njit(cache=True, nogil=True, inline="always")
def eight_bytes(data: np.ndarray, i: int) -> np.uint64:
    """data[i:i + 8] as one little-endian uint64 (the compiler makes one load of it)."""
    return (
        np.uint64(data[i])
        | np.uint64(data[i + 1]) << np.uint64(8)
        | np.uint64(data[i + 2]) << np.uint64(16)
        | np.uint64(data[i + 3]) << np.uint64(24)
        | np.uint64(data[i + 4]) << np.uint64(32)
        | np.uint64(data[i + 5]) << np.uint64(40)
        | np.uint64(data[i + 6]) << np.uint64(48)
        | np.uint64(data[i + 7]) << np.uint64(56)
    )


@njit(cache=True, nogil=True, inline="always")
def ascii_run(eight: np.uint64) -> np.int64:
    """How many of eight bytes, from the first on, are ASCII letters or digits: 0 to 8."""
    low = eight & ~HIGH_BITS
    lower = low | (LOW_BITS * np.uint64(0x20))
    # A byte's high bit is set by the sum when the byte reaches the bound; no sum carries into the next byte.
    letter = (lower + LOW_BITS * np.uint64(0x80 - 0x61)) & ~(lower + LOW_BITS * np.uint64(0x80 - 0x7B))
    digit = (low + LOW_BITS * np.uint64(0x80 - 0x30)) & ~(low + LOW_BITS * np.uint64(0x80 - 0x3A))
    other = ~((letter | digit) & ~eight) & HIGH_BITS
    lowest = other & (~other + np.uint64(1))
    return np.int64(((((lowest >> np.uint64(7)) - np.uint64(1)) & LOW_BITS) * LOW_BITS) >> np.uint64(56))


@njit(cache=True, nogil=True, inline="always")
def among(eight: np.uint64, first: int, last: int) -> np.uint64:
    """The high bits of those of eight bytes that lie between two ASCII characters, both included."""
    low = eight & ~HIGH_BITS
    from_first = low + LOW_BITS * np.uint64(0x80 - first)
    return from_first & ~(low + LOW_BITS * np.uint64(0x7F - last)) & ~eight & HIGH_BITS


@njit(cache=True, nogil=True, inline="always")
def small_words(eight: np.uint64) -> tuple[np.int64, np.int64]:
    """How many of eight bytes behind a small letter go on with small letters and single spaces between them.

    Returns:
        8, or 7 where the last is a space, or 0 where anything else is among them; and how many of these are spaces.
    """
    spaces = among(eight, 0x20, 0x20)
    if among(eight, 0x61, 0x7A) | spaces != HIGH_BITS or spaces & (spaces >> np.uint64(8)):
        return np.int64(0), np.int64(0)
    last = spaces >> np.uint64(63)
    inner = (spaces >> np.uint64(7)) & (LOW_BITS >> np.uint64(8))
    return np.int64(8 - last), np.int64((inner * LOW_BITS) >> np.uint64(56))
