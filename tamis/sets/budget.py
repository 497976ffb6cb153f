"""From weights, a budget and a scarcity policy to the tokens that each group of documents should give.

    shrink   the whole set is scaled down until the scarcest group suffices: weights hold, the total falls
    repeat   documents are taken up to `epoch_cap` times; beyond that the set is scaled down as well
    fail     an error names every group that is short

Pure integer and rational arithmetic, so that a plan is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BeforeValidator

from tamis.errors import ConfigError

Scarcity = Literal["shrink", "repeat", "fail"]

PLAN = pa.schema(
    [
        ("domain", pa.string()),
        ("weight", pa.float64()),
        ("available_documents", pa.int64()),
        ("available_tokens", pa.int64()),
        ("asked_tokens", pa.int64()),
        ("target_tokens", pa.int64()),
        ("taken_documents", pa.int64()),
        ("taken_tokens", pa.int64()),
        ("share", pa.float64()),
        ("epochs", pa.float64()),
        ("outcome", pa.string()),
    ]
)
"""One row a group of documents.

`domain` is the group's key in `weights` (a value of the column `by`, or several joined by "+"; "all" without
weights). `asked` is weight x budget, `target` what the policy made of it, `taken` what was written (repeats
counted). `share` is taken of all taken; `epochs` is taken of available. `outcome`: met, shrunk, repeated,
repeated and shrunk, or "not asked for" (a group of the pool that the weights leave out).
"""

NOT_ASKED_FOR = "not asked for"


def _checked_budget(value: object) -> object:
    if value == "max":
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("give a number of tokens (an integer), a share (a fraction up to 1.0) or 'max'")  # noqa: TRY004 - pydantic wants ValueError
    if isinstance(value, float):
        if value.is_integer() and value > 1:
            return int(value)
        if not 0 < value <= 1:
            raise ValueError(f"{value} is no share: a share lies in (0, 1]; a number of tokens is an integer")
        return value
    if value < 1:
        raise ValueError(f"{value} tokens is no budget: at least 1")
    return value


Budget = Annotated[int | float | Literal["max"], BeforeValidator(_checked_budget)]
"""An integer is tokens; a fraction in (0, 1] is a share (1.0 all of it, 1 one token); "max" is as much as there is."""


@dataclass(frozen=True)
class Target:
    """What one group should give, in tokens."""

    weight: Fraction
    asked: int
    target: int
    outcome: str


def exact(value: float) -> Fraction:
    """The decimal fraction that a person wrote: 0.1 is 1/10, not the nearest binary number."""
    return Fraction(repr(value))


def normalised(weights: Mapping[str, float]) -> dict[str, Fraction]:
    """Weights as fractions that sum to exactly 1 (as configured they may be off by 1e-9)."""
    fractions = {name: exact(weight) for name, weight in weights.items()}
    total = sum(fractions.values(), Fraction(0))
    return {name: weight / total for name, weight in fractions.items()}


def _short(where: str, names: Sequence[str], asked: Sequence[int], available: Sequence[int]) -> str:
    lacks = [
        f"{name!r} has {have:,} of {want:,} tokens"
        for name, have, want in zip(names, available, asked, strict=True)
        if have < want
    ]
    return (
        f"{where}: {'; '.join(lacks)}. Ask for fewer tokens, change the weights, or set scarcity to 'shrink' or "
        "'repeat'."
    )


def targets(
    where: str,
    weights: Mapping[str, Fraction],
    available: Sequence[int],
    budget: float | str,
    *,
    scarcity: Scarcity,
    epoch_cap: float,
    share_of: int | None,
) -> list[Target]:
    """What each group should give.

    Args:
        where: the config key named in errors.
        weights: group → weight; they sum to 1.
        available: tokens of each group, in the same order.
        budget: tokens, share or "max" (see `Budget`). "max" is the largest set that the weights and the policy allow.
        scarcity: what to do when a group has less than its weight asks for.
        epoch_cap: at most how often `repeat` takes a document on average over its group.
        share_of: the tokens that a share is of; None: of "max".

    Returns:
        One target a group; no target exceeds `epoch_cap` x available (1 x for the other policies).

    Raises:
        ConfigError: a group of positive weight has no tokens at all, or the policy is `fail` and a group is short.
    """
    names = list(weights)
    none = [name for name, tokens in zip(names, available, strict=True) if not tokens]
    if none:
        raise ConfigError(
            f"{where}: no tokens left for {', '.join(map(repr, none))} in the pool, after what other sets "
            "have taken; leave it out of the weights, or join it to another group (math+reasoning)"
        )
    cap = exact(epoch_cap) if scarcity == "repeat" else Fraction(1)
    most = min(int(cap * tokens / weight) for tokens, weight in zip(available, weights.values(), strict=True))
    if budget == "max":
        total = most
    elif isinstance(budget, float):
        total = int(exact(budget) * (most if share_of is None else share_of))
    else:
        total = int(budget)
    asked = [int(weight * total) for weight in weights.values()]
    if scarcity == "fail" and total > most:
        raise ConfigError(_short(where, names, asked, available))
    final = [int(weight * min(total, most)) for weight in weights.values()]
    return [
        Target(weight, want, target, _outcome(shrunk=total > most, repeated=target > have))
        for weight, want, target, have in zip(weights.values(), asked, final, available, strict=True)
    ]


def _outcome(*, shrunk: bool, repeated: bool) -> str:
    return " and ".join(word for word, holds in (("repeated", repeated), ("shrunk", shrunk)) if holds) or "met"
