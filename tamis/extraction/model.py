"""The model that chooses lines: two hidden layers of whole numbers, so that its answer is the same on every machine.

The sums of products stay below 2^53, where floating point is exact: the fast matrix product may add them in any order.

Scores are relative: on a page of a kind that the model has not seen, all are low, a forum's posts too. So what a line
must reach is taken from the page itself, from the scores of what is most probably its content.
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

RELATIVE, RELATIVE_OF = 3, 4
"""How far the bound follows the mean score of a page's lines, weighted by how probably they are content and by mass.
On four corpora, each not learnt from, token F1 was .869 on average, and .841 with the best one that all pages share."""

FILE = Path(__file__).with_name("lines.json")


@dataclass(frozen=True)
class Model:
    """Layers of weights.

    Attributes:
        layers: weights [inputs, outputs], biases, and by how many bits a hidden value is shifted down.
        threshold: how far above the page's part of it a score must be (`bound`).
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

    def _likely(self, scores: np.ndarray, mass: np.ndarray) -> np.ndarray:
        steps = np.clip(scores * STEPS_A_UNIT // self.unit, -FARTHEST, FARTHEST) + FARTHEST
        return PROBABILITIES[steps] * mass

    def bound(self, scores: np.ndarray, mass: np.ndarray) -> int:
        """The score above which a line of the page is main content.

        Args:
            scores: of all lines of the page.
            mass: what each counts.
        """
        likely = self._likely(scores, mass)
        whole = int(likely.sum())
        # Below 2^60: 1,024 times 2^24 letters of the largest page times the highest score, 2^25.
        typical = int((likely * scores).sum()) // whole if whole else int(scores.max())
        return RELATIVE * typical // RELATIVE_OF + self.threshold

    def expected_f1(self, scores: np.ndarray, mass: np.ndarray, kept: np.ndarray) -> float:
        """The F1 that the kept lines have if each line is main content as probably as its score says.

        Args:
            scores: of all lines of the page.
            mass: what each counts.
            kept: whether each is kept.
        """
        likely = self._likely(scores, mass)
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
