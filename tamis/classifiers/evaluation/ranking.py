"""The area under the ROC curve, how sure it is, and whether one score ranks better than another.

The variance is that of DeLong, DeLong and Clarke-Pearson (1988), from mid-ranks (Sun and Xu 2014), which assumes
nothing of the scores. An interval of the area plus and minus so many standard errors would pass 1 and shrink to nothing
where no text is out of order; so the interval is Wilson's (1927) for a share, of as many trials as a share would need
to vary as much. These are at most three times the smaller class, what scores without ties have at an area of a half:
else a single pair out of order would make the interval narrower than none. Simulated with two normal distributions, 20
to 200 texts of a class and areas of .6 to .99, 95 % intervals hold the true area in 94 to 99 % of cases, where plus and
minus two standard errors hold it in 60 to 95 %. Nothing is drawn at random.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Z = 1.959963984540054
"""Standard errors to each side of a 95 % interval."""


class Interval(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


class Placements(NamedTuple):
    """Where each text stands among those of the other class, from 0 (all are out of order) to 1."""

    positives: np.ndarray
    """Of each positive the share of negatives that it outscores, ties counting half."""
    negatives: np.ndarray
    """Of each negative the share of positives that outscore it."""


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks of n numbers from 1, those of equal ones being their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]


def placements(positive: np.ndarray, score: np.ndarray) -> Placements | None:
    """Where each text stands among those of the other class; None when a class is empty.

    Args:
        positive: n booleans.
        score: n scores, larger = more positive.
    """
    ranks = midranks(score)
    among_all, among_others = ranks[positive], ranks[~positive]
    if not len(among_all) or not len(among_others):
        return None
    above = (among_all - midranks(score[positive])) / len(among_others)
    below = 1.0 - (among_others - midranks(score[~positive])) / len(among_all)
    return Placements(above, below)


def roc_auc(positive: np.ndarray, score: np.ndarray) -> float | None:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties counting half.

    Args:
        positive: n booleans.
        score: n scores, larger = more positive.

    Returns:
        A number in [0, 1]; None when a class is empty.
    """
    found = placements(positive, score)
    return None if found is None else float(found.positives.mean())


def _variance(of_positives: np.ndarray, of_negatives: np.ndarray) -> float | None:
    """DeLong's variance of a mean over both classes; None when a class has one text."""
    if min(len(of_positives), len(of_negatives)) < 2:
        return None
    return float(of_positives.var(ddof=1) / len(of_positives) + of_negatives.var(ddof=1) / len(of_negatives))


def auc_interval(positive: np.ndarray, score: np.ndarray) -> Interval | None:
    """The area under the ROC curve with its 95 % interval; None when a class is empty."""
    found = placements(positive, score)
    if found is None:
        return None
    area = float(found.positives.mean())
    variance = _variance(found.positives, found.negatives)
    trials = 3.0 * min(len(found.positives), len(found.negatives))
    if variance:
        trials = min(trials, area * (1.0 - area) / variance)
    return Interval(area, *wilson(area, trials))


def wilson(share: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share that was found in so many trials."""
    if not trials:
        return 0.0, 1.0
    among = 1.0 + Z * Z / trials
    middle = (share + Z * Z / (2.0 * trials)) / among
    half = Z / among * np.sqrt(share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials))
    # A bound at the share itself, 0 or 1, may miss it by a last bit.
    return min(share, max(0.0, float(middle - half))), max(share, min(1.0, float(middle + half)))


def difference(positive: np.ndarray, one: np.ndarray, other: np.ndarray) -> Interval | None:
    """How much larger the area of one score is than that of another of the same texts, with its 95 % interval.

    Args:
        positive: n booleans.
        one: n scores.
        other: n scores.

    Returns:
        A number in [-1, 1]; None when a class has fewer than two texts.
    """
    ours, theirs = placements(positive, one), placements(positive, other)
    if ours is None or theirs is None:
        return None
    of_positives, of_negatives = ours.positives - theirs.positives, ours.negatives - theirs.negatives
    variance = _variance(of_positives, of_negatives)
    if variance is None:
        return None
    value, half = float(of_positives.mean()), Z * float(np.sqrt(variance))
    return Interval(value, value - half, value + half)


def spearman(one: np.ndarray, other: np.ndarray) -> float | None:
    """Rank correlation of n pairs, ties at their mean rank; None where either side is all equal."""
    if not len(one):
        return None
    ranks = [midranks(values) for values in (one, other)]
    ours, theirs = (rank - rank.mean() for rank in ranks)
    norm = float(np.sqrt((ours**2).sum() * (theirs**2).sum()))
    return float((ours * theirs).sum()) / norm if norm else None
