"""Kinds of classifier: what a section of the configuration says, and how the stage `classifier` works with it.

A kind is a class; its `model` is the tag by which the configuration names it. All of them take labels from the same
places, select in the same way, and write the same files.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Discriminator, Tag

from tamis.classifiers.kinds.base import Classifier, Encoded
from tamis.classifiers.kinds.encoders import Checkpoint, Encoder, Head
from tamis.classifiers.kinds.words import FastText, Linear

KINDS: tuple[type[Classifier], ...] = (FastText, Linear, Head, Checkpoint)
"""All kinds; one that is added stands here and in `AnyClassifier`."""


def _tag(value: Any) -> str | None:
    return value.model if isinstance(value, Classifier) else value.get("model") if isinstance(value, dict) else None


AnyClassifier = Annotated[
    Annotated[FastText, Tag("fasttext")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[Head, Tag("head")]
    | Annotated[Checkpoint, Tag("checkpoint")],
    Discriminator(
        _tag,
        custom_error_type="no_model",
        custom_error_message="say what it is with `model`: fasttext, linear, head or checkpoint",
    ),
]
"""A classifier of any kind; `model` says which."""


def _head_by_default(value: Any) -> Any:
    return {"model": "head", **value} if isinstance(value, dict) else value


AnyEncoder = Annotated[
    Annotated[Head, Tag("head")] | Annotated[Checkpoint, Tag("checkpoint")],
    Discriminator(
        _tag, custom_error_type="no_model", custom_error_message="`model` is head or checkpoint in this section"
    ),
    BeforeValidator(_head_by_default),
]
"""A classifier that sees embeddings: `head` where nothing is said."""


def by_default(model: str) -> Classifier | None:
    """The section of a kind where nothing is said; None where there is no such kind."""
    return next((kind(model=model) for kind in KINDS if model in get_args(kind.model_fields["model"].annotation)), None)


__all__ = [
    "KINDS",
    "AnyClassifier",
    "AnyEncoder",
    "Checkpoint",
    "Classifier",
    "Encoded",
    "Encoder",
    "FastText",
    "Head",
    "Linear",
]
