"""What is said when a run ends: which jobs failed and why, a full disk, how to continue, and the alarms.

A job's own words go to its log, and that may lie on the disk that is full. So jobs also tell their failure to the
process that started the workflow, in a file in memory (`memfd`) whose place is in the environment. It is opened only
if it is such a file: on another machine the same path would be something else, and nothing is told there.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis import trouble
from tamis.errors import FolderError, TamisError

VARIABLE = "TAMIS_FAILURES"
KIND = "tamis-failures"
SILENT = "A job ended without a word, as one does that is killed; its log and the workflow's say which."
SHOWN = 3
"""Failed jobs that are named."""
LITTLE = 2_000_000
"""Bytes of free space below which a disk counts as full: a small job's files, a log, Snakemake's records."""

NOTHING = 65_536
"""Bytes with which a run cannot even begin."""

STARTED = time.time()


def open_channel() -> dict[str, str]:
    """Make the file that jobs tell their failures to; the environment that says where it is, empty without one."""
    try:
        number = os.memfd_create(KIND)
    except (AttributeError, OSError):  # not on every system; then the logs alone say it
        return {}
    return {VARIABLE: f"/proc/{os.getpid()}/fd/{number}"}


def _channel() -> str | None:
    path = os.environ.get(VARIABLE, "")
    try:
        return path if f"memfd:{KIND}" in str(Path(path).readlink()) else None
    except OSError:
        return None


def tell(**values: str) -> None:
    """Tell the process that started the workflow."""
    path = _channel()
    if path is not None:
        with contextlib.suppress(OSError), open(path, "ab") as file:  # noqa: PTH123 - a path of /proc
            file.write(json.dumps(values).encode() + b"\n")


def own_log() -> str:
    """The file that this job's words go to, as the user knows it; empty where they go elsewhere."""
    try:
        path = Path("/proc/self/fd/1").readlink()
    except OSError:
        return ""
    return os.path.relpath(path) if path.is_file() else ""


@dataclass(frozen=True)
class Told:
    """What jobs told: whether any work began, and the failures."""

    begun: bool
    failures: tuple[dict[str, Any], ...]


def told(place: str | None = None) -> Told:
    """What was told so far; nothing where there is no channel.

    Args:
        place: the file, where it is not the one of this process's own environment.
    """
    path = place or _channel()
    if path is None:
        return Told(begun=True, failures=())
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError:
        return Told(begun=True, failures=())
    values = [json.loads(line) for line in lines]
    return Told(
        begun=any("begun" in value for value in values),
        failures=tuple(value for value in values if "message" in value),
    )


