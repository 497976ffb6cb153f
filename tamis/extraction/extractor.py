"""The process that extracts, from outside: pages go in one at a time, outcomes come back, whatever happens to it."""

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
from types import TracebackType
from typing import Any, Self

from tamis.errors import SourceError
from tamis.extraction.outcome import Page, Refused
from tamis.extraction.settings import Extraction
from tamis.extraction.wire import HEADER, READY, REPLY

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Products of matrices as small as ours are no faster on more cores, which belong to other jobs."""

WALL = 20
"""Wall seconds a CPU second, after which a process that does not answer is killed: it may wait for a disk or a core."""


START = 600
"""Wall seconds until a process that starts is ready. A user's first one compiles kernels, in six seconds of CPU."""


class _GoneError(Exception):
    """The process ended before it answered."""


class Extractor:
    """Extracts pages in a process of its own, which starts with the first page.

        with Extractor(settings) as extractor:
            outcome = extractor.extract(data, url=url, charset=charset)

    The outcome depends on the page and the settings only, not on the pages before it.
    """

    def __init__(self, settings: Extraction | None = None) -> None:
        self._settings = settings or Extraction()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that extracts, None where none runs."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def extract(self, data: bytes, *, url: str | None = None, charset: str | None = None) -> Page | Refused:
        """The text of one page.

        Args:
            data: its HTML as it came, content encoding (gzip, br) taken off.
            url: where it was found, for links that are relative.
            charset: what the HTTP header said, or None; an unknown name is ignored.

        Raises:
            SourceError: the process does not start.
        """
        limit = self._settings.max_page_bytes
        if len(data) > limit:
            return Refused("page_too_large", f"{len(data)} bytes, limit {limit}")
        for attempt in range(2):
            try:
                return _outcome(*self._ask(data, url, charset))
            except _GoneError:
                refused = self._why()
                # Killed from outside is no fault of the page: it has a second try.
                if refused is not None and (refused.reason != "page_crashed" or attempt):
                    return refused
        return Refused("page_crashed", "the extracting process was killed twice")

    def _ask(self, data: bytes, url: str | None, charset: str | None) -> tuple[dict[str, Any], bytes]:
        process = self._process or self._start()
        head = json.dumps({"url": url, "charset": charset}).encode()
        try:
            process.stdin.write(HEADER.pack(len(head), len(data)) + head)  # type: ignore[union-attr]
            process.stdin.write(data)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise _GoneError from error
        wall = WALL * self._settings.page_seconds
        answer_bytes, text_bytes = REPLY.unpack(self._read(REPLY.size, wall))
        return json.loads(self._read(answer_bytes, wall)), self._read(text_bytes, wall)

    def _read(self, size: int, wall: float) -> bytes:
        process = self._process
        if process is None or process.stdout is None:
            raise _GoneError
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        blocks = []
        while size:
            if not poll.poll(1_000 * wall):
                raise _GoneError
            block = os.read(process.stdout.fileno(), min(size, 1 << 20))
            if not block:
                raise _GoneError
            blocks.append(block)
            size -= len(block)
        return b"".join(blocks)

    def _start(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        settings = self._settings.model_dump_json()
        self._process = subprocess.Popen(  # noqa: S603 - no shell, our own module
            [sys.executable, "-m", "tamis.extraction.child", settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
        )
        try:
            self._read(len(READY), START)
        except _GoneError as error:
            self._process.kill()
            status = self._ended()
            message = f"the process that extracts web pages does not start (status {status}); what it says stands above"
            raise SourceError(message) from error
        return self._process

    def _ended(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        return process.wait()

    def _why(self) -> Refused | None:
        """Why a page's process ended."""
        if self._process is not None and self._process.poll() is None:
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._ended()
                return Refused("page_timeout", f"no answer in {WALL * self._settings.page_seconds:g} seconds")
        status = self._ended()
        if status == -signal.SIGPROF:
            return Refused("page_timeout", f"more than {self._settings.page_seconds:g} seconds of CPU")
        if status in (-signal.SIGKILL, -signal.SIGTERM):
            return None
        told = signal.Signals(-status).name if status < 0 else f"status {status}"
        return Refused("page_crashed", f"the extracting process ended with {told}")


def _outcome(answer: dict[str, Any], text: bytes) -> Page | Refused:
    if "reason" in answer:
        return Refused(answer["reason"], answer["detail"])
    return Page(text.decode(), **answer)


_kept: list[tuple[int, Extraction, Extractor]] = []


def shared(settings: Extraction) -> Extractor:
    """The extractor of this process with some settings, so that many small files share one process that extracts."""
    owner = os.getpid()
    for process, known, extractor in _kept:
        # One that was inherited by a fork belongs to the parent.
        if process == owner and known == settings:
            return extractor
    for process, _, extractor in _kept:
        if process == owner:
            extractor.close()
    _kept[:] = [one for one in _kept if one[0] != owner]
    extractor = Extractor(settings)
    _kept.append((owner, settings, extractor))
    return extractor


@atexit.register
def _close_shared() -> None:
    for process, _, extractor in _kept:
        if process == os.getpid():
            extractor.close()
