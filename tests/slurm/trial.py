"""One run on the cluster: its folder, what goes wrong in it, and whether it ended as the run on local cores."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.faults.bench import ROOT, Bench, delivered, differences, environment
from tests.slurm.cluster import Cluster, wait_until

PROFILE = ROOT / "profiles" / "slurm" / "profile.yaml"
SECONDS = 1800
"""Longest that a run may take."""

OVER = threading.Event()
"""Set when nothing is to be started any more."""

QUICK: dict[str, Any] = {
    # Small nodes, small jobs; and nobody else asks this controller.
    "slurm-init-seconds-before-status-checks": 1,
    "max-jobs-per-timespan": "100/1s",
    "cores": 2,
    "latency-wait": 30,
}
MEMORY = "500 * attempt + 600"


def write_profile(folder: Path, **changes: Any) -> Path:
    """The project's profile with what makes it quick on small nodes, in a folder of its own.

    Args:
        folder: to be made.
        changes: of keys (`_` for `-`); `default_resources` is laid over that of the profile.
    """
    profile = yaml.safe_load(PROFILE.read_text(encoding="utf-8")) | QUICK
    profile["default-resources"] |= {"mem_mb": MEMORY} | changes.pop("default_resources", {})
    profile |= {name.replace("_", "-"): value for name, value in changes.items()}
    folder.mkdir()
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    return folder


def with_gpu_partition(steps: Collection[str]) -> dict[str, Any]:
    """`set-resources` of the project's profile where its lines of some rules of an encoder are no comments any more.

    They name the partition `gpu`.
    """
    text = PROFILE.read_text(encoding="utf-8")
    for step in steps:
        text, lines = re.subn(rf"^  # (transformer_quality_{step}: \{{)", r"  \1", text, flags=re.MULTILINE)
        if lines != 1:
            raise ValueError(f"{PROFILE}: {lines} lines of the rule transformer_quality_{step}")
    return dict(yaml.safe_load(text)["set-resources"])


def on_nodes(cluster: Cluster, marks: Path) -> dict[str, str]:
    """The environment of a run on the cluster."""
    here, there = environment(), cluster.environment()
    return here | {
        "SLURM_CONF": there["SLURM_CONF"],
        "PATH": f"{cluster.folder / 'bin'}{os.pathsep}{here['PATH']}",
        "PYTHONPATH": f"{ROOT / 'tests' / 'slurm' / 'nodes'}{os.pathsep}{here['PYTHONPATH']}",
        "TAMIS_TEST_MARKS": str(marks),
    }


def run_command(profile: Path, *more: str) -> list[str]:
    """`tamis run` of the configuration `test.yaml`."""
    given = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "test.yaml", "--profile", str(profile)]
    return [sys.executable, "-m", "tamis.cli", "run", *more, *given]


@dataclass
class Trial:
    """A folder in which `tamis run` sends its jobs to the cluster."""

    bench: Bench
    cluster: Cluster
    folder: Path
    chain: str
    profile: Path = field(init=False)
    marks: Path = field(init=False)
    said: str = ""
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.marks = self.folder / "marks"
        self.marks.mkdir()
        self.profile = write_profile(self.folder / "profile")

    @property
    def work(self) -> Path:
        """The working directory."""
        return self.folder / "work"

    @property
    def results(self) -> Path:
        """What comes out."""
        return self.work / "results"

    def fresh(self) -> None:
        """Begin with corpus and configuration alone."""
        self.work.mkdir()
        self.bench.fresh(self.work, self.chain)

    def without(self, stage: str) -> None:
        """Begin with a finished run of which all that one stage wrote is missing, and ask for that stage."""
        self.targets = (stage,)
        shutil.copytree(self.bench.reference(self.chain), self.work, symlinks=True)
        shutil.rmtree(self.results / stage)

    def begin(self) -> subprocess.Popen[str]:
        """Start `tamis run` in a session of its own.

        Raises:
            RuntimeError: all is `OVER`.
        """
        if OVER.is_set():
            raise RuntimeError("stopped")
        with (self.folder / "said").open("a", encoding="utf-8") as said:
            return subprocess.Popen(
                run_command(self.profile, *self.targets),
                cwd=self.work,
                env=on_nodes(self.cluster, self.marks),
                stdout=said,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )

    def end(self, process: subprocess.Popen[str]) -> int:
        """Wait for its end; its exit code."""
        try:
            process.wait(SECONDS)
        except BaseException:
            kill_tree(process.pid)
            raise
        finally:
            self.said = (self.folder / "said").read_text(encoding="utf-8", errors="replace")
        return process.returncode

    def run(self) -> int:
        """`tamis run` to its end."""
        return self.end(self.begin())

    def mark(self, job: str, what: str, amount: float) -> None:
        """Have the first job of a stage and step (`line_pruning-map`) hold for seconds, or hog megabytes."""
        (self.marks / job).write_text(f"{what} {amount}\n", encoding="utf-8")

    def begun(self, job: str, process: subprocess.Popen[str]) -> tuple[str, str]:
        """Wait until the marked job has begun; its number in SLURM and its node."""
        path = self.marks / f"{job}.begun"

        def there() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the run ended before {job} began:\n{(self.folder / 'said').read_text()[-3000:]}")
            return path.exists() and bool(path.read_text(encoding="utf-8"))

        wait_until(there, SECONDS, f"{job} began")
        number, node = path.read_text(encoding="utf-8").split()
        return number, node

    def differences(self) -> list[str]:
        """What differs from the run on local cores, a line each."""
        return differences(delivered(self.results), self.bench.expected(self.chain))

    def left_in_queue(self) -> list[tuple[str, str, str]]:
        """Jobs that still run or wait."""
        return self.cluster.jobs("RUNNING,PENDING,COMPLETING")

    def is_quiet(self, seconds: float = 30) -> bool:
        """Whether nothing is left in the queue, soon."""
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not self.left_in_queue(), seconds, "an empty queue")
            return True
        return False


def hear_ctrl_c() -> None:
    """Take SIGINT as a process does that is started from a terminal, and have all take it so that are started from now on.

    A shell that puts `make test-slurm` into the background has it hear no Ctrl-C, nor what it starts.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def kill_tree(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process and all that descend from it."""
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)


def pause(seconds: float) -> None:
    """Let the cluster be broken for a while."""
    time.sleep(seconds)
