"""How many documents have hits, and what bounds drop or would drop, by language and source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
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
            "documents": asked.astype(np.int64),
            "listed": pc.is_valid(rows[HITS]).cast(pa.int64()),
            "with_hits": pc.fill_null(pc.greater(rows[HITS], 0), False).cast(pa.int64()),
        }
        for place, (bounds, by_language) in enumerate([(default, own), *((one, {}) for one in tried)]):
            measured[f"beyond_{place}"] = (beyond(rows, bounds, by_language, asked).which >= 0).astype(np.int64)
        keys = {name: rows[name] for name in ("language", "source")}
        grouped = pa.table(keys | measured).group_by(list(keys)).aggregate([(name, "sum") for name in measured])
        for row in grouped.to_pylist():
            if row["documents_sum"]:
                seen.add((row["language"], row["source"]))
                sums.update({(row["language"], row["source"], name): row[f"{name}_sum"] for name in measured})
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
