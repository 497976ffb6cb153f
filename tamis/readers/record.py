"""What every format shares: the record, the skip, the base of source sections, and files.

All texts are treated alike, whatever the format they come from: a leading byte order mark goes, line ends become
one line feed, a few NUL characters are taken out (and counted in the metadata), and a text that is no text (NULs
all over, unpaired surrogates, white space only) is skipped. Texts and metadata are UTF-8 from here on, as Arrow's
buffers hold them.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tamis.errors import SourceError
from tamis.readers.forms import SAMPLE_CHARACTERS, kind_of_bytes
from tamis.readers.patterns import irregular, matches
from tamis.readers.said import kind_said
from tamis.readers.values import characters_of, clean_text, has_surrogates, invalid_utf8, json_bytes, parse_date
from tamis.section import Kind, Section

DEFAULT_DOCUMENT_BYTES = 104_857_600
"""100 MiB. Reading a document takes up to fifteen times its bytes, where one character is wide: 1.5 GB of the 3 GB that
a job may have."""

URL_CHARACTERS = 65_536
"""Longest URL; browsers end at 2,000 to 64,000. What is longer is kept as metadata."""

DocumentBytes = Annotated[
    int,
    Field(
        ge=1,
        le=2**40,
        description="Bytes of one encoded document; a larger one is skipped as too_large. A job takes up to fifteen "
        "times as much memory: where this is raised, raise `mem_mb` of `ingest_map` in the profile.",
    ),
]


CHOSEN = frozenset(
    {
        "binary",
        "empty_file",
        "generated",
        "language_not_chosen",
        "licence_not_allowed",
        "licence_unknown",
        "link",
        "no_side",
        "not_included",
        "special_file",
        "vendored",
        "withdrawn",
    }
)
"""Reasons of skips by which nothing went wrong: what is no text among code or papers, or was not asked for."""

OnBadFile = Literal["fail", "skip"]


@dataclass(frozen=True, slots=True)
class Record:
    """One document as read, made by `make`.

    Attributes:
        data: the text in UTF-8; never empty, no NUL, lines end in a line feed.
        kind: one of `tamis.schemas.KINDS`.
        url: as found, or None.
        date: whole seconds in UTC, or None.
        fields: the source's own fields as a JSON object in UTF-8, or None.
        path: the file it was read from.
        record: its position in the file, from 1 (line, row, or member in order of names).
        parent: of an extract, URL or id of the document that it was taken from; None: it is no extract.
    """

    data: bytes
    kind: str
    url: str | None
    date: datetime | None
    fields: bytes | None
    path: str
    record: int
    parent: str | None = None

    @property
    def text(self) -> str:
        """The text."""
        return self.data.decode()

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The source's own fields."""
        return None if self.fields is None else dict(json.loads(self.fields))


