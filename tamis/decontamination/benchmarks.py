"""Benchmarks as they are published: files, the fields of their records, and the items that these make.

The files lie on this disk, or in the source release of a project that a requirements file pins by its hash, so that no
benchmark need be shipped with a configuration. It is fetched like releases of sources, and nothing of it is run.

A file is JSONL (plain, gzip, zstd), JSON (a list of objects), Parquet, CSV, TSV or Arrow, told by its name; a folder is
one as `datasets.save_to_disk` or a clone of the Hub leaves it, and all of its files of data are read. A field is the
name of a column or key; `answers.text` is the key `text` of the key `answers`.
"""

from __future__ import annotations

import csv
import glob
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from tamis.errors import SourceError
from tamis.readers.fetch import Release, normalised, parse_requirements, verify
from tamis.readers.lines import unpacked_name
from tamis.section import FilePath, Section

SUFFIXES = (".jsonl", ".ndjson", ".parquet", ".csv", ".tsv", ".arrow")
"""Of the files that are read of a folder; other files in it describe the data."""

LONGEST_RECORD = 64 << 20
LARGEST_RELEASE = 1 << 30
"""Bytes after decompression of what is read of one release."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]
OneOrMore = Annotated[tuple[str, ...], Field(min_length=1)]


class Fields(Section):
    """Which fields of a record hold what; `a.b` is the key `b` of the key `a`."""

    question: OneOrMore = Field(
        ("question",),
        description="What is asked, also a prompt that is to be continued; several fields are joined.",
    )
    answer: str | None = Field(
        None,
        description="The answer, or a list of answers of which each is right. A number (from 0) or a letter is a "
        "choice, where choices are given.",
    )
    solution: str | None = Field(None, description="A worked solution, beside a short answer.")
    choices: str | None = Field(None, description="A list of the answers to choose from.")
    passage: str | None = Field(None, description="A text that the question is about.")
    id: str | None = Field(None, description="What names the item; null: its number in the benchmark, from 0.")

    @field_validator("question", mode="before")
    @classmethod
    def _one(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given


class Benchmark(Section):
    """A benchmark: its files, and what their fields mean."""

    name: Name = Field(description="Its name in tables, ledger and edits.")
    paths: Annotated[tuple[FilePath, ...], Field(min_length=1)] = Field(
        description="Files, patterns, or folders as the Hugging Face Hub or `datasets` leave them.",
    )
    requirements: FilePath | None = Field(
        None,
        description="Requirements file with one `name==version --hash=sha256:…` a line: the source release of "
        "`project` is fetched, and `paths` lie in it.",
    )
    project: str | None = Field(None, description="The project of the requirements file whose release holds the files.")
    fields: Fields = Field(Fields(), description="Which fields of a record hold what.")
    where: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Field → values: only records that hold one of them are items (`{split: [test]}`).",
    )
    splits: tuple[str, ...] = Field(
        (),
        description="Of folders, only files whose name, or whose folder's name, begins with one of these (`test`); "
        "none: all.",
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> Benchmark:
        if (self.requirements is None) != (self.project is None):
            msg = f"benchmark {self.name!r}: requirements and project belong together; give both or neither"
            raise ValueError(msg)
        return self

    def release(self) -> Release | None:
        """The release that its files lie in; None where they lie on this disk.

        Raises:
            SourceError: the requirements file cannot be read, or pins not one release of the project.
        """
        if self.requirements is None or self.project is None:
            return None
        listed = parse_requirements(Path(self.requirements))
        found = [release for release in listed if release.name == normalised(self.project)]
        if len(found) != 1:
            known = ", ".join(sorted({release.name for release in listed})) or "none"
            raise SourceError(
                f"benchmark {self.name}: {self.requirements} pins {len(found)} releases of {self.project}, one is "
                f"needed; it pins: {known}"
            )
        return found[0]

    def files(self) -> list[Path]:
        """Its files on this disk, sorted.

        Raises:
            SourceError: a path names none.
        """
        found: list[Path] = []
        for path in self.paths:
            at = Path(path)
            if at.is_dir():
                here = [
                    file for file in sorted(at.rglob("*")) if self._is_data(file.relative_to(at)) and file.is_file()
                ]
            else:
                named = [path] if at.is_file() else sorted(glob.glob(path))  # noqa: PTH207 - of strings
                here = [Path(one) for one in named if Path(one).is_file()]
            if not here:
                raise SourceError(
                    f"benchmark {self.name}: {path} names no file of data ({', '.join(SUFFIXES)}); correct the path"
                    + (f", or splits ({', '.join(self.splits)})" if self.splits else "")
                )
            found += here
        if twice := [str(path) for path in dict.fromkeys(found) if found.count(path) > 1]:
            raise SourceError(f"benchmark {self.name}: {twice[0]} is named twice; take one out")
        return found

    def _is_data(self, path: PurePath) -> bool:
        wanted = _kind(path) in SUFFIXES and not any(part.startswith(".") for part in path.parts)
        parts = (path.name, *path.parts[:-1])
        return wanted and (not self.splits or any(part.startswith(self.splits) for part in parts))


@dataclass(frozen=True)
class Item:
    """One item of a benchmark; texts as published."""

    benchmark: str
    id: str
    question: str
    answers: tuple[str, ...]
    solution: str
    choices: tuple[str, ...]
    passage: str

    @property
    def name(self) -> str:
        """What ledger and edits call it."""
        return f"{self.benchmark}/{self.id}"

    @property
    def full(self) -> str:
        """The item as a page shows all of it."""
        parts = [self.passage, self.question, *self.choices, self.solution, *self.answers[:1]]
        return "\n".join(part for part in parts if part)


def _kind(path: PurePath) -> str:
    """The end of a file's name, without that of its compression."""
    return PurePath(unpacked_name(path.name.lower())).suffix


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    from tamis.readers.lines import lines

    for number, line in lines(path, LONGEST_RECORD):
        if isinstance(line, int):
            raise SourceError(f"{path}, line {number}: {line} bytes, at most {LONGEST_RECORD} are read")
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as error:
            raise SourceError(f"{path}, line {number}: no JSON ({error}); correct or remove the line") from error


