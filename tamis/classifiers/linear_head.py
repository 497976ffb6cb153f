"""A linear classifier on frozen vectors: softmax regression, fitted the same way on every machine's cores.

Fitted by L-BFGS in 64-bit on one thread (more threads add in another order and change the last bits). Every group
of (class, kind) weighs the same, so that the kind of a document says nothing about its class. Saved as JSON:
readable, and nothing is executed on loading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tamis.errors import ModelError
from tamis.shards import read_json

CHUNK = 4096
"""Rows scored at a time: bounds memory; each row's sum is its own, so it does not touch the result."""


@dataclass(frozen=True)
class Head:
    """Class probabilities = softmax(weights · (vector - mean) / scale + bias)."""

    classes: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """From n × hidden to n × classes, float32; a row's bits do not depend on the other rows."""
        result = np.zeros((len(vectors), len(self.classes)), dtype=np.float32)
        for start in range(0, len(vectors), CHUNK):
            rows = (vectors[start : start + CHUNK].astype(np.float64) - self.mean) / self.scale
            # Not a matrix product: BLAS sums a row in another order for another number of rows.
            logits = np.stack([(rows * weights).sum(axis=1) for weights in self.weights], axis=1) + self.bias
            shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
            result[start : start + CHUNK] = shifted / shifted.sum(axis=1, keepdims=True)
        return result

    def to_json(self) -> dict[str, Any]:
        """The value for `shards.write_json`; 64-bit floats survive exactly."""
        return {
            "classes": list(self.classes),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "weights": self.weights.tolist(),
            "bias": self.bias.tolist(),
        }


def from_json(value: dict[str, Any]) -> Head:
    """The inverse of `Head.to_json`."""
    arrays = {name: np.array(value[name], dtype=np.float64) for name in ("mean", "scale", "weights", "bias")}
    return Head(tuple(value["classes"]), **arrays)


def read(path: Path, size: int) -> Head:
    """Read a head and hold it to the size of the vectors it will see.

    Raises:
        ModelError: it was fitted on vectors of another size.
    """
    head = from_json(read_json(path)["head"])
    if head.weights.shape[1] != size:
        msg = (
            f"{path}: fitted on vectors of {head.weights.shape[1]} numbers, the embeddings have {size}; the "
            "backbone changed. Run the workflow again."
        )
        raise ModelError(msg)
    return head


def group_weights(labels: Sequence[str], kinds: Sequence[str]) -> np.ndarray:
    """Weights of n rows, mean 1, so that each (class, kind) that occurs weighs the same."""
    groups = np.array([f"{label}\0{kind}" for label, kind in zip(labels, kinds, strict=True)])
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return (len(groups) / (len(counts) * counts))[inverse]


def fit(
    vectors: np.ndarray, labels: Sequence[str], classes: Sequence[str], weights: np.ndarray, penalty: float
) -> Head:
    """Fit a head.

    Args:
        vectors: n × hidden.
        labels: n class names.
        classes: all class names, in the order of the columns.
        weights: n weights, mean 1.
        penalty: L2 penalty on the weights of standardised features (half the penalty times their squared sum is added
            to the mean log loss).
    """
    import torch

    torch.set_num_threads(1)
    rows = vectors.astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale < 1e-9] = 1.0
    features = torch.from_numpy((rows - mean) / scale)
    truth = torch.tensor([list(classes).index(label) for label in labels])
    share = torch.from_numpy(weights / len(weights))
    matrix = torch.zeros((len(classes), features.shape[1]), dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(len(classes), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [matrix, bias],
        max_iter=300,
        tolerance_grad=1e-7,
        tolerance_change=1e-10,
        history_size=10,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Any:
        optimiser.zero_grad()
        logits = features @ matrix.T + bias
        value = (torch.nn.functional.cross_entropy(logits, truth, reduction="none") * share).sum()
        value = value + 0.5 * penalty * (matrix * matrix).sum()
        value.backward()
        return value

    optimiser.step(loss)
    return Head(tuple(classes), mean, scale, matrix.detach().numpy().copy(), bias.detach().numpy().copy())
