"""The whole configuration: one model, one section a stage, checked when the workflow is parsed.

`load` takes the dictionary that Snakemake has merged from config files and `--config`, and answers with a frozen
`Config` or one readable `ConfigError` that names every wrong key. Imports stay light: no numba, torch or datatrove.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError, ValidationInfo, create_model, field_validator, model_validator

from tamis.classifiers.references import Reference
from tamis.classifiers.selectors import Selector
from tamis.dedup.scope import refusal
from tamis.errors import ConfigError, TamisError, safe

# Not as modules: a field named like a module would hide it where pydantic evaluates the annotations.
from tamis.export import Config as ExportConfig
from tamis.readers import AnySource
from tamis.report.settings import Config as ReportConfig
from tamis.schemas import STAGE_COLUMNS
from tamis.section import FilePath, Section
from tamis.sets.checks import problems, unknown
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
    "linear_quality",
    "transformer_quality",
    "extracts",
    "domains",
    "filter",
]

STAGES: tuple[str, ...] = get_args(StageName)
"""Stages that `pipeline` may name, in the order of the recipe."""

CUTTING = ("paragraph_dedup", "line_pruning", "substring_dedup")
"""Stages that cut repeated text."""

AFTER_EXTRACTS = ("domains",)
"""Stages that drop nothing, and may follow `extracts`."""

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
    report: ReportConfig = Field(ReportConfig(), description="The report page and the database.")

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> _Bottom:
        if not (info.context or {}).get("alone") and (found := self.problems()):
            raise ValueError("\n  ".join(found))
        return self

    def problems(self) -> list[str]:
        """What is wrong between sections that are right by themselves; each line names its key."""
        return [*self._names_and_sizes(), *self._pipeline(), *self._extracts(), *self._sections(), *self._sets()]

    def _names_and_sizes(self) -> Iterator[str]:
        names = [source.name for source in self.sources]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"sources: the name {name!r} is given to {names.count(name)} sources; give each its own"
        if self.shards * self.partition_count > 1_000_000:
            yield f"shards x partitions = {self.shards * self.partition_count}; at most 1,000,000"

    def _pipeline(self) -> Iterator[str]:
        have: set[str] = set()
        whole: Any = self  # the sections of the stages are fields of `Config`
        if "remove" not in self.pipeline and whole.remove.files:
            yield "remove: lists are given, but the pipeline does not name the stage; put it first"
        own = PurePath(self.output_dir, "minhash_dedup", "index")
        if own in map(PurePath, whole.minhash_dedup.against):
            yield f"minhash_dedup.against: {own} is the index of this run itself; name that of an earlier one"
        for position, name in enumerate(self.pipeline):
            if name in self.pipeline[:position]:
                yield f"pipeline: {name} stands twice"
                continue
            if missing := sorted(needs(name) - have):
                makers = ", ".join(f"{column} is made by {maker_of(column)}" for column in missing)
                yield f"pipeline: {name} needs {', '.join(missing)}, which no stage before it makes ({makers})"
            if problem := refusal(getattr(getattr(self, name), "within", None), have):
                yield f"{name}.within: {problem}"
            if hasattr(getattr(self, name), "wrong_expressions"):
                yield from getattr(self, name).wrong_expressions(have, _makers())
            have |= set(adds(name))
        if "domains" in self.pipeline and whole.domains.features == "embeddings":
            position = self.pipeline.index("domains")
            if "transformer_quality" not in self.pipeline[:position]:
                yield (
                    "domains.features: embeddings are made by transformer_quality, which no stage before domains is; "
                    "put it into pipeline, or set domains.features to fasttext or lexical"
                )

    def _extracts(self) -> Iterator[str]:
        if "extracts" in self.pipeline:
            later = self.pipeline[self.pipeline.index("extracts") + 1 :]
            if wrong := [name for name in later if name not in AFTER_EXTRACTS]:
                yield (
                    f"pipeline: {', '.join(wrong)} may drop what extracts has kept in an extract's place, so that its "
                    "text would be lost; put extracts after"
                )

    def _sections(self) -> Iterator[str]:
        known = [source.name for source in self.sources]
        for name in dict.fromkeys(self.pipeline):
            section = getattr(self, name)
            # Stages that are trained in the run would find missing labels only after everything before them has run.
            if hasattr(section, "check"):
                try:
                    section.check()
                except ConfigError as error:
                    yield str(error)
            for key, source in references(section, name):
                if source not in known:
                    yield (
                        f"{key}: {unknown('source', source, known)}; a file in the working directory is written "
                        f"./{source}"
                    )
            for key, selector in selectors(section, name):
                for source in selector.sources:
                    if source not in known:
                        yield f"{key}.sources: {unknown('source', source, known)}"

    def _sets(self) -> list[str]:
        return problems(
            columns=self.pool_columns,
            sources=[source.name for source in self.sources],
            tokenizer=self.tokenizer,
            validation=self.validation,
            annealing=self.annealing,
            mixtures=self.mixtures,
            exported=self.export.sets,
        )

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


def _makers() -> dict[str, str]:
    """Stage column → where it comes from, in words."""
    made = {column: f"{column} is made by {maker_of(column)}" for name in STAGES for column in adds(name)}
    return dict.fromkeys(STAGE_COLUMNS, "counted by tokenizer, after all stages") | made


def _stage_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in STAGES:
        model = MODULES[name].Config
        first = (model.__doc__ or name).strip().splitlines()[0]
        fields[name] = (model, Field(default_factory=model, description=first))
    return fields


Config: Any = create_model("Config", __base__=_Bottom, __doc__="The whole configuration.", **_stage_fields())
"""The model of `config.yaml`: `_Bottom` plus one section a stage, named as the stage."""


def sections(value: Any, key: str) -> Iterator[tuple[str, Section]]:
    """A section and every section in it, each with its key."""
    if isinstance(value, Section):
        yield key, value
        for name in type(value).model_fields:
            yield from sections(getattr(value, name), f"{key}.{name}")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from sections(item, f"{key}.{name}")
    elif isinstance(value, tuple | list):
        for position, item in enumerate(value):
            yield from sections(item, f"{key}[{position}]")


def selectors(value: Any, key: str) -> Iterator[tuple[str, Selector]]:
    """Every selector in a section, with its key."""
    return ((name, found) for name, found in sections(value, key) if isinstance(found, Selector))


def references(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """The name of every source that is a reference in a section, with its key."""
    for name, found in sections(value, key):
        if isinstance(found, Reference) and found.source is not None:
            yield f"{name}.reference", found.source


def _known_keys() -> list[str]:
    schema = Config.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    return sorted({name for model in models for name in model.get("properties", {})})


def _error_lines(error: ValidationError) -> list[str]:
    lines: list[str] = []
    for item in error.errors(include_url=False):
        # Tags of discriminated unions and positions read as `sources[1].paths`.
        key = ""
        for part in item["loc"]:
            key += f"[{part}]" if isinstance(part, int) else f"{'.' if key else ''}{part}"
        message = item["msg"].removeprefix("Value error, ")
        if not key and item["type"] == "value_error":
            lines += message.split("\n  ")
            continue
        if item["type"] == "extra_forbidden":
            close = get_close_matches(str(item["loc"][-1]), _known_keys(), n=1)
            close = [name for name in close if name != item["loc"][-1]]
            message = "there is no such key" + (f"; {close[0]}?" if close else "")
        given = (
            "" if item["type"] in ("missing", "extra_forbidden", "value_error") else f" (given: {shown(item['input'])})"
        )
        lines.append(f"{key or 'config'}: {message}{given}")
    return lines


def shown(value: object) -> str:
    """A given value on one line of bounded length."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


