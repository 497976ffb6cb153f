"""Conditions on documents: which of them a selector of the configuration takes."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from tamis.errors import ConfigError
from tamis.language_codes import labels_of
from tamis.section import Kind, LanguageCode, Section

DENSITY_CHARACTERS = 10_000
"""Characters from the start of a text in which densities are counted: bounds the time for a document of 50 MB."""


class Density(Section):
    """How often a pattern occurs in the first 10,000 characters of a text, in occurrences per 100 words."""

    pattern: str = Field(description="Regular expression (RE2), matched without regard to case.", min_length=1)
    at_least: float = Field(0.0, ge=0.0, description="Occurrences per 100 words, from 0.")
    below: float | None = Field(None, gt=0.0, description="Occurrences per 100 words; no upper bound when empty.")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            pc.count_substring_regex(pa.array([""]), value)
        except pa.ArrowInvalid as error:
            msg = f"{value!r} is not a regular expression that RE2 understands: {error}"
            raise ValueError(msg) from error
        return value


class Selector(Section):
    """Conditions on a document; an empty one always holds."""

    kinds: tuple[Kind, ...] = Field((), description="Kinds of document, any of them.")
    sources: tuple[str, ...] = Field((), description="Names of sources, any of them.")
    languages: tuple[LanguageCode, ...] = Field(
        (),
        description="Languages, any of them; a code holds for its macrolanguage and for that one's members too.",
    )
    urls: tuple[str, ...] = Field((), description="Globs over the URL (* also crosses /), any of them.")
    paths: tuple[str, ...] = Field((), description="Globs over the metadata's `path`, any of them, in lower case.")
    except_paths: tuple[str, ...] = Field((), description="Globs over the metadata's `path`, none of them.")
    metadata: dict[str, tuple[str, ...]] = Field(
        {}, description="Field of the metadata → globs over its value, any of them; all fields must hold."
    )
    since: dt.date | None = Field(None, description="First day (UTC) of the document's date.")
    until: dt.date | None = Field(None, description="Last day (UTC) of the document's date.")
    min_characters: int = Field(0, ge=0, description="Characters of the text, at least.")
    max_characters: int | None = Field(None, gt=0, description="Characters of the text, at most.")
    density: tuple[Density, ...] = Field((), description="Densities of patterns in the text; all must hold.")

    @field_validator("paths", "except_paths")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(glob.lower() for glob in value)

    @model_validator(mode="after")
    def _says_something(self) -> Selector:
        if not self.model_fields_set:
            msg = "a selector without any condition would take every document"
            raise ValueError(msg)
        return self


def _glob_pattern(globs: Sequence[str]) -> str:
    """One RE2 expression for any of the globs: `*` is any run of characters, `?` any one."""
    parts = [re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs]
    return "(?s)^(?:" + "|".join(parts) + ")$"


def _matches_any(values: pa.Array, globs: Sequence[str]) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(values, _glob_pattern(globs)), fill_value=False)


def metadata_fields(metadata: pa.ChunkedArray, names: Iterable[str]) -> dict[str, pa.Array]:
    """Fields of the metadata objects as strings; null where a document has no such field.

    Args:
        metadata: n JSON objects or nulls.
        names: the fields wanted.
    """
    wanted = sorted(set(names))
    columns: dict[str, list[str | None]] = {name: [] for name in wanted}
    for text in metadata.to_pylist():
        fields = json.loads(text) if text and wanted else {}
        for name in wanted:
            value = fields.get(name) if isinstance(fields, dict) else None
            columns[name].append(None if value is None else str(value))
    return {name: pa.array(values, pa.string()) for name, values in columns.items()}


def densities(text: pa.ChunkedArray, pattern: str) -> np.ndarray:
    """Occurrences of a pattern per 100 words in the start of each text, float64; 0 for a text without words."""
    text = pc.utf8_slice_codeunits(text, 0, DENSITY_CHARACTERS)
    words = pc.count_substring_regex(text, r"[\pL\pN_]+").to_numpy()
    found = pc.count_substring_regex(text, pattern, ignore_case=True).to_numpy()
    return 100.0 * found / np.maximum(words, 1)


class Measured:
    """Documents with what selectors measured on them: each pattern runs over each text at most once."""

    def __init__(self, documents: pa.Table) -> None:
        self.documents = documents
        self._fields: dict[str, pa.Array] = {}
        self._densities: dict[str, np.ndarray] = {}

    def field(self, name: str) -> pa.Array:
        """A field of the metadata."""
        if name not in self._fields:
            self._fields |= metadata_fields(self.documents["metadata"], [name])
        return self._fields[name]

    def density(self, pattern: str, where: np.ndarray) -> np.ndarray:
        """Densities of a pattern in the documents at the given positions."""
        known = self._densities.setdefault(pattern, np.full(self.documents.num_rows, np.nan))
        new = where[np.isnan(known[where])]
        known[new] = densities(self.documents["text"].take(pa.array(new)), pattern)
        return known[where]


def holds(condition: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """A condition as n booleans; a null does not hold."""
    if isinstance(condition, pa.ChunkedArray):
        condition = condition.combine_chunks()
    return pc.fill_null(condition, fill_value=False).to_numpy(zero_copy_only=False)


def select(measured: Measured, selector: Selector) -> np.ndarray:
    """Which documents a selector takes: n booleans.

    Args:
        measured: n documents, for all selectors that look at them.
        selector: the conditions.

    Raises:
        ConfigError: it asks for languages and no stage upstream has found any.
    """
    taken = _by_columns(measured.documents, selector)
    if selector.paths or selector.except_paths or selector.metadata:
        taken &= _by_metadata(measured, selector)
    # Text is read last and only where everything else holds: it is the dear condition.
    for density in selector.density:
        where = np.flatnonzero(taken)
        found = measured.density(density.pattern, where)
        below = np.inf if density.below is None else density.below
        taken[where] = (found >= density.at_least) & (found < below)
    return taken


def _by_columns(documents: pa.Table, selector: Selector) -> np.ndarray:
    """The conditions on kind, source, language, URL, date and length."""
    taken = np.ones(documents.num_rows, dtype=bool)
    for values, column in ((selector.kinds, "kind"), (selector.sources, "source"), (selector.languages, "language")):
        if values:
            if column not in documents.column_names:
                msg = (
                    f"a label selector asks for {column} {list(values)} but the documents have no column "
                    f"{column!r}; put language_id before this stage in `pipeline`"
                )
                raise ConfigError(msg)
            # A language stands for all that texts in it may be labelled with, as in `keep_languages`.
            named = sorted(labels_of(values)) if column == "language" else values
            taken &= holds(pc.is_in(documents[column], value_set=pa.array(named, pa.string())))
    if selector.urls:
        taken &= holds(_matches_any(documents["url"], selector.urls))
    if selector.since is not None:
        taken &= holds(pc.greater_equal(documents["date"], _midnight(selector.since)))
    if selector.until is not None:
        taken &= holds(pc.less(documents["date"], _midnight(selector.until + dt.timedelta(days=1))))
    if selector.min_characters or selector.max_characters is not None:
        length = pc.utf8_length(documents["text"]).to_numpy()
        most = np.inf if selector.max_characters is None else selector.max_characters
        taken &= (length >= selector.min_characters) & (length <= most)
    return taken


def _midnight(day: dt.date) -> pa.Scalar:
    return pa.scalar(dt.datetime.combine(day, dt.time(), dt.UTC), pa.timestamp("s", tz="UTC"))


def _by_metadata(measured: Measured, selector: Selector) -> np.ndarray:
    """The conditions on the path and other fields of the metadata."""
    path = pc.utf8_lower(measured.field("path"))
    taken = np.ones(len(path), dtype=bool)
    if selector.paths:
        taken &= holds(_matches_any(path, selector.paths))
    if selector.except_paths:
        taken &= ~holds(_matches_any(path, selector.except_paths))
    for name, globs in sorted(selector.metadata.items()):
        taken &= holds(_matches_any(measured.field(name), globs))
    return taken
