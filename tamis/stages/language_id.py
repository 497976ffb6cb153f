"""Identify each document's language, and keep the wanted ones.

The default model is py3langid's, which comes with its package (naive Bayes over byte n-grams, 138 languages; Lui &
Baldwin 2012), read by a kernel of our own (`tamis/kernels/language_walk.py`). A fastText file takes its place when
`model` is given: `lid.176` (Joulin et al. 2016, what FineWeb and CCNet used) or GlotLID (Kargaran et al. 2023, 2,000
languages).

Measured with the default settings on languages that the model knows: 100 % right on 736 PEPs (English), 600 German laws
and 1,033 news pages in 5 languages, 97.8 % on 5,998 tldr pages in 37 languages (four fifths of the errors Croatian for
Bosnian), 88 % on 175 translations of one declaration, some in other scripts. Labels are py3langid's own on the same
bytes but for a few neighbours, which letters tell apart (`TELLTALES`): Cantonese, Southern Kurdish, Sorbian. 5,000 to
50,000 documents/s a core, by length; py3langid itself reads whole texts at 90 to 3,200.

A translation catalogue says its own language (metadata `language`), which counts more than the model, with score 1.

Both read the first `max_characters` of a text's words; numbers, tags, addresses and names with underscores or dots are
stepped over, because documentation is full of them and they look like English. Source code has a programming
language, not a human one: kinds outside `applies_to` get language "und" with score 0, and are never dropped here.

Adds `language` (ISO 639-1 where there is one, else 639-3; "und" when undecided) and `language_score` (the model's
probability, 0 to 1). py3langid's probabilities are softened by the root of the length; fastText's are not, so
thresholds do not carry over from one model to the other.

A selector: reasons `language_not_kept` (value: the score) and `language_score_low`. Writes documents, dropped, stats.
Memory: a batch of documents, the row group that is being written, and 120 MB for py3langid's model.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis import checksums
from tamis.classifiers import fasttext_file
from tamis.errors import ModelError
from tamis.language_codes import MACROLANGUAGES, UNDECIDED, labels_of, language_code
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds, with_column
from tamis.section import AppliesTo, FilePath, LanguageCode, Section, Sha256, Share
from tamis.shards import document_batches

VERSION = 3
"""3: Cantonese, Southern Kurdish and Polish only where the letters are theirs; a catalogue's own language counts; the
packaged model's weights in 16 bits (scores differ by up to 2e-4)."""
LOCALE = re.compile(r"[a-z]{2,3}(?:[-_@].*)?")
_PACKAGED = (
    "ace af am an ar ary arz as az ba bcl be bg bn br bs ca cs cy da de dz el en eo es et eu ext fa fi fo fr fuv fy "
    "ga gcf gcr gd gl gn gom grc gu guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab ki kk km kn ko ku ky la lb "
    "lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si "
    "sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu ckb crh dsb "
    "hsb"
)
PACKAGED = frozenset(_PACKAGED.split())
"""What the packaged model and the corrections of its labels may give."""
ADDS = ("language", "language_score")


@dataclass(frozen=True)
class Telltale:
    """Letters without which a text is not in a language that the packaged model takes it for.

    Attributes:
        letters: characters of a class of a regular expression.
        least: their share among the characters of the sample.
        otherwise: what it is then.
    """

    letters: str
    least: float
    otherwise: str


TELLTALES: Mapping[str, Telltale] = {
    "yue": Telltale("嘅咗喺唔佢哋啲嚟冇嗰咁乜", 0.002, "zh"),
    "sdh": Telltale("ۊ", 0.0005, "ckb"),
}
"""Written Cantonese has words that no other Chinese has; Southern Kurdish has a vowel letter that Sorani lacks."""

TAKEN_FOR_SORBIAN = ("cs", "pl", "sk")
CARONS, CARONS_LEAST = "čěřšžČĚŘŠŽ", 0.01
STROKES, STROKES_LEAST = "łŁ", 0.005
"""Sorbian has both, Czech and Slovak only carons, Polish only strokes but for foreign names: 5 to 8 and 2 to 4 % of the
characters of Sorbian texts."""

DECLARES = ("catalogue",)
"""Kinds whose metadata say their language, in the field `language`: it stands in the header or the folder of a
translation catalogue, whose short messages no model tells apart as well."""


