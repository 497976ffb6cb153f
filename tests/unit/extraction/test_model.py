"""The model of lines: whole numbers that come out the same in whatever order they are added."""

from __future__ import annotations

import numpy as np

from tamis.extraction.features import features_of
from tamis.extraction.lines import lines_of
from tamis.extraction.model import model


def by_hand(features: list[int]) -> int:
    """The score of a line in Python's own integers."""
    *hidden, (weights, bias, _) = model().layers
    values = features
    for inner, offset, shift in hidden:
        values = [
            max(sum(value * int(weight) for value, weight in zip(values, row, strict=True)) + int(by), 0) >> shift
            for row, by in zip(inner.T.tolist(), offset.tolist(), strict=True)
        ]
    return sum(value * int(weight) for value, weight in zip(values, weights[:, 0].tolist(), strict=True)) + int(bias[0])


def test_scores_are_those_of_whole_numbers() -> None:
    lines = lines_of("One line of text.\nAnother, with\tcells | and odd © signs 123.\n" * 20)
    assert lines is not None
    features = features_of(lines.own)
    scores = model().scores(features)
    assert [by_hand(row) for row in features.tolist()] == scores.tolist()
    # Far below 2^53, where floating point would round.
    bound = np.full(features.shape[1], 64.0)
    for weights, bias, shift in model().layers:
        bound = (np.abs(weights).T @ bound + np.abs(bias)) / (1 << shift)
        assert bound.max() * (1 << shift) < 2**50


def test_the_expected_f1_is_that_of_lines_that_are_content_as_often_as_their_scores_say() -> None:
    known = model()
    odds = np.array([3.0, -2.0, 0.5, -4.0]) * known.unit
    scores, mass = odds.astype(np.int64), np.array([100, 40, 30, 500])
    likely = 1 / (1 + np.exp(-scores / known.unit))
    kept = scores > 0
    # Drawn often: precision and recall of the kept lines, by their mass.
    dice = np.random.default_rng(0)
    content = dice.random((20_000, 4)) < likely
    right = (content & kept) @ mass
    drawn = 2 * right.mean() / (mass[kept].sum() + (content @ mass).mean())
    assert abs(known.expected_f1(scores, mass, kept) - drawn) < 0.02
    assert known.expected_f1(np.full(3, -100 * known.unit), np.ones(3, np.int64), np.zeros(3, bool)) == 0.0


def test_what_a_line_must_reach_follows_the_scores_of_its_page() -> None:
    known = model()
    mass = np.array([100, 300, 50, 2])
    for odds in ([3.0, 4.0, 0.5, -4.0], [-2.0, -1.5, -5.0, -6.0], [0.0, 0.0, 0.0, 0.0]):
        scores = (np.array(odds) * known.unit).astype(np.int64)
        likely = mass / (1 + np.exp(-np.array(odds)))
        expected = 0.75 * (likely @ odds) / likely.sum() + known.threshold / known.unit
        assert abs(known.bound(scores, mass) / known.unit - expected) < 0.05
    # A page without any line that is probably content: the best one stands for it.
    hopeless = np.array([-100, -90]) * known.unit
    assert known.bound(hopeless, mass[:2]) == 3 * hopeless[1] // 4 + known.threshold
    # Nothing overflows on the largest page.
    high = np.full(2**16, 100 * known.unit)
    assert known.bound(high, np.full(2**16, 2**8)) == 75 * known.unit + known.threshold


def test_lines_are_chosen_by_the_bound_of_their_page() -> None:
    """A forum has only lines that look like comments; an article's comments are left out."""
    known = model()
    mass = np.full(3, 100)
    forum, article = (np.array(odds) * known.unit for odds in ([-2, -2, -6], [6, -2, -6]))
    assert (forum > known.bound(forum, mass)).tolist() == [True, True, False]
    assert (article > known.bound(article, mass)).tolist() == [True, False, False]


def test_lines_without_a_letter_or_digit_are_none() -> None:
    assert lines_of("") is None
    assert lines_of("\n --- \n\t\n") is None
    found = lines_of("--\nA\n\n· ·\nB2\n")
    assert found is not None
    assert [found.shown(i) for i in range(len(found.starts))] == ["A", "B2"]
    assert found.own.mass.tolist() == [1, 2]
