"""What each document is about: general, math, code, reasoning or multilingual.

What: mixtures weigh domains (Llama 3.1: half general knowledge, a quarter maths and reasoning, 17 % code, 8 %
multilingual), so every document has exactly one. The first rule that holds decides:

    1. kind code → code; kind maths → math
    2. a language outside `main_languages`, with a score of at least `min_language_score` → multilingual
       (a catalogue: whatever the score, because translations of labels are short)
    3. licences and catalogues → general
    4. prose: a classifier, trained in the run on weak labels, over the embeddings of `transformer_quality`
       (`features: embeddings`) or over words (`features: fasttext`); math, code and reasoning need at least
       `min_probability`, otherwise general. With `features: lexical` nothing is trained: the selectors decide.

What stands for reasoning in documents without human judgement is a density of words that join an argument (because,
therefore, suppose …) and worked steps. This is a proxy, said so in the card.

Steps: label (a shard), train (one job), score (a shard), apply (a shard). Nothing is dropped.
Writes model.bin or head.json as `model`, card.json, card.md, scores (id and one column a domain, rows summing to 1) and
the documents with columns `domain` and `domain_score`.
Memory: a few thousand documents, the scores of one shard and the capped sample. Ties: equal probabilities go to the
domain named first above (general first).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import checksums
from tamis.barrier import Files
from tamis.classifiers import cards, label_files
from tamis.classifiers.domain_features import Embeddings, Features, Lexical, Words
from tamis.classifiers.domain_rules import CLASSIFIED, POSITION, RULED_BY, TAUGHT, choose, foreign, rule_scores
from tamis.classifiers.fasttext import Training
from tamis.classifiers.label_files import LabelFile
from tamis.classifiers.labels import Sampling, gather, label_documents, read_labelled, write_labelled
from tamis.classifiers.scores import beside
from tamis.classifiers.selectors import Selector
from tamis.errors import ConfigError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import DOMAINS, with_column
from tamis.section import Kind, LanguageCode, Section, Share
from tamis.shards import document_batches, read_json, read_table, write_table

log = logging.getLogger(__name__)

STAGE = "domains"
VERSION = 5
NEEDS = frozenset({"language"})
ADDS = ("domain", "domain_score")

WEAK_LABELS = (
    "Labels by selector are weak: word densities and places in a project, no human judgement. The figures say how well "
    "the classifier recovers them."
)
LIMITS = (
    (
        "Reasoning is a proxy: many connectives of argument and worked steps in a text. It finds explanatory text, not "
        "sound reasoning."
    ),
)


class Classes(Section):
    """Selectors of the weak labels of each domain that is learnt."""

    general: tuple[Selector, ...] = Field((), description="Selectors of general documents; any of them.")
    math: tuple[Selector, ...] = Field((), description="Selectors of documents about mathematics.")
    code: tuple[Selector, ...] = Field((), description="Selectors of documents about programs.")
    reasoning: tuple[Selector, ...] = Field((), description="Selectors of documents that argue step by step.")
    files: tuple[LabelFile, ...] = Field((), description="Files of labelled texts; their classes are the domains.")

    def by_class(self) -> dict[str, tuple[Selector, ...]]:
        """Domain → selectors."""
        return {"general": self.general, "math": self.math, "code": self.code, "reasoning": self.reasoning}

    def paths(self) -> list[str]:
        """The label files, as inputs of the workflow."""
        return [str(entry.path) for entry in self.files]


class Config(Section):
    """The domain of every document, by kind, language and a classifier."""

    features: Literal["embeddings", "fasttext", "lexical"] = Field(
        "embeddings",
        description="What the classifier of prose sees: embeddings of a classifier that stands before it in the "
        "pipeline; words (fastText); or `lexical`: no classifier, the first selector that takes a document "
        "decides, in the order math, code, reasoning.",
    )
    embeddings: str = Field(
        "transformer_quality", description="For `features: embeddings`: the classifier whose embeddings are read."
    )
    main_languages: tuple[LanguageCode, ...] = Field(
        ("en",), min_length=1, description="Languages that are not multilingual."
    )
    min_language_score: Share = Field(
        0.65, description="Least score of the language stage for multilingual (FineWeb keeps a language at .65)."
    )
    min_probability: Share = Field(0.5, description="Least probability for math, code or reasoning; below it, general.")
    labels: Classes = Field(Classes(), description="Weak labels of the classifier.")
    label_kinds: tuple[Kind, ...] = Field(("prose", "maths"), description="Kinds that may be labelled documents.")
    sampling: Sampling = Field(
        Sampling(cap=800),
        description="How many labels are used and how they are divided; "
        "min_labels holds for each domain, over all kinds together.",
    )
    training: Training = Field(Training(), description="For `features: fasttext`.")
    penalty: float = Field(0.3, gt=0.0, le=100.0, description="For `features: embeddings`: L2 penalty of the head.")

    def for_scoring(self) -> Config:
        """The section without what only the last step uses, for the params of the steps up to the scores."""
        return self.model_copy(update={"min_probability": 0.5})

    def seen(self, embeddings: Files | None = None) -> Features:
        """How documents are seen.

        Args:
            embeddings: what `Embeddings` reads.
        """
        least = self.sampling.min_labels
        return {
            "embeddings": Embeddings(self.penalty, least, embeddings),
            "fasttext": Words(self.training, least),
            "lexical": Lexical(self.labels.by_class()),
        }[self.features]

    def check(self, stage: str = STAGE) -> None:  # noqa: ARG002 - every section of its kind is asked by name
        """Refuse labels that cannot teach anything.

        Raises:
            ConfigError: a domain has neither a selector nor a file, or there are files of no use.
        """
        empty = [name for name, selectors in self.labels.by_class().items() if not selectors]
        if empty and not self.labels.files and self.seen().learns:
            msg = (
                f"{STAGE}.labels.{empty[0]}: empty, and no {STAGE}.labels.files; name selectors or label files, or "
                f"set {STAGE}.features to lexical"
            )
            raise ConfigError(msg)
        if self.labels.files and not self.seen().takes_files:
            msg = (
                f"{STAGE}.labels.files: texts of label files have no embeddings; set {STAGE}.features to fasttext "
                "or use selectors"
            )
            raise ConfigError(msg)
        if any(entry.grades for entry in self.labels.files):
            msg = f"{STAGE}.labels.files: `grades` are for good and bad; say under `classes` what a label means"
            raise ConfigError(msg)

    def check_files(self, stage: str = STAGE) -> None:  # noqa: ARG002 - likewise
        """Refuse label files that cannot be read, or whose labels stand for no domain."""
        label_files.read(self.labels.files, self.labels.by_class(), 0)


def run_label(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents, of those that rule 2 leaves."""
    config.check()
    languages, least = config.main_languages, config.min_language_score
    left = (table.filter(pa.array(~foreign(table, languages, least))) for table in document_batches(documents))
    most = config.seen().max_characters
    labelled = label_documents(left, config.labels.by_class(), config.sampling, config.label_kinds, most)
    write_labelled(output, labelled, STAGE)


