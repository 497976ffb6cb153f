"""Shards on disk: their names, and reading and writing whole files.

What is read is what was written: Parquet files are sealed (`tamis/parquet_seal.py`) and say which stage made them
(`tamis/provenance.py`), JSON files carry a checksum (`tamis/checksums.py`); whatever differs is refused.

A file that exists is whole: everything is written to a unique temporary name in the same folder, flushed
to disk, and renamed. Two jobs that write the same file (a restart beside a job that a killed
workflow left behind) therefore never mix their bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tamis import parquet_seal, provenance
from tamis.checksums import parse_json, with_checksum
from tamis.errors import SourceError
from tamis.schemas import conform_documents

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1
"""zstd level 1 writes twice as fast as level 3 for 13 % more bytes (measured on web text)."""

ROW_GROUP_ROWS = 16_384

BATCH_ROWS = 4_096
"""Rows read at a time where a step goes through a shard; about 12 MB of web text."""


def part_name(index: int, what: str = "part") -> str:
    """`part-00000`, the stem of every file of shard `index`."""
    return f"{what}-{index:05d}"


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Yield a new, empty file beside `path`, of a hidden and unique name; it is removed when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an error."""
    with temporary_file(path) as temporary:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)


def write_json(path: Path, value: object, *, indented: bool = True) -> None:
    """Write JSON (sorted keys, UTF-8) with its checksum as a whole file.

    Args:
        path: the file.
        value: what JSON can carry.
        indented: for people to read; ten times as slow, which tells where there are thousands of entries.
    """
    with whole_file(path) as temporary:
        text = json.dumps(with_checksum(value), sort_keys=True, indent=1 if indented else None, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file that `write_json` wrote.

    Raises:
        FileNotFoundError: it is missing.
        SourceError: it is not what was written.
    """
    return parse_json(path, path.read_bytes())


def _options(names: Sequence[str]) -> dict[str, Any]:
    return {
        "compression": COMPRESSION,
        "compression_level": COMPRESSION_LEVEL,
        # For readers outside; `parquet_seal` covers more.
        "write_page_checksum": True,
        # A dictionary of long unique texts costs memory and saves nothing.
        "use_dictionary": [
            name for name in ("source", "kind", "language", "domain", "stage", "reason") if name in names
        ],
    }


def write_table(path: Path, table: pa.Table, *, row_group_rows: int = ROW_GROUP_ROWS) -> None:
    """Write a Parquet file as a whole; the same table gives the same bytes."""
    with whole_file(path) as temporary:
        writer = _Parquet(temporary, table.schema)
        for start in range(0, max(table.num_rows, 1), row_group_rows):
            writer.row_group(table.slice(start, row_group_rows))
        writer.close()


class _Parquet:
    """One Parquet file, a row group at a time; sealed when it is closed."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Begin a file at `path`, a temporary name."""
        self._path, self._schema, self._row_groups = path, schema.remove_metadata(), 0
        self._writer = pq.ParquetWriter(path, self._schema, **_options(schema.names))

    def row_group(self, table: pa.Table) -> None:
        """Write one row group, if without rows."""
        # In one piece: where a column is cut into chunks changes the pages of the file.
        whole = table.replace_schema_metadata(None).combine_chunks()
        self._writer.write_table(whole, row_group_size=max(whole.num_rows, 1))
        self._row_groups += 1

    def close(self) -> None:
        """Write the footer, with the seal and the identity of what the job makes."""
        room = parquet_seal.room(self._schema, self._row_groups)
        self._writer.add_key_value_metadata(provenance.stamp(self._path) | room)
        self._writer.close()
        parquet_seal.seal(self._path)


class TableWriter:
    """Writes one Parquet file from tables that come one after the other; the bytes depend on the rows alone."""

    def __init__(self, path: Path) -> None:
        """Prepare to write to `path`, a temporary name from `whole_file`."""
        self._path = path
        self._file: _Parquet | None = None
        self._waiting: list[pa.Table] = []
        self._written = False

    def write(self, table: pa.Table) -> None:
        """Add rows. All tables have one schema, and one comes even where there are no rows."""
        table = table.replace_schema_metadata(None)
        if self._file is None:
            self._file = _Parquet(self._path, table.schema)
        self._waiting.append(table)
        while sum(part.num_rows for part in self._waiting) >= ROW_GROUP_ROWS:
            whole = pa.concat_tables(self._waiting)
            self._waiting = [whole.slice(ROW_GROUP_ROWS)]
            self._file.row_group(whole.slice(0, ROW_GROUP_ROWS))
            self._written = True

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        if self._file is None:
            msg = f"{self._path}: no table was written, not even an empty one"
            raise ValueError(msg)
        rest = pa.concat_tables(self._waiting)
        if rest.num_rows or not self._written:
            self._file.row_group(rest)
        self._file.close()


def write_tables(path: Path, tables: Iterable[pa.Table]) -> None:
    """`write_table` for rows that come some at a time: the same rows give the same bytes.

    Args:
        path: the file.
        tables: at least one, if without rows, all of one schema.
    """
    with whole_file(path) as temporary:
        writer = TableWriter(temporary)
        for table in tables:
            writer.write(table)
        writer.close()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say what to do where a Parquet file is missing or damaged."""
    try:
        yield
    except FileNotFoundError as error:
        msg = f"{path}: missing; the step that writes it has not run or its output was deleted. Run the workflow again."
        raise SourceError(msg) from error
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"{path}: not a readable Parquet file ({error}). Delete it and run the workflow again."
        raise SourceError(msg) from error


def sealed(path: Path) -> parquet_seal.SealedParquet:
    """A Parquet file of ours, after a look at its footer and at who made it; its columns are checked by who reads them.

    Raises:
        SourceError: the file is missing or damaged.
        ShardMismatchError: it is not the one that the job expects there.
    """
    with _readable(path):
        found = parquet_seal.SealedParquet(path)
    provenance.compare(path, found.metadata.metadata)
    return found


def row_count(path: Path) -> int:
    """The rows of a Parquet file of ours.

    Raises:
        SourceError: the file is missing or damaged.
    """
    return int(sealed(path).metadata.num_rows)


def column_names(path: Path) -> list[str]:
    """The names of the columns of a Parquet file.

    Raises:
        SourceError: the file is missing or damaged.
    """
    return list(sealed(path).metadata.schema.to_arrow_schema().names)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file whole, one chunk a column.

    Raises:
        SourceError: the file is missing or damaged.
        ShardMismatchError: it is not the one that the job expects there.
    """
    found = sealed(path)
    names = None if columns is None else list(columns)
    with _readable(path):
        for group in range(found.metadata.num_row_groups):
            found.check(group, names)
        table = pq.read_table(path, columns=names, partitioning=None, memory_map=True)
    return table.combine_chunks()


def read_documents(path: Path) -> pa.Table:
    """Read a documents file and hold it to its contract.

    Raises:
        SourceError: the file is missing or damaged.
        SchemaError: the columns are not those of a documents file.
    """
    return conform_documents(read_table(path), str(path)).combine_chunks()


def table_batches(
    path: Path, columns: Sequence[str] | None = None, row_groups: Sequence[int] | None = None
) -> Iterator[pa.Table]:
    """Read a Parquet file a few thousand rows of a row group at a time, in order.

    The memory of one batch serves the next. Going through a shard of text in this way takes a quarter of the time that
    reading it whole does, because fresh memory comes from the system page by page.

    Args:
        path: the file.
        columns: names to read; all when None.
        row_groups: which to read; all when None.

    Raises:
        SourceError: the file is missing or damaged.
        ShardMismatchError: it is not the one that the job expects there.
    """
    names = None if columns is None else list(columns)
    found = sealed(path)
    metadata = found.metadata
    for group in range(metadata.num_row_groups) if row_groups is None else row_groups:
        found.check(group, names)
        # Mapped anew for each group: what was read of a mapping counts as memory of the process while it lasts, and a
        # reader of all groups lets go of none of them (555 MB at the end of a shard of 860 MB, against 206).
        with _readable(path), pq.ParquetFile(path, memory_map=True, metadata=metadata) as file:
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=names, use_threads=False):
                yield pa.Table.from_batches([batch])


def document_batches(path: Path) -> Iterator[pa.Table]:
    """`table_batches` of a documents file, each held to its contract; one table without rows where there are none.

    Raises:
        SourceError: the file is missing or damaged.
        SchemaError: the columns are not those of a documents file.
    """
    rows = 0
    for table in table_batches(path):
        rows += table.num_rows
        yield conform_documents(table, str(path))
    if not rows:
        yield read_documents(path)
