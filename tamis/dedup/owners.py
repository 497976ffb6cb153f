"""Who owns a paragraph: the tables that cross shards in `paragraph_dedup`, and the decisions on them.

Pure functions on Arrow tables, nothing of disk or text. A paragraph is its 128-bit hash, a document its rank. The steps
and their order stand in `tamis/stages/paragraph_dedup.py`. `substring_dedup` elects the owners of its windows of words
in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.ids import homes_of, id_halves

if TYPE_CHECKING:
    import polars as pl

HASH = ["high", "low"]

PARAGRAPHS = pa.schema(
    [
        ("row", pa.int64()),  # of the document in its shard
        ("unit", pa.int64()),  # of the paragraph among all units of the document (tamis/kernels/lines.py)
        ("characters", pa.int64()),
        ("document_characters", pa.int64()),  # of all units of the document, without the gaps between them
        ("high", pa.uint64()),
        ("low", pa.uint64()),
    ]
)
"""What map finds and the later steps of the same shard read again: one row an occurrence."""

HELD = pa.schema(
    [
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("rank", pa.int64()),
        ("id_high", pa.uint64()),
        ("id_low", pa.uint64()),
        ("documents", pa.int64()),
    ]
)
"""A paragraph, a document that holds it (the first in keep order), and how many hold it."""

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
    ]
)
"""What resolve tells the home shard of each document concerned."""


def frame_of(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a polars frame."""
    import polars as pl

    return pl.DataFrame(pl.from_arrow(table))


