"""An outcome written in one call, for tests whose documents are in memory together."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from tamis.ledger import Outputs, outcome_writer


def write_outcome(
    outputs: Outputs,
    stage: str,
    shard: int,
    before: pa.Table,
    kept: pa.Table,
    dropped: pa.Table,
    *,
    edits: pa.Table | None = None,
    notes: Mapping[str, float] | None = None,
) -> None:
    """`outcome_writer`, with one `add`."""
    with outcome_writer(outputs, stage, shard) as writer:
        writer.add(before, kept, dropped, edits=edits)
        writer.notes.update(notes or {})
