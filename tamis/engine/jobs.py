"""How Snakemake starts the command of a job."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tamis.engine.forks import ASKS, LEAVES, LENGTH
from tamis.engine.imports import is_job

LETS_THROUGH = "python -m tamis.job "
"""What the command of a rule holds whose program lets the signal through."""

VARIABLE = "TAMIS_JOBS"
STARTED = "started"
"""The value with which each job is a process that was started, not forked, as jobs on a cluster are."""


def hold_back(run: Callable[..., Any]) -> Callable[..., Any]:
    """Let what runs jobs start them with SIGINT held back, which each lets through as its first act (tamis/job.py).

    An interpreter takes about 50 ms until it comes to a program, and Ctrl-C in that time ends it with a traceback of
    what it was importing. Only the thread is told, and what it starts; Snakemake hears the signal in another.

    Args:
        run: runs a job of a rule, its first argument, in a thread that does nothing else.
    """

    def running(rule: Any, *arguments: Any, **options: Any) -> Any:
        # What would not let it through, such as a download by pip, is to hear it at once.
        holds = LETS_THROUGH in (rule.shellcmd or "")
        signal.pthread_sigmask(signal.SIG_BLOCK if holds else signal.SIG_UNBLOCK, {signal.SIGINT})
        return run(rule, *arguments, **options)

    return running


PREFIX = "set -euo pipefail;"
"""What Snakemake puts before a command."""
PART = r"""(?:[\w@%+=:,./-]|'[^']*'|"'")+"""
"""A word in which a shell finds nothing to do but to take quotes away; as `shlex.quote` writes them."""
SIMPLE = re.compile(rf"({PART}(?: {PART})*) > ({PART}) 2>&1", re.ASCII)
QUOTED = re.compile(r"""'([^']*)'|"(')\"""")


class Simple(NamedTuple):
    """A command that is no more than its words and the file for all that it prints."""

    words: list[str]
    log: str


def unquoted(word: str) -> str:
    """A word without its quotes."""
    return QUOTED.sub(lambda found: found[1] if found[2] is None else found[2], word)


def simple(command: str) -> Simple | None:
    """The parts of a job's command, as Snakemake gives it to a shell; None where only a shell knows what it means."""
    found = SIMPLE.fullmatch(command.removeprefix(PREFIX).strip())
    if found is None or not found[1].startswith(LETS_THROUGH):
        return None
    return Simple([unquoted(word) for word in re.findall(PART, found[1], re.ASCII)], unquoted(found[2]))


class Forked:
    """A forked job, as far as Snakemake asks a `Popen`."""

    stdout = None

    def __init__(self, pid: int, connection: socket.socket) -> None:
        """Take the process and the socket that tells of its end."""
        self.pid, self.returncode = pid, None
        self._connection = connection
        self._lock = threading.Lock()

    returncode: int | None

    def wait(self) -> int:
        """Wait for its end; its exit code, or 128 and the signal that ended it, as a shell says it."""
        told = _received(self._connection)
        with self._lock:
            # Where the process is gone that it was forked from, so is the job.
            self.returncode = 128 + signal.SIGKILL if told is None else told
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with self._lock:
            if self.returncode is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """End it by SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _received(connection: socket.socket) -> int | None:
    """A number that the other side tells; None where it is gone."""
    try:
        data = connection.recv(LENGTH, socket.MSG_WAITALL)
    except OSError:
        return None
    return int.from_bytes(data, "big") if len(data) == LENGTH else None


ROOM = " " * 4000
"""An argument that forked jobs show their own in."""


class Forks:
    """The process that jobs are forked from (`tamis.engine.forks`), started with the first of them.

    A fork has the environment and folder of that process, so whatever is to have others, more threads than one for
    instance, is started.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._given: tuple[Mapping[str, str], str] | None = None

    def fork(self, command: Simple, environment: Mapping[str, str]) -> Forked | None:
        """Fork a job; None where that cannot be."""
        if environment.get("OMP_NUM_THREADS") != "1" or not _is_ours(environment):
            return None
        with self._lock:
            given = (environment, os.getcwd())  # noqa: PTH109 - compared as text
            if self._given is None:
                self._given = given
                self._start(environment)
            if self._control is None or given != self._given:
                return None
            own, other = socket.socketpair()
            try:
                with other:
                    socket.send_fds(self._control, [ASKS], [other.fileno()])
                text = json.dumps(command).encode()
                own.sendall(len(text).to_bytes(LENGTH, "big") + text)
            except OSError:
                pid = None
            else:
                pid = _received(own)
            if pid:
                return Forked(pid, own)
            own.close()
            # It is gone, or has threads, which it will keep.
            self._end()
            return None

    def _start(self, environment: Mapping[str, str]) -> None:
        self._control, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(  # noqa: S603 - no shell, our own module
                [sys.executable, "-m", "tamis.engine.forks", str(other.fileno()), ROOM],
                env=environment,
                pass_fds=[other.fileno()],
            )
        atexit.register(self._wait)

    def _end(self) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.sendall(LEAVES)
            self._control.close()
            self._control = None

    def _wait(self) -> None:
        # What it and its jobs have used is this process's to account for.
        self._end()
        self._process.wait()


@cache
def _own_python(path: str | None) -> bool:
    found = shutil.which("python", path=path)
    return found is not None and Path(found).parent == Path(sys.executable).parent


def _is_ours(environment: Mapping[str, str]) -> bool:
    """Whether `python` is this interpreter there."""
    return _own_python(environment.get("PATH"))


def forks_what_it_can(forks: Forks) -> Callable[..., Any]:
    """What Snakemake calls in the place of `Popen`."""

    def start(command: Any, **options: Any) -> Any:
        parts = simple(command) if isinstance(command, str) and options.get("stdout") != subprocess.PIPE else None
        forked = None if parts is None else forks.fork(parts, options["env"])
        return subprocess.Popen(command, **options) if forked is None else forked  # noqa: S603 - as Snakemake does

    return start


def install(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Put it around what runs the jobs of rules with a shell command, which is all of ours.

    Args:
        arguments: of this process; one that was started for a job of another Snakemake has few to run.
        environment: of this process.
    """
    from snakemake.executors import local  # type: ignore[import-untyped]

    local.run_wrapper = hold_back(local.run_wrapper)
    if not is_job(arguments) and environment.get(VARIABLE) != STARTED:
        stand_in = ModuleType("subprocess")
        vars(stand_in).update(vars(subprocess))
        vars(stand_in)["Popen"] = forks_what_it_can(Forks())
        # By name: `snakemake.shell` is the class of that name to who imports it.
        vars(importlib.import_module("snakemake.shell"))["sp"] = stand_in