class Config(Section):
    """Language identification."""

    applies_to: AppliesTo = Field(
        ("prose", "maths", "licence", "catalogue"),
        description='Kinds whose language is identified; all others get "und" and stay.',
    )
    model: FilePath | None = Field(
        None, description="Path of a fastText model (lid.176, GlotLID); null: py3langid's own, which needs no file."
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
        description='Languages to keep, as ISO 639-1 codes or 639-3 where there is none, and "und"; empty: all. A code '
        "holds for its macrolanguage and for that one's members too: nb for texts that are labelled no, and no for nb "
        "and nn. A code that the model cannot give is refused.",
    )
    min_score: Share = Field(
        0.0,
        description="Least score of a document that stays. FineWeb keeps English from 0.65 on with lid.176; 0 here, "
        "because technical pages score low in any model without being worse.",
    )

    @model_validator(mode="after")
    def _given_by_the_packaged_model(self) -> Config:
        if self.model is None:
            self._hold(PACKAGED)
        return self

    def check_files(self, stage: str) -> None:
        """Hold that the model can give the languages to keep.

        Args:
            stage: key of the section.

        Raises:
            ModelError: it cannot, or the file is no whole fastText model.
        """
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


@functools.cache
def _py3langid() -> dict[str, Any]:
    """The packaged model as arrays for the kernel, and its labels."""
    from py3langid import langid

    model = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    labels = list(model.nb_classes)
    weights = np.asarray(model.nb_ptc, np.float32)
    least, unit = float(weights.min()), np.float32((weights.max() - weights.min()) / np.iinfo(np.uint16).max)
    # From -32,768 on: what all classes have more or less of a feature changes nothing.
    in_units = (np.rint((weights - least) / unit) + np.iinfo(np.int16).min).astype(np.int16)
    return {
        "labels": labels,
        "arrays": (
            np.frombuffer(model.tk_nextmove, np.dtype(model.tk_nextmove.typecode)),
            np.frombuffer(model.tk_row, np.dtype(model.tk_row.typecode)),
            np.asarray(model.tk_output, np.int32),
            np.ascontiguousarray(in_units),
            unit,
            np.ascontiguousarray(model.nb_pc, np.float32),
            np.array([labels.index(label) for label in labels], np.int64),
        ),
    }


