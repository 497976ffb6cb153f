"""What every format shares: the record, the skip, the base of source sections, texts, dates and files.

All texts are treated alike, whatever the format they come from: a leading byte order mark goes, line ends become
one line feed, a few NUL characters are taken out (and counted in the metadata), and a text that is no text (NULs
all over, unpaired surrogates, white space only) is skipped.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tamis.errors import SourceError
from tamis.readers.forms import kind_of
from tamis.readers.patterns import irregular, matches
from tamis.section import Kind, Section

NUL_SHARE = 0.001
"""More than one NUL in a thousand characters: not a text. UTF-16 read as UTF-8 has one in two."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_DOCUMENT_BYTES = 268_435_456

DocumentBytes = Annotated[
    int,
    Field(ge=1, le=2**40, description="Bytes of one encoded document; a larger one is skipped as too_large."),
]


OnBadFile = Literal["fail", "skip"]


@dataclass(frozen=True, slots=True)
class Record:
    """One document as read.

    Attributes:
        text: the text; never empty, no NUL, no unpaired surrogate, lines end in a line feed.
        kind: one of `tamis.schemas.KINDS`.
        url: as found, or None.
        date: whole seconds in UTC, or None.
        metadata: the source's own fields, JSON values only, or None.
        path: the file it was read from.
        record: its position in the file, from 1 (line, row, or member in order of names).
    """

    text: str
    kind: str
    url: str | None
    date: datetime | None
    metadata: dict[str, Any] | None
    path: str
    record: int


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


class Source(Section, ABC):
    """Base of the source sections: what every format has, and how its files are found and read."""

    stands_alone: ClassVar[bool] = False
    """Whether each file is read by a job of its own, whatever its size: the workflow then stays the same when a file
    that is yet to be fetched arrives."""

    reads: ClassVar[frozenset[str] | None] = None
    """The contents (names in `tamis.readers.signatures.CONTENTS`) that the format reads; a file of another that is
    recognised by its first bytes is refused. None: the reader looks for itself."""

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

    @abstractmethod
    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The records of one of `input_files`, in an order that depends only on the file's bytes.

        Raises:
            SourceError: the file is missing, damaged, or of another format or hash than configured.
        """

    def read_and_count(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip]:  # noqa: ARG002 - for formats with fields
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


def clean_text(value: object) -> tuple[str, int] | tuple[str, str, str]:
    """Bring a value to a text.

    Returns:
        the text and the number of NULs taken out of it, or ("", reason, detail) when it must be skipped.
    """
    if value is None:
        return "", "null_text", "the text is null"
    if not isinstance(value, str):
        return "", "not_text", f"the text is {type(value).__name__}, not a string"
    value = unix_lines(value.removeprefix("\ufeff"))
    nuls = value.count("\0")
    if nuls:
        if nuls > NUL_SHARE * len(value):
            return "", "binary", f"{nuls} NUL characters among {len(value)}"
        value = value.replace("\0", "")
    if not value or value.isspace():
        return "", "empty_text", "no character but white space"
    if has_surrogates(value):
        return "", "invalid_unicode", "unpaired surrogates"
    return value, nuls


def unix_lines(value: str) -> str:
    """The text with every line end, CR LF or CR, as one line feed."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value


def has_surrogates(value: str) -> bool:
    """Whether a string holds unpaired surrogates, which no UTF-8 can carry."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


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
) -> Record | Skip:
    """One record, or the reason why it is none.

    A url that is no string and a date that cannot be read become null and stay in the metadata as found.

    Args:
        source: its section.
        path: the file.
        record: position in the file, from 1.
        text: the text as read.
        url: as read.
        date: as read; see `parse_date`.
        metadata: other fields; JSON values.
        kind: the kind that the reader knows; None leaves it to the section and the text.
    """
    checked = clean_text(text)
    if len(checked) == 3:
        return Skip(path, record, checked[1], checked[2])
    value, nuls = checked
    kept = {name: json_value(field) for name, field in (metadata or {}).items()}
    if nuls:
        kept["removed_nuls"] = nuls
    when = parse_date(date)
    if when is None and date is not None and date != "":
        kept.setdefault("date", json_value(date))
    address = url if isinstance(url, str) and url and not has_surrogates(url) else None
    if address is None and url:
        kept.setdefault("url", json_value(url))
    if source.kind != "auto":
        kind = source.kind
    return Record(value, kind or kind_of(value), address, when, kept or None, path, record)


def parse_date(value: object) -> datetime | None:
    """A moment in UTC, whole seconds, or None when the value says none.

    Understood are dates and datetimes, ISO 8601 (also year and month, or the year alone), and seconds since
    1970 as a number or digits. A number in 1000…9999 is a year. Without a zone, UTC is meant.
    """
    if isinstance(value, datetime):
        return _whole(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return _written(value.strip())
    return None


def _whole(value: datetime) -> datetime | None:
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None


def _number(value: float) -> datetime | None:
    if not math.isfinite(value):
        return None
    if 1000 <= value <= 9999 and value == int(value):
        return datetime(int(value), 1, 1, tzinfo=UTC)
    try:
        return EPOCH + timedelta(seconds=math.floor(value))
    except OverflowError:
        return None


def _written(value: str) -> datetime | None:
    if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,9})?", value) and not re.fullmatch(r"[0-9]{8}", value):
        return _number(float(value))
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", value):
        value += "-01"
    try:
        return _whole(datetime.fromisoformat(value))
    except ValueError:
        return None


def json_value(value: object) -> Any:
    """The value as JSON can carry it: no NaN, no bytes, no dates, no unpaired surrogates."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if has_surrogates(value) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _json_container(value)


def _json_container(value: object) -> Any:
    convert: Callable[[object], Any] = json_value
    if isinstance(value, Mapping):
        return {convert(str(name)): convert(field) for name, field in value.items()}
    if isinstance(value, list | tuple):
        return [convert(field) for field in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return convert(str(value))


def shorten(value: object, limit: int = 200) -> str:
    """A value as one printable line of at most `limit` characters, for `Skip.detail` and messages."""
    line = " ".join(str(value).encode("utf-8", "backslashreplace").decode("utf-8").split())
    line = "".join(character if character.isprintable() else "�" for character in line[: 2 * limit])
    return line if len(line) <= limit else line[: limit - 1] + "…"
