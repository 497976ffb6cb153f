"""Paragraphs of earlier runs: what the index of paragraph_dedup holds, and how owners are elected beside it.

A file a shard of the run that wrote it, a batch a partition of the hashes, as in every crossing: a job reads the
batches that its own stretch of the hashes overlaps. A row is a paragraph of the shard: how many of its documents held
it, those that were dropped too, and who owns it (`HOLDERS`). All shards that hold a paragraph know its owner, so that
rows are written where the documents lie and nothing crosses once more. 48 bytes a row, before compression.

Documents of earlier runs have ranks below zero: those of the first run given are the smallest, and among themselves
they have the order of their own run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.dedup.earlier import Index, stretch
from tamis.dedup.owners import HASH, HOLDERS, first_holders, frame_of, table_of

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 1 << 62
"""The rank of an owner where all documents that hold a paragraph were dropped: whoever comes later takes it."""

RUN = 1 << 48
"""More than the documents of any run."""


def rows_of(documents: pa.Table, paragraphs: pa.Table, owners: pa.Table, dropped: np.ndarray) -> pa.Table:
    """The rows of one shard: `HOLDERS`, documents counted in this shard alone.

    Args:
        documents: id and rank, n rows of one shard as the stage read it.
        paragraphs: `tamis.dedup.paragraphs.PARAGRAPHS` of them.
        owners: `HOLDERS`, final, of those that several documents hold or that an earlier run holds.
        dropped: int64, ranks of the documents that this stage drops: near-copies of all shards, others of this one.
    """
    import polars as pl

    named = frame_of(owners).select(*HASH, owner="rank", owner_high="id_high", owner_low="id_low")
    gone = pl.DataFrame({"owner": dropped}, schema={"owner": pl.Int64}).with_columns(gone=pl.lit(True))
    rows = (
        frame_of(first_holders(documents, paragraphs))
        .join(named, on=HASH, how="left", maintain_order="left")
        .with_columns(
            owner=pl.col("owner").fill_null(pl.col("rank")),
            id_high=pl.coalesce("owner_high", "id_high"),
            id_low=pl.coalesce("owner_low", "id_low"),
        )
        .join(gone, on="owner", how="left", maintain_order="left")
        .with_columns(rank=pl.when(pl.col("gone").is_null()).then("owner").otherwise(pl.lit(NOBODY)))
    )
    return table_of(rows, HOLDERS)


def _ranks(ranks: np.ndarray, run: int, runs: int) -> np.ndarray:
    """Ranks of this run for owners in the index of run number `run` of `runs`.

    What that run left to a run before it stands behind all documents of that one, which has a row of its own where its
    index is given too.
    """
    base = -(runs - run) * RUN
    return np.where(ranks == NOBODY, NOBODY, np.where(ranks < 0, base - 1, base + ranks))


def read(indexes: Sequence[Index], partition: int, partitions: int) -> pa.Table:
    """What earlier runs hold of one partition: `HOLDERS`, with ranks below zero (or `NOBODY`), a row a run and shard.

    Args:
        indexes: in the order in which the runs were made.
        partition: of this run.
        partitions: of this run.

    Raises:
        SourceError: a file is missing or damaged.
    """
    found = [HOLDERS.empty_table()]
    for run, index in enumerate(indexes):
        for number in range(index.parts):
            for table in _stretches(index.part(number), partition, partitions):
                place = HOLDERS.get_field_index("rank")
                ranks = _ranks(table["rank"].to_numpy(), run, len(indexes))
                found.append(table.set_column(place, HOLDERS.field(place), pa.array(ranks)))
    return pa.concat_tables(found)


def _stretches(path: Path, partition: int, partitions: int) -> list[pa.Table]:
    """The rows of one file of an index that belong to a partition of this run."""
    opened = exchange.open_file(path)
    there = opened.num_record_batches
    tables = [pa.Table.from_batches([opened.get_batch(number)]) for number in stretch(partition, partitions, there)]
    if there == partitions:
        return tables
    of = [exchange.partition_of(table["high"].to_numpy(), partitions) for table in tables]
    return [table.filter(pa.array(mine == partition)) for table, mine in zip(tables, of, strict=True)]


def held_by_any(earlier: pa.Table, told: Sequence[pa.Table]) -> pa.Table:
    """The rows of paragraphs that this run holds too: a small part of a large index.

    Args:
        earlier: from `read`.
        told: `HOLDERS` of the same partition of this run.
    """
    import polars as pl

    ours = pl.concat([frame_of(table.select(HASH)) for table in told])
    return table_of(frame_of(earlier).join(ours, on=HASH, how="semi"), HOLDERS)


def copies_left(earlier: pa.Table, told: Sequence[pa.Table], min_documents: int) -> int:
    """How many documents of earlier runs keep a copy that one run over everything would cut.

    Only with this run's documents are the paragraphs held by `min_documents`; earlier results stay as they are.

    Args:
        earlier: from `held_by_any`.
        told: `HOLDERS` of the same partition of this run.
        min_documents: documents that must hold a paragraph before its copies are cut.
    """
    import polars as pl

    before = frame_of(earlier).group_by(HASH).agg(pl.col("documents").sum())
    new = pl.concat([frame_of(table) for table in told]).group_by(HASH).agg(new=pl.col("documents").sum())
    few = before.join(new, on=HASH).filter(
        (pl.col("documents") < min_documents) & (pl.col("documents") + pl.col("new") >= min_documents)
    )
    return int((few["documents"] - 1).sum())
