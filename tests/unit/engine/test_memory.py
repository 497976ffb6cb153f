"""What jobs share is what each had, and nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest
from snakemake import io, iocontainers
from snakemake.jobs import Job

from tamis.engine import memory


def test_a_list_of_files_refuses_what_it_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iocontainers, "AttributeGuard", iocontainers.AttributeGuard)
    memory._guards_once()
    one, other = (iocontainers.InputFiles(fromdict={"a": "x", "sort": "y"}) for _ in range(2))
    with pytest.raises(AttributeError, match="index"):
        one.index("x")
    assert one.index is other.index
    assert (one.sort, one.get("sort"), one.get("index", 3)) == ("y", "y", 3)
    named = iocontainers.InputFiles(fromdict={"index": "z"})
    assert (named.index, named.get("index")) == ("z", "z")
    with pytest.raises(AttributeError, match="sort"):
        named.sort()


def test_jobs_share_the_set_of_nothing_and_keep_what_they_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(job: Job, temporary: set[Any]) -> None:
        for name in memory.SELDOM:
            setattr(job, name, set())
        job.temp_output |= temporary

    monkeypatch.setattr(Job, "__init__", make)
    memory._empty_sets_once()
    file = io.IOFile("a", rule=None)
    one, other = Job(set()), Job({file})
    assert [getattr(one, name) for name in memory.SELDOM] == [set()] * len(memory.SELDOM)
    assert other.temp_output == {file}
    assert one.temp_output is one._queue_input is other.touch_output
