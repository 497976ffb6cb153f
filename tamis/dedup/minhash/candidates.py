"""Who may be a near-duplicate of whom: equal sets collapse, band buckets give pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dedup.minhash.signatures import band_matrix

MEMBERS = pa.schema(
    [("rank", pa.int64()), ("set_low", pa.uint64()), ("set_high", pa.uint64()), ("id", pa.string()),
     ("copies", pa.int32()), ("hashes", pa.list_(pa.uint64()))]
)  # fmt: skip
"""One row a document and partition that any of its band hashes, or its set hash, falls into: those band hashes. Id and
copies only in the partition of the set hash."""

COLLAPSED = pa.schema(
    [("rank", pa.int64()), ("shard", pa.int32()), ("id", pa.string()), ("member", pa.int64()),
     ("member_shard", pa.int32()), ("member_copies", pa.int32())]
)  # fmt: skip
"""One row a document whose set an earlier one has; rank, shard and id are of that earlier one, the owner."""

PAIRS = pa.schema([("later", pa.int64()), ("earlier", pa.int64()), ("earlier_shard", pa.int32())])
"""One row a candidate pair (ranks), routed to the shard of the later document."""

PAIRS_AT_ONCE = 1 << 22


def members(signatures: pa.Table, stays: np.ndarray, partitions: int) -> list[pa.Table]:
    """What the partitions need to know of the documents of one shard.

    Args:
        signatures: rows of `tamis.dedup.minhash.signatures.Scheme.schema`, n of them.
        stays: bool[n]; other documents give no rows.
        partitions: how many.

    Returns:
        `partitions` tables of `MEMBERS`.
    """
    from tamis.kernels.dedup.buckets import route

    homes = (signatures["set_low"].to_numpy() % np.uint64(partitions)).astype(np.int64)
    lists, owners, starts, hashes = route(band_matrix(signatures), homes, stays, partitions)
    known = signatures.select(["rank", "set_low", "set_high", "id", "copies"])
    tables = []
    for partition in range(partitions):
        begin, end = lists[partition], lists[partition + 1]
        rows = known.take(pa.array(owners[begin:end]))
        elsewhere = pa.array(homes[owners[begin:end]] != partition)
        for column in ("id", "copies"):
            masked = pc.if_else(elsewhere, pa.scalar(None, MEMBERS.field(column).type), rows[column])
            rows = rows.set_column(rows.schema.get_field_index(column), column, masked)
        offsets = (starts[begin : end + 1] - starts[begin]).astype(np.int32)
        values = pa.array(hashes[starts[begin] : starts[end]])
        tables.append(rows.append_column("hashes", pa.ListArray.from_arrays(pa.array(offsets), values)))
    return tables


def _order(low: np.ndarray, high: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that share a set hash with another one, by set hash and rank; and which of them begin a set."""
    from tamis.kernels.dedup.buckets import perhaps_repeated

    again = np.flatnonzero(perhaps_repeated(low))
    order = again[np.lexsort((rank[again], high[again], low[again]))]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    return order, starts


class Partition:
    """The documents of one partition, of all shards."""

    def __init__(self, tables: Sequence[pa.Table]) -> None:
        """Find the documents of equal n-gram sets.

        Args:
            tables: rows of `MEMBERS`, one table a shard.
        """
        self.shards = len(tables)
        self._shard = np.repeat(np.arange(self.shards, dtype=np.int32), [table.num_rows for table in tables])
        self._table = pa.concat_tables(tables).combine_chunks()
        low, high, self._rank = (self._table[name].to_numpy() for name in ("set_low", "set_high", "rank"))
        self._order, self._starts = _order(low, high, self._rank)

    def collapsed(self) -> pa.Table:
        """The documents whose n-gram set another one, earlier in keep order, has too: each in one partition only.

        Returns:
            Rows of `COLLAPSED`, sorted by rank, member.
        """
        order, starts, rank = self._order, self._starts, self._rank
        owner = order[np.flatnonzero(starts)[np.cumsum(starts) - 1]] if len(order) else order
        copies = self._table["copies"].combine_chunks()
        follows = ~starts & copies.is_valid().to_numpy(zero_copy_only=False)[order]
        member, owner = order[follows], owner[follows]
        by_owner = np.lexsort((rank[member], rank[owner]))
        member, owner = member[by_owner], owner[by_owner]
        return pa.table(
            [
                pa.array(rank[owner]),
                pa.array(self._shard[owner]),
                self._table["id"].take(pa.array(owner)),
                pa.array(rank[member]),
                pa.array(self._shard[member]),
                copies.take(pa.array(member)),
            ],
            schema=COLLAPSED,
        )

    def pairs(self, bound: int) -> tuple[list[pa.Table], list[int]]:
        """Candidate pairs: each member of a bucket with the first `bound` members in keep order.

        Documents that collapsed are no members: those of equal sets are in the same buckets everywhere. A bucket of m
        documents gives at most bound·m pairs, not m²/2.

        Args:
            bound: K.

        Returns:
            For each shard its unique pairs (`PAIRS`, sorted by later, earlier), and the number of pairs of its
            documents that the bound left out (counted once a bucket).
        """
        from tamis.kernels.dedup.buckets import pair_up, perhaps_repeated

        # Documents by number, in keep order: two numbers make one 64-bit key of a pair.
        by_rank = np.argsort(self._rank)
        documents, home = self._rank[by_rank], self._shard[by_rank]
        place = np.empty(len(by_rank), np.int64)
        place[by_rank] = np.arange(len(by_rank))
        stays = np.ones(len(by_rank), dtype=bool)
        stays[self._order[~self._starts]] = False
        lists = self._table["hashes"].combine_chunks()
        if isinstance(lists, pa.ChunkedArray):
            lists = pa.array([], MEMBERS.field("hashes").type)
        lengths = np.diff(lists.offsets.to_numpy())
        hashes = lists.flatten().to_numpy()
        again = perhaps_repeated(hashes) & np.repeat(stays, lengths)
        hashes, numbers = hashes[again], np.repeat(place, lengths)[again]
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
        bounds = np.searchsorted(home[one], np.arange(self.shards + 1))
        table = pa.table([documents[one], documents[other], home[other]], schema=PAIRS)
        left_out = np.zeros(self.shards, np.int64)
        np.add.at(left_out, home, suppressed)
        return [table.slice(bounds[s], bounds[s + 1] - bounds[s]) for s in range(self.shards)], left_out.tolist()


def unique_pairs(tables: Sequence[pa.Table]) -> pa.Table:
    """Candidate pairs of one shard from all partitions, each once, sorted by later, earlier."""
    table = pa.concat_tables(tables)
    later, earlier = table["later"].to_numpy(), table["earlier"].to_numpy()
    order = np.lexsort((earlier, later))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(later[order]) != 0) | (np.diff(earlier[order]) != 0)
    return table.take(pa.array(order[new])).combine_chunks()
