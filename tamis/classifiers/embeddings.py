"""Embedding files: made once by `transformer_quality`, read by every stage that needs vectors of documents.

`part-00000.parquet` holds `id`, `embedding` (float32, unit length) and, where the backbone classifies, `score`; rows
are those documents of the shard whose kind is embedded, sorted by id.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import ShardMismatchError
from tamis.shards import read_table, write_table


def write(path: Path, ids: pa.Array | pa.ChunkedArray, vectors: np.ndarray, score: np.ndarray | None) -> None:
    """Write one shard's embeddings.

    Args:
        path: the file.
        ids: n ids.
        vectors: n × hidden, float32.
        score: n float32 of a classifying checkpoint, or None.
    """
    size = vectors.shape[1]
    columns = {"id": ids, "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), size)}
    if score is not None:
        columns["score"] = pa.array(score, pa.float32())
    write_table(path, pa.table(columns))


def vectors(table: pa.Table) -> np.ndarray:
    """The embeddings of a table as a matrix, n × hidden, float32."""
    column = table["embedding"].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    size = column.type.list_size
    return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size)


def rows_of(table: pa.Table, ids: pa.Array | pa.ChunkedArray, path: Path) -> pa.Table:
    """The rows of an embeddings table for the given ids, in their order.

    Raises:
        ShardMismatchError: an id has no embedding.
    """
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    place = pc.index_in(ids, value_set=table["id"].combine_chunks())
    if place.null_count:
        missing = ids.filter(pc.is_null(place))
        msg = (
            f"{path}: {place.null_count} documents have no embedding, the first is {missing[0]}. Their kinds must "
            "be in `transformer_quality.embed`; if they are, delete the embeddings and run the workflow again."
        )
        raise ShardMismatchError(msg)
    return table.take(place)


def collect(paths: list[Path], ids: pa.Array, columns: list[str]) -> pa.Table:
    """The rows for the given ids out of the files of all shards, in the order of `ids`; absent ids are left out.

    Args:
        paths: files of all shards; one is held at a time.
        ids: n ids.
        columns: columns wanted besides the id.
    """
    found = []
    for path in paths:
        table = read_table(path, ["id", *columns])
        found.append(table.filter(pc.is_in(table["id"], value_set=ids)))
    whole = pa.concat_tables(found).combine_chunks()
    place = pc.index_in(ids, value_set=whole["id"].combine_chunks())
    return whole.take(place.drop_null())
