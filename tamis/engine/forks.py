"""The process that jobs are forked from: `python -m tamis.engine.forks SOCKET ROOM`, started by `tamis.engine.jobs`.

Most of what a small job costs is its imports, the same ones in every job. This process has them done, has one thread
and runs nothing itself. For each request that comes over the socket it forks, and the fork goes on as `python -m
tamis.job` does. It ends when it is asked no more and its jobs have ended. When it is killed, or whoever asked, so are
they: a job that lives on would write while the next run works.

A request is a byte and a socket of its own. Over that come the words of the job's command and the file for what it
prints; back go its process id, or 0 where nothing can be forked, and, when it has ended, its exit code, 128 and the
signal where one ended it. The dead job is waited for when the other side has closed the socket: until then its id is
nobody else's.
"""

# ruff: noqa: T201 - a job that has no log says so where a shell would

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from tamis import job, user_cache

PREPARED = ("numba", "pyarrow.compute", "pyarrow.parquet", "pydantic", "xxhash", "tamis.kernels.words")
"""What jobs import: .25 s of CPU without numba, .2 s more with it. The modules of stages come with their first job."""

ALLOCATOR = "JE_ARROW_MALLOC_CONF"

ASKS, LEAVES = b"+", b"-"
"""What comes before a request, and before the other side closes the socket; without it that one was killed."""

LENGTH = 8
"""Bytes that say how long a request is."""


def thread_count() -> int:
    """How many threads this process has; a fork has none of them but its own, and what they held stays locked."""
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - names are not asked for


class Title:
    """The command line of this process as others see it (`ps`), which is what a job is found by."""

    def __init__(self, stat: str) -> None:
        """Find its place.

        Args:
            stat: of `/proc/self/stat`, where fields 48 and 49 are the ends of the arguments (proc(5)).
        """
        fields = stat.rpartition(")")[2].split()
        self._start, end = int(fields[45]), int(fields[46])
        self._room = end - self._start

    def show(self, words: Iterable[str]) -> None:
        """Show other words, as many as there is room for."""
        text = b"\0".join(os.fsencode(word) for word in words)[: self._room - 1]
        if self._start and self._room > 0:
            ctypes.memmove(self._start, text.ljust(self._room, b"\0"), self._room)


def end_with(parent: int) -> None:
    """Let this process be killed when its parent ends, as a job would be that ends with its shell."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of prctl(2)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def print_to(log: str) -> None:
    """Send what this process prints to a file, as `> log 2>&1` does; end it where that cannot be made."""
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        print(f"{log}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(1)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def become(words: list[str]) -> NoReturn:
    """Be the process of a job.

    Args:
        words: `python -m tamis.job STAGE STEP …`.
    """
    try:
        job.let_through()
        job.run(words[3:])
    except SystemExit as end:
        job.leave(end.code if isinstance(end.code, int) else 1)
    except BaseException:  # noqa: BLE001 - shown as an interpreter shows what nobody has caught
        sys.excepthook(*sys.exc_info())
    job.leave(1)


def prepare() -> None:
    """Import what jobs import."""
    # Read when numba is imported; jobs would find the same.
    os.environ.update(user_cache.environment())
    # Arrow's second allocator, which it does not use by default, starts a thread when it is loaded.
    os.environ.setdefault(ALLOCATOR, "background_thread:false")
    for name in PREPARED:
        importlib.import_module(name)
    job.settle_without_pandas()


def can_watch() -> bool:
    """Whether the kernel tells when a process ends (`pidfd_open`, Linux 5.3); some containers forbid to ask."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def stage_of(words: list[str]) -> None:
    """Import the module of a job's stage, so that its other jobs find it imported; of what is wrong the job tells."""
    with contextlib.suppress(Exception):
        job.find_module(words[3])


class Forks:
    """The jobs that were forked and have not ended.

    Args:
        control: where requests come from.
        title: of this process.
    """

    def __init__(self, control: socket.socket, title: Title) -> None:
        self._control, self._title = control, title
        self._jobs: dict[int, tuple[int, socket.socket]] = {}
        self._events = selectors.DefaultSelector()
        self._pid = os.getpid()

    def serve(self) -> None:
        """Answer requests until there are none any more, and all jobs have ended."""
        self._events.register(self._control, selectors.EVENT_READ)
        asked = True
        while asked or self._jobs:
            for key, _ in self._events.select():
                if key.fd in self._jobs:
                    self._ended(key.fd)
                    continue
                asked = self._answer()
                if not asked:
                    self._events.unregister(self._control)

    def _answer(self) -> bool:
        """Fork for a request; False where no more come."""
        start, files, _, _ = socket.recv_fds(self._control, 1, 1)
        if start != ASKS:
            if start != LEAVES:
                for job_id, _ in self._jobs.values():
                    os.kill(job_id, signal.SIGKILL)
            return False
        connection = socket.socket(fileno=files[0])
        with connection.makefile("rb") as stream:
            size = int.from_bytes(stream.read(LENGTH), "big")
            text = stream.read(size)
        if not size or len(text) < size:
            # Whoever asked was killed meanwhile.
            connection.close()
            return True
        words, log = json.loads(text)
        stage_of(words)
        process = self._fork()
        if process == 0:
            self._leave(connection)
            end_with(self._pid)
            print_to(log)
            self._title.show(words)
            become(words)
        # Whoever asked may be gone; the job is not for that.
        with contextlib.suppress(OSError):
            connection.sendall((process or 0).to_bytes(LENGTH, "big"))
        if process:
            watched = os.pidfd_open(process)
            self._jobs[watched] = process, connection
            self._events.register(watched, selectors.EVENT_READ)
        else:
            connection.close()
        return True

    def _fork(self) -> int | None:
        """Fork; None where that cannot be, for want of memory, say, or because somebody has started a thread."""
        # What is there now is nobody's garbage: looking for it in a fork would copy it.
        gc.freeze()
        try:
            return os.fork() if thread_count() == 1 else None
        except OSError:
            return None

    def _leave(self, connection: socket.socket) -> None:
        """Close in a fork what is this process's own: the other side must see that it closes."""
        self._events.close()
        for watched, (_, other) in self._jobs.items():
            os.close(watched)
            other.close()
        connection.close()
        self._control.close()

    def _ended(self, watched: int) -> None:
        """Say how a job ended, and wait for it when that was heard."""
        process, connection = self._jobs.pop(watched)
        self._events.unregister(watched)
        os.close(watched)
        found = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
        status = found.si_status if found is not None else 0
        killed = found is not None and found.si_code != os.CLD_EXITED
        # As a shell tells of a program that was killed.
        code = 128 + status if killed else status
        # Whoever asked may be gone.
        with connection, contextlib.suppress(OSError):
            connection.sendall(code.to_bytes(LENGTH, "big"))
            connection.recv(1)
        os.waitpid(process, 0)


def main() -> None:
    """Entry point."""
    # Held back from each job too, until it lets it through; this process ends when it is asked for no more.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    title = Title(Path("/proc/self/stat").read_text(encoding="ascii", errors="replace"))
    title.show(["python", "-m", "tamis.engine.forks"])
    control = socket.socket(fileno=int(sys.argv[1]))
    # Where it ends at once, jobs are started as ever.
    if can_watch():
        prepare()
        Forks(control, title).serve()


if __name__ == "__main__":
    main()
