"""What kinds of classifier have: all of them a selection, those that are taught also labels and their sampling."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.barrier import Files
from tamis.classifiers.cascade import Cascade
from tamis.classifiers.good_bad import Labels
from tamis.classifiers.labels import Labelled, Sampling
from tamis.classifiers.scores import Lengths
from tamis.classifiers.thresholds import Selection
from tamis.language_codes import UNDECIDED, labels_of
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, LanguageCode, Section

USUAL_MB = 3000
"""Memory that a job may have where nothing is said, as in `profiles/`."""


def size_mb(paths: Iterable[str]) -> int:
    """Size of files in MB; those that are not there have none."""
    return sum(Path(path).stat().st_size for path in paths if Path(path).is_file()) >> 20


class Trained(NamedTuple):
    """What came of training, for the card."""

    labelled: Labelled
    """The labelled documents used."""
    kinds: tuple[str, ...]
    """Kinds that are scored."""
    settings: dict[str, Any]
    tested: pa.Table
    """n labelled rows that were held out."""
    score: np.ndarray
    """Their n scores."""
    limits: tuple[str, ...]
    """What the scores do not say, beside what the labels do not."""


@dataclass(frozen=True)
class Encoded:
    """Where a classifier finds what encoders made; nothing for those that read words."""

    embeddings: Files | None = None
    """Embedding files (`embedding_files`), for `barrier.paths` to list: in `learn` those of all shards in order, in
    `score` the one of the shard. They hold the documents of the kinds in `embed`; behind a cascade only what it lets
    through and its sample of the rest. None where `encodes` is false: the rules then ask for none."""
    backbone: Path | None = None
    """What the encoder said of itself, `backbone.json`; only in `learn`, for the card."""
    tuned: Path | None = None
    """What became of a fine-tuning; the model lies beside it, in the folder of the same name."""
    lengths: Lengths | None = None
    """In scoring counts the characters of texts that are read anyway."""


def all_held_out(labelled: Labelled) -> Labelled:
    """Labelled documents of a model that has learnt from none of them: all of them measure."""
    place = labelled.rows.schema.get_field_index("held_out")
    every = pa.array([True] * labelled.rows.num_rows, pa.bool_())
    return Labelled(labelled.rows.set_column(place, "held_out", every), labelled.matches)


class Classifier(Section):
    """What gives documents a score of how good they are, and which of those that have one are kept."""

    model: Any = None

    applies_to: AppliesTo = ("prose", "code")
    selection: Selection = Field(Selection(), description="Which scored documents are kept.")

    def for_scoring(self) -> Self:
        """The section without what only the selection uses, for the params of the steps up to the scores."""
        return self.model_copy(update={"selection": Selection()})

    def for_jobs(self) -> Self:
        """The section without what changes nothing that jobs make."""
        return self

    @property
    def taught(self) -> bool:
        """Whether it has labels, which teach or at least measure it."""
        return False

    @property
    def encodes(self) -> bool:
        """Whether it sees embeddings instead of words."""
        return False

    @property
    def tunes(self) -> bool:
        """Whether an encoder is fine-tuned for it, in a job of its own (`tune`)."""
        return False

    def check(self, stage: str) -> None:
        """Refuse a section that cannot give scores.

        Raises:
            ConfigError: the message names the key.
        """

    def check_files(self, stage: str) -> None:
        """Refuse files that the section names and that are of no use.

        Raises:
            TamisError: the message names the file or the key.
        """


class Taught(Classifier):
    """A classifier of good and bad, and which of the documents that it scored are kept."""

    labels: Labels = Field(Labels(), description="Where the labels come from.")
    sampling: Sampling = Field(Sampling(), description="How many labels are used and how they are divided.")
    languages: tuple[LanguageCode, ...] = Field(
        (),
        description="Languages of the labels, as codes of language_id: documents in others are neither scored nor "
        "dropped, nor labels, because a model of words takes another language for bad text. Those without one (und, as "
        "code has it) are. Empty: all.",
    )
    cascade: Cascade | None = Field(
        None,
        description="Score only what an earlier classifier is unsure of; null: every document of `applies_to`.",
    )

    def for_jobs(self) -> Self:
        """The section without what changes nothing that jobs make."""
        return self.model_copy(update={"labels": self.labels.for_jobs()})

    @property
    def taught(self) -> bool:
        """It has."""
        return True

    @property
    def reads(self) -> list[str]:
        """Columns by which it is known which documents are scored, and by which scores are counted."""
        more = [*(["language"] if self.languages else []), *([self.cascade.score] if self.cascade else [])]
        return ["id", "kind", "source", *more]

    def in_languages(self, known: pa.Table) -> np.ndarray:
        """Which of n documents are in the languages of the labels, or in none: bool[n].

        Args:
            known: their column `language`, where the section names some.
        """
        if not self.languages:
            return np.ones(known.num_rows, dtype=bool)
        wanted = pa.array(sorted({*labels_of(self.languages), UNDECIDED}), pa.string())
        return np.asarray(pc.fill_null(pc.is_in(known["language"], value_set=wanted), False).to_numpy())

    def seen(self, known: pa.Table, kinds: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Which of n documents are scored to be decided about, and which others only to measure the cascade.

        Args:
            known: their columns `reads`.
            kinds: that are scored.
        """
        where = of_kinds(known, kinds) & self.in_languages(known)
        if self.cascade is None:
            return where, np.zeros(len(where), dtype=bool)
        inside, sampled = self.cascade.seen(known)
        return where & inside, where & sampled

    @property
    def threads(self) -> int:
        """Threads of its jobs that compute."""
        return 1

    @property
    def memory_mb(self) -> int:
        """Memory of its jobs that compute, in MB."""
        return USUAL_MB

    def files(self) -> list[str]:
        """Files that the configuration names and that its score depends on, beside those of labels."""
        return []

    @property
    def labelled_characters(self) -> int:
        """Characters of its text that a labelled document carries."""
        return 0

    @property
    def read_characters(self) -> int:
        """Characters of the text of a label file or a reference that it reads."""
        return self.labelled_characters

    def check(self, stage: str) -> None:
        """Refuse labels that cannot teach anything.

        Raises:
            ConfigError: the message names the key.
        """
        self.labels.check(stage)

    def check_files(self, stage: str) -> None:
        """Refuse label files that cannot be read or teach anything.

        Raises:
            TamisError: the message names the file or the key.
        """
        self.labels.check_files(stage, self.sampling, self.applies_to)

    def tune(self, stage: str, labelled: Labelled, tuned: Path) -> None:
        """Fine-tune an encoder on the labelled documents that are not held out.

        Args:
            stage: name of the classifier.
            labelled: labelled documents of all shards, files and references.
            tuned: JSON to write, what became of it; the model is written into the folder of the same name beside it.

        Raises:
            ModelError: too few labels, or the model cannot be made.
        """
        msg = f"{stage}: {type(self).__name__} fine-tunes nothing, and a rule asks it to"
        raise NotImplementedError(msg)

    @abstractmethod
    def learn(self, stage: str, labelled: Labelled, model: Path, encoded: Encoded) -> Trained:
        """Train on the labelled documents that are not held out, score those that are.

        Args:
            stage: name of the classifier.
            labelled: labelled documents of all shards, files and references.
            model: the file to write.
            encoded: embeddings, where they are read.

        Raises:
            ModelError: too few labels, or the model cannot be made.
        """

    @abstractmethod
    def score(self, model: Path, documents: Path, where: np.ndarray, encoded: Encoded) -> np.ndarray:
        """Score some of a shard's documents.

        Args:
            model: from `learn`.
            documents: the file of the shard's n documents, of which a few thousand are in memory.
            where: which m of them: n booleans.
            encoded: embeddings, where they are read.

        Returns:
            m scores, float32.
        """
