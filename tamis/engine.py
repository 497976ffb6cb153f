"""Snakemake's command line, for `tamis run`: Ctrl-C while it starts or parses ends it without a traceback.

Signals that come later are Snakemake's own business: it stops its jobs and says so.
"""

from __future__ import annotations

import logging
import signal
import sys

INTERRUPTED = 130


def main() -> int:
    """Run Snakemake with this process's arguments."""
    # Nothing is written while it is imported, so the system's own way to end is the quietest.
    hears = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if hears:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Where the log is on a full disk, the report of that would fill the terminal; `tamis run` says it in one line.
    logging.raiseExceptions = False
    from snakemake.cli import main as snakemake  # type: ignore[import-untyped]

    from tamis import group_check

    group_check.install()
    if hears:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        snakemake()
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
