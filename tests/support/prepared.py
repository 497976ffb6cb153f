"""Snakemake's command line in processes forked from one that has imported it and what the rules import.

Of the CPU time of a dry run most is imports, the same ones each time, and the workflow tests start about two hundred. A
forked process has what a fresh one has after its imports; everything from the command line on happens in it: parsing, the
graph, jobs (processes of their own), messages, exit code. What is about starting itself is tried with `tamis run`.

As a program, answer requests (a line of JSON each) until standard input is closed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, NoReturn

RULES = Path(__file__).parents[2] / "rules"


class Done(NamedTuple):
    """A command that has ended: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


class Prepared:
    """A process that has imported Snakemake and forks for each command."""

    def __init__(self, environment: Mapping[str, str], root: Path) -> None:
        """Start it with the environment that its commands will have."""
        self.environment = dict(environment)
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=root,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], printed: Path, seconds: float
    ) -> Done:
        """Run Snakemake with some arguments in a folder.

        Args:
            arguments: of Snakemake.
            folder: the working directory.
            environment: of the command.
            printed: an empty folder for what it prints.
            seconds: longest that it may take.

        Raises:
            subprocess.TimeoutExpired: it took longer, and was killed.
        """
        request = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
        request |= {"printed": str(printed), "seconds": seconds}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that runs Snakemake for the tests has ended"
        code = json.loads(answer)
        if code == -signal.SIGALRM:
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        out, errors = ((printed / name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
        return Done(code, out, errors)

    def end(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def imported_by_rules() -> set[str]:
    """The modules of tamis that the rules import, by their first lines or with the names of their jobs' stages."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.smk")))
    found = set(re.findall(r"^(?:from|import) (tamis[\w.]*)", text, re.MULTILINE))
    steps = re.findall(r"\bjob\(\s*\"(\w+)\"", text)
    packages = importlib.import_module("tamis.job").PACKAGES
    return found | {f"{package}.{step}" for package in packages for step in steps if find_spec(f"{package}.{step}")}


def become(arguments: list[str], folder: str, environment: dict[str, str], printed: str, seconds: float) -> NoReturn:
    """Be a Snakemake that was just started in a folder, and end with its exit code."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(printed) / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    # Not handled: it ends the process.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    sys.argv = ["snakemake", *arguments]
    sys.path[0] = folder
    code = 1
    try:
        importlib.import_module("snakemake.cli").main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter shows what nobody has caught
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Answer requests with the exit code of each."""
    for name in ("snakemake.cli", *sorted(imported_by_rules())):
        importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        request = json.loads(line)
        process = os.fork()
        if process == 0:
            become(**request)
        _, status = os.waitpid(process, 0)
        answers.write(json.dumps(os.waitstatus_to_exitcode(status)) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
