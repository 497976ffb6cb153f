"""What each document is about: general, math, code, reasoning or multilingual.

What: mixtures weigh domains (Llama 3.1: half general knowledge, a quarter maths and reasoning, 17 % code, 8 %
multilingual), so every document has exactly one. The first rule that holds decides:

    1. kind code → code; kind maths → math
    2. a language outside `main_languages`, with a score of at least `min_language_score` → multilingual
       (a catalogue: whatever the score, because translations of labels are short)
    3. licences and catalogues → general
    4. prose: a classifier, trained in the run on labels from selectors, references, files or a judge, over the
       embeddings of `transformer_quality` (`features: embeddings`) or over words (`features: fasttext`); math, code and
       reasoning need at least `min_probability`, otherwise general. With `features: lexical` nothing is trained: the
       selectors decide.

What stands for reasoning in documents without human judgement is a density of words that join an argument (because,
therefore, suppose …) and worked steps. This is a proxy, said so in the card.

Steps: label (a shard), train (one job), score (a shard), apply (a shard). With a judge, before train: sample (a shard)
and `judge` of `tamis/stages/judge.py`. Nothing is dropped.
Writes model (safetensors or a fastText file), card.json, card.md, scores (id and one column a domain, rows summing to
1) and the documents with columns `domain` and `domain_score`.
Memory: a few thousand documents, the scores of one shard and the capped sample. Ties: equal probabilities go to the
domain named first above (general first).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import checksums, exchange
from tamis.barrier import Files
from tamis.classifiers import cards, linear_words
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.domain_features import Embeddings, Features, Lexical, Words
from tamis.classifiers.domain_rules import CLASSIFIED, POSITION, RULED_BY, TAUGHT, choose, foreign, rule_scores
from tamis.classifiers.fasttext import Training
from tamis.classifiers.judge import sample
from tamis.classifiers.label_sources import LabelSources, gather
from tamis.classifiers.labels import Sampling, label_documents, write_labelled
from tamis.classifiers.references import Teacher, Teachers
from tamis.classifiers.scores import beside
from tamis.classifiers.selectors import Selector
from tamis.errors import ConfigError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import DOMAINS, with_column
from tamis.section import Kind, LanguageCode, Section, Share
from tamis.shards import document_batches, read_json, read_table, write_table

log = logging.getLogger(__name__)

STAGE = "domains"
VERSION = 9
"""8: fastText takes characters of scripts without spaces for words; its probabilities are summed in float64,
without the 1e-5 that the library adds."""

NEEDS = frozenset({"language"})
ADDS = ("domain", "domain_score")

WEAK_LABELS = (
    "Labels by selector are weak: word densities and places in a project, no human judgement. The figures say how well "
    "the classifier recovers them."
)
LIKE_A_REFERENCE = (
    "Where a sample of the pool teaches a domain, it holds texts that are like the references of the others, too: what "
    "counts as wrong there may be right, so the true figures are higher."
)
LIMITS = (
    (
        "Reasoning is a proxy: many connectives of argument and worked steps in a text. It finds explanatory text, not "
        "sound reasoning."
    ),
)


class Classes(LabelSources):
    """What teaches each domain that is learnt; selectors, references, files and a judge mix."""

    general: Teachers = Field(
        (),
        description="What teaches general, any of them: selectors of documents; `{reference: …}`, texts of it, a "
        "source or files; `{sample: pool}`, a sample of all that reach the stage and no other domain claims.",
    )
    math: Teachers = Field((), description="The same for documents about mathematics.")
    code: Teachers = Field((), description="The same for documents about programs.")
    reasoning: Teachers = Field((), description="The same for documents that argue step by step.")

    def teachers(self) -> dict[str, tuple[Teacher, ...]]:
        """See `LabelSources.teachers`."""
        return {"general": self.general, "math": self.math, "code": self.code, "reasoning": self.reasoning}

    def check(self, stage: str) -> None:
        """Also refuse answers and grades that are for good and bad.

        Raises:
            ConfigError: the message names the key.
        """
        if self.judge is not None and self.judge.answers != "class":
            msg = (
                f"{stage}.labels.judge.answers: {self.judge.answers} tells good from bad; ask for the name of a domain "
                "with `class` (classifiers/domains/prompt.md)"
            )
            raise ConfigError(msg)
        if any(entry.grades for entry in self.files):
            msg = (
                f"{stage}.labels.files: `grades` are for good and bad; say under `classes` which domain a grade stands "
                'for, such as {"4": math, "5": math, "0": general}'
            )
            raise ConfigError(msg)
        super().check(stage)


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
        ("en",),
        min_length=1,
        description="Languages that are not multilingual; a code holds for its macrolanguage and for that one's "
        "members too.",
    )
    min_language_score: Share = Field(
        0.65, description="Least score of the language stage for multilingual (FineWeb keeps a language at .65)."
    )
    min_probability: Share = Field(0.5, description="Least probability for math, code or reasoning; below it, general.")
    labels: Classes = Field(Classes(), description="Where the labels of the classifier come from.")
    label_kinds: tuple[Kind, ...] = Field(("prose", "maths"), description="Kinds that may be labelled documents.")
    sampling: Sampling = Field(
        Sampling(cap=800),
        description="How many labels are used and how they are divided; "
        "min_labels holds for each domain, over all kinds together.",
    )
    training: Training = Field(Training(), description="For `features: fasttext`.")
    penalty: float = Field(
        1.0,
        gt=0.0,
        le=100.0,
        description="For `features: embeddings`: L2 penalty of each head, over standardised features.",
    )
    cheap_features: bool = Field(
        True,
        description="For `features: embeddings`: whether fifteen cheap features of a text (length, words, punctuation, "
        "lines: `tamis/classifiers/shape.py`) have heads of their own beside those of the embedding.",
    )
    words: linear_words.Training | None = Field(
        linear_words.Training(),
        description="For `features: embeddings`: how linear models on words and pairs of words are trained beside the "
        "heads, one a domain; null: there are none, and texts are not read again to be scored.",
    )

    def for_documents(self) -> Config:
        """The section without what changes nothing that jobs make."""
        return self.model_copy(update={"labels": self.labels.for_jobs()})

    def for_scoring(self) -> Config:
        """The section without what only the last step uses, for the params of the steps up to the scores."""
        return self.for_documents().model_copy(update={"min_probability": 0.5})

    def seen(self, embeddings: Files | None = None, backbone: Backbone | None = None) -> Features:
        """How documents are seen.

        Args:
            embeddings: what `Embeddings` reads.
            backbone: what made them.
        """
        least = self.sampling.min_labels
        if self.features == "embeddings":
            sees = ("embedding", "shape") if self.cheap_features else ("embedding",)
            return Embeddings(self.penalty, least, sees, self.words, embeddings, backbone)
        if self.features == "fasttext":
            return Words(self.training, least)
        teachers = self.labels.by_class().items()
        return Lexical({name: tuple(one for one in each if isinstance(one, Selector)) for name, each in teachers})

    def check(self, stage: str = STAGE) -> None:
        """Refuse labels that cannot teach anything.

        Raises:
            ConfigError: a domain has nothing that teaches it, or what there is cannot.
        """
        if self.features != "lexical":
            self.labels.check(stage)
        elif self.labels.files or self.labels.judge or not all(map(_is_selector, self._teachers())):
            msg = (
                f"{stage}.labels: with features: lexical nothing is learnt and selectors alone decide; take "
                f"references, the pool, files and the judge out, or set {stage}.features to fasttext or embeddings"
            )
            raise ConfigError(msg)

    def _teachers(self) -> list[Teacher]:
        return [one for each in self.labels.teachers().values() for one in each]

    def check_files(self, stage: str = STAGE) -> None:
        """Refuse label files, references and a prompt that cannot be read or teach too little."""
        if self.features != "lexical":
            self.labels.check_files(stage, self.sampling, self.label_kinds)


def _is_selector(teacher: Teacher) -> bool:
    return isinstance(teacher, Selector)


def _main(config: Config, documents: Path) -> Iterator[pa.Table]:
    """One shard's documents that rule 2 leaves, a few thousand at a time."""
    languages, least = config.main_languages, config.min_language_score
    return (table.filter(pa.array(~foreign(table, languages, least))) for table in document_batches(documents))


