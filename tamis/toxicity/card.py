"""The counts of word lists as a person reads them: on the page, in the terminal, and on the card of an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from tamis.toxicity.bounds import Bounds

NO_BOUND = Bounds().label()
"""What is in force where nothing is."""

MOST_ROWS = 40
MOST_ENTRIES = 30


class Shown(NamedTuple):
    """A table: heads, and rows of texts; `more` are left out."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int


class Toxicity(NamedTuple):
    """What the page and the terminal show of the stage."""

    in_force: str
    tables: tuple[Shown, ...]
    entries: Shown


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "–"


def _by(rows: Sequence[Mapping[str, Any]], key: str, bounds: Sequence[str]) -> Shown:
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        own = sums.setdefault(row[key], Counter())
        if row["position"] == 0:
            own.update({name: row[name] for name in ("documents", "listed", "with_hits")})
        own[f"beyond_{row['position']}"] += row["beyond"]
    # Those with the largest share of hits first: it is they whom a bound would hit.
    order = sorted(sums.items(), key=lambda item: (-item[1]["with_hits"] / max(item[1]["listed"], 1), item[0]))
    shown = tuple(
        (
            name,
            f"{own['documents']:,}",
            f"{own['listed']:,}",
            _share(own["with_hits"], own["listed"]),
            *(_share(own[f"beyond_{place}"], own["documents"]) for place in range(len(bounds))),
        )
        for name, own in order[:MOST_ROWS]
    )
    heads = (key, "documents", "with list", "with hits", "dropped", *bounds[1:])
    return Shown(f"By {key}", heads, shown, len(order) - len(shown))


def by_language_and_source(retention: pa.Table) -> tuple[str, tuple[Shown, ...]]:
    """The bound that is in force, and a table by language and one by source.

    Args:
        retention: rows of `tamis.toxicity.retention.RETENTION`.
    """
    rows = retention.to_pylist()
    bounds = {row["position"]: row["bound"] for row in rows}
    names = [bounds[place] for place in sorted(bounds)] or [NO_BOUND]
    tables = tuple(_by(rows, key, names) for key in ("language", "source"))
    if names[0] == NO_BOUND:
        # Nothing is dropped, and no column says so.
        tables = tuple(
            one._replace(heads=(*one.heads[:4], *one.heads[5:]), rows=tuple((*row[:4], *row[5:]) for row in one.rows))
            for one in tables
        )
    return names[0], tables


def shown(retention: pa.Table, entries: pa.Table) -> Toxicity:
    """What the page and the terminal show.

    Args:
        retention: rows of `tamis.toxicity.retention.RETENTION`.
        entries: rows of `tamis.toxicity.measure.ENTRIES`.
    """
    in_force, tables = by_language_and_source(retention)
    found: Counter[tuple[str, str]] = Counter()
    hits: Counter[tuple[str, str]] = Counter()
    for row in entries.to_pylist():
        found[row["language"], row["entry"]] += row["documents"]
        hits[row["language"], row["entry"]] += row["hits"]
    order = sorted(found, key=lambda key: (-found[key], key))
    most = tuple((language, entry, f"{found[language, entry]:,}", f"{hits[language, entry]:,}")
                 for language, entry in order[:MOST_ENTRIES])  # fmt: skip
    listed = Shown(
        "Entries in most documents", ("language", "entry", "documents", "hits"), most, len(order) - len(most)
    )
    return Toxicity(in_force, tables, listed)
