"""What a set holds, counted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tamis.stats import characters

COUNTED_BY = ("source", "kind", "language", "domain")


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
