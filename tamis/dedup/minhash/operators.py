"""Code and maths whose operators differ are no copies, however equal their words are.

Words are the same everywhere in tamis, and so is Jaccard similarity: `x < lo … return x` and `x > lo … return -x` have
similarity 1. A pair of which both documents are of some kinds is **told apart** when their sequences of operators and
digits (`tamis/kernels/dedup/operators.py`) differ and either of them is short: then an operator is what the text is
about. Of longer ones a near-copy may differ in an operator as it may in a word, but it is no exact copy; so where only
exact copies are asked for, at similarity 1, every such pair is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tamis import hashing
from tamis.schemas import of_kinds


@dataclass(frozen=True)
class Operators:
    """Which pairs are told apart.

    kinds: documents whose operators are looked at.
    below: characters; shorter documents are short.
    always: whether pairs of long documents are told apart too.
    """

    kinds: tuple[str, ...] = ()
    below: int = 0
    always: bool = False

    def hashes(self, documents: pa.Table) -> np.ndarray:
        """The operators of each document as a number: uint64, 0 where they are not looked at.

        Args:
            documents: kind and text.
        """
        from tamis.kernels.dedup.operators import ASCII, operator_hashes
        from tamis.kernels.words import buffers

        wanted = of_kinds(documents, self.kinds)
        if not wanted.any():
            return np.zeros(documents.num_rows, np.uint64)
        key = hashing.keys("minhash_dedup operators", 1)[0]
        return operator_hashes(*buffers(documents["text"]), wanted, ASCII, self.below, key)

    def apart(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Which pairs are told apart: bool.

        Args:
            one: uint64, from `hashes`.
            other: uint64, of the other documents.
        """
        differ = (one != 0) & (other != 0) & (one >> np.uint64(1) != other >> np.uint64(1))
        return differ if self.always else differ & ((one | other) & np.uint64(1) != 0)


NOT_LOOKED_AT = Operators()
"""Words alone decide."""
