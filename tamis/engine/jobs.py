"""How Snakemake starts the command of a job."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any


def hold_back(run: Callable[..., Any]) -> Callable[..., Any]:
    """Let what runs jobs start them with SIGINT held back, which each lets through as its first act (tamis/job.py).

    An interpreter takes about 50 ms until it comes to a program, and Ctrl-C in that time ends it with a traceback of
    what it was importing. Only the thread is told, and what it starts; Snakemake hears the signal in another.

    Args:
        run: runs a job, in a thread that does nothing else.
    """

    def running(*arguments: Any, **options: Any) -> Any:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        return run(*arguments, **options)

    return running


def install() -> None:
    """Put it around what runs the jobs of rules with a shell command, which is all of ours."""
    from snakemake.executors import local  # type: ignore[import-untyped]

    local.run_wrapper = hold_back(local.run_wrapper)
