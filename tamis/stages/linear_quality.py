"""Coarse quality score of every document by a regularised linear model on hashed words and pairs of words.

What: the third kind of classifier beside fastText and the encoder. It learns the same labels (selectors, a reference,
label files), and a kernel scores with it. On few labels it is the most accurate of the coarse ones
(benchmarks/classifiers); not in the default pipeline.

Steps, selection and files are those of `fasttext_quality`: label (a shard), train (one job), score (a shard),
threshold (one job), apply (a shard). Scoring does not depend on the selection.

Writes model.safetensors, card.json, card.md, thresholds.json, scores (id, kind, linear_quality) and the documents with
a column `linear_quality`: null for kinds outside `applies_to` and for kinds without labels, which pass untouched.
Memory: a few thousand documents, the scores of one shard; in training at most twice the capped sample of labels, about
20 kB a label for its text and features. Ties: equal scores are kept in the order of the id.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow.compute as pc
from pydantic import Field

from tamis import checksums
from tamis.classifiers import cards, linear_words
from tamis.classifiers.good_bad import (
    CLASSES,
    Labels,
    find_boundaries,
    gather,
    keep_best,
    only_kinds,
    quality_card,
    write_scores,
)
from tamis.classifiers.labels import Sampling, label_documents, learnable_kinds, write_labelled
from tamis.classifiers.scores import chosen
from tamis.classifiers.thresholds import Selection
from tamis.ledger import Outputs
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, Section
from tamis.shards import document_batches, read_json, read_table

log = logging.getLogger(__name__)

STAGE = "linear_quality"
VERSION = 1
ADDS = ("linear_quality",)

LIMITS = ("Documents are read from their start only; what is said later does not count.",)


class Config(Section):
    """A linear model on words and pairs of words, trained in the run, and which of the documents it scored are kept."""

    applies_to: AppliesTo = ("prose", "code")
    labels: Labels = Field(Labels(), description="Where the labels come from.")
    sampling: Sampling = Field(Sampling(), description="How many labels are used and how they are divided.")
    training: linear_words.Training = Field(linear_words.Training(), description="The classifier.")
    selection: Selection = Field(Selection(), description="Which scored documents are kept.")

    def for_scoring(self) -> Config:
        """The section without what only the selection uses, for the params of the steps up to the scores."""
        return self.model_copy(update={"selection": Selection()})

    def check(self) -> None:
        """Refuse labels that cannot teach anything."""
        self.labels.check(STAGE)

    def check_files(self) -> None:
        """Refuse label files that cannot be read or teach anything."""
        self.labels.check_files(STAGE, self.sampling)


def run_label(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents."""
    config.check()
    classes, most = config.labels.by_class(), config.training.max_characters
    labelled = label_documents(document_batches(documents), classes, config.sampling, config.applies_to, most)
    write_labelled(output, labelled, STAGE)


def run_train(config: Config, *, barrier: Path, model: Path, card: Path, card_text: Path) -> None:
    """Train on the labelled documents that are not held out, and measure on those that are."""
    gathered = gather(config.labels, config.sampling, barrier, config.training.max_characters)
    kinds = learnable_kinds(gathered, CLASSES, config.sampling.min_labels, STAGE)
    labelled = only_kinds(gathered, kinds)
    held_out = labelled.rows["held_out"].combine_chunks()
    tested = labelled.rows.filter(held_out)
    fitted, found = linear_words.train(labelled.rows.filter(pc.invert(held_out)), CLASSES, config.training)
    linear_words.write(model, fitted)
    score = fitted.scores([tested["text"]], config.training.max_characters)
    settings = {"architecture": "logistic regression on hashed words and pairs of words"}
    settings |= config.training.model_dump(mode="json") | found
    value = quality_card(STAGE, labelled, kinds, settings, tested, score, (*config.labels.limits(), *LIMITS))
    cards.write(value | {"model_sha256": checksums.sha256(model)}, card, card_text)
    log.info(
        "%s: %d labelled, held out %d: %s", STAGE, labelled.rows.num_rows, tested.num_rows, value["metrics"]["all"]
    )


def run_score(config: Config, *, documents: Path, model: Path, card: Path, scores: Path) -> None:
    """Score one shard."""
    known, told = read_table(documents, ["id", "kind"]), read_json(card)
    checksums.check_model(model, told)
    where = of_kinds(known, [kind for kind in told["kinds"] if kind in config.applies_to])
    texts = (table["text"] for table in chosen(documents, where, ["text"]))
    score = linear_words.load(model).scores(texts, config.training.max_characters)
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
