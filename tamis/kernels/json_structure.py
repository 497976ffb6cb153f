"""What a line of JSON would make, before it is parsed: how many values, and how deep."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def structure(data: np.ndarray) -> tuple[int, int]:
    """Count what stands outside of strings; any bytes will do, JSON or not.

    Args:
        data: uint8, one line.

    Returns:
        the lists and objects, and the commas between values: at least half of the values and names of the line; and
        how many lists and objects are open at once, at most.
    """
    values = 0
    depth = 0
    deepest = 0
    inside = False
    i = 0
    while i < data.size:
        byte = data[i]
        if inside:
            if byte == 0x5C:
                i += 1
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte == 0x2C:
            values += 1
        elif byte in (0x7B, 0x5B):
            values += 1
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (0x7D, 0x5D):
            depth -= 1
        i += 1
    return values, deepest
