"""Sample mixtures of the pool to a token budget, by domain weight.

The default weights are Llama 3's final mix (Dubey et al. 2024, section 3.1.2): 50 % general knowledge, 25 % mathematics
and reasoning, 17 % code, 8 % multilingual. In each group the documents with the smallest keyed hash are taken until the
group's target is met (`tamis.sets.sampling`); groups that are too small are dealt with by policy (`tamis.sets.budget`),
and the plan table says what was done.

What a mixture never holds: validation, and the annealing sets it excludes (by default all). Two mixtures are
alternatives, or phases, of training: they may share documents unless one excludes the other. Mixtures of
one seed are as alike as their weights allow, so that a comparison of mixtures is not one of samples.

Writes `mixtures/<name>/{plan.parquet,documents,stats,summary.json}`. Memory: the index of one shard. Ties end in
the id.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis.barrier import Files
from tamis.ids import keyed_hash
from tamis.sets.plan import Request, SetConfig, choices_of, choose

VERSION = 1


class Config(SetConfig):
    """One mixture; without any key it is everything that validation and annealing have left."""

    exclude_annealing: tuple[str, ...] | None = Field(
        None,
        description="Annealing sets whose documents may not be taken; null: all.",
    )
    exclude_mixtures: tuple[str, ...] = Field(
        (),
        description="Other mixtures whose documents may not be taken, for phases of training that share nothing.",
    )


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
    """Choose the documents of one mixture.

    Args:
        excluded: sets whose documents may not be taken ("validation", "annealing/best", "mixtures/first").
        index: barrier over the index of all shards.
        choice: exchange file to write, `<folder>/mixtures/<name>/choice.arrow`; those of excluded
            sets lie in the same folder.
    """

    def order(rows: pa.Table) -> np.ndarray:
        return keyed_hash(rows["id"], "mixtures", config.seed)

    request = Request(
        where=f"mixtures.{name}",
        by=None if config.weights is None else config.by,
        weights=config.weights,
        budget=config.tokens,
        order=order,
        scarcity=config.scarcity,
        epoch_cap=config.epoch_cap,
        eligible=config.clean,
    )
    files = choices_of(excluded, choice)
    choose(request, index=index, shards=shards, excluded=files, plan=plan, choice=choice)
