"""The run measures its own recall: a sample of documents against the whole corpus, by brute force.

Documents are sampled by a keyed hash of their id. Every pair of a sampled document and any other of the corpus whose
exact Jaccard similarity is at or above the threshold is found through an inverted index of the sample, with no
signature in between; pairs that are told apart by their operators, or an extract and its parent, do not count. A pair
is **missed** when both of its documents were kept: because it met in no band, or because the bucket bound left it out.
(With greedy grouping every other reason ends with one of them dropped.)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange, hashing, streams
from tamis.dedup import scope
from tamis.dedup.minhash.signatures import Scheme, is_extract, read_all_sets
from tamis.ids import id_halves, key_halves
from tamis.schemas import of_kinds

SAMPLE = pa.schema(
    [
        ("rank", pa.int64()),
        ("scope", pa.uint64()),
        ("operators", pa.uint64()),
        ("parent", pa.uint64()),
        ("key", pa.uint64()),
        ("kept", pa.bool_()),
        ("grams", pa.large_list(pa.uint64())),
    ]
)
"""One row a sampled document and its n-gram set; `key` is the first half of its id."""

WITH_WORDS = "with_words"
"""Count in a signatures file: documents that have any word."""


def dropped_ranks(verdicts: Path, shard: int, shards: int) -> np.ndarray:
    """Ranks of the documents of one shard that the verdicts drop."""
    tables = streams.read_rounds(verdicts, shard, shards, ["rank", "reason"])
    found = [table["rank"].to_numpy()[pc.is_valid(table["reason"]).to_numpy()] for table in tables]
    return np.concatenate([np.empty(0, np.int64), *found])


def chosen(signatures: pa.Table, sample: int, documents: int) -> np.ndarray:
    """Which documents are in the sample: bool[n].

    Args:
        signatures: id and size of n documents.
        sample: how many documents of the corpus are wanted, about.
        documents: how many of them have words.
    """
    words = signatures["size"].to_numpy() > 0
    if sample >= documents:
        return words
    positions = hashing.keyed_uint64("minhash_dedup audit", signatures["id"].to_pylist())
    return words & (positions < np.uint64(sample * 2**64 // documents))


def sampled(documents: Path, signatures: pa.Table, taken: np.ndarray, dropped: np.ndarray, scheme: Scheme) -> pa.Table:
    """Rows of `SAMPLE` of one shard.

    Args:
        documents: the documents file.
        signatures: rank, id, size, scope, operators and parent of its documents of the kinds looked at.
        taken: bool, which of them.
        dropped: ranks of dropped documents.
        scheme: how sets are made.
    """
    mine = signatures.filter(pa.array(taken))
    ranks = mine["rank"].to_numpy()
    # Signatures stand in the order of the documents file.
    bounds, grams = read_all_sets(documents, ranks, mine["size"].to_numpy(), scheme)
    sets = pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(grams))
    kept = pa.array(~np.isin(ranks, dropped))
    key = pa.array(id_halves(mine["id"])[0])
    return pa.table([mine["rank"], mine["scope"], mine["operators"], mine["parent"], key, kept, sets], schema=SAMPLE)


class Audit:
    """Compares the documents of one shard, some at a time, with the sample of the whole corpus."""

    def __init__(self, sample: Sequence[Path], scheme: Scheme, threshold: float, kinds: tuple[str, ...]) -> None:
        """Read the sample and invert it.

        Args:
            sample: files of `SAMPLE`, one a shard.
            scheme: how sets are made.
            threshold: smallest Jaccard similarity of a pair.
            kinds: documents of other kinds are left out.
        """
        from tamis.kernels.dedup.overlaps import invert

        self._scheme, self._threshold, self._kinds = scheme, threshold, kinds
        self._members = pa.concat_tables(exchange.read_batch(path, 0, 1) for path in sample).combine_chunks()
        sets = self._members["grams"].combine_chunks()
        if isinstance(sets, pa.ChunkedArray):
            sets = pa.array([], SAMPLE.field("grams").type)
        bounds = sets.offsets.to_numpy() - sets.offsets[0].as_py()
        self._index = invert(sets.flatten().to_numpy(), bounds)
        self._sizes = np.diff(bounds)
        self.pairs = 0
        """Pairs at or above the threshold; one of two sampled documents counts where the later one is."""
        self.missed = 0
        """Those of them that are both kept."""

    def add(self, documents: pa.Table, kept: np.ndarray) -> None:
        """Look for all pairs of some documents.

        Args:
            documents: as read.
            kept: ranks of those that stay.
        """
        from tamis.kernels.dedup.overlaps import close_members
        from tamis.kernels.folded_characters import character_table
        from tamis.kernels.words import WORD_KEY, buffers

        documents = documents.filter(pa.array(of_kinds(documents, self._kinds)))
        offsets, data = buffers(documents["text"])
        rows, others, _ = close_members(
            offsets,
            data,
            WORD_KEY,
            character_table(),
            self._scheme.ngram,
            self._scheme.set_keys()[0],
            *self._index,
            self._sizes,
            self._threshold,
            False,
        )
        ranks, sampled_ranks = documents["rank"].to_numpy()[rows], self._members["rank"].to_numpy()
        theirs = sampled_ranks[others]
        counts = (ranks > theirs) | ~np.isin(ranks, sampled_ranks)
        counts &= scope.hashes(documents, self._scheme.within)[rows] == self._members["scope"].to_numpy()[others]
        operators = self._scheme.operators.hashes(documents)
        counts &= ~self._scheme.operators.apart(operators[rows], self._members["operators"].to_numpy()[others])
        mine = (key_halves(documents["parent"])[rows], id_halves(documents["id"])[0][rows])
        counts &= ~is_extract(
            mine, (self._members["parent"].to_numpy()[others], self._members["key"].to_numpy()[others])
        )
        missed = counts & np.isin(ranks, kept) & self._members["kept"].to_numpy(zero_copy_only=False)[others]
        self.pairs += int(counts.sum())
        self.missed += int(missed.sum())
