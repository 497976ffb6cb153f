"""Score files beside the documents of a shard, and going through some of its documents.

A score file has a row for each document of its shard, in their order: `id`, whatever the stage found, and null where it
scored nothing. Those of classifiers also have what the scores are counted by: kind, source and characters. Both files
are read a few thousand rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import ModelError, ShardMismatchError
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


Column = TypeVar("Column", pa.Array, pa.ChunkedArray)


@dataclass
class Lengths:
    """Characters of the documents of a shard that are scored, counted while their texts are read to be scored."""

    counted: list[np.ndarray] = field(default_factory=list)

    def counting(self, texts: Iterable[Column]) -> Iterator[Column]:
        """The same texts; those that come are counted."""
        for text in texts:
            self.counted.append(_characters(text))
            yield text

    def of(self, documents: Path, where: np.ndarray) -> np.ndarray:
        """Characters of some of a shard's documents, int64; their texts are read where nobody has.

        Args:
            documents: the file.
            where: which of its n documents: n booleans.
        """
        if sum(map(len, self.counted)) != int(where.sum()):
            self.counted = [_characters(table["text"]) for table in chosen(documents, where, ["text"])]
        return np.concatenate([np.zeros(0, dtype=np.int64), *self.counted])


def _characters(text: pa.Array | pa.ChunkedArray) -> np.ndarray:
    return pc.cast(pc.utf8_length(text), pa.int64()).to_numpy(zero_copy_only=False)


def check_numbers(stage: str, score: np.ndarray) -> None:
    """Refuse a model that gives no numbers.

    Raises:
        ModelError: a score is NaN or infinite.
    """
    if wrong := int((~np.isfinite(score)).sum()):
        msg = (
            f"{stage}: {wrong} of {len(score)} scores are no numbers, so the model is of no use and nothing is made "
            f"of it. Look at its training (a smaller learning rate) or at its checkpoint, in the section {stage}."
        )
        raise ModelError(msg)


def scattered(values: np.ndarray, where: np.ndarray, kind: pa.DataType = pa.float32()) -> pa.Array:  # noqa: B008
    """A column of n rows: values where n booleans say so, null elsewhere."""
    column = np.zeros(len(where), dtype=kind.to_pandas_dtype())
    column[where] = values
    return pa.array(column, kind, mask=~where)


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
