"""Score files beside the documents of a shard, and going through some of its documents.

A score file has a row for each document of its shard, in their order: `id`, whatever the stage found, and null where it
scored nothing. Both files are read a few thousand rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.errors import ShardMismatchError
from tamis.shards import document_batches, row_count, sealed, table_batches


def chosen(documents: Path, where: np.ndarray, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Some of a shard's documents, a few thousand rows at a time, in order.

    Args:
        documents: the file.
        where: which of its n documents: n booleans.
        columns: names to read; all when None.
    """
    first = 0
    for table in table_batches(documents, columns):
        yield table.filter(pa.array(where[first : first + table.num_rows]))
        first += table.num_rows


def scattered(values: np.ndarray, where: np.ndarray) -> pa.Array:
    """A column of n rows: float32 values where n booleans say so, null elsewhere."""
    column = np.zeros(len(where), dtype=np.float32)
    column[where] = values
    return pa.array(column, pa.float32(), mask=~where)


def beside(documents: Path, scores: Path, columns: Sequence[str]) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Go through a shard's documents and the scores that stand beside them, a few thousand rows at a time.

    Args:
        documents: the file.
        scores: the score file.
        columns: columns wanted of the scores.

    Raises:
        ShardMismatchError: the scores are of other documents, or in another order.
    """
    rows = _Rows(scores, ["id", *columns])
    for table in document_batches(documents):
        part = rows.take(table.num_rows)
        if not part["id"].equals(table["id"]):
            raise _other_documents(scores)
        yield table, part
    if rows.take(1).num_rows:
        raise _other_documents(scores)


class _Rows:
    """Rows of a table on disk, in order, as many at a time as are asked for."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Begin with the first row."""
        self._tables = table_batches(path, columns)
        schema = sealed(path).metadata.schema.to_arrow_schema()
        self._waiting = pa.schema([schema.field(name) for name in columns]).empty_table()

    def take(self, rows: int) -> pa.Table:
        """The next rows, one chunk a column; fewer where the file ends."""
        parts = [self._waiting.slice(0, rows)]
        self._waiting = self._waiting.slice(rows)
        missing = rows - parts[0].num_rows
        while missing and (table := next(self._tables, None)) is not None:
            parts.append(table.slice(0, missing))
            self._waiting = table.slice(missing)
            missing -= parts[-1].num_rows
        return pa.concat_tables(parts).combine_chunks()


def _other_documents(scores: Path) -> ShardMismatchError:
    return ShardMismatchError(
        f"{scores}: the scores ({row_count(scores)} rows) are not of the documents that this job reads. Delete the "
        "stage's scores and run the workflow again."
    )
