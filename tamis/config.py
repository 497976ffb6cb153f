"""The whole configuration: one model, one section a stage, checked when the workflow is parsed.

`load` takes the dictionary that Snakemake has merged from config files and `--config`, and answers with a frozen
`Config` or one readable `ConfigError` that names every wrong key. Imports stay light: no numba, torch or datatrove.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, create_model, field_validator, model_validator

from tamis.dedup.scope import refusal
from tamis.errors import ConfigError

# Not as modules: a field named like a module would hide it where pydantic evaluates the annotations.
from tamis.export import Config as ExportConfig
from tamis.readers import AnySource
from tamis.report.settings import Config as ReportConfig
from tamis.section import FilePath, Section
from tamis.sets.checks import problems
from tamis.stages.annealing import Config as AnnealingConfig
from tamis.stages.ingest import Config as IngestConfig
from tamis.stages.mixtures import Config as MixtureConfig
from tamis.stages.tokenizer import Config as TokenizerConfig
from tamis.stages.validation import Config as ValidationConfig

StageName = Literal[
    "remove",
    "url_dedup",
    "paragraph_dedup",
    "minhash_dedup",
    "line_pruning",
    "substring_dedup",
    "language_id",
    "heuristics",
    "fasttext_quality",
    "transformer_quality",
    "domains",
]

STAGES: tuple[str, ...] = get_args(StageName)
"""Stages that `pipeline` may name, in the order of the recipe."""

CUTTING = ("paragraph_dedup", "line_pruning", "substring_dedup")
"""Stages that cut repeated text."""

MODULES: dict[str, Any] = {name: importlib.import_module(f"tamis.stages.{name}") for name in STAGES}


def needs(stage: str) -> frozenset[str]:
    """Columns that a stage reads and ingest does not make: its module's `NEEDS`, none where it has no such name."""
    return frozenset(getattr(MODULES[stage], "NEEDS", ()))


def adds(stage: str) -> tuple[str, ...]:
    """Columns that a stage adds: its module's `ADDS`, none where it has no such name."""
    return tuple(getattr(MODULES[stage], "ADDS", ()))


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


class _Top(Section):
    """Keys that belong to no stage."""

    output_dir: FilePath = Field("results", min_length=1, description="Folder of everything the workflow writes.")
    shards: Annotated[int, Field(ge=1, le=10_000)] = Field(
        2,
        description="Number of document shards N; nothing a user receives depends on it. A shard is the work of one "
        "job: choose N so that it is about 0.1-1 GB of text; no job has all of that in memory at once.",
    )
    partitions: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Number of partitions P of a crossing; null: as many as shards. N·P may be at most 1,000,000.",
    )
    sources: tuple[AnySource, ...] = Field(
        min_length=1,
        description="Where documents come from; the order is the source priority of the keep order.",
    )
    pipeline: tuple[StageName, ...] = Field(
        description="The stages, in order; leaving a name out skips that stage.",
    )
    ingest: IngestConfig = Field(IngestConfig(), description="Reading the sources.")

    @field_validator("output_dir")
    @classmethod
    def _can_be_questioned(cls, folder: str) -> str:
        # Its patterns, by which views read the results, cannot say a backslash; after a ? it looks for options.
        if found := [character for character in "\\?" if character in folder]:
            raise ValueError(f"{folder!r} holds {found[0]!r}, which DuckDB takes for its own; name another folder")
        return folder


