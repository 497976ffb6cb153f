"""Counts of one shard of one stage, and the conservation law that every job is held to.

A stats file is JSON: the stage, the shard, `counts` (rows of source, kind, outcome, reason, documents,
characters) and `notes` (named numbers that only this stage knows). Outcomes are

    in       documents and characters read
    kept     documents and characters written
    dropped  documents and characters of the ledger, by reason
    cut      characters that the edits take out, by reason (documents: in how many)
    added    characters that the edits put in their place (masks, placeholders), likewise

of each source and kind, documents in = kept + dropped, and characters in + added = kept + dropped + cut.
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
KEY = ("outcome", "source", "kind", "reason")


def characters(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Unicode code points of each text, int64."""
    return pc.cast(pc.utf8_length(text), pa.int64())


def _grouped(table: pa.Table, outcome: str) -> list[dict[str, object]]:
    """Count documents and sum `chars` by source, kind and reason."""
    grouped = table.group_by(["source", "kind", "reason"]).aggregate([("chars", "count"), ("chars", "sum")])
    return [
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
    """What edits of kept documents cut and added; those of documents dropped afterwards do not count."""
    gone = pc.is_in(edits["id"], value_set=dropped["id"].combine_chunks())
    edits = edits.filter(pc.invert(gone))
    position = pc.index_in(edits["id"], value_set=before["id"].combine_chunks())
    changes = pa.table(
        {
            "id": edits["id"],
            "source": before["source"].take(position),
            "kind": before["kind"].take(position),
            "reason": edits["reason"],
            "cut": pc.subtract(edits["end"], edits["start"]),
            "added": pc.fill_null(characters(edits["replacement"]), 0),
        }
    )
    rows: list[dict[str, object]] = []
    for outcome in ("cut", "added"):
        counted = changes.filter(pc.greater(changes[outcome], 0)).group_by(["source", "kind", "reason"])
        rows += [
            {
                "source": row["source"],
                "kind": row["kind"],
                "outcome": outcome,
                "reason": row["reason"] or "",
                "documents": row["id_count_distinct"],
                "characters": row[f"{outcome}_sum"],
            }
            for row in counted.aggregate([("id", "count_distinct"), (outcome, "sum")]).to_pylist()
        ]
    return rows


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
        self._sums: dict[tuple[str, ...], list[int]] = {}

    def _check(self, rows: list[dict[str, object]]) -> None:
        """Hold the counts of one part to conservation, each source and kind by itself."""
        documents: Counter[tuple[str, str, str]] = Counter()
        total: Counter[tuple[str, str, str]] = Counter()
        for row in rows:
            which = str(row["source"]), str(row["kind"]), str(row["outcome"])
            documents[which] += int(str(row["documents"]))
            total[which] += int(str(row["characters"]))
            if row["outcome"] in ("dropped", "cut", "added") and not row["reason"]:
                msg = (
                    f"{self._where}: {row['documents']} documents of source {which[0]!r} and kind {which[1]!r} are "
                    f"{row['outcome']} without a reason; this is a defect of the stage, nothing was written"
                )
                raise ConservationError(msg)
        for source, kind in sorted({which[:2] for which in documents}):
            read, kept, dropped, cut, added = ((source, kind, outcome) for outcome in OUTCOMES)
            if documents[read] != documents[kept] + documents[dropped]:
                msg = (
                    f"{self._where}: read {documents[read]} documents, kept {documents[kept]} and dropped "
                    f"{documents[dropped]} of source {source!r} and kind {kind!r}; this is a defect of the stage, "
                    "nothing was written"
                )
                raise ConservationError(msg)
            if total[read] + total[added] != total[kept] + total[dropped] + total[cut]:
                msg = (
                    f"{self._where}: {total[read]} characters read + {total[added]} added is not {total[kept]} kept + "
                    f"{total[dropped]} dropped + {total[cut]} cut, of source {source!r} and kind {kind!r}; this is a "
                    "defect of the stage, nothing was written"
                )
                raise ConservationError(msg)

    def add(self, before: pa.Table, kept: pa.Table, dropped: pa.Table, edits: pa.Table) -> tuple[int, int]:
        """Count what became of some documents.

        Args:
            before: documents read.
            kept: those to be written.
            dropped: ledger rows of the others; `chars` are the characters of the document as read.
            edits: rows of `tamis.schemas.EDITS` (those of documents that were then dropped are not counted).

        Returns:
            Documents read and documents kept.

        Raises:
            ConservationError: a document or character of some source and kind is unaccounted for, an id is kept and
                dropped at once, or something goes without a reason.
        """
        rows = [
            *_documents(before, "in"),
            *_documents(kept, "kept"),
            *_grouped(dropped, "dropped"),
            *_edits(before, dropped, edits),
        ]
        self._check(rows)
        if not _sorted(kept["id"], dropped["id"]).equals(_sorted(before["id"])):
            msg = (
                f"{self._where}: kept and dropped ids are not the ids read; this is a defect of the stage, nothing "
                "was written"
            )
            raise ConservationError(msg)
        for row in rows:
            sums = self._sums.setdefault(tuple(str(row[name]) for name in KEY), [0, 0])
            sums[0] += int(str(row["documents"]))
            sums[1] += int(str(row["characters"]))
        return before.num_rows, kept.num_rows

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
