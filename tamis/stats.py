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


class Tally:
    """Counts of one job, part by part, each part held to conservation."""

    def __init__(self, stage: str, shard: int) -> None:
        """Begin with nothing.

        Args:
            stage: name of the stage.
            shard: index of the shard.
        """
        self._stage, self._shard = stage, shard
        self._where = f"{stage}, shard {shard}"
        self._sums: dict[tuple[str, str, str, str], list[int]] = {}

    def _add(self, outcome: str, rows: list[dict[str, object]]) -> tuple[int, int]:
        documents = total = 0
        for row in rows:
            which = outcome, str(row["source"]), str(row["kind"]), str(row["reason"])
            sums = self._sums.setdefault(which, [0, 0])
            more = int(str(row["documents"])), int(str(row["characters"]))
            sums[0], sums[1] = sums[0] + more[0], sums[1] + more[1]
            documents, total = documents + more[0], total + more[1]
        return documents, total

    def add(
        self, before: pa.Table, kept: pa.Table, dropped: pa.Table, edits: pa.Table, *, added: int = 0
    ) -> tuple[int, int]:
        """Count what became of some documents.

        Args:
            before: documents read.
            kept: those to be written.
            dropped: ledger rows of the others; `chars` are the characters of the document as read.
            edits: cuts made in documents (those of documents that were then dropped are not counted).
            added: characters put in by the stage over all kept documents.

        Returns:
            Documents read and documents kept.

        Raises:
            ConservationError: a document or character is unaccounted for, or an id is kept and dropped at once.
        """
        documents_in, total_in = self._add("in", _documents(before, "in"))
        documents_kept, total_kept = self._add("kept", _documents(kept, "kept"))
        documents_dropped, total_dropped = self._add("dropped", _grouped(dropped, "dropped"))
        _, total_cut = self._add("cut", _edits(before, dropped, edits))
        if added:
            row = {"source": "", "kind": "", "reason": "", "documents": 0, "characters": added}
            self._add("added", [row])
        if documents_in != documents_kept + documents_dropped:
            msg = (
                f"{self._where}: read {documents_in} documents, kept {documents_kept} and dropped "
                f"{documents_dropped}; this is a defect of the stage, nothing was written"
            )
            raise ConservationError(msg)
        if total_in + added != total_kept + total_dropped + total_cut:
            msg = (
                f"{self._where}: {total_in} characters read + {added} added is not {total_kept} kept + "
                f"{total_dropped} dropped + {total_cut} cut; this is a defect of the stage, nothing was written"
            )
            raise ConservationError(msg)
        if not _sorted(kept["id"], dropped["id"]).equals(_sorted(before["id"])):
            msg = (
                f"{self._where}: kept and dropped ids are not the ids read; this is a defect of the stage, nothing "
                "was written"
            )
            raise ConservationError(msg)
        return documents_in, documents_kept

    def value(self, notes: Mapping[str, float] | None = None) -> dict[str, object]:
        """The value of the stats file.

        Args:
            notes: further numbers of this stage.
        """
        rows = [
            {
                "source": source,
                "kind": kind,
                "outcome": outcome,
                "reason": reason,
                "documents": documents,
                "characters": total,
            }
            for (outcome, source, kind, reason), (documents, total) in sorted(
                self._sums.items(), key=lambda item: (OUTCOMES.index(item[0][0]), *item[0][1:])
            )
        ]
        return {
            "stage": self._stage,
            "shard": self._shard,
            "counts": rows,
            "notes": dict(sorted((notes or {}).items())),
        }


def write_stats(path: Path, value: Mapping[str, object]) -> None:
    """Write one stats file."""
    write_json(path, value)
