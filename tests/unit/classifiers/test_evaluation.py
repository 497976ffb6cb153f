"""Figures of a card against brute force and hand-worked cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.classifiers import evaluation


def brute_force_auc(positive: list[bool], score: list[float]) -> float:
    pairs = [(a, b) for (a, x), (b, y) in itertools.product(zip(score, positive, strict=True), repeat=2) if x and not y]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.9])), min_size=1, max_size=40))
def test_auc_counts_pairs_with_ties_as_half(rows: list[tuple[bool, float]]) -> None:
    positive, score = [row[0] for row in rows], [row[1] for row in rows]
    found = evaluation.roc_auc(np.array(positive), np.array(score))
    if len(set(positive)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(brute_force_auc(positive, score))


def test_precision_recall_f1_by_hand() -> None:
    positive = np.array([True, True, True, False, False])
    predicted = np.array([True, True, False, True, False])
    assert evaluation.precision_recall_f1(positive, predicted) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert evaluation.precision_recall_f1(positive, ~positive) == (0.0, 0.0, 0.0)


def test_what_nothing_was_measured_on_is_not_called_zero() -> None:
    none = np.zeros(0, dtype=bool)
    assert evaluation.precision_recall_f1(none, none) == (None, None, None)
    report = evaluation.by_kind(none, np.zeros(0), np.zeros(0), np.zeros(0, dtype=object), 0.5)
    assert "| all | 0 | 0 | – | – | – | – | – |" in evaluation.table_lines(report, "group")


@pytest.mark.parametrize("seed", range(3))
def test_spearman_is_that_of_scipy(seed: int) -> None:
    from scipy.stats import spearmanr

    random = np.random.default_rng(seed)
    one = random.integers(0, 6, 200)
    other = one + random.normal(size=200)
    assert evaluation.spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert evaluation.spearman(one, np.ones(200)) is None


def test_calibration_error_of_a_perfect_and_of_an_overconfident_score() -> None:
    positive = np.array([True, False] * 50)
    assert evaluation.expected_calibration_error(positive, np.full(100, 0.5)) == pytest.approx(0.0)
    assert evaluation.expected_calibration_error(positive, np.ones(100)) == pytest.approx(0.5)


def test_the_length_baseline_sees_labels_that_only_say_how_long_a_text_is() -> None:
    length = np.arange(100)
    positive = length < 50
    report = evaluation.binary_report(positive, np.full(100, 0.5), length, 0.5)
    assert report["length_roc_auc"] == 1.0
    assert report["roc_auc"] == 0.5


def test_a_score_that_only_tells_kinds_apart_is_chance_within_each_kind() -> None:
    kind = np.array(["prose"] * 40 + ["code"] * 40)
    positive = np.array([True] * 30 + [False] * 10 + [True] * 10 + [False] * 30)
    score = np.where(kind == "prose", 0.9, 0.1)
    report = evaluation.by_kind(positive, score, np.ones(80), kind, 0.5)
    assert report["all"]["roc_auc"] == pytest.approx(0.75)
    assert report["prose"]["roc_auc"] == report["code"]["roc_auc"] == 0.5


def test_several_classes_are_each_held_against_the_rest() -> None:
    probability = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3]])
    report = evaluation.multiclass_report(["a", "b", "c"], probability, ["a", "b", "c"], np.array([1, 2, 3]))
    assert report["a"]["f1"] == 1.0
    assert (report["b"]["precision"], report["b"]["recall"]) == (0.5, 1.0)
    assert report["c"]["recall"] == 0.0
    assert report["c"]["roc_auc"] == 1.0
