"""What the id of a document is: how it is made, its two numbers, its home shard, and samples drawn by it.

An id is 32 lower-case hexadecimal digits, two hashes of 64 bits: of the document's URL key (of its text where it has
no URL), and of source, URL, date and text as ingested. It is given once, by ingest. Captures of one page have the first
half in common, which decides the shard they lie in.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import hashing
from tamis.errors import SchemaError

ID_CHARACTERS = 32
"""Of an id."""
HALF_CHARACTERS = 16
"""Characters of each half."""

_HEX = np.full(256, 255, dtype=np.uint8)
_HEX[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16, dtype=np.uint8)


def _digest(purpose: bytes, *fields: str | bytes | None) -> str:
    """16 hex characters over the fields; their lengths go in too, so that no two lists of fields read the same."""
    state = blake2b(digest_size=HALF_CHARACTERS // 2, person=purpose)
    for field in fields:
        data = b"" if field is None else field if isinstance(field, bytes) else field.encode("utf-8", "surrogatepass")
        state.update(b"-" if field is None else b"%d:" % len(data))
        state.update(data)
    return state.hexdigest()


def document_key(key: str | bytes) -> str:
    """The first half of a document's id: 16 hex characters of its URL key, or of its text where there is no URL.

    Here and in `content_hash` bytes stand for the string that they are in UTF-8.
    """
    return _digest(b"tamis document", key)


def content_hash(source: str, url: str | None, date: str | int | None, text: str | bytes) -> str:
    """The second half of a document's id: 16 hex characters of (source, url, date, text as ingested).

    A null url or date differs from an empty one.
    """
    return _digest(b"tamis content", source, url, None if date is None else str(date), text)


def key_halves(keys: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """First halves of ids (16 hexadecimal digits, as in the column `parent`) as numbers: uint64[n], 0 for null.

    Raises:
        SchemaError: one does not have that form.
    """
    array = keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
    return id_halves(pc.binary_repeat(pc.fill_null(array, "0" * HALF_CHARACTERS), 2))[0]


def is_id(value: str) -> bool:
    """Whether a string has the form of an id (the name of a benchmark item, say, has another)."""
    return re.fullmatch(rf"[0-9a-f]{{{ID_CHARACTERS}}}", value) is not None


def id_halves(ids: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The two 64-bit halves of ids; their numeric order is the order of the ids.

    Returns:
        Two uint64 arrays of n values.

    Raises:
        SchemaError: an id is null or not of the form of an id.
    """
    array = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    try:
        fixed = array.cast(pa.binary()).cast(pa.binary(ID_CHARACTERS))
    except pa.ArrowInvalid as error:
        raise SchemaError(f"ids are not all 32 hexadecimal digits: {error}") from error
    if fixed.null_count:
        raise SchemaError(f"{fixed.null_count} ids are null; every document needs one")
    first, last = fixed.offset * ID_CHARACTERS, (fixed.offset + len(fixed)) * ID_CHARACTERS
    digits = _HEX[np.frombuffer(fixed.buffers()[1], dtype=np.uint8)[first:last].reshape(-1, ID_CHARACTERS)]
    if digits.size and digits.max() > 15:
        raise SchemaError("ids are not all 32 lower-case hexadecimal digits; they are given once, by ingest")
    halves = ((digits[:, ::2] << 4) | digits[:, 1::2]).astype(np.uint8).view(">u8").astype(np.uint64)
    high, low = np.ascontiguousarray(halves.T)
    return high, low


def id_strings(high: np.ndarray, low: np.ndarray) -> pa.Array:
    """Ids from their two halves: the inverse of `id_halves`."""
    digits = np.stack([high, low], axis=1).astype(">u8").tobytes().hex().encode()
    offsets = np.arange(0, ID_CHARACTERS * len(high) + 1, ID_CHARACTERS, dtype=np.int64)
    ids = pa.LargeStringArray.from_buffers(len(high), pa.py_buffer(offsets), pa.py_buffer(digits))
    return ids.cast(pa.string())


def home_shard(document_id: str, shards: int) -> int:
    """The shard that holds a document: the URL-key half of its id (that half is enough) modulo the number of shards."""
    return int(document_id[:HALF_CHARACTERS], 16) % shards


def home_shards(ids: pa.Array | pa.ChunkedArray, shards: int) -> np.ndarray:
    """`home_shard` of many ids: int64 array of the same length."""
    return homes_of(id_halves(ids)[0], shards)


def homes_of(high: np.ndarray, shards: int) -> np.ndarray:
    """`home_shard` of many ids by their first halves (uint64[n]): int64[n]."""
    return (high % np.uint64(shards)).astype(np.int64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """A bijection of 64-bit integers that spreads every bit over all (the finaliser of SplitMix64, Steele 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def keyed_hash(ids: pa.Array | pa.ChunkedArray, purpose: str, seed: int) -> np.ndarray:
    """A uniform 64-bit hash of each id under a key.

    Vectorised over the id's digits: 4 times as fast as `tamis.hashing.keyed_uint64`, which matters because plans
    read the rows of the whole pool several times. Ids are hashes already, so spreading their bits is enough.

    Args:
        ids: n document ids.
        purpose: what the hash is for; hashes of different purposes are independent.
        seed: any integer; other seeds give independent samples.

    Returns:
        uint64 array of n values.
    """
    first, second = hashing.keys(f"sampling {purpose}", 2, seed)
    high, low = id_halves(ids)
    return _mixed(_mixed(high ^ first) ^ _mixed(low ^ second) + first)
