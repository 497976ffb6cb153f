"""Size, rows and SHA-256 of many files at once.

Hashes are kept in `.tamis.hashes.json` under path, size, modification time to the nanosecond and inode, so that a run
that makes one mixture does not read all others again. What holds a folder against its manifest takes none from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import SourceError
from tamis.file_states import sha256_of
from tamis.shards import whole_file

FILE = ".tamis.hashes.json"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(function: Callable[[Any], Any], values: Iterable[Any]) -> Iterator[Any]:
    """The answers of a function in the order of its values, on all cores."""
    with ThreadPoolExecutor(cores()) as pool:
        yield from pool.map(function, values)


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"{path}: not a readable Parquet file ({error}). Delete it and run the workflow again."
        raise SourceError(msg) from error


def _kept(folder: Path) -> dict[str, Any]:
    """What was hashed before; nothing where the file is missing or damaged, because it only saves time."""
    try:
        value = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def entries(folder: Path, paths: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """`bytes`, `sha256` and, of Parquet, `rows` of files.

    Args:
        folder: the results, where hashes are kept.
        paths: by the names that the files are to have.

    Raises:
        SourceError: a file is missing, or is not the Parquet file that its name says.
    """
    kept = _kept(folder)

    def entry(name: str) -> tuple[str, list[Any], dict[str, Any]]:
        path = paths[name]
        try:
            state = path.stat()
            key = [state.st_size, state.st_mtime_ns, state.st_ino]
            before = kept.get(name)
            if isinstance(before, list) and before[:3] == key and isinstance(before[3], dict):
                return name, key, before[3]
            found: dict[str, Any] = {"bytes": state.st_size, "sha256": sha256_of(path)}
        except FileNotFoundError as error:
            msg = f"{path}: missing, though the run makes it. Run the workflow again."
            raise SourceError(msg) from error
        return name, key, found | ({"rows": _rows(path)} if path.suffix == ".parquet" else {})

    found = list(in_threads(entry, paths))
    with whole_file(folder / FILE) as temporary:
        text = json.dumps({name: [*key, value] for name, key, value in found}, sort_keys=True)
        temporary.write_text(text, encoding="utf-8")
    return {name: value for name, _, value in found}
