"""The decompressed bytes of an archive, member by member: gzip members, LZ4 and zstd frames, or all of a plain file.

Archives that keep to the standard have one member a record, and its offset in the file is what an index names. Others
are one member throughout, or are cut into members anywhere: what a member means is left to who reads.

A damaged member ends where it is damaged; the next one is looked for by its signature and by what it holds. So a bad
sector costs the records that lie in it. Compressed bytes are fed in small portions, so that none makes more than about
32 MB, whatever it decompresses to.

Zstd archives may have their dictionary in a skippable frame at the beginning, as those of Archive Team do
(https://iipc.github.io/warc-specifications/specifications/warc-zstd/).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

from tamis.errors import SourceError
from tamis.readers.values import shorten

BLOCK = 1 << 20
FED_AGAIN = 1 << 24
"""Bytes of damaged members that may be fed beyond four times those of the file, before it is no longer looked back: a
file made to that end has a member at each byte, and each of them fails far behind it."""

TRIED_BYTES = 1_024
WINDOW_BYTES = 1 << 27
"""Memory of a zstd frame, at most: what `zstd --long` asks for."""

DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
DICTIONARY_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Compression:
    """A compression of archives.

    Attributes:
        name: for messages.
        magics: first bytes of a member.
        feed: bytes that are decompressed at once.
        block: bytes of a block, about, which is taken unseen: where some are missing, it ends in the members behind.
        make: a decompressor: `decompress(data)`, `eof`, `unused_data`.
    """

    name: str
    magics: tuple[bytes, ...]
    feed: int
    block: int
    make: Callable[[], Any]


def _lz4() -> Any:
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor()


def _zstd(dictionary: bytes | None = None) -> Any:
    import zstandard

    given = None if dictionary is None else zstandard.ZstdCompressionDict(dictionary)
    return zstandard.ZstdDecompressor(dict_data=given, max_window_size=WINDOW_BYTES).decompressobj()


def _errors(compression: Compression) -> tuple[type[Exception], ...]:
    """What the library of a compression says of damaged data."""
    if compression.name == "zstd":
        from zstandard import ZstdError

        return (ZstdError,)
    return (zlib.error, RuntimeError)


SKIPPABLE = tuple(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))
GZIP = Compression("gzip", (b"\x1f\x8b\x08",), 1 << 14, 1 << 16, lambda: zlib.decompressobj(31))
LZ4 = Compression("LZ4", (b"\x04\x22\x4d\x18",), 1 << 16, 1 << 22, _lz4)
ZSTD = Compression("zstd", (b"\x28\xb5\x2f\xfd",), 1 << 10, 1 << 17, _zstd)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the bytes of a member.

    Attributes:
        data: decompressed.
        offset: where the member begins in the file.
        ends: whether it is the last one.
        damage: why the member ends here, where that is not its end.
        start: where the bytes stand in the file that it was made of, about.
    """

    data: bytes
    offset: int
    ends: bool
    damage: str | None = None
    start: int = 0


def compression_of(head: bytes) -> Compression | None:
    """The compression of a file, by its first four bytes; None: plain."""
    for compression in (GZIP, LZ4, ZSTD):
        if head.startswith(compression.magics):
            return compression
    return ZSTD if head.startswith(SKIPPABLE) else None


def pieces(file: IO[bytes], begins: Callable[[bytes], bool]) -> Iterator[Piece]:
    """All bytes of a file, decompressed; a plain one is one member.

    Args:
        file: at its beginning.
        begins: whether a record begins with these bytes, which are the first of a member.

    Raises:
        SourceError: a dictionary that the file brings is damaged.
    """
    raw = _Raw(file)
    compression = compression_of(raw.peek(4))
    if compression is None:
        yield from _plain(raw)
        return
    if compression is ZSTD and raw.peek(4) == DICTIONARY_MAGIC:
        dictionary = _dictionary(raw)
        compression = replace(ZSTD, make=lambda: _zstd(dictionary))
    yield from _Members(raw, compression, begins).pieces()


