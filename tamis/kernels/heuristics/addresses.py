"""Web and mail addresses, which `rule_words` keeps whole."""

from __future__ import annotations

import numba
import numpy as np

from tamis.kernels.heuristics.characters import DIGIT, LETTER, LOWER

STOP = ord(".")
HOST_ENDS = tuple(map(ord, ":/?#"))
HOST_MARKS = tuple(map(ord, "-_"))


@numba.njit(cache=True, nogil=True)
def _is_host(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> bool:
    """Whether [start, end) starts with a host name or dotted number that runs to a port, a path, or the end."""
    at = start
    label = start
    dots = 0
    small = 0
    digits = True
    while at < end:
        code = codes[at]
        if code == STOP:
            if at == label or codes[at - 1] == 0x2D or codes[at - 1] == 0x5F:
                return False
            dots += 1
            label = at + 1
            small = 0
        elif code in HOST_ENDS:
            break
        elif flags[at] & DIGIT:
            small = -100
        elif (code >= 0x61 and code <= 0x7A) or (code >= 0xA1 and flags[at] & LOWER):
            small += 1
            digits = False
        elif (code >= 0x41 and code <= 0x5A) or code in HOST_MARKS or (code >= 0xA1 and code <= 0xFFFF):
            small = -100
            digits = False
        else:
            return False
        at += 1
    if dots == 0 or not (small >= 2 or (digits and dots == 3 and at > label)):
        return False
    if at < end and codes[at] == 0x3A:
        at += 1
        first = at
        while at < end and flags[at] & DIGIT:
            at += 1
        if at - first < 2 or at - first > 5:
            return False
    return at == end or codes[at] == 0x2F or codes[at] == 0x3F or codes[at] == 0x23


@numba.njit(cache=True, nogil=True)
def is_address(codes: np.ndarray, flags: np.ndarray, start: int, end: int) -> bool:
    """Whether a piece is a web or mail address as a whole."""
    dot = False
    for at in range(start + 1, end):
        if codes[at] == STOP:
            dot = True
            break
    if not dot:
        return False
    host = start
    at = start
    while at < end and (flags[at] & (LETTER | DIGIT) or codes[at] == 0x2B or codes[at] == 0x2D or codes[at] == STOP):
        at += 1
    if at - start >= 2 and at + 2 < end and codes[at] == 0x3A and codes[at + 1] == 0x2F and codes[at + 2] == 0x2F:
        host = at + 3
    if _is_host(codes, flags, host, end):
        return True
    for at in range(host + 1, end):
        if codes[at] == 0x40 and _is_host(codes, flags, at + 1, end):
            return True
    return False
