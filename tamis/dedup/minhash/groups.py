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


def _dropped(
    rank: pa.Array, shard: pa.Array, reason: str, value: pa.Array, matched_id: pa.Array, similarity: pa.Array
) -> pa.Table:
    rows = len(rank)
    return pa.table(
        [rank, shard, pa.array([reason] * rows, pa.string()), value, matched_id, similarity,
         pa.nulls(rows, pa.int32())],
        schema=VERDICTS,
    )  # fmt: skip


def _named(rank: pa.Array, shard: pa.Array, copies: pa.Array) -> pa.Table:
    rows = len(rank)
    return pa.table(
        [rank, shard, pa.nulls(rows, pa.string()), pa.nulls(rows, pa.float64()), pa.nulls(rows, pa.string()),
         pa.nulls(rows, pa.float64()), copies],
        schema=VERDICTS,
    )  # fmt: skip


def _followers(collapsed: pa.Table, decided: pa.Table) -> Iterator[pa.Table]:
    """Verdicts of documents whose n-gram set an owner has: they name it, or whatever it was dropped for.

    Args:
        collapsed: rows of `tamis.dedup.minhash.candidates.COLLAPSED`.
        decided: the dropped documents among the owners: rank (sorted), value, matched, matched_shard, matched_id,
            similarity.
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
    yield _dropped(stays["member"], stays["member_shard"], EXACT, ones, stays["id"], ones)
    yield _named(stays["rank"], stays["shard"], stays["member_copies"])
    moved, followed = collapsed.filter(pa.array(gone)), decided.take(pa.array(place[gone]))
    yield _dropped(
        moved["member"], moved["member_shard"], NEAR, followed["value"], followed["matched_id"], followed["similarity"]
    )
    yield _named(followed["matched"], followed["matched_shard"], moved["member_copies"])


def _outcome(decided: pa.Table, collapsed: pa.Table) -> Iterator[pa.Table]:
    yield _dropped(
        decided["rank"], decided["shard"], NEAR, decided["value"], decided["matched_id"], decided["similarity"]
    )
    yield _named(decided["matched"], decided["matched_shard"], decided["copies"])
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
            {
                "rank": table["rank"],
                "shard": table["shard"],
                "copies": table["copies"],
                "value": table["similarity"],
                "matched": table["other"],
                "matched_shard": table["other_shard"],
                "matched_id": table["earlier_id"],
                "similarity": table["similarity"],
            }
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
    """A document is dropped iff it is not the first of its connected component; it names that first one.

    `similarity` is the exact Jaccard to the named document where the two were compared, and null where a chain of other
    documents joins them; `value` is the highest exact Jaccard to any neighbour.

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
        others = table.filter(pc.not_equal(table["rank"], table["root"]))
        direct = pc.if_else(pc.equal(others["other"], others["root"]), others["similarity"], None)
        decided = (
            others.append_column("direct", direct)
            .group_by(["rank", "shard", "copies", "root"], use_threads=False)
            .aggregate([("similarity", "max"), ("direct", "max")])
            .sort_by("rank")
        )
        names = [first[rank] for rank in decided["root"].to_pylist()]
        decided = pa.table(
            {
                "rank": decided["rank"],
                "shard": decided["shard"],
                "copies": decided["copies"],
                "value": decided["similarity_max"],
                "matched": decided["root"],
                "matched_shard": pa.array([shard for _, shard in names], pa.int32()),
                "matched_id": pa.array([name for name, _ in names], pa.string()),
                "similarity": decided["direct_max"],
            }
        )
        yield from _outcome(decided, some_collapsed)
