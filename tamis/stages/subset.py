"""Write the documents of a chosen set: validation, every annealing set, every mixture.

The set's choice (`tamis/sets/plan.py`) says which ids of each shard it takes. `select` (one job a shard) reads the
documents and routes them to the set's own files by keyed hash of the id; `write` (one job a file) sorts by (id, epoch)
and writes; so the bytes depend neither on shards nor on the order of the input. A document taken several times has one
row an epoch, told apart by the column `epoch`. `summary` adds up and holds the result to the plan.

Columns are those of the pool less `rank` and `ingested_characters`, which only de-duplication needs, and with `epoch`.
Memory: one shard, or one file of the set.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tamis import exchange
from tamis.errors import ConservationError, SchemaError
from tamis.ids import keyed_hash
from tamis.schemas import documents_schema
from tamis.sets.configured import Layout
from tamis.sets.counts import counted
from tamis.shards import part_name, read_documents, read_json, write_json, write_table

log = logging.getLogger(__name__)

VERSION = 1

LEFT_OUT = ("rank", "ingested_characters")


def subset_schema(columns: Iterable[str]) -> pa.Schema:
    """The schema of a set's documents, given the names of the pool's columns."""
    whole = documents_schema([name for name in columns if name not in documents_schema().names])
    kept = [field for field in whole if field.name not in LEFT_OUT]
    return pa.schema([*kept, pa.field("epoch", pa.int32())])


def conform(table: pa.Table, where: str) -> pa.Table:
    """Hold a set's documents to their contract.

    Raises:
        SchemaError: a column is missing or of another type.
    """
    schema = subset_schema(name for name in table.column_names if name != "epoch")
    if missing := sorted(set(schema.names) - set(table.column_names)):
        raise SchemaError(f"{where}: lacks the columns {missing}")
    return table.select(schema.names).cast(schema)


def chosen_rows(documents: pa.Table, choice: pa.Table, where: str) -> pa.Table:
    """The documents that a choice names, each as often as it says.

    Args:
        documents: the documents of one shard.
        choice: rows of `tamis.sets.plan.CHOICE` of the same shard.
        where: the set, named in errors.

    Returns:
        Rows of `subset_schema`, epochs counted from 0.

    Raises:
        ConservationError: a chosen document is not in the shard.
    """
    position = pc.index_in(choice["id"], value_set=documents["id"].combine_chunks())
    if position.null_count:
        raise ConservationError(
            f"{where}: {position.null_count} chosen documents are not in their shard; the plan is "
            "from an older run. Delete its choice.arrow and run again."
        )
    times = choice["epochs"].to_numpy()
    ends = np.cumsum(times)
    epoch = np.arange(times.sum()) - np.repeat(ends - times, times)
    taken = documents.take(pa.array(np.repeat(position.to_numpy(), times)))
    return conform(taken.append_column("epoch", pa.array(epoch, pa.int32())), where)


def run_select(
    config: Layout, *, name: str, shards: int, shard: int, documents: Path, choice: Path, output: Path
) -> None:
    """Route the chosen documents of one shard to the files of the set.

    Args:
        name: the set ("validation", "mixtures/first").
        documents: the pool's documents with token counts.
        output: exchange file to write, one batch a file of the set.
    """
    table = read_documents(documents)
    taken = chosen_rows(table, exchange.read_batch(choice, shard, shards), name)
    target = exchange.partition_of(keyed_hash(taken["id"], "files", 0), config.files)
    exchange.scatter(output, taken, target, config.files)
    log.info("%s: %d documents of shard %d", name, taken.num_rows, shard)


def run_write(config: Layout, *, name: str, file: int, barrier: Path, documents: Path, stats: Path) -> None:
    """Write one file of a set.

    Args:
        barrier: over the files that `select` wrote.

    Raises:
        ConservationError: a document came in twice.
    """
    table = exchange.read(barrier, file, config.files)
    table = table.sort_by([("id", "ascending"), ("epoch", "ascending")]).combine_chunks()
    repeated = table.select(["id", "epoch"]).group_by(["id", "epoch"]).aggregate([]).num_rows
    if repeated != table.num_rows:
        raise ConservationError(
            f"{name}, file {file}: {table.num_rows - repeated} documents came in more than once; this "
            "is a defect, nothing was written"
        )
    counts = counted(table)
    write_json(stats, {"stage": name.split("/", maxsplit=1)[0], "set": name, "shard": file, "counts": counts})
    write_table(documents, table)
    log.info("%s: %d documents in file %d", name, table.num_rows, file)


def run_summary(config: Layout, *, name: str, plan: Path, summary: Path) -> None:
    """Add up the files of a set and hold them to the plan.

    Args:
        plan: the set's plan; `stats/part-*.json` and `documents/part-*.parquet` lie beside it.

    Raises:
        ConservationError: documents or tokens are not what the plan says.
    """
    planned = pq.read_table(plan)
    folder = plan.parent
    rows: list[dict[str, Any]] = []
    written = 0
    for file in range(config.files):
        part = part_name(file)
        rows += read_json(folder / "stats" / f"{part}.json")["counts"]
        written += pq.read_metadata(folder / "documents" / f"{part}.parquet").num_rows
    total = {
        measure: sum(row[measure] for row in rows)
        for measure in ("documents", "distinct_documents", "characters", "tokens")
    }
    expected = {measure: pc.sum(planned[f"taken_{measure}"]).as_py() or 0 for measure in ("documents", "tokens")}
    found = {measure: total[measure] for measure in expected}
    if found != expected or written != expected["documents"]:
        raise ConservationError(
            f"{name}: the plan takes {expected}, the files hold {found} in {written} rows; delete "
            f"{folder} and run again"
        )
    write_json(summary, {"set": name, **total, "groups": planned.to_pylist()})
    log.info("%s: %d documents, %d tokens", name, total["documents"], total["tokens"])
