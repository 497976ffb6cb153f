"""Disks that fill up or cannot be written to, on a small tmpfs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.faults.case import CannotBeTried, Case
from tests.faults.registry import fault

FULL = ("No space left", "no space left", "disk is full", "full")
READ_ONLY = ("read-only", "Read-only", "cannot be written", "not writable")


def _mount(case: Case, folder: Path, size: int) -> None:
    """Put a tmpfs of so many bytes in the place of a folder, with what the folder holds."""
    kept = folder.with_name(f"{folder.name}.kept")
    folder.rename(kept)
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"a tmpfs cannot be mounted here ({done.stderr.strip() or done.returncode}); it takes root"
        raise CannotBeTried(message)
    case.cleanup.callback(lambda: subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True))
    shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(kept)


def _remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


def _used(folder: Path) -> int:
    """Bytes that a folder takes on a tmpfs: whole pages, and about a page a name."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file()) + 65536


@fault("disk-full", 24)
def disk_full(case: Case, number: int) -> None:
    """No space is left while a stage writes; with more space, one command continues."""
    whole = number % 4 == 3
    case.finished("whole")
    names = case.chosen(case.stages())
    stage = names[number % len(names)]
    before = _used(case.results / stage)
    case.take_away(stage)
    disk = case.folder if whole else case.results
    room = int(case.dice.uniform(0.02, 0.8) * before)
    _mount(case, disk, _used(disk) + room)
    ended = case.run(stage)
    if ended.code:
        case.must_say(ended, *FULL)
    _remount(disk, "size=1g")
    case.must_succeed(case.run(stage))
    case.must_be_same()


@fault("disk-full-from-nothing", 6, heavy=True)
def disk_full_from_nothing(case: Case, number: int) -> None:
    """A run from nothing on a disk that is too small, at whatever file that is."""
    config = case.nothing("short")
    case.results.mkdir()
    reference = case.bench.reference(case.chain) / config["output_dir"]
    _mount(case, case.results, int(case.dice.uniform(0.01, 0.9) * _used(reference)) // 4096 * 4096 + 4096)
    ended = case.run()
    if ended.code:
        case.must_say(ended, *FULL)
    _remount(case.results, "size=1g")
    case.must_succeed(case.run())
    case.must_be_same()


@fault("read-only", 6)
def read_only(case: Case, number: int) -> None:
    """The results folder, or the working directory, cannot be written to."""
    stage = case.unfinished("short")
    disk = case.folder if number % 3 == 2 else case.results
    _mount(case, disk, 2**30)
    _remount(disk, "ro")
    ended = case.run(stage)
    case.must_say(ended, *READ_ONLY)
    case.must_say(ended, "results" if disk == case.results else case.folder.name, "results", ".snakemake")
    if number % 3 == 1:
        for question in (("waterfall",), ("sql", "SELECT count(*) FROM dropped"), ("verify",)):
            asked = case.tamis(*question)
            if asked.code:
                case.must_say(asked, "results", stage, listing=question == ("verify",))
    _remount(disk, "rw")
    case.must_succeed(case.run(stage))
    case.must_be_same()
