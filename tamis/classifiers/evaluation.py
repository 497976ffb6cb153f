"""How good a classifier is, measured on documents it has not learnt from. No model needed.

Every figure is paired with the one that a reader should hold it against: the length baseline (how well the number
of characters alone ranks the documents; on small human-labelled sets that reaches an AUC of .76 to .86) and the
figure within each kind, because a classifier may only have learnt to tell prose from code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def roc_auc(positive: np.ndarray, score: np.ndarray) -> float | None:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties counting half.

    Args:
        positive: n booleans.
        score: n scores, larger = more positive.

    Returns:
        A number in [0, 1]; None when a class is empty.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    # Mean rank of each run of equal scores, ranks from 1.
    ranks = np.cumsum(counts) - (counts - 1) / 2.0
    area = ranks[inverse][positive].sum() - positives * (positives + 1) / 2.0
    return float(area / (positives * negatives))


def precision_recall_f1(positive: np.ndarray, predicted: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and F1 of a decision; None where nothing is predicted positive, or nothing is."""
    hits, called, there = (float(rows.sum()) for rows in (positive & predicted, predicted, positive))
    f1 = 2.0 * hits / (called + there) if called + there else None
    return hits / called if called else None, hits / there if there else None, f1


def spearman(one: np.ndarray, other: np.ndarray) -> float | None:
    """Rank correlation of n pairs, ties at their mean rank; None where either side is all equal."""
    ranks = []
    for values in (one, other):
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        rank = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
        ranks.append(rank - rank.mean() if len(rank) else rank)
    norm = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float((ranks[0] * ranks[1]).sum()) / norm if norm else None


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
    return {"documents": int(where.sum()), "spearman": None if found is None else round(found, 4)}


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
                "mean_score": round(float(score[inside].mean()), 4),
                "share_positive": round(float(positive[inside].mean()), 4),
            }
        )
    return rows


def expected_calibration_error(positive: np.ndarray, score: np.ndarray, bins: int = 10) -> float:
    """Mean distance between score and share of positives over the bins, weighted by documents; 0 is perfect."""
    rows = calibration(positive, score, bins)
    total = sum(row["documents"] for row in rows)
    return float(sum(row["documents"] * abs(row["mean_score"] - row["share_positive"]) for row in rows) / max(total, 1))


def binary_report(positive: np.ndarray, score: np.ndarray, length: np.ndarray, threshold: float) -> dict[str, Any]:
    """Everything a card says about one group of held-out documents.

    Args:
        positive: n booleans.
        score: n scores.
        length: n lengths in characters, for the baseline.
        threshold: a document is called positive at or above it.
    """
    precision, recall, f1 = precision_recall_f1(positive, score >= threshold)
    length_area = roc_auc(positive, length.astype(np.float64))
    report: dict[str, Any] = {
        "documents": len(positive),
        "positives": int(positive.sum()),
        "threshold": threshold,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "roc_auc": roc_auc(positive, score),
        # The baseline may rank either way round.
        "length_roc_auc": None if length_area is None else max(length_area, 1.0 - length_area),
    }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in report.items()}


def by_kind(
    positive: np.ndarray, score: np.ndarray, length: np.ndarray, kind: np.ndarray, threshold: float
) -> dict[str, dict[str, Any]]:
    """`binary_report` overall (key `all`) and within each kind."""
    groups = {"all": np.ones(len(positive), dtype=bool)} | {str(name): kind == name for name in np.unique(kind)}
    return {name: binary_report(positive[rows], score[rows], length[rows], threshold) for name, rows in groups.items()}


def multiclass_report(
    truth: Sequence[str], probability: np.ndarray, classes: Sequence[str], length: np.ndarray
) -> dict[str, dict[str, Any]]:
    """One class against the rest: precision and recall of the most probable class, and AUC of its probability.

    Args:
        truth: n class names.
        probability: n × classes.
        classes: names of the columns.
        length: n lengths in characters, for the baseline.
    """
    chosen = probability.argmax(axis=1)
    report = {}
    for column, name in enumerate(classes):
        positive = np.array([value == name for value in truth], dtype=bool)
        row = binary_report(positive, probability[:, column], length, 0.5)
        precision, recall, f1 = precision_recall_f1(positive, chosen == column)
        figures = {"precision": precision, "recall": recall, "f1": f1}
        row |= {name: None if value is None else round(value, 4) for name, value in figures.items()}
        row.pop("threshold")
        report[name] = row
    return report


def table_lines(report: Mapping[str, Mapping[str, Any]], first: str) -> list[str]:
    """A report as the lines of a Markdown table, one group a row."""
    names = {
        "documents": "documents",
        "positives": "positives",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "roc_auc": "ROC-AUC",
        "length_roc_auc": "ROC-AUC of length alone",
    }
    lines = [f"| {first} | " + " | ".join(names.values()) + " |", "|" + "---|" * (len(names) + 1)]
    for group, row in report.items():
        cells = [
            "–" if row[name] is None else f"{row[name]:.3f}" if isinstance(row[name], float) else str(row[name])
            for name in names
        ]
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    return lines
