"""What is done faster than Snakemake does it, held to what Snakemake does."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake import io
from snakemake.common.prefix_lookup import PrefixLookup
from snakemake.jobs import Job

from tamis.engine import shortcuts

SHORT = st.text("ab/", max_size=6)


@given(st.lists(st.tuples(SHORT, st.integers(0, 3)), min_size=1), SHORT)
def test_rules_are_found_by_the_prefixes_of_their_outputs(entries, query):
    # Snakemake's own always has the empty prefix, that of no rule.
    entries = [("", 9), *entries]
    assert shortcuts.Prefixes(entries).match(query) == {value for _, value in PrefixLookup(entries).match_iter(query)}


@pytest.mark.parametrize(
    ("paths", "below"),
    [
        (["a/b/c", "a/b/d", "a/bc"], None),
        (["a/b", "a/b.c", "a/b/c/d"], "a/b/c/d"),
        (["a/../b", "b/c"], "b/c"),
        (["/x/y", "/x/y"], None),
        ([], None),
    ],
)
def test_an_output_inside_of_another_is_found(paths, below, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = shortcuts.parent_among(paths)
    assert found == (below and str(tmp_path / below))


@pytest.fixture(name="changed")
def _changed(monkeypatch):
    """Snakemake's own `is_flagged`, and what stands for it until the end of a test."""
    own = io.is_flagged
    for name, module in sorted(sys.modules.items()):
        if name.startswith("snakemake.") and getattr(module, "is_flagged", None) is own:
            monkeypatch.setattr(module, "is_flagged", own)
    for name in ("is_storage", "__eq__"):
        monkeypatch.setattr(io._IOFile, name, getattr(io._IOFile, name))
    monkeypatch.setattr(io._IOFile, "__hash__", io._IOFile.__hash__)
    return own


def test_flags_and_names_of_files_are_those_of_snakemake(changed):
    temporary = io.flag("results/a", "temp")
    files = [io.IOFile(each) for each in ("results/a", temporary, io.flag("results/b", "temp", False), "a", Path("a"))]
    files += [io.IOFile(files[1]), io.IOFile(lambda wildcards: "results/a")]
    values = ["results/a", temporary, *files]
    flags = ("temp", "storage_object", "ancient")
    flagged = [changed(value, flag) for value in values for flag in flags]
    equal = [one == other for one in files for other in values]
    stored, hashes = [file.is_storage for file in files], [hash(file) for file in files]
    assert True in flagged
    shortcuts._flags_without_questions()
    shortcuts._names_compared_once()
    assert io.is_flagged is not changed
    assert [io.is_flagged(value, flag) for value in values for flag in flags] == flagged
    assert [one == other for one in files for other in values] == equal
    assert [file.is_storage for file in files] == stored
    assert [hash(file) for file in files] == hashes


@pytest.mark.parametrize("benchmark", [None, "benchmark", "no_benchmark"])
@pytest.mark.parametrize("output", [[], ["old", "new"], ["new", "none"], ["none"]])
def test_the_time_of_the_oldest_output_is_that_of_snakemake(output, benchmark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Job, "output_mintime", Job.output_mintime)
    for name, seconds in (("old", 100), ("new", 300), ("benchmark", 200)):
        (tmp_path / name).touch()
        os.utime(name, (seconds, seconds))
    cache = io.IOCache(10)
    rule = SimpleNamespace(workflow=SimpleNamespace(iocache=cache), pathvars=SimpleNamespace(apply=str))
    files = [io.IOFile(name, rule=rule) for name in output]
    job = SimpleNamespace(output=files, benchmark=benchmark and io.IOFile(benchmark, rule=rule))

    async def asked() -> float | None:
        return await Job.output_mintime.fget(job)

    expected = asyncio.run(asked())
    own = Job.output_mintime
    shortcuts._one_file_after_another()
    assert Job.output_mintime is not own
    assert asyncio.run(asked()) == expected
