"""Lines of a file of any length, plain, gzip or zstd, in bounded memory.

A compressed file that is cut short raises, as does one whose checksum is wrong: a truncated download must not pass
for a smaller corpus.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tamis.errors import SourceError

BLOCK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = range(0x50, 0x60)
"""First byte of a zstd skippable frame (`5? 2A 4D 18`), which some writers put first."""


def compression_of(path: Path) -> str | None:
    """`gzip`, `zstd` or None, by the first bytes of the file, whatever its name.

    Raises:
        SourceError: the file is missing or cannot be opened.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        msg = f"{path}: cannot be opened ({error.strerror or error}); check the paths of the source"
        raise SourceError(msg) from error
    if magic[:2] == GZIP_MAGIC:
        return "gzip"
    if magic == ZSTD_MAGIC or (len(magic) == 4 and magic[0] in ZSTD_SKIPPABLE and magic[1:] == b"\x2a\x4d\x18"):
        return "zstd"
    return None


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes] | Any]:
    """The decompressed bytes of a file; errors of decompression become `SourceError`.

    Raises:
        SourceError: the file is missing, cut short or damaged, or its name promises a compression it does not have.
    """
    compression = compression_of(path)
    promised = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    if promised is not None and compression != promised and path.stat().st_size:
        msg = f"{path}: its name says {promised} but its first bytes do not; fetch it again or rename it"
        raise SourceError(msg)
    if promised is not None and not path.stat().st_size:
        msg = f"{path}: empty, where {promised} data was expected; it was cut short. Fetch it again."
        raise SourceError(msg)
    try:
        if compression == "gzip":
            with gzip.open(path, "rb") as file:
                yield file
        elif compression == "zstd":
            with pa.input_stream(str(path), compression="zstd", buffer_size=BLOCK) as file:
                yield file
        else:
            with path.open("rb") as file:
                yield file
    except (EOFError, gzip.BadGzipFile, zlib.error, OSError, pa.ArrowException) as error:
        msg = f"{path}: cut short or damaged ({error}). Fetch or write it again; nothing of it is used."
        raise SourceError(msg) from error


def lines(path: Path, limit: int) -> Iterator[tuple[int, bytes | int]]:
    """The lines of a file, numbered from 1, without their line feeds.

    Args:
        path: plain, gzip or zstd.
        limit: bytes of the longest line to hold in memory.

    Yields:
        the number of the line, and its bytes, or its length in bytes when it is longer than `limit`.

    Raises:
        SourceError: as `opened`.
    """
    number, held, length = 1, [], 0
    with opened(path) as file:
        while block := file.read(BLOCK):
            *whole, rest = block.split(b"\n")
            for piece in whole:
                length += len(piece)
                if length > limit:
                    yield number, length
                else:
                    held.append(piece)
                    yield number, b"".join(held) if len(held) > 1 else piece
                number, held, length = number + 1, [], 0
            length += len(rest)
            if length > limit:
                held.clear()
            elif rest:
                held.append(rest)
    if length > limit:
        yield number, length
    elif held:
        yield number, b"".join(held)
