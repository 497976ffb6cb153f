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
Memory: the encoder (about 600 MB with torch) and one shard. Ties: equal scores are kept in the order of the id.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from tamis import barrier as barriers
from tamis import ledger
from tamis.classifiers import backbone as backbones
from tamis.classifiers import cards, linear_head
from tamis.classifiers import embeddings as embedded
from tamis.classifiers.good_bad import (
    CLASSES,
    GOOD,
    Labels,
    apply,
    gather,
    of_kinds,
    quality_card,
    scattered,
    score_rows,
)
from tamis.classifiers.labels import Labelled, Sampling, label_documents, learnable_kinds, write_labelled
from tamis.classifiers.thresholds import Selection
from tamis.classifiers.thresholds import thresholds as find_thresholds
from tamis.errors import ModelError
from tamis.section import AppliesTo, Kind, Section
from tamis.shards import read_documents, read_json, read_table, write_json, write_table

log = logging.getLogger(__name__)

STAGE = "transformer_quality"
VERSION = 2
ADDS = ("transformer_quality",)

LOGISTIC, CHECKPOINT = "logistic", "checkpoint"

LIMITS = (
    (
        "The labels are conditions on where a document stands, not judgements of single documents: the figures say how "
        "well the model recovers these conditions, not how good the chosen documents are to train on."
    ),
    ("The encoder reads the first `max_tokens` tokens; what is said later does not count."),
)


class Config(Section):
    """A frozen encoder with a small head trained in the run, and which of the documents it scored are kept."""

    applies_to: AppliesTo = ("prose", "code", "maths")
    embed: tuple[Kind, ...] = Field(
        ("prose", "code", "maths"),
        description="Kinds that are embedded; must hold those "
        "of `applies_to`, and prose and maths where `domains` reads the embeddings.",
    )
    backbone: backbones.Backbone = Field(backbones.Backbone(), description="The encoder.")
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

    def check(self) -> None:
        """Refuse labels that cannot teach the head anything."""
        if self.head == LOGISTIC:
            self.labels.check(STAGE)


def run_backbone(config: Config, *, output: Path) -> None:
    """Load the encoder once, so that a missing one is found before any work, and write what it is."""
    described = backbones.describe(backbones.load(config.backbone, classifies=config.head == CHECKPOINT))
    write_json(output, described | {"head": config.head})
    log.info("%s: backbone %s", STAGE, described)


