"""The process that reads PDFs, from outside: documents go in, outcomes come back, whatever happens to it."""

from __future__ import annotations

import atexit
import json
import os
from typing import Any

from tamis.killable import GoneError, Killable
from tamis.pdf.outcome import NoText, PdfText
from tamis.pdf.settings import PdfReading
from tamis.pdf.wire import ANSWERED, ASKED


class PdfReader:
    """Reads PDFs in a process of its own, which starts with the first; close it."""

    def __init__(self, settings: PdfReading | None = None) -> None:
        self._settings = settings or PdfReading()
        self._child = Killable("tamis.pdf.child", self._settings.model_dump_json(), self._settings.seconds)

    def read(self, data: bytes) -> PdfText | NoText:
        """The text of one PDF."""
        if len(data) > self._settings.max_bytes:
            return NoText("pdf_too_large", f"{len(data)} bytes, limit {self._settings.max_bytes}")
        for attempt in range(2):
            try:
                answer, text = self._ask(data)
            except GoneError:
                why = self._why()
                # Killed from outside is no fault of the document: it has a second try.
                if why is not None and (why.reason != "pdf_crashed" or attempt):
                    return why
            else:
                return NoText(**answer) if "reason" in answer else PdfText(text.decode(), **answer)
        return NoText("pdf_crashed", "the process that reads was killed twice")

    @property
    def pid(self) -> int | None:
        """The process that reads; None where none runs."""
        return self._child.pid

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def _ask(self, data: bytes) -> tuple[dict[str, Any], bytes]:
        if self._child.pid is None:
            self._child.start()
        self._child.send(ASKED.pack(len(data)), data)
        answer_bytes, text_bytes = ANSWERED.unpack(self._child.receive(ANSWERED.size))
        return json.loads(self._child.receive(answer_bytes)), self._child.receive(text_bytes)

    def _why(self) -> NoText | None:
        """Why the process of a document ended."""
        death = self._child.why()
        if death is None:
            return None
        told = death.detail if death.how == "timeout" else f"the process that reads ended with {death.detail}"
        return NoText(f"pdf_{death.how}", told)


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
