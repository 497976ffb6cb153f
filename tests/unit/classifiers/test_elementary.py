"""exp and log: close to the truth, and the same bits everywhere."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from tamis.classifiers import elementary


def in_units(found: np.ndarray, truth: list[float]) -> float:
    return float(np.max(np.abs(found - np.array(truth)) / np.spacing(np.abs(truth))))


def test_exp_is_the_exponential() -> None:
    values = np.concatenate([np.linspace(-708.0, 709.0, 20_001), np.linspace(-1.0, 1.0, 20_001)])
    assert in_units(elementary.exp(values), [math.exp(value) for value in values]) <= 3
    assert elementary.exp(np.array([0.0, -0.0, -709.0, -1e300, -np.inf])).tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_log_is_the_logarithm() -> None:
    near = 2.0 ** -np.arange(2, 50)
    values = np.concatenate([np.linspace(1.001, 50.0, 20_001), np.logspace(-300, 300, 20_001), 1.0 + near, 1.0 - near])
    assert in_units(elementary.log(values), [math.log(value) for value in values]) <= 4
    assert elementary.log(np.array([1.0])).tolist() == [0.0]


@pytest.mark.parametrize(
    ("function", "first", "digest"),
    [("exp", -20_000, "10ce105acc2842f2"), ("log", 1, "369cc42223013d9e")],
)
def test_the_bits_are_those_of_every_other_machine(function: str, first: int, digest: str) -> None:
    # Written down from one machine; multiples of 1/64 are the same numbers everywhere.
    values = getattr(elementary, function)(np.arange(first, first + 40_000) / 64.0)
    assert hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()[:16] == digest
