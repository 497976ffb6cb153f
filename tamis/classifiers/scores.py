"""Score files beside the documents of a shard, and going through some of its documents.

A score file has a row for each document of its shard, in their order: `id`, whatever the stage found, and null where it
scored nothing. Scores of a shard are in memory together, its texts a few thousand at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.errors import ShardMismatchError
from tamis.shards import document_batches, read_table, table_batches


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
    rows = read_table(scores, ["id", *columns])
    first = 0
    for table in document_batches(documents):
        part = rows.slice(first, table.num_rows)
        first += table.num_rows
        if not part["id"].equals(table["id"]):
            raise _other_documents(scores, rows)
        yield table, part
    if first != rows.num_rows:
        raise _other_documents(scores, rows)


def _other_documents(scores: Path, rows: pa.Table) -> ShardMismatchError:
    return ShardMismatchError(
        f"{scores}: the scores ({rows.num_rows} rows) are not of the documents that this job reads. Delete the stage's "
        "scores and run the workflow again."
    )
