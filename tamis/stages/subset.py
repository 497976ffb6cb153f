"""Write the documents of a chosen set: validation, every annealing set, every mixture.

The set's choice (`tamis/choice.py`) says which ids of each shard it takes. `select` (one job a shard) reads the
documents and routes them to the set's own files by keyed hash of the id; `write` (one job a file) sorts by (id, epoch)
and writes; so the bytes depend neither on shards nor on the order of the input. A document taken several times has one
row an epoch, told apart by the column `epoch`. `summary` adds up and holds the result to the plan.

Columns are those of the pool less `rank` and `ingested_characters`, which only de-duplication needs, and with `epoch`.
Memory: one shard, or one file of the set.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from tamis import exchange
from tamis import shards as files_on_disk
from tamis import stats as counting
from tamis.choice import JOIN, By
from tamis.errors import ConservationError, SchemaError
from tamis.sampling import bucket, keyed_hash
from tamis.schemas import documents_schema
from tamis.section import Section

log = logging.getLogger(__name__)

VERSION = 1

LEFT_OUT = ("rank", "ingested_characters")

COUNTED_BY = ("source", "kind", "language", "domain")


class Config(Section):
    """What a set's layout depends on."""

    files: int = Field(4, ge=1, le=10_000, description="Files that the set's documents are laid out in.")


def subset_schema(columns: Iterable[str]) -> pa.Schema:
    """The schema of a set's documents, given the names of the pool's columns."""
    whole = documents_schema([name for name in columns if name not in documents_schema().names])
    kept = [field for field in whole if field.name not in LEFT_OUT]
    return pa.schema([*kept, pa.field("epoch", pa.int32())])


def conform(table: pa.Table, where: str) -> pa.Table:
    """Hold a set's documents to their contract.

    Raises:
        SchemaError: a column is missing or of another type.
    """
    schema = subset_schema(name for name in table.column_names if name != "epoch")
    if missing := sorted(set(schema.names) - set(table.column_names)):
        raise SchemaError(f"{where}: lacks the columns {missing}")
    return table.select(schema.names).cast(schema)


def chosen_rows(documents: pa.Table, choice: pa.Table, where: str) -> pa.Table:
    """The documents that a choice names, each as often as it says.

    Args:
        documents: the documents of one shard.
        choice: rows of `tamis.choice.CHOICE` of the same shard.
        where: the set, named in errors.

    Returns:
        Rows of `subset_schema`, epochs counted from 0.

    Raises:
        ConservationError: a chosen document is not in the shard.
    """
    position = pc.index_in(choice["id"], value_set=documents["id"].combine_chunks())
    if position.null_count:
        raise ConservationError(
            f"{where}: {position.null_count} chosen documents are not in their shard; the plan is "
            "from an older run. Delete its choice.arrow and run again."
        )
    times = choice["epochs"].to_numpy()
    ends = np.cumsum(times)
    epoch = np.arange(times.sum()) - np.repeat(ends - times, times)
    taken = documents.take(pa.array(np.repeat(position.to_numpy(), times)))
    return conform(taken.append_column("epoch", pa.array(epoch, pa.int32())), where)


def run_select(
    config: Config, *, name: str, shards: int, shard: int, documents: Path, choice: Path, output: Path
) -> None:
    """Route the chosen documents of one shard to the files of the set.

    Args:
        config: the layout.
        name: the set ("validation", "mixtures/first").
        shards: how many shards there are.
        shard: index of this one.
        documents: the pool's documents with token counts.
        choice: the set's choice file.
        output: exchange file to write, one batch a file of the set.
    """
    table = files_on_disk.read_documents(documents)
    taken = chosen_rows(table, exchange.read_batch(choice, shard, shards), name)
    exchange.scatter(output, taken, bucket(keyed_hash(taken["id"], "files", 0), config.files), config.files)
    log.info("%s: %d documents of shard %d", name, taken.num_rows, shard)


def run_write(config: Config, *, name: str, file: int, barrier: Path, documents: Path, stats: Path) -> None:
    """Write one file of a set.

    Args:
        config: the layout.
        name: the set.
        file: index of this file.
        barrier: over the files that `select` wrote.
        documents: Parquet file to write.
        stats: JSON file to write.

    Raises:
        ConservationError: a document came in twice.
    """
    table = exchange.read(barrier, file, config.files)
    table = table.sort_by([("id", "ascending"), ("epoch", "ascending")]).combine_chunks()
    repeated = table.select(["id", "epoch"]).group_by(["id", "epoch"]).aggregate([]).num_rows
    if repeated != table.num_rows:
        raise ConservationError(
            f"{name}, file {file}: {table.num_rows - repeated} documents came in more than once; this "
            "is a defect, nothing was written"
        )
    counts = counted(table)
    files_on_disk.write_json(
        stats, {"stage": name.split("/", maxsplit=1)[0], "set": name, "shard": file, "counts": counts}
    )
    files_on_disk.write_table(documents, table)
    log.info("%s: %d documents in file %d", name, table.num_rows, file)


