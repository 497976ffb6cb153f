"""The buffers of Arrow's strings as the kernels of ingest take them, nulls among them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def buffers(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Bytes and offsets of a large_string or large_binary array, of which nulls are empty.

    Returns:
        uint8[…], read-only, and int64[n + 1], which may be written to: a kernel is compiled once for each type.
    """
    _, offsets, data = array.buffers()
    bounds = np.zeros(1, np.int64)
    if len(array):
        bounds = np.frombuffer(offsets, np.int64, len(array) + 1, array.offset * 8).copy()
    return np.frombuffer(b"" if data is None else data, np.uint8), bounds


def of_parts(data: np.ndarray, offsets: np.ndarray, valid: pa.Array | None = None) -> pa.Array:
    """A large_string array of the bytes and offsets that a kernel has made, null where it is not valid.

    Args:
        data: uint8, UTF-8.
        offsets: int64[n + 1], the first 0.
        valid: bool[n].
    """
    mask = None if valid is None else valid.buffers()[1]
    parts = [mask, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, parts[1], parts[2], parts[0])
