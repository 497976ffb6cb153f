"""The process that extracts, from outside: pages go in one at a time, outcomes come back, whatever happens to it."""

from __future__ import annotations

import atexit
import json
import os
from types import TracebackType
from typing import Any, Self

from tamis.errors import SourceError
from tamis.extraction.outcome import Page, Refused
from tamis.extraction.settings import Extraction
from tamis.extraction.wire import HEADER, READY, REPLY
from tamis.killable import GoneError, Killable

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Products of matrices as small as ours are no faster on more cores, which belong to other jobs."""

START = 600
"""Wall seconds until a process that starts is ready. A user's first one compiles kernels, in six seconds of CPU."""


class Extractor:
    """Extracts pages in a process of its own, which starts with the first page.

        with Extractor(settings) as extractor:
            outcome = extractor.extract(data, url=url, charset=charset)

    The outcome depends on the page and the settings only, not on the pages before it.
    """

    def __init__(self, settings: Extraction | None = None) -> None:
        self._settings = settings or Extraction()
        given = self._settings
        self._child = Killable("tamis.extraction.child", given.model_dump_json(), given.page_seconds, ONE_THREAD)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that extracts, None where none runs."""
        return self._child.pid

    def close(self) -> None:
        """End the process."""
        self._child.close()

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
            except GoneError:
                refused = self._why()
                # Killed from outside is no fault of the page: it has a second try.
                if refused is not None and (refused.reason != "page_crashed" or attempt):
                    return refused
        return Refused("page_crashed", "the extracting process was killed twice")

    def _ask(self, data: bytes, url: str | None, charset: str | None) -> tuple[dict[str, Any], bytes]:
        if self._child.pid is None:
            self._start()
        head = json.dumps({"url": url, "charset": charset}).encode()
        self._child.send(HEADER.pack(len(head), len(data)) + head, data)
        answer_bytes, text_bytes = REPLY.unpack(self._child.receive(REPLY.size))
        return json.loads(self._child.receive(answer_bytes)), self._child.receive(text_bytes)

    def _start(self) -> None:
        self._child.start()
        try:
            self._child.receive(len(READY), START)
        except GoneError as error:
            status = self._child.close()
            message = f"the process that extracts web pages does not start (status {status}); what it says stands above"
            raise SourceError(message) from error

    def _why(self) -> Refused | None:
        """Why a page's process ended."""
        death = self._child.why()
        if death is None:
            return None
        told = death.detail if death.how == "timeout" else f"the extracting process ended with {death.detail}"
        return Refused(f"page_{death.how}", told)


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
