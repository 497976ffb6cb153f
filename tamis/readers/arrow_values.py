"""Values of Arrow columns as Python objects that JSON can carry, whatever the column holds.

`pyarrow` gives up on dates beyond the year 9999, on unknown time zones, on nanoseconds without pandas, and on structs
with two fields of one name. Such values are written out as Arrow itself writes them. How much memory the objects of a
row will take is known before they are made (`weights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.readers.values import EPOCH, shorten

OBJECT_BYTES = 64
STRUCT_BYTES = 240
"""Memory of a Python object (number, string without its characters, list), and of a dictionary."""

WIDE = 4
"""Bytes that a byte of UTF-8 takes in a Python string that has one wide character."""

REFUSED = (ValueError, OverflowError, KeyError, TypeError, NotImplementedError, pa.ArrowException)
"""What `as_py` was seen to raise: besides UnicodeDecodeError, always for a value that has no Python object."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a string that is no UTF-8."""

    detail: str


def weights(array: pa.Array) -> np.ndarray:
    """About how many bytes the Python objects of each value take: float64, n."""
    if isinstance(array, pa.ExtensionArray):
        return weights(array.storage)
    if not len(array):
        return np.zeros(0)
    inside = _inside(array) if pa.types.is_nested(array.type) else _lengths(array) * WIDE
    return np.full(len(array), OBJECT_BYTES, np.float64) + inside


def _inside(array: pa.Array) -> np.ndarray | float:
    """Weight of what lists, maps and structs hold."""
    kind = array.type
    if pa.types.is_struct(kind):
        return sum((weights(array.field(index)) for index in range(kind.num_fields)), np.float64(STRUCT_BYTES))
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        inner = weights(array.values.slice(array.offset * size, len(array) * size))
        return inner.reshape(len(array), size).sum(axis=1)
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    if pa.types.is_map(kind):
        inner = OBJECT_BYTES + weights(array.keys[first:last]) + weights(array.items[first:last])
    else:
        inner = weights(array.values[first:last])
    total = np.append(0.0, np.cumsum(inner))
    offsets = array.offsets.to_numpy() - first
    return total[offsets[1:]] - total[offsets[:-1]]


def _lengths(array: pa.Array) -> np.ndarray | float:
    """Bytes of strings; 0 for numbers."""
    kind = array.type
    here = slice(array.offset, array.offset + len(array) + 1)
    if pa.types.is_dictionary(kind):
        known = np.append(weights(array.dictionary), 0.0)
        return known[pc.fill_null(pc.cast(array.indices, pa.int64()), -1).to_numpy()]
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return np.frombuffer(array.buffers()[1], np.int32)[::4][here][: len(array)].astype(np.float64)
    if pa.types.is_binary(kind) or pa.types.is_string(kind):
        return np.diff(np.frombuffer(array.buffers()[1], np.int32)[here])
    if pa.types.is_large_binary(kind) or pa.types.is_large_string(kind):
        return np.diff(np.frombuffer(array.buffers()[1], np.int64)[here])
    return float(kind.byte_width) if pa.types.is_fixed_size_binary(kind) else 0.0


def cells(array: pa.Array) -> list[Any]:
    """The values of a column, as `as_py` gives them where it can; `Unreadable` for what is no UTF-8."""
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns" and array.null_count < len(array):
        # What `as_py` gives would depend on whether pandas is there.
        return [_cell(scalar) for scalar in array]
    try:
        return list(array.to_pylist())
    except REFUSED:
        return [_cell(scalar) for scalar in array]


def moments(array: pa.Array) -> list[Any]:
    """Timestamps as datetimes in UTC, whole seconds; beyond the years 1 to 9999 as they are written."""
    parts = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[array.type.unit]
    ticks = array.view(pa.int64()).to_pylist()
    found: list[Any] = []
    for row, tick in enumerate(ticks):
        try:
            found.append(None if tick is None else EPOCH + timedelta(seconds=tick // parts))
        except OverflowError:
            found.append(_written(array[row]))
    return found


def _cell(scalar: pa.Scalar) -> Any:
    try:
        return _value(scalar)
    except UnicodeDecodeError as error:
        return Unreadable(shorten(error.reason))


def _value(scalar: pa.Scalar) -> Any:
    """A value, or as much of it as there is an object for.

    Raises:
        UnicodeDecodeError: a string is no UTF-8.
    """
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.ExtensionScalar | pa.DictionaryScalar):
        return _value(scalar.value)
    kind = scalar.type
    if pa.types.is_nested(kind):
        return _container(scalar)
    try:
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            return scalar.cast(pa.timestamp("us", kind.tz)).as_py()
        return scalar.as_py()
    except UnicodeDecodeError:
        raise
    except REFUSED:
        return _written(scalar)


def _container(scalar: pa.Scalar) -> Any:
    kind = scalar.type
    if pa.types.is_struct(kind):
        names = [kind.field(index).name for index in range(kind.num_fields)]
        values = [_value(scalar[index]) for index in range(kind.num_fields)]
        pairs = list(zip(names, values, strict=True))
        return dict(pairs) if len(set(names)) == len(names) else [list(pair) for pair in pairs]
    if pa.types.is_map(kind):
        return [[_value(pair[0]), _value(pair[1])] for pair in scalar.values]
    return [_value(item) for item in scalar.values]


def _written(scalar: pa.Scalar) -> str:
    """A moment or a duration as Arrow writes it; one with a zone in UTC, which needs no table of zones."""
    zoned = pa.types.is_timestamp(scalar.type) and scalar.type.tz is not None
    try:
        if zoned:
            scalar = scalar.cast(pa.timestamp(scalar.type.unit))
        text = str(scalar.cast(pa.string()).as_py())
    except (ValueError, pa.ArrowException):
        return str(scalar.value)
    if "out of range" in text:
        return str(scalar.value)
    return text.replace(" ", "T", 1) + ("+00:00" if zoned else "")
