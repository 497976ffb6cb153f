"""Classifiers that are fine-tuned: every weight of an encoder learns the labels, and the result scores each text.

The fine step of the recipe is a DistilRoBERTa trained in this way on texts that a language model has judged. It costs
more than a head on a frozen encoder: a job of its own trains it, and texts are encoded for this classifier alone.

Memory: in training five times the weights and what a batch needs, in scoring the weights and a few thousand texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis import checksums
from tamis.classifiers import checkpoints
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import characters_read, load_encoder
from tamis.classifiers.finetune import FILES, fine_tune
from tamis.classifiers.good_bad import CLASSES, only_kinds
from tamis.classifiers.kinds.base import USUAL_MB, Encoded, Taught, Trained, size_mb
from tamis.classifiers.kinds.encoders import LIMITS, Head, Unlabelled
from tamis.classifiers.labels import Labelled, learnable_kinds
from tamis.classifiers.loading import described_as
from tamis.classifiers.scores import chosen
from tamis.classifiers.training_run import Full
from tamis.errors import ModelError
from tamis.section import AppliesTo
from tamis.shards import read_json, write_json


class FineTuned(Taught):
    """An encoder that is fine-tuned on the labels in the run, and which of the documents it scored are kept."""

    model: Literal["head"] = Field("head", description="An encoder with a head.")
    train: Literal["full"] = Field("full", description="What learns: the whole encoder; with `head` its head alone.")
    applies_to: AppliesTo = ("prose", "code", "maths")
    backbone: Backbone = Field(
        Backbone(),
        description="The encoder that training starts from, such as distilroberta-base; training and scoring read "
        "`max_tokens` of a text, and more `threads` make one job faster.",
    )
    full: Full = Field(Full(), description="The training.")
    unlabelled: Unlabelled = "score"

    @model_validator(mode="after")
    def _reads_one_stretch(self) -> FineTuned:
        if self.backbone.windows > 1:
            raise ValueError("`train: full` reads one stretch of a text: take `backbone.windows` out, raise max_tokens")
        return self

    @property
    def tunes(self) -> bool:
        """It does."""
        return True

    @property
    def threads(self) -> int:
        """Those of the encoder."""
        return self.backbone.threads

    @property
    def memory_mb(self) -> int:
        """What training needs: five times the weights, and a batch; those of a hub name count as 500 MB."""
        return USUAL_MB + 5 * (size_mb(self.backbone.local_files()) or 500)

    @property
    def labelled_characters(self) -> int:
        """As many as the encoder may read."""
        return characters_read(self.backbone)

    def for_embedding(self) -> Head:
        """Embeddings as a head on the same encoder would have them; nobody asks for them."""
        return Head(backbone=self.backbone)

    def check_files(self, stage: str) -> None:
        """Also refuse an encoder that cannot be loaded, if it is there."""
        super().check_files(stage)
        if (folder := self.backbone.folder_if_there(stage)) is not None:
            checkpoints.weights(folder, self.backbone.name)

    def tune(self, stage: str, labelled: Labelled, tuned: Path) -> None:
        """See `Taught.tune`."""
        learnt = learnable_kinds(labelled, CLASSES, self.sampling.min_labels, stage)
        rows = only_kinds(labelled, learnt).rows
        rows = rows.filter(pc.invert(rows["held_out"]))
        folder = tuned.with_suffix("")
        trained = fine_tune(rows, CLASSES, self.backbone, self.full, folder)
        hashes = {name: checksums.sha256(folder / name) for name in FILES}
        write_json(tuned, trained.to_json() | {"files": hashes})

    def learn(self, stage: str, labelled: Labelled, model: Path, encoded: Encoded) -> Trained:
        """Measure what the fine-tuning has made on the labelled documents that are held out."""
        learnt = learnable_kinds(labelled, CLASSES, self.sampling.min_labels, stage)
        kinds: Sequence[str] = self.applies_to if self.unlabelled == "score" else learnt
        labelled = only_kinds(labelled, learnt)
        tested = labelled.rows.filter(labelled.rows["held_out"].combine_chunks())
        told = read_json(_given(encoded))
        write_json(model, {"kinds": list(kinds), "files": told["files"]})
        limits: tuple[str, ...] = LIMITS
        if guessed := sorted(set(kinds) - set(learnt)):
            limits += (f"No labels of kind {', '.join(guessed)}: their scores are what the others taught.",)
        settings = {
            "model": "head",
            "train": "full",
            "backbone": described_as(self.backbone.name),
            "dtype": self.backbone.dtype,
            "max_tokens": self.backbone.max_tokens,
            **told["settings"],
            **{name: told[name] for name in ("texts", "validated", "steps", "planned", "best_step", "validation_auc")},
            "weights_sha256": told["weights_sha256"],
        }
        return Trained(labelled, tuple(kinds), settings, tested, self._scores(encoded, [tested["text"]]), limits)

    def score(self, model: Path, documents: Path, where: np.ndarray, encoded: Encoded) -> np.ndarray:
        """See `Taught.score`."""
        folder = _given(encoded).with_suffix("")
        for name, expected in read_json(model)["files"].items():
            if checksums.sha256(folder / name) != expected:
                msg = f"{folder / name}: not the file that {model} was written for. Run the workflow again."
                raise ModelError(msg)
        return self._scores(encoded, (table["text"] for table in chosen(documents, where, ["text"])))

    def _scores(self, encoded: Encoded, texts: Iterable[pa.Array | pa.ChunkedArray]) -> np.ndarray:
        """The probability that each text is good, float32; texts come some at a time."""
        folder = _given(encoded).with_suffix("")
        settings = self.backbone.model_copy(update={"name": str(folder), "revision": None, "online": False})
        found: list[Any] = [np.zeros(0, np.float32)]
        found += [part.score() for part in load_encoder(settings, classifies=True).encode_each(texts)]
        return np.concatenate(found)


def _given(encoded: Encoded) -> Path:
    if encoded.tuned is None:
        raise ModelError("a fine-tuned model is needed and the rule gives none")
    return encoded.tuned
