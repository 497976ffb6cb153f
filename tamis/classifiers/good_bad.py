"""What the two quality stages share: good and bad labels, their card, and applying a selection to scores."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import ledger
from tamis.classifiers import cards, evaluation
from tamis.classifiers.labels import LabelFile, Labelled, Sampling, merge, read_files, read_labelled
from tamis.classifiers.selectors import Selector
from tamis.classifiers.thresholds import Selection, decide, with_column
from tamis.errors import ConfigError
from tamis.section import Section

GOOD, BAD = "good", "bad"
CLASSES = (BAD, GOOD)


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


def of_kinds(labelled: Labelled, kinds: tuple[str, ...]) -> Labelled:
    """Only the rows of the given kinds."""
    kind = labelled.rows["kind"].to_numpy(zero_copy_only=False)
    return Labelled(labelled.rows.filter(pa.array(np.isin(kind, kinds), pa.bool_())), labelled.matches)


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


def score_rows(documents: pa.Table, kinds: list[str]) -> np.ndarray:
    """Positions of the documents of the given kinds."""
    return np.flatnonzero(np.isin(documents["kind"].to_numpy(zero_copy_only=False), kinds))


def scattered(values: np.ndarray, where: np.ndarray, rows: int) -> pa.Array:
    """Float32 values at the given positions of a column, null elsewhere."""
    column = np.zeros(rows, dtype=np.float32)
    column[where] = values
    missing = np.ones(rows, dtype=bool)
    missing[where] = False
    return pa.array(column, pa.float32(), mask=missing)


def apply(
    stage: str, selection: Selection, table: pa.Table, scores: pa.Table, found: dict[str, Any]
) -> tuple[pa.Table, pa.Table]:
    """Kept documents with their score, and ledger rows of the others."""
    kept, reason, limit = decide(table, scores, stage, found, selection.min_score)
    scored = with_column(table, stage, scores[stage])
    out = np.flatnonzero(~kept)
    gone = table.take(pa.array(out))
    dropped = ledger.dropped_rows(
        stage, gone, list(reason[out]), value=scores[stage].take(pa.array(out)), threshold=limit[out]
    )
    return scored.filter(pa.array(kept)), dropped
