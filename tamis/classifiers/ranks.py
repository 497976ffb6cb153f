"""Exact ranks over all shards: of each score of a document how many others are lower, in bounded memory.

Every shard counts its distinct scores, sorted; one job goes through the counts of all shards side by side, in ascending
order, and sends each shard back the ranks of its own. The job holds a few thousand rows of each shard, a shard its own
scores.

A rank is kept as a whole number, twice the documents below plus those that are equal: over twice the number of all it
is the *mid-rank* from 0 to 1 (`scipy.stats.rankdata` less a half, over n), and parts of equal size have exact bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tamis import streams
from tamis.classifiers.thresholds import ordered_bits
from tamis.errors import SchemaError, ShardMismatchError
from tamis.schemas import KINDS, of_kinds

COUNTED = pa.schema([("rank", pa.int64()), ("shard", pa.int32()), ("documents", pa.int64())])
"""One row a distinct score of a shard: `rank` is its key, by which files are merged (`keys`)."""

RANKED = pa.schema([("key", pa.int64()), ("shard", pa.int32()), ("twice", pa.int64())])
"""One row a distinct score of a shard: twice the documents below it, plus those that have the same."""

HALF = 32


class Group(NamedTuple):
    """What is ranked together: the documents of one kind, by one score."""

    kind: str
    score: str

    def __str__(self) -> str:
        """As counts of a file name it."""
        return f"{self.kind}/{self.score}"


def groups_of(kinds: Sequence[str], scores: Sequence[str]) -> list[Group]:
    """All groups, in the order that their keys have."""
    return [Group(kind, score) for kind in KINDS if kind in kinds for score in scores]


def keys(rows: pa.Table, group: Group, place: int) -> tuple[np.ndarray, np.ndarray]:
    """The keys of a group's scores, which sort as the scores do.

    Args:
        rows: n documents with kind and scores.
        group: of the documents that are looked at.
        place: of the group among all.

    Returns:
        Which of the documents have a score of this group, n booleans; their m keys, int64.

    Raises:
        SchemaError: a score is NaN.
    """
    has = of_kinds(rows, [group.kind]) & rows[group.score].is_valid().to_numpy()
    score = rows[group.score].filter(pa.array(has, pa.bool_())).to_numpy()
    if np.isnan(score).any():
        msg = f"{group.score!r} holds NaN, a score must be a number or null; this is a defect of its classifier"
        raise SchemaError(msg)
    return has, (np.int64(place) << HALF) | ordered_bits(score).astype(np.int64)


def counted(rows: pa.Table, groups: Sequence[Group], shard: int) -> tuple[pa.Table, dict[str, int]]:
    """The distinct scores of a shard with how many documents have each, ascending, and the documents of each group."""
    found = [np.unique(keys(rows, group, place)[1], return_counts=True) for place, group in enumerate(groups)]
    key = np.concatenate([np.zeros(0, np.int64), *(each for each, _ in found)])
    count = np.concatenate([np.zeros(0, np.int64), *(each for _, each in found)])
    table = pa.table({"rank": key, "shard": np.full(len(key), shard), "documents": count}).cast(COUNTED)
    return table, {str(group): int(each.sum()) for group, (_, each) in zip(groups, found, strict=True)}


def totals(files: Iterable[Path], groups: Sequence[Group]) -> dict[str, int]:
    """The documents of each group over all shards."""
    found = dict.fromkeys(map(str, groups), 0)
    for path in files:
        told = streams.counts(path)
        found = {name: number + int(told[name]) for name, number in found.items()}
    return found


def ranked(files: Sequence[Path]) -> Iterator[pa.Table]:
    """The ranks of every shard's scores, ascending, some at a time: at least one table of `RANKED`.

    Args:
        files: the counts of all shards.
    """
    yield RANKED.empty_table()
    group, below = -1, 0
    for (table,) in streams.merged([files]):
        rows = table.sort_by([("rank", "ascending"), ("shard", "ascending")])
        key, documents = rows["rank"].to_numpy(), rows["documents"].to_numpy()
        # All rows of one key come together.
        first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
        equal = np.add.reduceat(documents, first)
        before = np.cumsum(equal) - equal
        # Below the first of its group is nothing; a group may have begun in an earlier table.
        of = key[first] >> HALF
        starts = np.flatnonzero(np.append(True, of[1:] != of[:-1]))
        start = np.repeat(starts, np.diff(np.append(starts, len(of))))
        lower = before - before[start] + np.where(of == group, below, 0)
        group, below = int(of[-1]), int(lower[-1] + equal[-1])
        twice = np.repeat(2 * lower + equal, np.diff(np.append(first, len(key))))
        yield pa.table({"key": key, "shard": rows["shard"], "twice": twice}).cast(RANKED)


def ranks(
    rows: pa.Table, groups: Sequence[Group], found: pa.Table, documents: dict[str, int], buckets: int | None
) -> np.ndarray:
    """The ranks of a shard's documents by each score.

    Args:
        rows: n documents with kind and scores.
        groups: all.
        found: the shard's rows of `RANKED`, ascending.
        documents: of each group over all shards.
        buckets: parts of equal size into which ranks are sorted; the middle of its part is then a document's rank.

    Returns:
        n × scores in the order of `groups`, float64 from 0 to 1; NaN where there is no score.

    Raises:
        ShardMismatchError: the ranks are of other documents.
    """
    scores = list(dict.fromkeys(group.score for group in groups))
    result = np.full((rows.num_rows, len(scores)), np.nan)
    key, twice = found["key"].to_numpy(), found["twice"].to_numpy()
    for place, group in enumerate(groups):
        has, own = keys(rows, group, place)
        at = np.searchsorted(key, own)
        if len(own) and (at.max() >= len(key) or (key[at] != own).any()):
            msg = f"the ranks of {group.score} are of other documents than this job reads; delete them and run again"
            raise ShardMismatchError(msg)
        double = 2 * documents[str(group)]
        if buckets is None:
            value = twice[at] / max(double, 1)
        else:
            # In whole numbers: at the bounds of the parts fractions would round to either side.
            value = (twice[at] * buckets // max(double, 1) + 0.5) / buckets
        result[has, scores.index(group.score)] = value
    return result


def together(found: np.ndarray, by: str, missing: str) -> np.ndarray:
    """One number a document out of its ranks.

    Args:
        found: n × scores, NaN where there is none.
        by: mean_of_ranks, max_of_ranks or min_of_ranks.
        missing: `rest` where those that there are count, `pass` where all must be there.

    Returns:
        float64[n], NaN where there is none.
    """
    known = ~np.isnan(found)
    number = known.sum(axis=1)
    if by == "mean_of_ranks":
        # Added in the order of the configuration: a sum of floats depends on it.
        total = np.zeros(len(found))
        for column in range(found.shape[1]):
            total += np.where(known[:, column], found[:, column], 0.0)
        result = total / np.maximum(number, 1)
    elif by == "max_of_ranks":
        result = np.where(known, found, -np.inf).max(axis=1, initial=-np.inf)
    else:
        result = np.where(known, found, np.inf).min(axis=1, initial=np.inf)
    enough = number == found.shape[1] if missing == "pass" else number > 0
    return np.where(enough, result, np.nan)
