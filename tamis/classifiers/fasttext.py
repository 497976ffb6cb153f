"""fastText as the stages use it: one normalisation of text, training on one thread, probabilities of all classes.

Training races on more threads than one. On one thread it has a trap: the initial vectors are drawn in ten blocks,
one a thread, so that a single thread fills a tenth of the matrix and leaves the rest as the allocator gave it (0.9.2
and its descendants; seen as another model in every run, or "Encountered NaN"). `_zeroed_allocations` makes
the allocator give zeros, and then one seed and one order of lines give the same bytes. Words are numbered by
frequency, so the tenth that is drawn holds the frequent ones, which is enough to break the symmetry.

The library trains; what a model says of texts, `fasttext_scorer` finds out without it.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.classifiers import fasttext_file, fasttext_scorer
from tamis.classifiers.fasttext_scorer import Scorer
from tamis.errors import ModelError
from tamis.section import Section
from tamis.shards import whole_file
from tamis.text import SINGLE_RANGES

PREFIX = "__tamis__"
"""Marks a label in the training file; words of a document that look like one are broken up by `normalise`."""

PASSES = 25_000
"""Documents that training looks at, each as often as there are epochs: few labels want more passes, many fewer."""

FEW = 10_000
"""Training documents up to which every word is a feature."""

GRADE = "grade"
LEVELS = 6
"""Grades that fastText tells apart, as many as FineWeb-Edu's 0 to 5."""


