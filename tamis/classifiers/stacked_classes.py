"""Several classes: of each a stack that tells it from the rest.

A stack (`stacked.py`) answers one question, whether a text is of a class. Here there is one a class; the odds that they
give are divided by their sum, which is surer and truer than dividing probabilities (log loss .084 against .118 on four
domains, benchmarks/classifiers/domains.py). Folds, words and near-copies are found once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.classifiers import elementary, linear_head, linear_words, stacked
from tamis.classifiers.division import folds_of, order_of
from tamis.classifiers.stacked import Stack


@dataclass(frozen=True)
class Stacks:
    """A stack a class, in the order of the classes."""

    classes: tuple[str, ...]
    stacks: tuple[Stack, ...]

    def probabilities(
        self,
        number: int,
        vectors: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]],
        texts: Iterable[pa.Array | pa.ChunkedArray],
        max_characters: int,
    ) -> np.ndarray:
        """The probability of each class for each of n texts, n × classes, float32; arguments as of `stacked.logits`."""
        found = stacked.logits(self.stacks, number, vectors, texts, max_characters)
        odds = elementary.exp(found - found.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def fit(
    rows: pa.Table,
    vectors: Mapping[str, np.ndarray],
    classes: Sequence[str],
    penalty: float,
    words: linear_words.Training | None,
) -> tuple[Stacks, dict[str, Any]]:
    """Fit a stack a class.

    Args:
        rows: n labelled texts, of `tamis.classifiers.labels.LABELLED`; a class weighs as much as all others together.
        vectors: by column, n × its size.
        classes: each of them has texts.
        penalty: of each head, as in `linear_head.fit`.
        words: how the models on words are trained; None: there are none.

    Returns:
        The stacks, and for the card what was found out of fold: `trust` and the `strength` of words by class.
    """
    place = order_of(rows)
    rows = rows.take(place)
    columns = {name: vectors[name][place.to_numpy()] for name in sorted(vectors)}
    labels = np.array(rows["label"].to_pylist(), dtype=object)
    settings = words or linear_words.Training()
    fold = folds_of(rows, settings.folds, settings.chosen_on)
    occurring = linear_words.occurrences(rows["text"], settings.max_characters) if words else None
    found: list[Stack] = []
    trust: dict[str, Any] = {}
    strength: dict[str, float] = {}
    for name in classes:
        share = (labels == name).astype(np.float64)
        weight = linear_head.group_weights((labels == name).tolist(), [""] * len(labels))
        texts = None if occurring is None else linear_words.Texts(occurring, share, weight, fold)
        stack, told = stacked.together(rows, columns, share, weight, ("", name), penalty, fold, words, texts)
        found.append(stack)
        trust[name] = told["trust"]
        if words is not None:
            strength[name] = told[stacked.WORDS]["strength"]
    of_words = {} if words is None else {stacked.WORDS: words.model_dump(mode="json"), "strength": strength}
    return Stacks(tuple(classes), tuple(found)), {"trust": trust} | of_words


def write(path: Path, model: Stacks) -> None:
    """Write the stacks as safetensors, each tensor by its class and name."""
    pairs = zip(model.classes, model.stacks, strict=True)
    every = {f"{name}/{part}": value for name, stack in pairs for part, value in stacked.tensors(stack).items()}
    stacked.write_tensors(path, every)


def load(path: Path, columns: Sequence[str], classes: Sequence[str], *, words: bool) -> Stacks:
    """Read stacks.

    Args:
        path: the file.
        columns: the columns of the embeddings that they see.
        classes: in the order that is wanted.
        words: whether they have models on words.

    Raises:
        ModelError: missing, damaged, or no stacks of this form.
    """
    every = stacked.read_tensors(path, columns)
    own = {
        name: {part.removeprefix(f"{name}/"): value for part, value in every.items() if part.startswith(f"{name}/")}
        for name in classes
    }
    found = [stacked.of_tensors(path, own[name], columns, ("", name), words=words) for name in classes]
    return Stacks(tuple(classes), tuple(found))
