"""Near-copies, decided in keep order."""

from __future__ import annotations

import numpy as np

from tamis.dedup.near_copies import resolve


def test_a_chain_of_near_copies_alternates():
    ranks = np.array([10, 20, 30, 40, 50])
    assert resolve(ranks, np.array([5, 10, 20, 30, 10])).tolist() == [True, False, True, False, False]
    assert resolve(np.array([], dtype=np.int64), np.array([], dtype=np.int64)).tolist() == []
