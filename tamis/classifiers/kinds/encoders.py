"""Classifiers that see embeddings: a small head trained in the run, or the head that a checkpoint brings.

FineWeb-Edu (Penedo et al. 2024) has a frozen encoder with a linear head: F1 82 % at its threshold, better than fastText
on the same labels. The vectors are made once and shared: with other heads, and with `domains`. Beside the head stand
two more models, on cheap features and on words (`tamis/classifiers/stacked.py`), because on few labels the words alone
know more of most questions than an encoder of 64 tokens (benchmarks/classifiers).

Memory: the vectors of the labelled documents, and 20 kB a label for words; in scoring a few thousand vectors and texts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from tamis.barrier import paths
from tamis.classifiers import embedding_files, linear_words, stacked
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.checkpoints import Scores, inspect, scoring, weights
from tamis.classifiers.encoder import characters_read
from tamis.classifiers.good_bad import CLASSES, only_kinds
from tamis.classifiers.kinds.base import Classifier, Encoded, Taught, Trained, all_held_out
from tamis.classifiers.labelled_vectors import vectors_of
from tamis.classifiers.labels import Labelled, learnable_kinds
from tamis.classifiers.scores import chosen
from tamis.errors import ConfigError, ModelError
from tamis.section import AppliesTo, Kind
from tamis.shards import read_json, read_table, write_json

LIMITS = (
    (
        "The encoder reads `windows` stretches of `max_tokens` tokens, the first from the start; what stands elsewhere "
        "does not reach it."
    ),
)
WORDS_LIMIT = (
    "Words are read from the start of a text, `words.max_characters` of it; what is said later does not count."
)


Unlabelled = Annotated[
    Literal["score", "pass"],
    Field(
        description="Kinds of `applies_to` with too few labels of their own: `score` gives them the score that the "
        "other kinds taught, to rank them by; `pass` leaves them without. Neither is measured on the card.",
    ),
]


class Encoder(Taught):
    """A classifier that sees what an encoder makes of the start of a text."""

    applies_to: AppliesTo = ("prose", "code", "maths")
    embeddings: str | None = Field(
        None,
        description="Name of an earlier classifier in `pipeline` whose embeddings are read, so that texts are encoded "
        "once; null: its own.",
    )
    embed: tuple[Kind, ...] = Field(
        ("prose", "code", "maths"),
        description="Kinds that are embedded; must hold those "
        "of `applies_to`, and prose and maths where `domains` reads the embeddings.",
    )
    backbone: Backbone = Field(Backbone(), description="The encoder.")

    @model_validator(mode="after")
    def _embeds_what_it_scores(self) -> Encoder:
        missing = [kind for kind in self.applies_to if kind not in self.embed]
        if missing:
            msg = f"applies_to names {missing}, which `embed` lacks; add them there"
            raise ValueError(msg)
        return self

    @property
    def encodes(self) -> bool:
        """It does."""
        return True

    @property
    def classifies(self) -> bool:
        """Whether the backbone's own classification head scores."""
        return False

    @property
    def scored_by(self) -> Scores:
        """How the logits of the backbone's own head become a score."""
        return Scores()

    @property
    def read_characters(self) -> int:
        """As many as the encoder may need of a text that is no document of the corpus."""
        return characters_read(self.backbone)

    def for_embedding(self) -> Self:
        """Only what the embeddings depend on, for the params of their steps."""
        return type(self)(applies_to=self.embed, embed=self.embed, backbone=self.backbone, cascade=self.cascade)

    def seeing(self, other: Encoder) -> Self:
        """The section with the encoder of the classifier whose embeddings it reads."""
        return self.model_copy(update={"embed": other.embed, "backbone": other.backbone})

    def wrong_embeddings(self, stage: str, other: Classifier | None) -> str | None:
        """Why embeddings of another classifier cannot be read; None when they can.

        Args:
            stage: name of this classifier.
            other: the section that `embeddings` names; None where no earlier classifier has that name.
        """
        key = f"{stage}.embeddings: {self.embeddings}"
        if own := {"embed", "backbone"} & self.model_fields_set:
            return f"{key} brings its own {' and '.join(sorted(own))}; take that out here"
        if other is None:
            return f"{key} is no classifier that stands before {stage} in pipeline"
        if not isinstance(other, Encoder) or other.embeddings is not None:
            return f"{key} makes no embeddings of its own"
        missing = ", ".join(kind for kind in self.applies_to if kind not in other.embed)
        wrong = {
            "scores in another way; let this one embed for itself": (
                self.classifies and (self.classifies, self.scored_by) != (other.classifies, other.scored_by)
            ),
            "embeds only what its cascade lets through; give both the same cascade": (
                other.cascade is not None and self.cascade != other.cascade
            ),
            f"does not embed {missing}; add them to its `embed`": bool(missing),
        }
        return next((f"{key} {reason}" for reason, holds in wrong.items() if holds), None)

    def settings(self, encoded: Encoded) -> dict[str, Any]:
        """What ran, for the card."""
        if encoded.backbone is None:
            raise ConfigError(f"model: {self.model} reads embeddings, and the rule gives none")
        ran = read_json(encoded.backbone)
        return {
            "backbone": ran["name"],
            "backbone_sha256": ran["weights_sha256"],
            "parameters": ran["parameters"],
            "dtype": self.backbone.dtype,
            "max_tokens": self.backbone.max_tokens,
            "model": self.model,
        }


