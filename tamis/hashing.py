"""Keyed hashes of ids and texts, in plain Python: what is computed once a document or once a job.

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


def keyed_uint64(key: str, ids: Iterable[str]) -> np.ndarray:
    """A uniform 64-bit number for each id, for sampling and shuffling: uint64, in the order of `ids`.

    The same key and id give the same number in every run, shard and order; another key gives an unrelated one.
    About 1 µs an id.
    """
    secret = blake2b(key.encode(), digest_size=32).digest()
    start = blake2b(key=secret, digest_size=KEY_BYTES)
    digests = bytearray()
    for name in ids:
        state = start.copy()
        state.update(name.encode())
        digests += state.digest()
    return np.frombuffer(bytes(digests), dtype="<u8").astype(np.uint64)


def _digest(purpose: bytes, *fields: str | None) -> str:
    """16 hex characters over the fields; their lengths go in too, so that no two lists of fields read the same."""
    state = blake2b(digest_size=KEY_BYTES, person=purpose)
    for field in fields:
        data = b"" if field is None else field.encode("utf-8", "surrogatepass")
        state.update(b"-" if field is None else f"{len(data)}:".encode())
        state.update(data)
    return state.hexdigest()


def document_key(key: str) -> str:
    """The first half of a document's id: 16 hex characters of its URL key, or of its text where there is no URL."""
    return _digest(b"tamis document", key)


def content_hash(source: str, url: str | None, date: str | int | None, text: str) -> str:
    """The second half of a document's id: 16 hex characters of (source, url, date, text as ingested).

    A null url or date differs from an empty one.
    """
    return _digest(b"tamis content", source, url, None if date is None else str(date), text)
