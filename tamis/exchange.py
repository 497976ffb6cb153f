"""The one way in which rows cross between shards.

A map job writes one Arrow IPC file whose record batch p holds the rows for partition p (empty where there
are none). A reduce job reads batch p of every map file and writes one file whose batch s holds the verdicts
for shard s. An apply job reads batch s of every reduce file. Opening one batch of 1,000 takes 0.45 ms,
against 5.6 ms and a 516 kB footer for Parquet row groups.

Behind the Arrow file stands a trailer with a checksum of each batch (`tamis/checksums.py`): a batch that is read is one
that was written.

Between map and reduce stands a barrier (`tamis/barrier.py`), which names the files, so a job gets one path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis import checksums
from tamis.barrier import Files, paths
from tamis.errors import SchemaError, ShardMismatchError, SourceError
from tamis.shards import whole_file

OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def partition_of(hashes: np.ndarray, partitions: int) -> np.ndarray:
    """Where each row goes by a uniform hash: the range of 64 bits is cut into equal stretches.

    The partitions follow the order of the hashes: everything in partition 0 comes before everything in partition 1.

    Args:
        hashes: uint64[n]; of a longer hash, its high half.
        partitions: how many.

    Returns:
        int64[n] in [0, partitions).
    """
    return (((hashes >> np.uint64(32)) * np.uint64(partitions)) >> np.uint64(32)).astype(np.int64)


def split(table: pa.Table, partition: np.ndarray, partitions: int) -> list[pa.Table]:
    """Split rows by partition, keeping their order within each.

    Args:
        table: n rows.
        partition: n integers in [0, partitions).
        partitions: number of tables to return.
    """
    order = np.argsort(partition, kind="stable")
    bounds = np.searchsorted(partition[order], np.arange(partitions + 1))
    ordered = table.take(pa.array(order))
    return [ordered.slice(bounds[p], bounds[p + 1] - bounds[p]) for p in range(partitions)]


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.Table]) -> None:
    """Write one exchange file, batch p from `batches[p]`, as a whole.

    Raises:
        SchemaError: a batch does not have the schema, or is too large for one.
    """
    with whole_file(path) as temporary:
        write_sealed(temporary, schema, _single(path, schema, batches), OPTIONS)


def _single(path: Path, schema: pa.Schema, batches: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    """Each table as the one batch that its reader looks for.

    Raises:
        SchemaError: a table does not have the schema, or is too large for one batch.
    """
    for table in batches:
        if table.schema.names != schema.names:
            msg = f"{path}: batch has columns {table.schema.names}, expected {schema.names}"
            raise SchemaError(msg)
        whole = table.cast(schema).combine_chunks().to_batches()
        if len(whole) > 1:
            # Arrow cannot join them, and a batch is all that its reader looks for.
            msg = (
                f"{path}: {table.num_rows} rows for one shard or partition hold more than 2 GB in one column of "
                "strings, expected less; use more shards or partitions"
            )
            raise SchemaError(msg)
        yield whole[0] if whole else pa.RecordBatch.from_pylist([], schema=schema)


def write_sealed(
    temporary: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], options: pa.ipc.IpcWriteOptions | None = None
) -> None:
    """Write an Arrow file with a checksum of each batch.

    Args:
        temporary: its temporary name.
        schema: of the batches.
        batches: any number.
        options: of Arrow.
    """
    starts = [0]
    with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
        for batch in batches:
            starts.append(sink.tell())
            writer.write_batch(batch)
        starts.append(sink.tell())
    checksums.seal(temporary, starts)


def scatter(path: Path, table: pa.Table, partition: np.ndarray, partitions: int) -> None:
    """`split` and `write` in one: route each row of a table to its partition."""
    write(path, table.schema, split(table, partition, partitions))


class ExchangeFile:
    """An exchange file, mapped into memory; every batch that is read from it is compared with its checksum."""

    def __init__(self, path: Path, columns: Sequence[str] | None = None) -> None:
        """Open it.

        Args:
            path: the file.
            columns: names to read; all when None.

        Raises:
            SourceError: missing or damaged.
        """
        with readable(path):
            with pa.memory_map(str(path)) as source:
                buffer = source.read_buffer()
            self._sealed = checksums.Sealed(path, memoryview(buffer))
            if len(self._sealed) < 2:
                raise checksums.damaged(path, "it is no exchange file")
            # The head and the end say what is between them.
            self._sealed.check(0)
            self._sealed.check(len(self._sealed) - 1)
            arrow = buffer.slice(0, self._sealed.size)
            self._reader = pa.ipc.open_file(arrow)
            if columns is not None:
                fields = [self._reader.schema.get_field_index(name) for name in columns]
                self._reader = pa.ipc.open_file(arrow, options=pa.ipc.IpcReadOptions(included_fields=fields))
        self._path = path
        self.schema: pa.Schema = self._reader.schema
        """Of what is read, with the metadata of the file."""
        self.num_record_batches: int = self._reader.num_record_batches
        """How many batches there are."""

    def get_batch(self, index: int) -> pa.RecordBatch:
        """Batch `index`.

        Raises:
            SourceError: it is not what was written.
        """
        with readable(self._path):
            self._sealed.check(index + 1)
            return self._reader.get_batch(index)

    def batch_rows(self, index: int) -> int:
        """How many rows batch `index` has, without a look at its columns where it is not compressed."""
        with readable(self._path):
            return int(self._reader.get_batch(index).num_rows)


def open_file(path: Path, columns: Sequence[str] | None = None) -> ExchangeFile:
    """Open an exchange file; only some columns are read where they are named.

    Raises:
        SourceError: missing or damaged.
    """
    return ExchangeFile(path, columns)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say what to do where an exchange file is missing or damaged."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"{path}: not a readable exchange file ({error}). Delete it and run the workflow again."
        raise SourceError(msg) from error


def read_batch(path: Path, index: int, batches: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Batch `index` of one exchange file.

    Args:
        path: the file.
        index: which batch.
        batches: how many batches the file must have.
        columns: names to read; all when None.

    Raises:
        SourceError: missing or damaged.
        ShardMismatchError: written for another number of partitions.
    """
    reader = open_file(path, columns)
    if reader.num_record_batches != batches:
        msg = (
            f"{path}: holds {reader.num_record_batches} partitions, expected {batches}; it is from a run with "
            "other shards or partitions. Delete the stage's folder and run again."
        )
        raise ShardMismatchError(msg)
    table = pa.Table.from_batches([reader.get_batch(index)])
    return table if columns is None else table.select(list(columns))


def read(barrier: Files, index: int, batches: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Batch `index` of every file behind a barrier, in the order of the files.

    Raises:
        SourceError: a file is missing or damaged.
        ShardMismatchError: a file changed since the barrier was made, or has other partitions.
    """
    tables = [read_batch(path, index, batches, columns) for path in paths(barrier)]
    return pa.concat_tables(tables)


def read_each(barrier: Files, index: int, batches: int) -> Iterator[pa.Table]:
    """Like `read`, one file at a time, for rows too heavy to hold together."""
    for path in paths(barrier):
        yield read_batch(path, index, batches)
