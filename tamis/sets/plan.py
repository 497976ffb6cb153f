"""Which documents of the pool a set takes: the plan of validation, annealing sets and mixtures.

All sets are made alike. The **index** (one exchange file a shard, written by the tokenizer stage) holds what a plan
needs to know of each document: id, tokens, the columns that weights may go by, and scores; no text. A plan
streams the index, leaves out what other sets have **chosen**, sums up what is available, asks
`tamis.sets.budget` for token targets and `tamis.sets.sampling` for the documents that meet them. It writes

    plan.parquet     one row a group (`tamis.sets.budget.PLAN`): what was asked, what was given, and why
    choice.arrow     batch s: ids of shard s that the set takes, and how many times each (epochs)

Memory: the rows of one shard and one window, whatever the corpus. Neither file depends on the order of documents;
the plan does not depend on shards either.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis import exchange
from tamis.barrier import Files, paths
from tamis.errors import ShardMismatchError
from tamis.ids import id_halves
from tamis.schemas import DOMAINS, KINDS, STAGE_COLUMNS, added_columns
from tamis.section import Section
from tamis.sets import budget, sampling
from tamis.sets.budget import Budget, Scarcity
from tamis.shards import write_table

log = logging.getLogger(__name__)

By = Literal["domain", "source", "kind", "language"]
"""Columns that weights may go by."""

CHOICE = pa.schema([("id", pa.string()), ("epochs", pa.int32())])
"""One row a chosen document: its id, and how many times it is written."""

APART = "apart.arrow"
"""Name of the file, beside the choice of validation and of the same form, of what no set may take because of it."""

UNKNOWN = "unknown"
"""Group of documents whose column is null."""

JOIN = "+"
"""Joins values in a key of `weights`: math+reasoning is one group of two domains."""


def index_of(documents: pa.Table) -> pa.Table:
    """The columns of a documents table that plans read: everything but text, addresses and metadata."""
    return documents.select(["id", "kind", "source", *added_columns(documents.column_names)])


class SetConfig(Section):
    """What every sampled set has: how its documents are grouped, weighed, ordered and laid out."""

    weights: dict[str, Annotated[float, Field(gt=0, le=1)]] | None = Field(
        None,
        description="Share of the tokens by group; they sum to 1. A key is a value of the column `by`, or several "
        "joined by '+' (math+reasoning). null: everything is one group.",
    )
    by: By = Field("domain", description="The column that the keys of `weights` are values of.")
    tokens: Budget = Field("max", description="Token budget: an integer, a share in (0, 1], or 'max'.")
    scarcity: Scarcity = Field(
        "shrink",
        description="When a group has fewer tokens than asked: shrink (scale the whole set down, weights hold), repeat "
        "(take documents up to epoch_cap times, then shrink), fail.",
    )
    epoch_cap: float = Field(
        4.0,
        ge=1,
        le=100,
        description="Times that `repeat` may take the documents of a group; up to 4 epochs cost almost nothing against "
        "new text (Muennighoff et al. 2023, figure 1).",
    )
    max_contamination: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="Documents in which `decontamination` found more than this share of any benchmark item are not "
        "taken, though the pool keeps them; null: no bound. 0.5 is strict.",
    )
    seed: int = Field(0, ge=0, description="Seed of the keyed hash; equal seeds take nested samples.")
    files: int = Field(4, ge=1, le=10_000, description="Files that the set's documents are laid out in.")

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if self.weights is None:
            return self
        if not self.weights:
            raise ValueError("weights: no groups; give at least one, or null for no weights")
        total = sum((budget.exact(weight) for weight in self.weights.values()), Fraction(0))
        if abs(total - 1) > Fraction(1, 10**9):
            raise ValueError(f"weights: sum to {float(total):.10g}, expected 1")
        values = [value for key in self.weights for value in key.split(JOIN)]
        known = {"domain": DOMAINS, "kind": KINDS}.get(self.by)
        for value in values:
            if values.count(value) > 1:
                raise ValueError(f"weights: {self.by} {value!r} stands in two groups; a document can be in only one")
            if known is not None and value not in known:
                raise ValueError(f"weights: there is no {self.by} {value!r}; known: {', '.join(known)}")
        return self

    def needs(self) -> frozenset[str]:
        """Stage columns that the pool must carry."""
        column = () if self.weights is None else (self.by,)
        bounded = () if self.max_contamination is None else ("contamination",)
        return frozenset((*column, *bounded)) & STAGE_COLUMNS.keys()

    def clean(self, rows: pa.Table) -> pa.Array:
        """Which rows of the index `max_contamination` lets through; those that have no score pass."""
        if self.max_contamination is None:
            return pa.array(np.ones(rows.num_rows, bool))
        return pc.fill_null(pc.less_equal(rows["contamination"], self.max_contamination), True)


@dataclass(frozen=True)
class Request:
    """A set to be chosen."""

    where: str
    """Key of the configuration, for errors."""
    by: str | None
    """Column of the groups; None: one group."""
    weights: Mapping[str, float] | None
    """None: groups in proportion to what is available."""
    budget: float | str
    order: Callable[[pa.Table], np.ndarray]
    """Index rows → uint64 keys; documents are taken by (key, id)."""
    scarcity: Scarcity = "shrink"
    epoch_cap: float = 1.0
    share_of_pool: bool = False
    """A share is of all tokens of the pool, not of the largest set that is possible."""
    eligible: Callable[[pa.Table], pa.Array] | None = None
    """Index rows → mask of those that may be taken."""


def choices_of(sets: Sequence[str], choice: Path) -> list[Path]:
    """The choice files of other sets ("validation", "annealing/best"), given that of a named one.

    With validation comes what is kept apart from it.
    """
    folder = choice.parents[2]
    files = [folder / name / choice.name for name in sets]
    return files + [folder / name / APART for name in sets if name == "validation"]


class Pool:
    """The index of all shards, less what other sets have chosen."""

    def __init__(self, index: Files, shards: int, excluded: Sequence[Path], request: Request) -> None:
        self.paths = paths(index)
        if len(self.paths) != shards:
            raise ShardMismatchError(
                f"{index}: holds {len(self.paths)} shards, expected {shards}. Delete it and run again."
            )
        self.shards = shards
        self.excluded = tuple(excluded)
        self.request = request

    def tables(self) -> Iterator[pa.Table]:
        """Each shard's candidates: id, tokens, value of the group column, key."""
        for shard, path in enumerate(self.paths):
            table = exchange.read_batch(path, 0, 1)
            for choice in self.excluded:
                chosen = exchange.read_batch(choice, shard, self.shards, ["id"])["id"].combine_chunks()
                table = table.filter(pc.invert(pc.is_in(table["id"], value_set=chosen)))
            if self.request.eligible is not None:
                table = table.filter(self.request.eligible(table))
            by = self.request.by
            value = pa.array(["all"] * table.num_rows, pa.string()) if by is None else pc.fill_null(table[by], UNKNOWN)
            key = pa.array(self.request.order(table), pa.uint64())
            yield pa.table({"id": table["id"], "tokens": table["tokens"], "value": value, "key": key})

    def tokens(self) -> int:
        """Tokens of the whole pool, excluded documents too."""
        return sum(pc.sum(exchange.read_batch(path, 0, 1, ["tokens"])["tokens"]).as_py() or 0 for path in self.paths)

    def values(self) -> dict[str, tuple[int, int]]:
        """Documents and tokens of each value of the group column, in alphabetical order."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for table in self.tables():
            for row in table.group_by("value").aggregate([("tokens", "count"), ("tokens", "sum")]).to_pylist():
                found[row["value"]][0] += row["tokens_count"]
                found[row["value"]][1] += row["tokens_sum"]
        return {value: (documents, tokens) for value, (documents, tokens) in sorted(found.items())}

    def rows(self, groups: Mapping[str, int]) -> Iterator[sampling.Rows]:
        """Each shard's candidates as sampling reads them; group -1 where the value is in no group."""
        for table in self.tables():
            yield rows_of(table, groups)