def _records(path: Path) -> Iterable[Mapping[str, Any]]:
    """The records of one file.

    Raises:
        SourceError: it cannot be read.
    """
    import pyarrow as pa

    from tamis.readers.lines import opened

    kind = _kind(path)
    try:
        if kind in (".jsonl", ".ndjson"):
            return _json_lines(path)
        if kind == ".json":
            with opened(path) as stream:
                found = json.loads(stream.read())
            return found if isinstance(found, list) else [found]
        if kind == ".parquet":
            import pyarrow.parquet as pq

            return pq.read_table(path, partitioning=None).to_pylist()
        if kind == ".arrow":
            data = path.read_bytes()
            opening = pa.ipc.open_file if data.startswith(b"ARROW1") else pa.ipc.open_stream
            return opening(data).read_all().to_pylist()
        if kind in (".csv", ".tsv"):
            with opened(path) as stream:
                text = stream.read().decode("utf-8-sig")
            return csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if kind == ".tsv" else ",", strict=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SourceError(f"{path}: cannot be read as {kind[1:]} ({error})") from error
    raise SourceError(f"{path}: no format of benchmarks; known: {', '.join((*SUFFIXES, '.json'))}, plain or compressed")


def _get(record: Mapping[str, Any], field: str) -> Any:
    """The value of a field.

    Raises:
        KeyError: there is none.
    """
    if field in record:
        return record[field]
    first, dot, rest = field.partition(".")
    if dot and first in record:
        inner = record[first]
        if isinstance(inner, Mapping):
            return _get(inner, rest)
        if isinstance(inner, Sequence) and not isinstance(inner, str):
            return [_get(one, rest) for one in inner if isinstance(one, Mapping)]
    raise KeyError(field)


