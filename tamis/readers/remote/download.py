"""One file, whole: resumed where it broke off, held to its length and hash, and renamed only then.

What has come of a file lies in `.<name>.part`, and beside it what it was part of (ETag or Last-Modified, length). A
later try asks for the rest of that very file (`Range` with `If-Range`); a server that sends all of it, another range,
or a file that has changed in between, makes it begin anew. A try that brought more of the file than any before counts
for nothing; of others there are `retries`, with waits between them (`tamis.backoff`), and the last one is told.

Of a compressed body (`Content-Encoding`, although none was asked for) the bytes are kept where the name promises that
very compression, as servers say so of every `.gz`, and are decompressed where it does not.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tamis import trouble
from tamis.backoff import PATIENCE, jitter
from tamis.errors import FolderError, TamisError
from tamis.file_states import sha256_of
from tamis.readers.remote.addresses import beside, shown
from tamis.readers.remote.http import AgainError, Client, Response, Target, UnfetchedError, whole_number
from tamis.readers.remote.origin import PART, PARTIAL, Whole
from tamis.section import Section
from tamis.shards import read_json, temporary_file, write_json

log = logging.getLogger("tamis.remote")

BLOCK = 1 << 20
PROGRESS = 1 << 16
"""Bytes by which a try must have come further than all before it, so that it does not count."""

SPARE = 64 << 20
"""Bytes that a download leaves free on a disk, for what else is being written."""

STALL_SECONDS, STALL_BYTES = 300.0, 100_000
"""Of a connection by which less comes in such a time, another one is tried."""

MOST_TIMES = 100
"""How much larger than what was sent a file may be that was packed for sending."""

GZIP_NAMES = (".gz", ".tgz", ".gzip", ".warcz")
NAMED = {"gzip": GZIP_NAMES, "x-gzip": GZIP_NAMES, "zstd": (".zst", ".zstd"), "br": (".br",), "bzip2": (".bz2",)}
"""Content-Encoding → ends of names that promise it."""


@dataclass(frozen=True)
class Waits:
    """The clock, and how one waits; tests have their own."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[int], float] = jitter


class _Version(Section):
    """Which file the bytes in `.part` are of."""

    address: str
    etag: str | None = None
    last_modified: str | None = None
    length: int | None = None
    encoding: str | None = None

    @property
    def validator(self) -> str | None:
        """By which the rest of the same file is asked for; a weak ETag does not tell bytes apart."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified


@contextmanager
def part_of(path: Path) -> Iterator[IO[bytes]]:
    """The open file of what has come of a file; no other process has it at the same time.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = beside(path, PART)
    while True:
        with part.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever had it before may have renamed it.
            if part.exists() and os.path.samestat(part.stat(), os.fstat(file.fileno())):
                try:
                    yield file
                finally:
                    if part.exists() and not part.stat().st_size:
                        part.unlink()
                return


