"""How Snakemake starts the command of a job."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

LETS_THROUGH = "python -m tamis.job "
"""What the command of a rule holds whose program lets the signal through."""


def hold_back(run: Callable[..., Any]) -> Callable[..., Any]:
    """Let what runs jobs start them with SIGINT held back, which each lets through as its first act (tamis/job.py).

    An interpreter takes about 50 ms until it comes to a program, and Ctrl-C in that time ends it with a traceback of
    what it was importing. Only the thread is told, and what it starts; Snakemake hears the signal in another.

    Args:
        run: runs a job of a rule, its first argument, in a thread that does nothing else.
    """

    def running(rule: Any, *arguments: Any, **options: Any) -> Any:
        # What would not let it through, such as a download by pip, is to hear it at once.
        holds = LETS_THROUGH in (rule.shellcmd or "")
        signal.pthread_sigmask(signal.SIG_BLOCK if holds else signal.SIG_UNBLOCK, {signal.SIGINT})
        return run(rule, *arguments, **options)

    return running


def install() -> None:
    """Put it around what runs the jobs of rules with a shell command, which is all of ours."""
    from snakemake.executors import local  # type: ignore[import-untyped]

    local.run_wrapper = hold_back(local.run_wrapper)
