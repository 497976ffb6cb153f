"""Hold a results folder against its manifest: `tamis verify`, and the quick look when `tamis run` starts.

Each file that is missing, added, or not as the manifest says is named, with the job that makes it. `--repair` takes the
damaged ones away: the next run asks for what is missing (`tamis.targets.asked_again`) and makes the same bytes again.
Exchange files that are gone are no damage, because a job that needs one has it made. What the manifest cannot answer
for (itself, the database, the page) is looked at for being whole, and held against the records that these bring.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tamis.errors import SourceError
from tamis.file_states import sha256_of
from tamis.inventory import is_exchange
from tamis.report import record
from tamis.report.hashes import in_threads
from tamis.report.layout import Results
from tamis.shards import read_json
from tamis.sweep import decide, look

MANIFEST = "manifest.json"

DIFFERENT = 2
"""Exit code where a folder is not as its manifest says."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fault:
    """One file that is not as it should be."""

    path: str
    what: str
    """missing, added or differs, with what was expected and found."""
    job: str
    damaged: bool
    """Whether it is there and has to go, so that it is made again."""


@dataclass
class Verdict:
    """What was found in a results folder."""

    files: int = 0
    """Files that were held against the manifest."""
    faults: list[Fault] = field(default_factory=list)
    exchange: int = 0
    """Exchange files that are gone."""
    remarks: list[str] = field(default_factory=list)


