"""The softmax head: what it learns, and that a row's bits are its own."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.classifiers import linear_head
from tamis.errors import ModelError
from tamis.shards import write_json


def clouds(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    random = np.random.default_rng(seed)
    labels = [("low", "middle", "high")[index % 3] for index in range(rows)]
    centre = {"low": -2.0, "middle": 0.0, "high": 2.0}
    vectors = random.normal(size=(rows, 12)).astype(np.float32)
    vectors[:, 0] += [centre[label] for label in labels]
    return vectors, labels


CLASSES = ("low", "middle", "high")


def test_it_satisfies_the_conditions_of_the_optimum() -> None:
    # The gradient of the penalised log loss, worked out with numpy, is zero where the fit ended.
    vectors, labels = clouds()
    weights = linear_head.group_weights(labels, ["prose"] * len(labels))
    head = linear_head.fit(vectors, labels, CLASSES, weights, 0.1)
    features = (vectors.astype(np.float64) - head.mean) / head.scale
    logits = features @ head.weights.T + head.bias
    probability = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    truth = np.array([[label == name for name in CLASSES] for label in labels], dtype=np.float64)
    error = (probability - truth) * (weights / len(weights))[:, None]
    assert np.abs(error.T @ features + 0.1 * head.weights).max() < 1e-5
    assert np.abs(error.sum(axis=0)).max() < 1e-5


def test_it_learns_and_rows_sum_to_one() -> None:
    vectors, labels = clouds()
    head = linear_head.fit(vectors, labels, CLASSES, np.ones(len(labels)), 0.01)
    fresh, truth = clouds(seed=1)
    probability = head.probabilities(fresh)
    assert (
        np.mean([CLASSES[index] == label for index, label in zip(probability.argmax(axis=1), truth, strict=True)])
        > 0.75
    )
    assert probability.sum(axis=1) == pytest.approx(1.0, abs=1e-6)


def test_a_row_has_the_same_bits_in_any_company() -> None:
    vectors, labels = clouds(301)
    head = linear_head.fit(vectors, labels, CLASSES, np.ones(len(labels)), 0.01)
    whole = head.probabilities(vectors)
    order = np.random.default_rng(5).permutation(len(vectors))
    assert np.array_equal(head.probabilities(vectors[order]), whole[order])
    for row in (0, 17, 300):
        assert np.array_equal(head.probabilities(vectors[row : row + 1])[0], whole[row])


def test_each_class_of_each_kind_weighs_the_same() -> None:
    weights = linear_head.group_weights(["a", "a", "a", "b"], ["prose"] * 4)
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])


def test_it_survives_json_exactly_and_is_refused_for_other_vectors(tmp_path) -> None:
    vectors, labels = clouds()
    head = linear_head.fit(vectors, labels, CLASSES, np.ones(len(labels)), 0.1)
    write_json(tmp_path / "head.json", {"head": head.to_json()})
    again = linear_head.read(tmp_path / "head.json", 12)
    assert np.array_equal(again.probabilities(vectors), head.probabilities(vectors))
    with pytest.raises(ModelError, match="12 numbers, the embeddings have 384"):
        linear_head.read(tmp_path / "head.json", 384)
