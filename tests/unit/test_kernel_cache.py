"""Compiled kernels and the table of characters are found again, and a job that finds them loads no compiler."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tamis.kernels import folded_characters

CODE = """
import sys
import pyarrow as pa
from tamis.kernels import words
offsets, hashes = words.word_hashes(*words.buffers(pa.array(["Straße, 東京 ok"])))
print(offsets.tolist(), hashes.tolist(), "scipy.linalg" in sys.modules, "numba.np.arraymath" in sys.modules)
"""


@pytest.fixture(name="run")
def _run(tmp_path):
    def run() -> str:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True
        ).stdout

    return run


def test_the_second_process_loads_no_compiler_and_gives_the_same(run, tmp_path):
    first = run()
    assert first.endswith("True\n")
    assert [path.stat().st_size for path in tmp_path.glob("characters-*.bin")] == [8 * folded_characters.CODE_POINTS]
    second = run()
    assert second.endswith("False False\n")
    assert second.split("]")[:2] == first.split("]")[:2]


def test_a_damaged_table_of_characters_is_made_again(run, tmp_path):
    first = run()
    (path,) = tmp_path.glob("characters-*.bin")
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert run().split("]")[:2] == first.split("]")[:2]
    assert path.read_bytes() == whole


def test_the_kept_table_is_the_made_one(monkeypatch):
    folded_characters.character_table.cache_clear()
    kept = folded_characters.character_table()
    folded_characters.character_table.cache_clear()
    monkeypatch.setattr(folded_characters.numba.config, "CACHE_DIR", "")
    assert np.array_equal(folded_characters.character_table(), kept)
    folded_characters.character_table.cache_clear()
