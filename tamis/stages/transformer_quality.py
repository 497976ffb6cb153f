"""Fine quality score: a frozen encoder embeds every document once, a small head learns the labels.

What: as FineWeb-Edu did (Penedo et al. 2024: frozen encoder, a linear head, F1 82 % at its threshold, better than
fastText on the same labels, Spearman .58 between the two). The encoder is the configured backbone, its vectors are
kept and shared with `domains`. With `head: checkpoint` the score is that of a classification checkpoint (a RoBERTa or
BERT fine-tuned elsewhere), and the labels, if any, only measure it.

Steps: backbone (one job) loads the encoder and writes what it is; label (a shard) draws labelled documents; embed (a
shard); head (one job) fits the head and writes its card; score (a shard); threshold (one job); apply (a shard).
Embeddings do not depend on labels, scores do not depend on the selection.

Writes backbone.json, embeddings (id, embedding), head.json, card.json, card.md, thresholds.json, scores (id, kind,
transformer_quality) and the documents with a column `transformer_quality`: null for kinds outside `applies_to` (and,
with `unlabelled: pass`, for kinds without labels), which pass untouched.
Memory: the encoder (about 600 MB with torch), a few thousand documents and the scores of one shard. Ties: equal scores
are kept in the order of the id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from tamis.barrier import paths
from tamis.classifiers import cards, embedding_files, linear_head
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import CHARACTERS_PER_TOKEN, load_encoder
from tamis.classifiers.good_bad import (
    CLASSES,
    GOOD,
    Labels,
    find_boundaries,
    gather,
    keep_best,
    only_kinds,
    quality_card,
    write_scores,
)
from tamis.classifiers.labelled_vectors import vectors_of
from tamis.classifiers.labels import Sampling, label_documents, learnable_kinds, write_labelled
from tamis.classifiers.scores import chosen
from tamis.classifiers.thresholds import Selection
from tamis.errors import ModelError
from tamis.ledger import Outputs
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, Kind, Section
from tamis.shards import document_batches, read_json, read_table, write_json, write_tables

log = logging.getLogger(__name__)

STAGE = "transformer_quality"
VERSION = 4
ADDS = ("transformer_quality",)

LIMITS = ("The encoder reads the first `max_tokens` tokens; what is said later does not count.",)


class Config(Section):
    """A frozen encoder with a small head trained in the run, and which of the documents it scored are kept."""

    applies_to: AppliesTo = ("prose", "code", "maths")
    embed: tuple[Kind, ...] = Field(
        ("prose", "code", "maths"),
        description="Kinds that are embedded; must hold those "
        "of `applies_to`, and prose and maths where `domains` reads the embeddings.",
    )
    backbone: Backbone = Field(Backbone(), description="The encoder.")
    head: Literal["logistic", "checkpoint"] = Field(
        "logistic",
        description="`logistic`: softmax regression on the "
        "embeddings, trained on the labels; `checkpoint`: the backbone's "
        "own classification head.",
    )
    labels: Labels = Field(Labels(), description="Where the labels come from.")
    unlabelled: Literal["score", "pass"] = Field(
        "score",
        description="Kinds of `applies_to` with too few labels of their own: `score` gives them the score of the head "
        "that the other kinds taught, to rank them by; `pass` leaves them without. Neither is measured on the card.",
    )
    sampling: Sampling = Field(Sampling(), description="How many labels are used and how they are divided.")
    penalty: float = Field(
        1.0,
        gt=0.0,
        le=100.0,
        description="L2 penalty on the head's weights over standardised features, added to the mean log loss.",
    )
    selection: Selection = Field(Selection(), description="Which scored documents are kept.")

    @model_validator(mode="after")
    def _embeds_what_it_scores(self) -> Config:
        missing = [kind for kind in self.applies_to if kind not in self.embed]
        if missing:
            msg = f"applies_to names {missing}, which `embed` lacks; add them there"
            raise ValueError(msg)
        return self

    def for_embedding(self) -> Config:
        """Only what the embeddings depend on, for the params of their steps."""
        return Config(applies_to=self.embed, embed=self.embed, backbone=self.backbone, head=self.head)

    def for_scoring(self) -> Config:
        """The section without what only the selection uses, for the params of the steps up to the scores."""
        return self.model_copy(update={"selection": Selection()})

    @property
    def classifies(self) -> bool:
        """Whether the backbone's own classification head scores."""
        return self.head == "checkpoint"

    def check(self) -> None:
        """Refuse labels that cannot teach the head anything."""
        if not self.classifies:
            self.labels.check(STAGE)

    def check_files(self) -> None:
        """Refuse label files that cannot be read or teach anything."""
        self.labels.check_files(STAGE, self.sampling)


def run_backbone(config: Config, *, output: Path) -> None:
    """Load the encoder once, so that a missing one is found before any work, and write what it is."""
    described = load_encoder(config.backbone, classifies=config.classifies).describe()
    write_json(output, described | {"head": config.head})
    log.info("%s: backbone %s", STAGE, described)


