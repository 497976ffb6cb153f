"""Members of an archive, straight from it: never unpacked, never imported, never trusted.

A name is only a name: `../../etc/passwd` becomes the path `etc/passwd` of a document and touches no disk. Links and
devices are not followed but listed. Decompression is bounded in total and by member. A damaged archive raises; a
member that cannot be had is listed with its reason.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, ClassVar, Self, cast

import pyarrow as pa

from tamis.errors import SourceError
from tamis.readers.values import shorten

BLOCK = 1 << 20
PLACEHOLDER_DATES = frozenset({0, 315_532_800, 1_580_601_600})
"""Moments that build tools write instead of a date: 1970, 1980 (the first of zip), 2 February 2020 (hatchling)."""


@dataclass(slots=True)
class Contents:
    """What an archive holds.

    Attributes:
        members: path inside the archive without its top folder → bytes, of the wanted members.
        skipped: (path, reason, detail) of those that could not be had; with `NO_END` the path is empty.
        date: newest time of a member, UTC; None when the build tool wrote a placeholder.
    """

    members: dict[str, bytes] = field(default_factory=dict)
    skipped: list[tuple[str, str, str]] = field(default_factory=list)
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds, in bytes after decompression: of one member, and of all that is read of one archive."""

    member: int
    archive: int


class _DamagedError(Exception):
    """A header inside a tar that is none; `tarfile` alone would take it for the end."""


class _CheckedInfo(tarfile.TarInfo):
    """A tar header; damaged ones raise instead of ending the archive in silence."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise _DamagedError(str(error)) from error


NO_END = "no_end_of_archive"
"""Why an archive is listed that ends where another member could begin: cut short there, or written without an end."""


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes."""

    def __init__(self, stream: IO[bytes], limit: int, where: str) -> None:
        self._stream, self._left, self._limit, self._where = stream, limit, limit, where

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(min(size, BLOCK) if size >= 0 else BLOCK)
        self._left -= len(block)
        if self._left < 0:
            raise SourceError(_too_much(self._where, self._limit))
        return block