def counted(table: pa.Table) -> list[dict[str, Any]]:
    """Documents (rows), distinct ids, characters and tokens by source, kind, language and domain."""
    by = [column for column in COUNTED_BY if column in table.column_names]
    rows = table.select([*by, "id", "tokens"]).append_column("characters", counting.characters(table["text"]))
    grouped = rows.group_by(by).aggregate(
        [("id", "count"), ("id", "count_distinct"), ("characters", "sum"), ("tokens", "sum")]
    )
    found = [
        {
            **{column: row[column] for column in by},
            "outcome": "taken",
            "documents": row["id_count"],
            "distinct_documents": row["id_count_distinct"],
            "characters": row["characters_sum"],
            "tokens": row["tokens_sum"],
        }
        for row in grouped.to_pylist()
    ]
    return sorted(found, key=lambda row: [str(row[column]) for column in by])


def run_summary(config: Config, *, name: str, plan: Path, summary: Path) -> None:
    """Add up the files of a set and hold them to the plan.

    Args:
        config: the layout.
        name: the set.
        plan: the set's plan; `stats/part-*.json` and `documents/part-*.parquet` lie beside it.
        summary: JSON file to write.

    Raises:
        ConservationError: documents or tokens are not what the plan says.
    """
    planned = pq.read_table(plan)
    folder = plan.parent
    rows: list[dict[str, Any]] = []
    written = 0
    for file in range(config.files):
        part = files_on_disk.part_name(file)
        rows += files_on_disk.read_json(folder / "stats" / f"{part}.json")["counts"]
        written += pq.read_metadata(folder / "documents" / f"{part}.parquet").num_rows
    total = {
        measure: sum(row[measure] for row in rows)
        for measure in ("documents", "distinct_documents", "characters", "tokens")
    }
    expected = {measure: pc.sum(planned[f"taken_{measure}"]).as_py() or 0 for measure in ("documents", "tokens")}
    found = {measure: total[measure] for measure in expected}
    if found != expected or written != expected["documents"]:
        raise ConservationError(
            f"{name}: the plan takes {expected}, the files hold {found} in {written} rows; delete "
            f"{folder} and run again"
        )
    files_on_disk.write_json(summary, {"set": name, **total, "groups": planned.to_pylist()})
    log.info("%s: %d documents, %d tokens", name, total["documents"], total["tokens"])


@dataclass(frozen=True)
class PlannedSet:
    """A set of the configuration, as the workflow must know it."""

    folder: str
    """Below the results: "validation", "annealing/<name>" or "mixtures/<name>"."""
    section: Any
    excluded: tuple[str, ...]
    """Folders of the sets whose documents it may not take."""
    exported: bool
    export_files: int

    @property
    def stage(self) -> str:
        """Whose plan it follows: "validation", "annealing" or "mixtures"."""
        return self.folder.split("/", maxsplit=1)[0]

    @property
    def name(self) -> str:
        """Its name, also that of its export: no two sets share one."""
        return self.folder.rpartition("/")[2]

    def plan_params(self) -> dict[str, Any]:
        """What the job depends on that plans it."""
        return {"config": self.section, "name": self.name, "excluded": self.excluded}

    def layout_params(self) -> dict[str, Any]:
        """What the jobs depend on that write its documents."""
        return {"config": Config(files=self.section.files), "name": self.folder}

    def export_params(self) -> dict[str, Any]:
        """What the jobs depend on that export it."""
        return {"name": self.folder, "shards": self.export_files}


def planned_sets(config: Any) -> dict[str, PlannedSet]:
    """All sets of a checked configuration by folder: validation, annealing sets, mixtures."""
    annealing, mixtures = config.annealing or {}, config.mixtures or {}
    sections = {"validation": config.validation} if config.validation else {}
    sections |= {f"annealing/{name}": section for name, section in annealing.items()}
    sections |= {f"mixtures/{name}": section for name, section in mixtures.items()}
    found = {}
    for folder, section in sections.items():
        stage, _, name = folder.partition("/")
        excluded = excluded_sets(
            stage, name, validation=config.validation is not None, annealing=annealing, mixtures=mixtures
        )
        exported = config.export.sets is None or folder.rpartition("/")[2] in config.export.sets
        found[folder] = PlannedSet(folder, section, tuple(excluded), exported, config.export.shards or section.files)
    return found


