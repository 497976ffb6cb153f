"""In how many parts a large file is read, by a job each: settled when the workflow is parsed, the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.readers.record import Part, Source

if TYPE_CHECKING:
    from tamis.readers.remote.listing import Wanted

MOST_PARTS = 16
"""Parts of one file, at most: each job hashes the whole file."""


def parts_of(source: Source, path: Path, size: int, wanted: Wanted | None, unit_bytes: int) -> Sequence[Part | None]:
    """The parts of a file that is a unit of its own; None for one that is read as a whole.

    Where bad files are left out as a whole one job must know all of it.

    Args:
        source: its section.
        path: the file.
        size: its bytes, where it lies here.
        wanted: what is known of a remote one.
        unit_bytes: of a unit, at most.
    """
    if source.stands_alone or source.on_bad_file == "skip":
        return [None]
    if wanted is not None:
        count = _of_remote(source, path, wanted, unit_bytes)
    else:
        count = _by_size(size, unit_bytes, source.part_bytes(path))
        count = min(count, source.most_parts(path)) if count > 1 else 1
    return [Part(number, count) for number in range(count)] if count > 1 else [None]


def _by_size(size: int, unit_bytes: int, part_bytes: int) -> int:
    return max(1, min(-(-size // unit_bytes), size // part_bytes, MOST_PARTS))


def _of_remote(source: Source, path: Path, wanted: Wanted, unit_bytes: int) -> int:
    """In how many parts a file is read that is not there yet: the plan must be the same once it is.

    A file that is let go when it has been read has one reader, for none of several knows which is the last.
    """
    if not source.remote.keep_files or not source.parts_by_name(path):
        return 1
    return source.remote.parts if wanted.bytes is None else _by_size(wanted.bytes, unit_bytes, source.part_bytes(path))
