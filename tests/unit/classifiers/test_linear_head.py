"""The softmax head: what it learns, and that a row's bits are its own."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tamis.classifiers import linear_head


def clouds(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    random = np.random.default_rng(seed)
    labels = [("low", "middle", "high")[index % 3] for index in range(rows)]
    centre = {"low": -2.0, "middle": 0.0, "high": 2.0}
    vectors = random.normal(size=(rows, 12)).astype(np.float32)
    vectors[:, 0] += [centre[label] for label in labels]
    return vectors, labels


CLASSES = ("low", "middle", "high")


def shares(labels: list[str]) -> np.ndarray:
    return linear_head.truth_of(labels, [None] * len(labels), CLASSES)


def test_it_satisfies_the_conditions_of_the_optimum() -> None:
    # The gradient of the penalised log loss, worked out with numpy, is zero where the fit ended.
    vectors, labels = clouds()
    weights = linear_head.group_weights(labels, ["prose"] * len(labels))
    head = linear_head.fit(vectors, shares(labels), CLASSES, weights, 0.1)
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
    head = linear_head.fit(vectors, shares(labels), CLASSES, np.ones(len(labels)), 0.01)
    fresh, truth = clouds(seed=1)
    probability = head.probabilities(fresh)
    assert (
        np.mean([CLASSES[index] == label for index, label in zip(probability.argmax(axis=1), truth, strict=True)])
        > 0.75
    )
    assert probability.sum(axis=1) == pytest.approx(1.0, abs=1e-6)


def test_a_grade_is_learnt_as_that_many_of_each_class() -> None:
    # A text of grade .25 is three bad ones and a good one at its place.
    random = np.random.default_rng(2)
    vectors = random.normal(size=(80, 3))
    grades = random.integers(0, 5, 80) / 4
    graded = linear_head.fit(
        vectors, linear_head.truth_of(["bad"] * 80, grades, ("bad", "good")), ("bad", "good"), np.ones(80), 0.1
    )
    labels = [name for grade in grades for name in ["good"] * int(4 * grade) + ["bad"] * int(4 - 4 * grade)]
    named = linear_head.truth_of(labels, [None] * 320, ("bad", "good"))
    repeated = linear_head.fit(np.repeat(vectors, 4, axis=0), named, ("bad", "good"), np.ones(320), 0.1)
    assert graded.weights == pytest.approx(repeated.weights, abs=1e-6)


def test_a_row_has_the_same_bits_in_any_company() -> None:
    vectors, labels = clouds(301)
    head = linear_head.fit(vectors, shares(labels), CLASSES, np.ones(len(labels)), 0.01)
    whole = head.probabilities(vectors)
    order = np.random.default_rng(5).permutation(len(vectors))
    assert np.array_equal(head.probabilities(vectors[order]), whole[order])
    for row in (0, 17, 300):
        assert np.array_equal(head.probabilities(vectors[row : row + 1])[0], whole[row])


def test_each_class_of_each_kind_weighs_the_same() -> None:
    weights = linear_head.group_weights(["a", "a", "a", "b"], ["prose"] * 4)
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])


def test_the_fit_has_the_bits_of_every_other_machine() -> None:
    # Written down from one machine; the vectors are small whole numbers over 16, the same everywhere.
    vectors = ((np.arange(700 * 24).reshape(700, 24) * 7919 % 1009 % 37 - 18) / 16).astype(np.float32)
    labels = [CLASSES[int(row[0] * 16 + row[1] * 5 + 40) % 3] for row in vectors]
    head = linear_head.fit(vectors, shares(labels), CLASSES, linear_head.group_weights(labels, ["prose"] * 700), 0.01)
    digest = hashlib.sha256()
    for part in (head.mean, head.scale, head.weights, head.bias):
        digest.update(part.astype("<f8").tobytes())
    digest.update(head.probabilities(vectors).astype("<f4").tobytes())
    assert digest.hexdigest()[:16] == "e2a0ebb0cb7fa49b"


def test_it_finds_the_minimum_that_another_library_finds() -> None:
    import torch

    vectors, labels = clouds(900, seed=3)
    weights = linear_head.group_weights(labels, ["prose"] * len(labels))
    head = linear_head.fit(vectors, shares(labels), CLASSES, weights, 0.05)
    features = torch.from_numpy((vectors.astype(np.float64) - head.mean) / head.scale)
    truth = torch.tensor([CLASSES.index(label) for label in labels])
    matrix = torch.zeros((3, 12), dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [matrix, bias], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        each = torch.nn.functional.cross_entropy(features @ matrix.T + bias, truth, reduction="none")
        value = (each * torch.from_numpy(weights / len(weights))).sum() + 0.025 * (matrix * matrix).sum()
        value.backward()
        return value

    optimiser.step(loss)
    assert head.weights == pytest.approx(matrix.detach().numpy(), abs=1e-6)
    assert head.bias == pytest.approx(bias.detach().numpy(), abs=1e-6)
