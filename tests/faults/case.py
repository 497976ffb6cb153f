"""One case: a folder, seeded dice, and what may be asserted about what `tamis` said and left."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil
import yaml

from tests.faults.bench import RUN, Bench, Bytes, delivered, differences, environment, processes_of, write_config

REMEDY = re.compile(
    r"\b(add|ask|change|choose|continue|copy|correct|delete|download|fetch|free|give|leave|lower|make|mend|mount|move|name|put|raise|"
    r"remove|rename|repair|replace|restore|run|set|start|stop|take|unmount|unpack|wait|write)\b",
    re.IGNORECASE,
)
"""A word that tells a person what to do."""


class NotSurvived(Exception):  # noqa: N818 - a verdict on tamis, not an error of the harness
    """The case ended in other bytes, or in an error that does not help."""


class CannotBeTried(Exception):  # noqa: N818 - likewise
    """This machine does not allow the case."""


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code and all it printed, error logs of jobs included."""

    code: int
    text: str

    @property
    def last(self) -> str:
        """The end of what it printed, for a report."""
        return self.text[-1500:].strip()


@dataclass
class Case:
    """A case of a class of faults; everything random comes from `dice`."""

    name: str
    bench: Bench
    folder: Path
    dice: Random
    seconds: float
    cleanup: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    chain: str = ""
    output_dir: str = "results"

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.seconds - self.bench.seconds

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.folder / self.output_dir

    @property
    def left(self) -> float:
        """Seconds that the case may still take; what it shares with others does not count."""
        if (left := self.deadline + self.bench.seconds - time.monotonic()) <= 0:
            raise NotSurvived(f"did not end within {self.seconds:.0f} s")
        return left

    # What there is before the fault.

    def finished(self, chain: str, *, exchange: bool = False) -> None:
        """Begin with a finished run."""
        self.chain = self.bench.chain(chain)
        shutil.copytree(
            self.bench.reference(self.chain, exchange=exchange), self.folder, symlinks=True, dirs_exist_ok=True
        )

    def unfinished(self, chain: str, *, later: bool = False) -> str:
        """Begin with a finished run of which all that one stage wrote is missing; the stage, which the dice choose.

        Args:
            chain: of `CHAINS`.
            later: whether everything after the stage is missing too, as in a run that has come so far.
        """
        self.finished(chain)
        stages = self.stages()
        stage = self.dice.choice(self.chosen(stages))
        for name in stages[stages.index(stage) :] if later else [stage]:
            self.take_away(name)
        if later:
            shutil.rmtree(self.results / "report")
            for name in ("stats.parquet", "notes.parquet", "manifest.json", "tamis.duckdb"):
                (self.results / name).unlink()
        return stage

    def take_away(self, stage: str) -> None:
        """Delete all that a stage wrote."""
        shutil.rmtree(self.results / stage)
        shutil.rmtree(self.results / "sampling" / stage, ignore_errors=True)

    def nothing(self, chain: str) -> dict[str, Any]:
        """Begin with corpus and configuration alone."""
        self.chain = self.bench.chain(chain)
        return self.bench.fresh(self.folder, self.chain)

    def config(self) -> dict[str, Any]:
        """The configuration as it stands in the case's folder."""
        return yaml.safe_load((self.folder / "test.yaml").read_text(encoding="utf-8"))

    def configure(self, config: dict[str, Any]) -> None:
        """Write another configuration."""
        write_config(self.folder, config)

    def stages(self) -> list[str]:
        """Targets in the order of the workflow."""
        sets = [name for name in ("validation", "annealing", "mixtures") if self.config().get(name)]
        return ["ingest", *self.config()["pipeline"], "tokenizer", *sets, "export"]

    def chosen(self, stages: list[str]) -> list[str]:
        """Those of some stages that may be broken; all where the command line names none of them."""
        return [stage for stage in stages if stage in self.bench.stages] or stages

    # Commands.

    def begin(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start `tamis` in a session of its own; what it prints goes to a file beside the case's folder."""
        said = tempfile.NamedTemporaryFile("w+", dir=self.folder.parent, prefix="said-", delete=False, errors="replace")  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-m", "tamis.cli", *arguments],
            cwd=cwd or self.folder,
            env=environment(),
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        said.close()
        process.said = Path(said.name)  # type: ignore[attr-defined]
        return process

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a command that was begun."""
        try:
            process.wait(self.left)
        except subprocess.TimeoutExpired:
            kill_tree(process.pid)
            raise NotSurvived(f"did not end within {self.seconds:.0f} s") from None
        said: Path = process.said  # type: ignore[attr-defined]
        return Ended(process.returncode, said.read_text(encoding="utf-8", errors="replace"))

    def tamis(self, *arguments: str, cwd: Path | None = None) -> Ended:
        """Run a `tamis` command to its end."""
        return self.end(self.begin(*arguments, cwd=cwd))

    def begin_run(self, *targets: str, more: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start `tamis run`."""
        return self.begin("run", *targets, *RUN, *more)

    def run(self, *targets: str, more: tuple[str, ...] = ()) -> Ended:
        """`tamis run` to its end."""
        return self.end(self.begin_run(*targets, more=more))

    def job(self, command: str, log: str) -> Ended:
        """One job's own command, as the workflow gave it to its shell; what it said is in its log."""
        done = subprocess.run(
            ["bash", "-c", f"set -euo pipefail; {command}"],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.left,
            check=False,
        )
        said = self.folder / log
        text = said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""
        return Ended(done.returncode, text + done.stdout + done.stderr)

    # What must hold afterwards.

    def must_be_same(self, expected: Bytes | None = None) -> None:
        """Everything delivered has the bytes of a run that nothing happened to."""
        expected = self.bench.expected(self.chain) if expected is None else expected
        if found := differences(delivered(self.results), expected):
            raise NotSurvived(f"{len(found)} files differ: {'; '.join(found[:4])}")

    def must_succeed(self, ended: Ended, what: str = "tamis run") -> None:
        """A command ended well."""
        if ended.code:
            raise NotSurvived(f"{what} ended with {ended.code}:\n{ended.last}")

    def must_say(self, ended: Ended, *names: str | Path, remedy: bool = True, listing: bool = False) -> None:
        """A command failed and said in words which file is meant (one of `names`) and what to do.

        Args:
            ended: the command.
            names: of files, folders or keys.
            remedy: whether it must say what to do, beside the name.
            listing: whether it names many files, so that what to do stands once, in its last line.
        """
        if not ended.code:
            raise NotSurvived(f"exit code 0 where an error was due that names {names[0]}:\n{ended.last}")
        # Snakemake's own account of a failed rule is not an error that tamis gave.
        said = "\n".join(line for line in ended.text.splitlines() if not SNAKEMAKE.match(line))
        if "Traceback (most recent call last)" in said:
            raise NotSurvived(f"a traceback:\n{ended.last}")
        lines = said.splitlines()
        about = [at for at, line in enumerate(lines) if any(str(name) in line for name in names)]
        if not about:
            raise NotSurvived(f"the error does not name {' or '.join(map(str, names))}:\n{ended.last}")
        message = "\n".join(line for at in about for line in lines[at : at + 3])
        message += "\n" + lines[-1] if listing else ""
        for name in names:
            message = message.replace(str(name), "")
        if remedy and not REMEDY.search(message):
            raise NotSurvived(f"the error says nothing to do:\n{ended.last}")

    def must_not_have_run(self) -> None:
        """No text was executed by a shell."""
        if found := [path for path in self.folder.rglob("*") if path.name.startswith("executed")]:
            raise NotSurvived(f"a text was executed: {found[0].name} was made")


SNAKEMAKE = re.compile(
    r"^(\s+((input|output|log|jobid|benchmark|reason|wildcards|resources|message|shell|params|priority|threads|conda-env)\b|python -m tamis).*"
    r"|\[.*\]|Execute \d+ jobs.*|(local)?rule .*|Error in rule .*|Finished jobid.*|Select jobs.*|Command '.*|Complete log.*|Logfile .*"
    r"|Using workflow specific profile.*|RuleException.*|CalledProcessError.*|Shutting down.*|Removing output files.*)"
)
"""Lines by which Snakemake accounts for its jobs; they name every file of a job and are no message about any."""


def kill_tree(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process and all that descend from it."""
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)


@contextlib.contextmanager
def opened(name: str, bench: Bench, seed: int, seconds: float) -> Iterator[Case]:
    """A case with a folder of its own, which is taken away in the end with all that still runs in it."""
    place = Path(tempfile.mkdtemp(prefix="case-", dir=bench.root))
    folder = place / "work"
    folder.mkdir()
    # Not the seconds since the start or the folder: the same name and seed throw the same dice.
    case = Case(name, bench, folder, Random(f"{seed}/{name}"), seconds)  # noqa: S311 - repeatable on purpose
    try:
        with case.cleanup:
            try:
                yield case
            finally:
                for process in processes_of(folder):
                    with contextlib.suppress(psutil.Error):
                        process.kill()
    finally:
        for _ in range(20):
            with contextlib.suppress(OSError):
                shutil.rmtree(place)
                break
            time.sleep(0.2)
