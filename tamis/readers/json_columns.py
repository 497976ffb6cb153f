"""Columns as JSON, as `tamis.readers.values.json_bytes` writes the fields of one record.

Numbers, truths and most strings are written by Arrow; of other values each becomes a Python object for a moment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.readers.arrow_values import Unreadable, cells
from tamis.readers.values import json_text

STRINGS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
FLOATS = (pa.types.is_float32, pa.types.is_float64)

ESCAPED = r'["\\\x00-\x1f]'
"""Characters that JSON cannot hold as they are."""

ALIKE = (1e-4, 1e10)
"""From which size on, and up to which, Arrow and Python write a number in the same way."""

_string = json.JSONEncoder(ensure_ascii=False).encode


def is_strings(kind: pa.DataType) -> bool:
    """Whether values of a type are strings."""
    return any(is_one(kind) for is_one in STRINGS)


def objects(columns: Mapping[str, pa.Array], rows: int) -> tuple[pa.Array, np.ndarray]:
    """The fields of each row as one object.

    Args:
        columns: name → n values.
        rows: n.

    Returns:
        large_string[n], null where there are no columns; and which rows hold a string that is no UTF-8, bool[n].
    """
    unreadable = np.zeros(rows, np.bool_)
    if not columns:
        return pa.nulls(rows, pa.large_string()), unreadable
    parts: list[Any] = []
    for number, (name, array) in enumerate(columns.items()):
        values, wrong = _values(array)
        unreadable |= wrong
        parts += [_scalar(f"{',' if number else '{'}{_string(name)}:"), values]
    return pc.binary_join_element_wise(*parts, _scalar("}"), _scalar("")), unreadable


def _scalar(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())


def _values(array: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Values as JSON, large_string, none of them null; and which are no UTF-8."""
    kind, right = array.type, np.zeros(len(array), np.bool_)
    if array.null_count == len(array):
        return pa.repeat(_scalar("null"), len(array)), right
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return pc.cast(array, pa.large_string()).fill_null("null"), right
    if any(is_one(kind) for is_one in FLOATS):
        return decimals(array.cast(pa.float64())).fill_null("null"), right
    if is_strings(kind) and is_utf8(array):
        return _quoted(array.cast(pa.large_string())), right
    if (inner := _inside(array)) is not None:
        return inner, right
    found = cells(array)
    wrong = np.array([isinstance(one, Unreadable) for one in found], np.bool_)
    return pa.array(["" if isinstance(one, Unreadable) else json_text(one) for one in found], pa.large_string()), wrong


def _inside(array: pa.Array) -> pa.Array | None:
    """Lists and structs as JSON, of what they hold; None for others, and where something in them is no UTF-8."""
    kind = array.type
    if pa.types.is_struct(kind):
        names = [kind.field(place).name for place in range(kind.num_fields)]
        if not names or len(set(names)) < len(names):
            return None
        values, wrong = objects(dict(zip(names, array.flatten(), strict=True)), len(array))
        whole = pc.if_else(array.is_valid(), values, _scalar("null"))
        return None if wrong.any() else whole
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or kind == pa.list_(pa.null()):
        return None
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    values, wrong = _values(array.values.slice(first, last - first))
    if wrong.any():
        return None
    lists = pa.LargeListArray.from_arrays(
        pc.subtract(array.offsets.cast(pa.int64()), first), values.cast(pa.large_string()), mask=array.is_null()
    )
    joined = pc.binary_join(lists, _scalar(","))
    bracketed = pc.binary_join_element_wise(_scalar("["), joined, _scalar("]"), _scalar(""))
    return bracketed.fill_null("null")


def is_utf8(array: pa.Array) -> bool:
    """Whether all strings are valid UTF-8."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def decimals(array: pa.Array) -> pa.Array:
    """Numbers as `json_text` writes them, large_string; null for null.

    Arrow finds the same shortest digits four times as fast; it writes a power of ten elsewhere, so only what both write
    without one is left to it, and no point behind whole numbers.

    Args:
        array: float64.
    """
    written = pc.cast(array, pa.large_string())
    whole = pc.equal(array, pc.trunc(array))
    if pc.any(whole).as_py():
        written = pc.if_else(whole, pc.binary_join_element_wise(written, _scalar(".0"), _scalar("")), written)
    size = pc.abs(array)
    alike = pc.or_(pc.equal(size, 0.0), pc.and_(pc.greater_equal(size, ALIKE[0]), pc.less(size, ALIKE[1])))
    others = pc.invert(alike.fill_null(True))
    if pc.any(others).as_py():
        own = [repr(one) if isfinite(one) else json_text(one) for one in array.filter(others).to_pylist()]
        written = pc.replace_with_mask(written, others, pa.array(own, pa.large_string()))
    return written


def _quoted(array: pa.Array) -> pa.Array:
    """Strings as JSON; `null` for null."""
    quote = _scalar('"')
    quoted = pc.binary_join_element_wise(quote, array, quote, _scalar(""))
    special = pc.match_substring_regex(array, ESCAPED).fill_null(False)
    if pc.any(special).as_py():
        written = [_string(one) for one in array.filter(special).to_pylist()]
        quoted = pc.replace_with_mask(quoted, special, pa.array(written, pa.large_string()))
    return quoted.fill_null("null")
