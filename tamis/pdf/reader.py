"""The process that reads PDFs, from outside: documents go in, outcomes come back, whatever happens to it."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tamis.pdf.outcome import NoText, PdfText
from tamis.pdf.settings import PdfReading
from tamis.pdf.wire import ANSWERED, ASKED

WALL = 20
"""Wall seconds a CPU second, after which a process that does not answer is killed: it may wait for a disk or a core."""


class _GoneError(Exception):
    """The process ended before it answered."""


class PdfReader:
    """Reads PDFs in a process of its own, which starts with the first; close it."""

    def __init__(self, settings: PdfReading | None = None) -> None:
        self._settings = settings or PdfReading()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, data: bytes) -> PdfText | NoText:
        """The text of one PDF."""
        if len(data) > self._settings.max_bytes:
            return NoText("pdf_too_large", f"{len(data)} bytes, limit {self._settings.max_bytes}")
        for attempt in range(2):
            try:
                answer, text = self._ask(data)
            except _GoneError:
                why = self._why()
                # Killed from outside is no fault of the document: it has a second try.
                if why is not None and (why.reason != "pdf_crashed" or attempt):
                    return why
            else:
                return NoText(**answer) if "reason" in answer else PdfText(text.decode(), **answer)
        return NoText("pdf_crashed", "the process that reads was killed twice")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def _ask(self, data: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._process or self._start()
        try:
            process.stdin.write(ASKED.pack(len(data)))  # type: ignore[union-attr]
            process.stdin.write(data)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise _GoneError from error
        answer_bytes, text_bytes = ANSWERED.unpack(self._receive(ANSWERED.size))
        return json.loads(self._receive(answer_bytes)), self._receive(text_bytes)

    def _receive(self, size: int) -> bytes:
        process = self._process
        if process is None or process.stdout is None:
            raise _GoneError
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        blocks = []
        while size:
            if not poll.poll(1_000 * WALL * self._settings.seconds):
                raise _GoneError
            block = os.read(process.stdout.fileno(), min(size, 1 << 20))
            if not block:
                raise _GoneError
            blocks.append(block)
            size -= len(block)
        return b"".join(blocks)

    def _start(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(  # noqa: S603 - no shell, our own module
            [sys.executable, "-m", "tamis.pdf.child", self._settings.model_dump_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )
        return self._process

    def _ended(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        return process.wait()

    def _why(self) -> NoText | None:
        """Why the process of a document ended."""
        if self._process is not None and self._process.poll() is None:
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._ended()
                return NoText("pdf_timeout", f"no answer in {WALL * self._settings.seconds:g} seconds")
        status = self._ended()
        if status == -signal.SIGPROF:
            return NoText("pdf_timeout", f"more than {self._settings.seconds:g} seconds of CPU")
        if status in (-signal.SIGKILL, -signal.SIGTERM):
            return None
        told = signal.Signals(-status).name if status < 0 else f"status {status}"
        return NoText("pdf_crashed", f"the process that reads ended with {told}")


_kept: list[tuple[int, PdfReading, PdfReader]] = []


def shared(settings: PdfReading) -> PdfReader:
    """The reader of this process with some settings, so that many small files share one process that reads."""
    owner = os.getpid()
    for process, known, reader in _kept:
        # One that was inherited by a fork belongs to the parent.
        if process == owner and known == settings:
            return reader
    for process, _, reader in _kept:
        if process == owner:
            reader.close()
    _kept[:] = [one for one in _kept if one[0] != owner]
    reader = PdfReader(settings)
    _kept.append((owner, settings, reader))
    return reader


@atexit.register
def _close_shared() -> None:
    for process, _, reader in _kept:
        if process == os.getpid():
            reader.close()
