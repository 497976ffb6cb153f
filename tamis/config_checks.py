"""What must hold between sections that are right by themselves.

Imports stay light: no numba, torch or datatrove.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from tamis.classifiers.kinds import Classifier, Encoder, Ensemble, Taught
from tamis.classifiers.references import Reference
from tamis.classifiers.selectors import Selector
from tamis.dedup.scope import refusal
from tamis.errors import ConfigError
from tamis.pipeline import AFTER_EXTRACTS, GROWING, STAGES, STEPS_OF, TAKEN, adds, maker_of, needs
from tamis.schemas import BASE_COLUMNS, STAGE_COLUMNS
from tamis.section import Section
from tamis.sets import checks

MOST_CROSSINGS = 1_000_000
"""Shards times partitions: batches of a crossing."""


def problems(config: Any) -> list[str]:
    """What is wrong between sections of a `tamis.config_model.Config`; each line names its key."""
    return [
        *_names_and_sizes(config),
        *_classifiers(config),
        *_pipeline(config),
        *_embeddings(config),
        *_ensembles(config),
        *_judges(config),
        *_scores_of_lists(config),
        *_extracts(config),
        *_sections(config),
        *_sets(config),
    ]


def too_many_crossings(shards: int, partitions: int) -> str | None:
    """What is wrong with numbers of shards and partitions, if anything is."""
    crossings = shards * partitions
    return f"shards x partitions = {crossings}; at most {MOST_CROSSINGS:,}" if crossings > MOST_CROSSINGS else None


def _classifiers(config: Any) -> Iterator[str]:
    taken = {*STAGES, *type(config).model_fields, *BASE_COLUMNS, *STAGE_COLUMNS, *TAKEN}
    for name in config.named_classifiers:
        if name in taken:
            yield f"classifiers.{name}: tamis itself uses this name for something else; choose another"
        for other in (*STAGES, *STEPS_OF, *config.named_classifiers):
            if name.startswith(f"{other}_") and name not in taken:
                yield f"classifiers.{name}: names that begin with {other}_ are those of its steps; choose another"


def _names_and_sizes(config: Any) -> Iterator[str]:
    names = [source.name for source in config.sources]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"sources: the name {name!r} is given to {names.count(name)} sources; give each its own"
    if isinstance(config.shards, int) and (wrong := too_many_crossings(config.shards, config.partition_count)):
        yield wrong


def _earlier_runs(config: Any) -> Iterator[str]:
    for stage in GROWING:
        section: Any = getattr(config, stage)
        own = PurePath(config.output_dir, stage, "index")
        if own in map(PurePath, section.against):
            yield f"{stage}.against: {own} is the index of this run itself; name that of an earlier one"
        if section.against and stage not in config.pipeline:
            yield f"{stage}.against: earlier runs are given, but the pipeline does not name the stage"


def _names(config: Any) -> Iterator[str]:
    if config.privacy.names:
        if "privacy" not in config.pipeline:
            yield "privacy.names: models are given, but the pipeline does not name the stage; put it last"
        elif "language_id" not in config.pipeline[: config.pipeline.index("privacy")]:
            yield "privacy.names: models are chosen by the language of a text; put language_id before privacy"


def _pipeline(config: Any) -> Iterator[str]:
    have: set[str] = set()
    if "remove" not in config.pipeline and config.remove.files:
        yield "remove: lists are given, but the pipeline does not name the stage; put it first"
    if "url_filter" not in config.pipeline and config.url_filter.block:
        yield "url_filter: lists are given, but the pipeline does not name the stage; put it first"
    if "toxicity" not in config.pipeline and (config.toxicity.folders or config.toxicity.lists):
        yield "toxicity: lists are given, but the pipeline does not name the stage; put it after language_id"
    yield from _earlier_runs(config)
    yield from _names(config)
    for position, name in enumerate(config.pipeline):
        if name not in config.stages:
            yield f"pipeline: {checks.unknown('stage', name, [*STAGES, *config.named_classifiers])}"
            continue
        if name in config.pipeline[:position]:
            yield f"pipeline: {name} stands twice"
            continue
        if missing := sorted(needs(name) - have):
            makers = ", ".join(f"{column} is made by {maker_of(column)}" for column in missing)
            yield f"pipeline: {name} needs {', '.join(missing)}, which no stage before it makes ({makers})"
        section = config.own(name)
        if problem := refusal(getattr(section, "within", None), have):
            yield f"{name}.within: {problem}"
        if hasattr(section, "wrong_expressions"):
            yield from section.wrong_expressions(have, _makers(config))
        have |= set(adds(name))


def _makers(config: Any) -> dict[str, str]:
    """Stage column → where it comes from, in words."""
    every = (*STAGES, *config.named_classifiers)
    made = {column: f"{column} is made by {name}" for name in every for column in adds(name)}
    return dict.fromkeys(STAGE_COLUMNS, "counted by tokenizer, after all stages") | made


def _embeddings(config: Any) -> Iterator[str]:
    """What is wrong with scores and embeddings that one section reads of another."""
    for name in config.stages:
        found = config.own(name)
        if isinstance(found, Taught) and (wrong := _wrong_cascade(config, name, found)):
            yield f"{config.key(name)}.cascade.score: {wrong}"
        if (
            isinstance(found, Taught)
            and found.languages
            and "language_id" not in config.stages[: config.stages.index(name)]
        ):
            yield f"{config.key(name)}.languages: no stage before {name} tells languages; put language_id there"
        reads = isinstance(found, Encoder) and found.embeddings is not None
        if reads and (wrong := found.wrong_embeddings(config.key(name), config.embedded_by(name))):
            yield wrong
    if "domains" in config.stages and config.domains.features == "embeddings":
        other = config.domains.embeddings
        if other not in config.stages[: config.stages.index("domains")] or other not in config.classifier_names:
            yield (
                f"domains.features: embeddings are made by {other}, which no stage before domains is; "
                "put it into pipeline, or set domains.features to fasttext or lexical"
            )
        elif not isinstance(config.own(other), Encoder) or config.own(other).embeddings is not None:
            yield (
                f"domains.embeddings: {other} makes no embeddings of its own; name another classifier that does, "
                "or set domains.features to fasttext or lexical"
            )
        elif config.own(other).cascade is not None:
            yield f"domains.embeddings: {other} embeds only what its cascade lets through; set features to fasttext"


def _wrong_cascade(config: Any, name: str, section: Taught) -> str | None:
    before = config.stages[: config.stages.index(name)]
    if section.cascade is None or section.cascade.score in (
        known := [n for n in before if n in config.classifier_names]
    ):
        return None
    score = section.cascade.score
    moved = f"; put {score} before {name}" if score in config.classifier_names else ""
    return f"{score} is no classifier that stands before it in pipeline; known: {', '.join(known) or 'none'}{moved}"


def _ensembles(config: Any) -> Iterator[str]:
    for name in config.stages:
        section, before = config.own(name), config.stages[: config.stages.index(name)]
        if not isinstance(section, Ensemble):
            continue
        known = [other for other in before if other in config.classifier_names]
        if strange := [member for member in section.of if member not in known]:
            yield (
                f"{config.key(name)}.of: {strange[0]} is no classifier that stands before {name} in pipeline; known: "
                f"{', '.join(known) or 'none'}"
            )
            continue
        scored = {kind for member in section.of for kind in config.own(member).applies_to}
        if missing := [kind for kind in section.applies_to if section.of and kind not in scored]:
            yield f"{config.key(name)}.applies_to: none of {', '.join(section.of)} scores {missing[0]}; take it out"


def _judges(config: Any) -> Iterator[str]:
    for name in config.stages:
        section = config.own(name)
        judge = getattr(getattr(section, "labels", None), "judge", None)
        if judge is not None and Path(judge.cache).resolve().is_relative_to(Path(config.output_dir).resolve()):
            yield (
                f"{config.key(name)}.labels.judge.cache: {judge.cache} lies in output_dir, and answers would be paid "
                "for again when the results are made from nothing; name a folder outside"
            )


def _scores_of_lists(config: Any) -> Iterator[str]:
    """What is wrong with the classifiers that `toxicity` reads beside its lists."""
    if "toxicity" in config.stages:
        before = config.stages[: config.stages.index("toxicity")]
        known = tuple(name for name in before if name in config.classifier_names)
        yield from config.toxicity.wrong_scores(known, "toxicity")


def _extracts(config: Any) -> Iterator[str]:
    if "extracts" in config.pipeline:
        later = config.stages[config.stages.index("extracts") + 1 :]
        if wrong := [name for name in later if name not in AFTER_EXTRACTS and not _keeps_all(config, name)]:
            yield (
                f"pipeline: {', '.join(wrong)} may drop what extracts has kept in an extract's place, so that its "
                "text would be lost; put extracts after, or let a classifier only score (selection: {keep_share: "
                "{}})"
            )


def _keeps_all(config: Any, name: str) -> bool:
    if name == "privacy":
        return bool(config.privacy.max_spans is None)
    if name == "toxicity":
        return bool(config.toxicity.keeps_all)
    section = config.own(name) if name in config.classifier_names else None
    return isinstance(section, Classifier) and section.selection.keeps_all


def _sections(config: Any) -> Iterator[str]:
    known = [source.name for source in config.sources]
    for name in dict.fromkeys(config.stages):
        section = config.own(name)
        # Stages that are trained in the run would find missing labels only after everything before them has run.
        if hasattr(section, "check"):
            try:
                section.check(config.key(name))
            except ConfigError as error:
                yield str(error)
        for key, source in references(section, config.key(name)):
            if source not in known:
                yield (
                    f"{key}: {checks.unknown('source', source, known)}; a file in the working directory is written "
                    f"./{source}"
                )
        for key, selector in selectors(section, config.key(name)):
            for source in selector.sources:
                if source not in known:
                    yield f"{key}.sources: {checks.unknown('source', source, known)}"


def _sets(config: Any) -> list[str]:
    return checks.problems(
        columns=config.pool_columns,
        sources=[source.name for source in config.sources],
        tokenizer=config.tokenizer,
        validation=config.validation,
        annealing=config.annealing,
        mixtures=config.mixtures,
        exported=config.export.sets,
    )


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
