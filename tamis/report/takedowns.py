"""What a takedown brings back: copies that the run before had dropped for a document which `remove` takes out now."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange
from tamis.report.layout import Results
from tamis.shards import part_name, read_table, table_batches

STAGE = "remove"


def _ids(results: Results, stage: str, what: str, shards: Iterable[int]) -> pa.ChunkedArray:
    parts = results.parts(stage, what)
    columns = [batch["id"] for shard in shards if parts for batch in table_batches(parts[shard], ["id"])]
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())


def _of(ids: pa.ChunkedArray, known: pa.ChunkedArray) -> int:
    """How many ids are known ones; a null is none."""
    return pc.sum(pc.is_in(ids, value_set=known)).as_py() or 0


def readmitted(results: Results) -> dict[str, float]:
    """Notes of the stage `remove`; none where it dropped nothing, or no copy of what it dropped is known.

    * `copies_of_removed`: documents that a stage behind had dropped, in the run before, for one that is removed now;
    * `copies_readmitted`: of these, what that stage keeps now;
    * `copies_left_out`: documents that a stage in front dropped in this run for one that is removed now.

    A stage behind never sees what is removed, so what it dropped for such a document it dropped in an earlier run.

    Args:
        results: of which each stage is done.
    """
    stages = results.layout.stages
    if STAGE not in stages:
        return {}
    every = range(results.layout.shards)
    removed = _ids(results, STAGE, "dropped", every)
    if not len(removed):
        return {}
    place = stages.index(STAGE)
    behind = back = left_out = 0
    for shard in every:
        path = results.folder / STAGE / "stood_for" / f"{part_name(shard)}.arrow"
        if not path.exists():
            continue
        rows = exchange.read_batch(path, 0, 1)
        rows = rows.filter(pc.is_in(rows["kept_id"], value_set=removed))
        for stage in sorted(set(rows["stage"].to_pylist()) & set(stages[place + 1 :])):
            copies = rows.filter(pc.equal(rows["stage"].cast(pa.string()), stage))["id"]
            behind += len(copies)
            back += _of(copies, _ids(results, stage, "documents", [shard]))
    for stage in stages[:place]:
        for path in results.parts(stage, "dropped"):
            left_out += _of(read_table(path, ["kept_id"])["kept_id"], removed)
    counted = {"copies_of_removed": behind, "copies_readmitted": back, "copies_left_out": left_out}
    return {name: float(value) for name, value in counted.items()} if behind or left_out else {}
