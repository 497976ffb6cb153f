"""`tamis clean`: delete what earlier runs have moved to `retired/`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tamis.errors import SourceError
from tamis.report.layout import Results
from tamis.sweep import RETIRED


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; what links point to is not counted."""
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum(
        (Path(folder) / name).lstat().st_size for folder, _, names in os.walk(path, followlinks=False) for name in names
    )


def retired(folder: Path) -> list[Path]:
    """What lies in `retired/`: a stage, a mixture, an export each."""
    root = folder / RETIRED
    found = []
    for path in sorted(root.iterdir()) if root.is_dir() and not root.is_symlink() else []:
        several = path.is_dir() and path.name in ("annealing", "mixtures", "export", "sampling", "logs", "benchmarks")
        found += sorted(path.iterdir()) if several else [path]
    return found


def run(folder: Path, *, yes: bool, dry_run: bool, say: Callable[[str], None]) -> int:
    """Name what is there and how large, and delete it once that is confirmed.

    Raises:
        SourceError: it has to be confirmed, and there is no terminal to ask.
    """
    Results.open(folder)
    found = retired(folder)
    if not found:
        say(f"{folder / RETIRED}: nothing there.")
        return 0
    sizes = [size(path) for path in found]
    for path, count in zip(found, sizes, strict=True):
        say(f"{count:>15,} bytes  {path}")
    say(f"{sum(sizes):>15,} bytes in all")
    if dry_run:
        return 0
    if not yes:
        if not sys.stdin.isatty():
            msg = "nothing was deleted: nobody is there to confirm it; give --yes, or --dry-run to look only"
            raise SourceError(msg)
        sys.stdout.write("Delete all of it? [y/N] ")
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            return 0
    shutil.rmtree(folder / RETIRED)
    say("Deleted.")
    return 0
