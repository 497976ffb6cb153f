"""What a card says of one group of labelled texts: precision, recall, F1, AUC and calibration.

Each AUC is paired with those that a reader should hold it against: of length alone (on small human-labelled sets that
reaches .76 to .86) and of TF-IDF. A group that is too small or of one class has no figures, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.classifiers.evaluation.ranking import auc_interval, roc_auc, spearman, wilson

LEAST = 10
"""Texts that a group needs to be measured."""

TOO_FEW = f"fewer than {LEAST} texts"
ONE_CLASS = "one class only"

DIGITS = 4


def rounded(value: float | None) -> float | None:
    """A figure as a card holds it."""
    return None if value is None else round(float(value), DIGITS)


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [round(bound, DIGITS) for bound in interval]


def unmeasured(texts: int, positives: int) -> str | None:
    """Why a group has no figures; None where it has."""
    if texts < LEAST:
        return TOO_FEW
    return ONE_CLASS if positives in (0, texts) else None


def precision_recall_f1(positive: np.ndarray, predicted: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and F1 of a decision; None where nothing is predicted positive, or nothing is."""
    hits, called, there = (float(rows.sum()) for rows in (positive & predicted, predicted, positive))
    f1 = 2.0 * hits / (called + there) if called + there else None
    return hits / called if called else None, hits / there if there else None, f1


def _decision(positive: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Precision, recall and F1 with their 95 % intervals.

    Of F1 it is Wilson's of the share of texts that are and are called positive among those that are or are called so,
    of which F1 is a rising function.
    """
    hits, called, there = (int(rows.sum()) for rows in (positive & predicted, predicted, positive))
    either = called + there - hits
    precision, recall, f1 = precision_recall_f1(positive, predicted)
    of_both = [2.0 * share / (1.0 + share) for share in wilson(hits / either, either)] if either else None
    return {
        "precision": rounded(precision),
        "precision_interval": _pair(wilson(hits / called, called) if called else None),
        "recall": rounded(recall),
        "recall_interval": _pair(wilson(hits / there, there) if there else None),
        "f1": rounded(f1),
        "f1_interval": _pair((of_both[0], of_both[1]) if of_both else None),
    }


def length_auc(positive: np.ndarray, length: np.ndarray) -> float | None:
    """The AUC of length alone, the better way round; None when a class is empty."""
    found = roc_auc(positive, length)
    return None if found is None else max(found, 1.0 - found)


def binary_report(
    positive: np.ndarray,
    score: np.ndarray,
    predicted: np.ndarray,
    length: np.ndarray,
    tf_idf: np.ndarray | None = None,
) -> dict[str, Any]:
    """Everything that a card says of one group of n held-out texts.

    Args:
        positive: n booleans.
        score: n scores.
        predicted: n booleans, which texts are called positive.
        length: n lengths in characters, for the baseline.
        tf_idf: n scores of TF-IDF with logistic regression, where it could be trained.

    Returns:
        Texts, positives and figures, which are None where `note` says that there is nothing to measure.
    """
    note = unmeasured(len(positive), int(positive.sum()))
    counts = {"documents": len(positive), "positives": int(positive.sum()), "note": note}
    if note:
        names = [f"{name}{end}" for name in ("precision", "recall", "f1", "roc_auc") for end in ("", "_interval")]
        return counts | dict.fromkeys([*names, "tf_idf_roc_auc", "length_roc_auc"])
    found = auc_interval(positive, score)
    return {
        **counts,
        **_decision(positive, predicted),
        "roc_auc": rounded(found and found.value),
        "roc_auc_interval": _pair(found and (found.low, found.high)),
        "tf_idf_roc_auc": None if tf_idf is None else rounded(roc_auc(positive, tf_idf)),
        "length_roc_auc": rounded(length_auc(positive, length)),
    }


def grade_report(grade: pa.ChunkedArray, score: np.ndarray) -> dict[str, Any] | None:
    """How well scores repeat grades: texts with a grade, and the rank correlation; None where there are no grades.

    Args:
        grade: n numbers from 0 to 1, null where a label is a name.
        score: n scores.
    """
    where = np.array(grade.is_valid().to_pylist(), dtype=bool)
    if not where.any():
        return None
    found = spearman(np.array(grade.to_pylist(), dtype=np.float64)[where], score[where])
    return {"documents": int(where.sum()), "spearman": rounded(found)}


def calibration(positive: np.ndarray, score: np.ndarray, bins: int = 10) -> list[dict[str, float]]:
    """Mean score beside the share of positives, in equal bins of the score over [0, 1]; empty bins are left out."""
    place = np.clip((score * bins).astype(np.int64), 0, bins - 1)
    rows = []
    for index in np.unique(place):
        inside = place == index
        rows.append(
            {
                "from": index / bins,
                "documents": int(inside.sum()),
                "mean_score": round(float(score[inside].mean()), DIGITS),
                "share_positive": round(float(positive[inside].mean()), DIGITS),
            }
        )
    return rows


def expected_calibration_error(positive: np.ndarray, score: np.ndarray, bins: int = 10) -> float:
    """Mean distance between score and share of positives over the bins, weighted by documents; 0 is perfect."""
    rows = calibration(positive, score, bins)
    total = sum(row["documents"] for row in rows)
    return float(sum(row["documents"] * abs(row["mean_score"] - row["share_positive"]) for row in rows) / max(total, 1))


def all_equal(score: np.ndarray) -> bool:
    """Whether there are scores, and all are the same."""
    return len(score) > 0 and bool((score == score[0]).all())


def cell_of(row: Mapping[str, Any], name: str) -> str:
    """A figure as a reader sees it: three digits, with its interval if it has one; a dash where there is none."""
    value = row[name]
    if value is None:
        return "–"
    text = f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    interval = row.get(f"{name}_interval")
    return f"{text} ({interval[0]:.3f}–{interval[1]:.3f})" if interval else text
