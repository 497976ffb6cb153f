"""Parquet: one document a row, streamed by row group.

The columns named in the section become text, url and date; `metadata_columns` says which others are kept as metadata
(all by default), and so are the keys of folders such as `lang=de/year=2020/`, as strings; a column of the file has
precedence over a key of its name. A batch has as many rows as are sure to fit into `BATCH_BYTES` when they are decoded
(`parquet_pages.py`). Rows of a row group of which one may take more than `LIMIT_BYTES` are listed as `too_large`.
Memory: that, one batch, and the text and metadata of a row as Python objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from tamis.errors import SourceError
from tamis.readers.column_names import ColumnSource
from tamis.readers.columns import Columns
from tamis.readers.html import HtmlText
from tamis.readers.parquet_footer import check_footer
from tamis.readers.parquet_pages import Chunk, pages
from tamis.readers.parquet_rows import Batch, joined, one_by_one, together
from tamis.readers.record import Part, Record, Skip
from tamis.readers.remote.origin import called
from tamis.readers.thrift import ThriftError
from tamis.readers.values import shorten

BATCH_ROWS = 1_024
BATCH_BYTES = 128 << 20
"""Rows decoded together, at most, and their bytes; fewer rows where these may be longer."""

LIMIT_BYTES = 640 << 20
"""Bytes that one row of each column may take when it is decoded, with the pages it lies in."""

BUFFER_BYTES = 16 << 20
"""What is read of a file at a time, over all columns."""

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""Name of the folder of rows whose key is null."""

NESTED_DEPTH = 100
"""Levels of lists and structs in a column, at most."""

TEXTUAL = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
)
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}
DAMAGE = (
    pa.ArrowException,
    ThriftError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    MemoryError,
    RecursionError,
)
"""What reading a damaged file was seen to raise, beside Arrow's own errors."""


WHOLE = Part(0, 1)


