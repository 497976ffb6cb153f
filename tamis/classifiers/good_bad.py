"""What all classifiers of good and bad share: their classes, score files, and keeping the best."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis.barrier import Files, paths
from tamis.classifiers import label_files
from tamis.classifiers.cascade import CHEAP, SAMPLED, Cascade
from tamis.classifiers.evaluation import retention
from tamis.classifiers.judge.section import read_prompt
from tamis.classifiers.label_sources import LabelSources
from tamis.classifiers.labels import Labelled
from tamis.classifiers.references import Pool, Reference, Teacher, Teachers
from tamis.classifiers.scores import beside, check_numbers, scattered
from tamis.classifiers.thresholds import Selection, decide, find_thresholds
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds, with_column
from tamis.shards import read_json, write_json, write_table

log = logging.getLogger(__name__)

GOOD, BAD = "good", "bad"
CLASSES = (BAD, GOOD)
WORTH = {BAD: 0.0, GOOD: 1.0}
"""Class → the grade that it stands for."""


class Labels(LabelSources):
    """What is good and what is bad; selectors, references and files mix. What both classes claim teaches neither."""

    good: Teachers = Field(
        (),
        description="What teaches good, any of them: selectors of documents; `{reference: …}`, texts that you like, a "
        "source or files; `{sample: pool}`, a sample of all that reach the stage.",
    )
    bad: Teachers = Field(
        (), description="The same for bad ones. Empty beside a reference and without a judge: a sample of the pool."
    )

    @property
    def against_pool(self) -> bool:
        """Whether the pool is the bad class because nobody named another."""
        return not self.bad and self.judge is None and any(isinstance(teacher, Reference) for teacher in self.good)

    def teachers(self) -> dict[str, tuple[Teacher, ...]]:
        """See `LabelSources.teachers`."""
        return {GOOD: self.good, BAD: (Pool(sample="pool"),) if self.against_pool else self.bad}

    def ascending(self) -> tuple[str, ...]:
        """See `LabelSources.ascending`."""
        return CLASSES

    def check_measuring(self, stage: str) -> None:
        """Read the labels of a model that is ready: it needs none, but what is there must be right.

        Args:
            stage: where the section stands, for messages.

        Raises:
            SourceError: a file or line cannot be read.
            ConfigError: a label stands for no class.
        """
        self.paths()
        if self.judge is not None:
            read_prompt(self.judge.prompt, f"{stage}.labels.judge.prompt")
        if self.files:
            label_files.read(self.files, CLASSES, 0)


def only_kinds(labelled: Labelled, kinds: tuple[str, ...]) -> Labelled:
    """Only the rows of the given kinds."""
    return Labelled(labelled.rows.filter(pa.array(of_kinds(labelled.rows, kinds))), labelled.matches)


def find_boundaries(
    stage: str,
    selection: Selection,
    barrier: Files,
    output: Path,
    retained: Path,
    retained_text: Path,
    cascade: Cascade | None = None,
) -> None:
    """Find each kind's boundary over the scores of all shards, and what would stay at others.

    Args:
        stage: name of the stage, and of the column of its scores.
        selection: which scored documents are kept.
        barrier: over the score files.
        output: JSON to write, from `find_thresholds`, and with a cascade its report under `cascade`.
        retained: JSON to write, from `retention`.
        retained_text: the same for readers.
        cascade: by which documents are left out.
    """
    retention.write(retention.retention(paths(barrier), stage), retained, retained_text)
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
    characters: np.ndarray,
    cascade: Cascade | None = None,
    sampled: np.ndarray | None = None,
    more: Mapping[str, pa.Array] | None = None,
) -> None:
    """Write one shard's score file.

    Args:
        stage: name of the stage, and of the column of its scores.
        output: the file.
        documents: the shard's n documents, at least id, kind and source, and what a cascade goes by.
        where: which of them are scored: n booleans.
        score: their scores, and among them those of `sampled`.
        characters: the lengths of the same documents.
        cascade: by which documents are left out.
        sampled: which of those are scored all the same; these are no scores of the stage.
        more: further columns of n rows.

    Raises:
        ModelError: a score is no number.
    """
    check_numbers(stage, score)
    asked = where if sampled is None else where | sampled
    columns = {name: documents[name] for name in ("id", "kind", "source")}
    columns["characters"] = scattered(characters, asked, pa.int64())
    if cascade is None or sampled is None:
        columns[stage] = scattered(score, where)
    else:
        own = where[asked]
        columns[stage] = scattered(score[own], where)
        columns |= {CHEAP: documents[cascade.score], SAMPLED: scattered(score[~own], sampled)}
    write_table(output, pa.table(columns | dict(more or {})))
    log.info("%s: scored %d of %d documents", stage, len(score), documents.num_rows)
