"""Kinds of classifier: what a section of the configuration says, and how the stage `classifier` works with it.

A kind is a class; its `model` is the tag by which the configuration names it. All of them select in the same way and
write the same files, and all but the ensemble take labels from the same places.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag

from tamis.classifiers.kinds.base import Classifier, Encoded, Taught
from tamis.classifiers.kinds.encoders import Checkpoint, Encoder, Head
from tamis.classifiers.kinds.ensemble import Ensemble
from tamis.classifiers.kinds.finetuned import FineTuned
from tamis.classifiers.kinds.words import FastText, Linear

KINDS: tuple[type[Classifier], ...] = (FastText, Linear, Head, FineTuned, Checkpoint, Ensemble)
"""All kinds; one that is added stands here and in `AnyClassifier`."""


def _tag(value: Any) -> str | None:
    given = dict(value) if isinstance(value, Classifier | dict) else {}
    model = given.get("model")
    return "full" if model == "head" and given.get("train") == "full" else model


_AnyTaught = (
    Annotated[FastText, Tag("fasttext")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[Head, Tag("head")]
    | Annotated[FineTuned, Tag("full")]
    | Annotated[Checkpoint, Tag("checkpoint")]
)

AnyTaught = Annotated[_AnyTaught, Discriminator(_tag)]
"""A classifier that has labels and a model."""

AnyClassifier = Annotated[
    _AnyTaught | Annotated[Ensemble, Tag("ensemble")],
    Discriminator(
        _tag,
        custom_error_type="no_model",
        custom_error_message="say what it is with `model`: fasttext, linear, head, checkpoint or ensemble",
    ),
]
"""A classifier of any kind; `model` says which."""


def _head_by_default(value: Any) -> Any:
    return {"model": "head", **value} if isinstance(value, dict) else value


AnyEncoder = Annotated[
    Annotated[Head, Tag("head")] | Annotated[FineTuned, Tag("full")] | Annotated[Checkpoint, Tag("checkpoint")],
    Discriminator(
        _tag, custom_error_type="no_model", custom_error_message="`model` is head or checkpoint in this section"
    ),
    BeforeValidator(_head_by_default),
]
"""A classifier with an encoder: `head` where nothing is said."""


AnyEmbedder = Annotated[Head | Checkpoint, Field(discriminator="model")]
"""A classifier that has embeddings made."""


def by_default(model: str) -> Classifier | None:
    """The section of a kind where nothing is said; None where there is no such kind."""
    return next((kind(model=model) for kind in KINDS if model in get_args(kind.model_fields["model"].annotation)), None)


__all__ = [
    "KINDS",
    "AnyClassifier",
    "AnyEmbedder",
    "AnyEncoder",
    "AnyTaught",
    "Checkpoint",
    "Classifier",
    "Encoded",
    "Encoder",
    "Ensemble",
    "FastText",
    "FineTuned",
    "Head",
    "Linear",
    "Taught",
]