class ParquetSource(ColumnSource):
    """Parquet files, one document a row."""

    reads: ClassVar[frozenset[str] | None] = frozenset({"parquet"})

    format: Literal["parquet"] = Field(default="parquet", description="Parquet, one document a row.")
    metadata_columns: tuple[str, ...] | None = Field(
        default=None,
        description="Columns kept as metadata; null keeps every column that has no other use, and every key "
        "of folders such as `lang=de/`.",
    )
    extraction: HtmlText = None

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The documents of one file.

        Raises:
            SourceError: missing, no whole Parquet file, or without one of the named columns.
        """
        return self.read_and_count(path, Counter())

    def read_and_count(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip]:
        """As `read`; counts the rows in which each column of the section is not null."""
        for batch in self._batches(path, counts):
            if isinstance(batch, Skip):
                yield batch
            else:
                yield from one_by_one(batch, self, self.extraction)

    def read_together(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip | Columns]:
        """As `read_and_count`; most documents come in columns."""
        return self.read_part(path, counts, WHOLE)

    def most_parts(self, path: Path) -> int:
        """As many as it has row groups."""
        try:
            with path.open("rb") as source:
                return max(1, int(pq.ParquetFile(source, pre_buffer=False).metadata.num_row_groups))
        except DAMAGE:  # its job says so, and what to do
            return 1

    def parts_by_name(self, path: Path) -> bool:  # noqa: ARG002 - every file has row groups
        """Always."""
        return True

    def read_part(self, path: Path, counts: Counter[str], part: Part) -> Iterator[Record | Skip | Columns]:
        """As `read_together`, some of the row groups."""
        for batch in joined(self._batches(path, counts, part)):
            if isinstance(batch, Skip):
                yield batch
            else:
                yield from together(batch, self, self.extraction)

    def _batches(self, path: Path, counts: Counter[str], part: Part = WHOLE) -> Iterator[Skip | Batch]:
        """The rows, some at a time, or why they cannot be decoded."""
        with _readable(self, path):
            source = path.open("rb")
        with source:
            with _readable(self, path):
                file = pq.ParquetFile(source, pre_buffer=False)
                schema = file.schema_arrow
                keys = partition(path, schema.names)
                with path.open("rb") as footer:
                    check_footer(footer, file.schema)
            named = _named(self, [*schema.names, *keys])
            metadata_columns = _columns(self, path, schema, named, keys)
            counts.update({name: 0 for name in (self.url_column, self.date_column) if name is not None})
            columns = [name for name in dict.fromkeys(named + metadata_columns) if name not in keys]
            constant = {name: keys[name] for name in dict.fromkeys(named + metadata_columns) if name in keys}
            number = 1
            first, last = part.of_many(file.metadata.num_row_groups)
            for group in range(last):
                rows = file.metadata.row_group(group).num_rows
                if group >= first:
                    for item in _group(self, path, file, group, columns, metadata_columns, number, counts):
                        yield item if isinstance(item, Skip) else _with_keys(self, item, constant, counts)
                number += rows


@contextmanager
def _readable(source: ParquetSource, path: Path) -> Iterator[None]:
    """Say what is wrong with a file. Nothing but calls of Arrow may stand inside: every error is taken for damage."""
    try:
        yield
    except SourceError:
        raise
    except FileNotFoundError as error:
        msg = f"{path}: missing; check the paths of source {source.name!r}"
        raise SourceError(msg) from error
    except DAMAGE as error:
        what = shorten(error) or type(error).__name__
        msg = f"{path}: not a whole Parquet file ({what}). Fetch or write it again; nothing of it is used."
        raise SourceError(msg) from error


def partition(path: Path, columns: Sequence[str]) -> dict[str, str | None]:
    """Keys and values of the folders of a file as Hive names them, but for those that are columns too.

    Args:
        path: such as `lang=de/year=2020/part.parquet`; of a fetched file its address counts.
        columns: of the file.
    """
    found: dict[str, str | None] = {}
    for folder in called(path).split("/")[:-1]:
        key, is_one, value = folder.partition("=")
        if is_one and key and unquote(key) not in columns:
            found[unquote(key)] = None if value == NO_VALUE else unquote(value)
    return found


def _with_keys(source: ParquetSource, batch: Batch, keys: Mapping[str, str | None], counts: Counter[str]) -> Batch:
    """A batch with the keys of its folders as columns."""
    if not keys:
        return batch
    rows = batch.rows
    for name, value in keys.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value, pa.string()), rows.num_rows))
    own = {name for name in source.own_columns if keys.get(name or "") is not None}
    counts.update({str(name): rows.num_rows for name in own})
    return Batch(rows, batch.metadata, batch.where, batch.number)


def _named(source: ParquetSource, names: Sequence[str]) -> list[str]:
    """The columns of text, url, date, kind and parent; url and date of the default name where the file has them."""
    absent = {"url", "date"} - {source.text_column, source.kind_column, source.parent_column} - set(names)
    return [name for name in source.own_columns if name is not None and name not in absent]


def _present(source: ParquetSource, batch: pa.RecordBatch) -> dict[str, int]:
    """In how many rows each of the columns that the section names is not null."""
    names = set(_named(source, batch.schema.names)).intersection(batch.schema.names)
    return {name: batch.num_rows - batch.column(name).null_count for name in names}


def _columns(
    source: ParquetSource, path: Path, schema: pa.Schema, named: Sequence[str], keys: Mapping[str, str | None]
) -> list[str]:
    """The columns to keep as metadata, after a check that all named columns exist, once, and the text is one."""
    asked = [*named, *(source.metadata_columns or ())]
    missing = sorted((set(asked) - set(schema.names) - keys.keys()) | ({source.text_column} & keys.keys()))
    if missing:
        msg = (
            f"{path}: source {source.name!r} names the columns {missing}; the file has {shorten(sorted(schema.names))}"
        )
        raise SourceError(msg)
    kept = source.metadata_columns
    if kept is None:
        kept = tuple(name for name in [*schema.names, *keys] if name not in set(named) - {source.kind_column})
    for name in [name for name in [*asked, *kept] if name not in keys]:
        if len(schema.get_all_field_indices(name)) > 1:
            msg = (
                f"{path}: has {len(schema.get_all_field_indices(name))} columns of the name {name!r}; name those to "
                f"keep in metadata_columns of {source.name!r}, without it, or write the file again"
            )
            raise SourceError(msg)
        if _depth(schema.field(name).type) > NESTED_DEPTH:
            msg = (
                f"{path}: column {name!r} holds lists or structs more than {NESTED_DEPTH} deep; name the others in "
                f"metadata_columns of {source.name!r}"
            )
            raise SourceError(msg)
    kind = schema.field(source.text_column).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not any(is_textual(kind) for is_textual in TEXTUAL):
        msg = (
            f"{path}: column {source.text_column!r} holds {shorten(kind)}, not strings; correct text_column of "
            f"{source.name!r}"
        )
        raise SourceError(msg)
    return list(kept)


def _depth(kind: pa.DataType) -> int:
    """Levels of lists and structs of a type."""
    level, deepest = [kind], 0
    while level and deepest <= NESTED_DEPTH:
        level = [one.field(index).type for one in level for index in range(one.num_fields)]
        deepest += 1
    return deepest


def _group(
    source: ParquetSource,
    path: Path,
    file: pq.ParquetFile,
    group: int,
    columns: Sequence[str],
    metadata_columns: Sequence[str],
    number: int,
    counts: Counter[str],
) -> Iterator[Skip | Batch]:
    """The rows of a row group whose first row has a number."""
    rows = file.metadata.row_group(group).num_rows
    with _readable(source, path):
        chunks = _chunks(path, file, group, columns)
        together, indexed, refused = _batching(chunks)
    if refused:
        for row in range(number, number + rows):
            yield Skip(str(path), row, "too_large", refused)
        return
    with path.open("rb") as opened:
        with _readable(source, path):
            again = pq.ParquetFile(
                opened,
                metadata=file.metadata,
                read_dictionary=indexed,
                pre_buffer=False,
                buffer_size=max(1 << 12, min(1 << 20, BUFFER_BYTES // max(len(chunks), 1))),
                coerce_int96_timestamp_unit="us",
                page_checksum_verification=True,
            )
            batches = again.iter_batches(together, row_groups=[group], columns=list(columns), use_threads=False)
        found = 0
        while True:
            with _readable(source, path):
                batch = next(batches, None)
                if batch is None:
                    if found != rows:
                        msg = f"{found} rows in row group {group}, where its footer says {rows}"
                        raise pa.ArrowInvalid(msg)
                    break
                batch.validate()
                for array in batch.columns:
                    _check_indices(array)
            counts.update(_present(source, batch))
            yield Batch(batch, tuple(metadata_columns), str(path), number + found)
            found += batch.num_rows


def _check_indices(array: pa.Array) -> None:
    """Check the indices into dictionaries, which Arrow takes as they are.

    Raises:
        ArrowInvalid: one points behind its dictionary.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        bounds = pc.min_max(array.indices).as_py()
        if bounds["min"] is not None and not 0 <= bounds["min"] <= bounds["max"] < len(array.dictionary):
            msg = f"index {bounds['max']} into a dictionary of {len(array.dictionary)}"
            raise pa.ArrowInvalid(msg)
    elif pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            _check_indices(array.field(place))
    elif pa.types.is_map(kind):
        _check_indices(array.keys)
        _check_indices(array.items)
    elif pa.types.is_nested(kind) and hasattr(array, "values"):
        _check_indices(array.values)


