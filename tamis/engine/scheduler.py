"""How Snakemake's scheduler ends: a dry run with its table, a run at any signal."""

from __future__ import annotations

import threading
from typing import Any


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


def install() -> None:
    """Put them into Snakemake."""
    _play_only_what_is_shown()
    _end_beside_the_scheduler()
