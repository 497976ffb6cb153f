"""Text of the bytes of a source file: UTF-8, or what the file itself says, or nothing.

A coding line (PEP 263, Emacs, XML) stands in the first two lines, the `charset` of HTML in the first 1,024 bytes, and a
byte order mark tells UTF-16. Nothing is
guessed: what is neither is listed as `invalid_utf8`, as other readers do.
"""

from __future__ import annotations

import codecs
import re

from tamis.readers.signatures import CONTENTS, recognised
from tamis.readers.values import invalid_utf8
from tamis.readers.written_encodings import ENCODINGS

HEAD_BYTES = 8_000
"""First bytes in which a NUL makes a file binary, as for git."""

TEXTS = frozenset({"html", "xml", "json", "utf16", "utf32"})
"""Contents in `tamis.readers.signatures` that are text."""

CODING = re.compile(rb"coding[ \t]*[:=][ \t]*[\"']?([-\w.]+)")
"""A coding line, whatever opens a comment; also of XML."""

CHARSET = re.compile(rb"<meta[^<>]{0,200}charset=[\"']?([-\w.]+)", re.IGNORECASE)

VIM = re.compile(rb"^[ \t]*scripte(?:ncoding)?[ \t]+([-\w.]+)", re.MULTILINE)
"""What a Vim script says of itself."""


def what_binary(data: bytes) -> str | None:
    """What a file is, in words, if its first bytes are those of no text; None for text."""
    found = recognised(data[:4096])
    if found in TEXTS:
        return None
    if found is not None:
        return CONTENTS[found].what
    return "a NUL in its first bytes" if b"\0" in data[:HEAD_BYTES] else None


def decoded(data: bytes) -> bytes | str:
    """The text of a file; its bytes where they are UTF-8.

    Raises:
        UnicodeDecodeError: neither UTF-8 nor what the file says.
        LookupError: it says what is no encoding, or none that is harmless.
    """
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return data.decode("utf-32")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    if (wrong := invalid_utf8(data)) is None:
        return data
    named = (
        CODING.search(b"\n".join(data[:2000].split(b"\n")[:2]))
        or CHARSET.search(data[:1024])
        or VIM.search(data[:4096])
    )
    if named is None:
        raise LookupError(wrong)
    encoding = named[1].decode("ascii").lower().replace("_", "-")
    # What Python's own editors write after the name of an encoding says nothing of it.
    encoding = encoding.removesuffix("-unix").removesuffix("-dos")
    if encoding not in ENCODINGS:
        raise LookupError(f"encoding {encoding!r}")
    return data.decode(encoding)
