"""From text to what the other steps need of a document: set size, set hash, band hashes, and the sets themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import hashing
from tamis.dedup import scope
from tamis.dedup.minhash.operators import NOT_LOOKED_AT, Operators
from tamis.errors import ShardMismatchError
from tamis.ids import key_halves
from tamis.schemas import of_kinds
from tamis.shards import read_table, table_batches


@dataclass(frozen=True)
class Scheme:
    """How sets and signatures are made; documents can be compared only under one scheme.

    With `by_bytes` the set of a document is its text: equal sets are equal texts, and there is nothing else to compare.
    """

    ngram: int
    bands: int
    rows: int
    seed: int
    within: str | None = None
    operators: Operators = NOT_LOOKED_AT
    by_bytes: bool = False

    def schema(self) -> pa.Schema:
        """Columns of signatures, a row a document, in the order of the documents file; in files, bands are left out."""
        return pa.schema(
            [
                ("rank", pa.int64()),
                ("id", pa.string()),
                ("copies", pa.int32()),
                ("size", pa.int64()),
                ("scope", pa.uint64()),
                ("operators", pa.uint64()),
                ("parent", pa.uint64()),
                ("set_low", pa.uint64()),
                ("set_high", pa.uint64()),
                ("bands", pa.list_(pa.uint64(), self.bands)),
            ]
        )

    def set_keys(self) -> np.ndarray:
        """uint64[3]: key of the n-grams and of both halves of the set hash."""
        return hashing.keys("minhash_dedup sets", 3, self.seed)


def is_extract(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Which pairs are an extract and what it was taken from: bool.

    Args:
        one: two uint64 a pair, of one of its documents: the key of its parent, 0 for none, and its own, which is the
            first half of its id.
        other: likewise, of the other.
    """
    taken: np.ndarray = (one[0] != 0) & (one[0] == other[1])
    return taken | ((other[0] != 0) & (other[0] == one[1]))


def _hash_texts(batch: pa.Table, scheme: Scheme, sizes: np.ndarray, sets: np.ndarray) -> None:
    """The bytes of each text, and the hash of them, in the place of set size and set hash."""
    from tamis.kernels.hashes import siphash128
    from tamis.kernels.words import buffers

    offsets, data = buffers(batch["text"])
    sizes[:] = np.diff(offsets)
    key_0, key_1 = hashing.keys("minhash_dedup texts", 2, scheme.seed)
    for row in range(len(sizes)):
        sets[row] = siphash128(data, offsets[row], offsets[row + 1], key_0, key_1)


def _signatures(batch: pa.Table, scheme: Scheme) -> pa.Table:
    """Signatures of some documents (columns id, kind, rank, copies, parent, text, and that of the scope)."""
    from tamis.kernels.dedup.minhash import band_rows
    from tamis.kernels.folded_characters import character_table
    from tamis.kernels.words import WORD_KEY, buffers

    n = batch.num_rows
    offsets, data = buffers(batch["text"])
    permutations = scheme.bands * scheme.rows
    numbers = hashing.keys("minhash_dedup permutations", 2 * permutations, scheme.seed).astype(np.uint32)
    sizes = np.zeros(n, np.int64)
    sets = np.zeros((n, 2), np.uint64)
    bands = np.zeros((n, scheme.bands), np.uint64)
    operators = scheme.operators.hashes(batch)
    if scheme.by_bytes:
        _hash_texts(batch, scheme, sizes, sets)
    else:
        band_rows(
            offsets,
            data,
            WORD_KEY,
            character_table(),
            scheme.ngram,
            scheme.set_keys(),
            numbers[:permutations] | np.uint32(1),
            numbers[permutations:],
            hashing.keys("minhash_dedup bands", scheme.bands, scheme.seed),
            sizes,
            sets,
            bands,
        )
    scopes = scope.hashes(batch, scheme.within)
    # Equal sets and equal bands of different scopes do not meet.
    sets += scopes[:, None]
    # Nor are sets equal whose documents differ in their operators.
    sets ^= operators[:, None] >> np.uint64(1)
    bands ^= scopes[:, None]
    return pa.table(
        [
            batch["rank"],
            batch["id"],
            batch["copies"],
            pa.array(sizes),
            pa.array(scopes),
            pa.array(operators),
            pa.array(key_halves(batch["parent"])),
            pa.array(np.ascontiguousarray(sets[:, 0])),
            pa.array(np.ascontiguousarray(sets[:, 1])),
            pa.FixedSizeListArray.from_arrays(pa.array(bands.reshape(-1)), scheme.bands),
        ],
        schema=scheme.schema(),
    )


