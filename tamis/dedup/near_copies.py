"""Near-copies: documents that would lose most of their characters to paragraphs of one other document.

Such a document is dropped whole, if the other one stays; what it owns passes on. Documents of earlier runs, whose ranks
are below zero, have stayed. The steps and their order stand in
`tamis/stages/paragraph_dedup.py`. Pure functions on Arrow tables, nothing of disk or text.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.dedup.owners import HASH, HOLDERS, documents_of, frame_of, table_of
from tamis.ids import homes_of

CANDIDATES = pa.schema(
    [
        ("rank", pa.int64()),
        ("id_high", pa.uint64()),
        ("id_low", pa.uint64()),
        ("copies", pa.int32()),
        ("owner_rank", pa.int64()),
        ("owner_high", pa.uint64()),
        ("owner_low", pa.uint64()),
        ("share", pa.float64()),
    ]
)
"""A document that loses most of its characters to one other, and that other."""

FATES = pa.schema(
    [
        ("rank", pa.int64()),
        ("owner_high", pa.uint64()),  # null for a document that stays and is named by others
        ("owner_low", pa.uint64()),
        ("share", pa.float64()),
        ("copies", pa.int32()),  # to add, for a document that stays
        ("earlier", pa.bool_()),  # whether the owner is a document of an earlier run
    ]
)
"""What resolve tells the home shard of each document concerned."""

MANY = 6
"""Documents that hold a notice, at least (as many as `min_documents` asks by default)."""

NOTICES = 3
"""Paragraphs that many documents hold, of which two documents must share so many to be near-copies by these alone: two
are a signature and the footer of a mailing list."""


def near_copies(
    documents: pa.Table, paragraphs: pa.Table, owners: pa.Table, share: float, min_documents: int
) -> pa.Table:
    """Documents that lose at least a share of their characters to one other document: `CANDIDATES`.

    What they lose must be more than notices: a paragraph that few documents hold, or `NOTICES` others.

    Args:
        documents: id, rank and copies, n rows of one shard.
        paragraphs: `tamis.dedup.paragraphs.PARAGRAPHS` of them.
        owners: `HOLDERS`, from `tamis.dedup.owners.elect`.
        share: of the characters of all units of the document.
        min_documents: documents that hold a notice, where more than `MANY`.
    """
    import polars as pl

    copies = documents_of(documents).with_columns(copies=pl.Series(documents["copies"].to_numpy()))
    owned = frame_of(owners).select(*HASH, "documents", owner_rank="rank", owner_high="id_high", owner_low="id_low")
    few = (pl.col("documents") < max(min_documents, MANY)).any()
    lost = (
        frame_of(paragraphs)
        .join(owned, on=HASH)
        .join(copies, on="row")
        .filter(pl.col("owner_rank") != pl.col("rank"))
        .group_by("rank", "owner_rank", "owner_high", "owner_low")
        .agg(
            pl.col("characters").sum(),
            pl.exclude("characters").first(),
            more=few | (pl.struct(HASH).n_unique() >= NOTICES),
        )
        .with_columns(share=pl.col("characters") / pl.col("document_characters"))
        .filter(pl.col("more") & (pl.col("share") >= share))
        .sort(
            ["rank", "characters", "owner_rank", "owner_high", "owner_low"],
            descending=[False, True, False, False, False],
        )
        .unique("rank", keep="first", maintain_order=True)
    )
    return table_of(lost, CANDIDATES)


def successors(documents: pa.Table, paragraphs: pa.Table, owners: pa.Table, candidates: pa.Table) -> pa.Table:
    """Who stands next in line for shared paragraphs whose first holder in this shard may be dropped.

    Args:
        documents: id and rank, n rows of one shard.
        paragraphs: `tamis.dedup.paragraphs.PARAGRAPHS` of them.
        owners: `HOLDERS`, from `tamis.dedup.owners.elect`.
        candidates: `CANDIDATES` among them.

    Returns:
        `HOLDERS` (documents 0): of each such paragraph the further holders in keep order, up to one that is no
            candidate.
    """
    import polars as pl

    line = (
        frame_of(paragraphs.select(["row", *HASH]))
        .unique()
        .join(frame_of(owners).select(HASH), on=HASH, how="semi")
        .join(documents_of(documents), on="row")
        .join(frame_of(candidates.select(["rank"])).with_columns(safe=pl.lit(False)), on="rank", how="left")
        .with_columns(pl.col("safe").fill_null(True), documents=pl.lit(0, pl.Int64))
        .sort([*HASH, "rank"])
        .with_columns(
            place=pl.int_range(pl.len()).over(HASH),
            safe_before=(pl.col("safe").cast(pl.Int64).cum_sum() - pl.col("safe").cast(pl.Int64)).over(HASH),
        )
        .filter((pl.col("place") > 0) & (pl.col("safe_before") == 0))
    )
    return table_of(line, HOLDERS)


def resolve(ranks: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Which candidates are dropped: those whose owner stays.

    Args:
        ranks: int64[k], ranks of the candidates, ascending.
        owners: int64[k], rank of the document that each of them is a near-copy of; smaller than its own.

    Returns:
        bool[k]. A document that is no candidate stays.
    """
    place = np.minimum(np.searchsorted(ranks, owners), len(ranks) - 1)
    dropped = np.ones(len(ranks), dtype=np.bool_)
    # Chains only: about one candidate in a hundred on licences, the most entangled text tried.
    for index in np.flatnonzero(ranks[place] == owners).tolist():
        dropped[index] = not dropped[place[index]]
    return dropped


def settle(candidates: pa.Table, shards: int) -> list[pa.Table]:
    """Decide in keep order which candidates are dropped: those whose owner stays.

    Args:
        candidates: `CANDIDATES` of all shards.
        shards: number of shards.

    Returns:
        `FATES` for each shard: its dropped documents, and its documents that they name.
    """
    import polars as pl

    ordered = frame_of(candidates).sort("rank")
    dropped = ordered.filter(pl.Series(resolve(ordered["rank"].to_numpy(), ordered["owner_rank"].to_numpy())))
    named = (
        dropped.filter(pl.col("owner_rank") >= 0)
        .group_by("owner_rank", "owner_high")
        .agg(pl.col("copies").sum())
        .sort("owner_rank")
        .select(
            rank="owner_rank",
            id_high="owner_high",
            owner_high=pl.lit(None, pl.UInt64),
            owner_low=pl.lit(None, pl.UInt64),
            share=pl.lit(None, pl.Float64),
            copies="copies",
            earlier=pl.lit(False),
        )
    )
    gone = dropped.select(
        "rank",
        "id_high",
        "owner_high",
        "owner_low",
        "share",
        copies=pl.lit(0, pl.Int32),
        earlier=pl.col("owner_rank") < 0,
    )
    fates = pl.concat([gone, named], how="vertical_relaxed")
    return exchange.split(table_of(fates, FATES), homes_of(fates["id_high"].to_numpy(), shards), shards)
