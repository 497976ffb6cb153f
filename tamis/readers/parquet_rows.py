"""Rows of Parquet as documents: one by one, or in columns, which gives the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.arrow_buffers import buffers
from tamis.extraction import Extraction, Refused
from tamis.readers import json_columns
from tamis.readers.arrow_values import Unreadable, cells, moments, weights
from tamis.readers.column_names import ColumnSource
from tamis.readers.columns import UNKNOWN, Columns, RawColumns, apart, dates_of, kinds_named, moment
from tamis.readers.html import text_in
from tamis.readers.record import URL_CHARACTERS, Record, Skip, make
from tamis.readers.said import kinds_said
from tamis.readers.values import parse_date
from tamis.schemas import KINDS

CELL_BYTES = 16 << 20
"""Rows become Python objects together up to this size."""

TOGETHER_BYTES = 8 << 20
DECODED_BYTES = 16 << 20
JOINED_ROWS = 2_048
"""Text of the rows that become columns together, memory of what their dictionaries stand for, and how many rows of
batches are joined to that end."""

ROW_BYTES = 256 << 20
"""Memory of the metadata of one row as Python objects, at most."""

FIRST_SECOND, LAST_SECOND = -62_135_596_800, 4_133_980_799
"""Of the years 1 to `tamis.readers.values.LAST_YEAR`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file.

    Attributes:
        rows: the wanted columns.
        metadata: names of those that are kept as metadata.
        where: path of the file.
        number: of the first row, from 1.
    """

    rows: pa.RecordBatch
    metadata: Sequence[str]
    where: str
    number: int

    def column(self, name: str) -> pa.Array:
        """The values of a column."""
        return self.rows.column(self.rows.schema.get_field_index(name))

    def slice(self, start: int, stop: int) -> Batch:
        """The rows from one on, before another."""
        return Batch(self.rows.slice(start, stop - start), self.metadata, self.where, self.number + start)


def joined(batches: Iterable[Skip | Batch]) -> Iterator[Skip | Batch]:
    """Batches that follow each other as one, up to `JOINED_ROWS` rows and `TOGETHER_BYTES`.

    What may be long is decoded a few rows at a time, and mostly turns out short; each batch has a price of its own.
    """
    waiting: list[Batch] = []
    rows = size = 0

    def whole() -> Iterator[Batch]:
        if waiting:
            first = waiting[0]
            table = first.rows if len(waiting) == 1 else pa.concat_batches([batch.rows for batch in waiting])
            waiting.clear()
            yield Batch(table, first.metadata, first.where, first.number)

    for item in batches:
        batch = None if isinstance(item, Skip) else _decoded(item)
        if batch is None or rows + batch.rows.num_rows > JOINED_ROWS or size + batch.rows.nbytes > TOGETHER_BYTES:
            yield from whole()
            rows = size = 0
        if batch is None:
            yield item
        else:
            waiting.append(batch)
            rows, size = rows + batch.rows.num_rows, size + batch.rows.nbytes
    yield from whole()


def _decoded(batch: Batch) -> Batch | None:
    """A batch without dictionaries, which differ from one to the next; None where that takes much memory."""
    arrays = list(batch.rows.columns)
    for place, array in enumerate(arrays):
        plain = _plain(array.type)
        if plain != array.type:
            if weights(array).sum() > DECODED_BYTES:
                return None
            try:
                arrays[place] = array.cast(plain)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                return None
    rows = pa.RecordBatch.from_arrays(arrays, names=batch.rows.schema.names)
    return Batch(rows, batch.metadata, batch.where, batch.number)


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type with the values of a dictionary in its place."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in map(kind.field, range(kind.num_fields))])
    return kind


def one_by_one(batch: Batch, source: ColumnSource, html: Extraction | None) -> Iterator[Record | Skip]:
    """The documents of a batch, in the order of its rows.

    Args:
        batch: the rows.
        source: section of their source.
        html: how the text is taken out of HTML, if it is that.
    """
    for some in _light(batch, source, CELL_BYTES):
        if isinstance(some, Skip):
            yield some
        else:
            yield from _records(some, source, html, range(some.rows.num_rows))


def together(batch: Batch, source: ColumnSource, html: Extraction | None) -> Iterator[Record | Skip | Columns]:
    """As `one_by_one`, most documents in columns."""
    for some in _light(batch, source, TOGETHER_BYTES):
        if isinstance(some, Skip):
            yield some
            continue
        raw = None if html is not None else _raw(some, source)
        if raw is None:
            yield from _records(some, source, html, range(some.rows.num_rows))
            continue
        columns, left = apart(raw, source.max_document_bytes, URL_CHARACTERS)
        if len(columns):
            yield columns
        if len(left):
            yield from _records(some, source, html, left.tolist())


def _light(batch: Batch, source: ColumnSource, text_bytes: int) -> Iterator[Skip | Batch]:
    """A batch in parts that may become Python objects, or why a row may not.

    Args:
        batch: the rows.
        source: section of their source.
        text_bytes: of a part, at most, but for its last row.
    """
    rows = batch.rows.num_rows
    sizes = np.zeros(rows, np.float64)
    for name in batch.rows.schema.names:
        if name != source.text_column:
            sizes += weights(batch.column(name))
    heavy = sizes > ROW_BYTES
    ends = np.cumsum(np.where(heavy, 0, sizes))
    text_ends = np.cumsum(weights(batch.column(source.text_column)))
    start = 0
    while start < rows:
        if heavy[start]:
            detail = f"about {int(sizes[start])} bytes of metadata in memory, limit {ROW_BYTES}"
            yield Skip(batch.where, batch.number + start, "too_large", detail)
            start += 1
            continue
        before, text_before = (ends[start - 1], text_ends[start - 1]) if start else (0, 0)
        stop = min(
            int(np.searchsorted(ends, before + CELL_BYTES, side="right")),
            int(np.searchsorted(text_ends, text_before + 4 * text_bytes, side="right")),
        )
        stop = max(start + 1, stop)
        stop = min(stop, start + 1 + int(np.append(heavy[start + 1 : stop], True).argmax()))
        yield batch.slice(start, stop)
        start = stop


def _records(
    batch: Batch, source: ColumnSource, html: Extraction | None, chosen: Sequence[int]
) -> Iterator[Record | Skip]:
    """Some of the rows of a batch, one by one."""
    texts = batch.column(source.text_column)
    rows = batch.rows if len(chosen) == batch.rows.num_rows else batch.rows.take(pa.array(chosen, pa.int64()))
    values: dict[str, list[Any]] = {}
    for name in rows.schema.names:
        if name != source.text_column:
            array = rows.column(rows.schema.get_field_index(name))
            dated = name == source.date_column and pa.types.is_timestamp(array.type)
            values[name] = (moments if dated else cells)(array)
    for place, row in enumerate(chosen):
        fields = {name: column[place] for name, column in values.items()}
        yield _record(batch, source, html, row, _text(texts, row), fields)


def _text(texts: pa.Array, row: int) -> bytes | None:
    """The bytes of a text."""
    if isinstance(texts, pa.DictionaryArray):
        index = texts.indices[row].as_py()
        return None if index is None else _text(texts.dictionary, index)
    scalar = texts[row]
    return None if not scalar.is_valid else scalar.as_buffer().to_pybytes()


def _record(
    batch: Batch, source: ColumnSource, html: Extraction | None, row: int, text: bytes | None, fields: dict[str, Any]
) -> Record | Skip:
    where, number = batch.where, batch.number + row
    for value in fields.values():
        if isinstance(value, Unreadable):
            return Skip(where, number, "invalid_utf8", value.detail)
    kind = None if source.kind_column is None else fields[source.kind_column]
    url = None if source.url_column is None else fields.get(source.url_column)
    taken: tuple[object, dict[str, Any]] | Refused = (text, {})
    if html is not None:
        taken = text_in(text, html, url)
    if isinstance(taken, Refused):
        return Skip(where, number, taken.reason, taken.detail)
    return make(
        source,
        where,
        number,
        taken[0],
        url=url,
        date=None if source.date_column is None else fields.get(source.date_column),
        parent=None if source.parent_column is None else fields[source.parent_column],
        metadata=taken[1] | {name: fields[name] for name in batch.metadata if name in fields},
        kind=kind if isinstance(kind, str) and kind in KINDS else None,
        page=html is not None,
    )


def _raw(batch: Batch, source: ColumnSource) -> RawColumns | None:
    """The values of a batch in columns; None where something about all of them is odd."""
    others = {name: batch.column(name) for name in batch.rows.schema.names if name != source.text_column}
    text = _strings(batch.column(source.text_column))
    url, parent = (others.get(name or "") for name in (source.url_column, source.parent_column))
    if text is None or source.date_column in batch.metadata:
        return None
    urls, parents = (None if array is None else _strings(array) for array in (url, parent))
    if (url is None, parent is None) != (urls is None, parents is None):
        return None
    rows = batch.rows.num_rows
    odd = np.zeros(rows, np.bool_)
    date = pa.nulls(rows, pa.int64())
    if source.date_column in others:
        date, odd = _dates(others[source.date_column])
    named = {name: others[name] for name in batch.metadata if name in others}
    fields, unreadable = json_columns.objects(named, rows)
    return RawColumns(text, urls, parents, date, fields, _kinds(source, named, others, urls, rows), odd | unreadable)


def _strings(array: pa.Array) -> pa.Array | None:
    """Strings or bytes as valid UTF-8; None where they are something else."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.null_count == len(array):
        return pa.nulls(len(array), pa.large_string())
    try:
        strings = array.cast(pa.large_binary()).view(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return strings if json_columns.is_utf8(strings) else None


def _dates(array: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Seconds since 1970, and in which rows that is none that can be read."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        parts = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[kind.unit]
        ticks = array.view(pa.int64())
        seconds = np.floor_divide(ticks.fill_null(0).to_numpy(zero_copy_only=False), parts)
        mask = array.is_null().to_numpy(zero_copy_only=False)
        return pa.array(seconds, mask=mask), (seconds < FIRST_SECOND) | (seconds > LAST_SECOND)
    if json_columns.is_strings(kind):
        strings = _strings(array)
        if strings is not None:
            return dates_of(strings)
    values: list[int | None] = []
    odd = np.zeros(len(array), np.bool_)
    for row, value in enumerate(cells(array)):
        when = parse_date(value)
        odd[row] = when is None and value is not None and value != ""
        values.append(None if when is None else moment(when))
    return pa.array(values, pa.int64()), odd


def _kinds(
    source: ColumnSource, named: dict[str, pa.Array], others: dict[str, pa.Array], url: pa.Array | None, rows: int
) -> np.ndarray:
    """The kinds that are known before the texts are looked at."""
    if source.kind != "auto":
        return np.full(rows, KINDS.index(source.kind), np.uint8)
    kinds = np.full(rows, UNKNOWN, np.uint8)
    told = others.get(source.kind_column or "")
    strings = None if told is None or not json_columns.is_strings(told.type) else _strings(told)
    if strings is not None:
        kinds = kinds_named(strings)
    if (kinds == UNKNOWN).any():
        has_url = np.zeros(rows, np.bool_) if url is None else np.diff(buffers(url)[1]) > 0
        texts = {name: cells(array) for name, array in named.items() if json_columns.is_strings(array.type)}
        for row, kind in kinds_said(texts, has_url.tolist(), (kinds == UNKNOWN).tolist()):
            kinds[row] = KINDS.index(kind)
    return kinds
