"""The base of every configuration section: frozen, and unknown keys are refused."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["prose", "code", "maths", "licence", "catalogue"]

AppliesTo = Annotated[
    tuple[Kind, ...],
    Field(description="Kinds of document that the stage looks at; all others pass through untouched.", min_length=1),
]

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """One section of the configuration; every field carries a description with unit, range and origin."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: equal settings give equal strings, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
