"""What a set holds, counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from tamis.stats import characters

COUNTED_BY = ("source", "kind", "language", "domain")
MEASURES = ("documents", "distinct_documents", "characters", "tokens")


def counted(table: pa.Table) -> list[dict[str, Any]]:
    """Documents (rows), distinct ids, characters and tokens by source, kind, language and domain."""
    by = [column for column in COUNTED_BY if column in table.column_names]
    rows = table.select([*by, "id", "tokens"]).append_column("characters", characters(table["text"]))
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


def added_up(parts: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Counts of several parts as counts of the whole.

    Args:
        parts: from `counted`; no id is in two of them.
    """
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for part in parts:
        for row in part:
            which = tuple(row.get(column) for column in COUNTED_BY)
            if which not in sums:
                sums[which] = dict(row)
                continue
            for measure in MEASURES:
                sums[which][measure] += row[measure]
    return sorted(sums.values(), key=lambda row: [str(row[column]) for column in COUNTED_BY if column in row])
