"""How many documents have hits, and what bounds drop or would drop, by language and source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tamis.schemas import of_kinds
from tamis.toxicity.bounds import Bounds, beyond
from tamis.toxicity.measure import ENTRIES, HITS

RETENTION = pa.schema(
    [
        ("language", pa.string()),
        ("source", pa.string()),
        ("position", pa.int32()),
        ("bound", pa.string()),
        ("in_force", pa.bool_()),
        ("documents", pa.int64()),
        ("listed", pa.int64()),
        ("with_hits", pa.int64()),
        ("beyond", pa.int64()),
    ]
)
"""One row a language, source and bound: documents that the stage looked at, those that a list was for, those with a
hit, and those beyond the bound. The bound in force, which drops what is beyond it, is number 0."""

NO_BOUND = Bounds().label()
"""What is in force where nothing is."""

MOST_ROWS = 40
MOST_ENTRIES = 30


def count(
    tables: Iterable[pa.Table],
    kinds: Sequence[str],
    in_force: tuple[Bounds, Mapping[str, Bounds]],
    tried: Sequence[Bounds],
) -> pa.Table:
    """Rows of `RETENTION`, by language, source and number of the bound.

    Args:
        tables: rows of score files.
        kinds: that the stage looks at.
        in_force: the bounds of all languages, and those of some.
        tried: bounds that drop nothing.
    """
    default, own = in_force
    names = [default.label() + (" and others by language" if own else ""), *(bounds.label() for bounds in tried)]
    sums: Counter[tuple[str, str, str]] = Counter()
    seen: set[tuple[str, str]] = set()
    for rows in tables:
        asked = of_kinds(rows, kinds)
        measured: dict[str, Any] = {
            "documents": asked,
            "listed": pc.is_valid(rows[HITS]),
            "with_hits": pc.fill_null(pc.greater(rows[HITS], 0), False),
        }
        for place, (bounds, by_language) in enumerate([(default, own), *((one, {}) for one in tried)]):
            measured[f"beyond_{place}"] = beyond(rows, bounds, by_language, asked).which >= 0
        keys = {name: rows[name] for name in ("language", "source")}
        numbers = {name: pc.cast(pa.array(values) if name.startswith(("d", "b")) else values, pa.int64())
                   for name, values in measured.items()}  # fmt: skip
        grouped = pa.table(keys | numbers).group_by(list(keys)).aggregate([(name, "sum") for name in numbers])
        for row in grouped.to_pylist():
            if row["documents_sum"]:
                seen.add((row["language"], row["source"]))
                sums.update({(row["language"], row["source"], name): row[f"{name}_sum"] for name in numbers})
    found = [
        {
            "language": language,
            "source": source,
            "position": place,
            "bound": name,
            "in_force": place == 0,
            **{column: sums[language, source, column] for column in ("documents", "listed", "with_hits")},
            "beyond": sums[language, source, f"beyond_{place}"],
        }
        for language, source in sorted(seen)
        for place, name in enumerate(names)
    ]
    return pa.Table.from_pylist(found, schema=RETENTION)


def by_documents(tables: Iterable[pa.Table]) -> pa.Table:
    """Rows of `ENTRIES` of all shards added up; of each language the entries that stand in most documents first."""
    rows = pa.concat_tables([ENTRIES.empty_table(), *tables])
    keys = ["language", "source", "entry"]
    grouped = rows.group_by(keys).aggregate([("documents", "sum"), ("hits", "sum")])
    renamed = grouped.rename_columns([*keys, "documents", "hits"]).cast(ENTRIES)
    order = [("language", "ascending"), ("documents", "descending"), ("entry", "ascending"), ("source", "ascending")]
    return renamed.sort_by(order)


class Shown(NamedTuple):
    """A table for the page and the terminal: heads, and rows of texts; `more` are left out."""

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


def shown(retention: pa.Table, entries: pa.Table) -> Toxicity:
    """What the page and the terminal show.

    Args:
        retention: rows of `RETENTION`.
        entries: rows of `ENTRIES`.
    """
    rows = retention.to_pylist()
    bounds = {row["position"]: row["bound"] for row in rows}
    names = [bounds[place] for place in sorted(bounds)] or [NO_BOUND]
    if names[0] == NO_BOUND:
        tables = tuple(
            table._replace(heads=(*table.heads[:4], *table.heads[5:]), rows=tuple((*r[:4], *r[5:]) for r in table.rows))
            for table in (_by(rows, key, names) for key in ("language", "source"))
        )
    else:
        tables = tuple(_by(rows, key, names) for key in ("language", "source"))
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
    return Toxicity(names[0], tables, listed)
