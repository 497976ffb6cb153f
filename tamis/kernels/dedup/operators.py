"""Operators and digits of a text column: one hash of their sequence a text, straight from Arrow's buffers.

Words alone do not tell `x < lo` from `x > lo`, nor `x + 3` from `x - 3`. What counts here: ASCII digits; the characters
`+ - * / % = < > ! & | ^ ~`; and the signs of mathematics beyond ASCII (`¬ ± × ÷`, arrows, mathematical operators, sub-
and superscript signs). Brackets, quotes, commas, semicolons, full stops and underscores do not: they change when code
is laid out anew.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tamis.kernels.hashes import absorb64, mix64

ASCII = np.zeros(128, dtype=np.bool_)
ASCII[np.frombuffer(b"0123456789+-*/%=<>!&|^~", dtype=np.uint8)] = True


@njit(cache=True, nogil=True, inline="always")
def _sign(code: int) -> bool:
    """Whether a character beyond ASCII is a sign of mathematics."""
    if code < 0x2044:
        return code in (0xAC, 0xB1, 0xD7, 0xF7)
    return (
        0x2190 <= code <= 0x22FF  # arrows, mathematical operators
        or 0x2900 <= code <= 0x2AFF
        or 0x27C0 <= code <= 0x27EF
        or 0x207A <= code <= 0x207C
        or 0x208A <= code <= 0x208C
        or code == 0x2044
    )


@njit(cache=True, nogil=True)
def operator_hashes(
    offsets: np.ndarray, data: np.ndarray, wanted: np.ndarray, ascii_signs: np.ndarray, below: int, key: np.uint64
) -> np.ndarray:
    """The hash of the sequence of operators and digits of each text.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 likewise.
        wanted: bool[n].
        ascii_signs: bool[128], `ASCII`.
        below: characters from which on a text is not short.
        key: 64-bit key.

    Returns:
        uint64[n]: 0 for texts that are not wanted; else a hash of 62 bits, then a bit that is set, and in the lowest
        bit whether the text is short.
    """
    found = np.zeros(len(wanted), dtype=np.uint64)
    for row in range(len(wanted)):
        if not wanted[row]:
            continue
        state = np.uint64(key)
        characters = 0
        for i in range(offsets[row], offsets[row + 1]):
            byte = data[i]
            if byte & 0xC0 == 0x80:
                continue
            characters += 1
            code = np.int64(0)
            if byte < 0x80:
                if ascii_signs[byte]:
                    code = np.int64(byte)
            elif 0xC2 <= byte <= 0xC3 and i + 1 < offsets[row + 1]:
                code = (np.int64(byte) & 0x1F) << 6 | (np.int64(data[i + 1]) & 0x3F)
            elif byte == 0xE2 and i + 2 < offsets[row + 1]:
                code = np.int64(0x2000) | (np.int64(data[i + 1]) & 0x3F) << 6 | (np.int64(data[i + 2]) & 0x3F)
            if code > 0 and (code < 128 or _sign(code)):
                state = absorb64(state, np.uint64(code))
        found[row] = (mix64(state) & ~np.uint64(3)) | np.uint64(2) | np.uint64(characters < below)
    return found
