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
Memory: one shard and the capped sample. Ties: equal probabilities go to the domain named first above (general first).
"""

from __future__ import annotations

import logging
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import barrier as barriers
from tamis import ledger
from tamis.classifiers import cards, evaluation, fasttext, linear_head
from tamis.classifiers import embeddings as embedded
from tamis.classifiers.labels import (
    LabelFile,
    Labelled,
    Sampling,
    label_documents,
    merge,
    read_files,
    read_labelled,
    too_few,
    write_labelled,
)
from tamis.classifiers.selectors import Measured, Selector, select
from tamis.classifiers.thresholds import same_documents, with_column
from tamis.errors import ConfigError, ModelError
from tamis.schemas import DOMAINS
from tamis.section import Kind, Section, Share
from tamis.shards import read_documents, read_table, write_json, write_table

log = logging.getLogger(__name__)

STAGE = "domains"
VERSION = 2
NEEDS = frozenset({"language"})
ADDS = ("domain", "domain_score")

TAUGHT = ("general", "math", "code", "reasoning")
"""Domains that the classifier tells apart; multilingual is decided by the language."""

CLASSIFIED = "prose"

POSITION = {name: column for column, name in enumerate(DOMAINS)}

LEAST_CERTAINTY = np.float32(0.6)

LIMITS = (
    (
        "The labels are weak: word densities and places in a project, no human judgement. The figures say how well the "
        "classifier recovers them."
    ),
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
        description="What the classifier of prose sees: embeddings of transformer_quality, which must be "
        "in the pipeline; words (fastText); or `lexical`: no classifier, the first selector that takes a document "
        "decides, in the order math, code, reasoning.",
    )
    main_languages: tuple[str, ...] = Field(("en",), min_length=1, description="Languages that are not multilingual.")
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
    training: fasttext.Training = Field(fasttext.Training(), description="For `features: fasttext`.")
    penalty: float = Field(0.3, gt=0.0, le=100.0, description="For `features: embeddings`: L2 penalty of the head.")

    def for_scoring(self) -> Config:
        """The section without what only the last step uses, for the params of the steps up to the scores."""
        return self.model_copy(update={"min_probability": 0.5})

    def check(self) -> None:
        """Refuse labels that cannot teach anything.

        Raises:
            ConfigError: a domain has neither a selector nor a file.
        """
        empty = [name for name, selectors in self.labels.by_class().items() if not selectors]
        if empty and not self.labels.files and self.features != "lexical":
            msg = (
                f"{STAGE}.labels.{empty[0]}: empty, and no {STAGE}.labels.files; name selectors or label files, or "
                f"set {STAGE}.features to lexical"
            )
            raise ConfigError(msg)


def run_label(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents."""
    config.check()
    table = read_documents(documents)
    read = config.training.max_characters if config.features == "fasttext" else 0
    labelled = label_documents(
        in_main_languages(table, config), config.labels.by_class(), config.sampling, config.label_kinds, read
    )
    write_labelled(output, labelled)
    log.info("%s: %d labelled of %d documents", STAGE, labelled.rows.num_rows, table.num_rows)


def in_main_languages(table: pa.Table, config: Config) -> pa.Table:
    """The documents that rule 2 leaves."""
    return table.filter(pa.array(~_foreign(table, config)))


