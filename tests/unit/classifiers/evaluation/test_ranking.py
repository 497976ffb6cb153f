"""The area under the ROC curve against brute force, its interval against simulation and a bootstrap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from tamis.classifiers.evaluation import ranking, roc_auc


def brute_force_auc(positive: list[bool], score: list[float]) -> float:
    pairs = [(a, b) for (a, x), (b, y) in itertools.product(zip(score, positive, strict=True), repeat=2) if x and not y]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.9])), min_size=1, max_size=40))
def test_auc_counts_pairs_with_ties_as_half(rows: list[tuple[bool, float]]) -> None:
    positive, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found, interval = roc_auc(positive, score), ranking.auc_interval(positive, score)
    if len(set(positive.tolist())) < 2:
        assert found is interval is None
        return
    assert found == pytest.approx(brute_force_auc(positive.tolist(), score.tolist()))
    assert interval is not None
    assert 0.0 <= interval.low <= interval.value == found <= interval.high <= 1.0
    assert interval.low < interval.high


def two_normals(random: np.random.Generator, positives: int, negatives: int, area: float) -> tuple[np.ndarray, ...]:
    """Scores of two classes that a perfect measurement would give the area."""
    positive = np.arange(positives + negatives) < positives
    return positive, random.normal(size=len(positive)) + positive * norm.ppf(area) * np.sqrt(2.0)


@pytest.mark.parametrize(("positives", "negatives"), [(20, 20), (100, 100), (15, 150)])
@pytest.mark.parametrize("area", [0.6, 0.85, 0.97])
def test_the_interval_holds_the_true_area_19_times_in_20(positives: int, negatives: int, area: float) -> None:
    random = np.random.default_rng(1)
    found = [ranking.auc_interval(*two_normals(random, positives, negatives, area)) for _ in range(600)]
    held = np.mean([row is not None and row.low <= area <= row.high for row in found])
    # Four standard errors of 600 draws below, and not so wide that it says nothing.
    assert 0.915 <= held <= 0.995


def test_the_interval_is_that_of_a_bootstrap_where_there_are_many_texts() -> None:
    random = np.random.default_rng(3)
    positive, score = two_normals(random, 300, 300, 0.8)
    # A tenth of the positives is taken for negatives altogether: nothing normal about it.
    score[:30] -= 5.0
    found = ranking.auc_interval(positive, score)
    draws = []
    for _ in range(800):
        rows = np.concatenate([random.integers(0, 300, 300), random.integers(300, 600, 300)])
        draws.append(roc_auc(positive[rows], score[rows]))
    assert found is not None
    assert [found.low, found.high] == pytest.approx(np.quantile(draws, [0.025, 0.975]).tolist(), abs=0.01)


def test_no_text_out_of_order_is_not_certainty() -> None:
    positive = np.arange(40) < 20
    perfect = ranking.auc_interval(positive, positive * 1.0)
    assert perfect is not None
    assert (perfect.value, perfect.high) == (1.0, 1.0)
    assert 0.9 < perfect.low < 0.96
    # One pair out of order does not make it surer.
    once = ranking.auc_interval(positive, np.where(np.arange(40) == 0, 0.5, positive) + (np.arange(40) == 39))
    assert once is not None
    assert once.low < perfect.low


def test_one_text_of_a_class_says_next_to_nothing() -> None:
    found = ranking.auc_interval(np.arange(30) == 0, np.arange(30)[::-1] * 1.0)
    assert found is not None
    assert found.value == 1.0
    assert found.low < 0.5


def test_a_difference_is_as_sure_as_a_paired_bootstrap_says() -> None:
    random = np.random.default_rng(4)
    positive, one = two_normals(random, 200, 200, 0.9)
    other = one + random.normal(size=400) * 1.2
    found = ranking.difference(positive, one, other)
    draws = []
    for _ in range(800):
        rows = np.concatenate([random.integers(0, 200, 200), random.integers(200, 400, 200)])
        draws.append((roc_auc(positive[rows], one[rows]) or 0.0) - (roc_auc(positive[rows], other[rows]) or 0.0))
    assert found is not None
    assert found.low > 0.0
    assert [found.low, found.high] == pytest.approx(np.quantile(draws, [0.025, 0.975]).tolist(), abs=0.01)
    same = ranking.difference(positive, one, one)
    assert same is not None
    assert tuple(same) == (0.0, 0.0, 0.0)
    assert ranking.difference(np.arange(9) == 0, one[:9], other[:9]) is None
