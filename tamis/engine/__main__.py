"""Snakemake's command line, for `tamis run`.

Ctrl-C while it starts or parses ends it without a traceback; signals that come later are Snakemake's own business: it
stops its jobs and says so, and is made to hear them at any moment. A dry run that prints no rules ends with its table
of jobs.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys

INTERRUPTED = 130

NEW_OBJECTS = 200_000
"""So many new objects, instead of 700, make Python look for those that only refer to each other. The graph of a
workflow is millions of objects that stay: 12.8 → 9.7 seconds for 6,900 jobs, in the same memory."""


def main() -> int:
    """Run Snakemake with this process's arguments."""
    # Nothing is written while it is imported, so the system's own way to end is the quietest.
    hears = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if hears:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Where the log is on a full disk, the report of that would fill the terminal; `tamis run` says it in one line.
    logging.raiseExceptions = False
    gc.set_threshold(NEW_OBJECTS, 50, 1000)
    from tamis.engine import imports

    imports.install(sys.argv)
    from snakemake.cli import main as snakemake  # type: ignore[import-untyped]

    from tamis.engine import files, group_check, jobs, memory, scheduler, shortcuts, slurm

    for changes in (scheduler, group_check, shortcuts, files, memory, slurm):
        changes.install()
    jobs.install(sys.argv, os.environ)
    if hears:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        snakemake()
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