def table_of(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """A polars frame as an Arrow table of the schema's columns."""
    return frame.select(schema.names).to_arrow().cast(schema)


def documents_of(documents: pa.Table) -> pl.DataFrame:
    """Row, rank and id halves of each document of a shard."""
    import polars as pl

    high, low = id_halves(documents["id"])
    return pl.DataFrame(
        {
            "row": np.arange(documents.num_rows),
            "rank": documents["rank"].to_numpy(),
            "id_high": high,
            "id_low": low,
        }
    )


def combine(documents: pa.Table, paragraphs: pa.Table) -> pa.Table:
    """Each paragraph of a shard once: its first holder in keep order, and how many documents hold it (`HELD`).

    Args:
        documents: id and rank, n rows of one shard.
        paragraphs: `PARAGRAPHS` of them.
    """
    import polars as pl

    held = (
        frame_of(paragraphs.select(["row", *HASH]))
        .unique()
        .join(documents_of(documents), on="row")
        .sort([*HASH, "rank"])
        .group_by(HASH, maintain_order=True)
        .agg(pl.col("rank", "id_high", "id_low").first(), documents=pl.len())
    )
    return table_of(held, HELD)


def _holders(held: Sequence[pa.Table]) -> pl.DataFrame:
    """All `HELD` rows of a partition with the number of their shard, sorted by hash and rank."""
    import polars as pl

    numbered = [frame_of(table).with_columns(shard=pl.lit(shard, pl.Int64)) for shard, table in enumerate(held)]
    return pl.concat(numbered).sort([*HASH, "rank"])


def _to_shards(owners: pl.DataFrame, holders: pl.DataFrame, shards: int) -> list[pa.Table]:
    """For each shard the owners of the paragraphs that it holds."""
    routed = holders.select("shard", *HASH).join(owners, on=HASH, maintain_order="left")
    shard = routed["shard"].to_numpy()
    return exchange.split(table_of(routed, HELD), shard, shards)


def _shared(holders: pl.DataFrame) -> pl.DataFrame:
    """The first holder and the number of holders of each paragraph that more than one document holds."""
    import polars as pl

    grouped = holders.group_by(HASH, maintain_order=True).agg(
        pl.col("rank", "id_high", "id_low").first(), pl.col("documents").sum()
    )
    return grouped.filter(pl.col("documents") > 1)


def elect(held: Sequence[pa.Table]) -> list[pa.Table]:
    """The owner of each paragraph that more than one document holds, for each shard that holds it.

    Args:
        held: `HELD` of one partition, one table a shard.

    Returns:
        `HELD` for each shard: the owner, and how many documents hold the paragraph in the whole corpus.
    """
    holders = _holders(held)
    return _to_shards(_shared(holders), holders, len(held))


def near_copies(documents: pa.Table, paragraphs: pa.Table, owners: pa.Table, share: float) -> pa.Table:
    """Documents that lose at least a share of their characters to one other document: `CANDIDATES`.

    Args:
        documents: id, rank and copies, n rows of one shard.
        paragraphs: `PARAGRAPHS` of them.
        owners: `HELD`, from `elect`.
        share: of the characters of all units of the document.
    """
    import polars as pl

    copies = documents_of(documents).with_columns(copies=pl.Series(documents["copies"].to_numpy()))
    owned = frame_of(owners).select(*HASH, owner_rank="rank", owner_high="id_high", owner_low="id_low")
    lost = (
        frame_of(paragraphs)
        .join(owned, on=HASH)
        .join(copies, on="row")
        .filter(pl.col("owner_rank") != pl.col("rank"))
        .group_by("rank", "owner_rank")
        .agg(pl.col("characters").sum(), pl.exclude("characters").first())
        .with_columns(share=pl.col("characters") / pl.col("document_characters"))
        .filter(pl.col("share") >= share)
        .sort(["rank", "characters", "owner_rank"], descending=[False, True, False])
        .unique("rank", keep="first", maintain_order=True)
    )
    return table_of(lost, CANDIDATES)


def successors(documents: pa.Table, paragraphs: pa.Table, owners: pa.Table, candidates: pa.Table) -> pa.Table:
    """Who stands next in line for shared paragraphs whose first holder in this shard may be dropped.

    Args:
        documents: id and rank, n rows of one shard.
        paragraphs: `PARAGRAPHS` of them.
        owners: `HELD`, from `elect`.
        candidates: `CANDIDATES` among them.

    Returns:
        `HELD` (documents 0): of each such paragraph the further holders in keep order, up to one that is no candidate.
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
    return table_of(line, HELD)


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
        dropped.group_by("owner_rank", "owner_high")
        .agg(pl.col("copies").sum())
        .sort("owner_rank")
        .select(
            rank="owner_rank",
            id_high="owner_high",
            owner_high=pl.lit(None, pl.UInt64),
            owner_low=pl.lit(None, pl.UInt64),
            share=pl.lit(None, pl.Float64),
            copies="copies",
        )
    )
    gone = dropped.select("rank", "id_high", "owner_high", "owner_low", "share", copies=pl.lit(0, pl.Int32))
    fates = pl.concat([gone, named], how="vertical_relaxed")
    return exchange.split(table_of(fates, FATES), homes_of(fates["id_high"].to_numpy(), shards), shards)


def elect_again(held: Sequence[pa.Table], line: pa.Table, dropped: np.ndarray) -> list[pa.Table]:
    """New owners of the paragraphs whose owner was dropped.

    Args:
        held: `HELD` of one partition, one table a shard, as `elect` read them.
        line: `HELD` of the same partition, from `successors` of all shards.
        dropped: int64, ranks of all dropped documents.

    Returns:
        `HELD` for each shard: only paragraphs whose owner changed.
    """
    import polars as pl

    holders = _holders(held)
    gone = pl.DataFrame({"rank": dropped}, schema={"rank": pl.Int64})
    orphans = _shared(holders).join(gone, on="rank", how="semi").select(*HASH, "documents")
    heirs = (
        pl.concat(
            [
                holders.select(*HASH, "rank", "id_high", "id_low"),
                frame_of(line).select(*HASH, "rank", "id_high", "id_low"),
            ]
        )
        .join(orphans, on=HASH)
        .join(gone, on="rank", how="anti")
        .sort([*HASH, "rank"])
        .unique(HASH, keep="first", maintain_order=True)
    )
    return _to_shards(heirs, holders, len(held))


def final_owners(owners: pa.Table, changes: pa.Table) -> pa.Table:
    """The owners of `elect`, but of `elect_again` where it has one (`HELD`)."""
    import polars as pl

    changed = frame_of(changes)
    return table_of(pl.concat([frame_of(owners).join(changed, on=HASH, how="anti"), changed]), HELD)