def run_train(
    config: Config, *, labels: Path, model: Path, card: Path, card_text: Path, embeddings: Path | None = None
) -> None:
    """Train the classifier of prose and measure it on held-out labels.

    Args:
        labels: barrier over the labelled documents of all shards.
        model: output, the classifier; for `lexical` a note that there is none.
        embeddings: barrier over the embeddings of all shards; None where the features are others.

    Raises:
        ModelError: a domain has too few labels.
    """
    files = read_files(config.labels.files, TAUGHT, config.sampling, config.training.max_characters)
    labelled = merge(chain(read_labelled(labels), [files]), config.sampling)
    if config.features == "lexical":
        write_json(model, {"classifier": None})
        cards.write(
            cards.build(STAGE, labelled, [CLASSIFIED], {"features": config.features}, {}, limits=LIMITS),
            card,
            card_text,
        )
        return
    if config.features == "embeddings":
        if not embeddings:
            msg = f"{STAGE}: features are embeddings and the rule gives none"
            raise ModelError(msg)
        if config.labels.files:
            msg = (
                f"{STAGE}.labels.files: texts of label files have no embeddings; set {STAGE}.features to fasttext "
                "or use selectors"
            )
            raise ConfigError(msg)
        # Labelled documents of kinds that are not embedded cannot teach.
        found = embedded.collect(barriers.paths(embeddings), labelled.rows["id"].combine_chunks(), ["embedding"])
        known = pc.is_in(labelled.rows["id"], value_set=found["id"].combine_chunks())
        labelled = Labelled(labelled.rows.filter(known), labelled.matches)
    for name in TAUGHT:
        if labelled.rows["label"].to_pylist().count(name) < config.sampling.min_labels:
            raise ModelError(too_few(labelled, TAUGHT, config.sampling.min_labels, STAGE))
    held = labelled.rows["held_out"].to_numpy(zero_copy_only=False)
    learnt, tested = labelled.rows.filter(pa.array(~held)), labelled.rows.filter(pa.array(held))
    names = learnt["label"].to_pylist()
    settings: dict[str, Any] = {"features": config.features}
    if config.features == "embeddings":
        vectors = embedded.vectors(found)
        weights = linear_head.group_weights(names, [""] * len(names))
        head = linear_head.fit(vectors[~held], names, TAUGHT, weights, config.penalty)
        write_json(model, {"kinds": [CLASSIFIED], "head": head.to_json()})
        probability = head.probabilities(vectors[held])
        settings["penalty"] = config.penalty
    else:
        fasttext.train(learnt["text"], names, learnt["key"].to_numpy(), config.training, model)
        probability = fasttext.probabilities(
            fasttext.load(model), tested["text"], TAUGHT, config.training.max_characters
        )
        settings |= config.training.model_dump(mode="json")
    metrics = evaluation.multiclass_report(
        tested["label"].to_pylist(), probability, TAUGHT, tested["characters"].to_numpy()
    )
    cards.write(cards.build(STAGE, labelled, [CLASSIFIED], settings, metrics, limits=LIMITS), card, card_text)
    log.info("%s: trained on %d, held out %d", STAGE, learnt.num_rows, tested.num_rows)


def _foreign(table: pa.Table, config: Config) -> np.ndarray:
    """Documents in a language outside the main ones, sure enough or catalogues."""
    other = pc.invert(pc.is_in(table["language"], value_set=pa.array(config.main_languages, pa.string())))
    known = pc.is_valid(table["language"])
    sure = pc.fill_null(pc.greater_equal(table["language_score"], config.min_language_score), fill_value=False)
    catalogue = pc.equal(table["kind"], "catalogue")
    return pc.and_(pc.and_(other, known), pc.or_(sure, catalogue)).to_numpy()


