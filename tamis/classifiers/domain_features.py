"""What the classifier of `domains` sees of a document: its embedding, its words, or the labels' selectors alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.barrier import Files, paths
from tamis.classifiers import domain_card, embedding_files, fasttext, fasttext_scorer, linear_words, stacked_classes
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.domain_rules import TAUGHT
from tamis.classifiers.encoder import characters_read
from tamis.classifiers.labelled_vectors import vectors_of
from tamis.classifiers.labels import COMPARED, Labelled, too_few
from tamis.classifiers.scores import chosen
from tamis.classifiers.selectors import Measured, Selector, select
from tamis.errors import ModelError
from tamis.shards import read_table, write_json

STAGE = "domains"


class Trained(NamedTuple):
    """What came of training, for the card: the labelled documents used, settings, and figures on those held out."""

    labelled: Labelled
    settings: dict[str, Any]
    measured: dict[str, Any]


class Features(ABC):
    """One way to see documents."""

    learns: bool = True
    """Whether every domain needs labels."""

    @property
    def max_characters(self) -> int:
        """Characters of its text that a labelled document carries."""
        return 0

    @property
    def read_characters(self) -> int:
        """Characters of the text of a label file or a reference that it reads."""
        return self.max_characters

    @abstractmethod
    def train(self, labelled: Labelled, model: Path) -> Trained:
        """Train on the labelled documents that are not held out, and measure on those that are.

        Args:
            labelled: labelled documents of all shards.
            model: the file to write.

        Raises:
            ModelError: a domain has too few labels.
        """

    @abstractmethod
    def score(self, model: Path, documents: Path, where: np.ndarray) -> np.ndarray:
        """Probabilities of some of a shard's documents.

        Args:
            model: from `train`.
            documents: the file of the shard's n documents, of which a few thousand are in memory.
            where: which m of them: n booleans.

        Returns:
            m × `TAUGHT`, float32.

        Raises:
            ModelError: the model does not fit.
        """

    def _measured(self, labelled: Labelled, tested: pa.Table, probability: np.ndarray) -> dict[str, Any]:
        """What the card says of n held-out documents and their probabilities, n × `TAUGHT`."""
        most = max(self.max_characters, COMPARED)
        return domain_card.measured(STAGE, labelled.rows, tested, probability, TAUGHT, most)


@dataclass(frozen=True)
class Embeddings(Features):
    """Vectors of `transformer_quality` and what else is seen of a text: a stack of linear models a domain."""

    penalty: float
    min_labels: int
    sees: tuple[str, ...]
    """Columns of the embeddings that have a head each."""
    words: linear_words.Training | None
    """How the model on words beside them is trained; None: there is none."""
    embeddings: Files | None
    """In training the files of all shards, in scoring that of the shard."""
    backbone: Backbone | None = None
    """What made them: texts of files and references are no documents, and are encoded in training."""

    @property
    def max_characters(self) -> int:
        """As many as words are read of."""
        return self.words.max_characters if self.words else 0

    @property
    def read_characters(self) -> int:
        """As many as the encoder or the words may need."""
        return max(characters_read(self.backbone) if self.backbone else 0, self.max_characters)

    def _files(self) -> list[Path]:
        if self.embeddings is None:
            msg = f"{STAGE}: features are embeddings and the rule gives none"
            raise ModelError(msg)
        return paths(self.embeddings)

    def train(self, labelled: Labelled, model: Path) -> Trained:
        """See `Features.train`."""
        files, rows = self._files(), labelled.rows
        found = embedding_files.collect(files, rows["id"].combine_chunks(), [])
        # Labelled documents of kinds that are not embedded cannot teach; texts of files have no source.
        known = pc.is_in(rows["id"], value_set=found["id"].combine_chunks())
        labelled = Labelled(rows.filter(pc.or_(known, pc.is_null(rows["source"]))), labelled.matches)
        _check_enough(labelled, self.min_labels)
        if self.backbone is None:
            msg = f"{STAGE}: features are embeddings and the rule does not say what made them"
            raise ModelError(msg)
        rows, vectors, _ = vectors_of(self.backbone, labelled.rows, files, None, self.sees)
        held_out = rows["held_out"].to_numpy(zero_copy_only=False)
        tested, taught = rows.filter(pa.array(held_out)), rows.filter(pa.array(~held_out))
        learnt = {name: seen[~held_out] for name, seen in vectors.items()}
        stacks, told = stacked_classes.fit(taught, learnt, TAUGHT, self.penalty, self.words)
        stacked_classes.write(model, stacks)
        asked = {name: seen[held_out] for name, seen in vectors.items()}
        every = np.arange(tested.num_rows)
        probability = stacks.probabilities(len(every), [(every, asked)], [tested["text"]], self.max_characters)
        sees = [*self.sees, *(["words"] if self.words else [])]
        settings = {"penalty": self.penalty, "sees": sees} | told
        return Trained(labelled, settings, self._measured(labelled, tested, probability))

    def score(self, model: Path, documents: Path, where: np.ndarray) -> np.ndarray:
        """See `Features.score`."""
        stacks = stacked_classes.load(model, self.sees, TAUGHT, words=self.words is not None)
        ids = read_table(documents, ["id"])["id"].combine_chunks().filter(pa.array(where))
        found = embedding_files.rows_of(self._files()[0], ids, self.sees)
        vectors = ((place, {name: embedding_files.matrix(rows, name) for name in self.sees}) for place, rows in found)
        texts = (table["text"] for table in chosen(documents, where, ["text"]))
        return stacks.probabilities(len(ids), vectors, texts, self.max_characters)


@dataclass(frozen=True)
class Words(Features):
    """Words and their n-grams, by fastText."""

    training: fasttext.Training
    min_labels: int

    @property
    def max_characters(self) -> int:
        """As many as fastText reads."""
        return self.training.max_characters

    def train(self, labelled: Labelled, model: Path) -> Trained:
        """See `Features.train`."""
        _check_enough(labelled, self.min_labels)
        tested, probability = fasttext.train_and_test(labelled.rows, TAUGHT, self.training, model)
        settled = self.training.settled(labelled.rows.num_rows - tested.num_rows)
        return Trained(labelled, settled.model_dump(mode="json"), self._measured(labelled, tested, probability))

    def score(self, model: Path, documents: Path, where: np.ndarray) -> np.ndarray:
        """See `Features.score`."""
        texts = (table["text"] for table in chosen(documents, where, ["text"]))
        return fasttext.probabilities(fasttext_scorer.load(model), texts, TAUGHT, self.training.max_characters)


@dataclass(frozen=True)
class Lexical(Features):
    """No classifier: the first of math, code and reasoning whose selectors take a document, otherwise general."""

    learns = False

    selectors: Mapping[str, Sequence[Selector]]

    def train(self, labelled: Labelled, model: Path) -> Trained:
        """Write a note that there is no classifier."""
        write_json(model, {"classifier": None})
        return Trained(labelled, {}, domain_card.NOTHING)

    def score(self, model: Path, documents: Path, where: np.ndarray) -> np.ndarray:  # noqa: ARG002 - there is none
        """See `Features.score`; every probability is 0 or 1."""
        return np.concatenate([np.zeros((0, len(TAUGHT)), np.float32), *map(self._taken, chosen(documents, where))])

    def _taken(self, documents: pa.Table) -> np.ndarray:
        score = np.zeros((documents.num_rows, len(TAUGHT)), dtype=np.float32)
        free = np.ones(documents.num_rows, dtype=bool)
        measured = Measured(documents)
        for name in ("math", "code", "reasoning"):
            for selector in self.selectors[name]:
                taken = free & select(measured, selector)
                score[taken, TAUGHT.index(name)] = 1.0
                free &= ~taken
        score[free, TAUGHT.index("general")] = 1.0
        return score


def _check_enough(labelled: Labelled, min_labels: int) -> None:
    """Refuse labels of which a domain has too few."""
    names = labelled.rows["label"].to_pylist()
    if any(names.count(name) < min_labels for name in TAUGHT):
        raise ModelError(too_few(labelled, TAUGHT, min_labels, STAGE))
