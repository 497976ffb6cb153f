"""The model of the whole configuration: one section a stage, and what must hold between sections.

Imports stay light: no numba, torch or datatrove.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
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

from tamis.classifiers.kinds import AnyClassifier, Classifier, Encoder, Ensemble, Taught
from tamis.classifiers.references import Reference
from tamis.classifiers.selectors import Selector
from tamis.dedup.scope import refusal
from tamis.errors import ConfigError

# Not as modules: a field named like a module would hide it where pydantic evaluates the annotations.
from tamis.export import Config as ExportConfig
from tamis.pipeline import (
    AFTER_EXTRACTS,
    BUILT_IN,
    CUTTING,
    GROWING,
    MODULES,
    STAGES,
    STEPS_OF,
    TAKEN,
    ClassifierName,
    StageName,
    adds,
    edits_text,
    maker_of,
    needs,
)
from tamis.readers import AnySource
from tamis.report.settings import Config as ReportConfig
from tamis.schemas import BASE_COLUMNS, STAGE_COLUMNS
from tamis.section import FilePath, Section
from tamis.sets.checks import problems, unknown
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


MOST_CROSSINGS = 1_000_000
"""Shards times partitions: batches of a crossing."""


Count = Annotated[int, Field(ge=1, le=10_000)]
Word = Literal["auto", "anew"]


def _shards(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    """A number of shards, or a word; what is wrong is said of the one that it is like, not of both."""
    words = isinstance(value, str) and not value.isdigit()
    return TypeAdapter(Word if words else Count).validate_python(value)


def _too_many(shards: int, partitions: int) -> str:
    return f"shards x partitions = {shards * partitions}; at most 1,000,000"


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
        if not (info.context or {}).get("alone") and (found := self.problems()):
            raise ValueError("\n  ".join(found))
        return self

    def problems(self) -> list[str]:
        """What is wrong between sections that are right by themselves; each line names its key."""
        return [
            *self._names_and_sizes(),
            *self._classifiers(),
            *self._pipeline(),
            *self._embeddings(),
            *self._ensembles(),
            *self._judges(),
            *self._scores_of_lists(),
            *self._extracts(),
            *self._sections(),
            *self._sets(),
        ]

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

    def _own(self, stage: str) -> Any:
        return self.classifiers[stage] if self.classifiers and stage in self.classifiers else getattr(self, stage)

    def _embedded_by(self, stage: str) -> Any:
        """The section that `embeddings` of a classifier names, if it stands before it in the pipeline."""
        other, before = self._own(stage).embeddings, self.stages[: self.stages.index(stage)]
        return self._own(other) if other in before and other in self.classifier_names else None

    def section(self, stage: str) -> Any:
        """The section of a stage or classifier; one that reads the embeddings of another has that one's encoder."""
        found = self._own(stage)
        if isinstance(found, Encoder) and found.embeddings is not None and stage in self.stages:
            other = self._embedded_by(stage)
            return found if found.wrong_embeddings(stage, other) else found.seeing(other)
        return found

    def key(self, stage: str) -> str:
        """Where the section of a stage or classifier stands in the configuration."""
        return f"classifiers.{stage}" if stage in self.named_classifiers else stage

    def _classifiers(self) -> Iterator[str]:
        taken = {*STAGES, *type(self).model_fields, *BASE_COLUMNS, *STAGE_COLUMNS, *TAKEN}
        for name in self.named_classifiers:
            if name in taken:
                yield f"classifiers.{name}: tamis itself uses this name for something else; choose another"
            for other in (*STAGES, *STEPS_OF, *self.named_classifiers):
                if name.startswith(f"{other}_") and name not in taken:
                    yield f"classifiers.{name}: names that begin with {other}_ are those of its steps; choose another"

    def _names_and_sizes(self) -> Iterator[str]:
        names = [source.name for source in self.sources]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"sources: the name {name!r} is given to {names.count(name)} sources; give each its own"
        if isinstance(self.shards, int) and self.shards * self.partition_count > MOST_CROSSINGS:
            yield _too_many(self.shards, self.partition_count)

    def _earlier_runs(self) -> Iterator[str]:
        for stage in GROWING:
            section: Any = getattr(self, stage)
            own = PurePath(self.output_dir, stage, "index")
            if own in map(PurePath, section.against):
                yield f"{stage}.against: {own} is the index of this run itself; name that of an earlier one"
            if section.against and stage not in self.pipeline:
                yield f"{stage}.against: earlier runs are given, but the pipeline does not name the stage"

    def _names(self) -> Iterator[str]:
        whole: Any = self
        if whole.privacy.names:
            if "privacy" not in self.pipeline:
                yield "privacy.names: models are given, but the pipeline does not name the stage; put it last"
            elif "language_id" not in self.pipeline[: self.pipeline.index("privacy")]:
                yield "privacy.names: models are chosen by the language of a text; put language_id before privacy"

    def _pipeline(self) -> Iterator[str]:
        have: set[str] = set()
        whole: Any = self  # the sections of the stages are fields of `Config`
        if "remove" not in self.pipeline and whole.remove.files:
            yield "remove: lists are given, but the pipeline does not name the stage; put it first"
        if "url_filter" not in self.pipeline and whole.url_filter.block:
            yield "url_filter: lists are given, but the pipeline does not name the stage; put it first"
        if "toxicity" not in self.pipeline and (whole.toxicity.folders or whole.toxicity.lists):
            yield "toxicity: lists are given, but the pipeline does not name the stage; put it after language_id"
        yield from self._earlier_runs()
        yield from self._names()
        for position, name in enumerate(self.pipeline):
            if name not in self.stages:
                yield f"pipeline: {unknown('stage', name, [*STAGES, *self.named_classifiers])}"
                continue
            if name in self.pipeline[:position]:
                yield f"pipeline: {name} stands twice"
                continue
            if missing := sorted(needs(name) - have):
                makers = ", ".join(f"{column} is made by {maker_of(column)}" for column in missing)
                yield f"pipeline: {name} needs {', '.join(missing)}, which no stage before it makes ({makers})"
            section = self._own(name)
            if problem := refusal(getattr(section, "within", None), have):
                yield f"{name}.within: {problem}"
            if hasattr(section, "wrong_expressions"):
                yield from section.wrong_expressions(have, self._makers())
            have |= set(adds(name))

    def _embeddings(self) -> Iterator[str]:
        """What is wrong with scores and embeddings that one section reads of another."""
        for name in self.stages:
            found = self._own(name)
            if isinstance(found, Taught) and (wrong := self._wrong_cascade(name, found)):
                yield f"{self.key(name)}.cascade.score: {wrong}"
            if (
                isinstance(found, Taught)
                and found.languages
                and "language_id" not in self.stages[: self.stages.index(name)]
            ):
                yield f"{self.key(name)}.languages: no stage before {name} tells languages; put language_id there"
            reads = isinstance(found, Encoder) and found.embeddings is not None
            if reads and (wrong := found.wrong_embeddings(self.key(name), self._embedded_by(name))):
                yield wrong
        whole: Any = self
        if "domains" in self.stages and whole.domains.features == "embeddings":
            other = whole.domains.embeddings
            if other not in self.stages[: self.stages.index("domains")] or other not in self.classifier_names:
                yield (
                    f"domains.features: embeddings are made by {other}, which no stage before domains is; "
                    "put it into pipeline, or set domains.features to fasttext or lexical"
                )
            elif not isinstance(self._own(other), Encoder) or self._own(other).embeddings is not None:
                yield (
                    f"domains.embeddings: {other} makes no embeddings of its own; name another classifier that does, "
                    "or set domains.features to fasttext or lexical"
                )
            elif self._own(other).cascade is not None:
                yield f"domains.embeddings: {other} embeds only what its cascade lets through; set features to fasttext"

    def _wrong_cascade(self, name: str, section: Taught) -> str | None:
        before = self.stages[: self.stages.index(name)]
        if section.cascade is None or section.cascade.score in (
            known := [n for n in before if n in self.classifier_names]
        ):
            return None
        score = section.cascade.score
        moved = f"; put {score} before {name}" if score in self.classifier_names else ""
        return f"{score} is no classifier that stands before it in pipeline; known: {', '.join(known) or 'none'}{moved}"

    def _ensembles(self) -> Iterator[str]:
        for name in self.stages:
            section, before = self._own(name), self.stages[: self.stages.index(name)]
            if not isinstance(section, Ensemble):
                continue
            known = [other for other in before if other in self.classifier_names]
            if strange := [member for member in section.of if member not in known]:
                yield (
                    f"{self.key(name)}.of: {strange[0]} is no classifier that stands before {name} in pipeline; known: "
                    f"{', '.join(known) or 'none'}"
                )
                continue
            scored = {kind for member in section.of for kind in self._own(member).applies_to}
            if missing := [kind for kind in section.applies_to if section.of and kind not in scored]:
                yield f"{self.key(name)}.applies_to: none of {', '.join(section.of)} scores {missing[0]}; take it out"

    def _judges(self) -> Iterator[str]:
        for name in self.stages:
            section = self._own(name)
            judge = getattr(getattr(section, "labels", None), "judge", None)
            if judge is not None and Path(judge.cache).resolve().is_relative_to(Path(self.output_dir).resolve()):
                yield (
                    f"{self.key(name)}.labels.judge.cache: {judge.cache} lies in output_dir, and answers would be paid "
                    "for again when the results are made from nothing; name a folder outside"
                )

    def _scores_of_lists(self) -> Iterator[str]:
        """What is wrong with the classifiers that `toxicity` reads beside its lists."""
        whole: Any = self
        if "toxicity" in self.stages:
            before = self.stages[: self.stages.index("toxicity")]
            known = tuple(name for name in before if name in self.classifier_names)
            yield from whole.toxicity.wrong_scores(known, "toxicity")

    def _extracts(self) -> Iterator[str]:
        if "extracts" in self.pipeline:
            later = self.stages[self.stages.index("extracts") + 1 :]
            if wrong := [name for name in later if name not in AFTER_EXTRACTS and not self._keeps_all(name)]:
                yield (
                    f"pipeline: {', '.join(wrong)} may drop what extracts has kept in an extract's place, so that its "
                    "text would be lost; put extracts after, or let a classifier only score (selection: {keep_share: "
                    "{}})"
                )

    def _keeps_all(self, name: str) -> bool:
        whole: Any = self
        if name == "privacy":
            return bool(whole.privacy.max_spans is None)
        if name == "toxicity":
            return bool(whole.toxicity.keeps_all)
        section = self._own(name) if name in self.classifier_names else None
        return isinstance(section, Classifier) and section.selection.keeps_all

    def _sections(self) -> Iterator[str]:
        known = [source.name for source in self.sources]
        for name in dict.fromkeys(self.stages):
            section = self._own(name)
            # Stages that are trained in the run would find missing labels only after everything before them has run.
            if hasattr(section, "check"):
                try:
                    section.check(self.key(name))
                except ConfigError as error:
                    yield str(error)
            for key, source in references(section, self.key(name)):
                if source not in known:
                    yield (
                        f"{key}: {unknown('source', source, known)}; a file in the working directory is written "
                        f"./{source}"
                    )
            for key, selector in selectors(section, self.key(name)):
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
        """Number of partitions P, once that of shards is known."""
        return self.partitions or int(self.shards)

    def of_shards(self, count: int) -> Any:
        """This configuration with a number of shards.

        Raises:
            ConfigError: they are too many for its partitions.
        """
        if count * (self.partitions or count) > MOST_CROSSINGS:
            raise ConfigError(_too_many(count, self.partitions or count))
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

    def _makers(self) -> dict[str, str]:
        """Stage column → where it comes from, in words."""
        every = (*STAGES, *self.named_classifiers)
        made = {column: f"{column} is made by {name}" for name in every for column in adds(name)}
        return dict.fromkeys(STAGE_COLUMNS, "counted by tokenizer, after all stages") | made


def _stage_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in STAGES:
        model, default = BUILT_IN[name] if name in BUILT_IN else (MODULES[name].Config, MODULES[name].Config())
        first = (type(default).__doc__ or name).strip().splitlines()[0]
        fields[name] = (model, Field(default, description=first))
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
