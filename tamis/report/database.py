"""`tamis.duckdb`: every table of the results as a view, nothing copied.

A view names its Parquet files as the configuration does (`results/…`), so `duckdb results/tamis.duckdb` works where
the workflow was started. `tamis sql` makes the same views afresh with absolute paths: it works from anywhere, after
the folder was moved, and in a run that is not finished. Names come from the validated layout and are quoted all the
same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from tamis.report.layout import Results
from tamis.shards import whole_file

if TYPE_CHECKING:
    import duckdb

VERSION = 1


@dataclass(frozen=True)
class View:
    """One view: its name, its query, and what it shows."""

    name: str
    query: str
    comment: str


def literal(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def identifier(value: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def parquet(paths: Sequence[Path], results: Path, prefix: str) -> str:
    """`read_parquet([…])` over files under the results folder, with the folder itself written as `prefix`."""
    names = []
    for path in paths:
        name = f"{prefix}/{path.relative_to(results).as_posix()}"
        # DuckDB expands every path as a pattern.
        names.append(literal("".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)))
    return f"read_parquet([{', '.join(names)}], union_by_name=true)"


WATERFALL = """
WITH counted AS (
    SELECT position, stage,
           coalesce(sum(documents) FILTER (outcome = 'in'), 0)::BIGINT AS documents_read,
           coalesce(sum(documents) FILTER (outcome = 'kept'), 0)::BIGINT AS documents,
           coalesce(sum(characters) FILTER (outcome = 'kept'), 0)::BIGINT AS characters,
           coalesce(sum(documents) FILTER (outcome = 'dropped'), 0)::BIGINT AS dropped
    FROM stats GROUP BY position, stage
)
SELECT *, round(100 * documents / nullif(documents_read, 0), 2) AS kept_percent,
       round(100 * documents / nullif(first_value(documents) OVER (ORDER BY position), 0), 2) AS of_all_percent
FROM counted ORDER BY position
"""

CONSERVATION = """
SELECT position, stage,
       coalesce(sum(documents) FILTER (outcome = 'in'), 0)::BIGINT AS documents_in,
       coalesce(sum(documents) FILTER (outcome = 'kept'), 0)::BIGINT AS documents_kept,
       coalesce(sum(documents) FILTER (outcome = 'dropped'), 0)::BIGINT AS documents_dropped,
       documents_in - documents_kept - documents_dropped AS documents_lost,
       coalesce(sum(characters) FILTER (outcome = 'in'), 0)::BIGINT AS characters_in,
       coalesce(sum(characters) FILTER (outcome = 'added'), 0)::BIGINT AS characters_added,
       coalesce(sum(characters) FILTER (outcome = 'kept'), 0)::BIGINT AS characters_kept,
       coalesce(sum(characters) FILTER (outcome = 'dropped'), 0)::BIGINT AS characters_dropped,
       coalesce(sum(characters) FILTER (outcome = 'cut'), 0)::BIGINT AS characters_cut,
       characters_in + characters_added - characters_kept - characters_dropped - characters_cut AS characters_lost