def _chunks(path: Path, file: pq.ParquetFile, group: int, columns: Sequence[str]) -> dict[str, Chunk]:
    """What is known of the wanted columns of a row group, by the path of each leaf."""
    found: dict[str, Chunk] = {}
    wanted = frozenset(columns)
    row_group = file.metadata.row_group(group)
    with path.open("rb") as pages_file:
        for index in range(row_group.num_columns):
            column = row_group.column(index)
            name = column.path_in_schema
            if name not in wanted and not any(name.startswith(f"{one}.") for one in wanted):
                continue
            leaf = file.schema.column(index)
            start = column.data_page_offset
            if column.dictionary_page_offset and 0 < column.dictionary_page_offset < start:
                start = column.dictionary_page_offset
            data, dictionary = pages(pages_file, start, column.total_compressed_size, column.num_values)
            width = WIDTHS.get(leaf.physical_type, 0)
            if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY":
                width = leaf.length
            nested = leaf.max_repetition_level > 0
            if not nested and sum(page.values for page in data) < row_group.num_rows:
                raise ThriftError(f"column {name!r} has fewer values than row group {group} has rows")
            found[name] = Chunk(
                pages=data,
                dictionary=dictionary.size if dictionary else 0,
                longest=dictionary.longest(pages_file, column.compression) if dictionary and not width else 0,
                nested=nested,
                width=width,
            )
    return found


def _batching(chunks: dict[str, Chunk]) -> tuple[int, list[str], str | None]:
    """How many rows to decode together, which columns as indices into their dictionaries, or why none can be."""
    indexed = [
        name for name, chunk in chunks.items() if chunk.nested and chunk.indexable() and chunk.bound(1) > 1 << 20
    ]

    def needed(rows: int) -> dict[str, int]:
        return {name: chunk.bound(rows, indexed=name in indexed) for name, chunk in chunks.items()}

    least = {name: size + chunks[name].largest_page() for name, size in needed(1).items()}
    if sum(least.values()) > LIMIT_BYTES:
        name = max(least, key=lambda one: least[one])
        detail = (
            f"up to {sum(least.values())} bytes to decode a row, limit {LIMIT_BYTES}; most of it for column {name!r}"
        )
        return 0, [], shorten(detail)
    rows = BATCH_ROWS
    while rows > 1 and sum(needed(rows).values()) > BATCH_BYTES:
        rows //= 2
    return rows, indexed, None