def rows_of(table: pa.Table, groups: Mapping[str, int]) -> sampling.Rows:
    """A shard's candidates (`Pool.tables`) as arrays."""
    names = pa.array(list(groups), pa.string())
    numbers = np.array([*groups.values(), -1], dtype=np.int64)
    position = pc.fill_null(pc.index_in(table["value"], value_set=names), len(groups)).to_numpy()
    high, low = id_halves(table["id"])
    return sampling.Rows(table["key"].to_numpy(), high, low, table["tokens"].to_numpy(), numbers[position])


def _groups(request: Request, values: Mapping[str, tuple[int, int]]) -> dict[str, tuple[Fraction, list[str]]]:
    """Group → its weight and the values that belong to it."""
    if request.weights is not None:
        return {key: (weight, key.split(JOIN)) for key, weight in budget.normalised(request.weights).items()}
    total = sum(tokens for _, tokens in values.values())
    return {value: (Fraction(tokens, total), [value]) for value, (_, tokens) in values.items() if tokens}


def choose(request: Request, *, index: Files, shards: int, excluded: Sequence[Path], plan: Path, choice: Path) -> None:
    """Plan a set and choose its documents.

    Args:
        request: the set.
        index: barrier over the index files of all shards.
        shards: how many shards there are.
        excluded: choice files of the sets whose documents may not be taken.
        plan: Parquet file to write.
        choice: exchange file to write, one batch a shard.

    Raises:
        ConfigError: the policy does not allow to meet the weights.
    """
    pool = Pool(index, shards, excluded, request)
    values = pool.values()
    groups = _groups(request, values)
    available = [
        (
            sum(values.get(member, (0, 0))[0] for member in members),
            sum(values.get(member, (0, 0))[1] for member in members),
        )
        for _, members in groups.values()
    ]
    targets = (
        []
        if not groups
        else budget.targets(
            request.where,
            {name: weight for name, (weight, _) in groups.items()},
            [tokens for _, tokens in available],
            request.budget,
            scarcity=request.scarcity,
            epoch_cap=request.epoch_cap,
            share_of=pool.tokens() if request.share_of_pool else None,
        )
    )
    numbers = {member: number for number, (_, members) in enumerate(groups.values()) for member in members}
    whole = [target.target // tokens for target, (_, tokens) in zip(targets, available, strict=True)]
    rest = [target.target % tokens for target, (_, tokens) in zip(targets, available, strict=True)]
    cuts = sampling.budget_cuts(lambda: pool.rows(numbers), rest, available)
    taken = _write_choice(choice, pool, numbers, whole, cuts)
    unused = {value: counts for value, counts in values.items() if value not in numbers}
    write_table(plan, _plan_table(list(groups), targets, available, taken, unused))
    log.info("%s: %d documents, %d tokens chosen", request.where, sum(t[0] for t in taken), sum(t[1] for t in taken))


def _write_choice(
    path: Path, pool: Pool, numbers: Mapping[str, int], whole: Sequence[int], cuts: Sequence[sampling.Cut]
) -> list[list[int]]:
    """Write the chosen ids of each shard; documents and tokens taken of each group, repeats counted."""
    taken = [[0, 0] for _ in cuts]

    def batches() -> Iterator[pa.Table]:
        for table in pool.tables():
            rows = rows_of(table, numbers)
            epochs = np.zeros(len(rows), dtype=np.int64)
            for group, cut in enumerate(cuts):
                mine = np.flatnonzero(rows.group == group)
                epochs[mine] = whole[group] + cut.takes(rows.where(mine))
                taken[group][0] += int(epochs[mine].sum())
                taken[group][1] += int((epochs[mine] * rows.tokens[mine]).sum())
            chosen = epochs > 0
            yield pa.table({"id": table["id"].filter(chosen), "epochs": epochs[chosen].astype(np.int32)}, CHOICE)

    exchange.write(path, CHOICE, batches())
    return taken


def _plan_table(
    names: Sequence[str],
    targets: Sequence[budget.Target],
    available: Sequence[tuple[int, int]],
    taken: Sequence[Sequence[int]],
    unused: Mapping[str, tuple[int, int]],
) -> pa.Table:
    total = sum(tokens for _, tokens in taken)
    rows: list[dict[str, object]] = [
        {
            "domain": name,
            "weight": float(target.weight),
            "available_documents": have[0],
            "available_tokens": have[1],
            "asked_tokens": target.asked,
            "target_tokens": target.target,
            "taken_documents": got[0],
            "taken_tokens": got[1],
            "share": got[1] / total if total else 0.0,
            "epochs": got[1] / have[1],
            "outcome": target.outcome,
        }
        for name, target, have, got in zip(names, targets, available, taken, strict=True)
    ]
    rows += [
        {
            "domain": value,
            "weight": 0.0,
            "available_documents": documents,
            "available_tokens": tokens,
            "asked_tokens": 0,
            "target_tokens": 0,
            "taken_documents": 0,
            "taken_tokens": 0,
            "share": 0.0,
            "epochs": 0.0,
            "outcome": budget.NOT_ASKED_FOR,
        }
        for value, (documents, tokens) in unused.items()
    ]
    return pa.Table.from_pylist(rows, schema=budget.PLAN)


def less(plan: pa.Table, withdrawn: Mapping[str, Sequence[int]]) -> pa.Table:
    """A plan without some documents that it took once each.

    Args:
        plan: rows of `tamis.sets.budget.PLAN`.
        withdrawn: group → how many documents and tokens.
    """
    rows = plan.to_pylist()
    for row in rows:
        documents, tokens = withdrawn.get(row["domain"], (0, 0))
        row["taken_documents"] -= documents
        row["taken_tokens"] -= tokens
    total = sum(row["taken_tokens"] for row in rows)
    for row in rows:
        row["share"] = row["taken_tokens"] / total if total else 0.0
        row["epochs"] = row["taken_tokens"] / row["available_tokens"] if row["available_tokens"] else 0.0
    return pa.Table.from_pylist(rows, schema=budget.PLAN)
