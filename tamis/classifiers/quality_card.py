"""The card of a classifier of good and bad: its scores of held-out texts, held against baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tamis.classifiers import cards
from tamis.classifiers.evaluation import baselines, errors, figures, groups
from tamis.classifiers.good_bad import BAD, CLASSES, GOOD
from tamis.classifiers.labels import Labelled
from tamis.classifiers.scores import check_numbers

THRESHOLD = 0.5
"""At or above it a text is called good."""

NOTHING_HELD_OUT = (
    "No labelled text was held out, so nothing is measured; raise `sampling.held_out` or give more labels."
)
ALL_EQUAL = "All held-out texts have the same score: the model tells none from another, and no threshold would."
TOO_FEW = "The held-out texts ({texts}) are too few to measure anything; give more labels or raise `sampling.held_out`."
ONE_CLASS = "All held-out texts are {name}, so nothing is measured; give labels of the other class too."


def quality_card(
    stage: str,
    labelled: Labelled,
    kinds: tuple[str, ...],
    model: dict[str, Any],
    tested: pa.Table,
    score: np.ndarray,
    limits: tuple[str, ...],
    characters: int,
) -> dict[str, Any]:
    """The card from the scores of the held-out texts.

    Args:
        stage: name of the classifier.
        labelled: the labelled texts used.
        kinds: kinds that are scored.
        model: its settings.
        tested: the n rows that were held out.
        score: their scores.
        limits: sentences on what the scores do not say.
        characters: how much of each text TF-IDF reads.

    Raises:
        ModelError: a score is no number.
    """
    check_numbers(stage, score)
    learnt = baselines.split(labelled.rows, tested)
    others = baselines.tf_idf(learnt, tested, CLASSES, characters)
    other = None if others is None else others[:, CLASSES.index(GOOD)]
    positive = tested["label"].to_numpy(zero_copy_only=False) == GOOD
    predicted = score >= THRESHOLD
    length = tested["characters"].to_numpy()

    def report(found: groups.Groups) -> dict[str, dict[str, Any]]:
        return {
            name: figures.binary_report(
                positive[rows], score[rows], predicted[rows], length[rows], None if other is None else other[rows]
            )
            for name, rows in found.items()
        }

    metrics = report(groups.by_kind(tested))
    note = metrics["all"]["note"]
    held_against = [] if note else baselines.compared(positive, score, length, other)
    remarks = [cards.better(row, metrics["all"]["roc_auc"]) for row in held_against if row["better_by"] > 0.0]
    if figures.all_equal(score):
        remarks.insert(0, ALL_EQUAL)
    if not tested.num_rows:
        limits = (*limits, NOTHING_HELD_OUT)
    elif note == figures.ONE_CLASS:
        remarks.append(ONE_CLASS.format(name=GOOD if positive.any() else BAD))
    elif note:
        remarks.append(TOO_FEW.format(texts=tested.num_rows))
    wrong = predicted != positive
    said = {"score": score, **({} if other is None else {"tf_idf_agrees": (other >= 0.0) == predicted})}
    probabilities = tested.num_rows > 0 and bool(((score >= 0.0) & (score <= 1.0)).all())
    measured = {
        "threshold": THRESHOLD,
        "metrics": metrics,
        "groups": {name: groups.listed(report(found)) for name, found in groups.others(tested).items()},
        "baselines": held_against,
        "remarks": remarks,
        "calibration": figures.calibration(positive, score) if probabilities else [],
        "expected_calibration_error": figures.rounded(figures.expected_calibration_error(positive, score))
        if probabilities
        else None,
        "grades": figures.grade_report(tested["grade"], score),
        "wrong": int(wrong.sum()),
        "errors": errors.most_confident(tested, wrong, np.abs(score.astype(np.float64) - THRESHOLD), said),
    }
    return cards.build(stage, labelled, kinds, model, measured, limits)
