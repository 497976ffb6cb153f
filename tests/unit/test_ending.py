"""What a run says at its end."""

from __future__ import annotations

import os

import pytest

from tamis import ending, trouble
from tamis.errors import FolderError

NOTHING = ending.Told(begun=False, failures=())


@pytest.fixture(name="channel")
def _channel(monkeypatch):
    found = ending.open_channel()
    if not found:
        pytest.skip("this system has no files in memory (memfd)")
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found[ending.VARIABLE]


def test_what_jobs_tell_is_said_with_the_log_and_how_to_continue(channel, tmp_path):
    ending.tell(begun="yes")
    for number in range(5):
        ending.tell(job=f"ingest map {number}", message="x.gz: cut short", log="results/logs/a.log")
    text = ending.failure(tmp_path, tmp_path, ending.told(channel), "tamis run --configfile 'my file.yaml'")
    lines = text.splitlines()
    assert lines[:2] == ["ingest map 0 failed: x.gz: cut short.", "  Its log: results/logs/a.log"]
    assert "… and 2 more jobs." in lines
    assert lines[-1] == "What is done stays. Continue with: tamis run --configfile 'my file.yaml'"


def test_nothing_is_written_to_what_is_no_channel(monkeypatch, tmp_path):
    file = tmp_path / "precious"
    file.write_bytes(b"bytes")
    monkeypatch.setenv(ending.VARIABLE, str(file))
    ending.tell(job="a", message="b", log="")
    assert file.read_bytes() == b"bytes"
    assert ending.told() == ending.Told(begun=True, failures=())


def test_a_run_that_was_refused_is_not_told_to_continue(tmp_path):
    assert ending.failure(tmp_path, tmp_path, NOTHING, "tamis run") == ""


def test_a_stopped_run_says_how_to_continue_and_nothing_of_failed_jobs(tmp_path):
    known = ending.Told(begun=True, failures=({"job": "a", "message": "died", "log": ""},))
    assert ending.failure(tmp_path, tmp_path, known, "tamis run", "stopped by Ctrl-C") == (
        "stopped by Ctrl-C.\nWhat is done stays. Continue with: tamis run"
    )


def test_a_full_disk_is_said_even_where_no_job_could(monkeypatch, tmp_path):
    monkeypatch.setattr(trouble, "free", lambda path: 12_345)
    text = ending.failure(tmp_path / "results", tmp_path, NOTHING, "tamis run")
    assert f"the disk is full: {tmp_path / 'results'} has 12.3 kB left, at least 10.0 MB are needed" in text
    with pytest.raises(FolderError, match="the disk is full"):
        ending.check_space(tmp_path, tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FolderError, match=f"nothing can be written to {tmp_path / 'new'}: {tmp_path} is read-only"):
        ending.check_space(tmp_path / "new", tmp_path)
