"""The operating system's refusals in words."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tamis import job, trouble
from tamis.errors import SourceError


def wrapped(inner: Exception) -> Exception:
    outer = SourceError("x.parquet: not a readable Parquet file")
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (RuntimeError('IO Error: could not write "x": No space left on device'), True),
        (wrapped(OSError(errno.ENOSPC, "")), True),
        (OSError(errno.EROFS, "Read-only file system"), False),
        (ValueError("a full disk"), False),
    ],
)
def test_a_full_disk_is_recognised(error, full):
    assert trouble.is_full(error) == full


def test_a_job_on_a_full_disk_says_folder_space_and_need(tmp_path, monkeypatch):
    given = tmp_path / "in.parquet"
    given.write_bytes(bytes(5_000_000))
    out = tmp_path / "out" / "part.parquet"
    monkeypatch.setattr(trouble, "free", lambda path: 2_048 if path == out.parent else 10**9)
    message = job.explained(OSError(errno.ENOSPC, "No space left"), [str(given), str(out), "3"])
    assert message == (
        f"the disk is full: {out.parent} has 2.0 kB left, at least 5.0 MB more are needed. Make space, or name another "
        "output_dir"
    )


@pytest.mark.parametrize(("node", "place"), [("", ""), ("n7", " of node n7")])
def test_a_full_disk_for_temporary_files_names_their_folder_and_node(tmp_path, monkeypatch, node, place):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    out = tmp_path / "out" / "part.parquet"
    monkeypatch.setattr(trouble.tempfile, "gettempdir", lambda: str(scratch))
    monkeypatch.setattr(trouble, "free", lambda path: 0 if path == scratch else 10**9)
    monkeypatch.setenv("SLURMD_NODENAME", node)
    message = job.explained(OSError(errno.ENOSPC, "No space left"), [str(out)])
    assert message == (
        f"the disk is full: {scratch}{place} has 0 bytes left, at least 1.0 MB more are needed. Make space, or name "
        "another TMPDIR"
    )


def test_a_read_only_folder_is_no_traceback_and_a_defect_is():
    refused = OSError(errno.EROFS, "Read-only file system", "results/a.parquet")
    assert "results/a.parquet: the file system is read-only" in str(job.explained(refused, []))
    assert job.explained(SourceError("x.gz: cut short"), []) == "x.gz: cut short"
    assert job.explained(ZeroDivisionError(), []) is None


@pytest.mark.parametrize(
    ("bytes_", "shown"), [(0, "0 bytes"), (999, "999 bytes"), (2_500, "2.5 kB"), (3 * 10**9, "3.0 GB")]
)
def test_sizes(bytes_, shown):
    assert trouble.size(bytes_) == shown


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path):
    assert trouble.free(tmp_path / "a" / "b") == pytest.approx(trouble.free(tmp_path), rel=0.5)
    assert trouble.free(Path("/proc/none")) is not None
