"""Write the documents of a chosen set: validation, every annealing set, every mixture.

The set's choice (`tamis/sets/plan.py`) says which ids of each shard it takes. `select` (one job a shard) reads the
documents and routes them to the set's own files by keyed hash of the id; `write` (one job a file) sorts by (id, epoch)
and writes; so the bytes depend neither on shards nor on the order of the input. A document taken several times has one
row an epoch, told apart by the column `epoch`. `summary` adds up and holds the result to the plan.

Columns are those of the pool less `rank`, `ingested_characters` and `parent`, which only de-duplication needs, and
with `epoch`.
Memory: a batch of documents, a few rounds or slices (`tamis/streams.py`, `tamis/external_sort.py`), and the row group
that is being written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange, streams
from tamis.barrier import Files, paths
from tamis.errors import ConservationError, SchemaError
from tamis.external_sort import sorted_slices
from tamis.ids import keyed_hash
from tamis.schemas import documents_schema
from tamis.sets.configured import Layout
from tamis.sets.counts import MEASURES, added_up, counted
from tamis.shards import (
    BATCH_ROWS,
    TableWriter,
    column_names,
    document_batches,
    part_name,
    read_json,
    read_table,
    row_count,
    whole_file,
    write_json,
)

log = logging.getLogger(__name__)

VERSION = 1

LEFT_OUT = ("rank", "ingested_characters", "parent")


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
        raise _lost(position.null_count, where)
    times = choice["epochs"].to_numpy()
    ends = np.cumsum(times)
    epoch = np.arange(times.sum()) - np.repeat(ends - times, times)
    taken = documents.take(pa.array(np.repeat(position.to_numpy(), times)))
    return conform(taken.append_column("epoch", pa.array(epoch, pa.int32())), where)


def _lost(count: int, where: str) -> ConservationError:
    return ConservationError(
        f"{where}: {count} chosen documents are not in their shard; the plan is from an older run. Delete its "
        "choice.arrow and run again."
    )


def all_chosen_rows(batches: Iterable[pa.Table], choice: pa.Table, where: str) -> Iterator[pa.Table]:
    """`chosen_rows` of a shard that comes in batches.

    Args:
        batches: the documents of one shard, sorted by id throughout; at least one table, if without rows.
        choice: rows of `tamis.sets.plan.CHOICE` of the same shard.
        where: the set, named in errors.

    Yields:
        At least one table; each of at most `BATCH_ROWS` rows, or of one document's.

    Raises:
        ConservationError: a chosen document is not in the shard.
    """
    left = choice.sort_by("id")
    # A document that is taken a hundred times must not make a batch a hundred times as large.
    step = max(1, BATCH_ROWS // max(pc.max(choice["epochs"]).as_py() or 1, 1))
    for documents in batches:
        within = 0
        if documents.num_rows:
            within = pc.sum(pc.less_equal(left["id"], documents["id"][-1])).as_py() or 0
        for start in range(0, max(within, 1), step):
            yield chosen_rows(documents, left.slice(start, min(step, within - start)), where)
        left = left.slice(within)
    if left.num_rows:
        raise _lost(left.num_rows, where)


def run_select(
    config: Layout, *, name: str, shards: int, shard: int, documents: Path, choice: Path, output: Path
) -> None:
    """Route the chosen documents of one shard to the files of the set.

    Args:
        name: the set ("validation", "mixtures/first").
        documents: the pool's documents with token counts.
        output: exchange file by file of the set, in rounds, to write.

    Raises:
        ConservationError: a chosen document is not in the shard.
    """
    chosen = exchange.read_batch(choice, shard, shards)

    taken = all_chosen_rows(document_batches(documents), chosen, name)

    def file(rows: pa.Table) -> np.ndarray:
        return exchange.partition_of(keyed_hash(rows["id"], "files", 0), config.files)

    streams.write_rounds(output, subset_schema(column_names(documents)), taken, file, config.files)
    log.info("%s: %d documents of shard %d", name, pc.sum(chosen["epochs"]).as_py() or 0, shard)


def _repeated(rows: pa.Table) -> int:
    return int(rows.num_rows - rows.select(["id", "epoch"]).group_by(["id", "epoch"]).aggregate([]).num_rows)


def run_write(config: Layout, *, name: str, file: int, barrier: Files, documents: Path, stats: Path) -> None:
    """Write one file of a set.

    Args:
        barrier: over the files that `select` wrote.

    Raises:
        ConservationError: a document came in twice.
    """

    def arriving() -> Iterator[pa.Table]:
        for path in paths(barrier):
            for read in streams.rounds(path, file, config.files):
                yield read()

    counts: list[list[dict[str, Any]]] = []
    with whole_file(documents) as temporary, sorted_slices(arriving(), ("id", "epoch"), documents) as slices:
        writer = TableWriter(temporary)
        for rows in slices:
            if repeated := _repeated(rows):
                raise ConservationError(
                    f"{name}, file {file}: {repeated} documents came in more than once; this is a defect, nothing was "
                    "written"
                )
            counts.append(counted(rows))
            writer.write(rows)
        writer.close()
        total = added_up(counts)
        write_json(stats, {"stage": name.split("/", maxsplit=1)[0], "set": name, "shard": file, "counts": total})
    log.info("%s: %d documents in file %d", name, sum(row["documents"] for row in total), file)


def run_summary(config: Layout, *, name: str, plan: Path, summary: Path) -> None:
    """Add up the files of a set and hold them to the plan.

    Args:
        plan: the set's plan; `stats/part-*.json` and `documents/part-*.parquet` lie beside it.

    Raises:
        ConservationError: documents or tokens are not what the plan says.
    """
    planned = read_table(plan)
    folder = plan.parent
    rows: list[dict[str, Any]] = []
    written = 0
    for file in range(config.files):
        part = part_name(file)
        rows += read_json(folder / "stats" / f"{part}.json")["counts"]
        written += row_count(folder / "documents" / f"{part}.parquet")
    total = {measure: sum(row[measure] for row in rows) for measure in MEASURES}
    expected = {measure: pc.sum(planned[f"taken_{measure}"]).as_py() or 0 for measure in ("documents", "tokens")}
    found = {measure: total[measure] for measure in expected}
    if found != expected or written != expected["documents"]:
        raise ConservationError(
            f"{name}: the plan takes {expected}, the files hold {found} in {written} rows; delete "
            f"{folder} and run again"
        )
    write_json(summary, {"set": name, **total, "groups": planned.to_pylist()})
    log.info("%s: %d documents, %d tokens", name, total["documents"], total["tokens"])
