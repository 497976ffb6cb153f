"""The page and the counts of a run that a failing job has stopped."""

from __future__ import annotations

import shutil

import pytest
from fake_results import make_results

from tamis import ending
from tamis.errors import SourceError
from tamis.report import stopped
from tamis.report.settings import Config
from tamis.shards import read_table


def test_page_and_counts_of_the_stages_that_are_done(tmp_path):
    make_results(tmp_path)
    last = (
        "stats.parquet",
        "notes.parquet",
        "manifest.json",
        "mixtures",
        "annealing",
        "export",
        "validation",
        "report",
    )
    for name in last:
        path = tmp_path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.rmtree(tmp_path / "heuristics" / "stats")
    found = stopped.write(tmp_path, "heuristics failed: <b>no</b> such thing.", Config())
    assert found == [tmp_path / "stopped" / "index.html", tmp_path / "stopped" / "stats.parquet"]
    page = found[0].read_text(encoding="utf-8")
    assert "This run was stopped" in page
    assert "stages are done. heuristics failed: &lt;b&gt;no&lt;/b&gt; such thing." in page
    counted = set(read_table(found[1])["stage"].to_pylist())
    assert "ingest" in counted
    assert "heuristics" not in counted
    # Nothing that Snakemake would take for made.
    assert not any((tmp_path / name).exists() for name in last)
    (tmp_path / "stopped" / "notes.txt").write_text("mine", encoding="utf-8")
    stopped.clear(tmp_path)
    assert [path.name for path in (tmp_path / "stopped").iterdir()] == ["notes.txt"]


def test_nothing_is_written_where_no_stage_is_done(tmp_path):
    make_results(tmp_path)
    for path in tmp_path.glob("*/stats"):
        shutil.rmtree(path)
    assert stopped.write(tmp_path, "", Config()) == []
    assert not (tmp_path / "stopped").exists()
    with pytest.raises(SourceError):
        stopped.write(tmp_path / "nowhere", "", Config())


def test_a_page_that_cannot_be_written_is_said_beside_the_failure(tmp_path):
    known = ending.Told(begun=True, failures=({"job": "train", "message": "no labels", "log": ""},))
    assert ending.so_far(tmp_path, known) == ""
    (tmp_path / "layout.json").write_text("{", encoding="utf-8")
    assert "could not be written" in ending.so_far(tmp_path, known)


@pytest.mark.parametrize(
    ("stopped", "why"), [("stopped by Ctrl-C", "done. stopped by Ctrl-C."), ("", "done. A job ended without a word")]
)
def test_a_run_that_was_stopped_or_whose_job_was_killed_has_its_page(
    tmp_path, monkeypatch, capsys, stopped: str, why: str
):
    make_results(tmp_path)
    shutil.rmtree(tmp_path / "heuristics" / "stats")
    known = ending.Told(begun=True, failures=())
    monkeypatch.setattr(ending, "told", lambda place: known)
    ending.say_failure(tmp_path, tmp_path, command="tamis run", stopped=stopped)
    assert f"What is done so far: {tmp_path / 'stopped' / 'index.html'}" in capsys.readouterr().err
    assert why in (tmp_path / "stopped" / "index.html").read_text(encoding="utf-8")


def test_a_second_interrupt_ends_the_writing_of_the_page(tmp_path, monkeypatch):
    make_results(tmp_path)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tamis.report.stopped.write", interrupted)
    known = ending.Told(begun=True, failures=())
    assert "was not written" in ending.so_far(tmp_path, known, stopped="stopped by Ctrl-C")


def test_a_run_that_never_began_has_no_page(tmp_path, monkeypatch):
    make_results(tmp_path)
    monkeypatch.setattr(ending, "told", lambda place: ending.Told(begun=False, failures=()))
    ending.say_failure(tmp_path, tmp_path, command="tamis run")
    assert not (tmp_path / "stopped").exists()