def run_label(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's labelled documents, of those that rule 2 leaves."""
    config.check()
    most = config.seen().max_characters
    classes = config.labels.by_class()
    labelled = label_documents(_main(config, documents), classes, config.sampling, config.label_kinds, most)
    write_labelled(output, labelled, STAGE)


def run_sample(config: Config, *, documents: Path, output: Path) -> None:
    """Draw one shard's part of the documents that may be judged, of those that rule 2 leaves."""
    if config.labels.judge is None:
        raise ConfigError(f"{STAGE}.labels.judge: there is none, and a rule asks for its sample")
    most = config.seen().max_characters
    rows = sample.draw(_main(config, documents), config.labels.judge, config.sampling.seed, config.label_kinds, most)
    exchange.write(output, sample.TO_JUDGE, [rows])
    log.info("%s: %d documents may be judged", STAGE, rows.num_rows)


def run_train(
    config: Config,
    *,
    labels: Files,
    model: Path,
    card: Path,
    card_text: Path,
    embeddings: Files | None = None,
    backbone: dict[str, Any] | None = None,
    judged: Path | None = None,
) -> None:
    """Train the classifier of prose and measure it on held-out labels.

    Args:
        labels: barrier over the labelled documents of all shards.
        model: output, the classifier; for `lexical` a note that there is none.
        embeddings: barrier over the embeddings of all shards; None where the features are others.
        backbone: the section of the encoder that made them.
        judged: labels of the judge, if there is one.

    Raises:
        ModelError: a domain has too few labels, or embeddings are needed and none are given.
    """
    config.check()
    given, judge = sample.read_judged(judged) if judged else (None, None)
    seen = config.seen(embeddings, Backbone.model_validate(backbone) if backbone else None)
    gathered = gather(config.labels, config.sampling, labels, seen.read_characters, given)
    labelled, settings, measured = seen.train(gathered, model)
    settings = {"features": config.features} | settings
    limits = [*config.labels.limits(WEAK_LABELS, LIKE_A_REFERENCE), *LIMITS]
    value = cards.build(STAGE, labelled, [CLASSIFIED], settings, measured, limits)
    cards.write(value | {"judge": judge, "model_sha256": checksums.sha256(model)}, card, card_text)
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
