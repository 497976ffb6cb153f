"""How rare a word is in the corpus, and what a match of words is worth.

Of N documents df hold a word. What it says is ln((N + 1) / (df + 1)); what it weighs in the score of an overlap is
`FLOOR` plus that, as a share of the most that a word can say, so that a word that only the benchmark has weighs 1 +
`FLOOR` and one that every document has `FLOOR`. With no floor a question whose two rare words were changed could not be
found by the twenty others; with a large one, questions of a template would pass for each other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.kernels.contamination import Index, Rarity, count_documents, said
from tamis.kernels.folded_characters import character_table
from tamis.kernels.visible_words import names
from tamis.kernels.words import buffers

FLOOR = 0.25


def rarity(index: Index, documents: int, holding: np.ndarray) -> Rarity:
    """What the words of an index weigh.

    Args:
        index: V words, P probes.
        documents: of the corpus.
        holding: int64[V], documents that hold each word.
    """
    information = np.log((documents + 1) / (holding + 1))
    weights = FLOOR + information / max(np.log(documents + 1), 1e-9)
    weights = weights.astype(np.float32)
    sums = np.r_[0.0, np.cumsum(weights.astype(np.float64)[index.probe_words])]
    totals = sums[index.offsets[1:]] - sums[index.offsets[:-1]]
    return Rarity(weights, totals.astype(np.float32), said(index.offsets, index.probe_words, information))


class Holding:
    """Counts the documents that hold each word of an index."""

    def __init__(self, index: Index) -> None:
        """Begin with none."""
        self._index = index
        self._counts = np.zeros(len(index.words), np.int64)
        self._seen = np.full(len(index.words), -1, np.int64)
        self._rows = self._documents = 0

    def add(self, texts: pa.ChunkedArray, rows: np.ndarray) -> None:
        """Count some documents.

        Args:
            texts: n texts.
            rows: bool[n], which count.
        """
        offsets, data = buffers(texts)
        count_documents(
            offsets,
            data,
            rows,
            character_table(),
            names(),
            self._index.words,
            self._index.word_slots,
            self._seen,
            self._rows,
            self._counts,
        )
        self._rows += len(rows)
        self._documents += int(rows.sum())

    @property
    def counts(self) -> np.ndarray:
        """int64[V + 1]: documents that hold each word, then all documents."""
        return np.r_[self._counts, self._documents]


def read_rarity(path: Path, index: Index) -> Rarity:
    """The rarity of words by the sums of all shards.

    Args:
        path: one batch with a column `holding`, as `Holding.counts`.
        index: what they are words of.
    """
    holding = exchange.read_batch(path, 0, 1)["holding"].to_numpy()
    return rarity(index, int(holding[-1]), holding[:-1])
