"""A stack: linear models that each see a text in a way of their own, and how far each is trusted.

An encoder reads the start of a text for what it means, cheap features say what form it has, and words, one weight each,
say what neither sees. Which of them knows most is another with each question, so each has a model of its own, and their
logits are added, each with a weight (stacked generalisation, Wolpert 1992). The weights are learnt from logits *out of
fold*: of each training text by models that have seen neither it nor its near-copies, so that what a model only knows
by heart counts for nothing. They are not negative (Breiman 1996), and drawn together by as much as `EQUAL` texts say,
because few labels cannot tell which model is the better one.

On the sets that this was chosen on, at 300 labels, the words alone rank with a mean AUC of .929, one head on embedding
and features side by side with .913, a head on each and their weights with .921, all three with .946; at 30 labels with
.853, .841, .863 and .892 (benchmarks/results/2026-11-28-classifiers-stack.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.classifiers import elementary, linear_head, linear_words
from tamis.classifiers.division import each_fold, folds_of, order_of
from tamis.classifiers.linear_head import Head
from tamis.errors import ModelError
from tamis.shards import whole_file

EQUAL = 5.0
"""Penalty on how far weights are from their mean, over the sum of the texts' log losses: half of it times the squared
distance, of logits at unit variance. 0 is .005 lower in mean AUC at 30 labels, 30 is .002 lower at 300."""

RIDGE = 1e-3
"""L2 penalty on the weights themselves, over the mean log loss: where all is told apart, they would grow for ever."""

LEAST = 0.1
"""Least spread that logits out of fold count with, as a share of that on the texts learnt from. Where a model knows
nothing of what it has not seen, its logits there hardly differ, and a weight over their spread would have no bound."""

WORDS = "words"
HEAD = ("mean", "scale", "weights", "bias")
AGAIN = "Delete it and run the workflow again."


@dataclass(frozen=True)
class Stack:
    """Probability of the second class = 1 / (1 + exp(-(bias + sum of trust · logit))).

    Attributes:
        heads: by the column of the embeddings that they see.
        words: the linear model on words; None: there is none.
        trust: the weight of each of them, by column, and `words`.
        bias: added to the sum.
    """

    heads: Mapping[str, Head]
    words: linear_words.Model | None
    trust: Mapping[str, float]
    bias: float

    def scores(
        self,
        number: int,
        vectors: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]],
        texts: Iterable[pa.Array | pa.ChunkedArray],
        max_characters: int,
    ) -> np.ndarray:
        """The probability that each of n texts is good, float32; see `logits`."""
        found = logits([self], number, vectors, texts, max_characters)
        return elementary.sigmoid(found[:, 0]).astype(np.float32)


def logits(
    stacks: Sequence[Stack],
    number: int,
    vectors: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]],
    texts: Iterable[pa.Array | pa.ChunkedArray],
    max_characters: int,
) -> np.ndarray:
    """The logit that each of some stacks gives n texts, n × stacks; a text's bits do not depend on the others.

    Args:
        stacks: that see the same.
        number: n.
        vectors: positions and, by column, the vectors of the texts that stand there, some at a time, in any order.
        texts: all texts in order, some at a time; not looked at where there is no model on words.
        max_characters: characters of each text of which words are read.

    Raises:
        ModelError: the models were fitted on vectors of another size.
    """
    total = np.tile([stack.bias for stack in stacks], (number, 1))
    # A text has its terms added in one order, whatever comes when: heads by name, then words.
    for where, columns in vectors:
        for place, stack in enumerate(stacks):
            for name in sorted(stack.heads):
                total[where, place] += stack.trust[name] * _logit(stack.heads[name], columns[name])
    if any(stack.words is not None for stack in stacks):
        first = 0
        for text in texts:
            for place, stack in enumerate(stacks):
                if stack.words is not None:
                    own = stack.trust[WORDS] * stack.words.logits(text, max_characters)
                    total[first : first + len(text), place] += own
            first += len(text)
    return total


def _logit(head: Head, vectors: np.ndarray) -> np.ndarray:
    """The logit of the second class of each of n vectors, float64."""
    if (expected := len(head.mean)) != (size := vectors.shape[1]):
        msg = (
            f"the model was fitted on vectors of {expected} numbers, the embeddings have {size}; the backbone changed. "
            "Run the workflow again."
        )
        raise ModelError(msg)
    found = head.logits(vectors)
    return found[:, 1] - found[:, 0]


def fit(
    rows: pa.Table,
    vectors: Mapping[str, np.ndarray],
    classes: Sequence[str],
    penalty: float,
    words: linear_words.Training | None,
) -> tuple[Stack, dict[str, Any]]:
    """Fit the models and how far they are trusted.

    Whatever the order of the rows, the result has the same bits: texts go in the order of their keys. Folds are those
    of `words`, or its defaults where several columns are seen without words; texts beyond `chosen_on` have no part in
    the trust, and all have in the models.

    Args:
        rows: n labelled texts that teach, of `tamis.classifiers.labels.LABELLED`, none held out; a text with a grade
            is as good as that (0 to 1), one without as its label says; each (class, kind) weighs the same.
        vectors: by column (`embedding`, `shape`), float32, n × its size, in the order of the rows; at least one column
            where `words` is None.
        classes: the bad and the good class.
        penalty: of each head, L2, over the mean log loss and standardised columns, as in `linear_head.fit`.
        words: how the model on words is trained; None: there is none.

    Returns:
        The stack, and for the card what was found out of fold: `trust`, the weight of each model over logits at unit
        spread, and `words`, its settings with the strength that was chosen. Nothing where there is one model only,
        which has a trust of 1.

    Raises:
        ModelError: a class has no text.
    """
    place = order_of(rows)
    rows = rows.take(place)
    columns = {name: vectors[name][place.to_numpy()] for name in sorted(vectors)}
    labels = rows["label"].to_pylist()
    if len(set(labels)) < 2:
        msg = f"the models need texts of {' and '.join(classes)}; there are {len(labels)} of {sorted(set(labels))}"
        raise ModelError(msg)
    weight = linear_head.group_weights(labels, rows["kind"].to_pylist())
    share = linear_head.truth_of(labels, rows["grade"].to_pylist(), classes)[:, 1]
    texts, fold = None, None
    if words is not None:
        texts = linear_words.texts_of(rows, classes, words)
        fold = texts.fold
    elif len(columns) > 1:
        settings = linear_words.Training()
        fold = folds_of(rows, settings.folds, settings.chosen_on)
    return together(rows, columns, share, weight, classes, penalty, fold, words, texts)


def together(
    rows: pa.Table,
    columns: Mapping[str, np.ndarray],
    share: np.ndarray,
    weight: np.ndarray,
    classes: Sequence[str],
    penalty: float,
    fold: np.ndarray | None,
    words: linear_words.Training | None = None,
    texts: linear_words.Texts | None = None,
) -> tuple[Stack, dict[str, Any]]:
    """Fit the models and how far they are trusted, where it is known what they learn from.

    For several questions on the same texts (`stacked_classes`): folds and features of words are made once.

    Args:
        rows: n labelled texts in the order of their key (`division.in_order`).
        columns: by column, float32, n × its size.
        share: float64[n], how much each text is of the second class, from 0 to 1.
        weight: float64[n], mean 1.
        classes: the bad and the good class.
        penalty: of each head.
        fold: int64[n], from `folds_of`; None where there is one model only.
        words: how the model on words is trained; None: there is none.
        texts: what it learns from, n; None without `words`.

    Returns:
        As `fit`.
    """
    truth = np.stack([1.0 - share, share], axis=1)
    heads = {name: linear_head.fit(seen, truth, classes, weight, penalty) for name, seen in columns.items()}
    if fold is None:
        return Stack(heads, None, dict.fromkeys(heads, 1.0), 0.0), {}
    crossed = {name: _out_of_fold(seen, truth, weight, fold, penalty) for name, seen in columns.items()}
    learnt = {name: _logit(heads[name], seen) for name, seen in columns.items()}
    told: dict[str, Any] = {}
    model = None
    if words is not None and texts is not None:
        model, chosen, crossed[WORDS] = linear_words.fit(texts, words.strengths, crossed=True)
        learnt[WORDS] = model.logits(rows["text"], words.max_characters)
        told |= {WORDS: words.model_dump(mode="json") | chosen}
    found = np.stack(list(crossed.values()), axis=1)
    known = ~np.isnan(found).any(axis=1)
    spread = LEAST * np.array([each.std() for each in learnt.values()])
    if known.any():
        spread = np.maximum(spread, found[known].std(axis=0))
    spread[spread < 1e-9] = 1.0
    weights, bias = trusted(found[known] / spread, share[known], weight[known])
    # On the card over logits at unit spread, which can be compared.
    told |= {"trust": {name: round(value, 2) for name, value in zip(crossed, weights.tolist(), strict=True)}}
    # Six digits: words are fitted by a library, whose last bits follow the processor.
    *trust, bias = (float(f"{value:.6g}") for value in (*(weights / spread).tolist(), bias))
    return Stack(heads, model, dict(zip(crossed, trust, strict=True)), bias), told


def _out_of_fold(
    vectors: np.ndarray, truth: np.ndarray, weight: np.ndarray, fold: np.ndarray, penalty: float
) -> np.ndarray:
    """The logit of each vector by a head of the other folds; NaN where there is none."""
    found = np.full(len(vectors), np.nan)
    for learnt, tested in each_fold(fold, truth[:, 1]):
        head = linear_head.fit(vectors[learnt], truth[learnt], ("", ""), weight[learnt], penalty)
        found[tested] = _logit(head, vectors[tested])
    return found


def trusted(logits: np.ndarray, share: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """How far each of k models is trusted: weights of their logits, none of them negative, and the bias of the sum.

    Args:
        logits: n × k, out of fold, at about unit spread.
        share: n, how good each text is, from 0 to 1.
        weight: n, mean 1.

    Returns:
        float64[k], and the bias. Where nothing is known, no text or no model that says anything right, the models weigh
        the same.
    """
    number, models = logits.shape
    if not number:
        return np.ones(models), 0.0
    used = list(range(models))
    while (found := _weights(logits[:, used], share, weight))[:-1].min() < 0.0 and len(used) > 1:
        used.pop(int(found[:-1].argmin()))
    weights = np.zeros(models)
    weights[used] = found[:-1]
    return (weights, float(found[-1])) if weights.max() > 0.0 else (np.ones(models), 0.0)


def _weights(rows: np.ndarray, share: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights of m columns and the bias, by logistic regression whose weights are drawn together."""
    part, pull = weight / len(rows), EQUAL / len(rows)

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        logit = (rows * at[:-1]).sum(axis=1) + at[-1]
        apart = at[:-1] - at[:-1].mean()
        each = np.maximum(logit, 0.0) - logit * share + elementary.log(1.0 + elementary.exp(-np.abs(logit)))
        value = (each * part).sum() + 0.5 * (pull * (apart * apart).sum() + RIDGE * (at[:-1] * at[:-1]).sum())
        error = (elementary.sigmoid(logit) - share) * part
        slope = (rows * error[:, None]).sum(axis=0) + pull * apart + RIDGE * at[:-1]
        return float(value), np.append(slope, error.sum())

    return linear_head.minimum(loss, np.zeros(rows.shape[1] + 1))


