"""What must not be in training because it is in validation: documents that share much of their text with one there.

Two documents **overlap** when at least the share `overlap` of the n-grams of the smaller set (13 words, as GPT-3 and
Llama 2 held benchmarks against training data) is in the other's too, whichever contains the other, or when the exact
Jaccard similarity of their sets of word 5-grams is at least `similarity`. Words are those of `tamis.text`; a document
of fewer than n words is one n-gram, all its words. A validation document is **spread** when at least the share
`overlap` of its n-grams is found in all documents together that are neither in validation nor overlap one that is.

Everything is exact and goes through an inverted index of the validation documents' n-grams: about 60 bytes a token of
the split for each job. Nothing depends on shards or order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange, hashing
from tamis.barrier import Files
from tamis.ledger import dropped_rows
from tamis.shards import table_batches

NGRAM_SIMILAR = 5
"""Words an n-gram of the sets whose Jaccard similarity is looked at."""

SPREAD, OVERLAPS, SIMILAR = "validation_text_elsewhere", "overlaps_validation", "near_copy_of_validation"

MEMBERS = pa.schema([("id", pa.string()), ("grams", pa.large_list(pa.uint64())), ("fives", pa.large_list(pa.uint64()))])
"""One row a validation document: its two sets of n-grams."""

SEEN = pa.schema([("gram", pa.uint64())])
"""N-grams of validation documents that stand in documents which may be trained on."""


@dataclass(frozen=True)
class Measure:
    """What overlaps.

    overlap: share of the smaller set's n-grams.
    ngram: words each.
    similarity: smallest Jaccard similarity of sets of 5-grams.
    """

    overlap: float
    ngram: int
    similarity: float


def _key() -> np.uint64:
    return np.uint64(hashing.keys("validation overlap", 1)[0])


def _sets(text: pa.ChunkedArray, ngram: int) -> pa.LargeListArray:
    from tamis.kernels.dedup.overlaps import sets_of
    from tamis.kernels.folded_characters import character_table
    from tamis.kernels.words import WORD_KEY, buffers

    bounds, grams = sets_of(*buffers(text), WORD_KEY, character_table(), ngram, _key())
    return pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(grams))


def members(documents: Path, chosen: pa.Array, measure: Measure) -> pa.Table:
    """Rows of `MEMBERS` of the documents of one shard that are in validation.

    Args:
        documents: the file.
        chosen: ids.
        measure: what overlaps.
    """
    tables = [MEMBERS.empty_table()]
    for batch in table_batches(documents, ["id", "text"]):
        mine = batch.filter(pc.is_in(batch["id"], value_set=chosen))
        if mine.num_rows:
            sets = [_sets(mine["text"], ngram) for ngram in (measure.ngram, NGRAM_SIMILAR)]
            tables.append(pa.table([mine["id"], *sets], schema=MEMBERS))
    return pa.concat_tables(tables)


def _flat(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The values of a column of lists, and where each list begins."""
    lengths = pc.list_value_length(column).to_numpy()
    values = np.concatenate([np.empty(0, np.uint64), *(chunk.flatten().to_numpy() for chunk in column.chunks)])
    return values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


