"""Scratch memory of kernels: it grows with the largest document and is never given back in between."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, inline="always")
def grown(array: np.ndarray, size: int) -> np.ndarray:
    """The array itself, or one of at least twice its size without its contents."""
    if size <= len(array):
        return array
    return np.empty(max(size, 2 * len(array)), array.dtype)


@njit(cache=True, nogil=True, inline="always")
def power_of_two(least: int) -> int:
    """The smallest power of two, at least 2, that is not below `least`."""
    size = 2
    while size < least:
        size *= 2
    return size