class Download:
    """Fetches one file."""

    def __init__(self, client: Client, target: Target, path: Path, *, retries: int, waits: Waits) -> None:
        """Prepare; nothing is sent yet.

        Args:
            client: sends requests.
            target: the file.
            path: where it comes to lie.
            retries: tries that bring nothing, after the first.
            waits: the clock.
        """
        self._client, self._target, self._path = client, target, path
        self._retries, self._waits = retries, waits
        self._partial = beside(path, PARTIAL)

    def run(self, part: IO[bytes], sha256: str | None) -> Whole:
        """Fetch it.

        Args:
            part: the file of `part_of`.
            sha256: hash that it must have; None where that is not known.

        Raises:
            UnfetchedError: it cannot be fetched; the message says why and what to do.
            FolderError: the disk is full.
        """
        version = self._known(part)
        tries, furthest = 0, _size(part)
        while True:
            resumed = _size(part) > 0
            try:
                version = self._receive(part, version, pinned=sha256 is not None)
                return self._finished(part, version, sha256, resumed=resumed)
            except AgainError as failure:
                tries = 0 if _size(part) >= furthest + PROGRESS else tries + 1
                furthest = max(furthest, _size(part))
                self._wait(tries, failure)
                version = self._known(part)
            except OSError as error:
                if not trouble.is_full(error):
                    raise
                raise FolderError(trouble.full_disk([self._path.parent], version.length or 0)) from error

    def _wait(self, tries: int, failure: AgainError) -> None:
        """Wait before the next try.

        Raises:
            UnfetchedError: there is none.
        """
        where = shown(self._target.address)
        if tries > self._retries:
            msg = (
                f"{where}: could not be fetched in {tries} tries, the last time: {failure}. What has come of it is "
                "kept; run again later, or raise remote.retries"
            )
            raise UnfetchedError(msg)
        if failure.wait is not None and failure.wait > PATIENCE:
            msg = f"{where}: its server asks to wait {failure.wait:.0f} seconds ({failure}); run again later"
            raise UnfetchedError(msg)
        seconds = (failure.wait or 0.0) + self._waits.jitter(max(tries, 1))
        log.info("%s: %s; another try in %.0f s", where, failure, seconds)
        self._waits.sleep(seconds)

    def _known(self, part: IO[bytes]) -> _Version:
        """Which file the bytes are of that lie there; where that cannot be known they are thrown away."""
        try:
            version = _Version.model_validate(read_json(self._partial))
        except (OSError, ValueError, TamisError):
            version = None
        if version is None or version.address != self._target.address or version.validator is None:
            version = _Version(address=self._target.address)
            part.truncate(0)
        return version

    def _anew(self, part: IO[bytes], why: str) -> AgainError:
        """Throw away what has come; the error to raise."""
        part.truncate(0)
        self._partial.unlink(missing_ok=True)
        return AgainError(f"{why}; it is fetched from its beginning")

    def _receive(self, part: IO[bytes], version: _Version, *, pinned: bool) -> _Version:
        """Ask for what is missing, and write it.

        Returns:
            Which file the bytes are of, all of which have come.

        Raises:
            AgainError: not all of it came.
            UnfetchedError: it cannot come.
        """
        start = _size(part)
        asked = {}
        if start and version.validator:
            asked = {"Range": f"bytes={start}-", "If-Range": version.validator}
        response = self._client.get(self._target, asked)
        try:
            match response.status:
                case 200:
                    if start:
                        log.info("%s: sent from its beginning again", shown(self._target.address))
                    part.truncate(0)
                    start = 0
                    version = self._version(response, response.length)
                    write_json(self._partial, version.model_dump(mode="json"))
                case 206 if asked:
                    self._check_range(part, version, response)
                case 416 if asked:
                    if _total(response.headers) == start == version.length:
                        return version
                    raise self._anew(part, "its server has less of it now")
                case status:
                    raise self._refused(f"answers {status}, which is no file; see whether the address is right")
            if version.length is None and not response.is_chunked and not pinned:
                raise self._refused(
                    "its server does not say how long it is, so that nobody could tell whether it came whole; give its "
                    "sha256 in a manifest, or fetch it by other means"
                )
            self._check_room((version.length or 0) - start)
            self._write(part, response, version)
        finally:
            response.close()
        if version.length is not None and _size(part) != version.length:
            if _size(part) > version.length:
                raise self._anew(part, f"{_size(part)} bytes came where {version.length} were announced")
            raise AgainError(f"it broke off after {_size(part)} of {version.length} bytes")
        return version

    def _version(self, response: Response, length: int | None) -> _Version:
        encoding = response.headers.get("content-encoding", "").lower().strip()
        return _Version(
            address=self._target.address,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            length=length,
            encoding=None if encoding in ("", "identity", "aws-chunked") else encoding,
        )

    def _check_range(self, part: IO[bytes], version: _Version, response: Response) -> None:
        """Hold that the rest of the same file is being sent.

        Raises:
            AgainError: something else is.
        """
        headers = response.headers
        unit, _, rest = headers.get("content-range", "").partition(" ")
        begin, _, _ = rest.partition("-")
        if unit.lower() != "bytes" or whole_number(begin) != _size(part):
            raise self._anew(part, "its server sent another range than was asked for")
        now = self._version(response, None)
        changed = any(
            one is not None and two is not None and one != two
            for one, two in ((now.etag, version.etag), (now.last_modified, version.last_modified))
        )
        if changed or now.encoding != version.encoding or _total(headers) not in (None, version.length):
            raise self._anew(part, "it has changed on its server")

    def _check_room(self, bytes_to_come: int) -> None:
        """Hold that the disk takes what is coming.

        Raises:
            FolderError: it does not.
        """
        space = trouble.free(self._path.parent)
        if space is not None and space < bytes_to_come + SPARE:
            raise FolderError(
                f"{shown(self._target.address)}: {trouble.full_disk([self._path.parent], bytes_to_come + SPARE)}, or "
                "let files go once they are read (remote.keep_files: false)"
            )

    def _write(self, part: IO[bytes], response: Response, version: _Version) -> None:
        clock = self._waits.clock
        since, came, unchecked = clock(), 0, 0
        while block := response.read(BLOCK):
            part.write(block)
            came += len(block)
            unchecked += len(block)
            if version.length is None and unchecked > SPARE // 2:
                self._check_room(0)
                unchecked = 0
            if clock() - since > STALL_SECONDS:
                if came < STALL_BYTES:
                    raise AgainError(f"{came} bytes came in {clock() - since:.0f} seconds")
                since, came = clock(), 0

    def _finished(self, part: IO[bytes], version: _Version, sha256: str | None, *, resumed: bool) -> Whole:
        """Put a file that has come whole where it belongs."""
        length = _size(part)
        os.fsync(part.fileno())
        lying = beside(self._path, PART)
        with temporary_file(self._path) as unpacked:
            try:
                decoded = self._unpack(lying, version.encoding, unpacked)
            except (zlib.error, EOFError) as error:
                raise self._anew(part, f"it cannot be decompressed ({error})") from None
            made = unpacked if decoded else lying
            found = sha256_of(made)
            if sha256 is not None and found != sha256:
                failure = self._anew(part, f"its sha256 is {found}, and {sha256} was expected")
                if resumed:
                    raise failure
                raise self._refused(
                    f"its sha256 is {found}, and {sha256} was expected: its server has another file. Correct the list, "
                    "or fetch the right file by other means"
                )
            size = made.stat().st_size
            made.chmod(0o644)
            made.replace(self._path)
        lying.unlink(missing_ok=True)
        self._partial.unlink(missing_ok=True)
        return Whole(bytes=size, sha256=found, etag=version.etag, last_modified=version.last_modified, length=length)

    def _unpack(self, packed: Path, encoding: str | None, into: Path) -> bool:
        """Decompress what came, where its name does not promise it compressed; whether that was so."""
        if encoding is None:
            return False
        name = self._path.name.lower()
        if name.endswith(NAMED.get(encoding, ())) and not (encoding.endswith("gzip") and _twice(packed)):
            return False
        if encoding not in ("gzip", "x-gzip"):
            raise self._refused(
                f"comes as Content-Encoding {encoding[:40]}, though it was asked for as it is; fetch it by other means"
            )
        with packed.open("rb") as file, into.open("wb") as output:
            written, unchecked = 0, 0
            for block in gunzipped(file):
                output.write(block)
                written += len(block)
                unchecked += len(block)
                if unchecked > SPARE // 2:
                    self._check_room(0)
                    unchecked = 0
                if written > MOST_TIMES * packed.stat().st_size + SPARE:
                    raise self._refused(f"is more than {MOST_TIMES} times as large as what was sent; leave it out")
            output.flush()
            os.fsync(output.fileno())
        return True

    def _refused(self, why: str) -> UnfetchedError:
        return UnfetchedError(f"{shown(self._target.address)}: {why}")


def gunzipped(file: IO[bytes]) -> Iterator[bytes]:
    """What gzip data holds, in blocks of bounded size; several members follow one another.

    Raises:
        zlib.error: it is damaged.
        EOFError: it is cut short.
    """
    unzip = zlib.decompressobj(31)
    data = file.read(BLOCK)
    while data:
        yield unzip.decompress(data, BLOCK)
        data = unzip.unconsumed_tail or (unzip.unused_data if unzip.eof else b"") or file.read(BLOCK)
        if unzip.eof and data:
            unzip = zlib.decompressobj(31)
    yield unzip.flush()
    if not unzip.eof:
        raise EOFError("it is cut short")


def _twice(path: Path) -> bool:
    """Whether gzip data holds gzip data."""
    with path.open("rb") as file:
        try:
            return zlib.decompressobj(31).decompress(file.read(BLOCK), 2)[:2] == b"\x1f\x8b"
        except zlib.error:
            return False


def _size(file: IO[bytes]) -> int:
    file.flush()
    return os.fstat(file.fileno()).st_size


def _total(headers: Mapping[str, str]) -> int | None:
    """How long the whole file is, by a `Content-Range`."""
    return whole_number(headers.get("content-range", "").rpartition("/")[2])