@dataclass(frozen=True, slots=True)
class _Entry:
    """A member as the archive names it: its size, its time, why it is not to be had, and its bytes."""

    name: str
    size: int
    time: float
    refused: tuple[str, str] | None
    read: Callable[[], bytes]
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """What one reading of an archive says of all its members.

    Attributes:
        last: path of a member → its position among all, from 1; of members with one name the last one's.
        contents: of the members that were wanted.
        top: whether paths are without a common top folder.
    """

    last: dict[str, int]
    contents: Contents
    top: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive.

    Attributes:
        path: inside the archive, without its top folder.
        position: among all members, from 1.
        data: its bytes; empty where it could not be had.
        refused: reason and detail, where it could not be had; with `NO_END` it is no member, and its path is empty.
    """

    path: str
    position: int
    data: bytes
    refused: tuple[str, str] | None = None


def contents(path: Path, wanted: Callable[[str], bool], limits: Limits, data: bytes | None = None) -> Contents:
    """Read the wanted members of a tar (plain, gzip, bzip2, xz, zstd) or zip archive, told by its first bytes.

    Of members with one name the last counts, as when unpacking; the others are listed.

    Args:
        path: the archive.
        wanted: says of a path inside the archive whether its bytes are needed.
        limits: bounds.
        data: its bytes, where it lies in another archive; the path is then only a name.

    Raises:
        SourceError: missing, no archive, cut short, damaged, or larger than allowed.
    """
    found = _Found(limits)
    with _opened(path, limits.archive, data) as entries:
        for entry in entries:
            found.time(entry.time)
            if entry.refused is not None:
                found.skip(entry.name, *entry.refused)
            elif not entry.is_folder and found.takes(entry.name, entry.size, wanted):
                found.add(entry.name, entry.read())
    return found.contents()


def survey(path: Path, wanted: Callable[[str], bool], limits: Limits) -> Survey:
    """Look at all members of an archive and read the wanted ones, before `members` reads the others one by one.

    Args:
        path: the archive.
        wanted: says of a path inside the archive whether its bytes are needed; larger ones than the limit are not had.
        limits: bounds.

    Raises:
        SourceError: as `contents`.
    """
    found = _Found(limits)
    last: dict[tuple[str, ...], int] = {}
    with _opened(path, limits.archive) as entries:
        for position, entry in enumerate(entries, start=1):
            found.time(entry.time)
            if entry.is_folder or entry.refused is not None:
                continue
            last[_parts(entry.name)] = position
            if found.takes(entry.name, entry.size, wanted):
                found.add(entry.name, entry.read())
    cut = found.cut
    return Survey({"/".join(parts[cut:]): at for parts, at in last.items()}, found.contents(), cut == 1)


def members(path: Path, seen: Survey, wanted: Callable[[str], bool], limits: Limits) -> Iterator[Member]:
    """The wanted members of an archive, one at a time, in their order in it; in memory is one of them.

    Args:
        path: the archive.
        seen: from `survey`, of the same file.
        wanted: says of a path inside the archive whether it is asked for; what could not be had is not named else.
        limits: bounds.

    Raises:
        SourceError: as `contents`.
    """
    cut = 1 if seen.top else 0
    with _opened(path, limits.archive) as entries:
        for position, entry in enumerate(entries, start=1):
            parts = _parts(entry.name)
            name = "/".join(parts[cut:]) or "/".join(parts)
            refused = entry.refused
            whole = refused is not None and refused[0] == NO_END
            if not whole and (entry.is_folder or not name or not wanted(name)):
                continue
            if refused is None and seen.last.get(name) != position:
                refused = ("duplicate_member", "a later member has the same name")
            if refused is None and entry.size > limits.member:
                refused = ("too_large", f"{entry.size} bytes, limit {limits.member}")
            if refused is not None:
                yield Member(name, position, b"", (refused[0], shorten(refused[1])))
            else:
                yield Member(name, position, entry.read())


@contextmanager
def _opened(path: Path, limit: int, data: bytes | None = None) -> Iterator[Iterator[_Entry]]:
    """The members of an archive; what is wrong with it becomes a `SourceError`."""
    try:
        with path.open("rb") if data is None else io.BytesIO(data) as file:
            magic = file.read(6)
            file.seek(0)
            if magic[:2] == b"PK":
                yield _zip(file, str(path), limit)
            else:
                yield _tar(_decompressed(file, magic), str(path), limit)
    except SourceError:
        raise
    except (
        OSError,
        EOFError,
        _DamagedError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        ValueError,
        OverflowError,
        NotImplementedError,
    ) as error:
        msg = f"{path}: not a whole source release (.tar.gz or .zip): {shorten(error)}. Delete it and fetch it again."
        raise SourceError(msg) from error


def first_names(path: Path, count: int, limit: int) -> list[str]:
    """The names of the first members of an archive; none of what is no archive, is damaged, or is too large.

    Args:
        path: a file.
        count: names, at most.
        limit: bytes read after decompression, at most.
    """
    names: list[str] = []
    try:
        with _opened(path, limit) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) == count:
                    break
    except SourceError:
        pass
    return names


@contextmanager
def decompressed(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed (gzip, bzip2, xz, zstd) as its first ones say.

    Raises:
        OSError, EOFError, ValueError, zlib.error, lzma.LZMAError: it is missing or damaged; also while it is read.
    """
    with path.open("rb") as file:
        magic = file.read(6)
        file.seek(0)
        yield _decompressed(file, magic)


def _decompressed(file: IO[bytes], magic: bytes) -> IO[bytes]:
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if magic[:3] == b"BZh":
        return cast("IO[bytes]", bz2.BZ2File(file))
    if magic == b"\xfd7zXZ\0":
        return cast("IO[bytes]", lzma.LZMAFile(file))
    if magic[:4] == b"\x28\xb5\x2f\xfd":
        return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"))
    return file


