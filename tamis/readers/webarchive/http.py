"""HTTP messages as archives hold them: status, header, and the body without its codings.

Both codings are often said and not there: many crawlers take them off and keep the header. So what a body does not
begin like is taken for not encoded. What begins like it and ends badly is a fault that the caller judges: the body of a
record that the crawler itself has cut (`WARC-Truncated`) ends like that.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from tamis.readers.values import shorten
from tamis.readers.webarchive.heads import HEAD_BYTES, parsed_fields

STATUS = re.compile(rb"(?:HTTP|http|ICY|SHOUTCAST)(?:/\d{1,2}(?:\.\d{1,2})?)?[ \t]+(\d{3})\b[^\r\n]{0,4096}\r?\n")
BLANK_LINE = re.compile(rb"\r?\n\r?\n")
CHUNK = re.compile(rb"[ \t]{0,16}([0-9A-Fa-f]{1,15})[ \t]{0,16}(?:;[^\r\n]{0,4096})?\r?\n")
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
BLOCK = 1 << 20

MOST_CODINGS = 8


@dataclass(frozen=True, slots=True)
class Message:
    """A response.

    Attributes:
        status: its code.
        fields: names of the header in small letters → values.
        start: where the body begins in the block of the record.
    """

    status: int
    fields: Mapping[str, str]
    start: int


@dataclass(frozen=True, slots=True)
class Body:
    """A body without its codings.

    Attributes:
        data: as much of it as could be read.
        fault: what is wrong with the rest, or None.
        too_large: whether there is more than the limit.
    """

    data: bytes
    fault: str | None = None
    too_large: bool = False


def message_of(block: bytes) -> Message | None:
    """The message in a block; None where it is no HTTP."""
    status = STATUS.match(block)
    if status is None:
        return None
    end = BLANK_LINE.search(block, status.end() - 2, status.end() + HEAD_BYTES)
    if end is None and len(block) > status.end() + HEAD_BYTES:
        return None
    fields = parsed_fields(block[status.end() : end.start() if end else len(block)])
    return Message(int(status[1]), fields, end.end() if end else len(block))


def body_of(message: Message, block: bytes, limit: int) -> Body:
    """The body of a message, its codings taken off.

    Args:
        message: of the block.
        block: of the record.
        limit: bytes of the body, at most.
    """
    body = Body(block[message.start :])
    transfer = _codings(message.fields.get("transfer-encoding", ""))
    if "chunked" in transfer:
        body = dechunked(body.data)
    others = [name for name in transfer if name != "chunked"]
    codings = [*_codings(message.fields.get("content-encoding", "")), *others]
    for name in reversed(codings[:MOST_CODINGS]):
        decoded = _decoded(body.data, name, limit)
        body = Body(decoded.data, decoded.fault or body.fault, decoded.too_large)
        if body.too_large:
            return body
    return Body(body.data, body.fault, len(body.data) > limit)


def _codings(value: str) -> list[str]:
    return [name.strip().lower() for name in value.split(",") if name.strip()]


def dechunked(data: bytes) -> Body:
    """A body without its chunks; as it is where it does not begin with one."""
    whole, place = bytearray(), 0
    while match := CHUNK.match(data, place):
        size = int(match[1], 16)
        if not size:
            return Body(bytes(whole))
        end = match.end() + size
        if end > len(data):
            if not place:
                # The size of a first chunk that is not there is more often a number with which a page begins.
                break
            whole += data[match.end() :]
            return Body(bytes(whole), f"chunk of {size} bytes, {len(data) - match.end()} are there")
        line_end = 2 if data.startswith(b"\r\n", end) else 1 if data.startswith(b"\n", end) else 0
        if not line_end and end < len(data):
            if not place:
                break
            whole += data[match.end() : end]
            return Body(bytes(whole), f"no line end behind the chunk at {place}")
        whole += data[match.end() : end]
        place = end + line_end
    if not place:
        return Body(data)
    return Body(bytes(whole), f"no chunk at {place} of {len(data)} bytes")


def _decoded(data: bytes, name: str, limit: int) -> Body:
    if name in ("gzip", "x-gzip"):
        return _inflated(data, 31, limit) if data[:2] == b"\x1f\x8b" else _as_it_is(data, name)
    if name == "deflate":
        wrapped = len(data) > 1 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
        body = _inflated(data, 15 if wrapped else -15, limit)
        return body if body.data or not body.fault else _as_it_is(data, name)
    if name in ("br", "zstd"):
        if name == "zstd" and data[:4] != b"\x28\xb5\x2f\xfd":
            return _as_it_is(data, name)
        body = _streamed(data, "brotli" if name == "br" else name, limit)
        return body if body.data or not body.fault else _as_it_is(data, name)
    return _as_it_is(data, name)


def _as_it_is(data: bytes, name: str) -> Body:
    """A body that is not encoded, whatever was said; nothing, with a fault, where it is no text either."""
    if name in ("identity", "none") or not CONTROLS.search(data, 0, 1_000):
        return Body(data)
    return Body(b"", f"said to be {shorten(name, 40)}, which it is not, and no text")


def _inflated(data: bytes, window: int, limit: int) -> Body:
    whole = bytearray()
    while data:
        decompressor = zlib.decompressobj(window)
        try:
            while data and not decompressor.eof:
                whole += decompressor.decompress(data, BLOCK)
                data = decompressor.unconsumed_tail
                if len(whole) > limit:
                    return Body(bytes(whole), None, too_large=True)
        except zlib.error as error:
            return Body(bytes(whole), shorten(error, 80))
        if not decompressor.eof:
            return Body(bytes(whole), "compressed data that is cut short")
        # Another member may follow; anything else is ignored, as browsers do.
        data = decompressor.unused_data
        if window != 31 or data[:2] != b"\x1f\x8b":
            break
    return Body(bytes(whole))


def _streamed(data: bytes, codec: str, limit: int) -> Body:
    whole = bytearray()
    try:
        for block in _blocks(data, codec):
            whole += block
            if len(whole) > limit:
                return Body(bytes(whole), None, too_large=True)
    except (pa.ArrowException, OSError) as error:
        return Body(bytes(whole), shorten(error, 80))
    return Body(bytes(whole))


def _blocks(data: bytes, codec: str) -> Iterator[bytes]:
    with pa.input_stream(pa.BufferReader(data), compression=codec) as stream:
        while block := stream.read(BLOCK):
            yield block
