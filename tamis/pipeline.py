"""The stages that a pipeline may name: their order in the recipe, their modules, what they read and add."""

from __future__ import annotations

import importlib
import inspect
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from tamis.classifiers.kinds import AnyEncoder, FastText, Head, Linear

StageName = Literal[
    "remove",
    "url_filter",
    "url_dedup",
    "text_repair",
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
    "privacy",
    "toxicity",
    "decontamination",
    "filter",
]

STAGES: tuple[str, ...] = get_args(StageName)
"""Stages that `pipeline` may name, in the order of the recipe; classifiers of `classifiers` may stand beside them."""

BUILT_IN: dict[str, tuple[Any, Any]] = {
    "fasttext_quality": (FastText, FastText()),
    "linear_quality": (Linear, Linear()),
    "transformer_quality": (AnyEncoder, Head()),
}
"""Stages that are classifiers: the model of their section, and the section where nothing is said."""

CLASSIFIER = "classifier"
"""The module of every classifier."""

CUTTING = ("paragraph_dedup", "line_pruning", "substring_dedup")
"""Stages that cut repeated text."""

GROWING = ("url_dedup", "minhash_dedup", "paragraph_dedup", "line_pruning")
"""Stages that can be held against earlier runs: their sections have `against`, `write_index` and `earlier`."""

AFTER_EXTRACTS = ("domains",)
"""Stages that drop nothing, and may follow `extracts`."""

MODULES: dict[str, Any] = {
    name: importlib.import_module(f"tamis.stages.{name}") for name in STAGES if name not in BUILT_IN
}


def needs(stage: str) -> frozenset[str]:
    """Columns that a stage reads and ingest does not make: its module's `NEEDS`, none where it has no such name."""
    return frozenset(getattr(MODULES.get(stage), "NEEDS", ()))


def adds(stage: str) -> tuple[str, ...]:
    """Columns that a stage adds: its module's `ADDS`, none where it has no such name; of a classifier its score."""
    return tuple(getattr(MODULES[stage], "ADDS", ())) if stage in MODULES else (stage,)


def edits_text(stage: str) -> bool:
    """Whether a stage may change texts: its last step writes a list of edits."""
    return stage in MODULES and "edits" in inspect.signature(MODULES[stage].run_apply).parameters


ClassifierName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""Name of a column of numbers, of a folder of the results and of rules."""

TAKEN = frozenset(
    {
        "sampling",
        "logs",
        "benchmarks",
        "retired",
        "swept",
        "report",
        "layout",
        "manifest",
        "stats",
        "notes",
        "pool",
        "all",
        "embeddings",
        "judge",
        "ensemble",
    }
)
"""Names of folders, tables and targets that no classifier may have, beside columns, stages and sections."""

STEPS_OF = ("ingest", "tokenizer", "validation", "annealing", "mixtures", "subset", "export", "report", "fetch")
"""What begins the names of rules, beside stages and classifiers."""


def maker_of(column: str) -> str:
    """The stage that adds a column."""
    return next((name for name in STAGES if column in adds(name)), "no stage")
