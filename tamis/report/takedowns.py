"""What a takedown brings back: copies of a document that is gone now, from this run or from an earlier one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange
from tamis.errors import SourceError
from tamis.report.layout import Results
from tamis.report.lookup import fetch
from tamis.shards import part_name, read_json, read_table, table_batches
from tamis.stages import remove

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
    * `copies_left_out`: documents that a stage in front dropped in this run for one that is removed now;
    * `left_of_index`: documents that are removed now, where a stage behind writes an index, which holds none of them;
    * `held_by_index`: documents that are removed now, where a stage in front writes an index, which holds what it kept.

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
    stood = _stood_for(results, every, removed)
    behind = back = left_out = 0
    for stage in sorted(set(stood["stage"].to_pylist()) & set(stages[place + 1 :])):
        copies = stood.filter(pc.equal(stood["stage"].cast(pa.string()), stage))["id"]
        behind += len(copies)
        # With another number of shards than in the run before they lie elsewhere.
        back += _kept(results, stage, copies)
    for stage in stages[:place]:
        for path in results.parts(stage, "dropped"):
            left_out += _of(read_table(path, ["kept_id"])["kept_id"], removed)
    counted = {"copies_of_removed": behind, "copies_readmitted": back, "copies_left_out": left_out}
    counted = counted if behind or left_out else {}
    for name, some in (("left_of_index", stages[place + 1 :]), ("held_by_index", stages[:place])):
        # What is planned, not what is there: an index may be written after this is asked.
        if any(results.layout.inventory.below(f"{stage}/index") for stage in some):
            counted[name] = len(removed)
    return {name: float(value) for name, value in counted.items()}


def _stood_for(results: Results, shards: Iterable[int], removed: pa.ChunkedArray) -> pa.Table:
    """`tamis.stages.remove.STOOD_FOR` of what is removed now."""
    folder = results.folder / STAGE / "stood_for"
    found = [remove.STOOD_FOR.empty_table()]
    for path in (folder / f"{part_name(shard)}.arrow" for shard in shards):
        if path.exists():
            rows = exchange.read_batch(path, 0, 1)
            found.append(rows.filter(pc.is_in(rows["kept_id"], value_set=removed)))
    return pa.concat_tables(found)


def _kept(results: Results, stage: str, ids: pa.ChunkedArray) -> int:
    """How many of some documents a stage keeps."""
    return sum(_of(_ids(results, stage, "documents", [shard]), ids) for shard in range(results.layout.shards))


def returned(results: Results, stage: str) -> dict[str, float]:
    """Notes of a stage that is held against earlier runs; none where nothing came back.

    * `held_before`: documents that this stage had dropped, in the run before, because an earlier run held them;
    * `held_no_more`: of these, what it keeps now: what they matched is gone there, by a takedown say.

    Args:
        results: of which the stage is done.
        stage: its name.
    """
    path = results.folder / stage / "held.arrow"
    if not path.exists():
        return {}
    ids = exchange.read_batch(path, 0, 1)["id"]
    back = _kept(results, stage, ids) if len(ids) else 0
    return {"held_before": float(len(ids)), "held_no_more": float(back)} if back else {}


class Takedown(NamedTuple):
    """The results folder of an earlier run that has removed a document, and whether its index holds it all the same."""

    folder: Path
    held: bool


def taken_down(results: Results, stage: str, document_id: str) -> Takedown | None:
    """The takedown, in an earlier run, of a document that this run was held against.

    Args:
        results: of this run.
        stage: that was held against earlier runs.
        document_id: what they held.
    """
    try:
        section = read_json(results.folder / "manifest.json")["configuration"].get(stage) or {}
    except (OSError, SourceError):  # of a run that has not come to its end
        return None
    for index in section.get("against") or ():
        try:
            other = Results.open(Path(index).parent.parent)
        except SourceError:  # it lies elsewhere now
            continue
        stages = other.layout.stages
        if STAGE in stages and fetch(other.part(STAGE, "dropped", document_id), [document_id]):
            # What stands in front of the takedown still keeps the document, and so does its index.
            return Takedown(other.folder, stage in stages[: stages.index(STAGE)])
    return None
