"""Windows of words: which fingerprints and windows are repeated, who owns them, and what goes.

The definitions and steps stand in `tamis/stages/substring_dedup.py`, finding windows in texts in `winnowing.py`. Pure
functions on Arrow tables and arrays, nothing of disk or text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tamis.dedup.owners import HASH, HOLDERS, frame_of
from tamis.ids import id_halves

PLACES = pa.schema(
    [
        ("row", pa.int32()),
        ("position", pa.int32()),
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("tail", pa.uint64()),
    ]
)
"""A window: row of its document in the shard, number of its first token there, hash, and what follows its last word
(`tamis.kernels.dedup.span_ends`). In the order of places."""

WINDOW_HOLDERS = HOLDERS.append(pa.field("position", pa.int32())).append(pa.field("tail", pa.uint64()))
"""`HOLDERS` with the first place of the window in that document, and its tail there."""


def at_most_twice(prints: np.ndarray) -> np.ndarray:
    """Fingerprints, sorted; one that is there more often is there twice: uint64.

    Args:
        prints: uint64, in any order; sorted in place.
    """
    prints.sort()
    again = np.zeros(len(prints), dtype=np.bool_)
    again[2:] = prints[2:] == prints[:-2]
    return prints[~again]


def repeated(told: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The fingerprints that occur at least twice in all shards, for each shard that holds them, sorted.

    Args:
        told: those of one partition from `at_most_twice`, one array a shard.
    """
    every = np.sort(np.concatenate(told))
    twice = every[1:][every[1:] == every[:-1]]
    twice = twice[np.r_[True, twice[1:] != twice[:-1]][: len(twice)]]
    return [twice[among(twice, own)] for own in told]


def among(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Which values are among the members, which are sorted: bool."""
    if not len(members):
        return np.zeros(len(values), np.bool_)
    return members[np.minimum(np.searchsorted(members, values), len(members) - 1)] == values


def in_keep_order(places: pa.Table, ranks: np.ndarray) -> pa.Table:
    """`PLACES` in the order of places: by rank of the document, then by position.

    Args:
        places: of each document in the order of its text.
        ranks: int64[n], ranks of the documents of the shard.
    """
    return places.take(pa.array(np.argsort(ranks[places["row"].to_numpy()], kind="stable"))).combine_chunks()


class Classes(NamedTuple):
    """The windows of a shard by what they say.

    order: int64[m], the places sorted by hash, equal ones in the order of places.
    number: int64[m], class of each place in that order.
    first: int64[c], where in that order each class begins.
    here: int64[h], where in that order each document of each class begins.
    first_here: int64[m], of these the one of the same class and document.
    """

    order: np.ndarray
    number: np.ndarray
    first: np.ndarray
    here: np.ndarray
    first_here: np.ndarray


def classes(places: pa.Table) -> Classes:
    """Group equal windows.

    Args:
        places: `PLACES`, in the order of places.
    """
    high, low, row = (places[name].to_numpy() for name in ("high", "low", "row"))
    order = np.lexsort((low, high))
    high, low, row = high[order], low[order], row[order]
    begins = np.r_[True, (high[1:] != high[:-1]) | (low[1:] != low[:-1])][: len(order)]
    begins_here = begins | np.r_[True, row[1:] != row[:-1]][: len(order)]
    here = np.flatnonzero(begins_here)
    return Classes(
        order=order,
        number=np.cumsum(begins) - 1,
        first=np.flatnonzero(begins),
        here=here,
        first_here=np.repeat(here, np.diff(np.r_[here, len(order)])),
    )


def first_places(documents: pa.Table, places: pa.Table) -> pa.Table:
    """Each window of a shard once: its first place in keep order, and how many documents hold it (`WINDOW_HOLDERS`).

    Args:
        documents: id and rank, n rows of one shard.
        places: `PLACES` of them.
    """
    found = classes(places)
    holds = np.bincount(found.number[found.here], minlength=len(found.first))
    # In the order of places again: then ranks and ids compress to almost nothing.
    in_order = np.argsort(found.order[found.first])
    first = places.take(pa.array(found.order[found.first][in_order]))
    row = first["row"].to_numpy()
    high, low = id_halves(documents["id"])
    return pa.table(
        {
            "high": first["high"],
            "low": first["low"],
            "rank": documents["rank"].to_numpy()[row],
            "id_high": high[row],
            "id_low": low[row],
            "documents": holds[in_order],
            "position": first["position"],
            "tail": first["tail"],
        }
    ).cast(WINDOW_HOLDERS)


class Repeats(NamedTuple):
    """The repeated windows of a shard, and who owns windows of others.

    row, position: int64[m], in the order of the text.
    documents: int64[m], how many documents hold the window.
    owner_high, owner_low: uint64[m], id of the owner.
    owner_position: int64[m], first token of its copy there.
    owner_tail: uint64[m], what follows its last word there (`tamis.kernels.dedup.span_ends`).
    owns: bool[n], documents that own a window that another document holds.
    """

    row: np.ndarray
    position: np.ndarray
    documents: np.ndarray
    owner_high: np.ndarray
    owner_low: np.ndarray
    owner_position: np.ndarray
    owner_tail: np.ndarray
    owns: np.ndarray

    def of(self, rows: slice) -> Repeats:
        """Those of some documents of the shard, the first of which is row 0."""
        here = slice(*np.searchsorted(self.row, [rows.start, rows.stop]))
        return Repeats(
            self.row[here] - rows.start,
            self.position[here],
            self.documents[here],
            self.owner_high[here],
            self.owner_low[here],
            self.owner_position[here],
            self.owner_tail[here],
            self.owns[rows],
        )


def find_repeats(documents: pa.Table, places: pa.Table, owners: pa.Table, tokens: int) -> Repeats:
    """Which windows of a shard are repeated.

    Args:
        documents: id and rank, n rows of one shard.
        places: `PLACES` of them.
        owners: `WINDOW_HOLDERS`, the owner of each window that more than one document holds.
        tokens: words of a window.
    """
    found = classes(places)
    hashes = places.select(HASH).take(pa.array(found.order[found.first]))
    told = frame_of(hashes).join(frame_of(owners), on=HASH, how="left", maintain_order="left")
    # A window that no other document holds belongs to the one that does.
    alone = told["rank"].is_null().to_numpy()[found.number]
    row = places["row"].to_numpy()[found.order].astype(np.int64)
    position = places["position"].to_numpy()[found.order].astype(np.int64)
    tail = places["tail"].to_numpy()[found.order]
    own_rank = documents["rank"].to_numpy()[row]
    own_high, own_low = (half[row] for half in id_halves(documents["id"]))

    def of_class(name: str, own: np.ndarray) -> np.ndarray:
        return np.where(alone, own, told[name].fill_null(0).to_numpy()[found.number])

    rank = of_class("rank", own_rank)
    owns = np.zeros(documents.num_rows, dtype=np.bool_)
    owns[row[~alone & (rank == own_rank)]] = True
    again = (rank != own_rank) | (position >= position[found.first_here] + tokens)
    order = np.flatnonzero(again)[np.lexsort((position[again], row[again]))]
    return Repeats(
        row=row[order],
        position=position[order],
        documents=of_class("documents", np.ones(len(row), np.int64))[order],
        owner_high=of_class("id_high", own_high)[order],
        owner_low=of_class("id_low", own_low)[order],
        owner_position=of_class("position", position[found.first_here])[order].astype(np.int64),
        owner_tail=of_class("tail", tail[found.first_here])[order],
        owns=owns,
    )