class _Bottom(_Top):
    """Keys of what follows the pool."""

    tokenizer: TokenizerConfig | None = Field(None, description="Tokenizer and token counts; null: none.")
    validation: ValidationConfig | None = Field(None, description="Validation split reserved first; null: none.")
    annealing: dict[Name, AnnealingConfig] | None = Field(None, description="Annealing sets by name.")
    mixtures: dict[Name, MixtureConfig] | None = Field(None, description="Mixtures by name.")
    export: ExportConfig = Field(ExportConfig(), description="What is handed to trainers.")
    report: ReportConfig = Field(ReportConfig(), description="The report page.")

    @model_validator(mode="after")
    def _names_and_sizes(self) -> _Bottom:
        names = [source.name for source in self.sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"sources: the name {name!r} is given to {names.count(name)} sources; give each its own"
                )
        if self.shards * self.partition_count > 1_000_000:
            raise ValueError(f"shards x partitions = {self.shards * self.partition_count}; at most 1,000,000")
        return self

    @model_validator(mode="after")
    def _pipeline_fits(self) -> _Bottom:
        have: set[str] = set()
        whole: Any = self  # the sections of the stages are fields of `Config`
        if "remove" not in self.pipeline and whole.remove.files:
            raise ValueError("remove: lists are given, but the pipeline does not name the stage; put it first")
        own = PurePath(self.output_dir, "minhash_dedup", "index")
        if own in map(PurePath, whole.minhash_dedup.against):
            raise ValueError(
                f"minhash_dedup.against: {own} is the index of this run itself; name that of an earlier one"
            )
        for position, name in enumerate(self.pipeline):
            if name in self.pipeline[:position]:
                raise ValueError(f"pipeline: {name} stands twice")
            missing = sorted(needs(name) - have)
            if missing:
                makers = ", ".join(f"{column} is made by {maker_of(column)}" for column in missing)
                raise ValueError(
                    f"pipeline: {name} needs {', '.join(missing)}, which no stage before it makes ({makers})"
                )
            if problem := refusal(getattr(getattr(self, name), "within", None), have):
                raise ValueError(f"{name}.within: {problem}")
            have |= set(adds(name))
        if "domains" in self.pipeline and getattr(self, "domains").features == "embeddings":  # noqa: B009 - a field of the subclass
            position = self.pipeline.index("domains")
            if "transformer_quality" not in self.pipeline[:position]:
                raise ValueError(
                    "domains.features: embeddings are made by transformer_quality, which no stage before domains is; "
                    "put it into pipeline, or set domains.features to fasttext or lexical"
                )
        return self

    @model_validator(mode="after")
    def _sets_fit(self) -> _Bottom:
        found = problems(
            columns=self.pool_columns,
            sources=[source.name for source in self.sources],
            tokenizer=self.tokenizer,
            validation=self.validation,
            annealing=self.annealing,
            mixtures=self.mixtures,
            exported=self.export.sets,
        )
        if found:
            raise ValueError("\n  ".join(found))
        return self

    @property
    def partition_count(self) -> int:
        """Number of partitions P."""
        return self.partitions or self.shards

    @property
    def first_to_cut(self) -> str:
        """The first stage that cuts repeated text, if one does so before `minhash_dedup`, else `minhash_dedup`.

        What this stage reads is what `minhash_dedup` compares.
        """
        before = self.pipeline[: self.pipeline.index("minhash_dedup")]
        return next((name for name in before if name in CUTTING), "minhash_dedup")

    @property
    def pool_columns(self) -> frozenset[str]:
        """Stage columns that the pool's documents carry."""
        return frozenset(column for name in self.pipeline for column in adds(name))


def maker_of(column: str) -> str:
    """The stage that adds a column."""
    return next((name for name in STAGES if column in adds(name)), "no stage")


def _stage_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in STAGES:
        model = MODULES[name].Config
        first = (model.__doc__ or name).strip().splitlines()[0]
        fields[name] = (model, Field(default_factory=model, description=first))
    return fields


Config: Any = create_model("Config", __base__=_Bottom, __doc__="The whole configuration.", **_stage_fields())
"""The model of `config.yaml`: `_Bottom` plus one section a stage, named as the stage."""


def readable(error: ValidationError) -> str:
    """One line a wrong key: where it stands, what is wrong, what was given."""
    lines = []
    for item in error.errors(include_url=False):
        # Tags of discriminated unions and positions read as `sources[1].paths`.
        key = ""
        for part in item["loc"]:
            key += f"[{part}]" if isinstance(part, int) else f"{'.' if key else ''}{part}"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "there is no such key"
        given = "" if item["type"] in ("missing", "extra_forbidden", "value_error") else f" (given: {item['input']!r})"
        lines.append(f"  {key or 'config'}: {message}{given}")
    return "The configuration is refused:\n" + "\n".join(lines)


def load(given: Mapping[str, Any]) -> Any:
    """Check a configuration.

    Args:
        given: the merged dictionary of the config files; null sections stand for their defaults.

    Returns:
        A frozen `Config`.

    Raises:
        ConfigError: with one line for every wrong key.
    """
    values = {key: value for key, value in given.items() if value is not None}
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(readable(error)) from error
    # Stages that are trained in the run would find missing labels only after everything before them has run.
    for name in config.pipeline:
        section = getattr(config, name)
        if hasattr(section, "check"):
            section.check()
    return config
