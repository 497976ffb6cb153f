"""In which encoding the bytes of a page are, and its characters.

In this order: a byte order mark; UTF-8, where the bytes are valid UTF-8 beyond ASCII (text in another encoding hardly
ever is, while pages that declare another one are common); the HTTP header; `<meta>` or the XML declaration; what the
bytes look like. A declared encoding that the bytes contradict gives way to one that fits.
"""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

LOOKED_AT = 4_096
"""Bytes in which a declaration is looked for; browsers look at 1,024, pages with long scripts in front exceed that."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""", re.IGNORECASE)
_TOLERATED = 1_000
"""A declared encoding may fail in one character of so many: the page was cut, or has a damaged byte."""


def _codec(label: str | None) -> str | None:
    """Python's codec of a label of the web, None where it means none."""
    if not label:
        return None
    name = map_encoding_to_html5(label.strip().strip("\"'"), fallback_utf8=False)
    if name is None:
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _utf8(data: bytes) -> str | None:
    """The characters if the bytes are UTF-8; the last character may be cut off."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return None


def declared(data: bytes) -> str | None:
    """The encoding that a page itself names; `utf-16` there means UTF-8, as the declaration could be read."""
    found = _XML.match(data[:LOOKED_AT]) or _META.search(data[:LOOKED_AT])
    name = _codec(found[1].decode("ascii")) if found else None
    return "utf-8" if name and name.startswith("utf-16") else name


def decoded(data: bytes, charset: str | None) -> tuple[str, str]:
    """Characters of a page and the name of the codec that they were read with.

    Args:
        data: the page.
        charset: from the HTTP header, or None.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    whole = None if data.isascii() or _codec(charset) in {"utf-16-le", "utf-16-be"} else _utf8(data)
    if whole is not None:
        return whole, "utf-8"
    best: tuple[int, str, str] | None = None
    candidates = dict.fromkeys((_codec(charset), declared(data)))
    for name in filter(None, candidates):
        text = data.decode(name, "replace")
        wrong = text.count("�")
        if wrong * _TOLERATED <= len(text):
            return text, name
        if best is None or wrong < best[0]:
            best = wrong, text, name
    if data.isascii():
        return data.decode("ascii"), "utf-8"
    looks = _codec(detect_encoding(data)) or "utf-8"
    text = data.decode(looks, "replace")
    if best is not None and best[0] <= text.count("�"):
        return best[1], best[2]
    return text, looks
