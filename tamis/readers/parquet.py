"""Parquet: one document a row, streamed by row group.

The columns named in the section become text, url and date; `metadata_columns` says which others are kept as metadata
(all by default). Memory: one batch of `BATCH_ROWS` rows, besides what the file itself packs into one page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from tamis.errors import SourceError
from tamis.readers.record import Record, Skip, Source, make
from tamis.schemas import KINDS

BATCH_ROWS = 256
TEXTUAL = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


class ParquetSource(Source):
    """Parquet files, one document a row."""

    reads: ClassVar[frozenset[str] | None] = frozenset({"parquet"})

    format: Literal["parquet"] = Field(default="parquet", description="Parquet, one document a row.")
    text_column: str = Field(default="text", min_length=1, description="Name of the column that holds the text.")
    url_column: str | None = Field(default=None, description="Name of the column that holds the URL, or null for none.")
    date_column: str | None = Field(
        default=None,
        description="Name of the column that holds the date (a timestamp, ISO 8601, a year, or seconds since 1970), "
        "or null for none.",
    )
    kind_column: str | None = Field(
        default=None, description="Name of a column that holds the kind; a value that is no kind falls back to `kind`."
    )
    metadata_columns: tuple[str, ...] | None = Field(
        default=None, description="Columns kept as metadata; null keeps every column that has no other use."
    )

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The documents of one file.

        Raises:
            SourceError: missing, no whole Parquet file, or without one of the named columns.
        """
        return self.read_and_count(path, Counter())

    def read_and_count(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip]:
        """As `read`; counts the rows in which each column of the section is not null."""
        try:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                metadata_columns = _columns(self, path, file.schema_arrow)
                named = [self.text_column, self.url_column, self.date_column, self.kind_column]
                columns = list(dict.fromkeys([name for name in named if name is not None] + metadata_columns))
                number = 0
                for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
                    counts.update(_present(batch, named))
                    for row in range(batch.num_rows):
                        number += 1
                        fields = {name: batch.column(name)[row] for name in batch.schema.names}
                        yield _record(self, str(path), number, fields, metadata_columns)
        except FileNotFoundError as error:
            msg = f"{path}: missing; check the paths of source {self.name!r}"
            raise SourceError(msg) from error
        except (pa.ArrowException, OSError) as error:
            msg = f"{path}: not a whole Parquet file ({error}). Fetch or write it again; nothing of it is used."
            raise SourceError(msg) from error


def _present(batch: pa.RecordBatch, names: Sequence[str | None]) -> dict[str, int]:
    """In how many rows each of the named columns is not null."""
    return {name: batch.num_rows - batch.column(name).null_count for name in names if name is not None}


def _columns(source: ParquetSource, path: Path, schema: pa.Schema) -> list[str]:
    """The columns to keep as metadata, after a check that all named columns exist and the text is one."""
    named = [source.text_column, source.url_column, source.date_column, source.kind_column]
    asked = [name for name in [*named, *(source.metadata_columns or ())] if name is not None]
    missing = sorted(set(asked) - set(schema.names))
    if missing:
        msg = f"{path}: source {source.name!r} names the columns {missing}; the file has {sorted(schema.names)}"
        raise SourceError(msg)
    kind = schema.field(source.text_column).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not any(is_textual(kind) for is_textual in TEXTUAL):
        msg = f"{path}: column {source.text_column!r} holds {kind}, not strings; correct text_column of {source.name!r}"
        raise SourceError(msg)
    if source.metadata_columns is not None:
        return list(source.metadata_columns)
    return [name for name in schema.names if name not in set(named) - {source.kind_column}]


def _record(
    source: ParquetSource, where: str, number: int, fields: dict[str, pa.Scalar], metadata_columns: list[str]
) -> Record | Skip:
    try:
        values = {name: scalar.as_py() for name, scalar in fields.items()}
    except UnicodeDecodeError as error:
        return Skip(where, number, "invalid_utf8", str(error)[-150:])
    text = values[source.text_column]
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            return Skip(where, number, "invalid_utf8", str(error)[-150:])
    kind = None if source.kind_column is None else values[source.kind_column]
    return make(
        source,
        where,
        number,
        text,
        url=None if source.url_column is None else values[source.url_column],
        date=None if source.date_column is None else values[source.date_column],
        metadata={name: values[name] for name in metadata_columns},
        kind=kind if isinstance(kind, str) and kind in KINDS else None,
    )
