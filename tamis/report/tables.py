"""Counts of all stages and shards in one table, and the retention waterfall made from them.

Reads `<stage>/stats/part-*.json` of every stage of the layout. Writes `stats.parquet` (one row a stage, shard, source,
kind, outcome and reason; `position` is the stage's place in the pipeline, 0 = ingest) and `notes.parquet` (the numbers
that only one stage knows, one row a stage, shard and name). Memory: the counts, no text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from tamis.errors import ShardMismatchError, SourceError
from tamis.report import takedowns
from tamis.report.layout import Results
from tamis.shards import read_json, read_table, write_table

VERSION = 1

STATS = pa.schema(
    [
        ("position", pa.int32()),
        ("stage", pa.string()),
        ("shard", pa.int32()),
        ("source", pa.string()),
        ("kind", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("documents", pa.int64()),
        ("characters", pa.int64()),
    ]
)
NOTES = pa.schema(
    [
        ("position", pa.int32()),
        ("stage", pa.string()),
        ("shard", pa.int32()),
        ("name", pa.string()),
        ("value", pa.float64()),
    ]
)

LARGEST = re.compile(r"(largest|max|highest|peak).*|.*_size")
"""Notes that are combined over shards by their maximum."""
MEAN = re.compile(r"mean.*|.*_(per|share|mean)(_.*)?")
"""Notes that are combined by their mean; every other is a count and is added up."""


@dataclass(frozen=True)
class Count:
    """Documents and characters of one outcome."""

    documents: int = 0
    characters: int = 0

    def __add__(self, other: Count) -> Count:
        """Sum of both."""
        return Count(self.documents + other.documents, self.characters + other.characters)


@dataclass
class Step:
    """One stage of the waterfall: what went in, what was kept, and what left by which rule."""

    position: int
    stage: str
    read: Count = field(default_factory=Count)
    kept: Count = field(default_factory=Count)
    dropped: dict[str, Count] = field(default_factory=dict)
    cut: dict[str, Count] = field(default_factory=dict)
    added: dict[str, Count] = field(default_factory=dict)

    @property
    def kept_share(self) -> float:
        """Share of the documents read that were kept, 0–1 (1 for a stage that read none)."""
        return self.kept.documents / self.read.documents if self.read.documents else 1.0

    @property
    def kept_characters_share(self) -> float:
        """Share of the characters read that were kept."""
        return self.kept.characters / self.read.characters if self.read.characters else 1.0

    def edited(self) -> list[tuple[str, str, Count]]:
        """What was done to texts, by reason: the reason, "cut in", "replaced in" or "added to", and in how many."""
        changed = [(reason, "replaced in" if reason in self.added else "cut in", n) for reason, n in self.cut.items()]
        return changed + [(reason, "added to", n) for reason, n in self.added.items() if reason not in self.cut]


def collect(results: Results, stages: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """Read the stats files of some stages.

    Args:
        results: the results folder.
        stages: names from its layout.

    Returns:
        Tables with the schemas `STATS` and `NOTES`.

    Raises:
        SourceError: a file is missing or damaged.
        ShardMismatchError: a file is of another stage or shard than its name says.
    """
    rows: list[dict[str, object]] = []
    notes: list[dict[str, object]] = []
    for stage in stages:
        position = results.layout.stages.index(stage)
        paths = results.parts(stage, "stats")
        if not paths:
            msg = f"{results.folder / stage / 'stats'}: not all {results.layout.shards} shards are there. Run it again."
            raise SourceError(msg)
        for shard, path in enumerate(paths):
            try:
                value = read_json(path)
                found = (value["stage"], value["shard"])
                place = {"position": position, "stage": stage, "shard": shard}
                rows += [place | row for row in value["counts"]]
                notes += [
                    place | {"name": name, "value": float(number)}
                    for name, number in sorted(value.get("notes", {}).items())
                ]
            except (ValueError, KeyError, TypeError) as error:
                msg = f"{path}: not a stats file ({error}). Delete it and run the workflow again."
                raise SourceError(msg) from error
            if found != (stage, shard):
                msg = f"{path}: holds the counts of {found[0]}, shard {found[1]}. Delete it and run the workflow again."
                raise ShardMismatchError(msg)
    return pa.Table.from_pylist(rows, schema=STATS), pa.Table.from_pylist(notes, schema=NOTES)


def read_stats(results: Results) -> tuple[pa.Table, bool]:
    """The counts of a results folder, from `stats.parquet` or, in a run that is not finished, from the stages done.

    Returns:
        The table and whether the run is finished.
    """
    path = results.folder / "stats.parquet"
    if path.exists():
        return read_table(path), True
    done = [stage for stage in results.layout.stages if results.parts(stage, "stats")]
    return collect(results, done)[0], False


def read_notes(results: Results) -> dict[str, dict[str, float]]:
    """Notes of each stage, from `notes.parquet` or, in a run that is not finished, from the stages done."""
    path = results.folder / "notes.parquet"
    if path.exists():
        return combine_notes(read_table(path))
    done = [stage for stage in results.layout.stages if results.parts(stage, "stats")]
    return combine_notes(collect(results, done)[1])


def steps(stats: pa.Table, *, source: str | None = None, kind: str | None = None) -> list[Step]:
    """The retention waterfall.

    Args:
        stats: a table with the schema `STATS`.
        source: only this source.
        kind: only this kind.

    Returns:
        One step a stage, in order of the pipeline; reasons by falling number of documents, then name.
    """
    found: dict[int, Step] = {}
    for row in stats.to_pylist():
        step = found.setdefault(row["position"], Step(row["position"], row["stage"]))
        if (source is not None and row["source"] != source) or (kind is not None and row["kind"] != kind):
            continue
        count = Count(row["documents"], row["characters"])
        match row["outcome"]:
            case "in":
                step.read += count
            case "kept":
                step.kept += count
            case "added":
                step.added[row["reason"]] = step.added.get(row["reason"], Count()) + count
            case "dropped":
                step.dropped[row["reason"]] = step.dropped.get(row["reason"], Count()) + count
            case "cut":
                step.cut[row["reason"]] = step.cut.get(row["reason"], Count()) + count
    for step in found.values():
        step.dropped = _by_size(step.dropped)
        step.cut = _by_size(step.cut)
        step.added = _by_size(step.added)
    return [found[position] for position in sorted(found)]


def _by_size(counts: dict[str, Count]) -> dict[str, Count]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1].documents, -item[1].characters, item[0])))


def combine_notes(notes: pa.Table) -> dict[str, dict[str, float]]:
    """Notes of each stage over all shards: stage → name → sum, maximum or mean, as the name says."""
    values: dict[tuple[int, str, str], list[float]] = {}
    for row in notes.to_pylist():
        values.setdefault((row["position"], row["stage"], row["name"]), []).append(row["value"])
    combined: dict[str, dict[str, float]] = {}
    for _, stage, name in sorted(values):
        numbers = values[_, stage, name]
        if LARGEST.fullmatch(name):
            result = max(numbers)
        else:
            result = math.fsum(numbers) / (len(numbers) if MEAN.fullmatch(name) else 1)
        combined.setdefault(stage, {})[name] = result
    return combined


def run_stats(*, layout: Path, table: Path, notes: Path) -> None:
    """Write `stats.parquet` and `notes.parquet`.

    Args:
        layout: `layout.json` in the results folder.
        table: the counts to write.
        notes: the notes to write.
    """
    results = Results.open(layout.parent)
    counted, noted = collect(results, results.layout.stages)
    found = {takedowns.STAGE: takedowns.readmitted(results)} if takedowns.STAGE in results.layout.stages else {}
    found |= {stage: takedowns.returned(results, stage) for stage in results.layout.stages if stage not in found}
    for stage, values in found.items():
        if values:
            place = {"position": results.layout.stages.index(stage), "stage": stage, "shard": 0}
            rows = [place | {"name": name, "value": value} for name, value in values.items()]
            noted = pa.concat_tables([noted, pa.Table.from_pylist(rows, schema=NOTES)])
    write_table(notes, noted)
    write_table(table, counted)
