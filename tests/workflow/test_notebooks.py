"""The notebooks on the results of a complete run."""

from __future__ import annotations

import shutil

import pytest
from run_notebooks import NOTEBOOKS, executed, pictures, printed

pytestmark = pytest.mark.workflow


def listing(folder):
    """Path, size and time of every file; a notebook must change none."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_changes_nothing(full, tmp_path, monkeypatch, path):
    # Other processes put questions to the complete run meanwhile.
    results = shutil.copytree(full / "results", tmp_path / "results")
    before = listing(results)
    outputs = executed(path, results, monkeypatch)
    assert listing(results) == before
    assert pictures(outputs) == 6
    text = printed(outputs)
    for shown in ("near_duplicate", "similarity", "kept_id", "same_url", "share, %"):
        assert shown in text
