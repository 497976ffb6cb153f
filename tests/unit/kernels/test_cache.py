"""Compiled kernels and the table of characters are found again, and a job that finds them loads no compiler."""

import errno
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile

import tamis
from tamis import kernels
from tamis.kernels import folded_characters

CODE = """
import sys
import pyarrow as pa
from tamis.kernels import words
offsets, hashes = words.word_hashes(*words.buffers(pa.array(["Straße, 東京 ok"])))
print(offsets.tolist(), hashes.tolist(), "scipy.linalg" in sys.modules, "numba.np.arraymath" in sys.modules)
"""


def start(code: str = CODE, cwd: Path | None = None, **environment: str) -> subprocess.Popen:
    clean = {name: value for name, value in os.environ.items() if name not in {"XDG_CACHE_HOME", "NUMBA_CACHE_DIR"}}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=clean | environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen) -> str:
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


def results(output: str) -> list[str]:
    return output.split("]")[:2]


@pytest.fixture(name="firsts", scope="module")
def _firsts(tmp_path_factory):
    """A folder without kernels, and what two processes gave that began there at the same time."""
    folder = tmp_path_factory.mktemp("cache")
    both = [start(NUMBA_CACHE_DIR=str(folder)) for _ in range(2)]
    return folder, [finished(process) for process in both]


@pytest.fixture(name="folder")
def _folder(firsts):
    return firsts[0]


@pytest.fixture(name="expected")
def _expected(firsts):
    return results(firsts[1][0])


def test_two_processes_compile_at_once_and_a_third_loads_no_compiler_and_gives_the_same(firsts, folder):
    assert firsts[1][0].endswith("True\n")
    third = finished(start(NUMBA_CACHE_DIR=str(folder)))
    assert third.endswith("False False\n")
    assert results(firsts[1][0]) == results(firsts[1][1]) == results(third)
    tables = folder.glob("tamis/numba-*/characters-*.bin")
    assert [path.stat().st_size for path in tables] == [8 * folded_characters.CODE_POINTS]
    assert not [path.name for path in folder.rglob("*") if "tmp" in path.name]


def test_a_damaged_table_of_characters_is_made_again(folder, expected):
    (path,) = folder.glob("tamis/numba-*/characters-*.bin")
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert results(finished(start(NUMBA_CACHE_DIR=str(folder)))) == expected
    assert path.read_bytes() == whole


def test_the_kept_table_is_the_made_one(monkeypatch):
    folded_characters.character_table.cache_clear()
    kept = folded_characters.character_table()
    folded_characters.character_table.cache_clear()
    monkeypatch.setattr(folded_characters.numba.config, "CACHE_DIR", "")
    assert np.array_equal(folded_characters.character_table(), kept)
    folded_characters.character_table.cache_clear()


@pytest.fixture(name="installed")
def _installed(tmp_path):
    """A copy of the package that cannot be written to."""
    package = tmp_path / "site" / "tamis"
    shutil.copytree(Path(tamis.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield package.parent
    for folder in folders:
        folder.chmod(0o755)


def test_without_a_home_kernels_of_a_read_only_installation_are_kept_among_temporary_files(
    installed, tmp_path, expected
):
    before = sorted(installed.rglob("*"))
    empty, temporary = tmp_path / "empty", tmp_path / "temporary"
    empty.mkdir()
    temporary.mkdir()
    environment = {
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Nobody, root included, can make a folder there.
        "HOME": "/dev/null",
        "TMPDIR": str(temporary),
    }
    assert results(finished(start(cwd=empty, **environment))) == expected
    (kept,) = temporary.glob(f"tamis-{os.geteuid()}/tamis/numba-*")
    assert kept.stat().st_mode & 0o777 == 0o700
    assert finished(start(cwd=empty, **environment)).endswith("False False\n")
    assert sorted(installed.rglob("*")) == before
    assert not list(empty.iterdir())


def test_where_nothing_can_be_kept_kernels_are_compiled_and_the_package_stays_as_it_is(installed, expected):
    without = "import tamis.user_cache\ntamis.user_cache.own_folder = lambda name, chosen: None\n"
    environment = {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    before = sorted(installed.rglob("*"))
    assert results(finished(start(without + CODE, **environment))) == expected
    assert sorted(installed.rglob("*")) == before


def test_kernels_that_two_processes_save_at_once_do_not_take_each_others_file(tmp_path, monkeypatch):
    one, other, later = (IndexDataCacheFile(str(tmp_path), "kernel-1.py3", "stamp") for _ in range(3))
    # Each has read the index before the other has written it.
    for file in (one, other):
        monkeypatch.setattr(file, "_load_index", dict)
    other.save(("int64",), "code for int64")
    one.save(("float64",), "code for float64")
    # Whichever is written last, no file holds what an index says of another.
    assert len(list(tmp_path.glob("*.nbc"))) == 2
    assert later.load(("float64",)) == "code for float64"
    # What the later index lacks is compiled once more.
    assert later.load(("int64",)) is None
    later.save(("int64",), "code for int64")
    assert [later.load(("int64",)), later.load(("float64",))] == ["code for int64", "code for float64"]


def test_a_full_disk_ends_no_job(monkeypatch, caplog):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @numba.njit(cache=True)
    def twice(value):
        return 2 * value

    kernels._warn.cache_clear()
    monkeypatch.setattr(IndexDataCacheFile, "_save_data", full)
    with caplog.at_level(logging.WARNING):
        assert [twice(2), twice(2.5)] == [4, 5.0]
    assert len(caplog.records) == 1
    assert "No space left" in caplog.text
    kernels._warn.cache_clear()


def test_an_edit_in_any_room_of_the_kernels_names_another_folder(tmp_path):
    package = Path(kernels.__file__).parent
    copied = shutil.copytree(package, tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(package.parent / "text.py", tmp_path)
    before = kernels._content_hash(copied)
    assert before == kernels._content_hash(package)
    edited = copied / "heuristics" / "rule_words.py"
    edited.write_text(edited.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert kernels._content_hash(copied) != before
