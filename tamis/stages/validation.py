"""Reserve the validation split, before anything else is chosen.

A share of the pool's tokens, in each stratum (kind, domain, source or language) the same share, by the keyed hash of
the id: growing the pool keeps most of the split as it is, and no later set may take these documents. The pool is
de-duplicated, so a near-copy of a validation document is nowhere in it.

Writes `validation/{plan.parquet,documents,stats,summary.json}`. Memory: the index of one shard. Ties end in the id.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tamis.ids import keyed_hash
from tamis.schemas import STAGE_COLUMNS
from tamis.section import Section
from tamis.sets.budget import Budget
from tamis.sets.plan import By, Request, choose

VERSION = 1


class Config(Section):
    """The validation split."""

    tokens: Budget = Field(
        0.01,
        description="Size: a share of the pool's tokens, or a number of tokens. 1 % of a few million tokens is enough "
        "for a loss with two digits.",
    )
    stratify: By | None = Field("kind", description="Column in whose every value the same share is taken; null: none.")
    seed: int = Field(0, ge=0, description="Seed of the keyed hash.")
    files: int = Field(1, ge=1, le=10_000, description="Files that the documents are laid out in.")

    def needs(self) -> frozenset[str]:
        """Stage columns that the pool must carry."""
        return frozenset(column for column in STAGE_COLUMNS if column == self.stratify)


def run_plan(config: Config, *, shards: int, index: Path, plan: Path, choice: Path) -> None:
    """Choose the validation documents.

    Args:
        index: barrier over the index of all shards.
    """
    request = Request(
        where="validation",
        by=config.stratify,
        weights=None,
        budget=config.tokens,
        order=lambda rows: keyed_hash(rows["id"], "validation", config.seed),
        share_of_pool=True,
    )
    choose(request, index=index, shards=shards, excluded=(), plan=plan, choice=choice)
