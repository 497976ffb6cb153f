"""The process that extracts: pages from stdin, outcomes to stdout, until stdin ends.

The kernel bounds it: a timer of CPU time whose signal ends the process even inside C code, and a limit of address
space. Both are for pages: kernels are loaded, or compiled, before they are set.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from tamis.extraction.outcome import Page, Refused
from tamis.extraction.pages import extract
from tamis.extraction.settings import Extraction
from tamis.extraction.wire import HEADER, READY, REPLY

WARM = b"<div class=content><p>A page on which every kernel is loaded.</div>"


def address_space() -> int:
    """Bytes of address space of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def main() -> None:
    """Serve until stdin ends."""
    settings = Extraction.model_validate_json(sys.argv[1])
    logging.disable()
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    extract(WARM, url=None, charset=None, settings=settings)
    memory = address_space() + settings.page_memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    pages = sys.stdin.buffer
    answers.write(READY)
    answers.flush()
    while len(head := pages.read(HEADER.size)) == HEADER.size:
        head_bytes, data_bytes = HEADER.unpack(head)
        asked = json.loads(pages.read(head_bytes))
        data = pages.read(data_bytes)
        signal.setitimer(signal.ITIMER_PROF, settings.page_seconds)
        outcome: Page | Refused
        try:
            outcome = extract(data, url=asked["url"], charset=asked["charset"], settings=settings)
        except MemoryError:
            outcome = Refused("page_memory", f"more than {settings.page_memory_mb} MB")
        except Exception as error:  # noqa: BLE001 - whatever a parser says of a hostile page, the next one is read
            outcome = Refused("page_crashed", f"{type(error).__name__}: {error}"[:200])
        signal.setitimer(signal.ITIMER_PROF, 0)
        fields = asdict(outcome)
        text = fields.pop("text", "").encode("utf-8", "replace")
        answer = json.dumps(fields).encode()
        answers.write(REPLY.pack(len(answer), len(text)) + answer + text)
        answers.flush()


if __name__ == "__main__":
    main()