def run_label(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents; their texts are not needed, the embeddings are."""
    config.check()
    table = read_documents(documents)
    labelled = label_documents(table, config.labels.by_class(), config.sampling, config.applies_to, 0)
    write_labelled(output, labelled)
    log.info("%s: %d labelled of %d documents", STAGE, labelled.rows.num_rows, table.num_rows)


def run_embed(config: Config, *, documents: Path, backbone: Path, embeddings: Path) -> None:
    """Embed one shard's documents.

    Raises:
        ModelError: the weights are not those that `backbone.json` describes.
    """
    table = read_documents(documents)
    encoder = backbones.load(config.backbone, classifies=config.head == CHECKPOINT)
    expected, found = read_json(backbone)["weights_sha256"], backbones.describe(encoder)["weights_sha256"]
    if expected != found:
        msg = (
            f"{backbone}: describes weights {expected}, those of {config.backbone.name!r} are now {found}. Delete it "
            "and run the workflow again."
        )
        raise ModelError(msg)
    where = pa.array(score_rows(table, list(config.embed)))
    encoded = backbones.encode(encoder, table["text"].take(where))
    score = None if encoded.logits is None else backbones.class_score(encoded.logits)
    embedded.write(embeddings, table["id"].take(where), encoded.vectors, score)
    log.info("%s: embedded %d of %d documents", STAGE, len(where), table.num_rows)


def vectors_of(config: Config, rows: pa.Table, paths: list[Path]) -> tuple[pa.Table, np.ndarray, np.ndarray | None]:
    """Labelled rows with their vectors, and with their scores where the backbone classifies.

    Texts from label files are no documents of the corpus and are encoded here.
    """
    classifies = config.head == CHECKPOINT
    columns = ["embedding", *(["score"] if classifies else [])]
    found = embedded.collect(paths, rows["id"].combine_chunks(), columns)
    known = np.isin(rows["id"].to_numpy(zero_copy_only=False), found["id"].to_numpy(zero_copy_only=False))
    vectors, score = embedded.vectors(found), found["score"].to_numpy() if classifies else None
    ordered, extra = rows.filter(pa.array(known, pa.bool_())), rows.filter(pa.array(~known, pa.bool_()))
    if extra.num_rows:
        encoded = backbones.encode(backbones.load(config.backbone, classifies=classifies), extra["text"])
        vectors = np.concatenate([vectors, encoded.vectors])
        if score is not None and encoded.logits is not None:
            score = np.concatenate([score, backbones.class_score(encoded.logits)])
        ordered = pa.concat_tables([ordered, extra])
    return ordered, vectors, score


def run_head(
    config: Config, *, labels: Path, embeddings: Path, backbone: Path, head: Path, card: Path, card_text: Path
) -> None:
    """Fit the head on the labelled documents that are not held out, and measure it on those that are.

    Args:
        labels: barrier over the labelled documents of all shards.
        embeddings: barrier over the embeddings of all shards.
        head: output, the head with the kinds that it scores.
    """
    read = 2 * config.backbone.max_tokens * backbones.CHARACTERS_PER_TOKEN
    gathered = gather(config.labels, config.sampling, labels, read)
    paths = barriers.paths(embeddings)
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
    if config.head == CHECKPOINT:
        rows, _, score = vectors_of(config, gathered.rows, paths)
        kinds: tuple[str, ...] = config.applies_to
        labelled, tested = gathered, rows
        held_score = np.empty(0, dtype=np.float32) if score is None else score
        value: dict[str, Any] = {"kinds": list(kinds), "head": None}
    else:
        learnt = learnable_kinds(gathered, CLASSES, config.sampling.min_labels, STAGE)
        kinds = config.applies_to if config.unlabelled == "score" else learnt
        labelled = of_kinds(gathered, learnt)
        fitted, tested, held_score = _fit(config, labelled, paths)
        value = {"kinds": list(kinds), "head": fitted.to_json()}
    described = quality_card(STAGE, labelled, kinds, settings, tested, held_score, LIMITS)
    guessed = sorted(set(kinds) - set(labelled.rows["kind"].to_pylist()))
    if guessed and config.head == LOGISTIC:
        described["limits"].append(f"No labels of kind {', '.join(guessed)}: their scores are what the others taught.")
    cards.write(described, card, card_text)
    write_json(head, value)
    log.info("%s: %d labelled: %s", STAGE, labelled.rows.num_rows, described["metrics"]["all"])


def _fit(config: Config, labelled: Labelled, paths: list[Path]) -> tuple[linear_head.Head, pa.Table, np.ndarray]:
    """The head, the held-out rows and their scores."""
    rows, vectors, _ = vectors_of(config, labelled.rows, paths)
    held = rows["held_out"].to_numpy(zero_copy_only=False)
    learnt, tested = rows.filter(pa.array(~held)), rows.filter(pa.array(held))
    names = learnt["label"].to_pylist()
    weights = linear_head.group_weights(names, learnt["kind"].to_pylist())
    fitted = linear_head.fit(vectors[~held], names, CLASSES, weights, config.penalty)
    return fitted, tested, fitted.probabilities(vectors[held])[:, CLASSES.index(GOOD)]


def run_score(config: Config, *, documents: Path, embeddings: Path, head: Path, scores: Path) -> None:
    """Score one shard from its embeddings."""
    table = read_documents(documents)
    where = score_rows(table, read_json(head)["kinds"])
    rows = embedded.rows_of(read_table(embeddings), table["id"].take(pa.array(where)), embeddings)
    if config.head == CHECKPOINT:
        score = rows["score"].to_numpy()
    else:
        vectors = embedded.vectors(rows)
        score = linear_head.read(head, vectors.shape[1]).probabilities(vectors)[:, CLASSES.index(GOOD)]
    write_table(
        scores,
        pa.table(
            {
                "id": table["id"],
                "kind": table["kind"],
                STAGE: scattered(score, where, table.num_rows),
            }
        ),
    )
    log.info("%s: scored %d of %d documents", STAGE, len(where), table.num_rows)


def run_threshold(config: Config, *, barrier: Path, output: Path) -> None:
    """Find each kind's boundary over the scores of all shards."""
    found = find_thresholds(barriers.paths(barrier), STAGE, config.selection.keep_share)
    write_json(output, found)
    log.info("%s: %s", STAGE, {kind: (row["keep"], row["documents"]) for kind, row in found.items()})


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
    table = read_documents(documents)
    rows = read_table(scores, ["id", STAGE])
    keep, gone = apply(STAGE, config.selection, table, rows, read_json(thresholds))
    scored = rows.num_rows - rows[STAGE].null_count
    ledger.write_outcome(
        ledger.Outputs(kept, dropped, stats), STAGE, shard, table, keep, gone, notes={"scored": scored}
    )
