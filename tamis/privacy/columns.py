"""Private values in what goes with a text: its URL and the fields of its source (`metadata`).

Only what has a form of its own is looked for there (`SURE`): ids and times in such fields look like telephones. In
`metadata`, which is JSON, values are replaced in strings and names as they read, not in the escapes that they are
written in.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.privacy.kinds import PrivateKind

SURE: tuple[PrivateKind, ...] = ("secret", "url_credentials", "email")


def without(
    column: pa.ChunkedArray, chosen: np.ndarray, kinds: Collection[PrivateKind], names: dict[str, str], *, blank: bool
) -> tuple[pa.ChunkedArray, int]:
    """Count private values of a column, and put typed placeholders in their place.

    Args:
        column: n strings or nulls.
        chosen: bool[n], rows that are looked at.
        kinds: what is looked for, of which those in `SURE` count.
        names: what placeholders call the kinds.
        blank: whether values are replaced; else only rows are counted.

    Returns:
        The column, the same where nothing is replaced; rows that hold a value.
    """
    from tamis.privacy.detect import private_spans

    looked_for = [kind for kind in SURE if kind in kinds]
    if not looked_for:
        return column, 0
    spans, _ = private_spans(column.cast(pa.large_string()).fill_null(""), chosen, looked_for, ())
    rows = np.unique(spans.rows).tolist()
    if not rows or not blank:
        return column, len(rows)
    values = column.to_pylist()
    for row in rows:
        values[row] = _blanked(values[row], looked_for, names)
    return pa.chunked_array([pa.array(values, column.type)]), len(rows)


def _blanked(value: str, kinds: Collection[PrivateKind], names: dict[str, str]) -> str:
    """A value without what is private: JSON field by field, anything else as it stands."""

    def walked(of: Any) -> Any:
        if isinstance(of, str):
            return _replaced(of, kinds, names)
        if isinstance(of, list):
            return [walked(one) for one in of]
        return {walked(name): walked(one) for name, one in of.items()} if isinstance(of, dict) else of

    try:
        fields = json.loads(value)
    except ValueError:
        return _replaced(value, kinds, names)
    return (
        json.dumps(walked(fields), ensure_ascii=False)
        if isinstance(fields, dict | list)
        else _replaced(value, kinds, names)
    )


def _replaced(text: str, kinds: Collection[PrivateKind], names: dict[str, str]) -> str:
    from tamis.privacy.detect import private_spans

    data = text.encode()
    spans, found = private_spans(pa.array([text], pa.large_string()), np.ones(1, bool), kinds, ())
    pieces, at = [], 0
    for start, end, kind in zip(spans.starts.tolist(), spans.ends.tolist(), found, strict=True):
        pieces += [data[at:start], f"[{names[kind]}]".encode()]
        at = end
    return b"".join([*pieces, data[at:]]).decode()
