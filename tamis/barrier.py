"""What stands between the map and the reduce jobs of a crossing: the files of all shards, and who waits for them.

Where they are few, a reduce job waits for each of them and is told each (`FEW`). Where they are many, a barrier keeps
the workflow's edges at 2N instead of N·P, at the price of a job that all others wait for. It holds path, size and
modification time of each input: a barrier whose bytes do not change would leave stale reduces behind after a killed
run, because Snakemake compares small files by content. No pyarrow here: this job must start fast.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tamis.checksums import parse_json, with_checksum
from tamis.errors import ShardMismatchError, SourceError

FEW = 16
"""Up to so many files are named one by one: 256 edges a crossing instead of a job."""

NAME = "barrier.json"

Files = Path | tuple[Path, ...]
"""The files of all shards or partitions, in order: a barrier that names them, or each by its path."""


def write(output: Path, folder: Path, count: int, suffix: str) -> None:
    """Write the barrier over `folder/part-00000<suffix>` … of `count` files.

    Raises:
        SourceError: a file is missing.
    """
    files = []
    for index in range(count):
        path = folder / f"part-{index:05d}{suffix}"
        try:
            state = path.stat()
        except FileNotFoundError as error:
            msg = f"{path}: missing, one of the {count} files that {output} waits for. Run the workflow again."
            raise SourceError(msg) from error
        files.append({"path": str(path), "size": state.st_size, "mtime_ns": state.st_mtime_ns})
    output.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".tmp", dir=output.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(with_checksum({"files": files}), file, indent=0)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(0o644)
    Path(temporary).replace(output)


def told(files: Sequence[str]) -> Files | None:
    """The files that a rule gives a job, by their paths: none, a barrier, or all of them."""
    if len(files) == 1 and Path(files[0]).name == NAME:
        return Path(files[0])
    return tuple(map(Path, files)) or None


def paths(barrier: Files) -> list[Path]:
    """The files behind a barrier, in order, or those that were named; who reads one finds out whether it is there.

    Raises:
        SourceError: a file is missing, or the barrier is damaged.
        ShardMismatchError: a file is not the one that the barrier was made over.
    """
    if not isinstance(barrier, Path):
        return list(barrier)
    files = []
    for entry in parse_json(barrier, barrier.read_bytes())["files"]:
        path = Path(entry["path"])
        try:
            state = path.stat()
        except FileNotFoundError as error:
            msg = f"{path}: missing, though {barrier} lists it. Delete {barrier} and run the workflow again."
            raise SourceError(msg) from error
        if (state.st_size, state.st_mtime_ns) != (entry["size"], entry["mtime_ns"]):
            msg = f"{path}: changed since {barrier} was made. Delete {barrier} and run the workflow again."
            raise ShardMismatchError(msg)
        files.append(path)
    return files


def main(argv: list[str]) -> int:
    """`python -m tamis.barrier OUTPUT FOLDER COUNT SUFFIX`."""
    output, folder, count, suffix = argv
    try:
        write(Path(output), Path(folder), int(count), suffix)
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
