"""The model of the whole configuration: one section a stage. What must hold between them is `tamis.config_checks`.

Imports stay light: no numba, torch or datatrove.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    TypeAdapter,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
    field_validator,
    model_validator,
)

from tamis.classifiers.kinds import AnyClassifier, Encoder
from tamis.config_checks import problems, too_many_crossings
from tamis.errors import ConfigError

# Not as modules: a field named like a module would hide it where pydantic evaluates the annotations.
from tamis.export import Config as ExportConfig
from tamis.pipeline import (
    BUILT_IN,
    CUTTING,
    MODULES,
    STAGES,
    ClassifierName,
    StageName,
    adds,
    edits_text,
)
from tamis.readers import AnySource
from tamis.report.settings import Config as ReportConfig
from tamis.section import FilePath, Section
from tamis.stages.annealing import Config as AnnealingConfig
from tamis.stages.ingest import Config as IngestConfig
from tamis.stages.mixtures import Config as MixtureConfig
from tamis.stages.tokenizer import Config as TokenizerConfig
from tamis.stages.validation import Config as ValidationConfig

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


def _keeping_all(given: Any) -> Any:
    """A section of a classifier whose selection has no shares where it names none."""
    if not isinstance(given, Mapping) or not isinstance(selection := given.get("selection", {}), Mapping):
        return given
    return {**given, "selection": {"keep_share": {}, **selection}}


Count = Annotated[int, Field(ge=1, le=10_000)]
Word = Literal["auto", "anew"]


def _shards(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    """A number of shards, or a word; what is wrong is said of the one that it is like, not of both."""
    words = isinstance(value, str) and not value.isdigit()
    return TypeAdapter(Word if words else Count).validate_python(value)


class _Top(Section):
    """Keys that belong to no stage."""

    output_dir: FilePath = Field("results", min_length=1, description="Folder of everything the workflow writes.")
    shards: Annotated[Count | Word, WrapValidator(_shards)] = Field(
        2,
        description="Number of document shards N; nothing a user receives depends on it. A shard is the work of one "
        "job: choose N so that it is about 0.1-1 GB of text; no job has all of that in memory at once. auto: by the "
        "size of the input (a shard for 16 MB of text up to 8, then for 256 MB), and what the results have from then "
        "on; anew: by its size even so, which makes everything again where the number is another.",
    )
    partitions: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Number of partitions P of a crossing; null: as many as shards. N·P may be at most 1,000,000.",
    )
    keep_exchange: bool = Field(
        True,
        description="Whether the files stay by which jobs hand rows to each other, about as large as the text, so that "
        "a later change of a threshold runs only what it must. false: they go as soon as their stage is whole, and a "
        "change makes them again. Both give the same bytes; docs/how-to/scale.md has the peak and the cost by stage.",
    )
    materialize: Literal["every_stage", "on_edit"] = Field(
        "every_stage",
        description="Which stages write texts. every_stage: all, so that the documents of each are whole by "
        "themselves. on_edit: ingest, stages that edit text, and the last; the documents of the others have no column "
        "`text` and name the file that holds it, which all readers of tamis join to them. Both give the same bytes of "
        "what a user receives; docs/how-to/scale.md has disk and time. A change makes the stages again.",
    )
    sources: tuple[AnySource, ...] = Field(
        min_length=1,
        description="Where documents come from; the order is the source priority of the keep order.",
    )
    pipeline: tuple[StageName | ClassifierName, ...] = Field(
        description="The stages and classifiers, in order; leaving a name out skips that stage.",
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

    classifiers: dict[ClassifierName, AnyClassifier] | None = Field(
        None,
        description="Classifiers by name, beside those that have sections of their own. `pipeline` names them where "
        "they are to stand; the name becomes a column of the documents. Where `selection` names no shares they only "
        "score: its `keep_share` is empty here.",
    )
    tokenizer: TokenizerConfig | None = Field(None, description="Tokenizer and token counts; null: none.")
    validation: ValidationConfig | None = Field(None, description="Validation split reserved first; null: none.")
    annealing: dict[Name, AnnealingConfig] | None = Field(None, description="Annealing sets by name.")
    mixtures: dict[Name, MixtureConfig] | None = Field(None, description="Mixtures by name.")
    export: ExportConfig = Field(ExportConfig(), description="What is handed to trainers.")
    report: ReportConfig = Field(ReportConfig(), description="The report page and the database.")

    @field_validator("classifiers", mode="before")
    @classmethod
    def _only_score(cls, given: Any) -> Any:
        return {name: _keeping_all(section) for name, section in given.items()} if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> _Bottom:
        if not (info.context or {}).get("alone") and (found := problems(self)):
            raise ValueError("\n  ".join(found))
        return self

    @property
    def named_classifiers(self) -> dict[str, str]:
        """The classifiers that have no section of their own, with their kind."""
        return {name: section.model for name, section in (self.classifiers or {}).items()}

    @property
    def classifier_names(self) -> tuple[str, ...]:
        """All classifiers, whether `pipeline` names them or not."""
        return (*BUILT_IN, *self.named_classifiers)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages and classifiers of `pipeline` that there are."""
        return tuple(name for name in self.pipeline if name in (*STAGES, *self.named_classifiers))

    def text_of(self, stage: str) -> str:
        """The stage whose documents hold the texts of a stage's documents: itself, or the last before it that edits."""
        if self.materialize == "every_stage" or stage not in self.stages:
            return stage
        read_by_users = () if self.tokenizer else self.stages[-1:]
        before = self.stages[: self.stages.index(stage) + 1]
        held = (name for name in reversed(before) if edits_text(name) or name in read_by_users)
        return next(held, "ingest")

    def own(self, stage: str) -> Any:
        return self.classifiers[stage] if self.classifiers and stage in self.classifiers else getattr(self, stage)

    def embedded_by(self, stage: str) -> Any:
        """The section that `embeddings` of a classifier names, if it stands before it in the pipeline."""
        other, before = self.own(stage).embeddings, self.stages[: self.stages.index(stage)]
        return self.own(other) if other in before and other in self.classifier_names else None

    def section(self, stage: str) -> Any:
        """The section of a stage or classifier; one that reads the embeddings of another has that one's encoder."""
        found = self.own(stage)
        if isinstance(found, Encoder) and found.embeddings is not None and stage in self.stages:
            other = self.embedded_by(stage)
            return found if found.wrong_embeddings(stage, other) else found.seeing(other)
        return found

    def key(self, stage: str) -> str:
        """Where the section of a stage or classifier stands in the configuration."""
        return f"classifiers.{stage}" if stage in self.named_classifiers else stage

    @property
    def partition_count(self) -> int:
        """Number of partitions P, once that of shards is known."""
        return self.partitions or int(self.shards)

    def of_shards(self, count: int) -> Any:
        """This configuration with a number of shards.

        Raises:
            ConfigError: they are too many for its partitions.
        """
        if wrong := too_many_crossings(count, self.partitions or count):
            raise ConfigError(wrong)
        return self.model_copy(update={"shards": count})

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
        return frozenset(column for name in self.stages for column in adds(name))


def _stage_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in STAGES:
        model, default = BUILT_IN[name] if name in BUILT_IN else (MODULES[name].Config, MODULES[name].Config())
        first = (type(default).__doc__ or name).strip().splitlines()[0]
        fields[name] = (model, Field(default, description=first))
    return fields


Config: Any = create_model("Config", __base__=_Bottom, __doc__="The whole configuration.", **_stage_fields())
"""The model of `config.yaml`: `_Bottom` plus one section a stage, named as the stage."""
