"""Kernels on bytes that are no UTF-8, with numba's checks of every index (`tests/fuzz/kernels.py`)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tamis.kernels.language_walk import samples

FUZZ = Path(__file__).parents[2] / "fuzz" / "kernels.py"


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays(tmp_path: Path) -> None:
    # All kernels are compiled anew; optimising them takes a quarter of that, and the checks are the same without.
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(FUZZ), "--rounds", "60"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "60 rounds" in done.stdout


@pytest.mark.parametrize("limit", [1, 1000])
def test_samples_of_a_character_without_an_end_hold_no_more_than_there_is_room_for(limit: int) -> None:
    data = np.frombuffer(b"\xc3" + b"\x80" * 5_000_000, np.uint8)
    bounds, sample, _ = samples(np.array([0, len(data)]), data, limit)
    assert bounds[-1] == len(sample) <= 4 * limit
