"""How jobs come to a SLURM cluster and how their end is seen: what is changed of Snakemake's executor plugin.

Figures are of the plugin 2.8.0 on a cluster of one machine of two cores, where a small job works for a second.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

PLUGIN = "snakemake_executor_plugin_slurm"

LOOKS = 4
"""A job is looked for so often while its age doubles, so what is seen late is seen after a quarter more of its time."""
LONGEST = 180
"""Seconds between two looks, as the plugin has it: the controller forgets jobs after `MinJobAge`, by default 300."""
FORGOTTEN = 30
"""Seconds from the first to the last look at a queue without a job that was sent, until it counts as failed."""


def seconds_to_next_look(ages: Iterable[float], shortest: float) -> float:
    """How long to wait before SLURM is asked again.

    Args:
        ages: seconds since each job was sent that has not ended.
        shortest: `slurm-init-seconds-before-status-checks`.
    """
    return min(max(shortest, min(ages, default=0.0) / LOOKS), LONGEST)


def _lose_no_job(plugin: Any) -> None:
    """Keep the jobs that a look says nothing of, and end those that SLURM says nothing of any more.

    When its controller does not answer five times, which takes 45 seconds, the plugin lets go of all jobs, and a run
    waits for ever. So it does for a job that the queue does not know: one that a controller was told of just before it
    was killed, or that ended while nobody could ask for longer than `MinJobAge`. `sacct` may be late, and is believed.
    """
    asked, ended = plugin.query_job_status, plugin.Executor.check_active_jobs
    answers: list[tuple[bool, Mapping[str, str] | None]] = []

    async def query_job_status(command: str, *given: Any) -> Any:
        states, seconds = await asked(command, *given)
        answers.append((command.startswith("squeue"), states))
        return states, seconds

    async def check_active_jobs(self: Any, active_jobs: Any) -> Any:
        answers.clear()
        left = [job_info async for job_info in ended(self, active_jobs)]
        by_squeue, states = answers[-1] if answers else (False, {})
        now = time.monotonic()
        for job_info in active_jobs if states is None else left:
            job_info.aux = job_info.aux or {}
            number = job_info.external_jobid
            # Tasks of an array that wait are one line of the queue.
            if states is None or not by_squeue or number in states or "_" in number:
                job_info.aux.pop("missed", None)
            elif now - job_info.aux.setdefault("missed", now) >= FORGOTTEN:
                words = (
                    f"SLURM-job '{number}' failed, SLURM status is: 'FORGOTTEN'. The queue does not know it any more."
                )
                self.report_job_error(job_info, msg=words)
                continue
            yield job_info

    plugin.query_job_status = query_job_status
    plugin.Executor.check_active_jobs = check_active_jobs


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


def _no_limit_of_arrays_where_there_are_none(plugin: Any) -> None:
    """Let a cluster without job arrays (`MaxArraySize=0`) run what sends none; the plugin refuses every run there."""
    begun = plugin.Executor.__post_init__

    def begin(self: Any, *given: Any, **named: Any) -> None:
        asked = plugin.get_max_array_size
        if not self.workflow.executor_settings.array_jobs:
            plugin.get_max_array_size = lambda: self.workflow.executor_settings.array_limit
        try:
            begun(self, *given, **named)
        finally:
            plugin.get_max_array_size = asked

    plugin.Executor.__post_init__ = begin


def install() -> None:
    """Put them into the plugin, where it is installed."""
    if find_spec(PLUGIN) is not None:
        plugin = importlib.import_module(PLUGIN)
        _lose_no_job(plugin)
        _look_by_age(plugin.Executor)
        _one_snakemake_a_job(plugin.Executor)
        _no_limit_of_arrays_where_there_are_none(plugin)
