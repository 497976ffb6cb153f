"""Verdicts: what was decided of each document, on their way to the shards and applied there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from tamis.dedup.earlier import REASON
from tamis.exchange import split
from tamis.ledger import dropped_rows

VERDICTS = pa.schema(
    [("rank", pa.int64()), ("shard", pa.int32()), ("reason", pa.string()), ("value", pa.float64()),
     ("matched_id", pa.string()), ("similarity", pa.float64()), ("kept_id", pa.string()), ("copies", pa.int32())]
)  # fmt: skip
"""One row a dropped document, for its shard; and one for the shard of the kept document that stands for it, with no
reason, the rank of the kept document and the copies of the dropped one."""

EXACT = "exact_ngram_set"
EXACT_TEXT = "exact_text"
NEAR = "near_duplicate"

ROUND_ROWS = 1 << 20


def rounds(verdicts: Iterable[pa.Table], shards: int) -> Iterator[pa.Table]:
    """Route verdicts to shards, as the batches of a round file: a round a million rows."""
    waiting = [VERDICTS.empty_table()]
    for table in verdicts:
        waiting.append(table)
        if sum(part.num_rows for part in waiting) >= ROUND_ROWS:
            whole = pa.concat_tables(waiting)
            waiting = []
            yield from split(whole, whole["shard"].to_numpy(), shards)
    if waiting:
        whole = pa.concat_tables(waiting)
        yield from split(whole, whole["shard"].to_numpy(), shards)


def with_earlier(verdicts: pa.Table, earlier: pa.Table) -> pa.Table:
    """Verdicts of one shard in which documents that an earlier corpus holds go for that reason alone.

    Args:
        verdicts: rows of `VERDICTS`.
        earlier: rows of `tamis.dedup.minhash.index.MATCHES`.
    """
    rest = verdicts.filter(pc.invert(pc.is_in(verdicts["rank"], value_set=earlier["rank"].combine_chunks())))
    found = pa.table(
        [
            earlier["rank"],
            pa.nulls(earlier.num_rows, pa.int32()),
            pa.array([REASON] * earlier.num_rows, pa.string()),
            earlier["similarity"],
            earlier["matched_id"],
            earlier["similarity"],
            # What stands for it is kept by another run.
            pa.nulls(earlier.num_rows, pa.string()),
            pa.nulls(earlier.num_rows, pa.int32()),
        ],
        schema=VERDICTS,
    )
    return pa.concat_tables([rest, found])


def split_by_verdict(
    stage: str, documents: pa.Table, gone: pa.Table, extra: pa.Table, threshold: float
) -> tuple[pa.Table, pa.Table]:
    """Split some documents by their verdicts.

    Args:
        stage: its name, for the ledger.
        documents: documents as read.
        gone: the rows of `VERDICTS` with a reason, of their shard.
        extra: rank and copies_sum of documents that stand for dropped ones.
        threshold: for the ledger.

    Returns:
        Kept documents with their copies added, and ledger rows.
    """
    at = pc.index_in(documents["rank"], value_set=gone["rank"])
    stays = pc.is_null(at)
    dropped, found = documents.filter(pc.invert(stays)), gone.take(at.drop_null())
    rows = dropped_rows(
        stage,
        dropped,
        found["reason"],
        value=found["value"],
        threshold=threshold,
        matched_id=found["matched_id"],
        similarity=found["similarity"],
        kept_id=found["kept_id"],
    )
    kept = documents.filter(stays) if dropped.num_rows else documents
    more = extra["copies_sum"].take(pc.index_in(kept["rank"], value_set=extra["rank"]))
    copies = pc.add(kept["copies"], pc.cast(pc.fill_null(more, 0), pa.int32()))
    return kept.set_column(kept.schema.get_field_index("copies"), "copies", copies), rows
