"""What the card of `domains` says of the classifier: each domain against the rest, and which is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.classifiers import cards
from tamis.classifiers.evaluation import baselines, errors, figures, groups, several
from tamis.classifiers.quality_card import NOTHING_HELD_OUT
from tamis.classifiers.scores import check_numbers

NOTHING: dict[str, Any] = {
    "metrics": {},
    "groups": {},
    "remarks": [],
    "calibration": [],
    "expected_calibration_error": None,
    "grades": None,
    "confusion": {"classes": [], "texts": []},
    "wrong": 0,
    "errors": [],
}
"""What is measured where nothing is learnt."""


def measured(
    stage: str, rows: pa.Table, tested: pa.Table, probability: np.ndarray, classes: Sequence[str], characters: int
) -> dict[str, Any]:
    """Figures on the held-out texts.

    Args:
        stage: name of the stage.
        rows: all labelled texts used, of `tamis.classifiers.labels.LABELLED`, with `held_out`.
        tested: the n that were held out.
        probability: n × classes.
        classes: names of the columns.
        characters: how much of each text TF-IDF reads.

    Raises:
        ModelError: a probability is no number.
    """
    check_numbers(stage, probability.ravel())
    label, length = tested["label"].to_pylist(), tested["characters"].to_numpy()
    truth = np.array([classes.index(name) for name in label], dtype=np.int64)
    chosen = probability.argmax(axis=1) if len(truth) else truth
    likely = probability[np.arange(len(truth)), chosen]
    other = baselines.tf_idf(baselines.split(rows, tested), tested, classes, characters)
    found = several.each_class(truth, probability, classes, length, other)
    remarks = [] if len(truth) else [NOTHING_HELD_OUT]
    for column, (name, row) in enumerate(found.items()):
        against = None if other is None else other[:, column]
        held_against = (
            [] if row["note"] else baselines.compared(truth == column, probability[:, column], length, against)
        )
        row["baselines"] = held_against
        remarks += [
            f"{name}: {cards.better(better, row['roc_auc'])}" for better in held_against if better["better_by"] > 0.0
        ]
    kinds = groups.by_kind(tested)
    in_groups = {"all": {"all": kinds.pop("all")}, "kind": kinds} | groups.others(tested)
    taken_for = np.array(classes, dtype=object)[chosen]
    right = chosen == truth
    return {
        "metrics": found,
        "groups": {
            name: groups.listed(several.accuracy(truth, chosen, classes, each)) for name, each in in_groups.items()
        },
        "remarks": remarks,
        # Of the domain that is taken: its probability beside the share of texts that have it.
        "calibration": figures.calibration(right, likely),
        "expected_calibration_error": figures.rounded(figures.expected_calibration_error(right, likely)),
        "grades": None,
        "confusion": several.confusion(truth, chosen, classes),
        "wrong": int((~right).sum()),
        "errors": errors.most_confident(tested, ~right, likely, {"taken_for": taken_for, "probability": likely}),
    }
