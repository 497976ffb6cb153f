"""A regularised linear model on hashed words and pairs of words: TF-IDF's accuracy at the speed of a kernel.

Features are those of `tamis.kernels.word_features`: 2^20 of them, each counting 1 + ln c, a text at unit length. No
weights by document frequency: on the sets of benchmarks/classifiers they changed the mean AUC by less than .001. The
model is logistic regression, fitted by LIBLINEAR's dual coordinate descent (Yu, Huang and Lin 2011) as scikit-learn
has it: one thread and no matrix library, so that neither threads nor BLAS change a bit. Every (class, kind) weighs
as much.

How strongly it is regularised is chosen by cross-validation inside the training texts, near-copies in one fold: the
least mean log loss over folds. Weights are rounded to 16 bits of the largest, which takes away what the last bits of a
processor's logarithm could leave; the model is a safetensors file of 4 MB.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.classifiers import elementary
from tamis.classifiers.linear_head import group_weights
from tamis.errors import ModelError
from tamis.hashing import keyed_uint64
from tamis.section import Section
from tamis.shards import whole_file

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BITS = 20
LARGEST_COUNT = 4096
"""Occurrences from which on more do not count."""

GRID = 1 << 15
"""Steps from 0 to the largest weight."""

WEIGHTS, BIAS = "weights", "bias"


class Training(Section):
    """How the linear model is trained."""

    max_characters: int = Field(
        20_000,
        ge=100,
        description="Characters from the start of each text that are read. Samples of 12,000 characters of the Brown "
        "corpus were told apart with an AUC of .993 when read whole, of .978 by their first 3,000.",
    )
    strengths: tuple[float, ...] = Field(
        (1.0, 4.0, 16.0, 64.0),
        min_length=1,
        description="Inverse strengths of regularisation (scikit-learn's C) of which cross-validation chooses one; the "
        "larger, the closer to the labels.",
    )
    folds: int = Field(4, ge=2, le=20, description="Folds of the cross-validation.")
    chosen_on: int = Field(
        5_000, ge=100, description="Training texts that the cross-validation looks at, at most; the fit sees all."
    )


@dataclass(frozen=True)
class Model:
    """Probability of the good class = 1 / (1 + exp(-(weights · features + bias)))."""

    weights: np.ndarray
    bias: float

    def logits(self, text: pa.Array | pa.ChunkedArray, max_characters: int) -> np.ndarray:
        """The logit of each of n texts, float64."""
        from tamis.kernels.word_features import linear_scores
        from tamis.kernels.words import buffers

        offsets, data = buffers(start_of(text, max_characters))
        return linear_scores(offsets, data, self.weights, of_count()) + self.bias

    def scores(self, texts: Iterable[pa.Array | pa.ChunkedArray], max_characters: int) -> np.ndarray:
        """The probability that each of n texts is good, float32; texts come some at a time."""
        found = [np.zeros(0, dtype=np.float32)]
        for text in texts:
            logits = self.logits(text, max_characters)
            small = elementary.exp(-np.abs(logits))
            found.append((np.where(logits < 0.0, small, 1.0) / (1.0 + small)).astype(np.float32))
        return np.concatenate(found)


def start_of(text: pa.Array | pa.ChunkedArray, max_characters: int) -> pa.Array | pa.ChunkedArray:
    """The start of each text; the column itself where no text is longer."""
    longest = pc.max(pc.binary_length(text)).as_py()
    return text if longest is None or longest <= max_characters else pc.utf8_slice_codeunits(text, 0, max_characters)


def of_count() -> np.ndarray:
    """The value of a feature by its count: 0, then 1 + ln c."""
    counts = np.maximum(np.arange(LARGEST_COUNT + 1, dtype=np.float64), 1.0)
    values = 1.0 + elementary.log(counts)
    values[0] = 0.0
    return values


def matrix(text: pa.Array | pa.ChunkedArray, max_characters: int) -> csr_matrix:
    """The features of n texts: n × 2^20, rows at unit length."""
    from scipy.sparse import csr_matrix

    from tamis.kernels.word_features import word_features
    from tamis.kernels.words import buffers

    offsets, data = buffers(start_of(text, max_characters))
    bounds, features, counts = word_features(offsets, data, BITS)
    values = of_count()[np.minimum(counts, LARGEST_COUNT)]
    row = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    length = np.sqrt(np.bincount(row, values * values, minlength=len(bounds) - 1))
    found = csr_matrix((values / length[row], features, bounds), shape=(len(bounds) - 1, 1 << BITS))
    found.sort_indices()
    return found


def train(rows: pa.Table, classes: Sequence[str], training: Training) -> tuple[Model, dict[str, Any]]:
    """Fit a model.

    Args:
        rows: n labelled texts: text, label, kind, grade, key and id, of `tamis.classifiers.labels.LABELLED`.
        classes: the bad and the good class.
        training: settings.

    Returns:
        The model, and what was chosen: the strength, and the mean log loss of each by cross-validation.

    Raises:
        ModelError: a class has no text.
    """
    rows = rows.sort_by([("key", "ascending"), ("id", "ascending")])
    labels = rows["label"].to_pylist()
    if len(set(labels)) < 2:
        msg = (
            f"the linear model needs texts of {' and '.join(classes)}; there are {len(labels)} of {sorted(set(labels))}"
        )
        raise ModelError(msg)
    features = matrix(rows["text"], training.max_characters)
    grades = rows["grade"].to_pylist()
    good = [float(label == classes[1]) if grade is None else grade for label, grade in zip(labels, grades, strict=True)]
    share, weight = np.array(good), group_weights(labels, rows["kind"].to_pylist())
    losses = _losses(features, share, weight, folds_of(rows, training), training)
    best = min(losses, key=lambda strength: (losses[strength], strength)) if losses else training.strengths[0]
    weights, bias = _fit(features, share, weight, best)
    step = float(np.abs(weights).max()) / GRID or 1.0
    rounded = (np.rint(weights / step) * step).astype(np.float32)
    loss = {f"{strength:g}": round(value, 4) for strength, value in losses.items()}
    return Model(rounded, float(np.float32(bias))), {"strength": best, "log loss by strength": loss}


def folds_of(rows: pa.Table, training: Training) -> np.ndarray:
    """The fold of each of n texts in the order of their key, -1 beyond those that are looked at; copies are in one."""
    from tamis.classifiers.division import groups_of

    looked_at = rows.slice(0, training.chosen_on)
    group = groups_of(looked_at)
    first = looked_at["id"].take(pa.array(group)).to_pylist()
    fold = np.full(rows.num_rows, -1)
    # Groups are dealt out in the order of a hash, so that folds differ in size by as little as copies allow.
    order = {name: place for place, name in enumerate(sorted(set(first), key=_fold_key))}
    fold[: len(first)] = [order[name] % training.folds for name in first]
    return fold


def _fold_key(name: str) -> tuple[int, str]:
    return int(keyed_uint64("linear model folds", [name])[0]), name


def _losses(
    features: csr_matrix, share: np.ndarray, weight: np.ndarray, fold: np.ndarray, training: Training
) -> dict[float, float]:
    """Mean log loss of each strength over the folds; empty where there is nothing to choose."""
    losses: dict[float, float] = {}
    for strength in training.strengths if len(training.strengths) > 1 else ():
        total = weights_seen = 0.0
        for number in range(training.folds):
            learnt, tested = (fold >= 0) & (fold != number), fold == number
            if len(set(share[learnt] >= 0.5)) < 2 or not tested.any():
                continue
            weights, bias = _fit(features[learnt], share[learnt], weight[learnt], strength)
            logit = features[tested] @ weights + bias
            truth = share[tested]
            # -log p = log(1 + exp(-x)), written so that nothing overflows.
            loss = np.maximum(logit, 0.0) - logit * truth + elementary.log(1.0 + elementary.exp(-np.abs(logit)))
            total += float((loss * weight[tested]).sum())
            weights_seen += float(weight[tested].sum())
        if weights_seen:
            losses[strength] = total / weights_seen
    return losses


def _fit(features: csr_matrix, share: np.ndarray, weight: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """Weights and bias of logistic regression; a text of grade g is g of a good text and 1 - g of a bad one."""
    from scipy.sparse import vstack
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mixed = (share > 0.0) & (share < 1.0)
    if mixed.any():
        features = vstack([features, features[mixed]], format="csr")
        truth = np.concatenate([share > 0.0, np.zeros(int(mixed.sum()), dtype=bool)])
        weight = np.concatenate([weight * np.where(mixed, share, 1.0), (weight * (1.0 - share))[mixed]])
    else:
        truth = share > 0.5
    model = LogisticRegression(C=strength, solver="liblinear", dual=True, tol=1e-3, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        # The last digits of weak regularisation take many passes and change no ranking.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, truth, weight)
    return model.coef_[0], float(model.intercept_[0])


def write(path: Path, model: Model) -> None:
    """Write a model as safetensors: no code, nothing is executed on loading."""
    from safetensors.numpy import save

    content = save({WEIGHTS: model.weights, BIAS: np.array([model.bias], dtype=np.float32)})
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def load(path: Path) -> Model:
    """Read a model.

    Raises:
        ModelError: missing, damaged, or no model of this form.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as parse

    try:
        found = parse(path.read_bytes())
        weights, bias = found[WEIGHTS], found[BIAS]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        msg = f"{path}: not a linear model ({error}). Delete it and run the workflow again."
        raise ModelError(msg) from error
    finite = weights.dtype == bias.dtype == np.float32 and np.isfinite(weights).all() and np.isfinite(bias).all()
    if weights.shape != (1 << BITS,) or bias.shape != (1,) or not finite:
        msg = (
            f"{path}: {weights.shape} weights of {weights.dtype}, expected {1 << BITS} finite float32. Delete it and "
            "run the workflow again."
        )
        raise ModelError(msg)
    return Model(weights, float(bias[0]))
