"""What Snakemake keeps of every job, kept once where all jobs have the same: the graph of jobs stays until a run ends.

Bytes are those that `tracemalloc` finds a job, in a dry run of all stages on 40 shards (3,012 jobs).
"""

from __future__ import annotations

from typing import Any

SELDOM = ("temp_output", "protected_output", "touch_output", "pipe_or_service_output", "_queue_input")
"""Sets of a job that it fills when it is made, or never."""


def _empty_sets_once() -> None:
    """Let jobs share the set of nothing: 1.1 kB."""
    from snakemake.jobs import Job  # type: ignore[import-untyped]

    make, nothing = Job.__init__, frozenset[Any]()

    def made(job: Any, *given: Any, **named: Any) -> None:
        make(job, *given, **named)
        for name in SELDOM:
            if not getattr(job, name):
                setattr(job, name, nothing)

    Job.__init__ = made


def _guards_once() -> None:
    """Let all lists of files share what refuses `sort()` and `index()`: .8 kB."""
    from snakemake import iocontainers  # type: ignore[import-untyped]

    known: dict[str, Any] = {}

    class Guard(iocontainers.AttributeGuard):
        """One a name; still a class, because Snakemake asks what is one."""

        def __new__(cls, name: str) -> Any:
            return known.setdefault(name, super().__new__(cls))

    iocontainers.AttributeGuard = Guard


def install() -> None:
    """Put them into Snakemake; before the workflow is parsed."""
    _empty_sets_once()
    _guards_once()