def _texts(value: Any) -> tuple[str, ...]:
    """A value as texts: each of a list; none of what is null or blank."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        value = value.get("text", list(value.values()))
    if isinstance(value, str) or not isinstance(value, Sequence):
        text = str(value).strip()
        return (text,) if text else ()
    return tuple(text for one in value for text in _texts(one))


def _chosen(answers: tuple[str, ...], choices: tuple[str, ...]) -> tuple[str, ...]:
    """Answers that number or letter a choice, as the text of that choice."""
    if len(answers) != 1 or not choices or answers[0] in choices:
        return answers
    word = answers[0].strip("(). ")
    place = int(word) if word.isascii() and word.isdigit() else ord(word.upper()) - ord("A") if len(word) == 1 else -1
    return (choices[place],) if 0 <= place < len(choices) else answers


@contextmanager
def _at_hand(benchmark: Benchmark) -> Iterator[list[Path]]:
    """The files of a benchmark; those of a release lie in a temporary folder, and errors name the release instead."""
    from tamis.readers import archive

    release = benchmark.release()
    if release is None:
        yield benchmark.files()
        return
    verify(release.path, release)
    limits = archive.Limits(LARGEST_RELEASE, LARGEST_RELEASE)
    found = archive.contents(release.path, lambda name: _kind(PurePath(name)) in (*SUFFIXES, ".json"), limits)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in found.members.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        unpacked = {"paths": tuple(f"{folder}/{path}" for path in benchmark.paths), "requirements": None}
        try:
            yield benchmark.model_copy(update=unpacked).files()
        except SourceError as error:
            raise SourceError(str(error).replace(folder, str(release.path))) from error


def read_items(benchmark: Benchmark) -> list[Item]:
    """All items of a benchmark, in the order of its files.

    Raises:
        SourceError: a file cannot be read, a record lacks a field or its question, ids are not unique, or nothing is
            left; the message names file, record and field.
    """
    with _at_hand(benchmark) as files:
        return _read(benchmark, files)


def _read(benchmark: Benchmark, files: Sequence[Path]) -> list[Item]:
    items: list[Item] = []
    where_of: dict[str, str] = {}
    for path in files:
        number = 0
        try:
            for number, record in enumerate(_records(path), 1):
                at = f"benchmark {benchmark.name}: {path}, record {number}"
                _check_fields(benchmark, record, at)
                if any(str(_get(record, name)) not in values for name, values in benchmark.where.items()):
                    continue
                item = _item(benchmark, record, str(len(items)))
                if not any(character.isalnum() for character in item.question):
                    named = " + ".join(benchmark.fields.question)
                    raise SourceError(f"{at}: {named} is null or has no word; correct fields, or take the record out")
                if item.id in where_of:
                    raise SourceError(f"{at}: the id {item.id!r} is also that of {where_of[item.id]}; ids must differ")
                where_of[item.id] = f"{path}, record {number}"
                items.append(item)
        except (csv.Error, UnicodeDecodeError) as error:
            raise SourceError(f"benchmark {benchmark.name}: {path}, after record {number}: {error}") from error
    if not items:
        chosen = f" with {benchmark.where}" if benchmark.where else ""
        msg = f"benchmark {benchmark.name}: no record{chosen} in {', '.join(benchmark.paths)}; "
        raise SourceError(f"{msg}correct {'where' if chosen else 'the file'}, or take the benchmark out")
    for key, attribute in OPTIONAL.items():
        field = getattr(benchmark.fields, key)
        if field is not None and not any(getattr(item, attribute) for item in items):
            raise SourceError(
                f"benchmark {benchmark.name}: {field!r} is null in all {len(items)} records; name another field for "
                f"{key}, or none"
            )
    return items


OPTIONAL = {"answer": "answers", "choices": "choices", "passage": "passage", "solution": "solution"}
"""Fields that may be null in some records but not in all, with what of an item they become."""


def _check_fields(benchmark: Benchmark, record: object, at: str) -> None:
    """Refuse a record that has not all fields that are named.

    Raises:
        SourceError: says which it has.
    """
    if not isinstance(record, Mapping):
        raise SourceError(f"{at}: no object with fields")
    fields = benchmark.fields
    for name in (*fields.question, *(getattr(fields, key) for key in OPTIONAL), fields.id, *benchmark.where):
        try:
            if name is not None:
                _get(record, name)
        except KeyError:
            have = ", ".join(str(key) for key in list(record)[:20] if key is not None)
            raise SourceError(f"{at}: has no field {name!r}, it has {have}; correct fields") from None


def _item(benchmark: Benchmark, record: Mapping[str, Any], number: str) -> Item:
    fields = benchmark.fields

    def texts(name: str | None) -> tuple[str, ...]:
        return () if name is None else _texts(_get(record, name))

    choices = texts(fields.choices)
    return Item(
        benchmark=benchmark.name,
        id="\n".join(texts(fields.id))[:200] or number,
        question="\n".join(text for name in fields.question for text in texts(name)),
        answers=_chosen(texts(fields.answer), choices),
        solution="\n".join(texts(fields.solution)),
        choices=choices,
        passage="\n".join(texts(fields.passage)),
    )
