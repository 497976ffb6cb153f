"""A quality score of every document by a classifier: coarse, fine, or any other that the configuration has.

What: a classifier learns the labels that its section of the configuration names, or comes ready, and gives each
document a score. `fasttext_quality`, `linear_quality` and `transformer_quality` have sections of their own,
`classifiers` has as many more as somebody wants. `model` says what kind each is (`tamis/classifiers/kinds`). Selection
is mild by default, because rules and de-duplication came before.

Steps: label (a shard) draws labelled documents; tune (one job), where an encoder is fine-tuned; train (one job) fits
the model and writes its card; score (a shard); threshold (one job) finds the exact boundary of each kind's best share,
and what would stay at other scores; apply (a shard) keeps and drops. Scoring does not depend on the selection, so that
moving a threshold scores nothing again. Classifiers that see embeddings read those that `embeddings` has made, which
depend neither on labels nor on the selection; labels of a judge come from `judge`.

Writes model (and fine_tuned/, a Hugging Face folder), card.json, card.md, thresholds.json, retention.json,
retention.md, scores (id, kind, source, characters, and a column of the classifier's name) and the documents with that
column: null for kinds outside `applies_to` and for kinds without labels, which pass untouched.
Memory: a few thousand documents, the scores of one shard, and what its kind says of training. Ties: equal scores are
kept in the order of the id.
"""

from __future__ import annotations

import logging
from pathlib import Path

from tamis import checksums
from tamis.barrier import Files
from tamis.classifiers import cards
from tamis.classifiers.good_bad import find_boundaries, keep_best, write_scores
from tamis.classifiers.judge.sample import read_judged
from tamis.classifiers.kinds import AnyClassifier, AnyTaught, Encoded, Taught
from tamis.classifiers.label_sources import gather
from tamis.classifiers.labels import COMPARED, label_documents, write_labelled
from tamis.classifiers.quality_card import quality_card
from tamis.classifiers.scores import Lengths
from tamis.ledger import Outputs
from tamis.shards import document_batches, read_json, read_table

log = logging.getLogger(__name__)

VERSION = 11
"""10: fastText takes characters of scripts without spaces for words; its probabilities are summed in float64,
without the 1e-5 that the library adds."""


def run_label(config: AnyTaught, *, name: str, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents, with as much of their texts as is read and tells copies."""
    config.check(name)
    classes, most = config.labels.by_class(), config.labelled_characters
    batches = (batch.filter(config.in_languages(batch)) for batch in document_batches(documents))
    labelled = label_documents(batches, classes, config.sampling, config.applies_to, most)
    write_labelled(output, labelled, name)


def run_tune(config: AnyTaught, *, name: str, labels: Files, tuned: Path, judged: Path | None = None) -> None:
    """Fine-tune an encoder on the labelled documents that are not held out.

    Args:
        name: of the classifier.
        labels: barrier over the labelled documents of all shards.
        tuned: output, what became of it; the model is the folder of the same name beside it.
        judged: labels of the judge, if there is one.
    """
    given, _ = read_judged(judged) if judged else (None, None)
    config.tune(name, gather(config.labels, config.sampling, labels, config.read_characters, given), tuned)


def run_train(
    config: AnyTaught,
    *,
    name: str,
    labels: Files,
    model: Path,
    card: Path,
    card_text: Path,
    embeddings: Files | None = None,
    backbone: Path | None = None,
    tuned: Path | None = None,
    judged: Path | None = None,
) -> None:
    """Train on the labelled documents that are not held out, and measure on those that are.

    Args:
        name: of the classifier.
        labels: the labelled documents of all shards.
        model: output, the classifier.
        embeddings: those of all shards, if it reads any.
        backbone: what the encoder of the embeddings said of itself.
        tuned: from `run_tune`, if an encoder is fine-tuned.
        judged: labels of the judge, if there is one.
    """
    given, judge = read_judged(judged) if judged else (None, None)
    labelled = gather(config.labels, config.sampling, labels, config.read_characters, given)
    done = config.learn(name, labelled, model, Encoded(embeddings, backbone, tuned))
    limits = (*config.labels.limits(), *done.limits)
    most = max(config.labelled_characters, COMPARED)
    value = quality_card(name, done.labelled, done.kinds, done.settings, done.tested, done.score, limits, most)
    cards.write(value | {"judge": judge, "model_sha256": checksums.sha256(model)}, card, card_text)
    number, held_out = done.labelled.rows.num_rows, done.tested.num_rows
    log.info("%s: %d labelled, held out %d: %s", name, number, held_out, value["metrics"]["all"])


def run_score(
    config: AnyTaught,
    *,
    name: str,
    documents: Path,
    model: Path,
    card: Path,
    scores: Path,
    embeddings: Files | None = None,
    tuned: Path | None = None,
) -> None:
    """Score one shard.

    Args:
        card: of the model, which says its hash and the kinds that it scores.
        embeddings: the file of the shard, if it reads any.
        tuned: from `run_tune`, if an encoder is fine-tuned.
    """
    known, told = read_table(documents, config.reads), read_json(card)
    checksums.check_model(model, told)
    inside, sampled = config.seen(known, [kind for kind in told["kinds"] if kind in config.applies_to])
    lengths, where = Lengths(), inside | sampled
    score = config.score(model, documents, where, Encoded(embeddings, None, tuned, lengths))
    write_scores(name, scores, known, inside, score, lengths.of(documents, where), config.cascade, sampled)


def run_threshold(
    config: AnyClassifier, *, name: str, barrier: Files, output: Path, retention: Path, retention_text: Path
) -> None:
    """Find each kind's boundary over the scores of all shards, what would stay at others, and what a cascade saves.

    Args:
        barrier: over the score files.
        output: JSON to write, the boundaries, which `run_apply` reads.
        retention: JSON to write, what would stay at which score.
        retention_text: the same for readers.
    """
    cascade = config.cascade if isinstance(config, Taught) else None
    find_boundaries(name, config.selection, barrier, output, retention, retention_text, cascade)


def run_apply(
    config: AnyClassifier,
    *,
    name: str,
    shard: int,
    documents: Path,
    scores: Path,
    thresholds: Path,
    kept: Path,
    dropped: Path,
    stats: Path,
) -> None:
    """Keep and drop one shard's documents."""
    keep_best(name, config.selection, shard, documents, scores, thresholds, Outputs(kept, dropped, stats))
