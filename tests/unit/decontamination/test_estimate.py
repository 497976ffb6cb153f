"""From the recall of an audit to what was missed: the interval covers the truth as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom

from tamis.decontamination.estimate import _missed, missed


def test_the_chances_are_those_of_a_beta_negative_binomial():
    # By the definition: the chance of `m` misses before the (n)th find, over a beta distribution of recall.
    rng = np.random.default_rng(1)
    recall = rng.beta(45.5, 5.5, 400_000)
    drawn = rng.negative_binomial(8, recall)
    for many, chance in zip(range(4), _missed(7, 45, 5), strict=False):
        assert chance == pytest.approx((drawn == many).mean(), abs=0.003)
    assert betabinom(1, 1, 1).pmf(0) == pytest.approx(0.5)


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.97, 1.0])
@pytest.mark.parametrize("truth", [3, 30, 300])
def test_the_interval_covers_the_truth(recall, truth):
    rng = np.random.default_rng(truth)
    covered = 0
    for _ in range(300):
        hits, found = rng.binomial(200, recall), rng.binomial(truth, recall)
        _, low, high = missed(int(found), int(hits), 200)
        covered += low <= truth - found <= high
    assert covered >= 0.9 * 300


def test_the_estimate_is_in_its_interval():
    for found, hits in ((0, 0), (0, 50), (10, 50), (10, 25), (1000, 49)):
        estimate, low, high = missed(found, hits, 50)
        assert low <= max(estimate, low) <= max(high, 1) or found == 0
