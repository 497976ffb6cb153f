"""`tamis clean` deletes what is retired, once somebody has said so."""

from __future__ import annotations

import pytest
from fake_results import make_results

from tamis import cli


@pytest.fixture(name="folder")
def _folder(tmp_path):
    make_results(tmp_path / "results", finish=False)
    old = tmp_path / "results/retired/mixtures/old"
    old.mkdir(parents=True)
    (old / "plan.parquet").write_bytes(b"x" * 1234)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept.txt").write_text("kept")
    (old / "link").symlink_to(tmp_path / "outside")
    return tmp_path / "results"


def test_it_is_named_with_its_size_and_kept_until_it_is_confirmed(folder, capsys, monkeypatch):
    assert cli.main(["clean", "--dry-run", "--results", str(folder)]) == 0
    assert f"bytes  {folder / 'retired/mixtures/old'}" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert cli.main(["clean", "--results", str(folder)]) == 1
    assert "--yes" in capsys.readouterr().err
    assert (folder / "retired/mixtures/old/plan.parquet").exists()


def test_it_goes_and_what_links_point_to_stays(folder, capsys):
    assert cli.main(["clean", "--yes", "--results", str(folder)]) == 0
    assert "Deleted" in capsys.readouterr().out
    assert not (folder / "retired").exists()
    assert (folder / "ingest/documents/part-00000.parquet").exists()
    assert (folder.parent / "outside/kept.txt").read_text() == "kept"
    assert cli.main(["clean", "--results", str(folder)]) == 0
    assert "nothing there" in capsys.readouterr().out


def test_a_folder_that_is_no_results_is_not_touched(tmp_path, capsys):
    (tmp_path / "retired").mkdir()
    assert cli.main(["clean", "--yes", "--results", str(tmp_path)]) == 1
    assert "layout.json" in capsys.readouterr().err
    assert (tmp_path / "retired").exists()
