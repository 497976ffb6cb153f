"""Records of what is made after the manifest: size and SHA-256 of the page and of the database, for `tamis verify`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tamis.file_states import sha256_of
from tamis.shards import read_json, write_json

PAGE, DATABASE = "report/page.json", "report/database.json"
"""The records, each written by the job that makes the files."""


def write(record: Path, files: Iterable[Path]) -> None:
    """Write the record of some files of the folder above its own, in the form of the manifest's entries."""
    results = record.parents[1]
    entries = [
        {"path": path.relative_to(results).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in files
    ]
    write_json(record, {"files": entries})


def entries(results: Path, names: Iterable[str] = (PAGE, DATABASE)) -> list[dict[str, Any]]:
    """What the records say that are there.

    Raises:
        SourceError: one is damaged.
    """
    return [entry for name in names if (results / name).exists() for entry in read_json(results / name)["files"]]
