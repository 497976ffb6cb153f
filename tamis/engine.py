"""Snakemake's command line, for `tamis run`.

Ctrl-C while it starts or parses ends it without a traceback; signals that come later are Snakemake's own business: it
stops its jobs and says so, and is made to hear them at any moment. A dry run that prints no rules ends with its table
of jobs.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading
from typing import Any

INTERRUPTED = 130

NEW_OBJECTS = 200_000
"""So many new objects, instead of 700, make Python look for those that only refer to each other. The graph of a
workflow is millions of objects that stay: 12.8 → 9.7 seconds for 6,900 jobs, in the same memory."""


def _play_only_what_is_shown() -> None:
    """Let a dry run that is told to print no rules end with its table of jobs.

    Snakemake plays the whole run for it, puts each job into words and throws them away: three quarters of the time for
    the 6,900 jobs of 100 shards, most of it for resources and commands that nobody reads.
    """
    from snakemake.scheduling.job_scheduler import JobScheduler  # type: ignore[import-untyped]
    from snakemake.settings.enums import Quietness  # type: ignore[import-untyped]

    played = JobScheduler.schedule

    def schedule(self: Any) -> Any:
        quiet = {Quietness.RULES, Quietness.ALL}.intersection(self.workflow.output_settings.quiet or ())
        return True if self.dryrun and quiet else played(self)

    JobScheduler.schedule = schedule


def _end_beside_the_scheduler() -> None:
    """Let Snakemake take note of SIGTERM in a thread of its own.

    Its handler waits for a lock that the interrupted thread may hold, while jobs are chosen: then the run never ends.
    """
    from snakemake.scheduling.job_scheduler import JobScheduler

    noted = JobScheduler.exit_gracefully

    def exit_gracefully(self: Any, *_: Any) -> None:
        threading.Thread(target=noted, args=(self,), daemon=True).start()

    JobScheduler.exit_gracefully = exit_gracefully


def main() -> int:
    """Run Snakemake with this process's arguments."""
    # Nothing is written while it is imported, so the system's own way to end is the quietest.
    hears = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if hears:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Where the log is on a full disk, the report of that would fill the terminal; `tamis run` says it in one line.
    logging.raiseExceptions = False
    gc.set_threshold(NEW_OBJECTS, 50, 1000)
    from snakemake.cli import main as snakemake  # type: ignore[import-untyped]

    from tamis import group_check, shortcuts

    _play_only_what_is_shown()
    _end_beside_the_scheduler()
    group_check.install()
    shortcuts.install()
    if hears:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        snakemake()
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
