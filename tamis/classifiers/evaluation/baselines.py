"""What a classifier is held against, on the same split: the length of a text, and TF-IDF with logistic regression.

TF-IDF is what a practitioner would try first, and beats much: on labelled sets of a few hundred web pages fastText and
a small transformer stayed behind it. Here it sees hashed words and pairs (`tamis.kernels.word_features`, a text has one
or not), weighed by inverse document frequency, at unit length, under LIBLINEAR's logistic regression at a fixed
strength. Against scikit-learn's own `TfidfVectorizer(ngram_range=(1, 2))` under `LogisticRegression` on six labelled
sets (benchmarks/classifiers) its AUC is nowhere more than .01 lower. 4,000 labels of 1 kB take half a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.classifiers import linear_words
from tamis.classifiers.evaluation.figures import DIGITS
from tamis.classifiers.evaluation.ranking import auc_interval, difference, roc_auc

STRENGTH = 1.0
"""Inverse strength of regularisation, scikit-learn's default C."""

MOST = 20_000
"""Labels that it learns from, at most; those that come first in the order of the sample."""

TF_IDF, LENGTH = "TF-IDF with logistic regression", "length alone"


def split(rows: pa.Table, tested: pa.Table) -> pa.Table | None:
    """The labelled texts that a classifier learnt from; None where it was tested on others than those held out.

    Args:
        rows: of `tamis.classifiers.labels.LABELLED`, with `held_out`.
        tested: those that it was tested on.
    """
    held_out = rows["held_out"].combine_chunks()
    if tested.num_rows != pc.sum(pc.cast(held_out, pa.int64())).as_py():
        return None
    return rows.filter(pc.invert(held_out))


def tf_idf(learnt: pa.Table | None, tested: pa.Table, classes: Sequence[str], characters: int) -> np.ndarray | None:
    """Scores of n held-out texts by TF-IDF with logistic regression.

    Args:
        learnt: rows of `tamis.classifiers.labels.LABELLED`.
        tested: n such rows.
        classes: names of the classes; of two, the good one is last.
        characters: how much of each text is read.

    Returns:
        n × classes logits of each against the rest; None where there is nothing to learn from or to score.
    """
    if learnt is None or not learnt.num_rows or not tested.num_rows:
        return None
    learnt = learnt.sort_by([("key", "ascending"), ("id", "ascending")]).slice(0, MOST)
    labels = np.array(learnt["label"].to_pylist())
    if set(labels.tolist()) != set(classes):
        return None
    occurring = linear_words.occurrences(learnt["text"], characters)
    frequency = linear_words.inverse_frequency(occurring)
    features = linear_words.weighted(occurring, frequency)
    asked = linear_words.weighted(linear_words.occurrences(tested["text"], characters), frequency)
    scores = np.zeros((tested.num_rows, len(classes)))
    each = np.ones(len(labels))
    for column, name in enumerate(classes):
        if len(classes) == 2 and column == 0:
            continue
        weights, bias = linear_words.logistic(features, (labels == name).astype(np.float64), each, STRENGTH)
        # Rounded: the last bits of a product may differ from one processor to another, and a rank with them.
        scores[:, column] = np.round(asked @ weights + bias, 9)
    if len(classes) == 2:
        scores[:, 0] = -scores[:, 1]
    return scores


def compared(
    positive: np.ndarray, score: np.ndarray, length: np.ndarray, other: np.ndarray | None
) -> list[dict[str, Any]]:
    """The AUC of each baseline over n held-out texts, and how much larger it is than that of the classifier.

    Args:
        positive: n booleans.
        score: n scores of the classifier.
        length: n lengths in characters.
        other: n scores of TF-IDF, where it could be trained.

    Returns:
        A row each: name, AUC, the difference, and whether it is larger than chance explains (95 %).
    """
    shorter = (roc_auc(positive, length) or 0.0) < 0.5
    given = {LENGTH: -length if shorter else length} | ({} if other is None else {TF_IDF: other})
    rows = []
    for name, values in sorted(given.items(), reverse=True):
        own, more = auc_interval(positive, values), difference(positive, values, score)
        if own is None or more is None:
            continue
        rows.append(
            {
                "baseline": name,
                "roc_auc": round(own.value, DIGITS),
                "roc_auc_interval": [round(own.low, DIGITS), round(own.high, DIGITS)],
                "better_by": round(more.value, DIGITS),
                "better_by_interval": [round(more.low, DIGITS), round(more.high, DIGITS)],
                "beyond_chance": bool(more.low > 0.0),
            }
        )
    return rows
