"""The figures of the page: what they count, and how a number is written.

Values and pure functions; what reads a results folder is in `tamis.report.contents`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tamis.report import tables


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
class Shipment:
    """A delivery: its plan where it has one, and what it holds."""

    label: str
    documents: int
    tokens: int | None
    plan: Sheet | None
    realised: tuple[Realised, ...]


def breakdown(stats: pa.Table, column: str) -> list[Breakdown]:
    """Documents left after every stage by source or kind, largest first."""
    found = []
    for name in sorted({value for value in stats[column].to_pylist() if value}):
        steps = tables.steps(stats, source=name) if column == "source" else tables.steps(stats, kind=name)
        first = max(1, steps[0].kept.documents)
        found.append(Breakdown(name, tuple(Cell(step.kept.documents, step.kept.documents / first) for step in steps)))
    return sorted(found, key=lambda entry: (-entry.cells[0].documents, entry.name))


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


def percent(share: float) -> str:
    """A share of 1 as per cent with one decimal; never 100.0 or 0.0 for what is not exactly that."""
    value = 100 * share
    if 0 < value < 0.05:
        return "< 0.1 %"
    if 99.95 <= value < 100:
        return "> 99.9 %"
    return f"{value:.1f} %"


def flatten(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """The leaves of nested JSON with their dotted paths; lists of plain values stay together."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in flatten(item, f"{path}.{key}" if path else str(key))]
    if isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            return [leaf for index, item in enumerate(value) for leaf in flatten(item, f"{path}[{index}]")]
        return [(path, ", ".join(number(item) for item in value))]
    return [(path, value)]
