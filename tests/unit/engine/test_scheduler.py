"""What is changed of Snakemake for `tamis run`."""

from __future__ import annotations

import signal
import threading

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

from tamis.engine import scheduler as changes


def test_a_signal_while_jobs_are_chosen_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobScheduler, "exit_gracefully", JobScheduler.exit_gracefully)
    changes._end_beside_the_scheduler()
    scheduler = JobScheduler.__new__(JobScheduler)
    scheduler._lock, scheduler._open_jobs = threading.Lock(), threading.Semaphore(0)
    before = signal.signal(signal.SIGTERM, scheduler.exit_gracefully)
    try:
        # As the scheduler holds it while it chooses, in the thread that signals interrupt.
        with scheduler._lock:
            signal.raise_signal(signal.SIGTERM)
        assert scheduler._open_jobs.acquire(timeout=60)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert scheduler._user_kill == "graceful"