def excluded_sets(
    stage: str, name: str, *, validation: bool, annealing: Mapping[str, Any], mixtures: Mapping[str, Any]
) -> list[str]:
    """The sets whose documents a set may not take.

    Args:
        stage: "validation" (which comes first and excludes nothing), "annealing" or "mixtures".
        name: which one.
        validation: whether there is a validation split.
        annealing: all annealing sets, in the order of the configuration.
        mixtures: all mixtures.

    Returns:
        Names such as "validation", "annealing/best", "mixtures/first".
    """
    if stage == "validation":
        return []
    section = annealing[name] if stage == "annealing" else mixtures[name]
    names: Sequence[str] | None = section.exclude_annealing
    if names is None:
        every = list(annealing)
        names = every[: every.index(name)] if stage == "annealing" else every
    others = [f"annealing/{other}" for other in names]
    if stage == "mixtures":
        others += [f"mixtures/{other}" for other in section.exclude_mixtures]
    return (["validation"] if validation else []) + others


def problems(
    *,
    columns: Iterable[str],
    sources: Iterable[str],
    tokenizer: Any | None,
    validation: Any | None,
    annealing: Mapping[str, Any] | None,
    mixtures: Mapping[str, Any] | None,
    exported: Iterable[str] | None = None,
) -> list[str]:
    """What is wrong between the sections of the sets and the pipeline; each message names its key.

    Args:
        columns: stage columns that the pool carries.
        sources: names of the configured sources.
        tokenizer: the section; None when there is none.
        validation: likewise.
        annealing: likewise, by name.
        mixtures: likewise, by name.
        exported: names of the sets to export; None: all.
    """
    sets = {"validation": validation} if validation else {}
    sets |= {f"annealing.{name}": section for name, section in (annealing or {}).items()}
    sets |= {f"mixtures.{name}": section for name, section in (mixtures or {}).items()}
    found = []
    if sets and tokenizer is None:
        found.append(f"tokenizer: needed by {', '.join(sets)}, whose budgets are in tokens")
    for key, section in sets.items():
        if missing := sorted(section.needs() - set(columns)):
            found.append(f"{key}: needs {', '.join(missing)}, which no stage of the pipeline makes")
        found += _unknown_sources(key, section, set(sources))
    names = ["validation", *(annealing or {}), *(mixtures or {})]
    found += [
        f"{name!r} names two sets; exports need a name each" for name in sorted(set(names)) if names.count(name) > 1
    ]
    known_names = [key.split(".")[-1] for key in sets]
    found += [
        f"export.sets: there is no set {name!r}; known: {', '.join(known_names) or 'none'}"
        for name in exported or ()
        if name not in known_names
    ]
    for key, section in sets.items():
        for field, known in (("exclude_annealing", annealing), ("exclude_mixtures", mixtures)):
            for other in getattr(section, field, None) or ():
                if other not in (known or {}):
                    found.append(f"{key}.{field}: there is no set {other!r}; known: {', '.join(known or {}) or 'none'}")
    return found or _circles(annealing or {}, mixtures or {})


def _unknown_sources(key: str, section: Any, sources: set[str]) -> list[str]:
    by: By = getattr(section, "by", "domain")
    weights = getattr(section, "weights", None) or {}
    if by != "source":
        return []
    values = [value for group in weights for value in group.split(JOIN)]
    return [
        f"{key}.weights: there is no source {value!r}; known: {', '.join(sorted(sources))}"
        for value in values
        if value not in sources
    ]


def _circles(annealing: Mapping[str, Any], mixtures: Mapping[str, Any]) -> list[str]:
    """Sets that wait for each other."""
    waits = {
        f"{stage}/{name}": excluded_sets(stage, name, validation=False, annealing=annealing, mixtures=mixtures)
        for stage, sections in (("annealing", annealing), ("mixtures", mixtures))
        for name in sections
    }
    while free := [name for name, others in waits.items() if not set(others) & waits.keys()]:
        for name in free:
            del waits[name]
    return [f"{', '.join(sorted(waits))}: exclude each other in a circle; one of them must come first"] if waits else []
