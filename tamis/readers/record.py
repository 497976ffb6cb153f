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
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, Field, model_validator

from tamis.errors import SourceError
from tamis.readers.columns import MOMENT, PLACES, UNKNOWN, Columns, kinds_told
from tamis.readers.forms import kind_of_bytes, kind_of_extracted
from tamis.readers.named_files import files_of
from tamis.readers.remote.addresses import checked, is_address
from tamis.readers.remote.section import Remote
from tamis.readers.said import kind_said
from tamis.readers.selection import selected
from tamis.readers.values import clean_text, has_surrogates, invalid_utf8, json_bytes, parse_date
from tamis.section import Kind, Section

if TYPE_CHECKING:
    from tamis.readers.remote.listing import Listed, Named, Wanted
    from tamis.readers.small_files import Small

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

DAMAGED = frozenset(
    {
        "bad_encoding",
        "bad_header",
        "bad_http",
        "damaged",
        "digest_differs",
        "garbage",
        "no_end_of_archive",
        "truncated",
        "wrong_length",
    }
)
"""Reasons of skips that no setting of a source mends: what lies in an archive is not what was written there."""

OnBadFile = Literal["fail", "skip"]


def _known_address(value: str) -> str:
    try:
        return checked(value) if is_address(value) else value
    except SourceError as error:
        raise ValueError(str(error)) from None


AnyAddress = Annotated[str, AfterValidator(_known_address)]
"""A path or pattern, or an address that is fetched."""

WHICH = frozenset({"manifests", "prefix", "sample", "limit", "remote"})
"""Keys of a source that say which files it has and how they are come by, and nothing of what is read in them."""


PART_BYTES = 1 << 24
"""Bytes of a part of a file, at least, where its job finds it at once."""

DEAR_PART_BYTES = 1 << 27
"""Where all that lies before it must be gone through: with n parts that is (n - 1) / 2 times the file. Going through an
archive takes 6 % of the time in which its pages are extracted, of compressed lines it takes half of reading them."""


PLAIN = 2
"""A file of text counts for half its bytes where files are joined to units: 64 MB of it take 2 s, of which the start of
a job is a fourth, and in as many bytes of Parquet there are two to four times as many of text."""


class Part(NamedTuple):
    """One of several parts of a file that are read by a job each."""

    number: int
    """From 0."""
    of: int
    """How many there are."""

    def of_many(self, things: int) -> tuple[int, int]:
        """The first of so many things that is in this part, and the first that is in the next."""
        return things * self.number // self.of, things * (self.number + 1) // self.of


@dataclass(frozen=True, slots=True)
class Record:
    """One document as read, made by `make`.

    Attributes:
        data: the text in UTF-8; never empty, no NUL, lines end in a line feed.
        said: one of `tamis.schemas.KINDS`, or None: its form tells.
        url: as found, or None.
        date: whole seconds in UTC, or None.
        fields: the source's own fields as a JSON object in UTF-8, or None.
        path: the file it was read from.
        record: its position in the file, from 1 (line, row, or member in order of names).
        parent: of an extract, URL or id of the document that it was taken from; None: it is no extract.
    """

    data: bytes
    said: str | None
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
    def kind(self) -> str:
        """One of `tamis.schemas.KINDS`."""
        return self.said or kind_of_bytes(self.data)

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

