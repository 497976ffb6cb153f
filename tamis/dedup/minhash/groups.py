"""Who stays: one pass over verified edges in keep order, or connected components.

Both go through sorted files with one range of ranks in memory at a time. What they remember of the corpus is one bit a
document (greedy), or eight bytes a document and the id of each component's first document (components).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import streams
from tamis.dedup.minhash.verdicts import EXACT, NEAR, VERDICTS

DECIDED = pa.schema(
    [("rank", pa.int64()), ("shard", pa.int32()), ("copies", pa.int32()), ("matched_id", pa.string()),
     ("similarity", pa.float64()), ("kept", pa.int64()), ("kept_shard", pa.int32()), ("kept_id", pa.string())]
)  # fmt: skip
"""One row a dropped document: the neighbour it names, and rank, shard and id of the one that stays. Sorted by rank."""


def _dropped(
    rank: pa.Array, shard: pa.Array, reason: str, similarity: pa.Array, matched_id: pa.Array, kept_id: pa.Array
) -> pa.Table:
    rows = len(rank)
    return pa.table(
        [rank, shard, pa.array([reason] * rows, pa.string()), similarity, matched_id, similarity, kept_id,
         pa.nulls(rows, pa.int32())],
        schema=VERDICTS,
    )  # fmt: skip


def _named(rank: pa.Array, shard: pa.Array, copies: pa.Array) -> pa.Table:
    rows = len(rank)
    return pa.table(
        [rank, shard, pa.nulls(rows, pa.string()), pa.nulls(rows, pa.float64()), pa.nulls(rows, pa.string()),
         pa.nulls(rows, pa.float64()), pa.nulls(rows, pa.string()), copies],
        schema=VERDICTS,
    )  # fmt: skip


def _followers(collapsed: pa.Table, decided: pa.Table) -> Iterator[pa.Table]:
    """Verdicts of documents whose n-gram set an owner has: they name it, or whatever it was dropped for.

    Args:
        collapsed: rows of `tamis.dedup.minhash.candidates.COLLAPSED`.
        decided: rows of `DECIDED`, the dropped documents among the owners.
    """
    if not collapsed.num_rows:
        return
    ranks = decided["rank"].to_numpy()
    place = np.searchsorted(ranks, collapsed["rank"].to_numpy())
    gone = np.zeros(collapsed.num_rows, dtype=bool)
    inside = place < len(ranks)
    gone[inside] = ranks[place[inside]] == collapsed["rank"].to_numpy()[inside]
    stays = collapsed.filter(pa.array(~gone))
    ones = pa.array(np.ones(stays.num_rows))
    yield _dropped(stays["member"], stays["member_shard"], EXACT, ones, stays["id"], stays["id"])
    yield _named(stays["rank"], stays["shard"], stays["member_copies"])
    moved, followed = collapsed.filter(pa.array(gone)), decided.take(pa.array(place[gone]))
    yield _dropped(
        moved["member"],
        moved["member_shard"],
        NEAR,
        followed["similarity"],
        followed["matched_id"],
        followed["kept_id"],
    )
    yield _named(followed["kept"], followed["kept_shard"], moved["member_copies"])


def _outcome(decided: pa.Table, collapsed: pa.Table) -> Iterator[pa.Table]:
    yield _dropped(
        decided["rank"], decided["shard"], NEAR, decided["similarity"], decided["matched_id"], decided["kept_id"]
    )
    yield _named(decided["kept"], decided["kept_shard"], decided["copies"])
    yield from _followers(collapsed, decided)


def _room(array: np.ndarray, size: int) -> np.ndarray:
    """The array with at least `size` entries; new ones are zero."""
    if size <= len(array):
        return array
    grown = np.zeros(max(size, 2 * len(array)), array.dtype)
    grown[: len(array)] = array
    return grown


def greedy_verdicts(edges: Sequence[Path], collapsed: Sequence[Path]) -> Iterator[pa.Table]:
    """A document is dropped iff an earlier document that stays is a neighbour; it names the most similar such.

    Args:
        edges: sorted files of `tamis.dedup.minhash.verification.EDGES`.
        collapsed: sorted files of `tamis.dedup.minhash.candidates.COLLAPSED`.

    Yields:
        Rows of `VERDICTS`.
    """
    from tamis.kernels.dedup.groups import greedy

    gone = np.zeros(1, np.uint8)
    for some_edges, some_collapsed in streams.merged([edges, collapsed]):
        table = some_edges.combine_chunks().sort_by([("rank", "ascending"), ("other", "ascending")])
        ranks = table["rank"].to_numpy()
        chosen = np.empty(len(ranks), np.int64)
        dropped = 0
        if len(ranks):
            gone = _room(gone, int(ranks[-1]) // 8 + 1)
            dropped = greedy(ranks, table["other"].to_numpy(), table["similarity"].to_numpy(), gone, chosen)
        table = table.take(pa.array(chosen[:dropped]))
        decided = pa.table(
            [
                table["rank"],
                table["shard"],
                table["copies"],
                table["earlier_id"],
                table["similarity"],
                table["other"],
                table["other_shard"],
                table["earlier_id"],
            ],
            schema=DECIDED,
        )
        yield from _outcome(decided, some_collapsed)


def _united(edges: Sequence[Path]) -> np.ndarray:
    """Union-find over all edges: int64 parents by rank, eight bytes a document."""
    from tamis.kernels.dedup.groups import unite

    parents = np.zeros(0, np.int64)
    for (table,) in streams.merged([edges]):
        ranks, others = table["rank"].to_numpy(), table["other"].to_numpy()
        if not len(ranks):
            continue
        known, size = len(parents), int(max(ranks.max(), others.max())) + 1
        parents = _room(parents, size)
        parents[known:] = np.arange(known, len(parents))
        unite(parents, ranks, others)
    return parents


def component_verdicts(edges: Sequence[Path], collapsed: Sequence[Path]) -> Iterator[pa.Table]:
    """A document is dropped iff it is not the first of its connected component, which stays for all of it.

    It names the most similar of its own neighbours, of equally similar ones the first in keep order, whether that one
    stays or not: a chain of documents may join it to the one that stays, without any similarity between the two.

    Args:
        edges: sorted files of `tamis.dedup.minhash.verification.EDGES`, each edge both ways.
        collapsed: sorted files of `tamis.dedup.minhash.candidates.COLLAPSED`.

    Yields:
        Rows of `VERDICTS`.
    """
    from tamis.kernels.dedup.groups import roots

    parents = _united(edges)
    first: dict[int, tuple[str, int]] = {}
    for some_edges, some_collapsed in streams.merged([edges, collapsed]):
        table = some_edges.combine_chunks().sort_by([("rank", "ascending"), ("other", "ascending")])
        root = roots(parents, table["rank"].to_numpy())
        table = table.append_column("root", pa.array(root))
        own = table.filter(pc.equal(table["rank"], table["root"]))
        # The first of a component comes before its other members; its neighbours are all later, so the id is its own.
        for rank, name, shard in zip(*(own[c].to_pylist() for c in ("rank", "earlier_id", "shard")), strict=True):
            first[rank] = (name, shard)
        others = table.filter(pc.not_equal(table["rank"], table["root"])).sort_by(
            [("rank", "ascending"), ("similarity", "descending"), ("other", "ascending")]
        )
        ranks = others["rank"].to_numpy()
        joined = others.take(pa.array(np.flatnonzero(np.diff(ranks, prepend=-1))))
        names = [first[rank] for rank in joined["root"].to_pylist()]
        decided = pa.table(
            [
                joined["rank"],
                joined["shard"],
                joined["copies"],
                pc.if_else(pc.less(joined["other"], joined["rank"]), joined["earlier_id"], joined["later_id"]),
                joined["similarity"],
                joined["root"],
                pa.array([shard for _, shard in names], pa.int32()),
                pa.array([name for name, _ in names], pa.string()),
            ],
            schema=DECIDED,
        )
        yield from _outcome(decided, some_collapsed)
