"""Take the best documents of chosen domains for the last phase of training.

Llama 3 (Dubey et al. 2024, section 3.4.3) anneals on 40 B tokens of upsampled high-quality mathematics, code and
reasoning, about 0.3 % of its 15 T. Here a set takes from each group of domains the documents of the highest score until
the group's share of the budget is met. Documents without a score come last, or never when a minimum is set.
Scores of different domains need not be comparable: give each domain a weight of its own where they are not.

Annealing sets exclude validation and the annealing sets before them; mixtures exclude annealing sets.

Writes `annealing/<name>/{plan.parquet,documents,stats,summary.json}`. Memory: the index of one shard. Ties of the
score end in the id.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from tamis.barrier import Files
from tamis.schemas import BASE_COLUMNS
from tamis.sets.budget import Budget
from tamis.sets.plan import Request, SetConfig, choices_of, choose
from tamis.sets.sampling import score_keys

VERSION = 1


class Config(SetConfig):
    """One annealing set."""

    weights: dict[str, Annotated[float, Field(gt=0, le=1)]] | None = Field(
        {"math+code+reasoning": 1.0},
        description="Share of the tokens by group; they sum to 1. A key is a value of the column `by`, or several "
        "joined by '+'. null: everything is one group.",
    )
    tokens: Budget = Field(
        0.003,
        description="Token budget: an integer, a share of the pool's tokens, or 'max'. 0.3 % is Llama 3's share.",
    )
    rank_by: str = Field(
        "transformer_quality",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="Score column: that of a classifier, domain_score or language_score; the highest come first, ties "
        "by id.",
    )
    minimum: float | None = Field(
        None,
        description="Documents below this score, or without one, are not taken; null: no minimum.",
    )
    exclude_annealing: tuple[str, ...] | None = Field(
        None,
        description="Annealing sets whose documents may not be taken; null: all that stand before this one.",
    )

    @field_validator("rank_by")
    @classmethod
    def _is_a_score(cls, name: str) -> str:
        if name in BASE_COLUMNS or name in ("language", "domain", "tokens"):
            raise ValueError(f"{name} is no score; name a classifier, domain_score or language_score")
        return name

    def needs(self) -> frozenset[str]:
        """Stage columns that the pool must carry."""
        return super().needs() | {self.rank_by}


def run_plan(
    config: Config,
    *,
    name: str,
    excluded: Sequence[str],
    shards: int,
    index: Files,
    plan: Path,
    choice: Path,
) -> None:
    """Choose the documents of one annealing set.

    Args:
        excluded: sets whose documents may not be taken ("validation", "annealing/first").
        index: barrier over the index of all shards.
        choice: exchange file to write, `<folder>/annealing/<name>/choice.arrow`; those of excluded
            sets lie in the same folder.
    """

    def order(rows: pa.Table) -> np.ndarray:
        return score_keys(rows[config.rank_by], rows["id"])

    def eligible(rows: pa.Table) -> pa.Array:
        clean = config.clean(rows)
        if config.minimum is None:
            return clean
        return pc.and_(clean, pc.fill_null(pc.greater_equal(rows[config.rank_by], config.minimum), False))

    request = Request(
        where=f"annealing.{name}",
        by=None if config.weights is None else config.by,
        weights=config.weights,
        budget=config.tokens,
        order=order,
        scarcity=config.scarcity,
        epoch_cap=config.epoch_cap,
        share_of_pool=True,
        eligible=eligible,
    )
    files = choices_of(excluded, choice)
    choose(request, index=index, shards=shards, excluded=files, plan=plan, choice=choice)
