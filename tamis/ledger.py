"""What became of a shard's documents: the ledger, the edits, and the one way to write a stage's outcome."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import provenance, schemas, stats, texts
from tamis.errors import ConservationError, SchemaError
from tamis.shards import TableWriter, whole_file, write_table

log = logging.getLogger(__name__)

Column: TypeAlias = Sequence[object] | np.ndarray | pa.Array | pa.ChunkedArray | None


@dataclass(frozen=True)
class Outputs:
    """The files that one job of a selector or editor writes; `edits` is None for stages that edit no text."""

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
    kept_id: Column | str = None,
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
        kept_id: the document that this stage keeps and that stands for it, likewise.

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
        "kept_id": _column(kept_id, rows, pa.string()),
        "chars": stats.characters(documents["text"]),
    }
    return pa.table(columns).cast(schemas.LEDGER)


class OutcomeWriter:
    """Takes what became of a shard's documents, some at a time; see `outcome_writer`."""

    def __init__(
        self, outputs: Outputs, stage: str, shard: int, documents: TableWriter, *, text_elsewhere: bool = False
    ) -> None:
        """Begin with nothing.

        Args:
            outputs: the four files.
            stage: name of the stage.
            shard: index of the shard.
            documents: writes the file of kept documents under its temporary name.
            text_elsewhere: whether that file is one without texts.
        """
        self.notes: dict[str, float] = {}
        """Further numbers for the stats file."""
        self._outputs, self._stage, self._shard, self._documents = outputs, stage, shard, documents
        self._text_elsewhere = text_elsewhere
        self._tally = stats.Tally(stage, shard)
        self._ledger: list[pa.Table] = []
        self._edits: list[pa.Table] = []
        self._last = ""
        self._read = self._kept = 0

    def add(
        self,
        before: pa.Table,
        kept: pa.Table,
        dropped: pa.Table,
        *,
        edits: pa.Table | None = None,
    ) -> None:
        """Check conservation for some documents and write those that are kept.

        Args:
            before: documents as read.
            kept: documents to write, sorted by id; text may be edited, columns may be added.
            dropped: ledger rows of the others, from `dropped_rows`.
            edits: rows of `tamis.schemas.EDITS` from `tamis.edits.edited`, for stages that edit text.

        Raises:
            ConservationError: something is unaccounted for.
            SchemaError: a table breaks its contract, or documents are not sorted by id.
        """
        edits = schemas.empty(schemas.EDITS) if edits is None else edits.cast(schemas.EDITS)
        if self._outputs.edits is None and edits.num_rows:
            msg = f"{self._stage}: edits {edits.num_rows} spans of text but has no edits file to list them in"
            raise ConservationError(msg)
        kept = schemas.conform_documents(kept, f"{self._stage}, shard {self._shard}")
        if not _sorted_from(self._last, kept["id"]):
            msg = f"{self._stage}, shard {self._shard}: documents are not sorted by id; this is a defect of the stage"
            raise SchemaError(msg)
        if kept.num_rows:
            self._last = kept["id"][-1].as_py()
        read, stayed = self._tally.add(before, kept, dropped, edits)
        self._read, self._kept = self._read + read, self._kept + stayed
        self._ledger.append(dropped.cast(schemas.LEDGER))
        self._edits.append(edits)
        if self._text_elsewhere:
            _check_unchanged(self._stage, before, kept)
            kept = kept.drop_columns([texts.COLUMN])
        self._documents.write(kept)

    def close(self) -> None:
        """Write ledger, edits and stats, and the end of the documents."""
        ledger = pa.concat_tables([schemas.empty(schemas.LEDGER), *self._ledger])
        write_table(self._outputs.dropped, ledger.sort_by([("id", "ascending"), ("reason", "ascending")]))
        if self._outputs.edits is not None:
            edits = pa.concat_tables([schemas.empty(schemas.EDITS), *self._edits])
            write_table(self._outputs.edits, edits.sort_by([(name, "ascending") for name in ("id", "start", "end")]))
        stats.write_stats(self._outputs.stats, self._tally.value(self.notes))
        self._documents.close()
        log.info(
            "%s shard %d: %d documents in, %d kept, %d dropped",
            self._stage,
            self._shard,
            self._read,
            self._kept,
            ledger.num_rows,
        )


def _check_unchanged(stage: str, before: pa.Table, kept: pa.Table) -> None:
    """Refuse changed texts where the file of documents holds none.

    Raises:
        ConservationError: a text is not what the stage read.
    """
    read = before if kept.num_rows == before.num_rows else before.filter(pc.is_in(before["id"], value_set=kept["id"]))
    if not all(read[name].equals(kept[name].cast(read[name].type)) for name in ("id", texts.COLUMN)):
        msg = f"{stage}: changes texts, but is not known to edit any (`run_apply` writes no edits); this is a defect"
        raise ConservationError(msg)


def _sorted_from(last: str, ids: pa.ChunkedArray) -> bool:
    """Whether ids come in ascending order, the first after `last`."""
    if not len(ids):
        return True
    whole = ids.combine_chunks()
    return bool(whole[0].as_py() > last and pc.all(pc.less(whole[:-1], whole[1:]), min_count=0).as_py())


@contextmanager
def outcome_writer(outputs: Outputs, stage: str, shard: int) -> Iterator[OutcomeWriter]:
    """Write documents, ledger, edits and stats of one shard, documents last; nothing is written if the block fails.

    Rows are sorted by id (ledger: id, reason; edits: id, start). The block calls `add` for all documents of the shard,
    in order, at least once, if with none. In memory: what one call of `add` gets, the ledger and the edits. Where the
    job is told that another stage's documents hold the texts, those that are written name them instead.

    Args:
        outputs: the four files.
        stage: name of the stage.
        shard: index of the shard.
    """
    text_of = provenance.text_of()
    says = texts.named(text_of, outputs.documents) if text_of else {}
    with whole_file(outputs.documents) as temporary:
        writer = OutcomeWriter(outputs, stage, shard, TableWriter(temporary, says), text_elsewhere=bool(says))
        yield writer
        writer.close()


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
