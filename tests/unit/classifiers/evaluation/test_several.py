"""Figures of several classes against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from tamis.classifiers.evaluation import several

CLASSES = ("a", "b", "c")


def drawn() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(6)
    truth = random.integers(0, 3, 200)
    probability = random.dirichlet([1.0, 1.0, 1.0], 200) + 0.5 * np.eye(3)[truth]
    return truth, probability / probability.sum(axis=1, keepdims=True)


def test_each_class_is_held_against_the_rest() -> None:
    truth, probability = drawn()
    found = several.each_class(truth, probability, CLASSES, np.ones(200))
    chosen = probability.argmax(axis=1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, chosen)
    for column, name in enumerate(CLASSES):
        row = found[name]
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx(
            [precision[column], recall[column], f1[column]], abs=1e-4
        )
        assert row["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth == column, probability[:, column]), abs=1e-4)
        assert row["roc_auc_interval"][0] < row["roc_auc"] < row["roc_auc_interval"][1]
        assert (row["documents"], row["positives"]) == (200, int((truth == column).sum()))


def test_the_confusion_is_that_of_scikit_learn() -> None:
    truth, probability = drawn()
    chosen = probability.argmax(axis=1)
    found = several.confusion(truth, chosen, CLASSES)
    assert found == {"classes": list(CLASSES), "texts": metrics.confusion_matrix(truth, chosen).tolist()}


def test_groups_have_their_share_of_right_ones() -> None:
    truth, probability = drawn()
    chosen = probability.argmax(axis=1)
    groups = {"first": np.arange(200) < 90, "small": np.arange(200) > 194, "one": truth == 1}
    found = several.accuracy(truth, chosen, CLASSES, groups)
    assert found["first"]["accuracy"] == pytest.approx(metrics.accuracy_score(truth[:90], chosen[:90]), abs=1e-4)
    assert found["first"]["mean_f1"] == pytest.approx(
        metrics.f1_score(truth[:90], chosen[:90], average="macro"), abs=1e-4
    )
    assert (found["small"]["note"], found["small"]["accuracy"]) == ("fewer than 10 texts", None)
    assert found["one"]["note"] == "one class only"
