"""Small web archives, written here byte by byte, so that they can be wrong in any way."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable

import lz4.frame
import zstandard

PAGE = (
    "<!DOCTYPE html><html lang='en'><head><title>Boats {n}</title></head><body><nav><a href='/'>Home</a></nav><main>"
    "<p>The harbour was quiet in the morning of day {n}, and the boats had not come back from the sea.</p>"
    "<p>Nobody on the shore could look at the water without thinking how far it is to the other side.</p>"
    "</main></body></html>"
)


def page(number: int = 0) -> bytes:
    return PAGE.replace("{n}", str(number)).encode()


def http(
    body: bytes, *, status: str = "200 OK", kind: str = "text/html; charset=utf-8", fields: Iterable[str] = ()
) -> bytes:
    """An HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def record(
    block: bytes,
    *,
    url: str | None = "http://x.example/",
    type: str = "response",  # noqa: A002 - WARC-Type
    kind: str = "application/http; msgtype=response",
    date: str | None = "2024-05-06T07:08:09Z",
    length: int | str | None = None,
    fields: Iterable[str] = (),
    version: str = "WARC/1.0",
    line_end: bytes = b"\r\n",
    trailer: bytes = b"\r\n\r\n",
) -> bytes:
    """A record; its length can be said wrong."""
    lines = [
        version,
        f"WARC-Type: {type}",
        f"WARC-Record-ID: <urn:uuid:{hashlib.md5(block, usedforsecurity=False).hexdigest()}>",
    ]
    lines += [f"WARC-Target-URI: {url}"] * (url is not None) + [f"WARC-Date: {date}"] * (date is not None)
    lines += [f"Content-Type: {kind}", *fields, f"Content-Length: {len(block) if length is None else length}"]
    return line_end.join(line.encode() for line in lines if line) + line_end * 2 + block + trailer


def response(number: int, **options: object) -> bytes:
    """A whole page."""
    return record(http(page(number)), url=f"http://x.example/{number}", **options)  # type: ignore[arg-type]


def warcinfo() -> bytes:
    return record(b"software: tests\r\n", url=None, type="warcinfo", kind="application/warc-fields")


def arc(
    url: str, block: bytes, *, kind: str = "text/html", date: str = "20080430204825", length: int | None = None
) -> bytes:
    """A record of ARC, version 1."""
    return f"{url} 10.0.0.1 {date} {kind} {len(block) if length is None else length}\n".encode() + block + b"\n"


def filedesc(version: int = 1) -> bytes:
    names = {
        1: "URL IP-address Archive-date Content-type Archive-length",
        2: "URL IP-address Archive-date Content-type Result-code Checksum Location Offset Filename Archive-length",
    }
    return arc("filedesc://a.arc", f"{version} 0 Tests\n{names[version]}\n".encode(), kind="text/plain")


def gz(records: Iterable[bytes]) -> bytes:
    """A member a record."""
    return b"".join(gzip.compress(one, mtime=0) for one in records)


def lz4_frames(records: Iterable[bytes]) -> bytes:
    return b"".join(lz4.frame.compress(one) for one in records)


def zstd_frames(records: Iterable[bytes]) -> bytes:
    return b"".join(zstandard.ZstdCompressor(write_checksum=True).compress(one) for one in records)


def zstd_with_dictionary(records: list[bytes]) -> bytes:
    """As Archive Team writes them: the dictionary in a skippable frame in front."""
    dictionary = zstandard.train_dictionary(4_000, [page(number) for number in range(2_000)])
    packed = zstandard.ZstdCompressor().compress(dictionary.as_bytes())
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    frames = b"".join(compressor.compress(one) for one in records)
    return b"\x5d\x2a\x4d\x18" + len(packed).to_bytes(4, "little") + packed + frames


def chunked(body: bytes, size: int = 40) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
