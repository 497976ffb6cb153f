"""Run a program and say what it took; run single stages of tamis through Snakemake, as a user does."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cost:
    """What a program and all its children took: by the clock, and of processors (which neighbours hardly touch)."""

    seconds: float
    cpu: float


def _adopt_orphans() -> None:
    """Make processes whose parent has ended children of this one, so that their processor time can be read (Linux)."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def measured(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Cost:
    """Run a program to its end, and end this one with its last words if it fails."""
    _adopt_orphans()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    log = folder / f"{Path(command[1]).stem}.log"
    with log.open("w") as file:
        code = subprocess.run(command, cwd=folder, env=environment, stdout=file, stderr=file, check=False).returncode
    seconds = time.perf_counter() - begin
    # Servers that a pool left behind end by themselves; their time counts.
    with contextlib.suppress(ChildProcessError):
        while time.perf_counter() < begin + seconds + 20:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.05)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        sys.exit(f"{' '.join(command)} failed in {folder}:\n{log.read_text()[-3000:]}")
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def parquet_source(corpus: Path) -> dict[str, Any]:
    """The section of a source for a corpus of `corpus.py`."""
    paths = [str(corpus / "input" / "*.parquet")]
    return {"name": "generated", "format": "parquet", "paths": paths, "url_column": "url", "date_column": "date"}


class Runner:
    """A workflow of ingest and some stages in a folder of its own."""

    def __init__(
        self, folder: Path, source: dict[str, Any], pipeline: list[str], shards: int, cores: int, **sections: Any
    ) -> None:
        """Write the configuration."""
        self.folder, self.cores, self.last = folder, cores, Cost(0.0, 0.0)
        self.results = folder / "results"
        folder.mkdir(parents=True, exist_ok=True)
        config = {"output_dir": "results", "shards": shards, "sources": [source], "pipeline": pipeline, **sections}
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    def documents(self, stage: str) -> Path:
        """Folder of a stage's documents."""
        return self.results / stage / "documents"

    def snakemake(self, target: str) -> Cost:
        """What one call of Snakemake took."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--configfile", "config.yaml", "--workflow-profile", str(ROOT / "profiles" / "default")]
        command += ["--cores", str(self.cores), target]
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": programs, "TERM": "dumb", "NO_COLOR": "1"}
        return measured(command, self.folder, environment)

    def ingest(self) -> Cost:
        """Make ingest's documents; not part of what is compared."""
        return self.snakemake("ingest")

    def run(self, stage: str) -> Cost:
        """What one stage took from the documents before it; what an earlier run left is removed first."""
        for name in (stage, f"logs/{stage}", f"benchmarks/{stage}"):
            shutil.rmtree(self.results / name, ignore_errors=True)
        self.last = self.snakemake(stage)
        return self.last

    def steps(self, stage: str) -> list[list[str]]:
        """Step → jobs, their seconds and CPU seconds, summed, and most memory, from Snakemake's benchmark files."""
        found: dict[str, list[tuple[float, float, float]]] = {}
        for path in sorted((self.results / "benchmarks" / stage).glob("*.tsv"), key=lambda path: path.stat().st_mtime):
            step = "barriers" if "barrier" in path.stem else re.sub(r"-\d+$", "", path.stem)
            with path.open() as file:
                row = next(csv.DictReader(file, delimiter="\t"))
            # Jobs of a few hundredths of a second are over before Snakemake looks at their memory.
            values = [0.0 if row[name] in ("NA", "-") else float(row[name]) for name in ("s", "cpu_time", "max_rss")]
            found.setdefault(step, []).append((values[0], values[1], values[2]))
        return [
            [step, str(len(rows)), f"{sum(row[0] for row in rows):.1f}", f"{sum(row[1] for row in rows):.1f}",
             f"{max(row[2] for row in rows):.0f}"]
            for step, rows in found.items()
        ]  # fmt: skip
