"""Classifiers that see words: fastText, and a regularised linear model.

fastText (Joulin et al. 2016) is a linear bag of words and bigrams. DCLM (Li et al. 2024) kept the best 10 % of its pool
with such a classifier and found bigrams better than single words and fastText better than dearer models; FineWeb-Edu's
fastText twin reaches a Spearman correlation of .58 with the transformer.

The linear model is logistic regression on hashed words and pairs of words, by inverse document frequency. On few labels
it is the most accurate of the coarse ones (benchmarks/classifiers).

Memory in training: at most twice the capped sample of labels, of which the linear model takes about 20 kB a label.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis.classifiers import fasttext, fasttext_scorer, linear_words
from tamis.classifiers.good_bad import CLASSES, WORTH, only_kinds
from tamis.classifiers.kinds.base import USUAL_MB, Encoded, Taught, Trained, all_held_out, size_mb
from tamis.classifiers.labels import Labelled, learnable_kinds
from tamis.classifiers.ready_fasttext import Ready, ReadyModel
from tamis.classifiers.scores import chosen
from tamis.shards import write_json

MEASURED_CHARACTERS = 20_000
"""Characters that a labelled document carries for a ready model that reads whole texts."""

LIMITS = ("Documents are read from their start only; what is said later does not count.",)


class Words(Taught):
    """A classifier that sees the words at the start of a text; kinds without enough labels are not scored."""

    training: Any

    @property
    def labelled_characters(self) -> int:
        """As many as the model reads."""
        return int(self.training.max_characters)

    @abstractmethod
    def fit(self, learnt: pa.Table, model: Path) -> dict[str, Any]:
        """Train on n labelled rows and write the model; returns the settings that it took."""

    @abstractmethod
    def scores(self, model: Path, texts: Iterable[pa.Array | pa.ChunkedArray]) -> np.ndarray:
        """The probability that each text is good, float32; texts come some at a time."""

    def learn(self, stage: str, labelled: Labelled, model: Path, encoded: Encoded) -> Trained:  # noqa: ARG002
        """See `Taught.learn`."""
        kinds = learnable_kinds(labelled, CLASSES, self.sampling.min_labels, stage)
        labelled = only_kinds(labelled, kinds)
        held_out = labelled.rows["held_out"].combine_chunks()
        tested = labelled.rows.filter(held_out)
        settings = self.fit(labelled.rows.filter(pc.invert(held_out)), model)
        return Trained(labelled, kinds, settings, tested, self.scores(model, [tested["text"]]), LIMITS)

    def score(self, model: Path, documents: Path, where: np.ndarray, encoded: Encoded) -> np.ndarray:
        """See `Taught.score`."""
        texts = (table["text"] for table in chosen(documents, where, ["text"]))
        return self.scores(model, encoded.lengths.counting(texts) if encoded.lengths else texts)


class FastText(Words):
    """A fastText classifier, trained in the run or ready, and which of the documents it scored are kept."""

    model: Literal["fasttext"] = Field("fasttext", description="A fastText classifier.")
    training: fasttext.Training = Field(fasttext.Training(), description="The classifier.")
    ready: Ready | None = Field(
        None,
        description="A model file that exists already, instead of one trained in the run; labels, if any, measure it.",
    )

    @model_validator(mode="after")
    def _trained_or_ready(self) -> FastText:
        if self.ready is not None and "training" in self.model_fields_set and self.training != fasttext.Training():
            msg = "`training` does nothing where the model is `ready`; take one of them out"
            raise ValueError(msg)
        return self

    @property
    def labelled_characters(self) -> int:
        """As many as the model reads; of a ready one's whole texts a part that measures well enough."""
        if self.ready is None:
            return self.training.max_characters
        return self.ready.max_characters or MEASURED_CHARACTERS

    @property
    def memory_mb(self) -> int:
        """The model is in memory as a whole: DCLM's file is 2.4 GB."""
        return USUAL_MB + size_mb(self.files())

    def files(self) -> list[str]:
        """See `Taught.files`."""
        return self.ready.local_files() if self.ready else []

    def check(self, stage: str) -> None:
        """See `Taught.check`; a ready model is taught nothing."""
        if self.ready is None:
            super().check(stage)

    def check_files(self, stage: str) -> None:
        """See `Taught.check_files`."""
        if self.ready is None:
            super().check_files(stage)
        else:
            self.ready.check_files(stage)
            self.labels.check_measuring(stage)

    def learn(self, stage: str, labelled: Labelled, model: Path, encoded: Encoded) -> Trained:
        """See `Taught.learn`; a ready model is only measured."""
        if self.ready is None:
            return super().learn(stage, labelled, model, encoded)
        self.ready.check_content(stage)
        described = self.ready.describe()
        write_json(model, {"ready": described})
        labelled = all_held_out(labelled)
        rows = labelled.rows
        settings = {"architecture": "fastText, ready"} | described
        return Trained(labelled, self.applies_to, settings, rows, self.scores(model, [rows["text"]]), ())

    def fit(self, learnt: pa.Table, model: Path) -> dict[str, Any]:
        """See `Words.fit`."""
        levels, keys = fasttext.levels(learnt, WORTH), learnt["key"].to_numpy()
        fasttext.train(learnt["text"], levels, keys, self.training, model)
        settled = self.training.settled(learnt.num_rows).model_dump(mode="json")
        return {"architecture": "fastText supervised"} | settled

    def scores(self, model: Path, texts: Iterable[pa.Array | pa.ChunkedArray]) -> np.ndarray:
        """See `Words.scores`."""
        if self.ready is not None:
            return ReadyModel(self.ready).score(texts)
        return fasttext.score(fasttext_scorer.load(model), texts, WORTH, self.training.max_characters)


class Linear(Words):
    """A linear model on words and pairs of words, trained in the run, and which of the documents it scored are kept."""

    model: Literal["linear"] = Field("linear", description="A linear model on hashed words and pairs of words.")
    training: linear_words.Training = Field(linear_words.Training(), description="The classifier.")

    def fit(self, learnt: pa.Table, model: Path) -> dict[str, Any]:
        """See `Words.fit`."""
        fitted, found = linear_words.train(learnt, CLASSES, self.training)
        linear_words.write(model, fitted)
        settings = {"architecture": "logistic regression on hashed words and pairs of words"}
        return settings | self.training.model_dump(mode="json") | found

    def scores(self, model: Path, texts: Iterable[pa.Array | pa.ChunkedArray]) -> np.ndarray:
        """See `Words.scores`."""
        return linear_words.load(model).scores(texts, self.training.max_characters)