def still_there(batch: pa.Table, documents: pa.Table) -> pa.Table:
    """The rows of a batch of an earlier stage's documents that are still there, with the copies that they have now.

    Args:
        batch: rank, copies and other columns.
        documents: rank and copies of all documents that are there, sorted by id as the batch is.
    """
    at = pc.index_in(batch["rank"], value_set=documents["rank"].combine_chunks())
    stays = pc.is_valid(at)
    batch = batch.filter(stays)
    copies = documents["copies"].take(at.drop_null())
    return batch.set_column(batch.schema.get_field_index("copies"), "copies", copies)


def signatures(judged: Path, documents: Path, scheme: Scheme, kinds: tuple[str, ...]) -> pa.Table:
    """Make the signatures of the documents of some kinds.

    Args:
        judged: documents with the text that is compared, of the same shard and of an earlier stage or the same, read a
            few thousand at a time.
        documents: the documents that there are.
        scheme: how sets and signatures are made.
        kinds: documents of other kinds are left out.

    Returns:
        Rows of `Scheme.schema`, one chunk.
    """
    parts = [scheme.schema().empty_table()]
    columns = sorted({"id", "kind", "text", "parent", "copies", "rank", *scope.columns(scheme.within)})
    there = None if judged == documents else read_table(documents, ["rank", "copies"])
    for read in table_batches(judged, columns):
        batch = read if there is None else still_there(read, there)
        chosen = of_kinds(batch, kinds)
        parts.append(_signatures(batch if chosen.all() else batch.filter(pa.array(chosen)), scheme))
    return pa.concat_tables(parts).combine_chunks()


def band_matrix(table: pa.Table) -> np.ndarray:
    """The band hashes of a signatures table: uint64[documents, bands]."""
    column = table["bands"].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    return column.flatten().to_numpy().reshape(len(column), column.type.list_size)


class Sets(NamedTuple):
    """The n-gram sets of some documents.

    rows: which of the documents that were asked for: consecutive ones.
    bounds: int64[m + 1], where their sets begin in `grams`.
    grams: uint64, the sets one after another.
    """

    rows: slice
    bounds: np.ndarray
    grams: np.ndarray


def _bounds(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def read_sets(documents: Path, ranks: np.ndarray, sizes: np.ndarray, scheme: Scheme) -> Iterator[Sets]:
    """Recompute the n-gram sets of some documents of a file, read a few thousand documents at a time.

    Args:
        documents: the file.
        ranks: int64[k], of the documents, in the order of the file.
        sizes: int64[k], of their sets, from the signatures.
        scheme: how sets are made.

    Yields:
        Their sets, for each batch of the file, even if it has none of them.

    Raises:
        ShardMismatchError: a document is not there, or its text does not give a set of that size.
    """
    from tamis.kernels.dedup.minhash import write_sets
    from tamis.kernels.folded_characters import character_table
    from tamis.kernels.words import WORD_KEY, buffers

    done = 0
    for batch in table_batches(documents, ["rank", "text"]):
        here = np.flatnonzero(np.isin(batch["rank"].to_numpy(), ranks))
        rows = slice(done, done + len(here))
        bounds = _bounds(sizes[rows])
        grams = np.empty(bounds[-1], np.uint64)
        offsets, data = buffers(batch["text"])
        key = scheme.set_keys()[0]
        same = np.array_equal(batch["rank"].to_numpy()[here], ranks[rows])
        if not same or not write_sets(
            offsets, data, WORD_KEY, character_table(), scheme.ngram, key, here, bounds, grams, 0
        ):
            break
        done = rows.stop
        yield Sets(rows, bounds, grams)
    if done != len(ranks):
        msg = (
            f"{documents}: a document is not the one whose signature was made; the file changed during the run. "
            "Delete the stage's folder and run the workflow again."
        )
        raise ShardMismatchError(msg)


def read_all_sets(
    documents: Path, ranks: np.ndarray, sizes: np.ndarray, scheme: Scheme
) -> tuple[np.ndarray, np.ndarray]:
    """The sets that `read_sets` gives, together: int64[k + 1] bounds, and uint64 grams."""
    bounds = _bounds(sizes)
    grams = np.empty(bounds[-1], np.uint64)
    for some in read_sets(documents, ranks, sizes, scheme):
        grams[bounds[some.rows.start] : bounds[some.rows.stop]] = some.grams
    return bounds, grams
