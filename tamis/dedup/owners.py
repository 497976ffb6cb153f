"""Who owns a text that several documents hold: the first of them in keep order, elected over all shards.

A text is a paragraph or a window of words, known by its 128-bit hash; a document is its rank. Each shard tells of each
text its first holder there and how many documents hold it (`HOLDERS`), by partition of the hashes; one partition elects
the owners and tells the shards that hold the text. Pure functions on Arrow tables, nothing of disk or text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.ids import id_halves

if TYPE_CHECKING:
    import polars as pl

HASH = ["high", "low"]

HOLDERS = pa.schema(
    [
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("rank", pa.int64()),
        ("id_high", pa.uint64()),
        ("id_low", pa.uint64()),
        ("documents", pa.int64()),
    ]
)
"""A text, a document that holds it (the first in keep order), and how many hold it. A stage may tell more of that
document in columns of its own (`tamis.dedup.windows.WINDOW_HOLDERS`)."""


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


def first_holders(documents: pa.Table, occurrences: pa.Table) -> pa.Table:
    """Each text of a shard once: its first holder in keep order, and how many documents hold it (`HOLDERS`).

    Args:
        documents: id and rank, n rows of one shard.
        occurrences: row and hash of each text of theirs.
    """
    import polars as pl

    found = (
        frame_of(occurrences.select(["row", *HASH]))
        .unique()
        .join(documents_of(documents), on="row")
        .sort([*HASH, "rank"])
        .group_by(HASH, maintain_order=True)
        .agg(pl.col("rank", "id_high", "id_low").first(), documents=pl.len())
    )
    return table_of(found, HOLDERS)


def _every_holder(told: Sequence[pa.Table]) -> pl.DataFrame:
    """All `HOLDERS` rows of a partition with the number of their shard, sorted by hash and rank."""
    import polars as pl

    numbered = [frame_of(table).with_columns(shard=pl.lit(shard, pl.Int64)) for shard, table in enumerate(told)]
    return pl.concat(numbered).sort([*HASH, "rank"])


def _to_shards(owners: pl.DataFrame, holders: pl.DataFrame, shards: int, schema: pa.Schema) -> list[pa.Table]:
    """For each shard the owners of the texts that it holds."""
    routed = holders.select("shard", *HASH).join(owners, on=HASH, maintain_order="left")
    shard = routed["shard"].to_numpy()
    return exchange.split(table_of(routed, schema), shard, shards)


def _shared(holders: pl.DataFrame) -> pl.DataFrame:
    """The first holder and the number of holders of each text that more than one document holds."""
    import polars as pl

    grouped = holders.group_by(HASH, maintain_order=True).agg(
        pl.exclude("documents", "shard").first(), pl.col("documents").sum()
    )
    return grouped.filter(pl.col("documents") > 1)


def _beside(holders: pl.DataFrame, earlier: pa.Table | None) -> pl.DataFrame:
    """All holders with those of earlier runs, sorted by hash and rank."""
    import polars as pl

    if earlier is None or not earlier.num_rows:
        return holders
    return pl.concat([frame_of(earlier), holders.drop("shard")]).sort([*HASH, "rank"])


def elect(told: Sequence[pa.Table], earlier: pa.Table | None = None) -> list[pa.Table]:
    """The owner of each text that more than one document holds, for each shard that holds it.

    Args:
        told: `HOLDERS` of one partition, one table a shard; columns besides those are of the holder too.
        earlier: those of earlier runs, the same columns: of texts that this run holds too, with smaller ranks.

    Returns:
        The same columns for each shard: the owner, and how many documents hold the text in the whole corpus.
    """
    holders = _every_holder(told)
    return _to_shards(_shared(_beside(holders, earlier)), holders, len(told), told[0].schema)


def elect_again(
    told: Sequence[pa.Table], line: pa.Table, dropped: np.ndarray, earlier: pa.Table | None = None
) -> list[pa.Table]:
    """New owners of the texts whose owner was dropped.

    Args:
        told: `HOLDERS` of one partition, one table a shard, as `elect` read them.
        line: `HOLDERS` of the same partition, those next in line for them in all shards.
        dropped: int64, ranks of all dropped documents.
        earlier: as `elect` was given them.

    Returns:
        `HOLDERS` for each shard: only texts whose owner changed.
    """
    import polars as pl

    holders = _every_holder(told)
    gone = pl.DataFrame({"rank": dropped}, schema={"rank": pl.Int64})
    orphans = _shared(_beside(holders, earlier)).join(gone, on="rank", how="semi").select(*HASH, "documents")
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
    return _to_shards(heirs, holders, len(told), HOLDERS)


def final_owners(owners: pa.Table, changes: pa.Table) -> pa.Table:
    """The owners of `elect`, but of `elect_again` where it has one (`HOLDERS`)."""
    import polars as pl

    changed = frame_of(changes)
    return table_of(pl.concat([frame_of(owners).join(changed, on=HASH, how="anti"), changed]), HOLDERS)