def rule_scores(table: pa.Table, config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Rules 1 to 3.

    Returns:
        n × domains float32, and n booleans: which documents are left to the classifier (their rows are 0).
    """
    score = np.zeros((table.num_rows, len(DOMAINS)), dtype=np.float32)
    kind = table["kind"].to_numpy(zero_copy_only=False)
    foreign = _foreign(table, config) & ~np.isin(kind, ["code", "maths"])
    certainty = pc.fill_null(pc.cast(table["language_score"], pa.float32()), 0.0).to_numpy()
    score[kind == "code", POSITION["code"]] = 1.0
    score[kind == "maths", POSITION["math"]] = 1.0
    # At a half or less another domain would win; an unsure catalogue is still one of translations.
    sure = np.clip(certainty[foreign], LEAST_CERTAINTY, 1.0)
    score[foreign, POSITION["multilingual"]] = sure
    score[foreign, POSITION["general"]] = np.float32(1.0) - sure
    score[np.isin(kind, ["licence", "catalogue"]) & ~foreign, POSITION["general"]] = 1.0
    return score, (kind == CLASSIFIED) & ~foreign


def lexical_scores(table: pa.Table, config: Config) -> np.ndarray:
    """Of n × `TAUGHT`, 1 for the first of math, code and reasoning whose selectors take the document, else general."""
    score = np.zeros((table.num_rows, len(TAUGHT)), dtype=np.float32)
    free = np.ones(table.num_rows, dtype=bool)
    measured = Measured(table)
    for name in ("math", "code", "reasoning"):
        for selector in config.labels.by_class()[name]:
            taken = free & select(measured, selector)
            score[taken, TAUGHT.index(name)] = 1.0
            free &= ~taken
    score[free, TAUGHT.index("general")] = 1.0
    return score


def run_score(config: Config, *, documents: Path, model: Path, scores: Path, embeddings: Path | None = None) -> None:
    """Score one shard.

    Args:
        embeddings: the shard's embeddings; None where the features are others.

    Raises:
        ModelError: the features are embeddings and none are given, or the model does not fit them.
    """
    table = read_documents(documents)
    score, left = rule_scores(table, config)
    where = np.flatnonzero(left)
    prose = table.take(pa.array(where))
    if config.features == "lexical":
        probability = lexical_scores(prose, config)
    elif config.features == "fasttext":
        probability = fasttext.probabilities(
            fasttext.load(model), prose["text"], TAUGHT, config.training.max_characters
        )
    else:
        if not embeddings:
            msg = f"{STAGE}: features are embeddings and the rule gives none"
            raise ModelError(msg)
        vectors = embedded.vectors(embedded.rows_of(read_table(embeddings), prose["id"], embeddings))
        probability = linear_head.read(model, vectors.shape[1]).probabilities(vectors)
    for column, name in enumerate(TAUGHT):
        score[where, POSITION[name]] = probability[:, column]
    columns = {name: pa.array(score[:, column]) for column, name in enumerate(DOMAINS)}
    write_table(scores, pa.table({"id": table["id"], **columns}))
    log.info("%s: %d of %d documents by the classifier", STAGE, len(where), table.num_rows)


def choose(score: np.ndarray, min_probability: float) -> np.ndarray:
    """The domain of each row of n × domains: the largest, unless it is learnt and below `min_probability`."""
    chosen = score.argmax(axis=1)
    best = score[np.arange(len(score)), chosen]
    learnt = np.array([POSITION[name] for name in ("math", "code", "reasoning")])
    unsure = np.isin(chosen, learnt) & (best < min_probability)
    chosen[unsure] = POSITION["general"]
    return chosen


def run_apply(
    config: Config, *, shard: int, documents: Path, scores: Path, kept: Path, dropped: Path, stats: Path
) -> None:
    """Give one shard's documents their domain.

    Raises:
        ShardMismatchError: the scores are of other documents.
    """
    table = read_documents(documents)
    rows = read_table(scores)
    same_documents(rows, table, scores)
    score = np.stack([rows[name].to_numpy() for name in DOMAINS], axis=1)
    chosen = choose(score, config.min_probability)
    found = with_column(table, "domain", pa.array([DOMAINS[index] for index in chosen], pa.string()))
    found = with_column(found, "domain_score", pa.array(score[np.arange(len(chosen)), chosen], pa.float32()))
    counts = {f"domain {name}": int((chosen == index).sum()) for index, name in enumerate(DOMAINS)}
    ledger.write_outcome(
        ledger.Outputs(kept, dropped, stats),
        STAGE,
        shard,
        table,
        found,
        ledger.dropped_rows(STAGE, table.slice(0, 0), STAGE),
        notes=counts,
    )
