"""Hashes inside numba: 64 bits for words and n-grams, 128 bits where equality is trusted without looking.

* `hash64`: eight bytes a step, one multiplication each. Words of the same length up to eight bytes never collide.
  For words and n-grams, where a collision costs a wrong n-gram among hundreds.
* `siphash128`: SipHash-2-4 with 128-bit output (Aumasson and Bernstein 2012), a keyed function made to withstand
  chosen inputs; about 1 GB/s. For paragraphs, lines and n-gram sets.

Every operand is cast to uint64: numba promotes a product of narrower integers without a word.
"""

from __future__ import annotations

import numpy as np
from numba import njit

MULTIPLIER = np.uint64(0x9FB21C651E98DF25)
FINAL_1 = np.uint64(0xBF58476D1CE4E5B9)
FINAL_2 = np.uint64(0x94D049BB133111EB)
BASE = np.uint64(0xD1342543DE82EF95)
"""Multiplier of rolling polynomials over word hashes (odd)."""

Pair = tuple[np.uint64, np.uint64]
State = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


@njit(cache=True, nogil=True, inline="always")
def mix64(value: np.uint64) -> np.uint64:
    """A bijection of 64 bits in which every input bit reaches every output bit (the finaliser of SplitMix64)."""
    x = np.uint64(value)
    x = (x ^ (x >> np.uint64(30))) * FINAL_1
    x = (x ^ (x >> np.uint64(27))) * FINAL_2
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def absorb64(state: np.uint64, lane: np.uint64) -> np.uint64:
    """Take eight bytes (a little-endian lane) into the state of `hash64`; a bijection of the lane."""
    x = (np.uint64(state) ^ np.uint64(lane)) * MULTIPLIER
    return x ^ (x >> np.uint64(32))


@njit(cache=True, nogil=True, inline="always")
def finish64(state: np.uint64, lane: np.uint64, length: int) -> np.uint64:
    """Close `hash64`: `lane` holds the last length % 8 bytes, `length` is the total number of bytes."""
    x = np.uint64(state)
    if length & 7 or length == 0:
        x = absorb64(x, lane)
    return mix64(x ^ np.uint64(length))


@njit(cache=True, nogil=True)
def hash64(data: np.ndarray, start: int, end: int, key: np.uint64) -> np.uint64:
    """64-bit hash of data[start:end] (uint8) under a 64-bit key."""
    state = np.uint64(key)
    lane = np.uint64(0)
    filled = np.uint64(0)
    for i in range(start, end):
        lane |= np.uint64(data[i]) << filled
        filled += np.uint64(8)
        if filled == np.uint64(64):
            state = absorb64(state, lane)
            lane = np.uint64(0)
            filled = np.uint64(0)
    return finish64(state, lane, end - start)


@njit(cache=True, nogil=True, inline="always")
def _rotate(x: np.uint64, bits: int) -> np.uint64:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@njit(cache=True, nogil=True, inline="always")
def _round(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> State:
    v0 = v0 + v1
    v1 = _rotate(v1, 13) ^ v0
    v0 = _rotate(v0, 32)
    v2 = v2 + v3
    v3 = _rotate(v3, 16) ^ v2
    v0 = v0 + v3
    v3 = _rotate(v3, 21) ^ v0
    v2 = v2 + v1
    v1 = _rotate(v1, 17) ^ v2
    v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


@njit(cache=True, nogil=True, inline="always")
def _start128(key_0: np.uint64, key_1: np.uint64) -> State:
    k0 = np.uint64(key_0)
    k1 = np.uint64(key_1)
    return (
        k0 ^ np.uint64(0x736F6D6570736575),
        k1 ^ np.uint64(0x646F72616E646F6D) ^ np.uint64(0xEE),
        k0 ^ np.uint64(0x6C7967656E657261),
        k1 ^ np.uint64(0x7465646279746573),
    )


@njit(cache=True, nogil=True, inline="always")
def _absorb128(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64, lane: np.uint64) -> State:
    v3 ^= lane
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ lane, v1, v2, v3


@njit(cache=True, nogil=True, inline="always")
def _finish128(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> Pair:
    v2 ^= np.uint64(0xEE)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= np.uint64(0xDD)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return low, v0 ^ v1 ^ v2 ^ v3


@njit(cache=True, nogil=True)
def siphash128(data: np.ndarray, start: int, end: int, key_0: np.uint64, key_1: np.uint64) -> Pair:
    """128-bit keyed hash of data[start:end] (uint8): two uint64, the low half first."""
    v0, v1, v2, v3 = _start128(key_0, key_1)
    i = start
    while i + 8 <= end:
        lane = np.uint64(0)
        for k in range(8):
            lane |= np.uint64(data[i + k]) << np.uint64(8 * k)
        v0, v1, v2, v3 = _absorb128(v0, v1, v2, v3, lane)
        i += 8
    lane = np.uint64(end - start) << np.uint64(56)
    for k in range(end - i):
        lane |= np.uint64(data[i + k]) << np.uint64(8 * k)
    v0, v1, v2, v3 = _absorb128(v0, v1, v2, v3, lane)
    return _finish128(v0, v1, v2, v3)


@njit(cache=True, nogil=True)
def siphash128_values(values: np.ndarray, start: int, end: int, key_0: np.uint64, key_1: np.uint64) -> Pair:
    """128-bit keyed hash of values[start:end] (uint64), as `siphash128` of their little-endian bytes."""
    v0, v1, v2, v3 = _start128(key_0, key_1)
    for i in range(start, end):
        v0, v1, v2, v3 = _absorb128(v0, v1, v2, v3, np.uint64(values[i]))
    v0, v1, v2, v3 = _absorb128(v0, v1, v2, v3, np.uint64(8 * (end - start)) << np.uint64(56))
    return _finish128(v0, v1, v2, v3)
