"""Hand a set to trainers as Parquet shards in one global random order, with a dataset card.

The order is that of a keyed hash of (id, epoch). `shuffle` (one job a file of the set) routes each row to its output
shard, `write` (one job an output shard) sorts and writes: shard k holds the k-th stretch of the order, so the
shards read one after the other are a uniform random permutation of the set. `card` writes README.md (a dataset card
that `datasets.load_dataset(folder)` understands) and export.json (rows, tokens, bytes and sha256 of each file).

Writes `export/<name>/{parquet/part-*.parquet,README.md,export.json}`. Nothing in them depends on shards, paths or time.
Memory: one file of the set, or one output shard. Ties of the hash end in (id, epoch).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import exchange
from tamis.errors import ConservationError
from tamis.export.card import Facts, dataset_card
from tamis.ids import keyed_hash
from tamis.section import Section
from tamis.sets.counts import counted
from tamis.shards import part_name, read_json, read_table, whole_file, write_json, write_table

log = logging.getLogger(__name__)

VERSION = 1

LAST = ("epoch", "metadata")
"""Columns after all others: what a reader needs least."""

FIRST = ("id", "text", "source", "url", "date", "kind", "domain", "language", "tokens")

LICENCE_KEYS = ("licence", "license", "spdx")
"""Fields of `metadata` that name a licence, in order of preference."""


class Config(Section):
    """What is handed to trainers: every mixture, annealing set and the validation split."""

    sets: tuple[str, ...] | None = Field(
        None,
        description="Names of the sets to export ('validation' is one); null: all.",
    )
    shards: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Output files a set; null: as many as the set has `files`.",
    )
    seed: int = Field(0, ge=0, description="Seed of the shuffle.")
    row_group_rows: int = Field(
        1_024, ge=1, le=1_000_000, description="Rows of a row group, the least that a reader loads."
    )


def shuffle_hash(table: pa.Table, seed: int) -> np.ndarray:
    """The place of each row in the global order: uint64; copies of one document land far apart."""
    epochs = table["epoch"].to_numpy()
    hashes = np.zeros(table.num_rows, dtype=np.uint64)
    for epoch in np.unique(epochs):
        mine = np.flatnonzero(epochs == epoch)
        hashes[mine] = keyed_hash(table["id"].take(pa.array(mine)), f"export {epoch}", seed)
    return hashes


def arranged(table: pa.Table) -> pa.Table:
    """The columns in the order of the export."""
    names = [name for name in FIRST if name in table.column_names]
    last = [name for name in LAST if name in table.column_names]
    middle = [name for name in table.column_names if name not in names and name not in last]
    return table.select([*names, *middle, *last])


def run_shuffle(config: Config, *, name: str, shards: int, documents: Path, output: Path) -> None:
    """Route the rows of one file of a set to the output shards.

    Args:
        output: exchange file to write, one batch an output shard.
    """
    table = read_table(documents)
    order = shuffle_hash(table, config.seed)
    target = exchange.partition_of(order, shards)
    exchange.scatter(output, table.append_column("order", pa.array(order)), target, shards)
    log.info("%s: %d rows routed", name, table.num_rows)


def licences(metadata: pa.ChunkedArray) -> Counter[str]:
    """Documents by the licence that their metadata names; "" where it names none."""
    found: Counter[str] = Counter()
    for value in metadata.to_pylist():
        fields = json.loads(value) if value else None
        named = [fields[key] for key in LICENCE_KEYS if fields.get(key)] if isinstance(fields, dict) else []
        found[str(named[0]) if named else ""] += 1
    return found


def run_write(config: Config, *, name: str, shards: int, shard: int, barrier: Path, output: Path, stats: Path) -> None:
    """Write one output shard.

    Args:
        barrier: over the files that `shuffle` wrote.
        stats: JSON file to write: rows, tokens, bytes, sha256, counts, licences.
    """
    table = exchange.read(barrier, shard, shards)
    table = table.sort_by([("order", "ascending"), ("id", "ascending"), ("epoch", "ascending")]).combine_chunks()
    table = arranged(table.drop_columns("order"))
    write_table(output, table, row_group_rows=config.row_group_rows)
    with output.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    counts = counted(table)
    write_json(
        stats,
        {
            "rows": table.num_rows,
            "tokens": sum(row["tokens"] for row in counts),
            "bytes": output.stat().st_size,
            "sha256": digest,
            "counts": counts,
            "licences": dict(sorted(licences(table["metadata"]).items())),
            "columns": {field.name: str(field.type) for field in table.schema},
        },
    )
    log.info("%s: %d rows in shard %d of %d", name, table.num_rows, shard, shards)


def run_card(
    config: Config,
    *,
    name: str,
    shards: int,
    stats: Path,
    summary: Path,
    training: Path,
    readme: Path,
    manifest: Path,
) -> None:
    """Write the card and the list of files of a set.

    Args:
        name: the set ("mixtures/first").
        stats: the first of the files that `write` wrote; the others lie beside it.
        summary: the set's summary, which the export is held to.

    Raises:
        ConservationError: the output does not hold the documents and tokens of the set.
    """
    parts: list[dict[str, Any]] = [read_json(stats.with_name(f"{part_name(shard)}.json")) for shard in range(shards)]
    chosen = read_json(summary)
    rows, tokens = (sum(part[measure] for part in parts) for measure in ("rows", "tokens"))
    if (rows, tokens) != (chosen["documents"], chosen["tokens"]):
        raise ConservationError(
            f"export of {name}: {rows} rows and {tokens} tokens were written, the set has "
            f"{chosen['documents']} and {chosen['tokens']}; delete the export and run again"
        )
    files = [
        {
            "path": f"parquet/{part_name(shard)}.parquet",
            **{key: part[key] for key in ("rows", "tokens", "bytes", "sha256")},
        }
        for shard, part in enumerate(parts)
    ]
    write_json(
        manifest,
        {"set": name, "format": "parquet", "seed": config.seed, "rows": rows, "tokens": tokens, "files": files},
    )
    seen: Counter[str] = Counter()
    for part in parts:
        seen.update(part["licences"])
    facts = Facts(
        name=name,
        rows=rows,
        tokens=tokens,
        seed=config.seed,
        files=files,
        columns=parts[0]["columns"],
        counts=[row for part in parts for row in part["counts"]],
        groups=chosen["groups"],
        licences=seen,
        training=read_json(training),
    )
    with whole_file(readme) as temporary:
        temporary.write_text(dataset_card(facts), encoding="utf-8")
    log.info("%s: %d rows, %d tokens in %d files", name, rows, tokens, shards)
