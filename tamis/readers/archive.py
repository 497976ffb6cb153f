"""Members of a source release, straight from the archive: never unpacked, never imported, never trusted.

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
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self, cast

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
        skipped: (path, reason, detail) of those that could not be had.
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


def contents(path: Path, wanted: Callable[[str], bool], limits: Limits) -> Contents:
    """Read the wanted members of a tar (plain, gzip, bzip2, xz) or zip archive, told by its first bytes.

    Of members with one name the last counts, as when unpacking; the others are listed.

    Args:
        path: the archive.
        wanted: says of a path inside the archive whether its bytes are needed.
        limits: bounds.

    Raises:
        SourceError: missing, no archive, cut short, damaged, or larger than allowed.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(6)
            file.seek(0)
            if magic[:2] == b"PK":
                return _zip(file, str(path), wanted, limits)
            return _tar(_decompressed(file, magic), str(path), wanted, limits)
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


def _decompressed(file: IO[bytes], magic: bytes) -> IO[bytes]:
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if magic[:3] == b"BZh":
        return cast("IO[bytes]", bz2.BZ2File(file))
    if magic == b"\xfd7zXZ\0":
        return cast("IO[bytes]", lzma.LZMAFile(file))
    return file


def _tar(stream: IO[bytes], where: str, wanted: Callable[[str], bool], limits: Limits) -> Contents:
    found = _Found(limits)
    bounded = _Bounded(stream, limits.archive, where)
    with tarfile.open(fileobj=cast("Any", bounded), mode="r|", tarinfo=_CheckedInfo, errorlevel=2) as archive:
        for member in archive:
            # The list of members that tarfile keeps would hold every header of a hostile archive.
            archive.members = []  # type: ignore[attr-defined]
            found.time(member.mtime)
            if member.isdir():
                continue
            if not member.isfile():
                found.skip(
                    member.name,
                    "link" if member.issym() or member.islnk() else "special_file",
                    f"-> {member.linkname}" if member.linkname else "a device or pipe",
                )
                continue
            if found.takes(member.name, member.size, wanted):
                file = archive.extractfile(member)
                found.add(member.name, b"" if file is None else file.read())
    # What follows the end of the tar is read too, so that a checksum of the compression is checked.
    while bounded.read(BLOCK):
        pass
    return found.contents()


def _zip(file: IO[bytes], where: str, wanted: Callable[[str], bool], limits: Limits) -> Contents:
    found = _Found(limits)
    left = limits.archive
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            found.time(_zip_time(info))
            mode = info.external_attr >> 16
            if info.is_dir():
                continue
            if stat.S_ISLNK(mode):
                found.skip(info.filename, "link", "a symbolic link")
            elif info.flag_bits & 1:
                found.skip(info.filename, "encrypted", "a password is needed")
            elif found.takes(info.filename, info.file_size, wanted):
                left -= info.file_size
                if left < 0:
                    raise SourceError(_too_much(where, limits.archive))
                with archive.open(info) as member:
                    found.add(info.filename, member.read(info.file_size + 1))
    return found.contents()


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

    def contents(self) -> Contents:
        # A source release has one top folder, name-version; what has none keeps its paths whole.
        cut = 1 if len(self._tops) == 1 and "" not in self._tops else 0
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
