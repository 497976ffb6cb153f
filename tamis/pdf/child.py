"""The process that reads PDFs: documents from stdin, outcomes to stdout, until stdin ends.

The kernel bounds it: a timer of CPU time whose signal ends the process even inside PDFium, and a limit of address
space.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from dataclasses import asdict

from tamis.pdf.outcome import NoText, PdfText
from tamis.pdf.settings import PdfReading
from tamis.pdf.wire import ANSWERED, ASKED


def main() -> None:
    """Serve until stdin ends."""
    settings = PdfReading.model_validate_json(sys.argv[1])
    logging.disable()
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from tamis.pdf.lines import read

    memory = settings.memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    asked = sys.stdin.buffer
    while len(head := asked.read(ASKED.size)) == ASKED.size:
        data = asked.read(*ASKED.unpack(head))
        signal.setitimer(signal.ITIMER_PROF, settings.seconds)
        outcome: PdfText | NoText
        try:
            outcome = read(data, settings)
        except MemoryError:
            outcome = NoText("pdf_memory", f"more than {settings.memory_mb} MB")
        except Exception as error:  # noqa: BLE001 - whatever a library says of a hostile PDF, the next one is read
            outcome = NoText("pdf_crashed", f"{type(error).__name__}: {error}"[:200])
        signal.setitimer(signal.ITIMER_PROF, 0)
        fields = asdict(outcome)
        text = fields.pop("text", "").encode("utf-8", "replace")
        answer = json.dumps(fields).encode()
        answers.write(ANSWERED.pack(len(answer), len(text)) + answer + text)
        answers.flush()


if __name__ == "__main__":
    main()