class Training(Section):
    """How the fastText classifier is trained."""

    dimension: int = Field(
        32,
        ge=4,
        le=300,
        description="Size of the word vectors. 100 is fastText's own default; 32 ranks as well in a third of the "
        "file. How fast it scores does not depend on it.",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        le=200,
        description="Passes over the training documents; null: by their number, 25,000 divided by it, from 5 "
        "(fastText's own default) to 50.",
    )
    learning_rate: float = Field(0.5, gt=0.0, le=2.0, description="First learning rate; falls linearly to 0.")
    word_ngrams: int = Field(2, ge=1, le=5, description="Longest run of words used as a feature (DCLM: 2).")
    min_count: int | None = Field(
        None,
        ge=1,
        description="Occurrences below which a word is no feature of its own; null: by the number of training "
        "documents, 1 up to 10,000 of them, 3 from there.",
    )
    buckets: int = Field(
        200_000, ge=10_000, le=10_000_000, description="Hash buckets of the word n-grams; 4 bytes x dimension each."
    )
    max_characters: int = Field(
        3000,
        ge=100,
        description="Characters from the start of each text that are read, so "
        "that the length of a long document says nothing.",
    )
    seed: int = Field(1, ge=0, description="Seed of the initial vectors.")

    def settled(self, documents: int) -> Training:
        """What is left open, by the number of training documents."""
        # AUC at 300 labels rises from .752 to .759 (tweets) and .964 to .982 (mail) by 50 epochs instead of 10; at
        # 2,500 labels it falls from .946 to .937 (licences).
        epochs = min(max(PASSES // max(documents, 1), 5), 50) if self.epochs is None else self.epochs
        rare = (1 if documents <= FEW else 3) if self.min_count is None else self.min_count
        return self.model_copy(update={"epochs": epochs, "min_count": rare})


M_PERTURB = -6
"""glibc's number of the option that fills blocks as they are allocated, with the complement of a byte."""


@contextmanager
def _zeroed_allocations() -> Iterator[None]:
    """Have glibc fill every larger block with zeros as it is allocated.

    Other C libraries have no such function; there the bits of a model are not promised.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        yield
        return
    mallopt(M_PERTURB, 0xFF)
    try:
        yield
    finally:
        mallopt(M_PERTURB, 0)


APART = "([[:punct:]" + "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in SINGLE_RANGES) + "])"
"""What is a word of its own."""


def normalise(text: pa.Array | pa.ChunkedArray, max_characters: int) -> list[str]:
    """The start of each text as one lower-case line, ASCII punctuation and characters of unspaced scripts apart.

    Of a script without spaces fastText would otherwise see whole clauses as words: of Chinese reviews it told good from
    bad with an AUC of .50 at 300 and at 5,000 labels, with each character a word and their pairs with .79 and .88.

    Setting punctuation apart also breaks `</s>`, which fastText reads as the end of a line, and anything that looks
    like a label, so that a hostile text can neither end its line nor label itself.
    """
    text = pc.utf8_slice_codeunits(text, 0, max_characters)
    text = pc.replace_substring_regex(text, APART, r" \1 ")
    text = pc.replace_substring_regex(text, r"[\s\x00\x0b\x1c-\x1f\x{85}\x{2028}\x{2029}]+", " ")
    return pc.utf8_lower(text).to_pylist()


def train(
    text: pa.Array | pa.ChunkedArray, labels: Sequence[str], order: np.ndarray, training: Training, output: Path
) -> None:
    """Train a classifier and write its model file.

    Args:
        text: n texts.
        labels: n class names.
        order: n keys; fastText does not shuffle, so lines go in the order of these hashes.
        training: settings.
        output: the model file, written as a whole.

    Raises:
        ModelError: fastText refuses the training file.
    """
    import fasttext

    training = training.settled(len(text))
    lines = normalise(text, training.max_characters)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labelled.txt"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{PREFIX}{labels[row]} {lines[row]}\n" for row in np.argsort(order, kind="stable"))
        try:
            with _zeroed_allocations():
                model = fasttext.train_supervised(
                    str(path),
                    label=PREFIX,
                    thread=1,
                    seed=training.seed,
                    dim=training.dimension,
                    epoch=training.epochs,
                    lr=training.learning_rate,
                    wordNgrams=training.word_ngrams,
                    minCount=training.min_count,
                    bucket=training.buckets,
                    verbose=0,
                )
        except (RuntimeError, ValueError) as error:
            msg = f"fastText could not be trained on {len(lines)} labelled documents: {error}"
            raise ModelError(msg) from error
    with whole_file(output) as temporary:
        model.save_model(str(temporary))


def load(path: Path) -> Any:
    """Load a model file of any form with the library.

    Raises:
        ModelError: missing, damaged or cut off.
    """
    import fasttext

    fasttext_file.check(path)
    try:
        # The class itself: `fasttext.load_model` prints a warning on some versions.
        return fasttext.FastText._FastText(model_path=str(path))  # noqa: SLF001
    except (RuntimeError, ValueError) as error:
        msg = f"{path}: not a fastText model ({error}). Delete it and run the workflow again."
        raise ModelError(msg) from error


def probabilities(
    model: Scorer, texts: Iterable[pa.Array | pa.ChunkedArray], classes: Sequence[str], max_characters: int
) -> np.ndarray:
    """Probability of each class for each text: n × classes, float32, rows in [0, 1].

    Args:
        model: from `fasttext_scorer.load`.
        texts: n texts, some at a time.
        classes: names of the columns.
        max_characters: as in training.
    """
    column = [model.labels.index(PREFIX + name) for name in classes]
    found = [model.probabilities(text, max_characters)[:, column].astype(np.float32) for text in texts]
    return np.concatenate([np.zeros((0, len(classes)), dtype=np.float32), *found])


def names(model: Scorer) -> list[str]:
    """The classes that a model knows, sorted."""
    return sorted(label.removeprefix(PREFIX) for label in model.labels)


def levels(labelled: pa.Table, worth: Mapping[str, float]) -> list[str]:
    """What fastText learns of n texts of two classes: the class, or, where any has a grade, the nearest of six grades.

    A grade is learnt as a class of its own, as FineWeb-Edu's fastText does, and the score is the mean of the grades by
    their probabilities.

    Args:
        labelled: n rows of `tamis.classifiers.labels.LABELLED`.
        worth: class → grade.
    """
    labels, grades = labelled["label"].to_pylist(), labelled["grade"].to_pylist()
    if all(grade is None for grade in grades):
        return list(labels)
    exact = [worth[label] if grade is None else grade for label, grade in zip(labels, grades, strict=True)]
    return [f"{GRADE}{round(grade * (LEVELS - 1))}" for grade in exact]


def score(
    model: Scorer, texts: Iterable[pa.Array | pa.ChunkedArray], worth: Mapping[str, float], most: int
) -> np.ndarray:
    """Score of each text from 0 to 1: the probability of the good class, or the mean grade; float32.

    Args:
        model: from `fasttext_scorer.load`, trained on `levels`.
        texts: n texts, some at a time.
        worth: class → grade.
        most: characters of each, as in training.
    """
    known = names(model)
    found = probabilities(model, texts, known, most)
    total = np.zeros(len(found), dtype=np.float32)
    for column, name in enumerate(known):
        grade = worth[name] if name in worth else int(name.removeprefix(GRADE)) / (LEVELS - 1)
        total += found[:, column] * np.float32(grade)
    return np.clip(total, 0.0, 1.0)


def train_and_test(
    labelled: pa.Table, classes: Sequence[str], training: Training, output: Path
) -> tuple[pa.Table, np.ndarray]:
    """Train on the labelled documents that are not held out, and score those that are.

    Args:
        labelled: rows of `tamis.classifiers.labels.LABELLED`.
        classes: names of the classes.
        training: settings.
        output: the model file.

    Returns:
        The n rows held out, and their probabilities: n × classes.
    """
    held_out = labelled["held_out"].combine_chunks()
    learnt, tested = labelled.filter(pc.invert(held_out)), labelled.filter(held_out)
    train(learnt["text"], learnt["label"].to_pylist(), learnt["key"].to_numpy(), training, output)
    return tested, probabilities(fasttext_scorer.load(output), [tested["text"]], classes, training.max_characters)
