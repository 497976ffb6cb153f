"""Embeddings that an earlier run made, by content: only texts that were not seen before are encoded.

A vector depends on the tokens of a text and on nothing else (`encoder.py`), so a document whose first tokens are what
they were has the vector that it had, bit for bit. What a shard's job writes is kept beside the results under a name of
its own (a hard link, which takes no room while both are the same file), because the workflow deletes the outputs of a
job before it runs again:

    <results>/.kept/<classifier>/<identity>/embeddings/part-00000.parquet

The identity is that of the encoder, its settings, its arithmetic and, unless it is portable, the processor's model.
What is damaged, or of another identity, is not used. With another number of shards everything is encoded again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.checksums import canonical, digest
from tamis.classifiers import embedding_files
from tamis.classifiers.encoder import Encoder
from tamis.errors import TamisError
from tamis.shards import ROW_GROUP_ROWS, column_names, read_table, table_batches, temporary_file

log = logging.getLogger(__name__)

FOLDER = ".kept"


def identity(described: dict[str, Any], version: int, processor: str) -> str:
    """What must be equal for vectors to be equal, as 16 characters.

    Args:
        described: what the encoder says of itself (`Encoder.describe`).
        version: of the code.
        processor: its model; empty where embeddings are the same on all.
    """
    return digest(canonical([described, version, processor]).encode())


def place(embeddings: Path, name: str) -> Path:
    """Where the embeddings of a shard are kept.

    Args:
        embeddings: `<results>/<classifier>/embeddings/part-00000.parquet`.
        name: from `identity`.
    """
    classifier = embeddings.parent.parent
    return classifier.parent / FOLDER / classifier.name / name / embeddings.parent.name / embeddings.name


def keep(embeddings: Path, kept: Path) -> None:
    """Keep a shard's embeddings, and drop those of it that another encoder made."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file(kept) as temporary:
        temporary.unlink()
        try:
            os.link(embeddings, temporary)
        except OSError:
            # The file system has no hard links.
            shutil.copyfile(embeddings, temporary)
        temporary.replace(kept)
    for other in kept.parents[2].glob(f"*/{kept.parent.name}/{kept.name}"):
        if other != kept:
            # A job of the same shard may do the same at this moment.
            with contextlib.suppress(FileNotFoundError):
                other.unlink()
            with contextlib.suppress(OSError):
                other.parent.rmdir()
                other.parents[1].rmdir()


class Kept:
    """What is kept of a shard."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Look at what is there.

        Args:
            path: from `place`.
            columns: that its rows must have.
        """
        self._path, self._columns = path, list(columns)
        self._ids, self._digests = pa.array([], pa.string()), pa.array([], embedding_files.DIGEST)
        self.used = 0
        if not path.is_file():
            return
        try:
            if set(columns) <= set(column_names(path)):
                found = read_table(path, ["id", "digest"])
                self._ids, self._digests = (found[name].combine_chunks() for name in ("id", "digest"))
        except TamisError as error:
            log.warning("kept embeddings are not used: %s", error)

    def rows(self, ids: pa.Array, digests: pa.Array) -> tuple[np.ndarray, pa.Table | None]:
        """The kept rows of some documents.

        Args:
            ids: n ids.
            digests: of their tokens.

        Returns:
            Which of them are known, m positions in order, and their m rows; None where there are none.
        """
        at = pc.index_in(ids, value_set=self._ids)
        known = pc.fill_null(pc.equal(self._digests.take(at), digests), False)
        where = np.flatnonzero(known.to_numpy(zero_copy_only=False))
        if not len(where):
            return where, None
        places = at.take(pa.array(where)).to_numpy()
        try:
            found = self._take(places)
        except TamisError as error:
            log.warning("kept embeddings are not used: %s", error)
            self._ids, self._digests = self._ids.slice(0, 0), self._digests.slice(0, 0)
            return where[:0], None
        self.used += len(where)
        return where, found

    def _take(self, places: np.ndarray) -> pa.Table:
        """Rows by their places in the file."""
        order = np.argsort(places, kind="stable")
        found = []
        for group in np.unique(places // ROW_GROUP_ROWS).tolist():
            first = group * ROW_GROUP_ROWS
            for table in table_batches(self._path, self._columns, [group]):
                inside = places[order]
                inside = inside[(inside >= first) & (inside < first + table.num_rows)] - first
                found.append(table.take(pa.array(inside)))
                first += table.num_rows
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pa.concat_tables(found).take(pa.array(back))


def embed(encoder: Encoder, ids: pa.Array, tokens: Sequence[np.ndarray], kept: Kept, shape: np.ndarray) -> pa.Table:
    """Rows of an embeddings file: those that are kept, and the others encoded.

    Args:
        encoder: for the others.
        ids: n ids.
        tokens: of the n texts.
        kept: of the shard.
        shape: cheap features of the n texts, n × features.
    """
    digests = embedding_files.digests(tokens)
    known, rows = kept.rows(ids, digests)
    others = np.setdiff1d(np.arange(len(tokens)), known, assume_unique=True)
    encoded = encoder.encode_tokens([tokens[row] for row in others])
    vectors = np.zeros((len(tokens), encoded.vectors.shape[1]), np.float32)
    vectors[others] = encoded.vectors
    own = encoded.score()
    score = None if own is None else np.zeros(len(tokens), np.float32)
    if rows is not None:
        vectors[known] = embedding_files.matrix(rows)
    if score is not None and own is not None:
        score[others] = own
        if rows is not None:
            score[known] = rows["score"].to_numpy()
    return embedding_files.rows(ids, vectors, score, digests, shape)
