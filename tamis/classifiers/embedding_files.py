"""Embedding files: made once by `embeddings`, read by every stage that needs vectors of documents.

`part-00000.parquet` holds `id`, `embedding` (float32, unit length), where the backbone classifies `score`, and
`digest`, by which tokens that were encoded before are known; rows are those documents of the shard whose kind is
embedded, sorted by id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import ShardMismatchError
from tamis.shards import read_table, table_batches

DIGEST = pa.binary(16)


def digests(tokens: Sequence[np.ndarray]) -> pa.Array:
    """128-bit hashes of the tokens of n texts."""
    found = [hashlib.blake2b(np.asarray(ids, np.int32).tobytes(), digest_size=16).digest() for ids in tokens]
    return pa.array(found, DIGEST)


def rows(ids: pa.Array, vectors: np.ndarray, score: np.ndarray | None, digest: pa.Array | None = None) -> pa.Table:
    """Rows of an embeddings file.

    Args:
        ids: n ids.
        vectors: n × hidden, float32.
        score: n float32 of a classifying checkpoint, or None.
        digest: from `digests`, or None.
    """
    size = vectors.shape[1]
    columns = {"id": ids, "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), size)}
    if score is not None:
        columns["score"] = pa.array(score, pa.float32())
    if digest is not None:
        columns["digest"] = digest
    return pa.table(columns)


def matrix(table: pa.Table) -> np.ndarray:
    """The embeddings of a table, n × hidden, float32."""
    column = table["embedding"].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    size = column.type.list_size
    return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size)


def rows_of(path: Path, ids: pa.Array, columns: Sequence[str]) -> Iterator[tuple[np.ndarray, pa.Table]]:
    """The rows of an embeddings file for the given ids, a few thousand at a time.

    Args:
        path: the file of one shard.
        ids: n ids, each once.
        columns: names to read.

    Yields:
        Positions in `ids` and the rows that stand there.

    Raises:
        ShardMismatchError: an id has no embedding.
    """
    place = pc.index_in(ids, value_set=read_table(path, ["id"])["id"].combine_chunks())
    if place.null_count:
        missing = ids.filter(pc.is_null(place))
        msg = (
            f"{path}: {place.null_count} documents have no embedding, the first is {missing[0]}. Their kinds must "
            "be in `embed` of the classifier that makes the embeddings; if they are, delete the embeddings and run the "
            "workflow again."
        )
        raise ShardMismatchError(msg)
    places = place.to_numpy()
    first = 0
    for table in table_batches(path, columns):
        where = np.flatnonzero((places >= first) & (places < first + table.num_rows))
        if len(where):
            yield where, table.take(pa.array(places[where] - first))
        first += table.num_rows


def scores_of(path: Path, ids: pa.Array) -> np.ndarray:
    """The scores that a classifying backbone gave to n documents of one shard, float32.

    Raises:
        ShardMismatchError: an id has no embedding.
    """
    score = np.zeros(len(ids), dtype=np.float32)
    for where, found in rows_of(path, ids, ["score"]):
        score[where] = found["score"].to_numpy()
    return score


def collect(paths: list[Path], ids: pa.Array, columns: list[str]) -> pa.Table:
    """The rows for the given ids out of the files of all shards, in the order of `ids`; absent ids are left out.

    Args:
        paths: files of all shards; what is found in them is in memory, and a few thousand rows.
        ids: n ids.
        columns: columns wanted besides the id.
    """
    names = ["id", *columns]
    found = [
        table.filter(pc.is_in(table["id"], value_set=ids)) for path in paths for table in table_batches(path, names)
    ]
    whole = pa.concat_tables(found or [read_table(paths[0], names)]).combine_chunks()
    place = pc.index_in(ids, value_set=whole["id"].combine_chunks())
    return whole.take(place.drop_null())
