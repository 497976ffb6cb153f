"""fastText as the stages use it: one normalisation of text, training on one thread, probabilities of all classes.

Training races on more threads than one. On one thread it has a trap: the initial vectors are drawn in ten blocks,
one a thread, so that a single thread fills a tenth of the matrix and leaves the rest as the allocator gave it (0.9.2
and its descendants; seen as another model in every run, or "Encountered NaN"). `_zeroed_allocations` makes
the allocator give zeros, and then one seed and one order of lines give the same bytes. Words are numbered by
frequency, so the tenth that is drawn holds the frequent ones, which is enough to break the symmetry.

At 32 dimensions and bigrams one core scores about 19,000 excerpts of 3,000 characters a second.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.classifiers import fasttext_file
from tamis.errors import ModelError
from tamis.section import Section
from tamis.shards import whole_file

PREFIX = "__tamis__"
"""Marks a label in the training file; words of a document that look like one are broken up by `normalise`."""

BATCH = 4096
"""Documents normalised at a time: bounds memory, does not touch the result."""


class Training(Section):
    """How the fastText classifier is trained."""

    dimension: int = Field(
        32,
        ge=4,
        le=300,
        description="Size of the word vectors. 100 is fastText's own default; at "
        "32 the model takes a third of the memory and scores twice as fast.",
    )
    epochs: int = Field(
        10,
        ge=1,
        le=200,
        description="Passes over the training documents (fastText default 5, for corpora of 100,000s of labels).",
    )
    learning_rate: float = Field(0.5, gt=0.0, le=2.0, description="First learning rate; falls linearly to 0.")
    word_ngrams: int = Field(2, ge=1, le=5, description="Longest run of words used as a feature (DCLM: 2).")
    min_count: int = Field(3, ge=1, description="Occurrences below which a word is no feature of its own.")
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


def normalise(text: pa.Array | pa.ChunkedArray, max_characters: int) -> list[str]:
    """The start of each text as one lower-case line, ASCII punctuation standing apart.

    Setting punctuation apart also breaks `</s>`, which fastText reads as the end of a line, and anything that looks
    like a label, so that a hostile text can neither end its line nor label itself.
    """
    text = pc.utf8_slice_codeunits(text, 0, max_characters)
    text = pc.replace_substring_regex(text, r"([[:punct:]])", r" \1 ")
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
    """Load a model file.

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
    model: Any, texts: Iterable[pa.Array | pa.ChunkedArray], classes: Sequence[str], max_characters: int
) -> np.ndarray:
    """Probability of each class for each text: n × classes, float32, rows in [0, 1].

    Args:
        model: from `load`.
        texts: n texts, some at a time.
        classes: names of the columns.
        max_characters: as in training.
    """
    column = {PREFIX + name: index for index, name in enumerate(classes)}
    predict = model.f.predict
    result = [np.zeros((0, len(classes)), dtype=np.float32)]
    for text in texts:
        for start in range(0, len(text), BATCH):
            lines = normalise(text.slice(start, BATCH), max_characters)
            result.append(np.zeros((len(lines), len(classes)), dtype=np.float32))
            for row, line in enumerate(lines):
                for probability, label in predict(line + "\n", len(classes), 0.0, "strict"):
                    result[-1][row, column[label]] = probability
    # fastText adds 1e-5 inside its logarithm, so a probability may pass 1 by that much.
    return np.clip(np.concatenate(result), 0.0, 1.0)


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
    return tested, probabilities(load(output), [tested["text"]], classes, training.max_characters)
