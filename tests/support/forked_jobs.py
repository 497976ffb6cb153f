"""A `python` for the jobs of a test's workflow that forks them from a process which has imported what they need.

Most of what a small job costs are imports: 0.3 to 0.6 seconds, the same ones each time, and the workflow tests run more
than a thousand. The program `python` in `Jobs.folder`, first in a run's PATH, hands `python -m tamis.…` with its
folder, environment and files to this process, and ends with the exit code of the job. Only other people's libraries are
imported here: what a job imports of tamis it imports itself. Nor do these jobs wait until their files are on the disk.
Each stage is also run with jobs that are started as users start them (`tamis run`; `plain` of `running.run_workflow`): the
whole chain must give the same bytes.

As a program, answer requests on a socket until standard input is closed.
"""

from __future__ import annotations

import array
import contextlib
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

# Nothing that starts threads; torch in a process of its own.
LIBRARIES = (
    "duckdb", "fasttext", "jinja2", "numba", "numpy", "py3langid", "pyarrow.compute", "pyarrow.parquet", "pydantic",
    "scipy.sparse", "tokenizers", "transformers", "xxhash",
)  # fmt: skip

ENCODERS = ("torch", "transformers.models.bert.modeling_bert", "transformers.models.roberta.modeling_roberta")
ARITHMETIC = ("MKL_CBWR", "ATEN_CPU_CAPABILITY")
"""What torch and its library read once; a job that has it otherwise than by default imports torch itself."""

PROGRAM = """#!{python} -IS
import array, json, os, socket, sys

if sys.argv[1:2] != ["-m"] or not sys.argv[2].startswith("tamis."):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
encodes = sys.argv[3:5] in (["embeddings", "embed"], ["embeddings", "backbone"], ["classifier", "tune"])
encodes = encodes and '"portable":true' not in " ".join(sys.argv) and not (os.environ.keys() & {arithmetic!r})
try:
    server.connect({place!r} + ".torch" if encodes else {place!r})
except OSError:
    server.connect({place!r})
request = {{"arguments": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ), "encodes": encodes}}
request = json.dumps(request).encode()
server.sendmsg([len(request).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
server.sendall(request)
answer = server.recv(1)
sys.exit(answer[0] if answer else 70)
"""


class Jobs:
    """The process that jobs are forked from, and the folder with its `python`."""

    def __init__(self, environment: Mapping[str, str], root: Path) -> None:
        """Start it with the environment that jobs will have, or nearly."""
        self._made = tempfile.TemporaryDirectory(prefix="jobs-")
        self.folder = Path(self._made.name) / "bin"
        self.folder.mkdir()
        place = str(Path(self._made.name) / "socket")
        program = self.folder / "python"
        text = PROGRAM.format(python=sys.executable, place=place, arithmetic=ARITHMETIC)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
        self._process = subprocess.Popen(
            [sys.executable, __file__, place],
            cwd=root,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def end(self) -> None:
        """Let it end, when the jobs have ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._made.cleanup()


def received(connection: socket.socket) -> tuple[dict[str, object], list[int]]:
    """A request, and the files that came with it."""
    files = array.array("i")
    start, ancillary, _, _ = connection.recvmsg(8, socket.CMSG_LEN(3 * files.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    length, data = int.from_bytes(start, "big"), b""
    while len(data) < length:
        data += connection.recv(length - len(data))
    return json.loads(data), list(files)


def become(files: list[int], arguments: list[str], folder: str, environment: dict[str, str]) -> NoReturn:
    """Be the interpreter that was just started with `-m` and some arguments."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path[0] = folder
    sys.argv = ["-m", *arguments[1:]]
    code: object = 1
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = 0 if end.code is None else end.code
    except BaseException:  # noqa: BLE001 - as an interpreter shows what nobody has caught
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def serve(place: str, more: tuple[str, ...] = ()) -> None:
    """Fork for each request; answer each with the exit code of its process."""
    for name in (*LIBRARIES, *more):
        importlib.import_module(name)
    os.fsync = lambda file: None  # type: ignore[assignment]
    waiting: dict[int, tuple[int, socket.socket]] = {}
    encoding: subprocess.Popen[bytes] | None = None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server, selectors.DefaultSelector() as events:
        server.bind(place)
        server.listen(64)
        events.register(server, selectors.EVENT_READ)
        events.register(0, selectors.EVENT_READ)
        os.write(1, b"ready\n")
        ending = False
        while waiting or not ending:
            for key, _ in events.select():
                if key.fd == 0:
                    ending = True
                    events.unregister(0)
                elif key.fd in waiting:
                    process, connection = waiting.pop(key.fd)
                    events.unregister(key.fd)
                    os.close(key.fd)
                    _, status = os.waitpid(process, 0)
                    code = os.waitstatus_to_exitcode(status)
                    with contextlib.suppress(OSError):
                        connection.sendall(bytes([code if code >= 0 else 128 - code]))
                    connection.close()
                else:
                    connection, _ = server.accept()
                    request, files = received(connection)
                    if request.pop("encodes") and encoding is None and not more:
                        # The first such job imports torch itself; those that come later find it imported.
                        encoding = encoder_jobs(place)
                    process = os.fork()
                    if process == 0:
                        become(files, **request)  # type: ignore[arg-type]
                    for file in files:
                        os.close(file)
                    watched = os.pidfd_open(process)
                    waiting[watched] = process, connection
                    events.register(watched, selectors.EVENT_READ)

    if encoding is not None:
        encoding.communicate()


def encoder_jobs(place: str) -> subprocess.Popen[bytes]:
    """The process that jobs are forked from which compute with torch, as far as they want no arithmetic of their own."""
    return subprocess.Popen(
        [sys.executable, __file__, f"{place}.torch", *ENCODERS],
        env=os.environ | {"MKL_CBWR": "AUTO,STRICT"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    serve(sys.argv[1], tuple(sys.argv[2:]))