class Comparison:
    """Compares documents, some at a time, with all validation documents."""

    def __init__(self, sampled: pa.Table, measure: Measure) -> None:
        """Invert the sets.

        Args:
            sampled: rows of `MEMBERS`, of all shards.
            measure: what overlaps.
        """
        from tamis.kernels.dedup.overlaps import invert

        self._measure = measure
        self._ids = sampled["id"].combine_chunks()
        self._sizes, self._indexes = [], []
        for name in ("grams", "fives"):
            grams, bounds = _flat(sampled[name])
            self._sizes.append(np.diff(bounds))
            self._indexes.append(invert(grams, bounds))
        self._seen = np.zeros(len(self._indexes[0][0]), np.bool_)

    def _pairs(self, text: pa.ChunkedArray, which: int, *, of_smaller: bool) -> tuple[np.ndarray, ...]:
        from tamis.kernels.dedup.overlaps import close_members
        from tamis.kernels.folded_characters import character_table
        from tamis.kernels.words import WORD_KEY, buffers

        measure = self._measure
        ngram, least = (measure.ngram, measure.overlap) if of_smaller else (NGRAM_SIMILAR, measure.similarity)
        return close_members(
            *buffers(text),
            WORD_KEY,
            character_table(),
            ngram,
            _key(),
            *self._indexes[which],
            self._sizes[which],
            least,
            of_smaller,
        )

    def add(self, documents: pa.Table) -> pa.Table:
        """Ledger rows of those of n documents that overlap a validation document; the others' n-grams are noted.

        Args:
            documents: documents that are not in validation.
        """
        from tamis.kernels.dedup.overlaps import mark
        from tamis.kernels.folded_characters import character_table
        from tamis.kernels.words import WORD_KEY, buffers

        text = documents["text"]
        contained, similar = self._pairs(text, 0, of_smaller=True), self._pairs(text, 1, of_smaller=False)
        row, other, value = (np.concatenate(both) for both in zip(contained, similar, strict=True))
        near = np.repeat([0, 1], [len(contained[0]), len(similar[0])])
        # The pair that a row names: by n-grams before similarity, then the highest, then the smallest id.
        names = np.argsort(np.argsort(self._ids.to_numpy(zero_copy_only=False)))
        order = np.lexsort((names[other], -value, near, row))
        first = np.ones(len(order), np.bool_)
        first[1:] = row[order][1:] != row[order][:-1]
        chosen = order[first]
        rest = np.ones(documents.num_rows, np.bool_)
        rest[row] = False
        arguments = (WORD_KEY, character_table(), self._measure.ngram, _key(), *self._indexes[0][:2], rest)
        mark(*buffers(text), *arguments, self._seen)
        reasons = [SIMILAR if kind else OVERLAPS for kind in near[chosen]]
        limits = np.array([self._measure.overlap, self._measure.similarity])[near[chosen]]
        return dropped_rows(
            "validation",
            documents.take(pa.array(row[chosen])),
            pa.array(reasons, pa.string()),
            value=value[chosen],
            threshold=limits,
            matched_id=self._ids.take(pa.array(other[chosen])),
            similarity=np.where(near[chosen] == 1, value[chosen], np.nan),
        )

    def seen(self) -> pa.Table:
        """Rows of `SEEN`: the n-grams of validation documents that the others hold."""
        return pa.table([pa.array(np.sort(self._indexes[0][0][self._seen]))], schema=SEEN)


def spread(sampled: pa.Table, seen: Sequence[pa.Table], overlap: float) -> tuple[pa.Array, np.ndarray]:
    """The validation documents whose text stands in others, and the share of their n-grams that does.

    Args:
        sampled: rows of `MEMBERS`, of all shards.
        seen: rows of `SEEN`, one table a shard.
        overlap: smallest share.
    """
    every = np.unique(np.concatenate([np.empty(0, np.uint64), *(table["gram"].to_numpy() for table in seen)]))
    grams, bounds = _flat(sampled["grams"])
    there = np.concatenate([[0], np.cumsum(np.isin(grams, every))])
    sizes = np.diff(bounds)
    share = (there[bounds[1:]] - there[bounds[:-1]]) / np.maximum(sizes, 1)
    gone = (share >= overlap) & (sizes > 0)
    return sampled["id"].combine_chunks().filter(pa.array(gone)), share[gone]


def members_behind(barrier: Files) -> pa.Table:
    """The rows of `MEMBERS` of all shards, in the order of their ids."""
    return pa.concat_tables(exchange.read_each(barrier, 0, 1)).sort_by("id")


def withdrawn_rows(index: pa.Table, share: Sequence[float], overlap: float) -> pa.Table:
    """Ledger rows of sampled documents that are withdrawn; the index knows neither their URLs nor their lengths.

    Args:
        index: rows of the index, n of them.
        share: of their n-grams, seen elsewhere.
        overlap: the smallest at which they go.
    """
    nothing = pa.nulls(index.num_rows, pa.string())
    known = {"id": index["id"], "source": index["source"], "kind": index["kind"], "url": nothing}
    return dropped_rows(
        "validation", pa.table({**known, "text": nothing}), SPREAD, value=np.array(share, float), threshold=overlap
    )