def run_label(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents; of their texts only what tells copies, the embeddings are there."""
    config.check()
    classes = config.labels.by_class()
    labelled = label_documents(document_batches(documents), classes, config.sampling, config.applies_to, 0)
    write_labelled(output, labelled, STAGE)


def run_embed(config: Config, *, documents: Path, backbone: Path, embeddings: Path) -> None:
    """Embed one shard's documents.

    Raises:
        ModelError: the weights are not those that `backbone.json` describes.
    """
    encoder = load_encoder(config.backbone, classifies=config.classifies)
    expected, found = read_json(backbone)["weights_sha256"], encoder.describe()["weights_sha256"]
    if expected != found:
        msg = (
            f"{backbone}: describes weights {expected}, those of {config.backbone.name!r} are now {found}. Delete it "
            "and run the workflow again."
        )
        raise ModelError(msg)
    known = read_table(documents, ["id", "kind"])
    where = of_kinds(known, config.embed)
    ids = known["id"].combine_chunks().filter(pa.array(where))

    def embedded() -> Iterator[pa.Table]:
        first = 0
        for encoded in encoder.encode_each(table["text"] for table in chosen(documents, where, ["text"])):
            count = len(encoded.vectors)
            yield embedding_files.rows(ids.slice(first, count), encoded.vectors, encoded.score())
            first += count

    write_tables(embeddings, embedded())
    log.info("%s: embedded %d of %d documents", STAGE, len(ids), known.num_rows)


def run_head(
    config: Config, *, labels: Path, embeddings: Path, backbone: Path, head: Path, card: Path, card_text: Path
) -> None:
    """Fit the head on the labelled documents that are not held out, and measure it on those that are.

    Args:
        labels: barrier over the labelled documents of all shards.
        embeddings: barrier over the embeddings of all shards.
        head: output, the head with the kinds that it scores.
    """
    read = 2 * config.backbone.max_tokens * CHARACTERS_PER_TOKEN
    labelled = gather(config.labels, config.sampling, labels, read)
    kinds: tuple[str, ...] = config.applies_to
    if not config.classifies:
        learnt = learnable_kinds(labelled, CLASSES, config.sampling.min_labels, STAGE)
        kinds = kinds if config.unlabelled == "score" else learnt
        labelled = only_kinds(labelled, learnt)
    rows, vectors, own = vectors_of(config.backbone, labelled.rows, paths(embeddings), classifies=config.classifies)
    value: dict[str, Any] = {"kinds": list(kinds), "head": None}
    if own is None:
        fitted, rows, probability = linear_head.fit_and_test(
            rows, vectors, CLASSES, rows["kind"].to_pylist(), config.penalty
        )
        own, value["head"] = probability[:, CLASSES.index(GOOD)], fitted.to_json()
    ran = read_json(backbone)
    settings: dict[str, Any] = {
        "backbone": ran["name"],
        "backbone_sha256": ran["weights_sha256"],
        "parameters": ran["parameters"],
        "dtype": config.backbone.dtype,
        "max_tokens": config.backbone.max_tokens,
        "head": config.head,
        "penalty": config.penalty,
    }
    described = quality_card(STAGE, labelled, kinds, settings, rows, own, (*config.labels.limits(), *LIMITS))
    guessed = sorted(set(kinds) - set(labelled.rows["kind"].to_pylist()))
    if guessed and not config.classifies:
        described["limits"].append(f"No labels of kind {', '.join(guessed)}: their scores are what the others taught.")
    cards.write(described, card, card_text)
    write_json(head, value)
    log.info("%s: %d labelled: %s", STAGE, labelled.rows.num_rows, described["metrics"]["all"])


def run_score(config: Config, *, documents: Path, embeddings: Path, head: Path, scores: Path) -> None:
    """Score one shard from its embeddings."""
    known = read_table(documents, ["id", "kind"])
    where = of_kinds(known, read_json(head)["kinds"])
    ids = known["id"].combine_chunks().filter(pa.array(where))
    if config.classifies:
        score = embedding_files.scores_of(embeddings, ids)
    else:
        score = linear_head.probabilities_of(head, embeddings, ids)[:, CLASSES.index(GOOD)]
    write_scores(STAGE, scores, known, where, score)


def run_threshold(config: Config, *, barrier: Path, output: Path) -> None:
    """Find each kind's boundary over the scores of all shards."""
    find_boundaries(STAGE, config.selection, barrier, output)


def run_apply(
    config: Config,
    *,
    shard: int,
    documents: Path,
    scores: Path,
    thresholds: Path,
    kept: Path,
    dropped: Path,
    stats: Path,
) -> None:
    """Keep and drop one shard's documents."""
    keep_best(STAGE, config.selection, shard, documents, scores, thresholds, Outputs(kept, dropped, stats))
