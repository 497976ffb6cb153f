"""Processes that are killed, interrupted, started twice, or found the locks of the dead."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import psutil

from tests.faults.bench import jobs_running, processes_of
from tests.faults.case import Case, NotSurvived, kill_tree
from tests.faults.registry import fault


def _wait_a_while(case: Case, process: object, most: float) -> None:
    """Wait for a random moment of a run; at least until Snakemake runs."""
    moment = time.monotonic() + case.dice.uniform(0.2, most)
    while time.monotonic() < moment and process.poll() is None:  # type: ignore[attr-defined]
        time.sleep(0.02)


def _continued(case: Case, *targets: str) -> None:
    """One command gives the same bytes; a second one finds nothing to do."""
    case.must_succeed(case.run(*targets))
    case.must_be_same()


def _begin(case: Case, number: int) -> tuple[object, tuple[str, ...], float]:
    """Start a run: every third from nothing, the others where a stage is to be made; (process, targets, seconds)."""
    if number % 3 == 0:
        case.nothing("short")
        return case.begin_run(), (), 18.0
    stage = case.unfinished("whole", later=number % 6 == 1)
    targets = () if number % 6 == 1 else (stage,)
    # The start of a run takes about two seconds, a stage about five on a quiet core.
    return case.begin_run(*targets), targets, 30.0 if not targets else 9.0


@fault("kill-everything", 24, quick=2)
def kill_everything(case: Case, number: int) -> None:
    """SIGKILL of the whole process tree at a random moment."""
    process, targets, seconds = _begin(case, number)
    _wait_a_while(case, process, seconds)
    kill_tree(process.pid)  # type: ignore[attr-defined]
    _continued(case, *targets)


@fault("kill-snakemake", 12, quick=2)
def kill_snakemake(case: Case, number: int) -> None:
    """SIGKILL of Snakemake alone; a job that was not forked lives on and finishes writing while the next run works."""
    process, targets, seconds = _begin(case, number)
    _wait_a_while(case, process, seconds)
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children()  # type: ignore[attr-defined]
    for child in children:
        with contextlib.suppress(psutil.Error):
            if "tamis.engine" in child.cmdline():
                child.kill()
    case.end(process)  # type: ignore[arg-type]
    _continued(case, *targets)


@fault("kill-starter", 6, quick=2)
def kill_starter(case: Case, number: int) -> None:
    """SIGKILL of `tamis` alone: the workflow lives on and keeps other runs out until it ends."""
    process, targets, seconds = _begin(case, number)
    time.sleep(1.0)
    _wait_a_while(case, process, seconds / 2)
    process.kill()  # type: ignore[attr-defined]
    case.end(process)  # type: ignore[arg-type]
    second = case.run(*targets)
    if second.code:
        case.must_say(second, "results")
        # Whatever was started has the lock, be it at the very start of its life.
        while processes_of(case.folder):
            time.sleep(0.2)
            _ = case.left
    _continued(case, *targets)


@fault("kill-job", 12, quick=2)
def kill_job(case: Case, number: int) -> None:
    """SIGKILL of one job, as the kernel does when memory is short."""
    process, targets, seconds = _begin(case, number)
    _wait_a_while(case, process, seconds)
    while process.poll() is None:  # type: ignore[attr-defined]
        if jobs := jobs_running(case.folder):
            with contextlib.suppress(psutil.Error):
                case.dice.choice(jobs).kill()
                break
        time.sleep(0.01)
    first = case.end(process)  # type: ignore[arg-type]
    if first.code and "Traceback" in first.text:
        raise NotSurvived(f"a traceback:\n{first.last}")
    _continued(case, *targets)


def _signalled(case: Case, number: int, which: signal.Signals, *, group: bool) -> None:
    process, targets, seconds = _begin(case, number)
    _wait_a_while(case, process, seconds)
    if process.poll() is None:  # type: ignore[attr-defined]
        if group:
            os.killpg(process.pid, which)  # type: ignore[attr-defined]
        else:
            os.kill(process.pid, which)  # type: ignore[attr-defined]
    first = case.end(process)  # type: ignore[arg-type]
    if first.code and "Traceback" in first.text:
        raise NotSurvived(f"{which.name} ended in a traceback:\n{first.last}")
    if left := jobs_running(case.folder):
        raise NotSurvived(f"{which.name} left {len(left)} jobs behind")
    _continued(case, *targets)


@fault("SIGINT", 12, quick=2)
def interrupt(case: Case, number: int) -> None:
    """Ctrl-C, to the process or to its group, once or twice."""
    _signalled(case, number, signal.SIGINT, group=number % 2 == 0)


@fault("SIGTERM", 8, quick=2)
def terminate(case: Case, number: int) -> None:
    """SIGTERM, to the process or to its group."""
    _signalled(case, number, signal.SIGTERM, group=number % 2 == 0)


@fault("SIGHUP", 6, quick=2)
def hang_up(case: Case, number: int) -> None:
    """The terminal is closed."""
    _signalled(case, number, signal.SIGHUP, group=number % 2 == 0)


@fault("stale-lock", 6)
def stale_lock(case: Case, number: int) -> None:
    """Locks and marks of unfinished jobs that a dead run left, and files that were being written."""
    stage = case.unfinished("short", later=number % 2 == 1)
    hidden = case.folder / ".snakemake"
    if number % 3 == 0:
        (case.results / ".tamis.lock").write_text("1\n")
        (hidden / "tamis.lock").write_text("1\n")
    for name in ("0.input.lock", "0.output.lock"):
        (hidden / "locks").mkdir(exist_ok=True)
        (hidden / "locks" / name).write_text("results/tokenizer/tokenizer.json\nresults/stats.parquet\n")
    if number % 3 == 1:
        for path in list((hidden / "metadata").rglob("*"))[:: 3 + number]:
            if path.is_file():
                target = hidden / "incomplete" / path.relative_to(hidden / "metadata")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
    if number % 3 == 2:
        for folder in ("export/first/parquet", "line_pruning/documents", "mixtures/first/documents"):
            (case.results / folder).mkdir(parents=True, exist_ok=True)
            (case.results / folder / ".part-00000.parquet.a1b2c3d4.tmp").write_bytes(b"half a file")
    # A run of one target looks at its own folders only.
    _continued(case, *(() if number % 2 or number % 3 == 2 else (stage,)))


@fault("two-runs", 8, heavy=True)
def two_runs(case: Case, number: int) -> None:
    """A second run starts while one works on the same results."""
    if number % 2:
        case.nothing("short")
    else:
        case.unfinished("short", later=True)
    first = case.begin_run()
    if number % 4 != 3:
        time.sleep(case.dice.uniform(0.5, 8))
    second = case.begin_run()
    ended = [case.end(first), case.end(second)]
    refused = [one for one in ended if one.code]
    if len(refused) > 1:
        raise NotSurvived(f"both runs failed:\n{refused[0].last}\n{refused[1].last}")
    for one in refused:
        case.must_say(one, "results")
    case.must_be_same()
    _continued(case)


@fault("moved", 4, heavy=True)
def moved(case: Case, number: int) -> None:
    """The working directory is moved, or copied with other times, between two runs."""
    case.unfinished("short", later=True)
    process = case.begin_run()
    _wait_a_while(case, process, 10)
    kill_tree(process.pid)
    away = case.folder.with_name("elsewhere")
    if number < 2:
        case.folder.rename(away)
    else:
        shutil.copytree(case.folder, away, symlinks=True, copy_function=shutil.copy)
        shutil.rmtree(case.folder)
    away.rename(case.folder) if number == 0 else _rename_case(case, away)
    _continued(case)


def _rename_case(case: Case, folder: Path) -> None:
    case.folder = folder
