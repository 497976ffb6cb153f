"""Ready fastText files: a model that somebody else trained, and the score it gives.

The text must be prepared as it was when the model was trained, or its words are others:

- `lines` joins the lines of a text with spaces and touches nothing else, as DCLM does (`fasttext-oh-eli5`, label
  `__label__hq`; arXiv:2406.11794, their threshold is 0.018112);
- `tokens` is what Ultra-FineWeb's files were trained on (label `__label__pos`; arXiv:2505.05427): lower case, accents
  taken away, and the tokens of a tokenizer (theirs is DeepSeek-V2's) with spaces between, line breaks spelled out.

A text that is empty, or of which the model knows no word, scores 0. fastText reads `</s>`, where it stands as a word of
its own, as the end of the text; the published scores have it so as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis import checksums
from tamis.classifiers import fasttext, fasttext_file
from tamis.errors import ConfigError
from tamis.section import FilePath, Section, Sha256

SHOWN = 20
"""Labels that a message names, at most."""

BATCH = 1024
"""Texts in memory as Python strings."""

Predictions = Sequence[tuple[float, str]]


class Ready(Section):
    """A fastText classifier that exists already, and how texts are put to it."""

    path: FilePath = Field(min_length=1, description="The model file, `.bin` or quantised `.ftz`.")
    label: str = Field(
        min_length=1,
        description="The label whose probability is the score, as the file spells it: `__label__hq` in DCLM's.",
    )
    sha256: Sha256 | None = Field(None, description="SHA-256 that the file must have; null: any.")
    prepare: Literal["lines", "tokens"] = Field(
        "lines",
        description="How a text becomes the line that the model reads: `lines` puts spaces for line breaks (DCLM); "
        "`tokens` is lower case without accents, cut by `tokenizer` (Ultra-FineWeb).",
    )
    lowercase: bool = Field(False, description="Whether texts are put into lower case; with `tokens` they always are.")
    tokenizer: FilePath | None = Field(None, description="The `tokenizer.json` that `prepare: tokens` cuts with.")
    max_characters: int | None = Field(
        None, ge=100, description="Characters read of each text; null: all, as the published scores do."
    )

    @model_validator(mode="after")
    def _tokenizer_where_needed(self) -> Ready:
        if (self.prepare == "tokens") != (self.tokenizer is not None):
            msg = (
                "`prepare: tokens` needs `tokenizer`, the path of the tokenizer.json that the model was trained with"
                if self.tokenizer is None
                else "`tokenizer` does nothing without `prepare: tokens`; set that, or leave it out"
            )
            raise ValueError(msg)
        return self

    def local_files(self) -> list[str]:
        """The files that it reads, as inputs of the workflow."""
        return [self.path, *([self.tokenizer] if self.tokenizer else [])]

    def check_files(self, stage: str) -> None:
        """Refuse what cannot score, from the header alone.

        Raises:
            ConfigError: a file is missing, the model is no classifier or has no such label.
            ModelError: the model is damaged.
        """
        for name, path in (("path", self.path), ("tokenizer", self.tokenizer)):
            if path is not None and not Path(path).is_file():
                msg = f"{stage}.ready.{name}: {path} does not exist; correct the path, or fetch the file to there"
                raise ConfigError(msg)
        header = fasttext_file.check(Path(self.path))
        if not header.supervised:
            msg = f"{stage}.ready.path: {self.path} holds word vectors and no classifier; give a supervised model"
            raise ConfigError(msg)
        if self.label not in header.labels:
            more = f", … ({len(header.labels)} in all)" if len(header.labels) > SHOWN else ""
            msg = (
                f"{stage}.ready.label: {self.path} has no label {self.label!r}; it has "
                f"{', '.join(header.labels[:SHOWN])}{more}"
            )
            raise ConfigError(msg)

    def check_content(self, stage: str) -> None:
        """Hold the file to its hash; reads all of it.

        Raises:
            SourceError: it is missing or has another.
        """
        checksums.check_given(Path(self.path), self.sha256, f"{stage}.ready.sha256")

    def describe(self) -> dict[str, Any]:
        """What a card says of the model."""
        return {
            "file": Path(self.path).name,
            "model_sha256": checksums.sha256(Path(self.path)),
            "label": self.label,
            "prepare": self.prepare,
            "lowercase": self.lowercase or self.prepare == "tokens",
            "max_characters": self.max_characters,
        }


def _load_tokenizer(path: str) -> Any:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(path)
    except Exception as error:
        # The library raises plain exceptions.
        msg = f"ready.tokenizer: {path} is no tokenizer.json ({error}); give the one that the model was trained with"
        raise ConfigError(msg) from error


def line_of(text: str) -> str:
    """A text as one line, every kind of line break a space (DCLM's `classify_fasttext_hq_prob`)."""
    return " ".join(text.strip().splitlines())


def tokens_of(text: str, tokenizer: Any) -> str:
    """A text as the tokens of a tokenizer with spaces between (Ultra-FineWeb's `fasttext_preprocess_func`)."""
    text = re.sub(r"\n{3,}", "\n\n", text).lower()
    text = "".join(letter for letter in unicodedata.normalize("NFKD", text) if unicodedata.category(letter) != "Mn")
    pieces: dict[int, str] = {}
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    for token in ids:
        if token not in pieces:
            pieces[token] = tokenizer.decode([token], skip_special_tokens=False)
    line = " ".join(pieces[token] for token in ids)
    line = line.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return re.sub(r" +", " ", line).strip()


class ReadyModel:
    """A loaded model."""

    def __init__(self, ready: Ready) -> None:
        """Load the files.

        Raises:
            ModelError: the model is damaged.
            ConfigError: the tokenizer cannot be read.
        """
        self._ready = ready
        self._tokenizer = _load_tokenizer(ready.tokenizer) if ready.tokenizer else None
        model = fasttext.load(Path(ready.path))
        self._predict = model.f.predict
        self._labels = len(model.f.getLabels("replace")[0])

    def line(self, text: str) -> str:
        """What the model reads of a text."""
        if self._tokenizer is not None:
            return tokens_of(text, self._tokenizer)
        line = line_of(text)
        return line.lower() if self._ready.lowercase else line

    def score(self, texts: Iterable[pa.Array | pa.ChunkedArray]) -> np.ndarray:
        """The probability of the label for each of n texts that come some at a time: n float32 in [0, 1]."""
        found: list[float] = []
        for text in texts:
            for start in range(0, len(text), BATCH):
                part = text.slice(start, BATCH)
                if self._ready.max_characters is not None:
                    part = pc.utf8_slice_codeunits(part, 0, self._ready.max_characters)
                found += [self._probability(value) for value in part.to_pylist()]
        # fastText adds 1e-5 inside its logarithm, so a probability may pass 1 by that much.
        return np.clip(np.array(found, dtype=np.float32), 0.0, 1.0)

    def _probability(self, text: str) -> float:
        # All labels, because the wanted one may be any of them; what the library leaves out is below 1e-5.
        predictions: Predictions = self._predict(self.line(text) + "\n", self._labels, 0.0, "replace")
        return next((probability for probability, label in predictions if label == self._ready.label), 0.0)
