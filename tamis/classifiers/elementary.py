"""The exponential and the logarithm with the same bits on every processor.

NumPy, torch and the C library each choose a version of them by the instructions that the processor has, and the
versions differ in the last bit. These are made of single additions, multiplications, divisions, comparisons and exact
scalings, which IEEE 754 defines to the bit, and NumPy runs each as an operation of its own, so that none are fused.
"""

from __future__ import annotations

import numpy as np

LOG2_E = 1.4426950408889634
# ln 2 in two parts (Cody and Waite 1980); the first ends in 32 zero bits, so its products with exponents are exact.
LN2_HIGH = 0.6931467056274414
LN2_LOW = 4.7493250390316726e-07


def exp(values: np.ndarray) -> np.ndarray:
    """The exponential of float64 values up to 709, within 2 units in the last place; 0 below -708.

    x = k ln 2 + r with |r| ≤ 0.35, and 14 terms of the series of e^r, whose rest is below 10^-17.
    """
    given = np.maximum(values, -709.0)
    power = np.rint(given * LOG2_E)
    rest = (given - power * LN2_HIGH) - power * LN2_LOW
    total = np.ones_like(rest)
    for term in range(14, 0, -1):
        total = 1.0 + total * rest / term
    # A subnormal result would be rounded a second time, and some processors are set to flush it.
    return np.where(values < -708.0, 0.0, np.ldexp(total, power.astype(np.int32)))


def log(values: np.ndarray) -> np.ndarray:
    """The natural logarithm of positive normal float64 values, within 3 units in the last place.

    x = m 2^k with m between √½ and √2, and log m = 2 artanh((m - 1) / (m + 1)) by 12 terms of its series.
    """
    part, power = np.frexp(values)
    low = part < 0.7071067811865476
    part = np.where(low, 2.0 * part, part)
    exponent = (power - low).astype(np.float64)
    ratio = (part - 1.0) / (part + 1.0)
    square = ratio * ratio
    total = np.zeros_like(ratio)
    for odd in range(23, 0, -2):
        total = total * square + 1.0 / odd
    return exponent * LN2_HIGH + (exponent * LN2_LOW + 2.0 * ratio * total)


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x) of float64 values, within some units in the last place, from 0 to 1."""
    small = exp(-np.abs(values))
    return np.where(values < 0.0, small, 1.0) / (1.0 + small)
