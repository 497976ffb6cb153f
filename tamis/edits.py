"""The one way to change a text: spans are cut out or replaced, and each leaves a row of `tamis.schemas.EDITS`.

A stage finds spans of bytes (`Spans`) and says why they go; `edited` gives the documents with their new text and the
rows, which `tamis.ledger` checks and writes. The rows are the whole difference: characters [start, end) of the text as
the stage read it, and what stands there now. A replaced span counts its old characters as cut and its new ones as
added (`tamis/stats.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tamis import schemas
from tamis.errors import ConservationError
from tamis.shards import read_table


class Spans(NamedTuple):
    """Spans of the texts of n documents: ordered by row, then place, not overlapping, on character boundaries.

    rows: int64[k], row of each span's document.
    starts, ends: int64[k], its first byte and the byte after its last in the text column's data
        (`tamis.kernels.words.buffers`). An empty span is a place; no two are the same.
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def merged(spans: Spans, count: np.ndarray) -> tuple[Spans, np.ndarray]:
    """Spans of one document that touch as one, with the largest of their counts.

    Args:
        spans: k spans.
        count: k numbers.
    """
    rows, starts, ends = spans
    if not len(rows):
        return spans, count
    begin = np.flatnonzero(np.r_[True, (rows[1:] != rows[:-1]) | (starts[1:] != ends[:-1])])
    finish = np.r_[begin[1:], len(rows)] - 1
    return Spans(rows[begin], starts[begin], ends[finish]), np.maximum.reduceat(count, begin)


def _check(offsets: np.ndarray, data: np.ndarray, spans: Spans) -> None:
    """Refuse spans that the kernels would read wrongly."""
    rows, starts, ends = spans
    inside = (rows >= 0) & (rows < len(offsets) - 1)
    row = np.where(inside, rows, 0)
    inside &= (starts >= offsets[row]) & (starts <= ends) & (ends <= offsets[np.minimum(row + 1, len(offsets) - 1)])
    ordered = (rows[1:] > rows[:-1]) | (
        (rows[1:] == rows[:-1]) & (starts[1:] >= ends[:-1]) & ((starts[1:] > starts[:-1]) | (ends[1:] > ends[:-1]))
    )
    # What continues a character is no boundary; the end of the data is one.
    places = np.concatenate([starts, ends])[np.r_[inside, inside]]
    places = places[places < len(data)]
    whole = (data[places] & 0xC0) != 0x80
    if not (inside.all() and ordered.all() and whole.all()):
        msg = (
            f"of {len(rows)} edits, {int((~inside).sum())} lie outside of their documents, {int((~ordered).sum())} "
            f"overlap or are out of order and {int((~whole).sum())} ends split a character; this is a defect of the "
            "stage, nothing was written"
        )
        raise ConservationError(msg)


def edited(
    documents: pa.Table,
    spans: Spans,
    reason: str | Sequence[str],
    *,
    count: np.ndarray | None = None,
    matched_id: pa.Array | None = None,
    replacement: Sequence[str | None] | pa.Array | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Cut spans out of texts, or put others in their place.

    Args:
        documents: n documents.
        spans: k spans of their texts.
        reason: why they go, one for all or k.
        count: k numbers, where the stage counts something (documents that hold the span, say).
        matched_id: k ids, where a span matched another document.
        replacement: k strings, null for a cut; None where all are cut.

    Returns:
        The n documents with their new text, and the k rows of `schemas.EDITS`.

    Raises:
        ConservationError: spans overlap, are out of order, or do not lie in their documents.
    """
    if not len(spans.rows):
        return documents, schemas.empty(schemas.EDITS)
    from tamis.kernels.spans import characters_of, replace_spans
    from tamis.kernels.words import buffers

    offsets, data = buffers(documents["text"])
    _check(offsets, data, spans)
    put_in = None if replacement is None else pa.array(replacement, pa.string())
    text = replace_spans(offsets, data, *spans, None if put_in is None else put_in.fill_null(""))
    start, end = characters_of(offsets, data, *spans)
    nothing = pa.nulls(len(start))
    columns = {
        "id": documents["id"].take(pa.array(spans.rows)),
        "start": start,
        "end": end,
        "replacement": nothing if put_in is None else put_in,
        "reason": pa.array([reason] * len(start) if isinstance(reason, str) else reason, pa.string()),
        "count": nothing if count is None else count,
        "matched_id": nothing if matched_id is None else matched_id,
    }
    after = documents.set_column(documents.schema.get_field_index("text"), "text", text)
    return after, pa.table(columns).cast(schemas.EDITS)


def read_edits(path: Path) -> pa.Table:
    """Read an edits file; columns that files of an earlier version do not have are null.

    Raises:
        SourceError: the file is missing or damaged.
    """
    table = read_table(path)
    for field in schemas.EDITS:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schemas.EDITS.names)
