"""Exact Jaccard of candidate pairs: the set of the later document travels to the shard of the earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis import streams
from tamis.dedup.minhash.signatures import Scheme, Sets, is_extract, read_all_sets, read_sets
from tamis.errors import ShardMismatchError
from tamis.ids import id_halves

SETS = pa.schema(
    [("rank", pa.int64()), ("id", pa.string()), ("copies", pa.int32()), ("scope", pa.uint64()),
     ("operators", pa.uint64()), ("parent", pa.uint64()), ("others", pa.large_list(pa.int64())),
     ("grams", pa.large_list(pa.uint64()))]
)  # fmt: skip
"""One row a document and shard it has candidates in: their ranks, and the document's n-gram set."""

EDGES = pa.schema(
    [("rank", pa.int64()), ("shard", pa.int32()), ("copies", pa.int32()), ("other", pa.int64()),
     ("other_shard", pa.int32()), ("earlier_id", pa.string()), ("later_id", pa.string()), ("similarity", pa.float64())]
)  # fmt: skip
"""One row a verified pair: a document, its neighbour, and the ids of the earlier and the later of the two. Sorted by
rank, other. Where edges are given one way only, nobody needs the id of the later one, and it is null."""


COMPARED = ("rank", "id", "copies", "scope", "operators", "parent")
"""What is known of a document that is compared, besides its set."""


def _positions(ranks: np.ndarray, wanted: np.ndarray, where: str) -> np.ndarray:
    """Rows of the wanted ranks.

    Raises:
        ShardMismatchError: a rank is not there.
    """
    order = np.argsort(ranks)
    place = np.searchsorted(ranks, wanted, sorter=order)
    if len(wanted) and (place.max() >= len(ranks) or not np.array_equal(ranks[order[place]], wanted)):
        msg = f"{where}: lacks documents that a crossing names. Delete the stage's folder and run the workflow again."
        raise ShardMismatchError(msg)
    return order[place]


def _one_round(known: pa.Table, some: Sets, pairs: pa.Table, shards: int) -> Iterator[pa.Table]:
    """The rows of `SETS` for each shard, of the documents of one batch.

    Args:
        known: `COMPARED` of these documents.
        some: their sets.
        pairs: the candidate pairs of these documents, sorted by later, earlier.
        shards: how many.
    """
    sets = pa.LargeListArray.from_arrays(pa.array(some.bounds), pa.array(some.grams))
    by_rank = np.argsort(known["rank"].to_numpy())
    present = known["rank"].to_numpy()[by_rank]
    later, earlier = pairs["later"].to_numpy(), pairs["earlier"].to_numpy()
    targets = pairs["earlier_shard"].to_numpy()
    order = np.argsort(targets, kind="stable")
    ends = np.searchsorted(targets[order], np.arange(shards + 1))
    for shard in range(shards):
        rows = order[ends[shard] : ends[shard + 1]]
        ranks, starts = np.unique(later[rows], return_index=True)
        chosen = by_rank[np.searchsorted(present, ranks)]
        offsets = np.append(starts, len(rows)).astype(np.int64)
        others = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(earlier[rows]))
        columns = {name: known[name].take(pa.array(chosen)) for name in COMPARED}
        columns |= {"others": others, "grams": sets.take(pa.array(chosen))}
        yield pa.table(columns, schema=SETS)


def needed_sets(
    documents: Path, signatures: pa.Table, pairs: pa.Table, scheme: Scheme, shards: int
) -> Iterator[pa.Table]:
    """The sets of the later documents of all pairs, as the batches of a round file: a round a batch of documents.

    Args:
        documents: the documents of this shard, read a few thousand at a time.
        signatures: their signatures (`COMPARED` and size).
        pairs: candidate pairs whose later document is here, sorted by later, earlier.
        scheme: how sets are made.
        shards: how many.
    """
    later = pairs["later"].to_numpy()
    rows = np.sort(_positions(signatures["rank"].to_numpy(), np.unique(later), str(documents)))
    known = signatures.take(pa.array(rows))
    for some in read_sets(documents, known["rank"].to_numpy(), known["size"].to_numpy(), scheme):
        here = known[some.rows]
        if not here.num_rows:
            continue
        present = np.sort(here["rank"].to_numpy())
        first, last = np.searchsorted(later, present), np.searchsorted(later, present, side="right")
        mine = np.repeat(first - np.concatenate([[0], np.cumsum(last - first)[:-1]]), last - first)
        yield from _one_round(here, some, pairs.take(pa.array(mine + np.arange(len(mine)))), shards)


