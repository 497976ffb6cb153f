"""An ensemble: a score out of the ranks that other classifiers give a document.

Scores of different classifiers do not compare: one crowds at 0 and 1, another grades from 0 to 5. Ranks do. NVIDIA's
Nemotron-CC (Su et al. 2024) sorts the scores of three classifiers into twenty parts each and takes the largest, because
they like different documents: `by: max_of_ranks` with `buckets: 20`. Its published recipe takes the bounds of the parts
from a sample of 1 %, weighed by length; here every document counts once, and all of them do.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from tamis.classifiers.kinds.base import Classifier
from tamis.errors import ConfigError

By = Literal["mean_of_ranks", "max_of_ranks", "min_of_ranks"]


class Ensemble(Classifier):
    """Ranks of earlier classifiers as one score from 0 to 1, and which of the documents that it scored are kept."""

    model: Literal["ensemble"] = Field("ensemble", description="The ranks that earlier classifiers give, as one score.")
    of: tuple[str, ...] = Field(
        (),
        description="Two or more classifiers that stand before it in `pipeline`. A rank is the share of the documents "
        "of the same kind that reach this stage with a lower score, and half of those with the same, exactly: 0.9 is "
        "at the lower edge of the best tenth. So that one of them drops nothing first, let it only score "
        "(`selection: {keep_share: {}}`).",
    )
    by: By = Field(
        "mean_of_ranks",
        description="Which number a document gets: the mean of its ranks; the largest, where it is enough that one "
        "classifier likes it (or); the smallest, where all must (and).",
    )
    buckets: int | None = Field(
        None,
        ge=2,
        le=10_000,
        description="Sort each classifier's ranks into so many parts first, and take the middle of a part for the "
        "rank; null: ranks as they are. Nemotron-CC: 20, with max_of_ranks.",
    )
    missing: Literal["rest", "pass"] = Field(
        "rest",
        description="Documents that some of the classifiers gave no score: the ranks that there are count (`rest`), or "
        "they get no score here either, and pass (`pass`). Those that none scored pass in any case.",
    )

    @field_validator("of")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]} stands twice")
        return names

    def check(self, stage: str) -> None:
        """See `Classifier.check`."""
        if len(self.of) < 2:
            msg = f"{stage}.of: names {len(self.of)} classifiers, an ensemble is of two or more before it in pipeline"
            raise ConfigError(msg)
