"""A linear classifier on frozen vectors: softmax regression with the same bits on every processor.

Fitted by L-BFGS in 64-bit. Nothing here is a matrix product: BLAS adds in another order for another processor, number
of rows or threads. Products are single operations, sums are NumPy's (pairwise along a row, the order being its length's
alone), and exp and log are those of `elementary.py`; so equal vectors give an equal head and equal probabilities. Every
group of (class, kind) weighs the same, so that the kind of a document says nothing about its class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tamis.classifiers import elementary

CHUNK = 4096
"""Rows scored at a time: bounds memory; each row's sum is its own, so it does not touch the result."""

BLOCK = 256
"""Rows multiplied at a time, so that the products stay in the cache; a constant, because columns are added by block."""


@dataclass(frozen=True)
class Head:
    """Class probabilities = softmax(weights · (vector - mean) / scale + bias)."""

    classes: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """From n × hidden to n × classes, float64; a row's bits do not depend on the other rows."""
        result = np.zeros((len(vectors), len(self.classes)))
        for start in range(0, len(vectors), CHUNK):
            rows = (vectors[start : start + CHUNK].astype(np.float64) - self.mean) / self.scale
            result[start : start + CHUNK] = _products(rows, self.weights) + self.bias
        return result

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """From n × hidden to n × classes, float32; a row's bits do not depend on the other rows."""
        logits = self.logits(vectors)
        shifted = elementary.exp(logits - logits.max(axis=1, keepdims=True))
        return (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)


def group_weights(labels: Sequence[str], kinds: Sequence[str]) -> np.ndarray:
    """Weights of n rows, mean 1, so that each (class, kind) that occurs weighs the same."""
    groups = np.array([f"{label}\0{kind}" for label, kind in zip(labels, kinds, strict=True)])
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return (len(groups) / (len(counts) * counts))[inverse]


def truth_of(labels: Sequence[str], grades: Sequence[float | None], classes: Sequence[str]) -> np.ndarray:
    """The share of each class in n labelled texts, n × classes: a class, or, of two classes, a grade between them."""
    truth = np.zeros((len(labels), len(classes)))
    for row, (label, grade) in enumerate(zip(labels, grades, strict=True)):
        if grade is None:
            truth[row, list(classes).index(label)] = 1.0
        else:
            truth[row] = 1.0 - grade, grade
    return truth


def fit(vectors: np.ndarray, truth: np.ndarray, classes: Sequence[str], weights: np.ndarray, penalty: float) -> Head:
    """Fit a head.

    Args:
        vectors: n × hidden.
        truth: n × classes, the share of each class in each row; one of them 1 where a label is a name.
        classes: all class names, in the order of the columns.
        weights: n weights, mean 1.
        penalty: L2 penalty on the weights of standardised features (half the penalty times their squared sum is added
            to the mean log loss).
    """
    rows = vectors.astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale < 1e-9] = 1.0
    features = (rows - mean) / scale
    share = weights / len(weights)
    hidden = features.shape[1]

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        """The penalised log loss and its gradient, at classes × (hidden + 1), the last column being the bias."""
        logits = _products(features, at[:, :hidden]) + at[:, hidden]
        largest = logits.max(axis=1)
        shifted = elementary.exp(logits - largest[:, None])
        total = shifted.sum(axis=1)
        of_truth = (logits * truth).sum(axis=1)
        value = ((elementary.log(total) + largest - of_truth) * share).sum()
        error = (shifted / total[:, None] - truth) * share[:, None]
        slope = np.concatenate([_sums(features, error), error.sum(axis=0)[:, None]], axis=1)
        slope[:, :hidden] += penalty * at[:, :hidden]
        return float(value + 0.5 * penalty * (at[:, :hidden] * at[:, :hidden]).sum()), slope

    found = minimum(loss, np.zeros((len(classes), hidden + 1)))
    return Head(tuple(classes), mean, scale, found[:, :hidden].copy(), found[:, hidden].copy())


def _products(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rows (n × hidden) times the transpose of classes × hidden, each sum over its own row and in NumPy's one order."""
    result = np.empty((len(rows), len(weights)))
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        for column, line in enumerate(weights):
            result[start : start + BLOCK, column] = (block * line).sum(axis=1)
    return result


def _sums(rows: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """The transpose of n × classes times n × hidden, added block by block."""
    result = np.zeros((factors.shape[1], rows.shape[1]))
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        for column in range(factors.shape[1]):
            result[column] += (block * factors[start : start + BLOCK, column, None]).sum(axis=0)
    return result


def minimum(function: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray) -> np.ndarray:
    """Where a smooth convex function is least, by L-BFGS (Nocedal and Wright 2006, algorithms 3.1 and 7.4).

    Ends when no entry of the gradient is above 10^-8, when no step lowers the value any more, or after 300 steps.
    """
    at, (value, slope) = start, function(start)
    moves: list[tuple[np.ndarray, np.ndarray, float]] = []
    for _ in range(300):
        if np.abs(slope).max() <= 1e-8:
            break
        step = _newton_step(slope, moves) if moves else -slope / max(1.0, float(np.abs(slope).sum()))
        descent = float((step * slope).sum())
        length = 1.0
        while (tried := function(at + length * step))[0] > value + 1e-4 * length * descent:
            length *= 0.5
            if length < 1e-10:
                return at
        move, bend = length * step, tried[1] - slope
        at, (value, slope) = at + move, tried
        curvature = float((move * bend).sum())
        if curvature > 0.0:
            moves = [*moves[-9:], (move, bend, curvature)]
    return at


def _newton_step(slope: np.ndarray, moves: Sequence[tuple[np.ndarray, np.ndarray, float]]) -> np.ndarray:
    """Minus the gradient times the inverse curvature that the last moves, oldest first, have shown."""
    step, shares = -slope, []
    for move, bend, curvature in reversed(moves):
        shares.append(float((move * step).sum()) / curvature)
        step = step - shares[-1] * bend
    _, bend, curvature = moves[-1]
    step = step * (curvature / float((bend * bend).sum()))
    for (move, bend, curvature), share in zip(moves, reversed(shares), strict=True):
        step = step + (share - float((bend * step).sum()) / curvature) * move
    return step
