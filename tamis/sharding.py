"""`shards: auto`: how many shards a corpus has, by the size of its input, and the number that results remember.

Nothing that a user receives depends on the number, but every file of the results does, so it is chosen once: what an
earlier run had stands in a small file in the results folder and is repeated while the input grows, until somebody asks
for another (`shards: anew`, or a number). A result of `auto` is that of the number given by hand, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tamis.errors import ConfigError
from tamis.file_states import keep_json, kept_json
from tamis.readers.units import Unit

Shards = int | Literal["auto", "anew"]

KEPT = ".tamis.shards.json"

FULL_SHARD = 256_000_000
"""Characters of text of a shard of a large corpus. The slowest stages read 1 MB/s or more, so that a job takes minutes,
and a thousand of them are 256 GB."""

SMALL_SHARD, FEW_SHARDS = 16_000_000, 8
"""A smaller corpus has a shard for every 16 MB, up to 8, so that the cores of a laptop have something to do."""

MOST = 1000
"""With as many partitions, as many as there may be (N·P ≤ 10⁶)."""

TEXT_SHARE = (
    # Main content that people marked on 1,801 pages: 0.35 and 0.19 bytes a compressed byte, 0.06 and 0.04 a plain one.
    (("warc.gz", "arc.gz", "warc.zst", "warc.lz4"), 0.3),
    ((".warc", ".arc", ".html", ".htm", ".pdf"), 0.05),
    ((".gz", ".zst", ".bz2", ".xz", ".lz4", ".parquet", ".zip", ".tgz"), 3.0),
)
"""Bytes of text a byte of a file, by the end of its name; 1 for all others. A factor of two is of no account here."""


class Chosen(NamedTuple):
    """A number of shards, and why it is that."""

    shards: int
    why: str
    """Nothing where the configuration names the number."""


def text_bytes(planned: Sequence[Unit]) -> int:
    """About how many bytes of text the input holds.

    Raises:
        ConfigError: the size of a file is not known before it has been fetched.
    """
    # A file that is read in parts is in several units.
    sizes = {path: _size(unit, path) for unit in planned for path in unit.files}
    return round(sum(size * _share(path) for path, size in sizes.items()))


def _size(unit: Unit, path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        wanted = unit.remote.get(path)
        if wanted is not None and wanted.bytes is not None:
            return wanted.bytes
        if path in unit.no_files:
            return 0
    msg = (
        f"shards: the size of {path} is not known before it has been fetched (source {unit.source.name}); give a "
        f"number: a shard for about {FULL_SHARD // 1_000_000} MB of text"
    )
    raise ConfigError(msg)


def _share(path: Path) -> float:
    return next((share for ends, share in TEXT_SHARE if path.name.lower().endswith(ends)), 1.0)


def by_size(text: int) -> int:
    """The number of shards for so many bytes of text."""
    small = min(FEW_SHARDS, math.ceil(text / SMALL_SHARD))
    return max(1, min(MOST, max(small, math.ceil(text / FULL_SHARD))))


def choose(asked: Shards, planned: Sequence[Unit], results: Path) -> Chosen:
    """The number of shards of a run.

    Args:
        asked: of the configuration.
        planned: all units of the input.
        results: where the last run has left its number.

    Raises:
        ConfigError: the size of the input is not known.
    """
    if isinstance(asked, int):
        return Chosen(asked, "")
    before = kept_json(results / KEPT)
    known = before.get("shards") if isinstance(before, dict) else None
    if asked == "auto" and isinstance(known, int) and known >= 1:
        return Chosen(
            known, f"shards: {known}, as in the last run into {results} (`shards: anew` chooses by size again)"
        )
    text = text_bytes(planned)
    count = by_size(text)
    return Chosen(count, f"shards: {count}, for about {text / 1e6:,.0f} MB of text in {len(_files(planned))} files")


def _files(planned: Iterable[Unit]) -> set[Path]:
    return {path for unit in planned for path in unit.files}


def remember(shards: int, results: Path) -> None:
    """Write down the number of shards of a run that begins."""
    keep_json(results / KEPT, {"shards": shards})
