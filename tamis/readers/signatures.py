"""What a file is by its first bytes, so that one given to the wrong reader is named instead of read as damaged lines.

A format says in `Source.reads` which of these contents it reads; all others are refused before anything is read. What
is not recognised is left to the reader: plain text has no signature, and no text is taken for anything that a person
could have typed (`BM`, `MZ` and `ORC` are no signatures here).
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tamis.errors import SourceError

HEAD_BYTES = 4_096
"""First bytes that are looked at; those of a tar archive stand at 257."""

NONE_READ = "tamis has no reader for it: convert it to JSON Lines or Parquet first"
UNPACK = "unpack it and name the files in it"


@dataclass(frozen=True)
class Content:
    """A kind of file.

    Attributes:
        what: words for a message.
        pattern: of the first bytes.
        advice: what to do with such a file.
    """

    what: str
    pattern: re.Pattern[bytes]
    advice: str


def _content(what: str, pattern: bytes, advice: str) -> Content:
    return Content(what, re.compile(pattern, re.DOTALL), advice)


BLANK = rb"(?:\xef\xbb\xbf)?\s*"

CONTENTS: Mapping[str, Content] = {
    "gzip": _content("gzip data", rb"\x1f\x8b", "decompress it"),
    "zstd": _content("zstd data", rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", "decompress it"),
    "bzip2": _content("bzip2 data", rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)", "decompress it"),
    "xz": _content("xz data", rb"\xfd7zXZ\0", "decompress it"),
    # It has no signature: the usual properties, a dictionary of 64 KiB or more, and a length below 2^40 or none.
    "lzma": _content(
        "LZMA data without the frame of xz", rb"\x5d\0\0.{2}(?:\xff{8}|.{5}\0{3})", "compress it again as xz"
    ),
    "lz4": _content("LZ4 data", rb"\x04\x22\x4d\x18", "decompress it"),
    "parquet": _content("Parquet", rb"PAR[1E].{0,8}?[\0-\x08\x0e-\x1f]", "give it to a source of `format: parquet`"),
    "tar": _content(
        "a tar archive",
        rb".{257}ustar",
        "unpack it and name the files in it, or give it to a source of `format: latex` if it holds papers, of "
        "`format: releases` or `format: code` if it is a release",
    ),
    "zip": _content(
        "a zip archive",
        rb"PK(?:\x03\x04|\x05\x06|\x07\x08)",
        "unpack it and name the files in it, or give it to a source of `format: latex` if it holds papers, of "
        "`format: releases` or `format: code` if it is a release",
    ),
    "7z": _content("a 7z archive", rb"7z\xbc\xaf\x27\x1c", UNPACK),
    "rar": _content("a RAR archive", rb"Rar!\x1a\x07", UNPACK),
    "warc": _content("WARC", rb"\s*WARC/\d\.\d+\r?\n", "give it to a source of `format: warc`"),
    "arc": _content("ARC", rb"filedesc://", "give it to a source of `format: warc`"),
    "pdf": _content("PDF", rb"\s*%PDF-\d", "give it to a source of `format: pdf`"),
    "arrow": _content("an Arrow IPC file (Feather)", rb"ARROW1\0\0|FEA1[\0-\x1f]", "write it as Parquet"),
    "arrow_stream": _content("an Arrow IPC stream", rb"\xff{4}.{3}\0\x10\0\0\0", "write it as Parquet"),
    "sqlite": _content("an SQLite database", rb"SQLite format 3\0", NONE_READ),
    "hdf5": _content("HDF5", rb"\x89HDF\r\n\x1a\n", NONE_READ),
    "numpy": _content("a NumPy array", rb"\x93NUMPY", NONE_READ),
    "avro": _content("Avro", rb"Obj\x01", NONE_READ),
    "orc": _content("ORC", rb"ORC.{0,16}?[\0-\x08\x0e-\x1f]", NONE_READ),
    "png": _content("a PNG picture", rb"\x89PNG\r\n\x1a\n", "take it out of paths"),
    "jpeg": _content("a JPEG picture", rb"\xff\xd8\xff[\xc0-\xfe]", "take it out of paths"),
    "gif": _content("a GIF picture", rb"GIF8[79]a", "take it out of paths"),
    "webp": _content("a WebP picture", rb"RIFF.{4}WEBP", "take it out of paths"),
    "elf": _content("a program (ELF)", rb"\x7fELF[\x01\x02]", "take it out of paths"),
    # Before UTF-16, whose mark is the beginning of this one.
    "utf32": _content("text in UTF-32", rb"\xff\xfe\0\0|\0\0\xfe\xff", "write it in UTF-8 (iconv -f UTF-32 -t UTF-8)"),
    "utf16": _content(
        "text in UTF-16",
        rb"\xff\xfe|\xfe\xff|(?:[\t\n\r -~]\0){16}|(?:\0[\t\n\r -~]){16}",
        "write it in UTF-8 (iconv -f UTF-16 -t UTF-8)",
    ),
    "html": _content(
        "HTML",
        BLANK + rb"(?:<!--.{0,2000}?-->\s*)?<(?i:!doctype\s+html|html|head|body)\b",
        "give it to a source of `format: html`, or of `format: text` if its markup is meant to stay",
    ),
    "xml": _content("XML", BLANK + rb"<\?xml\s", "give it to a source of `format: text`, or extract its text first"),
    "json": _content("JSON Lines", BLANK + rb'\{\s*"', "give it to a source of `format: jsonl`"),
}
"""By name, in the order in which they are tried."""


_NAMES = tuple(CONTENTS)
_ANY = re.compile(b"|".join(b"(%s)" % content.pattern.pattern for content in CONTENTS.values()), re.DOTALL)
"""All patterns in one, a group each: a fifth of the time of one after the other."""


def recognised(head: bytes) -> str | None:
    """The name in `CONTENTS` of what begins with these bytes, or None.

    Args:
        head: the first bytes of a file, up to `HEAD_BYTES`.
    """
    found = _ANY.match(head)
    return None if found is None else _NAMES[int(found.lastindex or 0) - 1]


def check(path: Path, source: str, file_format: str, reads: frozenset[str] | None) -> None:
    """Refuse a file whose first bytes say that a source cannot read it.

    Args:
        path: the file.
        source: name of the source.
        file_format: its format.
        reads: the contents that the format reads; where compressions are among them, it reads what is inside. None
            refuses nothing.

    Raises:
        SourceError: missing, cannot be opened, or of another format, which the message names.
    """
    if reads is None:
        return
    try:
        with path.open("rb") as file:
            found = recognised(file.read(HEAD_BYTES))
    except OSError as error:
        msg = f"{path}: cannot be opened ({error.strerror or error}); check the paths of source {source!r}"
        raise SourceError(msg) from error
    inside = ""
    if found in DECOMPRESSING and found in reads:
        inside = f" inside {CONTENTS[found].what}"
        found = recognised(_decompressed(path, found))
        reads -= DECOMPRESSING.keys()
    if found is not None and found not in reads:
        raise refused(path, source, file_format, found, inside)


def refused(path: Path, source: str, file_format: str, content: str, inside: str = "") -> SourceError:
    """What is said of a file that a source cannot read.

    Args:
        path: the file.
        source: name of the source.
        file_format: its format.
        content: what it holds, a name in `CONTENTS`.
        inside: of what, in words.
    """
    found = CONTENTS[content]
    return SourceError(
        f"{path}: is {found.what}{inside}, which source {source!r} with `format: {file_format}` does not read; "
        f"{found.advice}."
    )


def head_of(path: Path) -> tuple[bytes, str | None]:
    """The first bytes of a file, decompressed, and the name in `CONTENTS` of the compression, if there is one.

    Raises:
        SourceError: it is missing or cannot be opened, or its compressed data is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise SourceError(f"{path}: cannot be opened ({error.strerror or error})") from error
    compression = recognised(head)
    if compression is None or compression not in DECOMPRESSING:
        return head, None
    if not (inside := _decompressed(path, compression)):
        raise SourceError(f"{path}: {CONTENTS[compression].what}, cut short or damaged; fetch or write it again")
    return inside, compression


DECOMPRESSING: Mapping[str, Callable[[Path], Any]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
    "zstd": lambda path: pa.input_stream(str(path), compression="zstd"),
    "lz4": lambda path: pa.input_stream(str(path), compression="lz4"),
}


def _decompressed(path: Path, compression: str) -> bytes:
    """The first decompressed bytes; none where the data is damaged, which its reader says better."""
    try:
        with DECOMPRESSING[compression](path) as file:
            return bytes(file.read(HEAD_BYTES))
    except (zlib.error, lzma.LZMAError, pa.ArrowException, OSError, EOFError):
        return b""