def _with_stop(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _failed(failures: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for failure in failures[:SHOWN]:
        message = _with_stop(failure["message"]).replace("\n", "\n  ")
        lines.append(f"{failure['job']} failed: {message}")
        if failure["log"]:
            lines.append(f"  Its log: {failure['log']}")
    if len(failures) > SHOWN:
        lines.append(f"… and {len(failures) - SHOWN} more jobs.")
    return lines


def _full(results: Path, directory: Path) -> list[str]:
    """A line a disk that is full, of those that a run writes to."""
    places: dict[int, Path] = {}
    for place in (results, directory / ".snakemake", Path(tempfile.gettempdir())):
        space = trouble.free(place)
        if space is not None and space < LITTLE:
            existing = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
            places.setdefault(existing.stat().st_dev, place)
    return [
        f"the disk is full: {place} has {trouble.size(trouble.free(place) or 0)} left, at least "
        f"{trouble.size(needed(results))} are needed. Make space, or name another output_dir."
        for place in places.values()
    ]


def check_space(results: Path, directory: Path) -> None:
    """Refuse to start where nothing can be written, not even a log.

    Args:
        results: the results folder.
        directory: the working directory.

    Raises:
        FolderError: a disk is full, or a folder cannot be written to.
    """
    for place in (results, directory / ".snakemake"):
        space = trouble.free(place)
        if space is not None and space < NOTHING:
            raise FolderError(trouble.full_disk([place], needed(results)))
        folder = next((folder for folder in (place, *place.absolute().parents) if folder.is_dir()), Path())
        if not os.access(folder, os.W_OK | os.X_OK):
            msg = (
                f"nothing can be written to {place}: {folder} is read-only for you; mount it for writing, change its "
                "owner or mode, or name another output_dir (--directory for the working directory)"
            )
            raise FolderError(msg)


def needed(results: Path) -> int:
    """Bytes that the rest of a run needs at least: as many as the largest stage so far holds; 10 MB without one."""
    largest = 0
    with contextlib.suppress(OSError):
        for folder in results.glob("*/documents"):
            largest = max(largest, sum(path.stat().st_size for path in folder.iterdir()))
    return max(10_000_000, largest)


def failure(
    results: Path, directory: Path, known: Told, command: str, stopped: str = "", more: Sequence[str] = ()
) -> str:
    """What is said of a run that did not end well; empty where Snakemake has said all there is.

    Args:
        results: the results folder.
        directory: the working directory.
        known: what jobs told.
        command: what continues the run.
        stopped: what stopped it, where it was a signal.
        more: what is known of jobs that ran elsewhere and could tell nothing.
    """
    lines = []
    if stopped:
        lines.append(f"{stopped}.")
    else:
        lines += _failed(known.failures)
        lines += [_with_stop(line) for line in more[:SHOWN]]
    if not any("disk is full" in line for line in lines):
        lines += _full(results, directory)
    if lines or known.begun:
        lines.append(f"What is done stays. Continue with: {command}")
    return "\n".join(lines)


def command_line(arguments: Sequence[str]) -> str:
    """The command that continues a run, as it would be typed again."""
    return " ".join(["tamis run", *map(shlex.quote, arguments)])


def _say(text: str) -> None:
    # The terminal may be gone (SIGHUP), or be a file on the disk that is full.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(
            "".join(f"tamis: {line}\n" if line[:1] not in " …" else f"{line}\n" for line in text.splitlines())
        )
        sys.stderr.flush()


def say_failure(
    results: Path,
    directory: Path,
    *,
    command: str,
    place: str | None = None,
    stopped: str = "",
    config: Mapping[str, Any] | None = None,
    more: Sequence[str] = (),
) -> None:
    """Print `failure`, and write the page of what is done.

    Args:
        results: the results folder.
        directory: the working directory.
        command: what continues the run.
        place: the file that jobs told their failures to, where it is not in this process's environment.
        stopped: what stopped it, where it was a signal.
        config: the section `report` of the configuration, which says what the page shows.
        more: what is known of jobs that ran elsewhere.
    """
    known = told(place)
    _say(failure(results, directory, known, command, stopped, more))
    if known.begun:
        _say(so_far(results, known, config, stopped))


def so_far(results: Path, known: Told, config: Mapping[str, Any] | None = None, stopped: str = "") -> str:
    """Write the page of what a run that failed has done, and say where it is; empty where there is none.

    Args:
        results: the results folder.
        known: what jobs told.
        config: the section `report` of the configuration.
        stopped: what stopped it, where it was a signal.
    """
    if not (results / "layout.json").exists():
        # A run of single stages, which makes no page.
        return ""
    # DuckDB, templates and pyarrow, for a run that did not end well alone.
    from tamis.report.settings import Config
    from tamis.report.stopped import write

    # A job that was killed from outside told nothing.
    why = f"{stopped}." if stopped else " ".join(_failed(known.failures)) or SILENT
    try:
        found = write(results, why, Config.model_validate(dict(config or {})))
    except KeyboardInterrupt:
        return "The page of what is done was not written: stopped by Ctrl-C once more."
    except (TamisError, OSError, ValueError) as error:
        return f"The page of what is done could not be written: {error}"
    return f"What is done so far: {found[0]}; its counts: {found[1]}" if found else ""


class Workflow:
    """What a Snakefile says at start and end; nothing where `tamis run` has started it and speaks itself."""

    def __init__(self, results: str, report: Mapping[str, Any] | None = None) -> None:
        """Open the channel, so that all jobs inherit its place.

        Args:
            results: the results folder.
            report: the section `report` of the configuration.

        Raises:
            FolderError: the disk is full.
        """
        self._results = Path(results)
        self._report = report
        self._speaks = "TAMIS_RUN" not in os.environ
        if self._speaks:
            check_space(self._results, Path())
            if _channel() is None:
                os.environ.update(open_channel())
            # Where Snakemake itself cannot write, it ends without calling `error`.
            atexit.register(self._end)

    def _end(self) -> None:
        _say("\n".join(_full(self._results, Path())))

    def start(self) -> None:
        """Jobs begin."""
        tell(begun="yes")
        from tamis.report import stopped

        stopped.clear(self._results)

    def success(self) -> None:
        """Print the alarms that this run has raised."""
        path = self._results / "report" / "alarms.json"
        # A run of single stages does not make the page; alarms of an earlier run are not news.
        if not self._speaks or not path.exists() or path.stat().st_mtime < STARTED:
            return
        from tamis.report import terminal
        from tamis.report.alarms import raised
        from tamis.report.layout import Results

        results = Results.open(self._results)
        if text := terminal.alarms(raised(results), str(self._results / "report" / "index.html")):
            with contextlib.suppress(OSError):
                sys.stderr.write(f"{text}\n")

    def error(self) -> None:
        """Print which jobs failed, and how to continue."""
        if self._speaks:
            atexit.unregister(self._end)
            say_failure(self._results, Path(), command="the same command, with --rerun-incomplete", config=self._report)
