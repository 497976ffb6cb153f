"""Who may be a near-duplicate of whom: equal sets collapse, band buckets give pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

SET_ROWS = pa.schema(
    [("set_low", pa.uint64()), ("set_high", pa.uint64()), ("rank", pa.int64()), ("id", pa.string()),
     ("copies", pa.int32())]
)  # fmt: skip
"""One row a document, routed by its set hash."""

COLLAPSED = pa.schema(
    [("rank", pa.int64()), ("shard", pa.int32()), ("id", pa.string()), ("member", pa.int64()),
     ("member_shard", pa.int32()), ("member_copies", pa.int32())]
)  # fmt: skip
"""One row a document whose set an earlier one has; rank, shard and id are of that earlier one, the owner."""

BAND_ROWS = pa.schema([("hash", pa.uint64()), ("rank", pa.int64())])
"""One row a band of a document, routed by the hash."""

PAIRS = pa.schema([("later", pa.int64()), ("earlier", pa.int64()), ("earlier_shard", pa.int32())])
"""One row a candidate pair (ranks), routed to the shard of the later document."""

PAIRS_AT_ONCE = 1 << 22


def collapse(tables: Sequence[pa.Table]) -> pa.Table:
    """Find the documents whose n-gram set another one, earlier in keep order, has too.

    Args:
        tables: rows of `SET_ROWS` of one partition, one table a shard.

    Returns:
        Rows of `COLLAPSED`, sorted by rank, member.
    """
    from tamis.kernels.buckets import perhaps_repeated

    shard = np.repeat(np.arange(len(tables), dtype=np.int32), [table.num_rows for table in tables])
    table = pa.concat_tables(tables).combine_chunks()
    again = perhaps_repeated(table["set_low"].to_numpy())
    table, shard = table.filter(pa.array(again)), shard[again]
    low, high, rank = (table[name].to_numpy() for name in ("set_low", "set_high", "rank"))
    order = np.lexsort((rank, high, low))
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    owners = order[np.flatnonzero(starts)[np.cumsum(starts) - 1]] if len(order) else order
    member, owner = order[~starts], owners[~starts]
    by_owner = np.lexsort((rank[member], rank[owner]))
    member, owner = member[by_owner], owner[by_owner]
    return pa.table(
        [
            pa.array(rank[owner]),
            pa.array(shard[owner]),
            table["id"].take(pa.array(owner)),
            pa.array(rank[member]),
            pa.array(shard[member]),
            table["copies"].take(pa.array(member)),
        ],
        schema=COLLAPSED,
    )


def band_batches(ranks: np.ndarray, bands: np.ndarray, stays: np.ndarray, partitions: int) -> list[pa.Table]:
    """The band rows of one shard by partition.

    Args:
        ranks: int64[n].
        bands: uint64[n, bands].
        stays: bool[n]; documents that collapsed or have no words give no rows.
        partitions: how many.

    Returns:
        `partitions` tables of `BAND_ROWS`.
    """
    from tamis.kernels.buckets import route

    bounds, hashes, owners = route(bands, ranks, stays, partitions)
    table = pa.table([hashes, owners], schema=BAND_ROWS)
    return [table.slice(bounds[p], bounds[p + 1] - bounds[p]) for p in range(partitions)]


def pairs(tables: Sequence[pa.Table], bound: int) -> tuple[list[pa.Table], list[int]]:
    """Candidate pairs of one partition: each member of a bucket with the first `bound` members in keep order.

    A bucket of m documents gives at most bound·m pairs, not m²/2.

    Args:
        tables: rows of `BAND_ROWS` of one partition, one table a shard.
        bound: K.

    Returns:
        For each shard its unique pairs (`PAIRS`, sorted by later, earlier), and the number of pairs of its documents
        that the bound left out (counted once a bucket).
    """
    from tamis.kernels.buckets import pair_up, perhaps_repeated

    shards = len(tables)
    shard = np.repeat(np.arange(shards, dtype=np.int32), [table.num_rows for table in tables])
    hashes = np.concatenate([table["hash"].to_numpy() for table in tables])
    ranks = np.concatenate([table["rank"].to_numpy() for table in tables])
    again = perhaps_repeated(hashes)
    hashes, ranks, shard = hashes[again], ranks[again], shard[again]
    # Documents by number, in keep order: two numbers make one 64-bit key of a pair.
    documents, first, numbers = np.unique(ranks, return_index=True, return_inverse=True)
    home = shard[first]
    order = np.lexsort((numbers, hashes))
    hashes, numbers = hashes[order], numbers[order]
    suppressed = np.zeros(len(documents), np.int64)
    room = min(max(PAIRS_AT_ONCE, min(bound, len(hashes))), len(hashes) * min(bound, len(hashes)))
    later, earlier = np.empty(room, np.int64), np.empty(room, np.int64)
    unique = np.empty(0, np.int64)
    pending: list[np.ndarray] = []
    row = 0
    while row < len(hashes):
        row, filled = pair_up(hashes, numbers, bound, row, later, earlier, suppressed)
        pending.append(np.unique(later[:filled] * len(documents) + earlier[:filled]))
        if row == len(hashes) or sum(map(len, pending)) > max(len(unique), PAIRS_AT_ONCE):
            # The pairs of a cluster come back band after band; merging in doubling steps keeps one copy of each.
            unique = np.unique(np.concatenate([unique, *pending]))
            pending = []
    one, other = np.divmod(unique, max(len(documents), 1))
    # A document is its own partner only where two of its bands have one hash by chance.
    one, other = one[one != other], other[one != other]
    routed = np.argsort(home[one], kind="stable")
    one, other = one[routed], other[routed]
    bounds = np.searchsorted(home[one], np.arange(shards + 1))
    table = pa.table([documents[one], documents[other], home[other]], schema=PAIRS)
    left_out = np.zeros(shards, np.int64)
    np.add.at(left_out, home, suppressed)
    return [table.slice(bounds[s], bounds[s + 1] - bounds[s]) for s in range(shards)], left_out.tolist()


def unique_pairs(tables: Sequence[pa.Table]) -> pa.Table:
    """Candidate pairs of one shard from all partitions, each once, sorted by later, earlier."""
    table = pa.concat_tables(tables)
    later, earlier = table["later"].to_numpy(), table["earlier"].to_numpy()
    order = np.lexsort((earlier, later))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(later[order]) != 0) | (np.diff(earlier[order]) != 0)
    return table.take(pa.array(order[new])).combine_chunks()
