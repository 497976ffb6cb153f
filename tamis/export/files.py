"""What every format says of itself and of each file that it writes; the card is made of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tamis.sets.counts import counted

LICENCE_KEYS = ("licence", "license", "spdx")
"""Fields of `metadata` that name a licence, in order of preference."""


@dataclass(frozen=True)
class Format:
    """A format of exports."""

    suffix: str
    """Of its files: `part-00000<suffix>`."""
    files: str
    """What its files are called in a sentence."""
    loading: str
    """Markdown: how a trainer reads them, from the folder of the export."""
    on_hub: bool
    """Whether the Hugging Face Hub reads the files as they are, so that the card names them."""


def licences(metadata: pa.ChunkedArray) -> Counter[str]:
    """Documents by the licence that their metadata names; "" where it names none."""
    found: Counter[str] = Counter()
    for value in metadata.to_pylist():
        fields = json.loads(value) if value else None
        named = [fields[key] for key in LICENCE_KEYS if fields.get(key)] if isinstance(fields, dict) else []
        found[str(named[0]) if named else ""] += 1
    return found


def describe(table: pa.Table, path: Path) -> dict[str, Any]:
    """Rows, tokens, bytes, sha256, counts, licences and columns of one file.

    Args:
        table: the rows that it holds.
        path: the file, written.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    counts = counted(table)
    return {
        "rows": table.num_rows,
        "tokens": sum(row["tokens"] for row in counts),
        "bytes": path.stat().st_size,
        "sha256": digest,
        "counts": counts,
        "licences": dict(sorted(licences(table["metadata"]).items())),
        "columns": {field.name: str(field.type) for field in table.schema},
    }