def wanted_here(sets: Sequence[Path], shard: int, shards: int) -> np.ndarray:
    """The ranks of this shard that any candidate pair names as its earlier document: int64, sorted, unique."""
    found = [np.empty(0, np.int64)]
    for path in sets:
        tables = streams.read_rounds(path, shard, shards, ["others"])
        found.extend(np.unique(table["others"].chunk(0).flatten().to_numpy()) for table in tables)
    return np.unique(np.concatenate(found))


def verified(
    documents: Path,
    signatures: pa.Table,
    sets: Sequence[Path],
    scheme: Scheme,
    threshold: float,
    *,
    shard: int,
    both_ways: bool,
) -> tuple[pa.Table, int, int]:
    """Compare the later documents that came from all shards with the earlier ones that are here.

    Args:
        documents: the documents of this shard.
        signatures: their signatures (`COMPARED` and size).
        sets: the round files of `SETS`, one a shard.
        scheme: how sets are made.
        threshold: smallest Jaccard similarity of an edge.
        shard: this shard.
        both_ways: also give each edge as one of the earlier document.

    Returns:
        Rows of `EDGES`, sorted by rank, other; how many pairs that are as similar are told apart by operators; and
        how many are an extract and its parent.
    """
    from tamis.kernels.dedup.minhash import similarities

    shards = len(sets)
    wanted = wanted_here(sets, shard, shards)
    rows = _positions(signatures["rank"].to_numpy(), wanted, str(documents))
    # The sets are read in the order of the documents file.
    in_file = np.argsort(rows)
    place = np.empty(len(rows), np.int64)
    place[in_file] = np.arange(len(rows))
    bounds, own = read_all_sets(documents, wanted[in_file], signatures["size"].to_numpy()[rows[in_file]], scheme)
    ids = signatures["id"].take(pa.array(rows))
    keys = id_halves(ids)[0]
    copies, scopes, operators, parents = (
        signatures[name].to_numpy()[rows] for name in ("copies", "scope", "operators", "parent")
    )
    told_apart = extracts = 0
    edges = [EDGES.empty_table()]
    for origin, path in enumerate(sets):
        for table in streams.read_rounds(path, shard, shards):
            grams, others = table["grams"].chunk(0), table["others"].chunk(0)
            numbers = np.searchsorted(wanted, others.flatten().to_numpy())
            result = np.empty(len(numbers), np.float64)
            similarities(
                grams.flatten().to_numpy(),
                grams.offsets.to_numpy() - grams.offsets[0].as_py(),
                place[numbers],
                others.offsets.to_numpy() - others.offsets[0].as_py(),
                own,
                bounds,
                threshold,
                result,
            )
            sources = np.repeat(np.arange(table.num_rows), np.diff(others.offsets.to_numpy()))
            close = (result >= threshold) & (table["scope"].to_numpy()[sources] == scopes[numbers])
            apart = scheme.operators.apart(table["operators"].to_numpy()[sources], operators[numbers])
            told_apart += int((close & apart).sum())
            close &= ~apart
            row, earlier = sources[close], numbers[close]
            own_extract = is_extract(
                (table["parent"].to_numpy()[row], id_halves(table["id"].take(pa.array(row)))[0]),
                (parents[earlier], keys[earlier]),
            )
            extracts += int(own_extract.sum())
            close[np.flatnonzero(close)[own_extract]] = False
            row, earlier = sources[close], numbers[close]
            later, later_copies = table["rank"].to_numpy()[row], table["copies"].to_numpy()[row]
            here, there = np.full(len(earlier), shard, np.int32), np.full(len(earlier), origin, np.int32)
            names = [
                ids.take(pa.array(earlier)),
                table["id"].take(pa.array(row)) if both_ways else pa.nulls(len(row), pa.string()),
                result[close],
            ]
            edges.append(pa.table([later, there, later_copies, wanted[earlier], here, *names], schema=EDGES))
            if both_ways:
                edges.append(pa.table([wanted[earlier], here, copies[earlier], later, there, *names], schema=EDGES))
    every = pa.concat_tables(edges).combine_chunks()
    return every.sort_by([("rank", "ascending"), ("other", "ascending")]), told_apart, extracts
