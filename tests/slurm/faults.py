"""What can happen to a run on a cluster; each ends by itself, or after the same command once more, with the same bytes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from tests.slurm.trial import Trial, kill_tree, pause

LONG = 3_000
"""Seconds that a job holds which is never to end by itself."""

# What the job that is hit is: one of several that were sent as one, and one that went alone.
HITS = {"line_pruning": "line_pruning-map", "tokenizer": "tokenizer-count"}


@dataclass(frozen=True)
class Fault:
    """A thing that happens."""

    name: str
    about: str
    happen: Callable[[Trial, str], int]
    """Runs the trial with it; the exit code of the first command."""


FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Callable[[Trial, str], int]], Callable[[Trial, str], int]]:
    """Enter a function; its docstring says what it breaks."""

    def enter(function: Callable[[Trial, str], int]) -> Callable[[Trial, str], int]:
        FAULTS[name] = Fault(name, (function.__doc__ or "").strip().splitlines()[0], function)
        return function

    return enter


def _held(trial: Trial, job: str, seconds: float, then: Callable[[str, str], None]) -> int:
    trial.mark(job, "hold", seconds)
    process = trial.begin()
    then(*trial.begun(job, process))
    return trial.end(process)


@fault("node-killed")
def node_killed(trial: Trial, job: str) -> int:
    """The node of a running job loses its power."""

    def kill(_: str, node: str) -> None:
        trial.cluster.kill_node(node)

    try:
        return _held(trial, job, LONG, kill)
    finally:
        trial.cluster.mend()


@fault("over-memory")
def over_memory(trial: Trial, job: str) -> int:
    """A job takes more memory than it asked for."""
    trial.mark(job, "hog", 2_500)
    return trial.run()


@fault("over-time")
def over_time(trial: Trial, job: str) -> int:
    """A job takes longer than it asked for."""

    def shorten(number: str, _: str) -> None:
        trial.cluster.ask("scontrol", "update", f"JobId={number}", "TimeLimit=1")

    return _held(trial, job, LONG, shorten)


@fault("cancelled")
def cancelled(trial: Trial, job: str) -> int:
    """Somebody cancels a running job."""

    def cancel(number: str, _: str) -> None:
        trial.cluster.ask("scancel", number)

    return _held(trial, job, LONG, cancel)


@fault("controller-restarted")
def controller_restarted(trial: Trial, job: str) -> int:
    """The controller is killed while a job runs, and comes back after it has ended."""

    def restart(_number: str, _node: str) -> None:
        trial.cluster.kill_controller()
        pause(8)
        trial.cluster.start_controller()

    return _held(trial, job, 4, restart)


@fault("controller-away")
def controller_away(trial: Trial, job: str) -> int:
    """The controller answers nobody for longer than five questions take, while a job runs and ends."""

    def stop(_number: str, _node: str) -> None:
        trial.cluster.kill_controller()
        pause(75)
        trial.cluster.start_controller()

    return _held(trial, job, 4, stop)


@fault("controller-forgets")
def controller_forgets(trial: Trial, job: str) -> int:
    """The controller is killed while a job runs, and has lost its memory of it."""

    def forget(_number: str, _node: str) -> None:
        trial.cluster.kill_controller()
        trial.cluster.start_controller(clean=True)

    return _held(trial, job, LONG, forget)


@fault("submitter-killed")
def submitter_killed(trial: Trial, job: str) -> int:
    """The process that sends the jobs is killed, while one of them runs."""
    trial.mark(job, "hold", LONG)
    process = trial.begin()
    trial.begun(job, process)
    kill_tree(process.pid)
    return trial.end(process)


@fault("interrupted")
def interrupted(trial: Trial, job: str) -> int:
    """Ctrl-C, while a job runs: nothing of the run stays in the queue."""
    trial.mark(job, "hold", LONG)
    process = trial.begin()
    trial.begun(job, process)
    os.kill(process.pid, signal.SIGINT)
    code = trial.end(process)
    if not trial.is_quiet():
        raise RuntimeError(f"jobs are left in the queue: {trial.left_in_queue()}")
    return code


@fault("slow-folder")
def slow_folder(trial: Trial, job: str) -> int:
    """What a job wrote is seen only some seconds after it has ended."""
    stage, step = job.split("-")
    folder = {"count": "documents"}.get(step, step)
    trial.cluster.hide(trial.results / stage / folder, 8)
    return trial.run()
