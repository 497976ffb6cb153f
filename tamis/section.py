"""The base of every configuration section: frozen, and unknown keys are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Kind = Literal["prose", "code", "maths", "licence", "catalogue"]

AppliesTo = Annotated[
    tuple[Kind, ...],
    Field(description="Kinds of document that the stage looks at; all others pass through untouched.", min_length=1),
]

Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _norwegian(value: Any) -> Any:
    """YAML reads `no` as false."""
    return "no" if value is False else value


LanguageCode = Annotated[str, BeforeValidator(_norwegian), Field(pattern=r"^[a-z]{2,3}$")]
"""ISO 639-1 code of a language, or 639-3 where there is none; `no` need not be quoted."""

AnyPath = TypeVar("AnyPath", str, Path)


def workflow_path(path: AnyPath) -> AnyPath:
    """A path as it came, if the workflow can carry it.

    Snakemake takes braces in a path for a wildcard and knows no way to escape them; it prints them by line.

    Raises:
        ValueError: it holds a brace, a line break or `<name>`, or is not UTF-8.
    """
    if found := [character for character in "{}\n\r" if character in str(path)]:
        raise ValueError(f"{str(path)!r} holds {found[0]!r}: braces and line breaks cannot stand in a path; rename it")
    if own := re.search(r"<[a-z][a-z0-9_]*>", str(path)):
        raise ValueError(f"{str(path)!r} holds {own[0]!r}, which Snakemake takes for a name of its own; rename it")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{str(path)!r} is not UTF-8: the workflow cannot carry such a name; rename it") from error
    return path


FilePath = Annotated[str, AfterValidator(workflow_path)]
"""A file or folder that the workflow reads or writes; any characters but braces and line breaks."""


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]


class Section(BaseModel):
    """One section of the configuration; every field carries a description with unit, range and origin."""

    # What checks a section is built with what it stands in, or when it is first used alone: a job uses one of fifty.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False, defer_build=True)

    def for_documents(self) -> Section:
        """The section of a stage as the params of the job have it that writes its documents."""
        return self
