"""What became of a shard's documents: the ledger, the edits, and the one way to write a stage's outcome."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import schemas, stats
from tamis.errors import ConservationError
from tamis.shards import write_table

log = logging.getLogger(__name__)

Column: TypeAlias = Sequence[object] | np.ndarray | pa.Array | pa.ChunkedArray | None


@dataclass(frozen=True)
class Outputs:
    """The files that one job of a selector or editor writes; `edits` is None for stages that cut no text."""

    documents: Path
    dropped: Path
    stats: Path
    edits: Path | None = None


def _column(values: Column | str | float, rows: int, kind: pa.DataType) -> pa.Array:
    if values is None or isinstance(values, str | float | int):
        return pa.array([values] * rows, kind)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values.cast(kind)
    # NaN stands for "no value" in numeric arrays.
    return pa.array(values, kind, from_pandas=True)


def dropped_rows(
    stage: str,
    documents: pa.Table,
    reason: str | Column,
    *,
    value: Column | float = None,
    threshold: Column | float = None,
    matched_id: Column | str = None,
    similarity: Column | float = None,
) -> pa.Table:
    """Ledger rows for documents that a stage drops.

    Args:
        stage: name of the stage.
        documents: the dropped rows of the documents table **as the stage read it** (n rows).
        reason: one name for all, or n names.
        value: what the rule measured, a scalar or n values (NaN or None where there is none).
        threshold: what it was held against, likewise.
        matched_id: the document or benchmark item it matched, likewise.
        similarity: exact similarity to that match, likewise.

    Returns:
        n rows with the schema `tamis.schemas.LEDGER`.
    """
    rows = documents.num_rows
    columns = {
        "id": documents["id"],
        "source": documents["source"],
        "url": documents["url"],
        "kind": documents["kind"],
        "stage": _column(stage, rows, pa.string()),
        "reason": _column(reason, rows, pa.string()),
        "value": _column(value, rows, pa.float64()),
        "threshold": _column(threshold, rows, pa.float64()),
        "matched_id": _column(matched_id, rows, pa.string()),
        "similarity": _column(similarity, rows, pa.float64()),
        "chars": stats.characters(documents["text"]),
    }
    return pa.table(columns).cast(schemas.LEDGER)


def write_outcome(
    outputs: Outputs,
    stage: str,
    shard: int,
    before: pa.Table,
    kept: pa.Table,
    dropped: pa.Table,
    *,
    edits: pa.Table | None = None,
    added: int = 0,
    notes: Mapping[str, float] | None = None,
) -> None:
    """Check conservation and write documents, ledger, edits and stats of one shard, documents last.

    Rows are sorted by id (ledger: id, reason; edits: id, start).

    Args:
        outputs: the four files.
        stage: name of the stage.
        shard: index of the shard.
        before: documents as read.
        kept: documents to write; text may be cut, columns may be added.
        dropped: ledger rows of this job, from `dropped_rows`.
        edits: rows of `tamis.schemas.EDITS`, for stages that cut text.
        added: characters put in over all kept documents.
        notes: further numbers for the stats file.

    Raises:
        ConservationError: something is unaccounted for; nothing is written.
        SchemaError: a table breaks its contract; nothing is written.
    """
    edits = schemas.empty(schemas.EDITS) if edits is None else edits.cast(schemas.EDITS)
    if outputs.edits is None and edits.num_rows:
        msg = f"{stage}: cuts {edits.num_rows} spans of text but has no edits file to list them in"
        raise ConservationError(msg)
    kept = schemas.conform_documents(kept, f"{stage}, shard {shard}").sort_by("id")
    counted = stats.count(stage, shard, before, kept, dropped, edits, added=added, notes=notes)
    write_table(outputs.dropped, dropped.cast(schemas.LEDGER).sort_by([("id", "ascending"), ("reason", "ascending")]))
    if outputs.edits is not None:
        write_table(outputs.edits, edits.sort_by([("id", "ascending"), ("start", "ascending")]))
    stats.write_stats(outputs.stats, counted)
    write_table(outputs.documents, kept)
    log.info(
        "%s shard %d: %d documents in, %d kept, %d dropped",
        stage,
        shard,
        before.num_rows,
        kept.num_rows,
        dropped.num_rows,
    )


def add_copies(documents: pa.Table, extra: Mapping[str, int]) -> pa.Table:
    """Add to `copies` of kept documents the copies of the dropped documents that name them.

    Args:
        documents: kept documents.
        extra: id → copies of the dropped documents that name it.
    """
    if not extra:
        return documents
    more = pa.array([extra.get(name, 0) for name in documents["id"].to_pylist()], pa.int32())
    column = documents.schema.get_field_index("copies")
    return documents.set_column(column, "copies", pc.add(documents["copies"], more))