FROM stats GROUP BY position, stage ORDER BY position
"""


def _select(columns: str, paths: Sequence[Path], results: Results, prefix: str) -> str:
    return " ".join(["SELECT", columns, "FROM", parquet(paths, results.folder, prefix)])


def _union(selects: Sequence[str]) -> str:
    return " UNION ALL BY NAME ".join(selects)


def _stage_views(results: Results, prefix: str) -> Iterator[View]:
    stages = results.layout.stages
    for stage in stages:
        for what, comment in (
            ("documents", f"Documents that {stage} kept"),
            ("scores", f"Scores that {stage} gave to the documents it read"),
        ):
            if paths := results.parts(stage, what):
                yield View(f"{what}_{stage}", _select("*", paths, results, prefix), comment)
    if paths := results.parts(stages[-1], "documents"):
        yield View(
            "pool",
            _select("*", paths, results, prefix),
            "The curated pool: documents of the last stage",
        )
    for what, comment in (
        ("dropped", "The ledger of all stages: which rule dropped a document, its value and threshold"),
        ("edits", "Every edit of a text: characters [start, end) as the stage read it; replacement is null for a cut"),
    ):
        # The ledger has a stage column of its own, edits do not.
        selects = [
            _select(
                f"{position}::INTEGER AS position, {'' if what == 'dropped' else f'{literal(stage)} AS stage, '}*",
                paths,
                results,
                prefix,
            )
            for position, stage in enumerate(stages)
            if (paths := results.parts(stage, what))
        ]
        if selects and what == "edits":
            # Files of an earlier version do not have this column.
            selects.append("SELECT NULL::VARCHAR AS replacement WHERE false")
        if selects:
            yield View(what, _union(selects), comment)


def _delivery_views(results: Results, prefix: str) -> Iterator[View]:
    comments = {
        "validation": "The validation split",
        "annealing": "Documents of all annealing sets",
        "mixtures": "Documents of all mixtures",
        "export": "Documents of all exports",
    }
    plans = []
    for group, comment in comments.items():
        selects = []
        for delivery in results.deliveries():
            if delivery.group != group:
                continue
            if paths := _of_one_kind(results.delivered_documents(delivery)):
                selects.append(_select(f"{literal(delivery.name)} AS name, *", paths, results, prefix))
            plan = results.folder / group / delivery.name / "plan.parquet"
            if plan.exists():
                columns = f"{literal(group)} AS set_group, {literal(delivery.name)} AS name, *"
                plans.append(_select(columns, [plan], results, prefix))
        if selects:
            yield View(group, _union(selects), comment)
    if plans:
        yield View("plan", _union(plans), "What each set was meant to hold, by domain")


def _of_one_kind(paths: Sequence[Path]) -> list[Path]:
    """Documents only: a delivery may hold other tables (indices of a trainer's format)."""
    return [path for path in paths if "id" in pq.read_schema(path).names]


def _table_views(results: Results, prefix: str) -> Iterator[View]:
    for name, comment in (
        ("stats", "Counts by stage, shard, source, kind, outcome and reason"),
        ("notes", "Numbers that only one stage knows"),
    ):
        path = results.folder / f"{name}.parquet"
        if path.exists():
            yield View(name, _select("*", [path], results, prefix), comment)
    if (results.folder / "stats.parquet").exists():
        yield View("waterfall", WATERFALL, "What each stage kept, of what it read and of everything")
        yield View("conservation", CONSERVATION, "Documents and characters in and out of each stage; lost must be 0")
    if paths := results.skipped():
        yield View("skipped", _select("*", paths, results, prefix), "Records that ingest could not read")


def views(results: Results, prefix: str) -> list[View]:
    """All views for which the files exist.

    Args:
        results: the results folder.
        prefix: how the queries name that folder, without a final slash.
    """
    return [*_table_views(results, prefix), *_stage_views(results, prefix), *_delivery_views(results, prefix)]


def create(connection: duckdb.DuckDBPyConnection, found: Sequence[View]) -> None:
    """Create views in an open database."""
    for view in found:
        connection.execute(f"CREATE VIEW {identifier(view.name)} AS {view.query}")
        connection.execute(f"COMMENT ON VIEW {identifier(view.name)} IS {literal(view.comment)}")


def connect(results: Results) -> duckdb.DuckDBPyConnection:
    """A database in memory with all views of a results folder, wherever it lies; nothing in it can be changed."""
    import duckdb

    connection = duckdb.connect()
    create(connection, views(results, results.folder.resolve().as_posix()))
    return connection


def run_views(*, layout: Path, database: Path) -> None:
    """Write the database file.

    Args:
        layout: `layout.json`, named as the views are to name the results folder.
        database: the file to write.
    """
    import duckdb

    results = Results.open(layout.parent)
    with whole_file(database) as temporary:
        # DuckDB wants to create the file itself.
        temporary.unlink()
        with duckdb.connect(str(temporary)) as connection:
            create(connection, views(results, layout.parent.as_posix()))
