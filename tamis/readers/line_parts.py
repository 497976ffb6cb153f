"""Parts of a file of lines, for several jobs to read, each line in one of them.

Plain files are parted anywhere, zstd between its frames, whose headers say where each ends. Gzip says nothing of the
kind, of its members neither: a part is what is decompressed from some of its bytes on, and whoever reads it
decompresses what lies before: of four parts the last takes .6 of the time of the whole, all together 1.7 times as much.
A line belongs to the part in which the line feed before it stands; so a part begins behind its first line feed, and
ends behind the first one of the next.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tamis.errors import SourceError
from tamis.readers.lines import BLOCK, PACKED, ZSTD_MAGIC, ZSTD_SKIPPABLE, compression_of, opened

PIECE = 1 << 24
"""Bytes of a piece of a file that is not compressed, or by gzip."""


def pieces_of(path: Path) -> list[int]:
    """Where a file may be parted: offsets in it, from 0 to its size.

    Frames of zstd are found by the headers of their blocks; a file that is not compressed is parted anywhere, in pieces
    of `PIECE` bytes, and so is gzip, by its compressed bytes; damaged zstd and other compressions are one piece.
    """
    compression, size = compression_of(path), path.stat().st_size
    if compression == "gzip" or (compression is None and path.suffix not in PACKED):
        return [*range(0, size, PIECE), size] if size else [0, 0]
    if compression == "zstd" and (found := _frames(path, size)) is not None:
        return found
    return [0, size]


def _frames(path: Path, size: int) -> list[int] | None:
    """Where frames of zstd begin, and their end (RFC 8878); None where they are damaged.

    Skippable frames belong to the frame before them, the first ones to that behind.
    """
    found, at, some = [0], 0, False
    with path.open("rb", buffering=0) as file:
        while at < size:
            file.seek(at)
            head = file.read(18)
            if len(head) < 8:
                return None
            if head[:4] != ZSTD_MAGIC:
                if head[0] not in ZSTD_SKIPPABLE or head[1:4] != b"\x2a\x4d\x18":
                    return None
                at += 8 + int.from_bytes(head[4:8], "little")
                continue
            if some:
                found.append(at)
            some = True
            descriptor = head[4]
            single = descriptor >> 5 & 1
            at += 5 + (not single) + (0, 1, 2, 4)[descriptor & 3] + ((1 if single else 0), 2, 4, 8)[descriptor >> 6]
            while True:
                file.seek(at)
                block = file.read(3)
                if len(block) < 3:
                    return None
                told = int.from_bytes(block, "little")
                at += 3 + (1 if told >> 1 & 3 == 1 else told >> 3)
                if told & 1:
                    break
            at += 4 * (descriptor >> 2 & 1)
    return None if at != size else [*found, size]


class _Stretch(io.RawIOBase):
    """The lines of some pieces of a file: from behind the first line feed to behind the first of what follows."""

    def __init__(self, blocks: Iterator[tuple[bytes, bool]], *, first: bool) -> None:
        self._blocks, self._held = blocks, b""
        self._skipping, self._done = not first, False

    def read(self, size: int = -1) -> bytes:
        while not self._held and not self._done:
            block, beyond = next(self._blocks, (b"", True))
            if not block:
                self._done = True
            elif self._skipping:
                end = block.find(b"\n") + 1
                # What has no line feed of its own is part of a line that another part has.
                self._done = beyond
                if end and not beyond:
                    self._skipping, self._held = False, block[end:]
            elif beyond and (end := block.find(b"\n") + 1):
                self._held, self._done = block[:end], True
            else:
                self._held = block
        taken, self._held = self._held[:size], self._held[size:]
        return taken


class _Counted(io.RawIOBase):
    """A file that knows how many of its bytes were read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.count = file, 0

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.count += len(block)
        return block


class _Bounded(io.RawIOBase):
    """So many bytes of a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block


@contextmanager
def opened_part(path: Path, first: int, last: int) -> Iterator[IO[bytes] | Any]:
    """The lines of some pieces of a file, decompressed; of all parts together, in order, each line once.

    Args:
        path: plain or compressed.
        first: the first piece, as `pieces_of` has them.
        last: the first that is not read.

    Raises:
        SourceError: as `opened`.
    """
    pieces = pieces_of(path)
    with opened(path) as file:
        # One piece, from its beginning to its end: it cannot be parted.
        if len(pieces) == 2:
            yield file
            return
    try:
        with path.open("rb") as file:
            yield _Stretch(_from_piece(file, pieces, first, last, compression_of(path)), first=first == 0)
    except (EOFError, zlib.error, OSError, pa.ArrowException) as error:
        msg = f"{path}: cut short or damaged ({error}). Fetch or write it again; nothing of it is used."
        raise SourceError(msg) from error


def _from_piece(
    file: IO[bytes], pieces: Sequence[int], first: int, last: int, compression: str | None
) -> Iterator[tuple[bytes, bool]]:
    """Decompressed blocks from a piece on to the end, and whether each lies beyond the last piece wanted."""
    if compression == "gzip":
        counted = _Counted(file)
        with gzip.open(counted, "rb") as unpacked:
            while True:
                # A block lies in the piece up to which the file was read before it: the same in every job.
                reached, block = counted.count, unpacked.read(BLOCK)
                if not block:
                    return
                if reached >= pieces[first]:
                    yield block, last < len(pieces) - 1 and reached >= pieces[last]
    for number in range(first, len(pieces) - 1):
        left = pieces[number + 1] - pieces[number]
        file.seek(pieces[number])
        if compression is None:
            while left and (block := file.read(min(left, BLOCK))):
                left -= len(block)
                yield block, number >= last
        else:
            with pa.input_stream(_Bounded(file, left), compression=compression) as stream:
                while block := stream.read(BLOCK):
                    yield block, number >= last


def lines_before(path: Path, piece: int) -> int:
    """Line feeds before the first line of a part that begins with a piece."""
    if not piece:
        return 0
    count = 0
    pieces, compression = pieces_of(path), compression_of(path)
    with path.open("rb") as file:
        for block, beyond in _from_piece(file, pieces, 0, piece, compression):
            if beyond:
                # The line that goes on into the part belongs to the one before.
                if b"\n" in block:
                    return count + 1
            else:
                count += block.count(b"\n")
    return count
