"""What the page shows, gathered from the results: counts, groups, deliveries, cards and samples."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from markupsafe import Markup

from tamis.decontamination.card import SHORT, Contamination, table
from tamis.ids import is_id
from tamis.report import database, samples, tables, views
from tamis.report.alarms import alarms
from tamis.report.figures import Group, Realised, Sheet, Shipment, breakdown, flatten, number
from tamis.report.layout import Delivery, Results
from tamis.report.lookup import fetch
from tamis.report.manifest import model_cards
from tamis.report.measures import measures, orphaned_cuts
from tamis.report.model_cards import cards
from tamis.report.pictures import waterfall
from tamis.report.settings import Config
from tamis.shards import read_json, read_table
from tamis.toxicity.card import Toxicity, shown

if TYPE_CHECKING:
    import duckdb


def largest_groups(results: Results, connection: duckdb.DuckDBPyConnection, count: int) -> list[Group]:
    """The documents for which a stage dropped the most others, at most `count` a stage.

    They are those that the stage kept for them, or, where another run kept it, what the dropped ones matched.
    DuckDB groups the ledgers and spills to disk when they are larger than memory.
    """
    found = []
    for stage in results.layout.stages:
        paths = results.parts(stage, "dropped")
        if not paths or not count:
            continue
        rows = connection.execute(
            "SELECT coalesce(kept_id, matched_id) AS stays, count(*) AS documents FROM dropped "
            # What a benchmark's item matched is no group of copies; its name has a stroke.
            "WHERE stage = ? AND stays IS NOT NULL AND NOT contains(stays, '/') "
            "GROUP BY stays HAVING documents > 1 ORDER BY documents DESC, stays LIMIT ?",
            [stage, count],
        ).fetchall()
        for stays, documents in rows:
            url = None
            if is_id(stays):
                kept = fetch(results.part(stage, "documents", stays), [stays], ["url"])
                url = kept[0]["url"] if kept else None
            found.append(Group(stage, stays, documents, url))
    return found


def shipment(results: Results, delivery: Delivery, connection: duckdb.DuckDBPyConnection) -> Shipment:
    """The plan of a delivery and what its documents are, by domain where they have one."""
    plan_file = results.folder / delivery.group / delivery.name / "plan.parquet"
    plan = None
    if plan_file.exists():
        table = read_table(plan_file)
        plan = Sheet(tuple(table.column_names), tuple(tuple(row.values()) for row in table.to_pylist()))
    paths = [path for path in results.delivered_documents(delivery) if "id" in pq.read_schema(path).names]
    if not paths:
        return Shipment(delivery.label, 0, None, plan, ())
    files = views.parquet(paths, results.folder, results.folder.resolve().as_posix())
    names = set(pq.read_schema(paths[0]).names)
    domain = "coalesce(domain, '')" if "domain" in names else "''"
    tokens = "sum(tokens)::BIGINT" if "tokens" in names else "NULL"
    rows = connection.execute(  # the paths are quoted by `views.parquet`
        f"SELECT {domain} AS domain, count(*), {tokens} FROM {files} GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1"  # noqa: S608
    ).fetchall()
    documents = sum(row[1] for row in rows)
    known = sum(row[2] for row in rows) if rows and all(row[2] is not None for row in rows) else None
    # Shares are of tokens where they are known, else of documents.
    realised = tuple(
        Realised(row[0], row[1], row[2], (row[2] / known if known else row[1] / documents) if documents else 0.0)
        for row in rows
    )
    return Shipment(delivery.label, documents, known, plan, realised)


def backbones(models: dict[str, dict[str, Any]]) -> list[str]:
    """Which backbone ran, one line a stage that says so: its name, and its arithmetic where that is not fp32."""
    found = []
    for stage, files in models.items():
        if (card := files.get("backbone")) is not None:
            values = card if isinstance(card, dict) else {"name": card}
            name = next((values[key] for key in ("name", "backbone", "model") if isinstance(values.get(key), str)), "")
            settings = values.get("settings")
            dtype = settings.get("dtype", "fp32") if isinstance(settings, dict) else "fp32"
            name = f"{name}, {dtype}" if name and dtype != "fp32" else name
            found.append(f"{stage}: {name or ', '.join(number(value) for _, value in flatten(values))[:200]}")
    return found


def contamination(results: Results) -> Contamination | None:
    """What stood of benchmarks in the corpus; None where the run has not looked for any."""
    path = results.folder / "decontamination" / "contamination.json"
    return table(read_json(path)) if "decontamination" in results.layout.stages and path.exists() else None


def toxicity(results: Results) -> Toxicity | None:
    """What of the corpus has entries of word lists, by language and source; None where the run has not looked."""
    paths = [results.folder / "toxicity" / f"{name}.parquet" for name in ("retention", "entries")]
    if "toxicity" not in results.layout.stages or not all(path.exists() for path in paths):
        return None
    return shown(*map(read_table, paths))


def contents(results: Results, config: Config) -> dict[str, Any]:
    """Everything that `page.html.j2` needs.

    Args:
        results: a finished run: stats.parquet, notes.parquet and manifest.json are there.
        config: the page's section.
    """
    return gathered(
        results,
        config,
        read_table(results.folder / "stats.parquet"),
        tables.combine_notes(read_table(results.folder / "notes.parquet")),
        read_json(results.folder / "manifest.json"),
    )


def gathered(
    results: Results, config: Config, stats: pa.Table, notes: dict[str, dict[str, float]], manifest: dict[str, Any]
) -> dict[str, Any]:
    """Everything that `page.html.j2` needs, of all stages of a layout.

    Args:
        results: of which each stage is done.
        config: the page's section.
        stats: the counts of its stages.
        notes: their notes, combined.
        manifest: value of `manifest.json`.
    """
    models = model_cards(results)
    steps = tables.steps(stats)
    sizes = samples.Sizes(
        kept=config.kept_samples,
        dropped=config.dropped_samples,
        edited=config.edited_samples,
        characters=config.sample_characters,
        context=config.context_characters,
        seed=config.seed,
    )
    with database.connect(results) as connection:
        # Ledgers larger than this are grouped on disk.
        connection.execute(
            f"SET memory_limit = '1GB'; SET temp_directory = {views.literal(str(results.folder / '.spill'))}"
        )
        # At least one, so that a giant group raises its alarm even where none is listed.
        groups = largest_groups(results, connection, max(1, config.largest_groups))
        orphans = []
        if views.ORPHANS in {row[0] for row in connection.execute("SELECT view_name FROM duckdb_views()").fetchall()}:
            columns = "stage, owner_dropped_by, owner_reason, cuts, characters"
            orphans = orphaned_cuts(connection.execute(f"SELECT {columns} FROM {views.ORPHANS}").fetchall())  # noqa: S608
        shipments = [shipment(results, delivery, connection) for delivery in results.deliveries()]
    skipped = sum(pq.read_metadata(path).num_rows for path in results.skipped())
    return {
        "stopped": "",
        "style": Markup(resources.files("tamis.report").joinpath("page.css").read_text("utf-8")),  # noqa: S704 - our file
        "manifest": manifest,
        "steps": steps,
        "picture": waterfall(steps),
        "stages": [step.stage for step in steps],
        "kinds": breakdown(stats, "kind"),
        "sources": breakdown(stats, "source"),
        "skipped": skipped,
        "alarms": alarms(results, stats, groups, models, config),
        "groups": groups if config.largest_groups else [],
        "notes": notes,
        "measures": [*measures(notes), *orphans],
        "contamination": contamination(results),
        "short_items": SHORT,
        "toxicity": toxicity(results),
        "shipments": shipments,
        "cards": cards(results, models),
        "backbones": backbones(models),
        "samples": [samples.of_stage(results, stage, sizes) for stage in results.layout.stages],
        "pool": samples.kept_by(results, samples.Reader(results), results.layout.stages[-1], "kind", sizes),
        "leaves": flatten(manifest["configuration"]),
    }
