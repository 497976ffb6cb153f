"""Choosing survivors from verified edges: the greedy pass and union-find."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def greedy(ranks: np.ndarray, others: np.ndarray, similarity: np.ndarray, gone: np.ndarray, chosen: np.ndarray) -> int:
    """Drop each document that has a kept earlier neighbour.

    Args:
        ranks: int64[n], sorted: the later document of each edge; all edges of a document are here.
        others: int64[n]: the earlier document, sorted within a document.
        similarity: float64[n].
        gone: uint8 bit set by rank over all documents so far; read and written.
        chosen: int64[n], written: for each dropped document its edge to the kept neighbour of highest similarity,
            of equal ones the first in keep order.

    Returns:
        How many were dropped.
    """
    dropped = 0
    row = 0
    while row < len(ranks):
        rank = ranks[row]
        best = -1
        while row < len(ranks) and ranks[row] == rank:
            other = others[row]
            kept = (gone[other >> 3] >> np.uint8(other & 7)) & 1 == 0
            if kept and (best < 0 or similarity[row] > similarity[best]):
                best = row
            row += 1
        if best >= 0:
            gone[rank >> 3] |= np.uint8(1) << np.uint8(rank & 7)
            chosen[dropped] = best
            dropped += 1
    return dropped


@njit(cache=True, nogil=True, inline="always")
def root_of(parents: np.ndarray, member: int) -> int:
    """The first document in keep order of a member's component; paths are halved on the way."""
    while parents[member] != member:
        parents[member] = parents[parents[member]]
        member = parents[member]
    return member


@njit(cache=True, nogil=True)
def unite(parents: np.ndarray, ranks: np.ndarray, others: np.ndarray) -> None:
    """Join the components of both ends of each edge; the smaller root stays root.

    Args:
        parents: int64 by rank, each at first its own parent; written.
        ranks: int64[n], one end.
        others: int64[n], the other end.
    """
    for row in range(len(ranks)):
        one = root_of(parents, ranks[row])
        other = root_of(parents, others[row])
        if one < other:
            parents[other] = one
        elif other < one:
            parents[one] = other


@njit(cache=True, nogil=True)
def roots(parents: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """The root of each of the ranks: int64[n]."""
    result = np.empty(len(ranks), np.int64)
    for row in range(len(ranks)):
        result[row] = root_of(parents, ranks[row])
    return result