def _tar(stream: IO[bytes], where: str, limit: int) -> Iterator[_Entry]:
    class Info(_CheckedInfo):
        """Notices the blocks of zeros that end an archive."""

        ended: ClassVar[bool] = False

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
            Info.ended |= len(buf) == tarfile.BLOCKSIZE and not any(buf)
            return super().frombuf(buf, encoding, errors)

    bounded = _Bounded(stream, limit, where)
    with tarfile.open(fileobj=cast("Any", bounded), mode="r|", tarinfo=Info, errorlevel=2) as archive:
        for member in archive:
            # The list of members that tarfile keeps would hold every header of a hostile archive.
            archive.members = []  # type: ignore[attr-defined]
            refused = None
            if not member.isdir() and not member.isfile():
                refused = (
                    "link" if member.issym() or member.islnk() else "special_file",
                    f"-> {member.linkname}" if member.linkname else "a device or pipe",
                )
            yield _Entry(
                member.name, member.size, member.mtime, refused, partial(_extracted, archive, member), member.isdir()
            )
    if not Info.ended:
        told = "the zeros that end a tar are missing: it may be cut short between two members; fetch it again if so"
        yield _Entry("", 0, math.nan, (NO_END, told), bytes)
    # What follows the end of the tar is read too, so that a checksum of the compression is checked.
    while bounded.read(BLOCK):
        pass


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _zip(file: IO[bytes], where: str, limit: int) -> Iterator[_Entry]:
    left = limit

    def read(info: zipfile.ZipInfo) -> bytes:
        nonlocal left
        left -= info.file_size
        if left < 0:
            raise SourceError(_too_much(where, limit))
        with archive.open(info) as member:
            return member.read(info.file_size + 1)

    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            refused = None
            if stat.S_ISLNK(info.external_attr >> 16):
                refused = ("link", "a symbolic link")
            elif info.flag_bits & 1:
                refused = ("encrypted", "a password is needed")
            refused = None if info.is_dir() else refused
            yield _Entry(info.filename, info.file_size, _zip_time(info), refused, partial(read, info), info.is_dir())


def _zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _too_much(where: str, limit: int) -> str:
    return (
        f"{where}: holds more than {limit} bytes after decompression; raise max_archive_bytes of its source if that "
        "is meant, otherwise do not trust this file"
    )


class _Found:
    """Collects members under their cleaned paths."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._members: dict[tuple[str, ...], bytes] = {}
        self._skipped: list[tuple[tuple[str, ...], str, str]] = []
        self._tops: set[str] = set()
        self._newest = -math.inf

    def time(self, moment: float) -> None:
        if math.isfinite(moment):
            self._newest = max(self._newest, moment)

    def skip(self, name: str, reason: str, detail: str) -> None:
        self._skipped.append((_parts(name), reason, shorten(detail)))

    def takes(self, name: str, size: int, wanted: Callable[[str], bool]) -> bool:
        parts = _parts(name)
        self._tops.add(parts[0] if len(parts) > 1 else "")
        if not parts or not wanted("/".join(parts[1:]) or parts[0]):
            return False
        if size > self._limits.member:
            self.skip(name, "too_large", f"{size} bytes, limit {self._limits.member}")
            return False
        return True

    def add(self, name: str, data: bytes) -> None:
        parts = _parts(name)
        if parts in self._members:
            self.skip(name, "duplicate_member", "a later member has the same name")
        self._members[parts] = data

    @property
    def cut(self) -> int:
        """Parts that are cut off in front: a source release has one top folder; what has none keeps its paths whole."""
        return 1 if len(self._tops) == 1 and "" not in self._tops else 0

    def contents(self) -> Contents:
        cut = self.cut
        members = {"/".join(parts[cut:]): data for parts, data in self._members.items()}
        skipped = sorted(
            ("/".join(parts[cut:]) or "/".join(parts), reason, detail) for parts, reason, detail in self._skipped
        )
        return Contents(members, skipped, self._date())

    def _date(self) -> datetime | None:
        if not math.isfinite(self._newest) or int(self._newest) in PLACEHOLDER_DATES:
            return None
        try:
            when = datetime.fromtimestamp(math.floor(self._newest), tz=UTC)
        except (OverflowError, ValueError, OSError):
            return None
        return when if 1990 <= when.year < 2100 else None


def _parts(name: str) -> tuple[str, ...]:
    """The segments of a member's name, without those that climb or stand still."""
    clean = name.encode("utf-8", "replace").decode("utf-8").replace("\\", "/").replace("\0", "")
    return tuple(part for part in clean.split("/") if part not in ("", ".", ".."))