class _Raw:
    """A file with a way back for what was read too far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._held = b""
        self.offset = 0
        """Of the next byte."""

    def take(self, size: int) -> bytes:
        if not self._held:
            data = self._file.read(size)
        elif len(self._held) <= size:
            data, self._held = self._held, b""
        else:
            data, self._held = self._held[:size], self._held[size:]
        self.offset += len(data)
        return data

    def back(self, data: bytes) -> None:
        self._held = data + self._held
        self.offset -= len(data)

    def peek(self, size: int) -> bytes:
        while len(self._held) < size and (more := self._file.read(BLOCK // 4)):
            self._held += more
        return self._held[:size]

    def seek(self, offset: int) -> None:
        self._file.seek(offset)
        self._held, self.offset = b"", offset


def _plain(raw: _Raw) -> Iterator[Piece]:
    block = raw.take(BLOCK)
    while following := raw.take(BLOCK):
        yield Piece(block, 0, ends=False)
        block = following
    yield Piece(block, 0, ends=True)


def _dictionary(raw: _Raw) -> bytes:
    import zstandard

    head = raw.take(8)
    size = int.from_bytes(head[4:], "little")
    data = b""
    while size <= DICTIONARY_BYTES and len(data) < size and (more := raw.take(size - len(data))):
        data += more
    try:
        if data.startswith(ZSTD.magics):
            # Without its content size in the frame a bomb could hide there.
            data = zstandard.ZstdDecompressor().decompress(data, max_output_size=DICTIONARY_BYTES)
        elif len(data) < size:
            raise SourceError(f"its zstd dictionary of {size} bytes is cut short or too large")
        _zstd(data)
    except zstandard.ZstdError as error:
        raise SourceError(f"its zstd dictionary is damaged ({shorten(error)})") from error
    return data


class _Members:
    """The members of a compressed file."""

    def __init__(self, raw: _Raw, compression: Compression, begins: Callable[[bytes], bool]) -> None:
        self._raw, self._compression, self._begins = raw, compression, begins
        self._magics = (*compression.magics, *(SKIPPABLE if compression.name != "gzip" else ()))
        self._errors = _errors(compression)
        self._fed = 0
        """Bytes of members that turned out damaged."""

    def pieces(self) -> Iterator[Piece]:
        raw = self._raw
        while head := raw.peek(4):
            if head.startswith(self._magics):
                yield from self._member()
            elif head[0] == 0:
                # Padding, as of a tape; nothing is lost with it.
                while block := raw.take(BLOCK):
                    if rest := block.lstrip(b"\0"):
                        raw.back(rest)
                        break
            else:
                start = raw.offset
                self._look_for_next(start + 1)
                told = f"{raw.offset - start} bytes that are no {self._compression.name}"
                yield Piece(b"", start, ends=True, damage=told, start=start)

    def _member(self) -> Iterator[Piece]:
        raw, start, compression = self._raw, self._raw.offset, self._compression
        decompressor = compression.make()
        damage = None
        while damage is None:
            at, portion = raw.offset, raw.take(compression.feed)
            try:
                data = decompressor.decompress(portion)
            except self._errors as error:
                damage = f"damaged {compression.name} data ({shorten(error, 80)})"
                continue
            if decompressor.eof:
                raw.back(decompressor.unused_data or b"")
                yield Piece(data, start, ends=True, start=at)
                return
            if data:
                yield Piece(data, start, ends=False, start=at)
            if not portion:
                damage = f"{compression.name} data that is cut short"
        self._fed += raw.offset - start
        back = raw.offset - compression.feed - compression.block
        self._look_for_next(max(start + 1, back if self._fed < FED_AGAIN + 4 * raw.offset else raw.offset))
        yield Piece(b"", start, ends=True, damage=damage, start=start)

    def _look_for_next(self, start: int) -> None:
        """Go to the next member in which a record may begin, or to the end of the file."""
        raw, held = self._raw, b""
        raw.seek(start)
        while block := raw.take(BLOCK):
            held += block
            for match in self._signature.finditer(held):
                if self._holds_record(held[match.start() : match.start() + TRIED_BYTES]):
                    raw.seek(raw.offset - len(held) + match.start())
                    return
            held = held[-3:]

    @property
    def _signature(self) -> re.Pattern[bytes]:
        return re.compile(b"|".join(re.escape(magic) for magic in self._compression.magics))

    def _holds_record(self, head: bytes) -> bool:
        if self._compression is not GZIP:
            # Four bytes by which frames are known are rarely anything else; their first block may be long.
            return True
        try:
            return self._begins(zlib.decompressobj(31).decompress(head, 4_096))
        except zlib.error:
            return False
