"""What is asked of the names of files, held to what Snakemake answers."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake import io
from snakemake.pathvars import Pathvars

from tamis.engine import files

PATHS = st.text("ab./ <{}>\n~=", max_size=8)
RULE = SimpleNamespace(
    name="rule",
    lineno=1,
    snakefile="Snakefile",
    pathvars=Pathvars.with_defaults(),
    workflow=SimpleNamespace(iocache=io.IOCache(10)),
)


@pytest.fixture(name="own")
def _own(monkeypatch):
    """Snakemake's own methods; what stands for them is put in by the test, until its end."""
    names = ("exists", "apply_wildcards", "check")
    own = {name: getattr(io._IOFile, name) for name in names}
    for name, method in own.items():
        monkeypatch.setattr(io._IOFile, name, method)
    return own


@given(PATHS)
def test_the_folder_of_a_path_is_that_of_snakemake(path):
    file = io.IOFile(path, rule=None)
    assert files.folder_of(file) == file.get_inventory_parent()


@given(PATHS)
def test_of_a_plain_path_snakemake_says_nothing(path):
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    io.logger.addHandler(handler)
    try:
        io.check(path)
    finally:
        io.logger.removeHandler(handler)
    assert not (files.is_plain(path) and said)


PATTERNS = [
    "results/{stage}/part-{shard}.parquet",
    io.flag("results/{stage}/part-{shard}.arrow", "temp"),
    io.flag(io.flag("a", "ancient"), "temp"),
    "<results>/{stage}",
    r"a b/{shard,\d+}",
    "{stage}//a/",
    "./{stage}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_names_are_filled_in_as_snakemake_does(own, pattern):
    file = io.IOFile(pattern, rule=RULE)
    wildcards = {"stage": "ingest", "shard": "00001"}
    expected = own["apply_wildcards"](file, wildcards)
    files._filled_in_once()
    assert io._IOFile.apply_wildcards is not own["apply_wildcards"]
    found = file.apply_wildcards(wildcards)
    for each in (str, hash, type, lambda one: one.flags, lambda one: one.rule, lambda one: isinstance(one._file, str)):
        assert each(found) == each(expected)
    assert (found, found.is_callable(), found.is_temp) == (expected, expected.is_callable(), expected.is_temp)
    # Flags are the file's own, not those of the rule's.
    found.flags["more"] = True
    assert "more" not in file.flags


def test_whether_files_are_there_is_what_snakemake_says(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "listed" / "below").mkdir(parents=True)
    (tmp_path / "not").mkdir()
    for name in ("listed/a", "listed/below/a", "not/a", "a"):
        (tmp_path / name).touch()
    names = ("listed/a", "listed/b", "listed/below/a", "not/a", "not/b", "a", "b", "none/a", "../b")

    def asked(*, listed: bool) -> list[bool]:
        cache = RULE.workflow.iocache
        cache.clear()
        cache.exists_local.has_inventory.clear()

        async def ask() -> list[bool]:
            if listed:
                await io.IOFile("listed/a", rule=RULE).inventory()
                # What came after it was listed is not seen, nor what is gone.
                (tmp_path / "listed" / "b").touch()
            found = [await io.IOFile(name, rule=RULE).exists() for name in [*names, *names]]
            (tmp_path / "listed" / "b").unlink(missing_ok=True)
            return found

        return asyncio.run(ask())

    expected = [asked(listed=listed) for listed in (False, True)]
    assert expected[0][:3] == expected[1][:3] == [True, False, True]
    files._there_or_not()
    assert io._IOFile.exists is not own["exists"]
    assert [asked(listed=listed) for listed in (False, True)] == expected
