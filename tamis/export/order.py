"""One global random order of a set's rows, the same for every format.

The order is that of a keyed hash of (id, epoch). `shuffle` (one job a file of the set) routes each row to its output
shard; a format sorts the rows of one shard (`ordered`) and writes them. Shard k holds the k-th stretch of the order, so
the shards read one after the other are a uniform random permutation of the set, whatever their number.

Memory: one file of the set, or one output shard. Ties of the hash end in (id, epoch).
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import exchange
from tamis.barrier import Files
from tamis.ids import keyed_hash
from tamis.section import Section
from tamis.shards import read_table

log = logging.getLogger(__name__)

VERSION = 1


class Config(Section):
    """The order of the rows and the files that they are laid out in."""

    shards: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Output files a set; null: as many as the set has `files`.",
    )
    seed: int = Field(0, ge=0, description="Seed of the shuffle.")


def shuffle_hash(table: pa.Table, seed: int) -> np.ndarray:
    """The place of each row in the global order: uint64; copies of one document land far apart."""
    epochs = table["epoch"].to_numpy()
    hashes = np.zeros(table.num_rows, dtype=np.uint64)
    for epoch in np.unique(epochs):
        mine = np.flatnonzero(epochs == epoch)
        hashes[mine] = keyed_hash(table["id"].take(pa.array(mine)), f"export {epoch}", seed)
    return hashes


def run_shuffle(config: Config, *, name: str, shards: int, documents: Path, output: Path) -> None:
    """Route the rows of one file of a set to the output shards."""
    table = read_table(documents)
    order = shuffle_hash(table, config.seed)
    target = exchange.partition_of(order, shards)
    exchange.scatter(output, table.append_column("order", pa.array(order)), target, shards)
    log.info("%s: %d rows routed", name, table.num_rows)


def ordered(barrier: Files, shard: int, shards: int) -> pa.Table:
    """The rows of one output shard, in the global order.

    Args:
        barrier: over the files that `shuffle` wrote.
        shard: which output shard.
        shards: how many there are.
    """
    table = exchange.read(barrier, shard, shards)
    table = table.sort_by([("order", "ascending"), ("id", "ascending"), ("epoch", "ascending")]).combine_chunks()
    return table.drop_columns("order")
