"""Lines of a file of any length, plain or compressed, in bounded memory.

A compressed file that is cut short raises, as does one whose checksum is wrong: a truncated download must not pass
for a smaller corpus.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tamis.errors import SourceError

BLOCK = 1 << 20
NOT_EMPTY = re.compile(rb"[^\n]+")
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = range(0x50, 0x60)
"""First byte of a zstd skippable frame (`5? 2A 4D 18`), which some writers put first."""
LZ4_MAGIC = b"\x04\x22\x4d\x18"
XZ_MAGIC = b"\xfd7zXZ\0"
BZIP2_MAGIC = re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")

PACKED: Mapping[str, str] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz", ".lz4": "lz4"}
"""What the end of a name says of the compression, by the names of `tamis.readers.signatures.CONTENTS`."""

COMPRESSIONS = frozenset(PACKED.values())
"""Compressions in which lines and whole texts are read."""

XZ_MEMORY = 256 << 20
"""Bytes that xz may take: `xz -9` needs 65 MiB, a file may ask for 4 GiB."""


def unpacked_name(name: str) -> str:
    """A name without the suffix of its compression."""
    return next((name.removesuffix(suffix) for suffix in PACKED if name.endswith(suffix)), name)


def compression_of(path: Path) -> str | None:
    """One of `COMPRESSIONS` or None, by the first bytes of the file, whatever its name.

    Raises:
        SourceError: the file is missing or cannot be opened.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(10)
    except OSError as error:
        msg = f"{path}: cannot be opened ({error.strerror or error}); check the paths of the source"
        raise SourceError(msg) from error
    if magic[:2] == GZIP_MAGIC:
        return "gzip"
    if magic.startswith(ZSTD_MAGIC) or (magic[1:4] == b"\x2a\x4d\x18" and magic[0] in ZSTD_SKIPPABLE):
        return "zstd"
    if magic.startswith(LZ4_MAGIC):
        return "lz4"
    if magic.startswith(XZ_MAGIC):
        return "xz"
    return "bzip2" if BZIP2_MAGIC.match(magic) else None