def expected(folder: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The manifest of a results folder, and what it says of each file by its path.

    Raises:
        SourceError: it is missing or damaged.
    """
    path = folder / MANIFEST
    try:
        value = read_json(path)
        return value, {file["path"]: file for output in value["outputs"].values() for file in output["files"]}
    except FileNotFoundError as error:
        msg = (
            f"{path}: missing, so there is nothing to hold {folder} against. It is written at the end of a run: start "
            "or continue one with `tamis run`, or name another folder with --results."
        )
        raise SourceError(msg) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path}: damaged ({error}). Delete it and run the workflow again; it takes the time to read all files."
        raise SourceError(msg) from error


def _compare(folder: Path, entry: dict[str, Any], *, fast: bool) -> Fault | None:
    """What is wrong with one file."""
    path, job = entry["path"], entry.get("job", "")
    try:
        size = (folder / path).stat().st_size
        if size != entry["bytes"]:
            return Fault(path, f"differs: {size:,} bytes, not {entry['bytes']:,}", job, damaged=True)
        if not fast and (found := sha256_of(folder / path)) != entry["sha256"]:
            return Fault(path, f"differs: sha256 {found[:12]}…, not {entry['sha256'][:12]}…", job, damaged=True)
    except (FileNotFoundError, NotADirectoryError):
        return Fault(path, "missing", job, damaged=False)
    except OSError as error:
        return Fault(path, f"differs: cannot be read ({error})", job, damaged=True)
    return None


def broken(path: Path) -> str | None:
    """Why a file cannot be whole, from its size and its end; None where nothing speaks against it."""
    size = path.stat().st_size
    if not size:
        return "it is empty"
    with path.open("rb") as file:
        file.seek(max(0, size - 16))
        end = file.read()
    ends = {".parquet": b"PAR1", ".arrow": b"ARROW1", ".html": b"</html>", ".svg": b"</svg>", ".json": b"}"}
    wanted = ends.get(path.suffix)
    if wanted and not end.rstrip().endswith((wanted, b"]") if path.suffix == ".json" else wanted):
        return f"its end is not that of a {path.suffix[1:]} file"
    if path.suffix == ".duckdb":
        return _broken_database(path)
    return None


def _broken_database(path: Path) -> str | None:
    import duckdb

    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        return f"DuckDB refuses it ({str(error).splitlines()[0]})"
    return None


def _whole(results: Results, names: list[str], jobs: dict[str, str], *, fast: bool) -> Iterator[Fault]:
    """Faults of files that are not in the manifest, by the records of those that make them."""
    recorded: dict[str, dict[str, Any]] = {}
    for name in (record.PAGE, record.DATABASE):
        try:
            recorded |= {entry["path"]: entry for entry in record.entries(results.folder, [name])}
        except (SourceError, ValueError, KeyError, TypeError) as error:
            yield Fault(name, f"differs: {error}", jobs.get(name, ""), damaged=True)
            names = [other for other in names if other != name]
    for name in names:
        path = results.folder / name
        if not path.exists():
            yield Fault(name, "missing", jobs.get(name, ""), damaged=False)
        elif reason := broken(path):
            yield Fault(name, f"differs: {reason}", jobs.get(name, ""), damaged=True)
        elif name in recorded and (fault := _compare(results.folder, recorded[name], fast=fast)):
            yield Fault(name, fault.what, jobs.get(name, ""), damaged=True)


def verify(folder: Path, *, fast: bool = False, progress: Progress | None = None) -> Verdict:
    """Hold a results folder against its manifest.

    Args:
        folder: the results, wherever they lie now.
        fast: compare sizes only.
        progress: called with bytes done and bytes in all.

    Raises:
        SourceError: there is no manifest or layout, or a damaged one.
    """
    results = Results.open(folder)
    manifest, files = expected(folder)
    inventory = results.layout.inventory
    verdict = Verdict(files=len(files))
    if manifest["layout"] != results.layout.model_dump(mode="json", exclude={"inventory"}):
        verdict.remarks.append(
            "the manifest is that of an earlier run: a run with another configuration has begun and is not finished"
        )
    total, done = sum(entry["bytes"] for entry in files.values()), 0
    entries = [files[path] for path in sorted(files)]
    answers = in_threads(lambda entry: _compare(folder, entry, fast=fast), entries)
    for entry, fault in zip(entries, answers, strict=True):
        done += entry["bytes"]
        if progress:
            progress(done, total)
        if fault and fault.what == "missing" and is_exchange(fault.path):
            verdict.exchange += 1
        elif fault:
            verdict.faults.append(fault)
    jobs = inventory.jobs()
    later = sorted(path for path in jobs if path not in files and path != MANIFEST and not is_exchange(path))
    verdict.faults += _whole(results, later, jobs, fast=fast)
    decision = decide(look(folder, inventory.folders), inventory)
    verdict.faults += [
        Fault(path, "added: no job of this configuration makes it", "", damaged=False)
        for path in (*decision.delete, *decision.retire, *decision.foreign)
    ]
    return verdict


def repair(folder: Path, verdict: Verdict) -> list[str]:
    """Take the damaged files away.

    Returns:
        Their paths, relative to the folder.
    """
    gone = [fault.path for fault in verdict.faults if fault.damaged]
    for path in gone:
        (folder / path).unlink(missing_ok=True)
    return gone


def bar(done: int, total: int) -> None:
    """Progress in a terminal, on one line of stderr."""
    share = done / total if total else 1.0
    sys.stderr.write(f"\r{share:4.0%} of {total / 1e6:,.0f} MB" + ("\n" if done >= total else ""))
    sys.stderr.flush()


WORDS = {"missing": "missing", "differs": "different", "added": "added"}


def report(verdict: Verdict, folder: Path) -> str:
    """What was found, for people."""
    lines = [f"{folder}: {remark}" for remark in verdict.remarks]
    lines += [
        f"{fault.path}: {fault.what}" + (f" (made by {fault.job})" if fault.job else "") for fault in verdict.faults
    ]
    if verdict.exchange:
        lines.append(f"{verdict.exchange} exchange files are gone; jobs that need them have them made again.")
    kinds = Counter(fault.what.partition(":")[0] for fault in verdict.faults)
    found = ", ".join(f"{kinds[kind]:,} {word}" for kind, word in WORDS.items() if kinds[kind])
    lines.append(f"{verdict.files:,} files of the manifest: {found or 'all are as it says'}.")
    return "\n".join(lines)


def run(folder: Path, *, fast: bool, mend: bool, say: Callable[[str], None]) -> int:
    """`tamis verify`: 0 whole, 2 not as the manifest says (an error of tamis is 1)."""
    verdict = verify(folder, fast=fast, progress=bar if sys.stderr.isatty() else None)
    say(report(verdict, folder))
    if mend and verdict.faults:
        gone = repair(folder, verdict)
        for path in gone:
            say(f"taken away: {path}")
        say("The next run (`tamis run`, with the configuration of these results) makes what is missing again.")
    elif verdict.faults:
        say("Mend it: `tamis verify --repair` takes damaged files away, and `tamis run` makes what is missing again.")
    return DIFFERENT if verdict.faults else 0


UNKNOWN_END = re.compile(r".*\.(md|txt)")
"""Files that a truncated copy of cannot be told from; they are made again in no time."""


def quick_look(folder: Path) -> list[str]:
    """Take away files that were cut short or emptied since the manifest was written; what `tamis run` does first.

    Only sizes and ends of files are looked at. A file newer than the manifest may be that of a run that did not finish,
    so a size of its own is no damage there, if its end is whole.

    Returns:
        A sentence for each file that went.
    """
    said = []
    try:
        _, files = expected(folder)
        written = (folder / MANIFEST).stat().st_mtime_ns
    except SourceError:
        files, written = {}, 0
        if (path := folder / MANIFEST).exists():
            path.unlink()
            said.append(f"{path}: damaged; taken away, and made again.")
    for name in sorted(files):
        path = folder / name
        try:
            state = path.stat()
        except OSError:
            continue
        if state.st_size == files[name]["bytes"]:
            continue
        reason = broken(path)
        if reason is None and (state.st_mtime_ns <= written or UNKNOWN_END.fullmatch(name)):
            reason = f"it has {state.st_size:,} bytes, and the manifest says {files[name]['bytes']:,}"
        if reason:
            path.unlink()
            said.append(f"{path}: damaged ({reason}); taken away, and made again.")
    pages = ("report/index.html", "report/waterfall.svg", "report/alarms.json", record.PAGE, record.DATABASE)
    for name in ("tamis.duckdb", *pages):
        path = folder / name
        if path.is_file() and (reason := broken(path)):
            path.unlink()
            said.append(f"{path}: damaged ({reason}); taken away, and made again.")
    return said
