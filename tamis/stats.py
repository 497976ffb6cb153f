"""Counts of one shard of one stage, and the conservation law that every job is held to.

A stats file is JSON: the stage, the shard, `counts` (rows of source, kind, outcome, reason, documents,
characters) and `notes` (named numbers that only this stage knows). Outcomes are

    in       documents and characters read
    kept     documents and characters written
    dropped  documents and characters of the ledger, by reason
    cut      characters of the edits, by reason (documents: how many were cut)
    added    characters that the stage put in (masks, placeholders, collapsed separators)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import ConservationError
from tamis.shards import write_json

OUTCOMES = ("in", "kept", "dropped", "cut", "added")


def characters(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Unicode code points of each text, int64."""
    return pc.cast(pc.utf8_length(text), pa.int64())


def _grouped(table: pa.Table, outcome: str) -> list[dict[str, object]]:
    """Count documents and sum `chars` by source, kind and reason."""
    grouped = table.group_by(["source", "kind", "reason"]).aggregate([("chars", "count"), ("chars", "sum")])
    rows = [
        {
            "source": row["source"],
            "kind": row["kind"],
            "outcome": outcome,
            "reason": row["reason"] or "",
            "documents": row["chars_count"],
            "characters": row["chars_sum"] or 0,
        }
        for row in grouped.to_pylist()
    ]
    return sorted(rows, key=lambda row: (str(row["source"]), str(row["kind"]), str(row["reason"])))


def _documents(table: pa.Table, outcome: str) -> list[dict[str, object]]:
    counted = pa.table(
        {
            "source": table["source"],
            "kind": table["kind"],
            "reason": pa.array([""] * table.num_rows, pa.string()),
            "chars": characters(table["text"]),
        }
    )
    return _grouped(counted, outcome)


def _edits(before: pa.Table, dropped: pa.Table, edits: pa.Table) -> list[dict[str, object]]:
    """Cuts of kept documents by source, kind and reason; cuts of documents dropped afterwards do not count."""
    gone = pc.is_in(edits["id"], value_set=dropped["id"].combine_chunks())
    edits = edits.filter(pc.invert(gone))
    position = pc.index_in(edits["id"], value_set=before["id"].combine_chunks())
    cut = pa.table(
        {
            "id": edits["id"],
            "source": before["source"].take(position),
            "kind": before["kind"].take(position),
            "reason": edits["reason"],
            "chars": pc.subtract(edits["end"], edits["start"]),
        }
    )
    grouped = cut.group_by(["source", "kind", "reason"]).aggregate([("id", "count_distinct"), ("chars", "sum")])
    rows = [
        {
            "source": row["source"],
            "kind": row["kind"],
            "outcome": "cut",
            "reason": row["reason"],
            "documents": row["id_count_distinct"],
            "characters": row["chars_sum"] or 0,
        }
        for row in grouped.to_pylist()
    ]
    return sorted(rows, key=lambda row: (str(row["source"]), str(row["kind"]), str(row["reason"])))


def _sorted(*columns: pa.ChunkedArray) -> pa.Array:
    ids = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string()).combine_chunks()
    return ids.take(pc.sort_indices(ids))


def count(
    stage: str,
    shard: int,
    before: pa.Table,
    kept: pa.Table,
    dropped: pa.Table,
    edits: pa.Table,
    *,
    added: int = 0,
    notes: Mapping[str, float] | None = None,
) -> dict[str, object]:
    """Count one job's outcome and hold it to conservation.

    Args:
        stage: name of the stage.
        shard: index of the shard.
        before: documents read.
        kept: documents to be written.
        dropped: ledger rows; `chars` are the characters of the document as read.
        edits: cuts made in documents (those of documents that were then dropped are not counted).
        added: characters put in by the stage over all kept documents.
        notes: further numbers of this stage.

    Returns:
        The value of the stats file.

    Raises:
        ConservationError: a document or character is unaccounted for, or an id is kept and dropped at once.
    """
    rows = _documents(before, "in") + _documents(kept, "kept") + _grouped(dropped, "dropped")
    rows += _edits(before, dropped, edits)
    if added:
        rows.append({"source": "", "kind": "", "outcome": "added", "reason": "", "documents": 0, "characters": added})
    documents: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in rows:
        documents[str(row["outcome"])] += int(str(row["documents"]))
        total[str(row["outcome"])] += int(str(row["characters"]))
    where = f"{stage}, shard {shard}"
    if documents["in"] != documents["kept"] + documents["dropped"]:
        msg = (
            f"{where}: read {documents['in']} documents, kept {documents['kept']} and dropped "
            f"{documents['dropped']}; this is a defect of the stage, nothing was written"
        )
        raise ConservationError(msg)
    if total["in"] + total["added"] != total["kept"] + total["dropped"] + total["cut"]:
        msg = (
            f"{where}: {total['in']} characters read + {total['added']} added is not {total['kept']} kept + "
            f"{total['dropped']} dropped + {total['cut']} cut; this is a defect of the stage, nothing was written"
        )
        raise ConservationError(msg)
    if not _sorted(kept["id"], dropped["id"]).equals(_sorted(before["id"])):
        msg = f"{where}: kept and dropped ids are not the ids read; this is a defect of the stage, nothing was written"
        raise ConservationError(msg)
    return {"stage": stage, "shard": shard, "counts": rows, "notes": dict(sorted((notes or {}).items()))}


def write_stats(path: Path, value: Mapping[str, object]) -> None:
    """Write one stats file."""
    write_json(path, value)
