"""Language and score of texts, by the models that a section names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from tamis.classifiers import fasttext_file
from tamis.errors import ModelError
from tamis.language_codes import MACROLANGUAGES, UNDECIDED, labels_of, language_code
from tamis.languages import fasttext, packaged, second
from tamis.languages.samples import sample_words
from tamis.languages.second import Second
from tamis.section import AppliesTo, FilePath, LanguageCode, Section, Sha256, Share


class Identification(Section):
    """How languages are told, and which are kept."""

    applies_to: AppliesTo = Field(
        ("prose", "maths", "licence", "catalogue"),
        description='Kinds whose language is identified; all others get "und" and stay.',
    )
    model: FilePath | None = Field(
        None, description="Path of a fastText model (lid.176, GlotLID); null: py3langid's own, which needs no file."
    )
    second: Second | None = Field(
        None,
        description="A second model, asked where the first is unsure, as it is of single words and short lines; null: "
        "none. Only beside the packaged model.",
    )
    sha256: Sha256 | None = Field(None, description="SHA-256 that the file of `model` must have; null: any.")
    max_characters: Annotated[int, Field(ge=50, le=1_000_000)] = Field(
        1000, description="Characters of words read from the beginning of each text."
    )
    undecided_below: Share = Field(
        0.4,
        description='Score below which the language is "und"; the score itself is kept. Of 8,850 correct labels of '
        "py3langid on five corpora 3 score below 0.4, of 176 wrong ones 7: own.",
    )
    macrolanguages: tuple[Literal["ar", "az", "fa", "ku", "lv", "no", "sh", "zh"], ...] = Field(
        (),
        description="Macrolanguages of which all languages get the one label: sh for Serbian, Croatian, Bosnian and "
        "Montenegrin, no for both Norwegians, zh for Cantonese, Wu …, which models mix up.",
    )
    keep_languages: tuple[LanguageCode, ...] = Field(
        (),
        description='Languages to keep, as ISO 639-1 codes or 639-3 where there is none, and "und"; empty: all. A '
        "macrolanguage holds for its members too: no for nb and nn, zh for yue. A member holds for itself alone where "
        "the model gives it (yue, nn, arz, ckb), else for its macrolanguage: nb for texts that the packaged model "
        "labels no. A code that the model cannot give is refused.",
    )

    @model_validator(mode="after")
    def _given_by_the_packaged_model(self) -> Self:
        if self.model is None:
            self._hold(packaged.PACKAGED | second.KNOWN if self.second else packaged.PACKAGED)
        elif self.second is not None:
            raise ValueError("second: stands beside the packaged model only; take it out, or set model to null")
        return self

    def labels(self) -> frozenset[str] | None:
        """All languages that documents may be labelled with; None where the model is a file that is not there."""
        if self.model is None:
            return packaged.PACKAGED | (second.KNOWN if self.second else frozenset()) | {UNDECIDED}
        if not Path(self.model).is_file():
            return None
        return frozenset(map(language_code, fasttext_file.check(Path(self.model)).labels)) | {UNDECIDED}

    def kept_labels(self) -> set[str]:
        """The labels of documents that `keep_languages` keeps."""
        wider = _wider(self.macrolanguages)
        return labels_of(self.keep_languages, {wider.get(code, code) for code in self.labels() or ()})

    def check_files(self, stage: str) -> None:
        """Hold that the model can give the languages to keep.

        Args:
            stage: key of the section.

        Raises:
            ModelError: it cannot, the file is no whole fastText model, or the package of a second model is not there.
        """
        if self.second is not None:
            self.second.check(stage)
        if self.model is None or not self.keep_languages or not Path(self.model).is_file():
            return
        try:
            self._hold(language_code(label) for label in fasttext_file.check(Path(self.model)).labels)
        except ValueError as error:
            raise ModelError(f"{stage}.{error}") from error

    def _hold(self, given: Iterable[str]) -> None:
        known = {*given, UNDECIDED}
        unknown = [code for code in self.keep_languages if not labels_of((code,)) & known]
        if unknown:
            msg = (
                f"keep_languages: the model never gives {', '.join(unknown)}, and every such text would be dropped; it "
                f"gives {' '.join(sorted(known))}"
            )
            raise ValueError(msg)


def _wider(macrolanguages: Iterable[str]) -> dict[str, str]:
    """The languages of some macrolanguages, and those."""
    return {member: wide for wide in macrolanguages for member in MACROLANGUAGES[wide]}


def identify(text: pa.Array, config: Identification) -> tuple[list[str], np.ndarray]:
    """Language and score of each text.

    Args:
        text: n texts.
        config: the stage's section.

    Returns:
        n codes and n float32 scores in 0 to 1.

    Raises:
        ModelError: the fastText file is missing or is none.
    """
    bounds, data = sample_words(text, config.max_characters)
    if config.model is not None:
        languages, score = fasttext.identify(config.model, bounds, data)
    else:
        languages, score = packaged.identify(bounds, data)
    undecided = score < np.float32(config.undecided_below)
    if config.second is not None:
        config.second.check("language_id")
        for row in np.flatnonzero(config.second.asked(languages, score)).tolist():
            sample = data[bounds[row] : bounds[row + 1]].tobytes().decode()
            found = second.identify(sample, languages[row], float(score[row]))
            if found is not None and (undecided[row] or second.outvotes(languages[row], found)):
                languages[row], score[row] = found
                undecided[row] = False
    wider = _wider(config.macrolanguages)
    named = [UNDECIDED if unsure else wider.get(code, code) for code, unsure in zip(languages, undecided, strict=True)]
    return named, score
