"""What the two quality stages share: good and bad labels, their card, score files, and keeping the best."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis.barrier import paths
from tamis.classifiers import cards, evaluation, label_files
from tamis.classifiers import labels as labels_of
from tamis.classifiers.cascade import CHEAP, SAMPLED, Cascade
from tamis.classifiers.label_files import LabelFile
from tamis.classifiers.labels import Labelled, Sampling, read_labelled
from tamis.classifiers.references import Pool, Reference, Teacher, Teachers, as_selectors
from tamis.classifiers.scores import beside, scattered
from tamis.classifiers.selectors import Selector
from tamis.classifiers.thresholds import Selection, decide, find_thresholds
from tamis.errors import ConfigError, TamisError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds, with_column
from tamis.section import Section
from tamis.shards import read_json, write_json, write_table

log = logging.getLogger(__name__)

GOOD, BAD = "good", "bad"
CLASSES = (BAD, GOOD)
WORTH = {BAD: 0.0, GOOD: 1.0}
"""Class → the grade that it stands for."""

WEAK_LABELS = (
    "Labels by selector are conditions on where a document stands, not judgements of single documents: the figures say "
    "how well the model recovers these conditions, not how good the chosen documents are to train on."
)
JUDGED_LABELS = (
    "Labels from files are taken as they are given: the figures say how well the model repeats them, and nothing of "
    "kinds of text that the files do not hold."
)
LIKE_A_REFERENCE = (
    "Good is what is like the reference, bad is a sample of the pool, in which there is good text too: what counts as "
    "a false positive may be as good as the reference, so the true precision is higher than the figure."
)
NOTHING_HELD_OUT = (
    "No labelled text was held out, so nothing is measured; raise `sampling.held_out` or give more labels."
)
"""What a card has to say of its labels, by where they come from."""


class Labels(Section):
    """What is good and what is bad; selectors, references and files mix. What both classes claim teaches neither."""

    good: Teachers = Field(
        (),
        description="What teaches good, any of them: selectors of documents; `{reference: …}`, texts that you like, a "
        "source or files; `{sample: pool}`, a sample of all that reach the stage.",
    )
    bad: Teachers = Field((), description="The same for bad ones. Empty beside a reference: a sample of the pool.")
    files: tuple[LabelFile, ...] = Field((), description="Files of labelled texts; their classes are good and bad.")

    @property
    def against_pool(self) -> bool:
        """Whether the pool is the bad class because nobody named another."""
        return not self.bad and any(isinstance(teacher, Reference) for teacher in self.good)

    def by_class(self) -> dict[str, tuple[Teacher, ...]]:
        """Class → what teaches it, apart from label files."""
        bad = (Pool(sample="pool"),) if self.against_pool else self.bad
        return {GOOD: as_selectors(self.good), BAD: as_selectors(bad)}

    def taught_by(self, kind: type) -> bool:
        """Whether a class is taught by a `Selector`, a `Reference` or the `Pool`."""
        named = (*self.good, *self.bad, *self.by_class()[BAD])
        return any(isinstance(teacher, kind) for teacher in named)

    def paths(self) -> list[str]:
        """The label files and the files of references, as inputs of the workflow."""
        references = [teacher for teacher in (*self.good, *self.bad) if isinstance(teacher, Reference)]
        return [str(entry.path) for entry in self.files] + [path for each in references for path in each.files()]

    def limits(self) -> tuple[str, ...]:
        """What a card has to say of these labels."""
        said = {
            WEAK_LABELS: self.taught_by(Selector),
            JUDGED_LABELS: bool(self.files),
            LIKE_A_REFERENCE: self.taught_by(Reference) and self.taught_by(Pool),
        }
        return tuple(sentence for sentence, holds in said.items() if holds)

    def check(self, stage: str) -> None:
        """Refuse labels that cannot train anything.

        Raises:
            ConfigError: a class has neither a selector nor a reference nor a file, or both are the pool.
        """
        for name, teachers in self.by_class().items():
            if not teachers and not self.files:
                msg = (
                    f"{stage}.labels.{name}: empty, and no {stage}.labels.files; name selectors, a reference or label "
                    f"files, or leave {stage} out of `pipeline`"
                )
                raise ConfigError(msg)
        if all(any(isinstance(teacher, Pool) for teacher in teachers) for teachers in self.by_class().values()):
            msg = f"{stage}.labels: good and bad are both a sample of the pool; name a reference or selectors for one"
            raise ConfigError(msg)

    def check_files(self, stage: str, sampling: Sampling) -> None:
        """Read the label files and find the files of references, before anything runs.

        Raises:
            SourceError: a file or line cannot be read.
            ConfigError: a label stands for no class, or a class has too few texts and nothing else that teaches it.
        """
        self.paths()
        if not self.files:
            return
        try:
            found = label_files.read(self.files, CLASSES, 0)
        except TamisError as error:
            raise type(error)(f"{stage}.labels.files: {error}") from error
        given = Counter(text.label for text in found.texts)
        for name, teachers in self.by_class().items():
            if not teachers and given[name] < sampling.min_labels:
                other = GOOD if name == BAD else BAD
                msg = (
                    f"{stage}.labels.files: {given[name]} texts of class {name} and {given[other]} of class {other}; "
                    f"{sampling.min_labels} of {name} are needed, and nothing else teaches it ({dict(found.counts)}). "
                    f"Give more labels, say under `classes` what they mean, or lower {stage}.sampling.min_labels"
                )
                raise ConfigError(msg)


def gather(labels: Labels, sampling: Sampling, barrier: Path, max_characters: int) -> Labelled:
    """The labelled texts of all shards, files and references, capped, each once, divided into training and held out."""
    return labels_of.gather(read_labelled(barrier), labels.files, labels.by_class(), sampling, max_characters)


def only_kinds(labelled: Labelled, kinds: tuple[str, ...]) -> Labelled:
    """Only the rows of the given kinds."""
    return Labelled(labelled.rows.filter(pa.array(of_kinds(labelled.rows, kinds))), labelled.matches)


def quality_card(
    stage: str,
    labelled: Labelled,
    kinds: tuple[str, ...],
    model: dict[str, Any],
    held_out: pa.Table,
    score: np.ndarray,
    limits: tuple[str, ...],
) -> dict[str, Any]:
    """The card of a good/bad classifier from its scores of the held-out rows."""
    positive = held_out["label"].to_numpy(zero_copy_only=False) == GOOD
    length = held_out["characters"].to_numpy()
    kind = held_out["kind"].to_numpy(zero_copy_only=False)
    inside = (score >= 0.0) & (score <= 1.0)
    probabilities = bool(inside.all()) and held_out.num_rows > 0
    if not held_out.num_rows:
        limits = (*limits, NOTHING_HELD_OUT)
    return cards.build(
        stage,
        labelled,
        kinds,
        model,
        evaluation.by_kind(positive, score, length, kind, 0.5),
        calibration=evaluation.calibration(positive, score) if probabilities else (),
        calibration_error=round(evaluation.expected_calibration_error(positive, score), 4) if probabilities else None,
        grades=evaluation.grade_report(held_out["grade"], score),
        limits=limits,
    )


def find_boundaries(
    stage: str, selection: Selection, barrier: Path, output: Path, cascade: Cascade | None = None
) -> None:
    """Find each kind's boundary over the scores of all shards.

    Args:
        stage: name of the stage, and of the column of its scores.
        selection: which scored documents are kept.
        barrier: over the score files.
        output: JSON to write, from `find_thresholds`, and with a cascade its report under `cascade`.
        cascade: by which documents are left out.
    """
    found = find_thresholds(paths(barrier), stage, selection.keep_share)
    report = {} if cascade is None else {"cascade": cascade.report(paths(barrier), stage, selection, found)}
    write_json(output, found | report)
    log.info("%s: %s", stage, {kind: (row["keep"], row["documents"]) for kind, row in found.items()})


def keep_best(
    stage: str, selection: Selection, shard: int, documents: Path, scores: Path, thresholds: Path, outputs: Outputs
) -> None:
    """Keep and drop one shard's documents by their scores, which become a column of those that are kept.

    Args:
        stage: name of the stage, and of the column of its scores.
        selection: which scored documents are kept.
        shard: index of the shard.
        documents: the file to read.
        scores: the shard's score file.
        thresholds: from `find_boundaries`.
        outputs: the files to write.

    Raises:
        ShardMismatchError: the scores are of other documents.
    """
    boundaries = read_json(thresholds)
    scored = 0
    with outcome_writer(outputs, stage, shard) as writer:
        for before, rows in beside(documents, scores, [stage]):
            kept, reason, limit = decide(before, rows, stage, boundaries, selection.min_score)
            gone = pa.array(~kept)
            ledger = dropped_rows(
                stage,
                before.filter(gone),
                list(reason[~kept]),
                value=rows[stage].filter(gone),
                threshold=limit[~kept],
            )
            writer.add(before, with_column(before, stage, rows[stage]).filter(pa.array(kept)), ledger)
            scored += rows.num_rows - rows[stage].null_count
        writer.notes["scored"] = scored


def write_scores(
    stage: str,
    output: Path,
    documents: pa.Table,
    where: np.ndarray,
    score: np.ndarray,
    cascade: Cascade | None = None,
    sampled: np.ndarray | None = None,
) -> None:
    """Write one shard's score file.

    Args:
        stage: name of the stage, and of the column of its scores.
        output: the file.
        documents: the shard's n documents, at least id and kind, and what a cascade goes by.
        where: which of them are scored: n booleans.
        score: their scores, and among them those of `sampled`.
        cascade: by which documents are left out.
        sampled: which of those are scored all the same; these are no scores of the stage.
    """
    columns = {"id": documents["id"], "kind": documents["kind"]}
    if cascade is None or sampled is None:
        columns[stage] = scattered(score, where)
    else:
        own = where[where | sampled]
        columns[stage] = scattered(score[own], where)
        columns |= {CHEAP: documents[cascade.score], SAMPLED: scattered(score[~own], sampled)}
    write_table(output, pa.table(columns))
    log.info("%s: scored %d of %d documents", stage, len(score), documents.num_rows)
