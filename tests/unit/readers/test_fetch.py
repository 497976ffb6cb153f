"""Fetching pinned releases with pip, from a folder in place of an index."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from release_archives import write_tar

from tamis.errors import SourceError
from tamis.readers.fetch import BACKENDS, Release, fetch, main, parse_requirement


def sdist(folder: Path, marker: Path, build_system: str | None) -> Release:
    """A release whose every build file would leave a mark if it were executed."""
    mark = f"open({str(marker)!r}, 'w').close()\n"
    files = {"setup.py": mark + "from setuptools import setup\nsetup()\n", "evil.py": mark, "a.txt": "Some words.\n"}
    if build_system is not None:
        files["pyproject.toml"] = build_system
    folder.mkdir(exist_ok=True)
    path = write_tar(folder / "small_thing-1.0.tar.gz", files)
    return Release("small-thing", "1.0", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture(name="index")
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for the package index."""
    folder = tmp_path / "index"
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


@pytest.mark.parametrize(
    "build_system",
    [
        None,
        '[build-system]\nrequires=["setuptools"]\nbuild-backend="setuptools.build_meta"\n',
        '[build-system]\nrequires=["hatchling"]\nbuild-backend="hatchling.build"\n',
        '[build-system]\nrequires=["flit_core"]\nbuild-backend="flit_core.buildapi"\n',
    ],
)
def test_a_release_is_fetched_and_nothing_of_it_is_executed(
    index: Path, tmp_path: Path, build_system: str | None
) -> None:
    marker = tmp_path / "executed"
    release = sdist(index, marker, build_system)
    path = fetch(release, tmp_path / "downloads")
    assert path == tmp_path / "downloads" / "small-thing-1.0.sdist"
    assert path.read_bytes() == (index / "small_thing-1.0.tar.gz").read_bytes()
    assert not marker.exists()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("backend", ["evil", "setuptools.build_meta", "unheard_of.build"])
def test_a_backend_of_its_own_is_refused_and_not_executed(index: Path, tmp_path: Path, backend: str) -> None:
    marker = tmp_path / "executed"
    in_tree = f'[build-system]\nrequires=[]\nbuild-backend="{backend}"\nbackend-path=["."]\n'
    release = sdist(index, marker, in_tree)
    with pytest.raises(SourceError, match=r"small-thing 1\.0"):
        fetch(release, tmp_path / "downloads")
    assert not marker.exists()


def test_what_is_there_is_checked_and_not_fetched_again(index: Path, tmp_path: Path) -> None:
    release = sdist(index, tmp_path / "executed", None)
    (tmp_path / release.file_name).write_bytes((index / "small_thing-1.0.tar.gz").read_bytes())
    (index / "small_thing-1.0.tar.gz").unlink()
    fetch(release, tmp_path)
    (tmp_path / release.file_name).write_bytes(b"other")
    with pytest.raises(SourceError, match="expected sha256"):
        fetch(release, tmp_path)


def test_another_hash_and_an_absent_release_are_clear_errors(index: Path, tmp_path: Path) -> None:
    sdist(index, tmp_path / "executed", None)
    wrong = Release("small-thing", "1.0", "0" * 64)
    with pytest.raises(SourceError, match="another file than the one pinned"):
        fetch(wrong, tmp_path / "downloads")
    with pytest.raises(SourceError, match="no source release of that version"):
        fetch(Release("small-thing", "9.9", "0" * 64), tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_an_index_out_of_reach_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(SourceError, match=r"cannot be reached.*small-thing-1\.0\.sdist by hand"):
        fetch(Release("small-thing", "1.0", "0" * 64), tmp_path)


def test_the_command_says_what_went_wrong_and_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--requirement", "small-thing>=1", "--into", str(tmp_path)]) == 1
    done = subprocess.run(
        [sys.executable, "-m", "tamis.readers.fetch", "--requirement", "x", "--into", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "name==version --hash=sha256:" in done.stderr
    assert "Traceback" not in done.stderr
    capsys.readouterr()


def test_ctrl_c_ends_a_download_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        release = f"small-thing==1.0 --hash=sha256:{'0' * 64}"
        command = [sys.executable, "-m", "tamis.readers.fetch", "--requirement", release, "--into", str(tmp_path)]
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
        asked, _ = silent.accept()
        with asked:
            os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + signal.SIGINT
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_names_are_normalised() -> None:
    release = parse_requirement(f"Some_Project.X==1.0.post1 --hash=sha256:{'a' * 64}")
    assert (release.name, release.file_name) == ("some-project-x", "some-project-x-1.0.post1.sdist")
    assert "setuptools.build_meta" in BACKENDS
