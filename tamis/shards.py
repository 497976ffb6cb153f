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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tamis import parquet_seal, provenance, texts
from tamis.checksums import damaged, parse_json, with_checksum
from tamis.errors import SourceError
from tamis.schemas import BASE_COLUMNS, conform_documents

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

    def __init__(self, path: Path, schema: pa.Schema, says: Mapping[str, str] | None = None) -> None:
        """Begin a file at `path`, a temporary name; `says` goes into its footer."""
        self._path, self._schema, self._row_groups = path, schema.remove_metadata(), 0
        self._says = dict(says or {})
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
        self._writer.add_key_value_metadata(provenance.stamp(self._path) | self._says | room)
        self._writer.close()
        parquet_seal.seal(self._path)


class TableWriter:
    """Writes one Parquet file from tables that come one after the other; the bytes depend on the rows alone."""

    def __init__(self, path: Path, says: Mapping[str, str] | None = None) -> None:
        """Prepare to write to `path`, a temporary name from `whole_file`.

        Args:
            path: the file.
            says: what goes into its footer beside what every table says.
        """
        self._path, self._says = path, says
        self._file: _Parquet | None = None
        self._waiting: list[pa.Table] = []
        self._written = False

    def write(self, table: pa.Table) -> None:
        """Add rows. All tables have one schema, and one comes even where there are no rows."""
        table = table.replace_schema_metadata(None)
        if self._file is None:
            self._file = _Parquet(self._path, table.schema, self._says)
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
    """The names of the columns of a Parquet file, `text` among them where another file holds it.

    Raises:
        SourceError: the file is missing or damaged.
    """
    return _all_columns(sealed(path), text_holder(path))


def text_holder(path: Path) -> texts.Holder | None:
    """The file that holds the texts of a documents file, where it is another.

    Raises:
        SourceError: the file is missing or damaged.
    """
    return texts.holder(path, sealed(path).metadata.metadata)


def _all_columns(found: parquet_seal.SealedParquet, holder: texts.Holder | None) -> list[str]:
    names = list(found.metadata.schema.to_arrow_schema().names)
    if holder:
        names.insert(list(BASE_COLUMNS).index(texts.COLUMN), texts.COLUMN)
    return names


class _Asked:
    """What is asked of a Parquet file: which columns, and where its texts are."""

    def __init__(self, path: Path, columns: Sequence[str] | None) -> None:
        """Look at its footer.

        Raises:
            SourceError: the file is missing or damaged.
            ShardMismatchError: it is not the one that the job expects there.
        """
        self.file = sealed(path)
        holder = texts.holder(path, self.file.metadata.metadata)
        self.own = None if columns is None else list(columns)
        """Columns to read of the file itself; all when None."""
        self._names = self.own or _all_columns(self.file, holder)
        self._texts: _Texts | None = None
        if holder and texts.COLUMN in self._names:
            self.own = list(dict.fromkeys(["id", *(name for name in self._names if name != texts.COLUMN)]))
            self._texts = _Texts(holder)

    def answer(self, table: pa.Table) -> pa.Table:
        """The columns that are asked for, of the next rows of the file."""
        if self._texts is None:
            return table
        return table.append_column(texts.COLUMN, self._texts.of(table["id"])).select(self._names)


class _Texts:
    """The texts of a documents file, from the file that holds them; read once, as ids come in ascending order."""

    def __init__(self, holder: texts.Holder) -> None:
        """Hold the file against what is told of it.

        Raises:
            SourceError: it is missing, damaged, or another one.
        """
        holder.opened()
        self._holder = holder
        self._batches = table_batches(holder.path, ["id", texts.COLUMN])
        self._here: pa.Table | None = None

    def of(self, ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """The texts of the documents with these ids, ascending, all behind those of the call before.

        Raises:
            SourceError: a document is not in the file.
        """
        wanted = ids.combine_chunks()
        found: list[pa.Array] = []
        while len(wanted):
            here = self._batch()
            inside = wanted.slice(0, pc.sum(pc.less_equal(wanted, here["id"][-1])).as_py())
            # A batch that is wanted whole is not copied.
            rows = here if len(inside) == len(here) else here.filter(pc.is_in(here["id"], value_set=inside))
            if not rows["id"].combine_chunks().equals(inside):
                raise self._lacks()
            found += rows[texts.COLUMN].chunks
            wanted = wanted.slice(len(inside))
            if len(wanted):
                self._here = None
        whole = pa.concat_arrays(found) if len(found) > 1 else found[0] if found else pa.array([], pa.large_string())
        return pa.chunked_array([whole])

    def _batch(self) -> pa.Table:
        """The rows in which the next id may be."""
        if self._here is None:
            self._here = next(self._batches, None)
        if self._here is None:
            raise self._lacks()
        return self._here

    def _lacks(self) -> SourceError:
        return damaged(self._holder.path, f"documents of {self._holder.of} are not in it")


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file whole, one chunk a column; of a documents file the texts too, whichever file holds them.

    Raises:
        SourceError: the file is missing or damaged.
        ShardMismatchError: it is not the one that the job expects there.
    """
    asked = _Asked(path, columns)
    with _readable(path):
        for group in range(asked.file.metadata.num_row_groups):
            asked.file.check(group, asked.own)
        table = pq.read_table(path, columns=asked.own, partitioning=None, memory_map=True)
    return asked.answer(table.combine_chunks())


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
    """Read a Parquet file a few thousand rows of a row group at a time, in order; texts as in `read_table`.

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
    asked = _Asked(path, columns)
    metadata = asked.file.metadata
    for group in range(metadata.num_row_groups) if row_groups is None else row_groups:
        asked.file.check(group, asked.own)
        # Mapped anew for each group: what was read of a mapping counts as memory of the process while it lasts, and a
        # reader of all groups lets go of none of them (555 MB at the end of a shard of 860 MB, against 206).
        with _readable(path), pq.ParquetFile(path, memory_map=True, metadata=metadata) as file:
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=asked.own, use_threads=False):
                yield asked.answer(pa.Table.from_batches([batch]))


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
