"""Powers of the base of a polynomial modulo 2⁶⁴, from which the hash of any n-gram follows in constant time."""

from __future__ import annotations

import numba
import numpy as np

BASE = 0x9E3779B97F4A7C15
INVERSE = pow(BASE, -1, 1 << 64)

BLOCK_BITS = 11
BLOCK = 1 << BLOCK_BITS


@numba.njit(cache=True, nogil=True)
def powers_of(base: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What `power_at` needs for exponents below `count`: powers up to a block's, and those of whole blocks.

    One table of all would be 8 bytes a character of the longest document, and out of the cache for a long one.
    """
    within = np.empty(BLOCK, np.uint64)
    power = np.uint64(1)
    for place in range(BLOCK):
        within[place] = power
        power *= np.uint64(base)
    blocks = np.empty((count >> BLOCK_BITS) + 1, np.uint64)
    whole = np.uint64(1)
    for place in range(blocks.size):
        blocks[place] = whole
        whole *= power
    return within, blocks


@numba.njit(cache=True, nogil=True, inline="always")
def power_at(powers: tuple[np.ndarray, np.ndarray], exponent: int) -> np.uint64:
    """A power modulo 2⁶⁴."""
    return powers[0][exponent & (BLOCK - 1)] * powers[1][exponent >> BLOCK_BITS]
