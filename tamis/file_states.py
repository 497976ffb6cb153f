"""Whether a file holds what it held: its size and time, its hash, and the hashes that the last run has found out.

A file of the same size and time to the nanosecond is taken for unchanged; another one is read, and its content decides.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tamis.errors import TamisError
from tamis.shards import read_json, write_json

log = logging.getLogger("tamis.inputs")

HASHES = ".tamis.inputs.json"
"""In the results: hashes by path, with the state in which they were found out. It may be lost."""

SAID_BYTES = 2_000_000_000
"""From so many bytes to hash on, some seconds of work, it is said why the start takes its time."""


class State(NamedTuple):
    """Size and time of a file, by which it is taken for unchanged."""

    bytes: int
    mtime_ns: int


NO_FILE = State(0, -1)
"""Of links that lead nowhere, pipes, and files that could not be opened: whatever comes in their place is another."""


def state_of(path: Path) -> State:
    """Size and modification time of a file; `NO_FILE` where something else stands, or nothing."""
    try:
        found = path.stat()
    except OSError:
        return NO_FILE
    return State(found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else NO_FILE


def sha256_of(path: Path) -> str:
    """The hash of a file, 64 hex digits, read in blocks of a few hundred kilobytes; other threads run meanwhile.

    Raises:
        OSError: it cannot be opened or read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class KnownHashes:
    """Hashes of files, each computed once as long as its file stays as it is, over several runs."""

    def __init__(self, results: Path | None) -> None:
        """Read what the last run knew.

        Args:
            results: where it is kept; None to keep nothing.
        """
        self._path = None if results is None else results / HASHES
        kept = None if self._path is None else kept_json(self._path)
        self._known: dict[str, tuple[State, str]] = {}
        for name, entry in (kept if isinstance(kept, dict) else {}).items():
            match entry:
                case [int(size), int(time), str(digest)]:
                    self._known[name] = (State(size, time), digest)

    def of(self, path: Path, state: State | None) -> str | None:
        """The hash of a file in this state; None where it is not known."""
        known, digest = self._known.get(str(path), (None, None))
        return digest if known is not None and known == state else None

    def look_up(self, files: Iterable[tuple[Path, State]]) -> None:
        """Find out the hashes of files that are not known, but of those that cannot be read or change meanwhile.

        Args:
            files: path and present state.
        """
        wanted = [(path, state) for path, state in files if not self.of(path, state)]
        if not wanted:
            return
        total = sum(state.bytes for _, state in wanted)
        if total >= SAID_BYTES:
            log.warning(
                "%d input files (%.1f GB) are new or have another time than when they were read; looking at what they "
                "hold ...",
                len(wanted),
                total / 1e9,
            )
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
            for (path, state), digest in zip(wanted, threads.map(_hash, *zip(*wanted, strict=True)), strict=True):
                if digest is not None:
                    self._known[str(path)] = (state, digest)
        if self._path is not None and self._path.parent.is_dir():
            current = {name: entry for name, entry in self._known.items() if state_of(Path(name)) == entry[0]}
            keep_json(self._path, {name: [*state, digest] for name, (state, digest) in current.items()})


def contents(paths: Iterable[str | Path], known: KnownHashes) -> dict[str, str | None]:
    """What files hold that a configuration names: sha256 by path, None where there is no file or none that can be read.

    Args:
        paths: of the files.
        known: hashes.
    """
    states = {Path(path): state_of(Path(path)) for path in paths}
    known.look_up((path, state) for path, state in states.items() if state != NO_FILE)
    return {str(path): known.of(path, state) for path, state in states.items()}


def _hash(path: Path, state: State) -> str | None:
    """The hash of a file, if it was in this state all the time."""
    try:
        digest = sha256_of(path)
    except OSError:  # its job says so, and what to do
        return None
    return digest if state_of(path) == state else None


def kept_json(path: Path) -> object:
    """What was kept in a file; None where it is not there or damaged: it will be found out again."""
    try:
        return read_json(path)
    except (ValueError, OSError, TamisError):
        return None


def keep_json(path: Path, value: object) -> None:
    """Keep something for the next parse, if it can be written."""
    if kept_json(path) == value:
        return
    try:
        write_json(path, value)
    except OSError as error:
        log.info("%s: cannot be written (%s); what is in it will be found out again", path, error)
