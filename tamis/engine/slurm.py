"""How jobs come to a SLURM cluster and how their end is seen: what is changed of Snakemake's executor plugin.

Figures are of the plugin 2.8.0 on a cluster of one machine of two cores, where a small job works for a second.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

PLUGIN = "snakemake_executor_plugin_slurm"

LOOKS = 4
"""A job is looked for so often while its age doubles, so what is seen late is seen after a quarter more of its time."""
LONGEST = 180
"""Seconds between two looks, as the plugin has it: the controller forgets jobs after `MinJobAge`, by default 300."""


def seconds_to_next_look(ages: Iterable[float], shortest: float) -> float:
    """How long to wait before SLURM is asked again.

    Args:
        ages: seconds since each job was sent that has not ended.
        shortest: `slurm-init-seconds-before-status-checks`.
    """
    return min(max(shortest, min(ages, default=0.0) / LOOKS), LONGEST)


def _look_by_age(executor: Any) -> None:
    """Ask how jobs stand in steps that grow with the age of the youngest, not by ten seconds with each look in vain.

    A job of seven seconds was seen after 22, one of 23 after 48.
    """
    sent, ended = executor.report_job_submission, executor.check_active_jobs

    def report_job_submission(self: Any, job_info: Any, *given: Any, **named: Any) -> None:
        job_info.aux = {**(job_info.aux or {}), "sent": time.monotonic()}
        sent(self, job_info, *given, **named)

    async def check_active_jobs(self: Any, active_jobs: Any) -> Any:
        left = []
        async for job_info in ended(self, active_jobs):
            left.append(job_info)
            yield job_info
        now = time.monotonic()
        self.next_seconds_between_status_checks = seconds_to_next_look(
            (now - job_info.aux["sent"] for job_info in left),
            self.workflow.executor_settings.init_seconds_before_status_checks,
        )

    executor.report_job_submission = report_job_submission
    executor.check_active_jobs = check_active_jobs


def _one_snakemake_a_job(executor: Any) -> None:
    """Let a job's script start the Snakemake that runs the job, not one that starts it by `srun`: 1.9 CPU seconds.

    That one is for programs that span nodes (MPI), of which tamis has none. The one that is left is `tamis.engine`, so
    that what is quicker there is quicker in jobs too.
    """
    formatted, two = executor.format_job_exec, executor.additional_general_args

    def format_job_exec(self: Any, job: Any) -> str:
        return str(formatted(self, job)).replace(" -m snakemake ", " -m tamis.engine ", 1)

    def additional_general_args(self: Any) -> str:
        # It is also what tells the tasks of an array apart (`slurm-array-jobs`).
        return str(two(self)) if self.workflow.executor_settings.array_jobs else "--executor local"

    executor.format_job_exec = format_job_exec
    executor.additional_general_args = additional_general_args


def install() -> None:
    """Put them into the plugin, where it is installed."""
    if find_spec(PLUGIN) is not None:
        executor = importlib.import_module(PLUGIN).Executor
        _look_by_age(executor)
        _one_snakemake_a_job(executor)
