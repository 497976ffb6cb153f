"""The line or lines that stand before a record, in WARC (0.17 to 1.1) and ARC (1 and 2), as they are met.

Met are: line feeds alone (ClueWeb), no version line (cuttings of cc_net), names in any case, values that go on in the
next line, URLs in `<>` (wget), URLs with spaces in them (ARC). The first value of a name counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

HEAD_BYTES = 1 << 20
"""Bytes of a head, at most; `data:` URLs make them long."""

VERSION = re.compile(rb"WARC/\d{1,3}\.\d{1,3}[ \t]*\r?\n")
WARC = re.compile(VERSION.pattern + rb"|WARC-(?i:Type|Record-ID|Date|Target-URI)[ \t]*:")
ARC = re.compile(
    rb"(?P<url>[A-Za-z][A-Za-z0-9+.-]{1,30}:[^\r\n\0]{0,65536}?) (?P<ip>[0-9A-Fa-f.:]{3,45}|-) "
    rb"(?P<date>\d{8,17}) (?P<type>[^\r\n\0]{0,1000}?) ?(?P<length>\d{1,18})[ \t]*\r?\n"
)
NEXT_WARC = re.compile(rb"\n(?=WARC/\d{1,3}\.\d{1,3}[ \t]*\r?\n[A-Za-z][A-Za-z0-9-]{0,100}[ \t]*:)")
NEXT_ARC = re.compile(rb"\n(?=" + ARC.pattern + rb")")
"""A head somewhere in the middle: at the beginning of a line only, where it is not read at every character."""

LINE_BYTES = 70_000
"""Bytes of a line of ARC, at most, and of the beginning of a head of WARC."""

BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a record.

    Attributes:
        arc: whether it is of ARC.
        size: bytes that it takes.
        length: bytes of the record's block; None where none is given that can be one.
        fields: names in small letters → values.
    """

    arc: bool
    size: int
    length: int | None
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """`WARC-Type` in small letters; of ARC `response`, or `warcinfo` for the record that describes the file."""
        return self.fields.get("warc-type", "").lower()

    @property
    def url(self) -> str:
        """The URL, without the angle brackets of wget."""
        url = self.fields.get("warc-target-uri", "").strip()
        return url[1:-1].strip() if url[:1] == "<" and url[-1:] == ">" else url


def begins(data: bytes) -> bool:
    """Whether a record begins with these bytes, after line ends.

    One without a version is not known: the rest of a head that was cut may begin like it.
    """
    start = data[:LINE_BYTES].lstrip(b"\r\n")
    return bool(VERSION.match(start) or ARC.match(start))


def arc_head(match: re.Match[bytes]) -> Head:
    """The head in a line of ARC."""
    url = _text(match["url"])
    kind = "warcinfo" if url.startswith("filedesc:") else "response"
    # In version 2 status, checksum, location, offset and name of the file stand between type and length.
    media, *others = _text(match["type"]).split(" ")
    fields = {"warc-type": kind, "warc-target-uri": url, "warc-date": _text(match["date"]), "content-type": media}
    if len(others) >= 5 and others[1] != "-":
        fields["arc-checksum"] = others[1]
    return Head(True, match.end() - match.start(), int(match["length"]), fields)


def warc_head(data: bytes | bytearray, start: int, known: int = 0) -> Head | None:
    """The head that begins at a place of some bytes; None where it does not end within them or `HEAD_BYTES`.

    Args:
        data: the bytes.
        start: the place.
        known: up to where it is known from an earlier call that no blank line follows.
    """
    end = BLANK_LINE.search(data, max(start, known), start + HEAD_BYTES)
    if end is None:
        return None
    fields = parsed_fields(bytes(data[start : end.start()]))
    length = fields.get("content-length", "")
    return Head(False, end.end() - start, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None, fields)


def parsed_fields(data: bytes) -> dict[str, str]:
    """Names in small letters and values of lines `Name: value`; a line without a colon is no field.

    Args:
        data: in UTF-8 or, as in old HTTP, Latin-1; lines that begin with white space go on with the one before.
    """
    fields: dict[str, str] = {}
    last = None
    for line in _text(data).replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and last is not None:
            fields[last] = f"{fields[last]} {line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        if not colon:
            continue
        name = name.strip().lower()
        last = name if name not in fields else None
        fields.setdefault(name, value.strip())
    return fields


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
