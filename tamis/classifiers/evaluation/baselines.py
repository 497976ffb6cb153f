"""What a classifier is held against, on the same split: the length of a text, and TF-IDF with logistic regression.

TF-IDF is what a practitioner would try first, and beats much: on labelled sets of a few hundred web pages fastText and
a small transformer stayed behind it. Here words (`tamis.kernels.words`) and pairs of neighbours are counted, hashed to
2^20, weighed by inverse document frequency and brought to unit length under LIBLINEAR's logistic regression, all as
scikit-learn has it by default. On six labelled sets of benchmarks/classifiers, at 100 to 2,600 labels, two seeds each,
its AUC differs from that of `TfidfVectorizer(ngram_range=(1, 2))` under `LogisticRegression(solver="liblinear")` by
.0025 at most, on pages in many languages by .007. 4,000 labels of 3,000 characters take 0.8 s. To see whether a word
occurs and not how often, as the linear model does, would lift it by up to .05 on long texts; then it were not what one
gets elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.classifiers import linear_words
from tamis.classifiers.evaluation.figures import DIGITS
from tamis.classifiers.evaluation.ranking import auc_interval, difference, roc_auc

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

STRENGTH = 1.0
"""Inverse strength of regularisation, scikit-learn's default C."""

MOST = 20_000
"""Labels that it learns from, at most; those that come first in the order of the sample."""

TOGETHER = 1_024
"""Texts whose words are in memory together."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd; brings the bits of two hashes together."""

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
    counted = _counts(learnt["text"], characters)
    frequency = linear_words.inverse_frequency(counted)
    features, asked = _weighted(counted, frequency), _weighted(_counts(tested["text"], characters), frequency)
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


def _counts(text: pa.ChunkedArray, characters: int) -> csr_matrix:
    """How often n texts have each word and pair of words: n × 2^20."""
    from scipy.sparse import vstack

    parts = [_part(text.slice(start, TOGETHER), characters) for start in range(0, len(text), TOGETHER)]
    return vstack(parts, format="csr")


def _part(text: pa.ChunkedArray, characters: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    from tamis.kernels.words import buffers, word_spans

    bounds, words, starts, ends = word_spans(*buffers(linear_words.start_of(text, characters)))
    # Words of one letter or digit are left out, as they are there.
    long = ends - starts > 1
    row, words = np.repeat(np.arange(len(text)), np.diff(bounds))[long], words[long]
    inside = row[:-1] == row[1:]
    pairs = (words[:-1] * MULTIPLIER + words[1:])[inside]
    pairs = (pairs ^ (pairs >> np.uint64(32))) * MULTIPLIER
    feature = np.concatenate([words, pairs]) >> np.uint64(64 - linear_words.BITS)
    rows = np.concatenate([row, row[:-1][inside]])
    found = csr_matrix(
        (np.ones(len(feature)), (rows, feature.astype(np.int64))), shape=(len(text), 1 << linear_words.BITS)
    )
    found.sum_duplicates()
    return found


def _weighted(counted: csr_matrix, frequency: np.ndarray) -> csr_matrix:
    """Counts by the inverse document frequency of their features, each row at unit length."""
    found = counted.copy()
    found.data = found.data * frequency[found.indices]
    return linear_words.at_unit_length(found)


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
    given = ({} if other is None else {TF_IDF: other}) | {LENGTH: -length if shorter else length}
    rows = []
    for name, values in given.items():
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
