"""Label files: texts that somebody or something has judged, as JSON Lines (plain, `.gz`, `.zst`) or Parquet.

A label is a name, which `classes` may translate, or with `grades` a number between the worst and the best grade. A text
that stands in the files twice counts once; one that stands there with two labels teaches neither and is counted.
Empty texts and rows without a label are counted and left out. Whatever else is wrong is refused with the file and the
line or row, when the workflow is parsed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import AfterValidator, Field, model_validator

from tamis.errors import ConfigError, SourceError
from tamis.readers.lines import lines
from tamis.readers.values import has_surrogates
from tamis.section import Kind, Section, workflow_path

MAX_LINE = 100 << 20
"""Bytes of one line, at most."""

ROWS = 1024
"""Rows of a Parquet file in memory."""

_HOLDS_TEXTS = ". A label file holds the judged texts themselves: ids of documents are not looked up"


class LabelFile(Section):
    """A file of labelled texts, for instance human or model judgements."""

    path: Annotated[Path, AfterValidator(workflow_path)] = Field(
        description="JSON Lines (plain, .gz, .zst), one object a line, or Parquet; told by content."
    )
    text: str = Field("text", description="Field or column that holds the text.")
    label: str = Field("label", description="Field or column that holds the label.")
    classes: dict[str, str] = Field(
        {},
        description="Label in the file → class; labels that are not listed are left "
        "out. Empty: the file uses the class names themselves.",
    )
    grades: tuple[float, float] | None = Field(
        None,
        description="For labels that are numbers, instead of `classes`: the worst and the best grade, such as [0, 5]. "
        "Each grade is learnt as it is; on the card a text is good from the middle on.",
    )
    kind: Kind = Field("prose", description="Kind that the texts count as.")

    @model_validator(mode="after")
    def _names_or_numbers(self) -> LabelFile:
        if self.grades is not None and self.classes:
            msg = "`classes` are for labels that are names, `grades` for numbers; give one of them"
            raise ValueError(msg)
        if self.grades is not None and not self.grades[0] < self.grades[1]:
            msg = f"`grades` are the worst and the best; {list(self.grades)} does not ascend"
            raise ValueError(msg)
        return self


class Judged(NamedTuple):
    """A text with its label."""

    id: str
    kind: str
    label: str
    grade: float | None
    characters: int
    text: str


@dataclass(frozen=True)
class Judgements:
    """The texts of all files, each once, by id; and what became of the rows."""

    texts: list[Judged]
    counts: Counter[str]


def text_id(text: str) -> str:
    """The id of a text that is no document: 32 hexadecimal digits of the hash of its characters."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def read(files: Sequence[LabelFile], classes: Iterable[str], max_characters: int) -> Judgements:
    """Read label files.

    Args:
        files: what to read; their texts must fit into memory, cut as said.
        classes: all class names; for a grade, the worse one first.
        max_characters: how much of each text is kept.

    Raises:
        SourceError: a file, line or row cannot be read.
        ConfigError: a label stands for no known class, or is no grade.
    """
    known = list(classes)
    counts: Counter[str] = Counter()
    found: dict[str, Judged | None] = {}
    for entry in files:
        for place, text, label in _rows(entry):
            if label is None or not text.strip():
                counts[f"without {'a label' if label is None else 'text'} in {entry.path.name}"] += 1
                continue
            name, grade = _meaning(entry, place, label, known)
            if name is None:
                continue
            judged = Judged(text_id(text), entry.kind, name, grade, len(text), text[:max_characters])
            earlier = found.setdefault(judged.id, judged)
            if earlier is judged:
                counts[f"{name} from {entry.path.name}"] += 1
            elif earlier is None or (earlier.label, earlier.grade) == (name, grade):
                counts["repeated in label files"] += 1
            else:
                found[judged.id] = None
    counts["given two labels in files"] += sum(judged is None for judged in found.values())
    return Judgements([judged for _, judged in sorted(found.items()) if judged is not None], +counts)


