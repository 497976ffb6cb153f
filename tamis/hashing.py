"""Keyed hashes of strings, in plain Python: what is computed once a document or once a job.

The hashes of words, lines and n-grams run inside numba (`tamis.kernels.hashes`); their keys are made here.
Every hash is keyed by its purpose, so that a position in a sample says nothing about a position in another.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

KEY_BYTES = 8


def keys(purpose: str, count: int, seed: int = 0) -> np.ndarray:
    """`count` 64-bit keys of a purpose.

    Args:
        purpose: what is hashed, for example "minhash_dedup bands".
        count: how many keys.
        seed: from the configuration; another seed gives unrelated keys.

    Returns:
        uint64[count]; the first keys do not depend on `count`.
    """
    digests = b"".join(
        blake2b(f"{seed}:{index}:{purpose}".encode(), digest_size=KEY_BYTES).digest() for index in range(count)
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def keyed_uint64(key: str, strings: Iterable[str]) -> np.ndarray:
    """A uniform 64-bit number for each string, for sampling and shuffling: uint64, in their order.

    The same key and string give the same number in every run, shard and order; another key gives an unrelated one.
    About 1 µs each. (`tamis.ids.keyed_hash` is faster, for whole ids.)
    """
    secret = blake2b(key.encode(), digest_size=32).digest()
    start = blake2b(key=secret, digest_size=KEY_BYTES)
    digests = bytearray()
    for string in strings:
        state = start.copy()
        state.update(string.encode())
        digests += state.digest()
    return np.frombuffer(bytes(digests), dtype="<u8").astype(np.uint64)
