"""The model that chooses lines: two hidden layers of whole numbers, so that its answer is the same on every machine.

The sums of products stay below 2^53, where floating point is exact: the fast matrix product may add them in any order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

STEPS_A_UNIT = 8
FARTHEST = 64
WHOLE = 1_024
PROBABILITIES = np.rint(WHOLE / (1 + np.exp(-np.arange(-FARTHEST, FARTHEST + 1) / STEPS_A_UNIT))).astype(np.int64)
"""Of scores in eighths of the logarithm of odds, in 1,024ths."""

FILE = Path(__file__).with_name("lines.json")


@dataclass(frozen=True)
class Model:
    """Layers of weights.

    Attributes:
        layers: weights [inputs, outputs], biases, and by how many bits a hidden value is shifted down.
        threshold: a line whose score is higher is main content.
        unit: of a score: 1 in the logarithm of odds.
    """

    layers: tuple[tuple[np.ndarray, np.ndarray, int], ...]
    threshold: int
    unit: int

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Model:
        """A model of what its file holds."""
        layers = tuple(
            (np.array(one["weights"], np.float64).T.copy(), np.array(one["bias"], np.float64), one.get("shift", 0))
            for one in values["layers"]
        )
        return cls(layers, values.get("threshold", 0), int(values["unit"]))

    def expected_f1(self, scores: np.ndarray, mass: np.ndarray) -> float:
        """The F1 that the chosen lines of a page have if each line is main content as probably as its score says.

        Args:
            scores: of the lines.
            mass: what each counts.
        """
        steps = np.clip(scores * STEPS_A_UNIT // self.unit, -FARTHEST, FARTHEST) + FARTHEST
        likely = PROBABILITIES[steps] * mass
        kept = scores > self.threshold
        whole = WHOLE * int(mass[kept].sum()) + int(likely.sum())
        return 2 * int(likely[kept].sum()) / whole if whole else 0.0

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores of lines, int64.

        Args:
            features: [lines, inputs], whole numbers.
        """
        values = features.astype(np.float64)
        *hidden, (weights, bias, _) = self.layers
        for inner, offset, shift in hidden:
            sums = values @ inner + offset
            values = np.floor(np.maximum(sums, 0.0) / float(1 << shift))
        return (values @ weights + bias)[:, 0].astype(np.int64)


@cache
def model() -> Model:
    """The model of the package."""
    return Model.from_json(json.loads(FILE.read_text(encoding="utf-8")))