def _meaning(entry: LabelFile, place: str, label: Any, known: Sequence[str]) -> tuple[str | None, float | None]:
    """The class that a label stands for, None where it is to be left out, and its grade from 0 to 1 if it is one."""
    if entry.grades is not None:
        worst, best = entry.grades
        try:
            number = float(label)
        except (TypeError, ValueError):
            number = math.nan
        if not worst <= number <= best:
            msg = (
                f"label file {entry.path}, {place}: {label!r} is no grade from {worst:g} to {best:g}; correct `grades`"
            )
            raise ConfigError(msg)
        grade = (number - worst) / (best - worst)
        return known[1 if grade >= 0.5 else 0], grade
    given = _spelled(label)
    name = entry.classes.get(given) if entry.classes else given
    if name is not None and name not in known:
        msg = (
            f"label file {entry.path}, {place}: label {given!r} stands for {name!r}, the classes are {sorted(known)}; "
            "say under `classes` what it means, or give `grades` where labels are numbers"
        )
        raise ConfigError(msg)
    return name, None


def _spelled(label: Any) -> str:
    """A label as JSON spells it: 5 for 5.0, which Parquet may hold in its place."""
    if isinstance(label, str):
        return label
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return json.dumps(label, ensure_ascii=False, default=str)


def _rows(entry: LabelFile) -> Iterator[tuple[str, str, Any]]:
    """Where each row stands (for messages), its text, its label."""
    try:
        with entry.path.open("rb") as file:
            parquet = file.read(4) == b"PAR1"
    except OSError as error:
        msg = (
            f"label file {entry.path}: cannot be read ({error.strerror or error}); correct `path` in the configuration"
        )
        raise SourceError(msg) from error
    for place, text, label in _parquet(entry) if parquet else _json_lines(entry):
        if not isinstance(text, str):
            msg = f"label file {entry.path}, {place}: {entry.text!r} holds no text but {str(text)[:80]!r}"
            raise SourceError(msg)
        if has_surrogates(text):
            msg = (
                f"label file {entry.path}, {place}: {entry.text!r} holds half of a surrogate pair; write the text again"
            )
            raise SourceError(msg)
        yield place, text, label


def _json_lines(entry: LabelFile) -> Iterator[tuple[str, Any, Any]]:
    # Lines end in a line feed and in nothing else: U+2028, U+0085 and their like may stand inside a JSON string.
    for number, line in lines(entry.path, MAX_LINE):
        if isinstance(line, int):
            msg = f"label file {entry.path}, line {number}: {line} bytes in one line, at most {MAX_LINE}"
            raise SourceError(msg)
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig"))
            yield f"line {number}", value[entry.text], value[entry.label]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            msg = (
                f"label file {entry.path}, line {number}: expected a JSON object in UTF-8 with the fields "
                f"{entry.text!r} and {entry.label!r} ({error!r}){_HOLDS_TEXTS}"
            )
            raise SourceError(msg) from error


def _parquet(entry: LabelFile) -> Iterator[tuple[str, Any, Any]]:
    try:
        with pq.ParquetFile(entry.path) as file:
            missing = [name for name in (entry.text, entry.label) if name not in file.schema_arrow.names]
            if missing:
                msg = (
                    f"label file {entry.path}: no column {missing[0]!r} among {file.schema_arrow.names[:20]}; correct "
                    f"`text` and `label`{_HOLDS_TEXTS}"
                )
                raise ConfigError(msg)
            number = 0
            for batch in file.iter_batches(ROWS, columns=[entry.text, entry.label]):
                texts, labels = batch.column(entry.text).to_pylist(), batch.column(entry.label).to_pylist()
                for text, label in zip(texts, labels, strict=True):
                    number += 1
                    yield f"row {number}", text, label
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        msg = f"label file {entry.path}: not a whole Parquet file ({error}); write it again"
        raise SourceError(msg) from error
