"""Parquet shards, which `datasets.load_dataset(folder)` and most training stacks read.

Writes `export/<name>/parquet/part-*.parquet`; rows in the order of `tamis/export/order.py`. Nothing in them depends on
the shards of the pool, on paths or time. Memory: one output shard.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from tamis.barrier import Files
from tamis.export.files import Format, describe
from tamis.export.order import ordered
from tamis.section import Section
from tamis.shards import write_json, write_table

log = logging.getLogger(__name__)

VERSION = 1

FORMAT = Format(
    suffix=".parquet",
    files="Parquet files",
    loading='```python\nfrom datasets import load_dataset\n\ndataset = load_dataset(".")\n```',
    on_hub=True,
)

LAST = ("epoch", "metadata")
"""Columns after all others: what a reader needs least."""

FIRST = ("id", "text", "source", "url", "date", "kind", "domain", "language", "tokens")


class Config(Section):
    """Parquet shards."""

    row_group_rows: int = Field(
        1_024, ge=1, le=1_000_000, description="Rows of a row group, the least that a reader loads."
    )


def arranged(table: pa.Table) -> pa.Table:
    """The columns in the order of the export."""
    names = [name for name in FIRST if name in table.column_names]
    last = [name for name in LAST if name in table.column_names]
    middle = [name for name in table.column_names if name not in names and name not in last]
    return table.select([*names, *middle, *last])


def run_write(config: Config, *, name: str, shards: int, shard: int, barrier: Files, output: Path, stats: Path) -> None:
    """Write one output shard.

    Args:
        barrier: over the files that `shuffle` wrote.
        stats: JSON to write, what the card is made of (`tamis.export.files.describe`).
    """
    table = arranged(ordered(barrier, shard, shards))
    write_table(output, table, row_group_rows=config.row_group_rows)
    write_json(stats, describe(table, output))
    log.info("%s: %d rows in shard %d of %d", name, table.num_rows, shard, shards)
