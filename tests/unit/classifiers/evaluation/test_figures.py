"""Figures of a card against scikit-learn, scipy and hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics

from tamis.classifiers.evaluation import figures
from tamis.classifiers.evaluation.ranking import spearman


def report(positive: np.ndarray, score: np.ndarray, length: np.ndarray | None = None) -> dict[str, object]:
    """A report at the threshold of a half."""
    return figures.binary_report(positive, score, score >= 0.5, np.ones(len(score)) if length is None else length)


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    positive = random.random(300) < 0.3
    # Steps of a twentieth, so that many scores are equal.
    score = np.clip(np.round(random.normal(0.4 + 0.2 * positive, 0.2) * 20) / 20, 0.0, 1.0)
    found = report(positive, score, random.integers(1, 50, 300))
    predicted = score >= 0.5
    assert found["precision"] == pytest.approx(metrics.precision_score(positive, predicted), abs=1e-4)
    assert found["recall"] == pytest.approx(metrics.recall_score(positive, predicted), abs=1e-4)
    assert found["f1"] == pytest.approx(metrics.f1_score(positive, predicted), abs=1e-4)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(positive, score), abs=1e-4)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_intervals_of_a_decision_are_as_wide_as_a_bootstrap_says(name: str) -> None:
    random = np.random.default_rng(5)
    positive = random.random(400) < 0.4
    predicted = np.where(random.random(400) < 0.8, positive, ~positive)
    found = figures.binary_report(positive, predicted * 1.0, predicted, np.ones(400))
    draws = random.integers(0, 400, (2000, 400))
    function = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score}[name]
    values = [function(positive[draw], predicted[draw]) for draw in draws[:600]]
    low, high = np.quantile(values, [0.025, 0.975])
    assert found[f"{name}_interval"] == pytest.approx([low, high], abs=0.02)


def test_nothing_called_positive_has_no_precision() -> None:
    positive = np.array([True, False] * 10)
    found = report(positive, np.full(20, 0.2))
    assert (found["precision"], found["recall"], found["f1"], found["roc_auc"]) == (None, 0.0, 0.0, 0.5)
    none = np.zeros(0, dtype=bool)
    assert figures.precision_recall_f1(none, none) == (None, None, None)


@pytest.mark.parametrize(
    ("positive", "note"),
    [
        ([], "fewer than 10 texts"),
        ([True, False] * 4, "fewer than 10 texts"),
        ([True] * 30, "one class only"),
        ([False] * 30, "one class only"),
    ],
)
def test_a_group_that_is_too_small_or_of_one_class_says_so(positive: list[bool], note: str) -> None:
    found = report(np.array(positive, dtype=bool), np.full(len(positive), 0.7))
    assert found["note"] == note
    assert found["documents"] == len(positive)
    names = ("precision", "recall", "f1", "roc_auc", "roc_auc_interval", "length_roc_auc", "tf_idf_roc_auc")
    assert [found[name] for name in names] == [None] * 7


@pytest.mark.parametrize("seed", range(3))
def test_spearman_is_that_of_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    one = random.integers(0, 6, 200)
    other = one + random.normal(size=200)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert spearman(one, np.ones(200)) is None
    assert spearman(one[:0], other[:0]) is None


def test_calibration_error_of_a_perfect_and_of_an_overconfident_score() -> None:
    positive = np.array([True, False] * 50)
    assert figures.expected_calibration_error(positive, np.full(100, 0.5)) == pytest.approx(0.0)
    assert figures.expected_calibration_error(positive, np.ones(100)) == pytest.approx(0.5)


def test_calibration_is_that_of_scikit_learn() -> None:
    from sklearn.calibration import calibration_curve

    random = np.random.default_rng(2)
    score = random.random(500)
    positive = random.random(500) < score**2
    share, mean = calibration_curve(positive, score, n_bins=10)
    found = figures.calibration(positive, score)
    assert [row["share_positive"] for row in found] == pytest.approx(share.tolist(), abs=1e-4)
    assert [row["mean_score"] for row in found] == pytest.approx(mean.tolist(), abs=1e-4)


def test_the_length_baseline_sees_labels_that_only_say_how_long_a_text_is() -> None:
    length = np.arange(100)
    found = report(length < 50, np.full(100, 0.5), length)
    assert found["length_roc_auc"] == 1.0
    assert found["roc_auc"] == 0.5
    assert figures.all_equal(np.full(100, 0.5))
    assert not figures.all_equal(np.zeros(0))