class Head(Encoder):
    """A frozen encoder under small models trained in the run, and which of the documents they scored are kept."""

    model: Literal["head"] = Field(
        "head", description="Linear models on the embeddings, cheap features and words, trained on the labels."
    )
    train: Literal["head"] = Field(
        "head", description="What learns: the head alone; with `full` the whole encoder (`FineTuned`)."
    )
    unlabelled: Unlabelled = "score"

    @field_validator("train", mode="before")
    @classmethod
    def _head_or_full(cls, value: Any) -> Any:
        if value != "head":
            raise ValueError(f"`train` is head or full, not {value!r}")
        return value

    features: bool = Field(
        True,
        description="Whether fifteen cheap features of a text (length, words, punctuation, lines: "
        "`tamis/classifiers/shape.py`) have a head of their own beside that of the embedding.",
    )
    words: linear_words.Training | None = Field(
        linear_words.Training(),
        description="How a linear model on words and pairs of words, that of `linear_quality`, is trained beside the "
        "heads; null: there is none, and texts are not read again to be scored. How far each is trusted is learnt from "
        "training texts out of fold (`tamis/classifiers/stacked.py`).",
    )
    penalty: float = Field(
        1.0,
        gt=0.0,
        le=100.0,
        description="L2 penalty on a head's weights over standardised features, added to the mean log loss.",
    )

    @property
    def sees(self) -> tuple[str, ...]:
        """Columns of the embeddings that have a head: embedding, and cheap features if the configuration says so."""
        return ("embedding", "shape") if self.features else ("embedding",)

    @property
    def labelled_characters(self) -> int:
        """As many as words are read of."""
        return self.words.max_characters if self.words else 0

    @property
    def read_characters(self) -> int:
        """As many as the encoder or the words may need."""
        return max(super().read_characters, self.labelled_characters)

    def check_files(self, stage: str) -> None:
        """Also refuse an encoder whose weights are not whole, if it is there."""
        super().check_files(stage)
        if self.embeddings is None and (folder := self.backbone.folder_if_there(stage)) is not None:
            weights(folder, self.backbone.name)

    def learn(self, stage: str, labelled: Labelled, model: Path, encoded: Encoded) -> Trained:
        """See `Taught.learn`."""
        learnt = learnable_kinds(labelled, CLASSES, self.sampling.min_labels, stage)
        kinds: Sequence[str] = self.applies_to if self.unlabelled == "score" else learnt
        labelled = only_kinds(labelled, learnt)
        rows, vectors, _ = vectors_of(self.backbone, labelled.rows, _given(encoded), None, self.sees)
        held_out = rows["held_out"].to_numpy(zero_copy_only=False)
        tested = rows.filter(pa.array(held_out))
        taught = {name: seen[~held_out] for name, seen in vectors.items()}
        stack, found = stacked.fit(rows.filter(pa.array(~held_out)), taught, CLASSES, self.penalty, self.words)
        stacked.write(model, stack)
        asked = {name: seen[held_out] for name, seen in vectors.items()}
        every = np.arange(tested.num_rows)
        score = stack.scores(tested.num_rows, [(every, asked)], [tested["text"]], self.labelled_characters)
        limits = (*LIMITS, *((WORDS_LIMIT,) if self.words else ()))
        if guessed := sorted(set(kinds) - set(learnt)):
            limits += (f"No labels of kind {', '.join(guessed)}: their scores are what the others taught.",)
        sees = [*self.sees, *(["words"] if self.words else [])]
        settings = self.settings(encoded) | {"penalty": self.penalty, "sees": sees} | found
        return Trained(labelled, tuple(kinds), settings, tested, score, limits)

    def score(self, model: Path, documents: Path, where: np.ndarray, encoded: Encoded) -> np.ndarray:
        """See `Taught.score`."""
        stack, ids = stacked.load(model, self.sees, CLASSES, words=self.words is not None), _ids(documents, where)
        found = embedding_files.rows_of(_given(encoded)[0], ids, self.sees)
        vectors = ((place, {name: embedding_files.matrix(rows, name) for name in self.sees}) for place, rows in found)
        texts = (table["text"] for table in chosen(documents, where, ["text"]))
        counted = encoded.lengths.counting(texts) if encoded.lengths else texts
        return stack.scores(len(ids), vectors, counted, self.labelled_characters)


