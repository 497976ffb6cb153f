"""Coarse quality score of every document: a fastText classifier trained in the run.

What: a linear bag of words and bigrams (Joulin et al. 2016) learns the labels that the configuration names and
gives each document the probability of being good. DCLM (Li et al. 2024) kept the best 10 % of its pool with such a
classifier and found bigrams better than single words and fastText better than dearer models; FineWeb-Edu's fastText
twin reaches a Spearman correlation of .58 with the transformer. Here the default is mild, because rules and
de-duplication came before.

Steps: label (a shard) draws labelled documents; train (one job) fits the model and writes its card; score (a shard);
threshold (one job) finds the exact boundary of each kind's best share; apply (a shard) keeps and drops. Scoring does
not depend on the selection, so that moving a threshold scores nothing again.

Writes model.bin, card.json, card.md, thresholds.json, scores (id, kind, fasttext_quality) and the documents with a
column `fasttext_quality`: null for kinds outside `applies_to` and for kinds without labels, which pass untouched.
Memory: one shard, and at most twice the capped sample of labels. Ties: equal scores are kept in the order of the id.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from tamis import barrier as barriers
from tamis import ledger
from tamis.classifiers import cards, fasttext
from tamis.classifiers.good_bad import CLASSES, Labels, apply, gather, of_kinds, quality_card, scattered, score_rows
from tamis.classifiers.labels import Sampling, label_documents, learnable_kinds, write_labelled
from tamis.classifiers.thresholds import Selection
from tamis.classifiers.thresholds import thresholds as find_thresholds
from tamis.section import AppliesTo, Section
from tamis.shards import read_documents, read_json, read_table, write_json, write_table

log = logging.getLogger(__name__)

STAGE = "fasttext_quality"
VERSION = 1
ADDS = ("fasttext_quality",)

LIMITS = (
    (
        "The labels are conditions on where a document stands, not judgements of single documents: the figures say how "
        "well the model recovers these conditions, not how good the chosen documents are to train on."
    ),
    ("Documents are read from their start only; what is said later does not count."),
)


class Config(Section):
    """A fastText classifier trained in the run, and which of the documents it scored are kept."""

    applies_to: AppliesTo = ("prose", "code")
    labels: Labels = Field(Labels(), description="Where the labels come from.")
    sampling: Sampling = Field(Sampling(), description="How many labels are used and how they are divided.")
    training: fasttext.Training = Field(fasttext.Training(), description="The classifier.")
    selection: Selection = Field(Selection(), description="Which scored documents are kept.")

    def for_scoring(self) -> Config:
        """The section without what only the selection uses, for the params of the steps up to the scores."""
        return self.model_copy(update={"selection": Selection()})

    def check(self) -> None:
        """Refuse labels that cannot teach anything."""
        self.labels.check(STAGE)


def run_label(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents."""
    config.check()
    table = read_documents(documents)
    labelled = label_documents(
        table, config.labels.by_class(), config.sampling, config.applies_to, config.training.max_characters
    )
    write_labelled(output, labelled)
    log.info("%s: %d labelled of %d documents", STAGE, labelled.rows.num_rows, table.num_rows)


def run_train(config: Config, *, barrier: Path, model: Path, card: Path, card_text: Path) -> None:
    """Train on the labelled documents that are not held out, and measure on those that are."""
    gathered = gather(config.labels, config.sampling, barrier, config.training.max_characters)
    kinds = learnable_kinds(gathered, CLASSES, config.sampling.min_labels, STAGE)
    labelled = of_kinds(gathered, kinds)
    held = labelled.rows["held_out"].to_numpy(zero_copy_only=False)
    learnt, tested = labelled.rows.filter(pa.array(~held)), labelled.rows.filter(pa.array(held))
    fasttext.train(learnt["text"], learnt["label"].to_pylist(), learnt["key"].to_numpy(), config.training, model)
    trained = fasttext.load(model)
    score = fasttext.probabilities(trained, tested["text"], CLASSES, config.training.max_characters)[:, 1]
    settings = {"architecture": "fastText supervised"} | config.training.model_dump(mode="json")
    value = quality_card(STAGE, labelled, kinds, settings, tested, score, LIMITS)
    cards.write(value, card, card_text)
    log.info("%s: trained on %d, held out %d: %s", STAGE, learnt.num_rows, tested.num_rows, value["metrics"]["all"])


def run_score(config: Config, *, documents: Path, model: Path, card: Path, scores: Path) -> None:
    """Score one shard."""
    table = read_documents(documents)
    kinds = [kind for kind in read_json(card)["kinds"] if kind in config.applies_to]
    where = score_rows(table, kinds)
    texts = table["text"].take(pa.array(where))
    score = fasttext.probabilities(fasttext.load(model), texts, CLASSES, config.training.max_characters)
    write_table(
        scores,
        pa.table(
            {
                "id": table["id"],
                "kind": table["kind"],
                STAGE: scattered(score[:, 1], where, table.num_rows),
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