SHOWN = 200


def refused(lines: Iterable[str]) -> str:
    """The message of a refusal: one line a wrong key, each once, `safe` for a terminal."""
    return safe("The configuration is refused:\n" + "\n".join(f"  {line}" for line in dict.fromkeys(lines)))


def _right_parts(values: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
    """The configuration without what pydantic refuses: whole sections, but single sources and stages."""
    wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
    right = {key: value for key, value in values.items() if key not in wrong}
    if isinstance(values.get("sources"), list | tuple) and "sources" in wrong:
        right["sources"] = [source for value in values["sources"] if (source := _right_source(value)) is not None]
    if isinstance(values.get("pipeline"), list | tuple) and "pipeline" in wrong:
        right["pipeline"] = [stage for stage in values["pipeline"] if stage in STAGES]
    return right


def _right_source(value: Any) -> Any:
    """A source, or what is left without its refused keys; None where that is none."""
    source = TypeAdapter(AnySource)
    try:
        return source.validate_python(value)
    except ValidationError as error:
        wrong = {item["loc"][-1] for item in error.errors() if item["loc"]}
    if not isinstance(value, Mapping):
        return None
    try:
        return source.validate_python({key: item for key, item in value.items() if key not in wrong})
    except ValidationError:
        return None


def _problems(values: Mapping[str, Any], *, look: bool) -> list[str]:
    """Everything that is wrong with a configuration, as far as its right parts let it be known.

    Args:
        values: the dictionary.
        look: whether files that must be there are looked for.
    """
    lines: list[str] = []
    wrong: set[str] = set()
    try:
        config = Config.model_validate(values, context={"alone": True})
    except ValidationError as error:
        lines += _error_lines(error)
        wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        try:
            config = Config.model_validate(_right_parts(values, error), context={"alone": True})
        except ValidationError:
            return lines
    # What is said of a section that is refused, and has its defaults here, would not be true.
    lines += [
        line for line in config.problems() if re.split(r"[.:\[ ]", line, maxsplit=1)[0] not in wrong - {"sources"}
    ]
    return lines + (_missing_files(config) if look else [])


def check_files(config: Any) -> None:
    """Hold that the files which stages are to learn from can be read and teach something.

    Raises:
        TamisError: the first of them that does not.
    """
    for name in dict.fromkeys(config.pipeline):
        section = getattr(config, name)
        if hasattr(section, "check_files"):
            section.check_files()


def _missing_files(config: Any) -> list[str]:
    from tamis.dedup.minhash.index import index_files

    lines = []
    for source in config.sources:
        try:
            source.input_files()
        except TamisError as error:
            lines.append(f"sources: {error}")
    try:
        index_files(config.minhash_dedup.against, config.minhash_dedup.scheme())
    except TamisError as error:
        lines.append(str(error))
    try:
        check_files(config)
    except TamisError as error:
        lines.append(str(error))
    return lines


def _given(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def all_problems(given: Mapping[str, Any], error: TamisError) -> str:
    """Everything that is wrong with a configuration and with the files that it names, once something is.

    Args:
        given: as for `load`.
        error: what was found first.
    """
    lines = _problems(_given(given), look=True)
    first = str(error)
    # What was found first may be of another kind, such as a key given twice in a file.
    if any(first in line for line in lines) or first.startswith("The configuration is refused"):
        return refused(lines) if len(lines) > 1 or first.startswith("The configuration is refused") else first
    return "\n".join([first, *([refused(lines)] if lines else [])])


def load(given: Mapping[str, Any]) -> Any:
    """Check a configuration.

    Args:
        given: the merged dictionary of the config files; null sections stand for their defaults.

    Returns:
        A frozen `Config`.

    Raises:
        ConfigError: with one line for every wrong key.
    """
    values = _given(given)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(refused(_problems(values, look=False))) from error
