"""What the two quality stages share: good and bad labels, their card, score files, and keeping the best."""

from __future__ import annotations

import logging
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis.barrier import paths
from tamis.classifiers import cards, evaluation
from tamis.classifiers.labels import LabelFile, Labelled, Sampling, merge, read_files, read_labelled
from tamis.classifiers.scores import beside, scattered
from tamis.classifiers.selectors import Selector
from tamis.classifiers.thresholds import Selection, decide, find_thresholds
from tamis.errors import ConfigError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds, with_column
from tamis.section import Section
from tamis.shards import read_json, write_json, write_table

log = logging.getLogger(__name__)

GOOD, BAD = "good", "bad"
CLASSES = (BAD, GOOD)

WEAK_LABELS = (
    "The labels are conditions on where a document stands, not judgements of single documents: the figures say how "
    "well the model recovers these conditions, not how good the chosen documents are to train on."
)
"""What every card of good and bad labels has to say of them."""


class Labels(Section):
    """What is good and what is bad."""

    good: tuple[Selector, ...] = Field((), description="Selectors of good documents; any of them.")
    bad: tuple[Selector, ...] = Field((), description="Selectors of bad documents; any of them.")
    files: tuple[LabelFile, ...] = Field((), description="Files of labelled texts; their classes are good and bad.")

    def by_class(self) -> dict[str, tuple[Selector, ...]]:
        """Class → selectors."""
        return {GOOD: self.good, BAD: self.bad}

    def paths(self) -> list[str]:
        """The label files, as inputs of the workflow."""
        return [str(entry.path) for entry in self.files]

    def check(self, stage: str) -> None:
        """Refuse labels that cannot train anything.

        Raises:
            ConfigError: a class has neither a selector nor a file.
        """
        for name, selectors in self.by_class().items():
            if not selectors and not self.files:
                msg = (
                    f"{stage}.labels.{name}: empty, and no {stage}.labels.files; name selectors or label files, or "
                    f"leave {stage} out of `pipeline`"
                )
                raise ConfigError(msg)


def gather(labels: Labels, sampling: Sampling, barrier: Path, max_characters: int) -> Labelled:
    """The labelled documents of all shards and files, capped."""
    files = read_files(labels.files, CLASSES, sampling, max_characters)
    return merge(chain(read_labelled(barrier), [files]), sampling)


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
    probabilities = bool(inside.all())
    return cards.build(
        stage,
        labelled,
        kinds,
        model,
        evaluation.by_kind(positive, score, length, kind, 0.5),
        calibration=evaluation.calibration(positive, score) if probabilities else (),
        calibration_error=round(evaluation.expected_calibration_error(positive, score), 4) if probabilities else None,
        limits=limits,
    )


def find_boundaries(stage: str, selection: Selection, barrier: Path, output: Path) -> None:
    """Find each kind's boundary over the scores of all shards.

    Args:
        stage: name of the stage, and of the column of its scores.
        selection: which scored documents are kept.
        barrier: over the score files.
        output: JSON to write, from `find_thresholds`.
    """
    found = find_thresholds(paths(barrier), stage, selection.keep_share)
    write_json(output, found)
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


def write_scores(stage: str, output: Path, documents: pa.Table, where: np.ndarray, score: np.ndarray) -> None:
    """Write one shard's score file.

    Args:
        stage: name of the stage, and of the column of its scores.
        output: the file.
        documents: the shard's n documents, at least id and kind.
        where: which of them are scored: n booleans.
        score: their scores.
    """
    columns = {"id": documents["id"], "kind": documents["kind"], stage: scattered(score, where)}
    write_table(output, pa.table(columns))
    log.info("%s: scored %d of %d documents", stage, len(score), documents.num_rows)
