"""Ready classification checkpoints: what a folder holds, checked without loading it, and how logits become one score.

A checkpoint is a Hugging Face folder that says in `config.json` which `*ForSequenceClassification` it is, with weights
in safetensors and a tokenizer. Refused, from the headers alone and so before any work: pickled weights, code that comes
with the checkpoint, another architecture, a classification head that the weights lack or that has another number of
labels, files that were cut off. `KNOWN` says of some well-known checkpoints what they score and how.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from tamis.classifiers import elementary
from tamis.errors import ModelError
from tamis.section import Section

ENDING = "ForSequenceClassification"
HEADS = ("classifier", "score", "classification_head", "logits_proj")
"""What the last layer of a classifier is called in transformers (BERT and its kin, decoders, BART, XLNet)."""

TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
REMOTE_CODE = "auto_map"
HEADER_AT_MOST = 100_000_000
"""Bytes of a safetensors header, at most; the format's own bound."""

Label = Annotated[int, Field(strict=True, ge=0)] | str


class Scores(Section):
    """How the logits of a checkpoint become one score; one of the three, or none."""

    probability: Label | None = Field(
        None,
        description="The label whose probability is the score: its name in `config.json`, or its place from 0. By "
        "softmax, or by sigmoid where the checkpoint gives each label a probability of its own "
        "(`problem_type: multi_label_classification`).",
    )
    grades: tuple[float, ...] | dict[str, float] | None = Field(
        None,
        description="The grade that each label stands for, in their order or by name; the score is the expected grade.",
    )
    logit: Label | None = Field(
        None, description="The output that is the score as it stands, of a checkpoint that was trained as a regression."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Scores:
        given = [name for name in ("probability", "grades", "logit") if getattr(self, name) is not None]
        if len(given) > 1:
            msg = f"a score is one of `probability`, `grades` and `logit`; {' and '.join(given)} are given"
            raise ValueError(msg)
        return self


@dataclass(frozen=True)
class Known:
    """What a well-known checkpoint scores."""

    what: str
    labels: int
    scores: Scores


EDUCATIONAL = "educational value, 0 to 5; FineWeb-Edu keeps from 3 on"
KNOWN: Mapping[str, Known] = {
    "HuggingFaceFW/fineweb-edu-classifier": Known(EDUCATIONAL, 1, Scores(logit=0)),
    "nvidia/nemocurator-fineweb-nemotron-4-edu-classifier": Known(
        "educational value by Nemotron-4-340B, 0 to 5; high from 2.5 on", 1, Scores(logit=0)
    ),
    "nvidia/nemocurator-fineweb-mixtral-edu-classifier": Known(
        "educational value by Mixtral 8x22B, 0 to 5; high from 2.5 on", 1, Scores(logit=0)
    ),
    "HuggingFaceTB/finemath-classifier": Known("mathematical reasoning and teaching, 0 to 5", 1, Scores(logit=0)),
    "s-nlp/roberta_toxicity_classifier": Known("probability that a text is toxic", 2, Scores(probability="toxic")),
    "unitary/toxic-bert": Known("probability that a comment is toxic", 6, Scores(probability="toxic")),
}
"""From their model cards, their `config.json`, and NeMo Curator's source."""

UNUSABLE: Mapping[str, str] = {
    "nvidia/quality-classifier-deberta": "its config.json names no architecture: the weights are those of a class of "
    "NeMo Curator's own (DeBERTa v3, then one linear layer on the first token, labels High, Medium, Low), which "
    "transformers does not have. Judge texts with it in NeMo Curator and give them here as a label file",
}
"""Well-known checkpoints that are none of transformers' classifiers."""


@dataclass(frozen=True)
class Checkpoint:
    """What a folder says of the classifier in it."""

    architecture: str
    labels: tuple[str, ...]
    multi_label: bool


@dataclass(frozen=True)
class Scoring:
    """How the logits of one checkpoint become a score.

    Attributes:
        column: the output that counts; None: all of them.
        grades: what each output stands for, where all count.
        sigmoid: whether each label has a probability of its own; None: the output is the score.
    """

    column: int | None
    grades: tuple[float, ...] = ()
    sigmoid: bool | None = None

    def of(self, logits: np.ndarray) -> np.ndarray:
        """One score a text: n × labels → n float32; a row's bits do not depend on the other rows."""
        values = logits.astype(np.float64)
        if self.column is not None and self.sigmoid is None:
            return values[:, self.column].astype(np.float32)
        if self.sigmoid:
            # Against a second label of logit 0: no exponential of a large number.
            values = np.stack([np.zeros(len(values)), values[:, self.column or 0]], axis=1)
            grades = np.array([0.0, 1.0])
        elif self.column is not None:
            grades = np.zeros(values.shape[1])
            grades[self.column] = 1.0
        else:
            grades = np.array(self.grades)
        shifted = elementary.exp(values - values.max(axis=1, keepdims=True))
        return ((shifted * grades).sum(axis=1) / shifted.sum(axis=1)).astype(np.float32)


def scoring(scores: Scores, checkpoint: Checkpoint, name: str) -> Scoring:
    """How a checkpoint's logits become a score.

    Where nothing is said and the checkpoint is not in `KNOWN`: one label is a regression and taken as it is, two are
    bad and good, of which the probability of the second is taken, more are grades from 0 up, whose expected value is.

    Args:
        scores: of the configuration.
        checkpoint: from `inspect`.
        name: of the checkpoint, for the table and the message.

    Raises:
        ModelError: it has no such label, another number of labels, or nothing says which of its labels counts.
    """
    known = KNOWN.get(name)
    count = len(checkpoint.labels)
    if known is not None and known.labels != count:
        msg = f"{name!r}: has {count} labels, known are {known.labels} ({known.what}); it is another checkpoint"
        raise ModelError(msg)
    if scores == Scores() and known is not None:
        scores = known.scores
    if scores.grades is not None:
        return Scoring(None, _grades(scores.grades, checkpoint, name), sigmoid=False)
    if scores.logit is not None:
        return Scoring(_column(scores.logit, checkpoint, name))
    if scores.probability is not None:
        column = _column(scores.probability, checkpoint, name)
        if count == 1 and not checkpoint.multi_label:
            msg = f"{name!r}: has one output, a regression, so `scores.probability` says nothing; use `scores.logit`"
            raise ModelError(msg)
        return Scoring(column, sigmoid=checkpoint.multi_label)
    if checkpoint.multi_label:
        msg = f"{name!r}: gives each of {_shown(checkpoint.labels)} a probability; name one as `scores.probability`"
        raise ModelError(msg)
    if count == 1:
        return Scoring(0)
    return Scoring(1, sigmoid=False) if count == 2 else Scoring(None, tuple(map(float, range(count))), sigmoid=False)


def _column(label: int | str, checkpoint: Checkpoint, name: str) -> int:
    labels = checkpoint.labels
    if isinstance(label, str):
        if labels.count(label) == 1:
            return labels.index(label)
    elif label < len(labels):
        return label
    msg = f"{name!r}: has no label {label!r}; it has {_shown(labels)}"
    raise ModelError(msg)


def _grades(grades: Sequence[float] | Mapping[str, float], checkpoint: Checkpoint, name: str) -> tuple[float, ...]:
    labels = checkpoint.labels
    if checkpoint.multi_label:
        msg = f"{name!r}: its labels do not exclude each other, so there is no expected grade; use `scores.probability`"
        raise ModelError(msg)
    given = set(grades) if isinstance(grades, Mapping) else None
    if len(grades) != len(labels) or (given is not None and given != set(labels)):
        named = list(grades) if isinstance(grades, Mapping) else f"{len(grades)} of them"
        msg = f"{name!r}: `scores.grades` must give one for each of {_shown(labels)}; given are {named}"
        raise ModelError(msg)
    return tuple(grades[label] for label in labels) if isinstance(grades, Mapping) else tuple(grades)


def _shown(labels: Sequence[str]) -> str:
    shown = ", ".join(f"{place}: {label}" for place, label in enumerate(labels[:20]))
    return f"{len(labels)} label{'s' * (len(labels) != 1)} ({shown}{', …' if len(labels) > 20 else ''})"


def inspect(folder: Path, name: str) -> Checkpoint:
    """What a folder holds, from its JSON and the headers of its weights; nothing is loaded.

    Args:
        folder: of the checkpoint.
        name: of the checkpoint, for the table and the messages.

    Raises:
        ModelError: it is no classifier that can be used; the message says why and what to do.
    """
    if name in UNUSABLE:
        msg = f"{name!r}: cannot be used: {UNUSABLE[name]}."
        raise ModelError(msg)
    config = _json(folder / "config.json", name)
    for file in ("config.json", "tokenizer_config.json"):
        if REMOTE_CODE in (config if file == "config.json" else _json(folder / file, name, needed=False)):
            msg = (
                f"{name!r}: {file} names code of its own (`{REMOTE_CODE}`), which is never run; give a checkpoint of "
                "an architecture that transformers has, without that entry"
            )
            raise ModelError(msg)
    architecture = _architecture(config, name)
    tensors = weights(folder, name)
    labels = _labels(config, name)
    _check_head(tensors, labels, architecture, name)
    if not any(any(folder.glob(pattern)) for pattern in TOKENIZERS):
        msg = f"{name!r}: {folder} has no tokenizer ({', '.join(TOKENIZERS)}); copy it beside the weights"
        raise ModelError(msg)
    return Checkpoint(architecture, labels, config.get("problem_type") == "multi_label_classification")


def _json(path: Path, name: str, *, needed: bool = True) -> dict[str, Any]:
    if not needed and not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{name!r}: {path} cannot be read as JSON ({error}); fetch the checkpoint again"
        raise ModelError(msg) from error
    if not isinstance(value, dict):
        msg = f"{name!r}: {path} is no JSON object; fetch the checkpoint again"
        raise ModelError(msg)
    return value


def _architecture(config: Mapping[str, Any], name: str) -> str:
    named = config.get("architectures") or []
    if len(named) == 1 and isinstance(named[0], str) and named[0].endswith(ENDING):
        return named[0]
    what = f"is a {', '.join(map(str, named))}" if named else "names no architecture in config.json"
    msg = (
        f"{name!r}: {what}, not a *{ENDING}: the weights of a classification head would be random. Give a checkpoint "
        "that was trained to classify, or train a head on labels"
    )
    raise ModelError(msg)


def _labels(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The names of the outputs in their order; transformers' own default is two."""
    named = config.get("id2label")
    try:
        labels = (
            {int(place): str(label) for place, label in named.items()}
            if named
            else {place: f"LABEL_{place}" for place in range(int(config.get("num_labels", 2)))}
        )
    except (AttributeError, TypeError, ValueError):
        labels = {}
    if sorted(labels) != list(range(len(labels))) or not labels:
        msg = f"{name!r}: `id2label` or `num_labels` of config.json does not number its labels from 0; correct it"
        raise ModelError(msg)
    return tuple(labels[place] for place in range(len(labels)))


def _check_head(tensors: Mapping[str, Sequence[int]], labels: Sequence[str], architecture: str, name: str) -> None:
    """Refuse weights without a head, or with one of another number of labels."""
    head = {tensor: shape for tensor, shape in tensors.items() if tensor.split(".")[0] in HEADS}
    if not head:
        msg = (
            f"{name!r}: config.json says {architecture}, but the weights have no classification head "
            f"({', '.join(HEADS)}), so it would be random; give the checkpoint that was trained to classify"
        )
        raise ModelError(msg)
    outputs = {
        shape[0]
        for tensor, shape in head.items()
        if tensor.split(".")[1:] in (["weight"], ["out_proj", "weight"]) and len(shape) == 2
    }
    if outputs and outputs != {len(labels)}:
        msg = (
            f"{name!r}: config.json names {len(labels)} labels, the head's weights are for "
            f"{', '.join(map(str, sorted(outputs)))}; the two files belong to different checkpoints"
        )
        raise ModelError(msg)


def weights(folder: Path, name: str) -> dict[str, tuple[int, ...]]:
    """The tensors of the safetensors files that transformers would load, with their shapes, from the headers.

    Raises:
        ModelError: there are none, or one is damaged or cut off.
    """
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        files = [whole]
    elif index.is_file():
        placed = _json(index, name).get("weight_map")
        files = [folder / file for file in sorted(set(placed.values()))] if isinstance(placed, dict) else []
        strange = [file for file in files if file.parent != folder]
        if strange or not files:
            msg = f"{name!r}: {index} does not say which files hold the weights; fetch the checkpoint again"
            raise ModelError(msg)
    else:
        pickled = sorted(path.name for path in (*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")))
        held = f"only {', '.join(pickled)}, pickled weights, which can run code when they are loaded" if pickled else ""
        msg = (
            f"{name!r}: {folder} has no model.safetensors{f', {held}' if held else ''}; convert the weights to "
            "safetensors, or fetch a revision of the checkpoint that has them"
        )
        raise ModelError(msg)
    found: dict[str, tuple[int, ...]] = {}
    for path in files:
        found |= _header(path, name)
    return found


def _header(path: Path, name: str) -> dict[str, tuple[int, ...]]:
    """The tensors of one file, with their shapes."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
            header = json.loads(file.read(length)) if 0 < length <= min(HEADER_AT_MOST, size - 8) else None
        tensors = {key: value for key, value in (header or {}).items() if key != "__metadata__"}
        shapes = {key: tuple(int(number) for number in value["shape"]) for key, value in tensors.items()}
        ends = [int(value["data_offsets"][1]) for value in tensors.values()]
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        msg = f"{name!r}: {path} is no safetensors file ({type(error).__name__}: {error}); fetch it again"
        raise ModelError(msg) from error
    expected = 8 + length + max(ends, default=0)
    if header is None or size != expected:
        msg = f"{name!r}: {path} was cut off or is damaged: {size} bytes, its header says {expected}; fetch it again"
        raise ModelError(msg)
    return shapes
