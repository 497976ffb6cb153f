"""A process of our own for what cannot be interrupted, from outside: requests go in one at a time, answers come back.

The process bounds its CPU time by `ITIMER_PROF`, whose signal ends it, and its memory by a limit of address space. What
it did not survive is told by how it ended.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

WALL = 20
"""Wall seconds a CPU second, after which a process that does not answer is killed: it may wait for a disk or a core."""


class GoneError(Exception):
    """The process ended before it answered."""


class Death(NamedTuple):
    """Why a process ended that was asked for something."""

    how: Literal["timeout", "crashed"]
    detail: str


class Killable:
    """A module that runs as a process, started with the first request or after one that it did not survive."""

    def __init__(
        self, module: str, settings: str, seconds: float, environment: Mapping[str, str] | None = None
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            module: what is run, with its settings as its one argument.
            settings: JSON.
            seconds: of CPU that a request may take; the process itself sees to that.
            environment: more variables.
        """
        self._command = [sys.executable, "-m", module, settings]
        self._seconds, self._environment = seconds, environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None where none runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it."""
        path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(  # noqa: S603 - no shell, our own module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self._environment, "PYTHONPATH": path},
        )

    def send(self, *parts: bytes) -> None:
        """Send a request.

        Raises:
            GoneError: the process has ended.
        """
        if self._process is None or self._process.stdin is None:
            raise GoneError
        try:
            for part in parts:
                self._process.stdin.write(part)
            self._process.stdin.flush()
        except OSError as error:
            raise GoneError from error

    def receive(self, size: int, wall: float | None = None) -> bytes:
        """So many bytes of the answer.

        Args:
            size: how many.
            wall: seconds until the next of them; None: `WALL` for each second of CPU.

        Raises:
            GoneError: the process has ended, or does not answer.
        """
        if self._process is None or self._process.stdout is None:
            raise GoneError
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        blocks = []
        while size:
            if not poll.poll(1_000 * (WALL * self._seconds if wall is None else wall)):
                raise GoneError
            block = os.read(self._process.stdout.fileno(), min(size, 1 << 20))
            if not block:
                raise GoneError
            blocks.append(block)
            size -= len(block)
        return b"".join(blocks)

    def why(self) -> Death | None:
        """Why it is gone; None where it was killed from outside, which is no fault of the request."""
        if self._process is not None and self._process.poll() is None:
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self.close()
                return Death("timeout", f"no answer in {WALL * self._seconds:g} seconds")
        status = self._ended()
        if status == -signal.SIGPROF:
            return Death("timeout", f"more than {self._seconds:g} seconds of CPU")
        if status in (-signal.SIGKILL, -signal.SIGTERM):
            return None
        return Death("crashed", signal.Signals(-status).name if status < 0 else f"status {status}")

    def close(self) -> int:
        """End it.

        Returns:
            Its status.
        """
        if self._process is not None:
            self._process.kill()
        return self._ended()

    def _ended(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        return process.wait()
