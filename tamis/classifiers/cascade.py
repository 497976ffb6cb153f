"""A cascade: a dear classifier sees what a cheap one is unsure of, and a sample of the rest says what that changes.

Documents whose cheap score lies between two bounds are scored; all others pass without a score, and the selection of
the cheap classifier alone decides about them. What the dear one would have said of them is measured on a sample (by
keyed hash of the id, so that it does not know the shards): how many documents under the lower bound it would have kept,
and how many above the upper one it would have dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis.classifiers.thresholds import Selection, decide
from tamis.hashing import keyed_uint64
from tamis.section import Section, Share
from tamis.shards import read_table

CHEAP, SAMPLED = "cheap", "sampled"
"""Columns of a score file: the cheap score, and the score of documents of the sample."""


class Cascade(Section):
    """Which documents a classifier sees, by the score of an earlier one."""

    score: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="Column of an earlier classifier, such as fasttext_quality."
    )
    above: float | None = Field(None, description="Documents with a lower score are not seen; null: no bound.")
    below: float | None = Field(None, description="Documents with a higher score are not seen; null: no bound.")
    audit: Share = Field(
        0.01,
        description="Share of the documents outside that are scored all the same, to measure what they lose by it.",
    )
    seed: int = Field(0, ge=0, description="Key of the hash that draws the sample.")

    @model_validator(mode="after")
    def _has_room(self) -> Cascade:
        if self.above is None and self.below is None:
            raise ValueError("neither `above` nor `below` is given; give one, or take the section out")
        if self.above is not None and self.below is not None and self.above > self.below:
            raise ValueError(f"above {self.above} and below {self.below} leave nothing between them")
        return self

    def seen(self, rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Which of n documents lie between the bounds, and which others are in the sample.

        Args:
            rows: n rows with `id` and the cheap score; a document without one is seen.
        """
        score = rows[self.score].to_numpy(zero_copy_only=False).astype(np.float64)
        inside = np.ones(len(score), dtype=bool)
        # Comparisons with NaN, which stands for null, are false.
        if self.above is not None:
            inside &= ~(score < self.above)
        if self.below is not None:
            inside &= ~(score > self.below)
        keys = keyed_uint64(f"cascade {self.seed}", rows["id"].to_pylist())
        return inside, ~inside & (keys < np.uint64(min(int(self.audit * 2**64), 2**64 - 1)))

    def report(
        self, scores: Sequence[Path], name: str, selection: Selection, boundaries: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """What was saved, and what the sample says of the documents that were not seen.

        Args:
            scores: the score files of all shards.
            name: of the classifier, and of the column of its scores.
            selection: of the classifier.
            boundaries: from `find_thresholds`.

        Returns:
            Documents of the kinds that are scored, how many of them were seen, and for those `below` and `above` the
            bounds: how many there are, how many of them were sampled, how many of these the classifier decides
            otherwise than passing them (`dropped`), and how many it would keep.
        """
        found: dict[str, Any] = {"documents": 0, "seen": 0}
        sides = {side: {"documents": 0, "sampled": 0, "kept": 0, "dropped": 0} for side in ("below", "above")}
        for path in scores:
            rows = read_table(path, ["id", "kind", name, CHEAP, SAMPLED])
            cheap, seen = rows[CHEAP].to_numpy(zero_copy_only=False), rows[name].is_valid().to_numpy()
            outside = ~seen & ~np.isnan(cheap.astype(np.float64))
            found["documents"] += int((seen | outside).sum())
            found["seen"] += int(seen.sum())
            low = outside & (cheap < self.above) if self.above is not None else np.zeros(len(cheap), dtype=bool)
            for side, where in (("below", low), ("above", outside & ~low)):
                sides[side]["documents"] += int(where.sum())
                sampled = rows.filter(pc.and_(pa.array(where), pc.is_valid(rows[SAMPLED])))
                asked = sampled.rename_columns(["id", "kind", "seen", CHEAP, name])
                kept, _, _ = decide(asked, asked, name, boundaries, selection.min_score)
                sides[side]["sampled"] += sampled.num_rows
                sides[side]["kept"] += int(kept.sum())
                sides[side]["dropped"] += int((~kept).sum())
        return found | sides
