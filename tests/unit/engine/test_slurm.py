"""How jobs come to a SLURM cluster, and when their end is seen."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from tamis import cluster as slurm_says
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


@pytest.fixture(name="queue")
def _queue(monkeypatch):
    """The plugin with a queue that answers what one says, and what was reported of its jobs."""
    now, failed, answer = [1000.0], [], {}
    monkeypatch.setattr(slurm.time, "monotonic", lambda: now[0])

    async def query_job_status(command, logger):
        return answer["states"], 0.1

    class Asking:
        def report_job_error(self, job_info, msg):
            failed.append((job_info.external_jobid, msg))

        async def check_active_jobs(self, active_jobs):
            """As the plugin's: without an answer it yields nothing."""
            states, _ = await plugin.query_job_status(answer["command"], None)
            for job_info in active_jobs if states is not None else ():
                if states.get(job_info.external_jobid) != "COMPLETED":
                    yield job_info

    plugin = SimpleNamespace(Executor=Asking, query_job_status=query_job_status)
    slurm._lose_no_job(plugin)

    def look(active, seconds, states, command="squeue --name x"):
        now[0] += seconds
        answer.update(states=states, command=command)

        async def left():
            return [job async for job in Asking().check_active_jobs(active)]

        return asyncio.run(left())

    return look, failed


def jobs_of(*numbers):
    return [SubmittedJobInfo(number, external_jobid=number) for number in numbers]


def test_jobs_stay_where_slurm_does_not_answer(queue):
    look, failed = queue
    jobs = jobs_of("1", "2")
    for _ in range(3):
        assert look(jobs, 600, None) == jobs
    assert look(jobs, 600, {"1": "COMPLETED", "2": "RUNNING"}) == jobs[1:]
    assert failed == []


def test_a_job_that_the_queue_does_not_know_any_more_has_failed(queue):
    look, failed = queue
    jobs = jobs_of("1", "2", "3_1")
    assert look(jobs, 0, {"1": "RUNNING"}) == jobs
    # Looked for in vain once more, but not for long enough; then it is there again.
    assert look(jobs, 29, {"1": "RUNNING"}) == jobs
    assert look(jobs, 1, {"1": "RUNNING", "2": "RUNNING"}) == jobs
    assert look(jobs, 10, {"1": "RUNNING"}) == jobs
    # An answer that does not come says nothing.
    assert look(jobs, 50, None) == jobs
    assert look(jobs, 50, {"1": "RUNNING"}) == jobs
    assert look(jobs, 30, {"1": "RUNNING"}) == [jobs[0], jobs[2]]
    [(number, words)] = failed
    assert number == "2"
    assert slurm_says.STATUS.search(words).groups() == ("2", "FORGOTTEN")
    assert "run again" in slurm_says.ENDED["FORGOTTEN"]


def test_sacct_may_be_late_with_a_job(queue):
    look, failed = queue
    jobs = jobs_of("1")
    for _ in range(3):
        assert look(jobs, 600, {}, command="sacct -X") == jobs
    assert failed == []


def test_a_jobs_script_starts_one_snakemake(executor):
    assert executor.format_job_exec("j") == (
        "cd /x && /bin/python -m tamis.engine --snakefile S 'j -m snakemake x' --executor local"
    )


def test_tasks_of_an_array_are_told_apart_by_the_plugin(executor):
    executor.workflow.executor_settings.array_jobs = "all"
    assert executor.format_job_exec("j").endswith(" --executor slurm-jobstep --jobs 1")


@pytest.mark.parametrize(("arrays", "size"), [(None, 1000), ("all", -1)])
def test_the_clusters_limit_of_arrays_counts_where_there_are_some(arrays, size):
    seen = []

    class Begun(Executor):
        def __post_init__(self, test_mode=False):
            seen.append((plugin.get_max_array_size(), test_mode))

    plugin = SimpleNamespace(Executor=Begun, get_max_array_size=lambda: -1)
    slurm._no_limit_of_arrays_where_there_are_none(plugin)
    one = Begun()
    one.workflow.executor_settings = SimpleNamespace(array_jobs=arrays, array_limit=1000)
    one.__post_init__(test_mode=True)
    assert seen == [(size, True)]
    assert plugin.get_max_array_size() == -1


def test_the_plugin_has_what_is_changed_of_it():
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm")
    assert Executor.additional_general_args(None) in plugin.Executor.additional_general_args(
        SimpleNamespace(workflow=SimpleNamespace(executor_settings=SimpleNamespace(pass_command_as_script=False)))
    )
    for name in ("report_job_submission", "check_active_jobs", "format_job_exec", "__post_init__"):
        assert callable(getattr(plugin.Executor, name))
    assert "query_job_status" in plugin.Executor.check_active_jobs.__code__.co_names
    assert "get_max_array_size" in plugin.Executor.__post_init__.__code__.co_names
