import json
import os
import subprocess
import sys

import pytest

from tamis import barrier
from tamis.errors import ShardMismatchError, SourceError


@pytest.fixture(name="folder")
def _folder(tmp_path):
    for index in range(3):
        (tmp_path / f"part-{index:05d}.arrow").write_bytes(b"x" * index)
    return tmp_path


def test_it_names_the_files_in_order(folder):
    barrier.write(folder / "b" / "barrier.json", folder, 3, ".arrow")
    assert barrier.paths(folder / "b" / "barrier.json") == [folder / f"part-{index:05d}.arrow" for index in range(3)]


def test_its_bytes_change_when_an_input_is_written_again_with_the_same_bytes(folder):
    # Snakemake compares small files by content: a barrier that stayed the same would leave stale reduces behind.
    lines = folder / "barrier.json"
    barrier.write(lines, folder, 3, ".arrow")
    before = lines.read_bytes()
    again = folder / "part-00002.arrow"
    again.write_bytes(again.read_bytes())
    os.utime(again, ns=(1, 1))
    with pytest.raises(ShardMismatchError, match="part-00002"):
        barrier.paths(lines)
    barrier.write(lines, folder, 3, ".arrow")
    assert lines.read_bytes() != before
    assert len(barrier.paths(lines)) == 3


def test_a_missing_input_is_named(folder):
    with pytest.raises(SourceError, match="part-00003"):
        barrier.write(folder / "barrier.json", folder, 4, ".arrow")
    assert not (folder / "barrier.json").exists()
    barrier.write(folder / "barrier.json", folder, 3, ".arrow")
    (folder / "part-00001.arrow").unlink()
    with pytest.raises(SourceError, match="part-00001"):
        barrier.paths(folder / "barrier.json")


def test_files_beyond_the_count_are_not_taken(folder):
    # Fewer shards than in an earlier run leave old files behind.
    barrier.write(folder / "barrier.json", folder, 2, ".arrow")
    assert len(barrier.paths(folder / "barrier.json")) == 2


def test_the_command_that_rules_call(folder):
    def run(*arguments):
        command = [sys.executable, "-m", "tamis.barrier", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(folder / "barrier.json", folder, 3, ".arrow").returncode == 0
    assert len(json.loads((folder / "barrier.json").read_text())["files"]) == 3
    failed = run(folder / "barrier.json", folder, 5, ".arrow")
    assert failed.returncode == 1
    assert "part-00003" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_it_starts_without_what_takes_long_to_import():
    # A run has dozens of barriers, and all other jobs wait for each.
    code = "import sys, tamis.barrier; print(sorted({'numpy', 'pyarrow', 'pydantic'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