class Checkpoint(Encoder):
    """A classification checkpoint that was fine-tuned elsewhere, and which of the documents it scored are kept."""

    model: Literal["checkpoint"] = Field(
        "checkpoint", description="The classification head that the backbone brings; labels, if any, only measure it."
    )
    scores: Scores = Field(
        Scores(),
        description="How its logits become a score; where nothing is said, as is known of the checkpoint, or by the "
        "number of its labels: one is taken as it stands, of two the probability of the second, of more the mean of "
        "their places from 0.",
    )

    @property
    def classifies(self) -> bool:
        """It does."""
        return True

    @property
    def scored_by(self) -> Scores:
        """As the configuration says."""
        return self.scores

    def for_embedding(self) -> Self:
        """Also how logits become a score: it stands beside the vectors."""
        return super().for_embedding().model_copy(update={"scores": self.scores})

    def check(self, stage: str) -> None:
        """Nothing is taught."""

    def check_files(self, stage: str) -> None:
        """Also refuse a checkpoint that cannot score, if it is there."""
        self.labels.check_measuring(stage)
        if self.embeddings is None and (folder := self.backbone.folder_if_there(stage)) is not None:
            scoring(self.scores, inspect(folder, self.backbone.name), self.backbone.name)

    def learn(self, stage: str, labelled: Labelled, model: Path, encoded: Encoded) -> Trained:
        """Measure the labelled documents; there is nothing to train."""
        rows, _, score = vectors_of(self.backbone, labelled.rows, _given(encoded), self.scored_by, ())
        if score is None:
            raise ModelError(f"{stage}: the embeddings hold no scores; delete them and run the workflow again")
        write_json(model, {"kinds": list(self.applies_to), "head": None})
        told = self.settings(encoded) | {"scores": json.dumps(self.scores.model_dump(exclude_none=True))}
        return Trained(all_held_out(labelled), tuple(self.applies_to), told, rows, score, LIMITS)

    def score(self, model: Path, documents: Path, where: np.ndarray, encoded: Encoded) -> np.ndarray:  # noqa: ARG002
        """See `Taught.score`."""
        return embedding_files.scores_of(_given(encoded)[0], _ids(documents, where))


def _given(encoded: Encoded) -> list[Path]:
    if encoded.embeddings is None:
        raise ModelError("embeddings are needed and the rule gives none")
    return paths(encoded.embeddings)


def _ids(documents: Path, where: np.ndarray) -> pa.Array:
    return read_table(documents, ["id"])["id"].combine_chunks().filter(pa.array(where))