def run_train(
    config: Config, *, labels: Files, model: Path, card: Path, card_text: Path, embeddings: Files | None = None
) -> None:
    """Train the classifier of prose and measure it on held-out labels.

    Args:
        labels: barrier over the labelled documents of all shards.
        model: output, the classifier; for `lexical` a note that there is none.
        embeddings: barrier over the embeddings of all shards; None where the features are others.

    Raises:
        ModelError: a domain has too few labels, or embeddings are needed and none are given.
    """
    config.check()
    most = config.training.max_characters
    gathered = gather(read_labelled(labels), config.labels.files, config.labels.by_class(), config.sampling, most)
    labelled, settings, measured = config.seen(embeddings).train(gathered, model)
    settings = {"features": config.features} | settings
    origin = [WEAK_LABELS] if any(config.labels.by_class().values()) else []
    value = cards.build(STAGE, labelled, [CLASSIFIED], settings, measured, [*origin, *LIMITS])
    cards.write(value | {"model_sha256": checksums.sha256(model)}, card, card_text)
    log.info("%s: %d labelled documents", STAGE, labelled.rows.num_rows)


def run_score(
    config: Config, *, documents: Path, model: Path, card: Path, scores: Path, embeddings: Files | None = None
) -> None:
    """Score one shard.

    Args:
        card: of the model, which says its hash.
        embeddings: the shard's embeddings; None where the features are others.

    Raises:
        ModelError: embeddings are needed and none are given, or the model does not fit them.
    """
    checksums.check_model(model, read_json(card))
    known = read_table(documents, RULED_BY)
    score, left = rule_scores(known, config.main_languages, config.min_language_score)
    probability = config.seen(embeddings).score(model, documents, left)
    for column, name in enumerate(TAUGHT):
        score[left, POSITION[name]] = probability[:, column]
    columns = {name: pa.array(score[:, column]) for column, name in enumerate(DOMAINS)}
    write_table(scores, pa.table({"id": known["id"], **columns}))
    log.info("%s: %d of %d documents by the classifier", STAGE, len(probability), known.num_rows)


def run_apply(
    config: Config, *, shard: int, documents: Path, scores: Path, kept: Path, dropped: Path, stats: Path
) -> None:
    """Give one shard's documents their domain.

    Raises:
        ShardMismatchError: the scores are of other documents.
    """
    counts = np.zeros(len(DOMAINS), dtype=np.int64)
    with outcome_writer(Outputs(kept, dropped, stats), STAGE, shard) as writer:
        for before, rows in beside(documents, scores, DOMAINS):
            score = np.stack([rows[name].to_numpy() for name in DOMAINS], axis=1)
            chosen = choose(score, config.min_probability)
            found = with_column(before, "domain", pa.array([DOMAINS[index] for index in chosen], pa.string()))
            best = pa.array(score[np.arange(len(chosen)), chosen], pa.float32())
            writer.add(before, with_column(found, "domain_score", best), dropped_rows(STAGE, before.slice(0, 0), STAGE))
            counts += np.bincount(chosen, minlength=len(DOMAINS))
        writer.notes |= {f"domain {name}": int(count) for name, count in zip(DOMAINS, counts, strict=True)}