class _Xz(io.RawIOBase):
    """A file of xz, decompressed within a bound of memory, which `lzma.open` has not."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._held = file, b""
        self._stream: lzma.LZMADecompressor | None = None

    def read(self, size: int = BLOCK) -> bytes:
        while True:
            if self._stream is None:
                if not self._at_stream():
                    return b""
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
            elif self._stream.needs_input:
                self._held = self._file.read(BLOCK)
                if not self._held:
                    raise EOFError("the end of the xz stream is missing")
            block = self._stream.decompress(self._held, size)
            self._held = b""
            if self._stream.eof:
                self._held, self._stream = self._stream.unused_data, None
            if block:
                return block

    def _at_stream(self) -> bool:
        """Go on to the next stream, over the zeros that may stand between two; whether there is one."""
        self._held = self._held.lstrip(b"\0")
        while not self._held:
            block = self._file.read(BLOCK)
            if not block:
                return False
            self._held = block.lstrip(b"\0")
        return True


@contextmanager
def _xz(path: Path) -> Iterator[IO[bytes] | Any]:
    with path.open("rb") as file:
        yield _Xz(file)


_OPENING: Mapping[str | None, Callable[[Path], Any]] = {
    None: lambda path: path.open("rb"),
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": _xz,
    "zstd": lambda path: pa.input_stream(str(path), compression="zstd", buffer_size=BLOCK),
    "lz4": lambda path: pa.input_stream(str(path), compression="lz4", buffer_size=BLOCK),
}


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes] | Any]:
    """The decompressed bytes of a file; errors of decompression become `SourceError`.

    Raises:
        SourceError: the file is missing, cut short or damaged, or its name promises a compression it does not have.
    """
    compression = compression_of(path)
    promised = PACKED.get(path.suffix)
    if promised is not None and compression != promised and path.stat().st_size:
        msg = f"{path}: its name says {promised} but its first bytes do not; fetch it again or rename it"
        raise SourceError(msg)
    if promised is not None and not path.stat().st_size:
        msg = f"{path}: empty, where {promised} data was expected; it was cut short. Fetch it again."
        raise SourceError(msg)
    try:
        with _OPENING[compression](path) as file:
            yield file
    except (EOFError, zlib.error, lzma.LZMAError, OSError, pa.ArrowException) as error:
        msg = f"{path}: cut short or damaged ({error}). Fetch or write it again; nothing of it is used."
        raise SourceError(msg) from error


def content(path: Path, limit: int) -> bytes | int:
    """All bytes of a file, or their number where they are more than a limit; no more than that is held in memory.

    Args:
        path: plain or compressed.
        limit: bytes after decompression.

    Raises:
        SourceError: as `opened`.
    """
    blocks: list[bytes] = []
    size = 0
    with opened(path) as file:
        while block := file.read(BLOCK):
            size += len(block)
            if size <= limit:
                blocks.append(block)
            else:
                blocks.clear()
    return size if size > limit else b"".join(blocks)


def lines(path: Path, limit: int) -> Iterator[tuple[int, bytes | int]]:
    """The lines of a file that are not empty, numbered from 1, without their line feeds.

    Args:
        path: plain or compressed.
        limit: bytes of the longest line to hold in memory.

    Yields:
        the number of the line, and its bytes, or its length in bytes when it is longer than `limit`.

    Raises:
        SourceError: as `opened`.
    """
    number = 1
    waiting = _Line(limit)
    with opened(path) as file:
        while block := file.read(BLOCK):
            first = block.find(b"\n")
            if first < 0:
                waiting.add(block)
                continue
            waiting.add(block[:first])
            if waiting.length:
                yield number, waiting.take()
            at, last = first, block.rfind(b"\n") + 1
            # Line feeds alone are passed over inside the search, 50 times as fast as a line each.
            for match in NOT_EMPTY.finditer(block, first + 1, last):
                start = match.start()
                number += block.count(b"\n", at, start)
                at = start
                yield number, match.group() if match.end() - start <= limit else match.end() - start
            number += block.count(b"\n", at, last)
            waiting.add(block[last:])
    if waiting.length:
        yield number, waiting.take()


def line_blocks(
    opening: AbstractContextManager[IO[bytes] | Any], limit: int, size: int
) -> Iterator[tuple[int, bytes | int]]:
    """The lines of a file, many at a time, with their line feeds.

    Args:
        opening: opens it.
        limit: bytes of the longest line to hold in memory beyond a block.
        size: bytes that are read at a time.

    Yields:
        the number of the first line, from 1, and whole lines; one alone, without its line feed, that was not read at a
        time. Of one that is longer than `limit` its length.

    Raises:
        SourceError: as `opened`.
    """
    number = 1
    waiting = _Line(limit)
    with opening as file:
        while block := file.read(size):
            last = block.rfind(b"\n") + 1
            if not last:
                waiting.add(block)
                continue
            start = 0
            if waiting.length:
                start = block.find(b"\n") + 1
                waiting.add(block[: start - 1])
                yield number, waiting.take()
                number += 1
            if start < last:
                yield number, block if (start, last) == (0, len(block)) else block[start:last]
                number += block.count(b"\n", start, last)
            waiting.add(block[last:])
    if waiting.length:
        yield number, waiting.take()


class _Line:
    """A line that goes on from block to block."""

    def __init__(self, limit: int) -> None:
        self.length = 0
        self._limit = limit
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Hold a piece, as long as the line is not too long."""
        self.length += len(piece)
        if self.length > self._limit:
            self._pieces.clear()
        elif piece:
            self._pieces.append(piece)

    def take(self) -> bytes | int:
        """The line, or its length when it is too long; the next one begins."""
        length, self.length = self.length, 0
        pieces, self._pieces = self._pieces, []
        if length > self._limit:
            return length
        return pieces.pop() if len(pieces) == 1 else b"".join(pieces)