@dataclass(frozen=True, slots=True)
class Skip:
    """A record that could not be read.

    Attributes:
        path: the file.
        record: position in the file, from 1; 0 where the whole file is meant.
        reason: snake_case name of the rule.
        detail: what was found, at most 200 characters.
    """

    path: str
    record: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A record that is no document and is not meant to be one: counted, not listed.

    Attributes:
        what: what it is, in the words of its format (`request`).
    """

    what: str


EMPTY = "empty_text"
"""Why a record that holds nothing but white space is skipped."""

NO_PAGE = frozenset({"http_status", "revisit", "robots_txt", "empty_body"})


def read_well(reason: str) -> bool:
    """Whether a skipped record was read and is just no text, by the reason why it was skipped."""
    return reason == EMPTY or reason in NO_PAGE or reason in CHOSEN or reason.startswith("mime_")


class Source(Section, ABC):
    """Base of the source sections: what every format has, and how its files are found and read."""

    stands_alone: ClassVar[bool] = False
    """Whether each file is read by a job of its own, whatever its size: the workflow then stays the same when a file
    that is yet to be fetched arrives."""

    reads: ClassVar[frozenset[str] | None] = None
    """The contents (names in `tamis.readers.signatures.CONTENTS`) that the format reads; a file of another that is
    recognised by its first bytes is refused. None: the reader looks for itself."""

    awaits_files: ClassVar[bool] = True
    """Whether the workflow knows its files by name. A tree has as many as it has, some with names that Snakemake cannot
    carry (`{{cookiecutter.name}}`); they are there before it starts."""

    name: str = Field(
        pattern="^[a-z0-9_]+$",
        max_length=64,
        description="Name of the source (lower-case letters, digits, underscores): the `source` of its documents.",
    )
    format: str = Field(description="Format of its files.")
    paths: tuple[str, ...] = Field(
        default=(),
        description="Local files or glob patterns (`**` crosses folders), relative to the working directory.",
    )
    kind: Kind | Literal["auto"] = Field(
        default="auto",
        description="Kind of all its documents, or auto: by format, extension and share of line types.",
    )
    max_document_bytes: DocumentBytes = DEFAULT_DOCUMENT_BYTES
    on_bad_file: OnBadFile = Field(
        default="fail",
        description="What a damaged file does, or one of another format, or a link that leads nowhere: fail the run; "
        "or skip: nothing of it is used, it is listed in `ingest/skipped/` and the run goes on. A source without one "
        "good file fails all the same.",
    )

    def named_fields(self) -> tuple[str, ...]:
        """The fields or columns that the configuration names for itself, sorted; defaults are not among them."""
        keys = [key for key in self.model_fields_set if key.endswith(("_field", "_column"))]
        return tuple(sorted({str(name) for key in keys if (name := getattr(self, key)) is not None}))

    def pinned_hashes(self) -> Mapping[Path, str]:
        """sha256 of those `input_files` whose content the configuration pins; of all others what they hold decides."""
        return {}

    def input_files(self) -> list[Path]:
        """The files to read, sorted by path; only a format that fetches its files names some that are not there yet.

        Raises:
            SourceError: a path does not exist, or a pattern matches nothing.
        """
        return files_of(self)

    def paths_of(self, files: Sequence[Path]) -> tuple[str, ...]:  # noqa: ARG002 - for formats with trees
        """What of `paths` the job must know that reads some of `input_files`; nothing where the files say all."""
        return ()

    def governing(self, files: Sequence[Path]) -> list[Path]:  # noqa: ARG002 - for formats with trees
        """Other files that decide what becomes of some of `input_files`; they are held to what they held as well."""
        return []

    def unread(self, path: Path) -> Skip | None:  # noqa: ARG002 - for formats with trees
        """Why one of `input_files` is listed and not even opened; None where it is read."""
        return None

    @abstractmethod
    def read(self, path: Path) -> Iterator[Record | Skip | Passed]:
        """The records of one of `input_files`, in an order that depends only on the file's bytes.

        Raises:
            SourceError: the file is missing, damaged, or of another format or hash than configured.
        """

    def read_and_count(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip | Passed]:  # noqa: ARG002 - for formats with fields
        """As `read`; a format whose section names fields counts in how many records each was there and not null.

        Args:
            path: one of `input_files`.
            counts: name of the field → records, to add to; 0 for a field that is looked for in vain.
        """
        return self.read(path)


def files_of(source: Source) -> list[Path]:
    """The existing files that the paths and patterns of a source name, sorted, each once.

    With `on_bad_file: skip` also links that lead nowhere, pipes, sockets and devices, which are listed as bad files.

    Raises:
        SourceError: no path is given, a path is missing or a folder, a pattern matches nothing or what is no file, or
            a folder cannot be listed.
    """
    if not source.paths:
        msg = f"source {source.name!r}: paths is empty; name at least one file or pattern"
        raise SourceError(msg)
    found: set[Path] = set()
    for pattern in source.paths:
        if Path(pattern).is_dir():
            msg = f"source {source.name!r}: {pattern} is a folder; name its files, for example {pattern.rstrip('/')}/**"
            raise SourceError(msg)
        try:
            files = matches(pattern)
        except SourceError as error:
            raise SourceError(f"source {source.name!r}: {error}") from error
        if not files:
            msg = f"source {source.name!r}: {pattern} matches no file in {Path.cwd()}; correct it or take it out"
            raise SourceError(msg)
        found.update(files)
    ordered = sorted(found)
    if source.on_bad_file == "fail":
        for path in ordered:
            if what := irregular(path):
                msg = (
                    f"source {source.name!r}: {path} is {what}, not a file. Take it away, name what is meant in paths, "
                    "or set on_bad_file: skip, which lists it and goes on without it."
                )
                raise SourceError(msg)
    return ordered


def make(
    source: Source,
    path: str,
    record: int,
    text: object,
    *,
    url: object = None,
    date: object = None,
    metadata: Mapping[str, Any] | None = None,
    kind: str | None = None,
    parent: object = None,
) -> Record | Skip:
    """One record, or the reason why it is none.

    A url or parent that is no string and a date that cannot be read become null and stay in the metadata as found.

    Args:
        source: its section.
        path: the file.
        record: position in the file, from 1.
        text: the text as read, a string or bytes of UTF-8.
        url: as read.
        date: as read; see `parse_date`.
        metadata: other fields; what JSON cannot carry is written out.
        kind: the kind that the reader knows; None leaves it to the section, the record's fields and the text.
        parent: of an extract, URL or id of what it was taken from, as read.
    """
    if isinstance(text, bytes) and (wrong := invalid_utf8(text)):
        return Skip(path, record, "invalid_utf8", wrong)
    checked = clean_text(text)
    if len(checked) == 3:
        return Skip(path, record, checked[1], checked[2])
    data, nuls = checked
    if len(data) > source.max_document_bytes:
        return Skip(path, record, "too_large", f"{len(data)} bytes of text, limit {source.max_document_bytes}")
    kept = dict(metadata or {})
    if nuls:
        kept["removed_nuls"] = nuls
    when = parse_date(date)
    if when is None and date is not None and date != "":
        kept.setdefault("date", date)
    address = url if isinstance(url, str) and _usable(url) else None
    if address is None and url:
        kept.setdefault("url", url)
    origin = parent if isinstance(parent, str) and _usable(parent) else None
    if origin is None and parent:
        kept.setdefault("parent", parent)
    fields = json_bytes(kept) if kept else None
    if fields is not None and len(fields) > source.max_document_bytes:
        return Skip(path, record, "too_large", f"{len(fields)} bytes of metadata, limit {source.max_document_bytes}")
    if source.kind != "auto":
        kind = source.kind
    kind = kind or kind_said(kept, has_url=address is not None)
    return Record(data, kind or _kind(data), address, when, fields, path, record, origin)


def _usable(url: str) -> bool:
    """Whether a string can be the URL of a document."""
    return 0 < len(url) <= URL_CHARACTERS and not has_surrogates(url)


def _kind(data: bytes) -> str:
    """The kind that the lines of a text show."""
    if len(data) <= SAMPLE_CHARACTERS:
        return kind_of_bytes(data, -1)
    sample = data[: 4 * SAMPLE_CHARACTERS].decode("utf-8", "ignore")[:SAMPLE_CHARACTERS]
    return kind_of_bytes(sample.encode(), characters_of(data))