def write(path: Path, stack: Stack) -> None:
    """Write a model as safetensors: no code, nothing is executed on loading."""
    write_tensors(path, tensors(stack))


def write_tensors(path: Path, found: Mapping[str, np.ndarray]) -> None:
    """Write tensors by name as safetensors."""
    from safetensors.numpy import save

    content = save(dict(found))
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def tensors(stack: Stack) -> dict[str, np.ndarray]:
    """A model as tensors of a safetensors file."""
    found = {"stack/bias": np.array([stack.bias])}
    for name, head in stack.heads.items():
        found |= {f"{name}/{part}": np.ascontiguousarray(getattr(head, part)) for part in HEAD}
    found |= {f"{name}/trust": np.array([value]) for name, value in stack.trust.items()}
    return found | ({} if stack.words is None else linear_words.tensors(stack.words))


def load(path: Path, columns: Sequence[str], classes: Sequence[str], *, words: bool) -> Stack:
    """Read a model.

    Args:
        path: the file.
        columns: the columns of the embeddings that it sees.
        classes: the bad and the good class.
        words: whether it has a model on words.

    Raises:
        ModelError: missing, damaged, or no model of this form.
    """
    return of_tensors(path, read_tensors(path, columns), columns, classes, words=words)


def read_tensors(path: Path, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """The tensors of a file by name; `columns` are for the message.

    Raises:
        ModelError: missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as parse

    try:
        return dict(parse(path.read_bytes()))
    except (OSError, SafetensorError, ValueError) as error:
        raise _no_head(path, columns, error) from error


def _no_head(path: Path, columns: Sequence[str], error: Exception) -> ModelError:
    return ModelError(f"{path}: not a head of {', '.join(columns)} ({error}). {AGAIN}")


def of_tensors(
    path: Path, found: Mapping[str, np.ndarray], columns: Sequence[str], classes: Sequence[str], *, words: bool
) -> Stack:
    """The inverse of `tensors`.

    Args:
        path: where they come from, for messages.
        found: tensors by name.
        columns: as in `load`.
        classes: as in `load`.
        words: as in `load`.

    Raises:
        ModelError: no model of this form.
    """
    try:
        bias = float(found["stack/bias"][0])
        trust = {name: float(found[f"{name}/trust"][0]) for name in (*columns, *([WORDS] if words else []))}
        heads = {name: Head(tuple(classes), *(found[f"{name}/{part}"] for part in HEAD)) for name in columns}
    except (KeyError, ValueError, IndexError) as error:
        raise _no_head(path, columns, error) from error
    for name, head in heads.items():
        size = head.mean.shape
        fits = head.scale.shape == size and head.weights.shape == (len(classes), *size)
        numbers = [bias, *trust.values(), *(getattr(head, part) for part in HEAD)]
        if (
            len(size) != 1
            or not fits
            or head.bias.shape != (len(classes),)
            or not all(np.isfinite(each).all() for each in numbers)
        ):
            msg = f"{path}: the head of {name} is no finite numbers of one size. {AGAIN}"
            raise ModelError(msg)
    return Stack(heads, linear_words.of_tensors(path, found) if words else None, trust, bias)
