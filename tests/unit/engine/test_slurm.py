"""How jobs come to a SLURM cluster, and when their end is seen."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from tamis.engine import slurm


@pytest.mark.parametrize(
    ("ages", "seconds"),
    [([], 5), ([1], 5), ([20], 5), ([60], 15), ([60, 4000], 15), ([4000], 180)],
)
def test_looks_follow_the_age_of_the_youngest_job(ages, seconds):
    assert slurm.seconds_to_next_look(ages, 5) == seconds


class Executor:
    """As much of the plugin's as is changed."""

    def __init__(self):
        self.workflow = SimpleNamespace(
            executor_settings=SimpleNamespace(init_seconds_before_status_checks=5, array_jobs=None)
        )
        self.next_seconds_between_status_checks = 55
        self.sent = []

    def report_job_submission(self, job_info, register_job=True):
        self.sent.append((job_info, register_job))

    async def check_active_jobs(self, active_jobs):
        for each in active_jobs[1:]:
            yield each

    def format_job_exec(self, job):
        return (
            f"cd /x && /bin/python -m snakemake --snakefile S '{job} -m snakemake x' {self.additional_general_args()}"
        )

    def additional_general_args(self):
        return "--executor slurm-jobstep --jobs 1"


@pytest.fixture(name="executor")
def _executor(monkeypatch):
    for name in ("report_job_submission", "check_active_jobs", "format_job_exec", "additional_general_args"):
        monkeypatch.setattr(Executor, name, getattr(Executor, name))
    slurm._look_by_age(Executor)
    slurm._one_snakemake_a_job(Executor)
    return Executor()


def test_jobs_that_have_not_ended_are_looked_for_by_their_age(executor, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(slurm.time, "monotonic", lambda: now[0])
    jobs = [SubmittedJobInfo(f"job {number}", aux={"slurm_logfile": "log"} if number else None) for number in range(3)]
    for job in jobs:
        executor.report_job_submission(job, register_job=False)
        now[0] += 100
    assert executor.sent == [(job, False) for job in jobs]
    assert jobs[1].aux["slurm_logfile"] == "log"

    async def look(active):
        return [job async for job in executor.check_active_jobs(active)]

    assert asyncio.run(look(jobs)) == jobs[1:]
    assert executor.next_seconds_between_status_checks == 25
    assert asyncio.run(look(jobs[:1])) == []
    assert executor.next_seconds_between_status_checks == 5


def test_a_jobs_script_starts_one_snakemake(executor):
    assert executor.format_job_exec("j") == (
        "cd /x && /bin/python -m tamis.engine --snakefile S 'j -m snakemake x' --executor local"
    )


def test_tasks_of_an_array_are_told_apart_by_the_plugin(executor):
    executor.workflow.executor_settings.array_jobs = "all"
    assert executor.format_job_exec("j").endswith(" --executor slurm-jobstep --jobs 1")


def test_the_plugin_has_what_is_changed_of_it():
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm")
    assert Executor.additional_general_args(None) in plugin.Executor.additional_general_args(
        SimpleNamespace(workflow=SimpleNamespace(executor_settings=SimpleNamespace(pass_command_as_script=False)))
    )
    for name in ("report_job_submission", "check_active_jobs", "format_job_exec"):
        assert callable(getattr(plugin.Executor, name))
