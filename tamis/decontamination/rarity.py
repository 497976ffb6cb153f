"""How rare a word is in the corpus, and what a match of words is worth.

Of N passages of 256 words df hold a word. What it says is ln((N + 1) / (df + 1)), with N at least `FEWEST`; what it
weighs in the score of an overlap is `FLOOR` plus that, as a share of the most that a word can say: a word that only the
benchmark has weighs 1 + `FLOOR`, one that every passage has `FLOOR`. With no floor a question whose two rare words were
changed could not be found by the twenty others; with a large one, questions of a template would pass for each other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.kernels.contamination import Index, Rarity, count_passages, said
from tamis.kernels.folded_characters import character_table
from tamis.kernels.visible_words import names
from tamis.kernels.words import buffers

FLOOR = 0.25

FEWEST = 1000
"""Of fewer passages nothing is learnt about rare words."""


def rarity(index: Index, passages: int, holding: np.ndarray) -> Rarity:
    """What the words of an index weigh.

    Args:
        index: V words, P probes.
        passages: of the corpus.
        holding: int64[V], passages that hold each word.
    """
    many = max(passages, FEWEST) + 1
    information = np.log(many / (holding + 1))
    weights = FLOOR + information / np.log(many)
    weights = weights.astype(np.float32)
    sums = np.r_[0.0, np.cumsum(weights.astype(np.float64)[index.probe_words])]
    totals = sums[index.offsets[1:]] - sums[index.offsets[:-1]]
    return Rarity(weights, totals.astype(np.float32), said(index.offsets, index.probe_words, information))


class Holding:
    """Counts the passages that hold each word of an index."""

    def __init__(self, index: Index) -> None:
        """Begin with none."""
        self._index = index
        self._counts = np.zeros(len(index.words), np.int64)
        self._seen = np.full(len(index.words), -1, np.int64)
        self._passages = 0

    def add(self, texts: pa.ChunkedArray, rows: np.ndarray) -> None:
        """Count some documents.

        Args:
            texts: n texts.
            rows: bool[n], which count.
        """
        offsets, data = buffers(texts)
        self._passages = count_passages(
            offsets,
            data,
            rows,
            character_table(),
            names(),
            self._index.words,
            self._index.word_slots,
            self._seen,
            self._passages,
            self._counts,
        )

    @property
    def counts(self) -> np.ndarray:
        """int64[V + 1]: passages that hold each word, then all passages."""
        return np.r_[self._counts, self._passages]


def read_rarity(path: Path, index: Index) -> Rarity:
    """The rarity of words by the sums of all shards.

    Args:
        path: one batch with a column `holding`, as `Holding.counts`.
        index: what they are words of.
    """
    holding = exchange.read_batch(path, 0, 1)["holding"].to_numpy()
    return rarity(index, int(holding[-1]), holding[:-1])
