"""Figures of a classifier of several classes: each against the rest, which is taken for which, and in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tamis.classifiers.evaluation.figures import binary_report, precision_recall_f1, rounded, unmeasured
from tamis.classifiers.evaluation.groups import Groups


def each_class(
    truth: np.ndarray,
    probability: np.ndarray,
    classes: Sequence[str],
    length: np.ndarray,
    tf_idf: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """Each class against the rest: precision and recall of the most probable class, and AUC of its probability.

    Args:
        truth: n positions in `classes`.
        probability: n × classes.
        classes: names of the columns.
        length: n lengths in characters, for the baseline.
        tf_idf: n × classes scores of TF-IDF with logistic regression, where it could be trained.
    """
    chosen = probability.argmax(axis=1)
    return {
        name: binary_report(
            truth == column,
            probability[:, column],
            chosen == column,
            length,
            None if tf_idf is None else tf_idf[:, column],
        )
        for column, name in enumerate(classes)
    }


def confusion(truth: np.ndarray, chosen: np.ndarray, classes: Sequence[str]) -> dict[str, list[Any]]:
    """Which class is taken for which: the `classes`, and for each a row of `texts` by the class taken.

    Args:
        truth: n positions in `classes`.
        chosen: n positions.
        classes: names.
    """
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (truth, chosen), 1)
    return {"classes": list(classes), "texts": counts.tolist()}


def accuracy(truth: np.ndarray, chosen: np.ndarray, classes: Sequence[str], groups: Groups) -> dict[str, Any]:
    """Group → texts, the share of right ones, and the mean F1 of the classes that it has.

    Args:
        truth: n positions in `classes`.
        chosen: n positions.
        classes: names.
        groups: name → n booleans.
    """
    found = {}
    for name, rows in groups.items():
        number, right = int(rows.sum()), int((rows & (truth == chosen)).sum())
        there = [column for column in range(len(classes)) if (truth[rows] == column).any()]
        note = unmeasured(number, 0 if len(there) < 2 else 1)
        each = [precision_recall_f1(truth[rows] == column, chosen[rows] == column)[2] or 0.0 for column in there]
        found[name] = {
            "documents": number,
            "classes": len(there),
            "note": note,
            "accuracy": None if note else rounded(right / number),
            "mean_f1": None if note else rounded(sum(each) / len(each)),
        }
    return found
