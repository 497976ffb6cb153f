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
import pyarrow.compute as pc

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


class Change(NamedTuple):
    """One edit of one text, by characters: what stood at [start, end), what stands there now, and why."""

    start: int
    end: int
    replacement: str
    reason: str


def changed(text: str, changes: Sequence[Change]) -> str:
    """A text after changes that rise and do not overlap."""
    pieces: list[str] = []
    at = 0
    for change in changes:
        pieces += (text[at : change.start], change.replacement)
        at = change.end
    return "".join(pieces) + text[at:]


def then(text: str, first: Sequence[Change], second: Sequence[Change]) -> list[Change]:
    """Changes of a text, and changes of what that gave, as changes of the text.

    Args:
        text: what `first` are places of.
        first: changes that rise and do not overlap.
        second: likewise, of the text after `first`.

    Returns:
        Likewise. Where one of `second` touches what one of `first` has put in, both are one, by the reason of that.
    """
    if not first or not second:
        return list(first or second)
    between = changed(text, first)
    found: list[Change] = []
    # `shift` is from a place in `between` to the one in `text`, behind the `i` changes that are passed.
    i = j = shift = 0
    while i < len(first) or j < len(second):
        at = first[i].start - shift if i < len(first) else len(between) + 1
        until = at + len(first[i].replacement) if i < len(first) else at
        if j == len(second) or until <= second[j].start:
            found.append(first[i])
            shift += first[i].end - first[i].start - len(first[i].replacement)
            i += 1
        elif second[j].end <= at:
            start, end, replacement, reason = second[j]
            found.append(Change(start + shift, end + shift, replacement, reason))
            j += 1
        else:
            reason, of_second = first[i].reason, j
            low, high = min(at, second[j].start), max(until, second[j].end)
            begin = low + shift
            while (one := i < len(first) and first[i].start - shift < high) or (
                j < len(second) and second[j].start < high
            ):
                if one:
                    high = max(high, first[i].start - shift + len(first[i].replacement))
                    shift += first[i].end - first[i].start - len(first[i].replacement)
                    i += 1
                else:
                    high = max(high, second[j].end)
                    j += 1
            inner = [change._replace(start=change.start - low, end=change.end - low) for change in second[of_second:j]]
            found.append(Change(begin, high + shift, changed(between[low:high], inner), reason))
    return found


def in_sequence(documents: pa.Table, first: pa.Table, second: pa.Table) -> pa.Table:
    """Edits of texts, and edits of what these gave, as edits of the texts.

    Args:
        documents: n documents as they were before both.
        first: rows of `schemas.EDITS`, of `edited`; `count` and `matched_id` of rows that are joined are lost.
        second: likewise, of the documents after `first`.

    Returns:
        Rows of `schemas.EDITS`, of the documents as they were.
    """
    both = pc.unique(first["id"]).filter(pc.is_in(pc.unique(first["id"]), value_set=pc.unique(second["id"])))
    if not len(both):
        return pa.concat_tables([first, second])
    inside = [pc.is_in(rows["id"], value_set=both) for rows in (first, second)]
    texts = documents.filter(pc.is_in(documents["id"], value_set=both))
    by_id: list[dict[str, list[Change]]] = [{}, {}]
    for found, rows, mask in zip(by_id, (first, second), inside, strict=True):
        columns = [rows.filter(mask)[name].to_pylist() for name in ("id", *Change._fields)]
        for name, start, end, replacement, reason in zip(*columns, strict=True):
            found.setdefault(name, []).append(Change(start, end, replacement or "", reason))
    joined = [
        {"id": name} | change._asdict() | {"replacement": change.replacement or None}
        for name, text in zip(texts["id"].to_pylist(), texts["text"].to_pylist(), strict=True)
        for change in then(text, by_id[0][name], by_id[1][name])
        if text[change.start : change.end] != change.replacement
    ]
    apart = [rows.filter(pc.invert(mask)) for rows, mask in zip((first, second), inside, strict=True)]
    return pa.concat_tables([*apart, pa.Table.from_pylist(joined, schemas.EDITS)])


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