def sample_words(text: pa.Array, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """The words from which the language is told.

    Args:
        text: n texts.
        limit: most characters a sample.

    Returns:
        int64[n + 1] offsets and uint8 bytes of the samples: composed (NFC), and in small letters where a text has
        capitals only.
    """
    from tamis.kernels.language_walk import lower_shouting, samples
    from tamis.kernels.words import buffers

    bounds, data, wide = samples(*buffers(text), limit)
    lower_shouting(bounds, data, wide)
    # Only what is beyond ASCII can be decomposed or have other capitals.
    replaced: dict[int, bytes] = {}
    for row in np.flatnonzero(wide).tolist():
        raw = data[bounds[row] : bounds[row + 1]].tobytes()
        sample = raw.decode()
        plain = unicodedata.normalize("NFC", sample.lower() if sample.isupper() else sample).encode()
        if plain != raw:
            replaced[row] = plain
    if not replaced:
        return bounds, data
    parts = [replaced.get(row, data[bounds[row] : bounds[row + 1]].tobytes()) for row in range(len(text))]
    return np.cumsum([0, *map(len, parts)]), np.frombuffer(b"".join(parts), np.uint8)


def identify(text: pa.Array, config: Config) -> tuple[list[str], np.ndarray]:
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
    if config.model is None:
        from tamis.kernels.language_walk import walk

        model = _py3langid()
        codes = [*(language_code(label) for label in model["labels"]), UNDECIDED]
        best, score = walk(bounds, data, *model["arrays"])
        languages = [codes[index] for index in best.tolist()]
        _correct(languages, bounds, data)
    else:
        languages, score = _fasttext(config.model, bounds, data)
    undecided = score < np.float32(config.undecided_below)
    wider = {member: wide for wide in config.macrolanguages for member in MACROLANGUAGES[wide]}
    named = [UNDECIDED if unsure else wider.get(code, code) for code, unsure in zip(languages, undecided, strict=True)]
    return named, score


def _correct(languages: list[str], bounds: np.ndarray, data: np.ndarray) -> None:
    """Rename what the packaged model takes for a neighbour, because it does not know it or hardly ever saw it."""
    for row, language in enumerate(languages):
        if language not in TELLTALES and language not in TAKEN_FOR_SORBIAN:
            continue
        sample = data[bounds[row] : bounds[row + 1]].tobytes().decode()
        telltale = TELLTALES.get(language)
        if telltale is not None:
            if _share_of(telltale.letters, sample) < telltale.least:
                languages[row] = telltale.otherwise
        elif _share_of(CARONS, sample) >= CARONS_LEAST and _share_of(STROKES, sample) >= STROKES_LEAST:
            # Upper Sorbian has ć, in every infinitive, where Lower Sorbian has ś.
            languages[row] = "hsb" if _share_of("ćĆ", sample) > _share_of("śŚ", sample) else "dsb"


def _share_of(letters: str, text: str) -> float:
    return sum(map(text.count, letters)) / max(1, len(text))


def declared(documents: pa.Table) -> list[str | None]:
    """The language that a record says of itself, where its kind is one that knows.

    Args:
        documents: n documents.

    Returns:
        n codes; None where it says none.
    """
    found: list[str | None] = [None] * documents.num_rows
    rows = np.flatnonzero(of_kinds(documents, DECLARES)).tolist()
    for row, metadata in zip(rows, documents["metadata"].take(pa.array(rows, pa.int64())).to_pylist(), strict=True):
        said = json.loads(metadata).get("language") if metadata else None
        # Programming languages and formats (`CSV`) have capitals.
        found[row] = language_code(said) if isinstance(said, str) and LOCALE.fullmatch(said) else None
    return found


@functools.cache
def _load_fasttext(path: str) -> Any:
    import fasttext

    if not Path(path).is_file():
        raise ModelError(
            f"language_id.model: {path} does not exist; give the path of a fastText model, or null for py3langid"
        )
    fasttext_file.check(Path(path))
    try:
        return fasttext.load_model(path)
    except ValueError as error:
        raise ModelError(f"language_id.model: {path} is not a fastText model ({error})") from error


def _fasttext(path: str, bounds: np.ndarray, data: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Language and score of each sample by a fastText model; an empty sample is undecided."""
    model = _load_fasttext(path)
    languages = []
    score = np.zeros(len(bounds) - 1, np.float32)
    for row in range(len(bounds) - 1):
        sample = data[bounds[row] : bounds[row + 1]].tobytes().decode()
        if not sample.strip():
            languages.append(UNDECIDED)
            continue
        # White space of other scripts may hold a line break, which ends the text for fastText.
        labels, probabilities = model.predict(" ".join(sample.split()), k=1)
        languages.append(language_code(labels[0]) if labels else UNDECIDED)
        # fastText's softmax table can exceed 1 by a few 1e-5.
        score[row] = min(float(probabilities[0]), 1.0) if labels else 0.0
    return languages, score


def add_languages(documents: pa.Table, config: Config) -> pa.Table:
    """Append `language` and `language_score`.

    Args:
        documents: n documents.
        config: the stage's section.
    """
    n = documents.num_rows
    looked_at = of_kinds(documents, config.applies_to)
    rows = np.flatnonzero(looked_at)
    languages = np.full(n, UNDECIDED, object)
    scores = np.zeros(n, np.float32)
    if len(rows):
        languages[rows], scores[rows] = identify(documents["text"].take(pa.array(rows)).combine_chunks(), config)
        for row, said in enumerate(declared(documents)):
            if said is not None and looked_at[row]:
                languages[row], scores[row] = said, 1.0
    for name, values in (("language", languages), ("language_score", scores)):
        documents = with_column(documents, name, pa.array(values))
    return documents


def select(documents: pa.Table, config: Config) -> tuple[pa.Table, pa.Table]:
    """Kept documents and ledger rows of documents that carry their language.

    Args:
        documents: n documents from `add_languages`.
        config: the stage's section.
    """
    looked_at = of_kinds(documents, config.applies_to)
    score = documents["language_score"].to_numpy()
    wrong = np.zeros(documents.num_rows, bool)
    if config.keep_languages:
        wanted = pa.array(sorted(labels_of(config.keep_languages)))
        wrong = looked_at & ~pc.is_in(documents["language"], value_set=wanted).to_numpy()
    low = looked_at & ~wrong & (score < np.float32(config.min_score))
    gone = wrong | low
    reasons = np.where(wrong, "language_not_kept", "language_score_low")[gone]
    thresholds = np.where(wrong, np.nan, config.min_score)[gone]
    ledger = dropped_rows(
        "language_id",
        documents.filter(pa.array(gone)),
        reasons,
        value=score[gone].astype(np.float64),
        threshold=thresholds,
    )
    return documents.filter(pa.array(~gone)), ledger


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """Identify and select the documents of one shard.

    Args:
        kept: documents to write, with their language.
        stats: stats to write; the notes count documents by language.

    Raises:
        ModelError: the configured model cannot be used.
    """
    if config.model is not None and Path(config.model).is_file():
        checksums.check_given(Path(config.model), config.sha256, "language_id.sha256")
    counts: Counter[str] = Counter()
    with outcome_writer(Outputs(kept, dropped, stats), "language_id", shard) as writer:
        for before in document_batches(documents):
            named = add_languages(before, config)
            counts.update(named["language"].to_pylist())
            writer.add(before, *select(named, config))
        writer.notes.update({f"language_{code}": count for code, count in counts.items()})
