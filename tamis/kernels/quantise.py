"""Numbers to 8-bit integers, a column at a time with its own zero."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def quantise(values: np.ndarray, slope: np.float32, offset: np.ndarray, source: np.ndarray, found: np.ndarray) -> None:
    """Round values to integers from 0 to 255; what lies beyond is cut off. Half is rounded up.

    Args:
        values: float32, n × k, without NaN.
        slope: integers a unit of the values.
        offset: float32, m: what stands for zero in each column of the result.
        source: int32, m: the column of the values that each column is made of; the first k are their own.
        found: uint8, n × m, written.
    """
    width = values.shape[1]
    half, low, high = np.float32(0.5), np.float32(0.0), np.float32(255.5)
    for row in range(values.shape[0]):
        for column in range(width):
            value = values[row, column] * slope + offset[column] + half
            found[row, column] = np.uint8(np.int32(min(max(value, low), high)))
        for column in range(width, len(source)):
            value = values[row, source[column]] * slope + offset[column] + half
            found[row, column] = np.uint8(np.int32(min(max(value, low), high)))