NO_PAGE = frozenset({"http_status", "revisit", "robots_txt", "ads_txt", "empty_body"})


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

    takes_whole: ClassVar[bool] = False
    """Whether each small file is a document: those that `is_whole` names are given to `together` and `whole`."""

    awaits_files: ClassVar[bool] = True
    """Whether the workflow knows its files by name. A tree has as many as it has, some with names that Snakemake cannot
    carry (`{{cookiecutter.name}}`); they are there before it starts."""

    small_bytes: ClassVar[int | None] = None
    """Bytes of a remote file, about, where the format has one document a file and nobody says how large it is; None: it
    may be large."""

    name: str = Field(
        pattern="^[a-z0-9_]+$",
        max_length=64,
        description="Name of the source (lower-case letters, digits, underscores): the `source` of its documents.",
    )
    format: str = Field(description="Format of its files.")
    paths: tuple[AnyAddress, ...] = Field(
        default=(),
        description="Files or glob patterns (`**` crosses folders), relative to the working directory; and addresses: "
        "`https://`, `http://` and `s3://` (there also patterns), which are fetched into `downloads/`.",
    )
    manifests: tuple[AnyAddress, ...] = Field(
        default=(),
        description="Files or addresses of lists of files, one a line, plain, .gz or .zst, as Common Crawl's "
        "warc.paths.gz; ` sha256:<64 hex digits>` after an address pins it. Beside or instead of `paths`.",
    )
    prefix: AnyAddress | None = Field(
        default=None,
        min_length=1,
        description="Address or local folder against which the lines of `manifests` are read that are no addresses "
        "(https://data.commoncrawl.org/); null: where the list lies.",
    )
    sample: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="Share of the files that is read, for a trial: those with the smallest keyed hash of their path or "
        "address, whatever their order, so that a smaller sample lies in a larger one. At least one file.",
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        description="How many files are read at most, for a trial: the first by the hash of `sample`. null: all.",
    )
    remote: Remote = Field(default=Remote(), description="How files are fetched that lie elsewhere.")
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

    @model_validator(mode="after")
    def _prefix_of_lists(self) -> Source:
        if self.prefix is not None and not self.manifests:
            msg = f"source {self.name!r}: prefix is for the lines of manifests, and there are none; write it into paths"
            raise ValueError(msg)
        return self

    def names_remote(self) -> Named | None:
        """Addresses and lists of the source; None where it names local files alone."""
        addresses = tuple(path for path in self.paths if is_address(path))
        if not addresses and not self.manifests:
            return None
        from tamis.readers.remote.listing import Named

        return Named(self.name, addresses, self.manifests, self.prefix, self.remote)

    def listed(self) -> Listed | None:
        """What addresses and lists of the source name; None where it names local files alone.

        Raises:
            SourceError: a list cannot be had, or names what it must not.
        """
        if (named := self.names_remote()) is None:
            return None
        from tamis.readers.remote.listing import listed

        return listed(named)

    def remote_files(self) -> Mapping[Path, Wanted]:
        """The files that must be fetched, by the path where they come to lie.

        Raises:
            SourceError: as `listed`.
        """
        found = self.listed()
        return {} if found is None else found.remote

    @property
    def local_paths(self) -> tuple[str, ...]:
        """`paths` without addresses."""
        return tuple(path for path in self.paths if not is_address(path))

    def named_fields(self) -> tuple[str, ...]:
        """The fields or columns that the configuration names for itself, sorted; defaults are not among them."""
        keys = [key for key in self.model_fields_set if key.endswith(("_field", "_column"))]
        return tuple(sorted({str(name) for key in keys if (name := getattr(self, key)) is not None}))

    def pinned_hashes(self) -> Mapping[Path, str]:
        """sha256 of those `input_files` whose content the configuration pins; of all others what they hold decides."""
        return {}

    def input_files(self) -> list[Path]:
        """The files to read, sorted by path; those that are fetched need not be there yet.

        Raises:
            SourceError: a path does not exist, or a pattern matches nothing.
        """
        files = self.found_files()
        if self.sample >= 1 and self.limit is None:
            return files
        remote = self.remote_files()
        names = [remote[path].address if path in remote else str(path) for path in files]
        return selected(files, names, self.sample, self.limit)

    def found_files(self) -> list[Path]:
        """All files that the section names, before `sample` and `limit`; sorted by path.

        Raises:
            SourceError: a path does not exist, or a pattern matches nothing.
        """
        return files_of(self.name, self.local_paths, self.listed(), links_too=self.on_bad_file == "skip")

    def paths_of(self, files: Sequence[Path]) -> tuple[str, ...]:  # noqa: ARG002 - for formats with trees
        """What of `paths` the job must know that reads some of `input_files`; nothing where the files say all."""
        return ()

    def governing(self, files: Sequence[Path]) -> list[Path]:  # noqa: ARG002 - for formats with trees
        """Other files that decide what becomes of some of `input_files`; they are held to what they held as well."""
        return []

    def unread(self, path: str) -> Skip | None:  # noqa: ARG002 - for formats with trees
        """Why one of `input_files` is listed and not even opened; None where it is read."""
        return None

    def work(self, path: Path, size: int) -> int:  # noqa: ARG002 - for formats with files that are no text
        """For how many bytes of text one of `input_files` counts where files are joined to units, given its size."""
        return size

    def most_parts(self, path: Path) -> int:  # noqa: ARG002 - for formats with large files
        """In how many parts one of `input_files` can be read, by a job each; 1: only as a whole."""
        return 1

    def part_bytes(self, path: Path) -> int:  # noqa: ARG002 - for formats whose parts are not found at once
        """Bytes of a part of one of `input_files`, at least, going by its name."""
        return PART_BYTES

    def parts_by_name(self, path: Path) -> bool:  # noqa: ARG002 - for formats with large files
        """Whether one of `input_files` that is not there yet will be read by several jobs, going by its name.

        `read_part` takes any number of parts of such a file; where it turns out to have fewer, some are empty.
        """
        return False

    def read_part(self, path: Path, counts: Counter[str], part: Part) -> Iterator[Record | Skip | Passed | Columns]:
        """As `read_together`, what is in one of several parts of a file.

        All parts together give what the file gives, in this order; a part may be empty.

        Args:
            path: one of `input_files`.
            counts: as there.
            part: which, of a number up to `most_parts`, or of any where `parts_by_name` says so.
        """
        raise NotImplementedError(f"{path} is read as a whole, not as part {part}")

    @abstractmethod
    def read(self, path: Path) -> Iterator[Record | Skip | Passed]:
        """The records of one of `input_files`, in an order that depends only on the file's bytes.

        Raises:
            SourceError: the file is missing, damaged, or of another format or hash than configured.
        """

    def is_whole(self, path: str, size: int) -> bool:  # noqa: ARG002 - for formats of small files
        """Whether one of `input_files`, of so many bytes, is given to `together` and `whole` or read as any other."""
        return False

    def together(self, files: Sequence[Small]) -> tuple[Columns | None, Sequence[int]]:
        """The documents of small files with nothing odd about them, and which the others are, for `whole`.

        Args:
            files: some that `is_whole` names.
        """
        return None, range(len(files))

    def whole(self, path: str, data: bytes) -> Record | Skip:
        """What one of `input_files` is that `is_whole` names.

        Args:
            path: the file.
            data: its bytes.
        """
        raise NotImplementedError(f"{path}, of {len(data)} bytes, is not taken as a whole")

    def read_and_count(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip | Passed]:  # noqa: ARG002 - for formats with fields
        """As `read`; a format whose section names fields counts in how many records each was there and not null.

        Args:
            path: one of `input_files`.
            counts: name of the field → records, to add to; 0 for a field that is looked for in vain.
        """
        return self.read(path)

    def read_together(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip | Passed | Columns]:
        """As `read_and_count`; a format that reads many documents at once gives most of them together, in columns.

        What is skipped comes in the same order, documents in any.
        """
        return self.read_and_count(path, counts)


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
    page: bool = False,
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
        page: whether the text was taken from a page of HTML.
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
    kind = kind or kind_said(kept, has_url=address is not None) or (kind_of_extracted(data) if page else None)
    return Record(data, kind, address, when, fields, path, record, origin)


def _usable(url: str) -> bool:
    """Whether a string can be the URL of a document."""
    return 0 < len(url) <= URL_CHARACTERS and not has_surrogates(url)


def columns_of(records: Sequence[Record]) -> Columns:
    """Records side by side, in their order."""
    texts = pa.array([record.data for record in records], pa.large_binary()).view(pa.large_string())
    kinds = np.array([UNKNOWN if record.said is None else PLACES[record.said] for record in records], np.uint8)
    return Columns(
        text=texts,
        kind=kinds_told(texts, kinds),
        url=pa.array([record.url for record in records], pa.large_string()),
        date=pa.array([record.date for record in records], MOMENT),
        fields=pa.array([record.fields for record in records], pa.large_binary()).view(pa.large_string()),
        parent=pa.array([record.parent for record in records], pa.large_string()),
    )
