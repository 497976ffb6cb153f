"""`report/index.html`: one static file in which a person judges the run.

Figures, the retention waterfall, counts by rule, kind and source, model cards, plans against what was drawn, alarms,
and documents to read: kept and dropped ones of every stage and rule, near-duplicates beside what they matched, cuts in
their surroundings. It loads nothing and runs nothing: all text of the corpus is escaped by the template engine, and
addresses are shown, never linked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from tamis.errors import AlarmError
from tamis.section import Section, Share

VERSION = 1


class Config(Section):
    """The report page: how much is shown and what raises an alarm."""

    kept_samples: int = Field(
        3, ge=0, le=100, description="Kept documents shown of each stage, and of each kind in the pool."
    )
    dropped_samples: int = Field(3, ge=0, le=100, description="Dropped documents shown of each stage and reason.")
    edited_samples: int = Field(3, ge=0, le=100, description="Documents with cuts shown of each stage and reason.")
    sample_characters: int = Field(700, ge=50, le=20_000, description="Characters shown of each document and each cut.")
    context_characters: int = Field(120, ge=0, le=2_000, description="Characters shown before and after a cut.")
    seed: int = Field(0, ge=0, description="Another seed shows other documents.")
    alarm_lost_share: Share = Field(
        0.9,
        description="Alarm when one stage drops more than this share of the documents of one source. In marin's "
        "audit 15 of 113 sources lost more than 0.95 unnoticed (issue 6854).",
    )
    alarm_lost_minimum: int = Field(20, ge=1, description="Documents a source must bring to a stage for that alarm.")
    alarm_group: int = Field(
        1_000,
        ge=2,
        description="Alarm when more than this many documents were dropped for the "
        "same kept one: templates in marin's audit reached 743,779 (issue 6851).",
    )
    alarms_fatal: bool = Field(
        False,
        description="Let the workflow fail, after the page and everything else is written, when there is an alarm.",
    )
    largest_groups: int = Field(5, ge=0, le=100, description="Groups of copies listed of each stage, largest first.")


@dataclass(frozen=True)
class Cell:
    """One figure of the table by source or kind: documents left, and the share of those that came in."""

    documents: int
    share: float


@dataclass(frozen=True)
class Breakdown:
    """Documents of one source or kind after every stage."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """A kept document and how many a stage dropped as its copies."""

    stage: str
    id: str
    documents: int
    url: str | None


@dataclass(frozen=True)
class Realised:
    """What one delivery holds of one domain."""

    domain: str
    documents: int
    tokens: int | None
    share: float


@dataclass(frozen=True)
class Sheet:
    """A small table for the page: headings and rows of plain values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Card:
    """What a model stage wrote about its model: tables, then plain values by dotted path."""

    stage: str
    name: str
    sheets: tuple[tuple[str, Sheet], ...]
    leaves: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Shipment:
    """A delivery: its plan where it has one, and what it holds."""

    label: str
    documents: int
    tokens: int | None
    plan: Sheet | None
    realised: tuple[Realised, ...]


def breakdown(stats: pa.Table, column: str) -> list[Breakdown]:
    """Documents left after every stage by source or kind, largest first."""
    from tamis.report import tables

    found = []
    for name in sorted({value for value in stats[column].to_pylist() if value}):
        steps = tables.steps(stats, source=name) if column == "source" else tables.steps(stats, kind=name)
        first = max(1, steps[0].kept.documents)
        found.append(Breakdown(name, tuple(Cell(step.kept.documents, step.kept.documents / first) for step in steps)))
    return sorted(found, key=lambda entry: (-entry.cells[0].documents, entry.name))


def alarms(stats: pa.Table, groups: Sequence[Group], config: Config) -> list[str]:
    """One sentence for everything that should make a person stop and look.

    Args:
        stats: a table with the schema `tables.STATS`.
        groups: the largest groups of copies.
        config: the thresholds.
    """
    from tamis.report import tables

    found = []
    for source in sorted({value for value in stats["source"].to_pylist() if value}):
        for step in tables.steps(stats, source=source):
            lost = 1 - step.kept_share
            if step.read.documents >= config.alarm_lost_minimum and lost > config.alarm_lost_share:
                rules = ", ".join(f"{reason} {count.documents:,}" for reason, count in list(step.dropped.items())[:3])
                found.append(
                    f"{step.stage} dropped {100 * lost:.1f} % of source {source}: {step.kept.documents:,} of "
                    f"{step.read.documents:,} documents are left ({rules})."
                )
    for step in tables.steps(stats):
        missing = step.read.documents - step.kept.documents - sum(count.documents for count in step.dropped.values())
        if missing:
            found.append(f"{step.stage} does not account for {missing:,} documents; this is a defect.")
    found += [
        f"{group.stage} dropped {group.documents:,} documents as copies of {group.id}; a template?"
        for group in groups
        if group.documents > config.alarm_group
    ]
    return found


def number(value: Any) -> str:
    """A figure for reading: thousands separated, floats with four significant digits, a dash for nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value == int(value) and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def flatten(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """The leaves of nested JSON with their dotted paths; lists of plain values stay together."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in flatten(item, f"{path}.{key}" if path else str(key))]
    if isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            return [leaf for index, item in enumerate(value) for leaf in flatten(item, f"{path}[{index}]")]
        return [(path, ", ".join(number(item) for item in value))]
    return [(path, value)]


def render(values: dict[str, Any]) -> str:
    """The page from its values; every value is escaped unless this package made it as markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from tamis.report.pictures import percent

    environment = Environment(
        loader=PackageLoader("tamis.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent}
    return environment.get_template("page.html.j2").render(values)


def run_page(config: Config, *, layout: Path, page: Path, picture: Path, alarms: Path) -> None:
    """Write the page, and the waterfall picture and the alarms as files of their own.

    Args:
        config: what is shown.
        layout: `layout.json` in the results folder.
        page: HTML file to write.
        picture: SVG file to write.
        alarms: JSON list of sentences to write.
    """
    from tamis.report.contents import contents
    from tamis.report.layout import Results
    from tamis.report.pictures import waterfall
    from tamis.shards import whole_file, write_json

    values = contents(Results.open(layout.parent), config)
    with whole_file(picture) as temporary:
        temporary.write_text(str(waterfall(values["steps"], standalone=True)), encoding="utf-8")
    write_json(alarms, values["alarms"])
    with whole_file(page) as temporary:
        temporary.write_text(render(values), encoding="utf-8", errors="replace")


def run_check(config: Config, *, alarms: Path, page: Path, output: Path) -> None:
    """Fail when there is an alarm. A job of its own: what a failing job writes does not stay, and the page must.

    Args:
        config: the page's section.
        alarms: what `run_page` wrote.
        page: the page, for the message.
        output: JSON to write when there is none.

    Raises:
        AlarmError: with every alarm.
    """
    from tamis.shards import read_json, write_json

    found = read_json(alarms)
    if found and config.alarms_fatal:
        listed = "\n".join(f"  {alarm}" for alarm in found)
        msg = (
            f"{len(found)} alarm{'' if len(found) == 1 else 's'}, and report.alarms_fatal is set:\n{listed}\n"
            f"Read {page}; then change the stage, raise report.alarm_lost_share or report.alarm_group, or leave "
            "alarms_fatal out. Everything else of the run is done."
        )
        raise AlarmError(msg)
    write_json(output, {"alarms": len(found)})
