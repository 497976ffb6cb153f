"""Small PDFs, written byte by byte: pages of lines at given places."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

Placed = tuple[float, float, float, str]
"""Left, base, size of font, text (Latin-1)."""


def stream(lines: Sequence[Placed]) -> bytes:
    """The content of a page."""
    parts = []
    for left, base, size, text in lines:
        shown = text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        parts.append(b"BT /F1 %g Tf 1 0 0 1 %g %g Tm (%s) Tj ET" % (size, left, base, shown))
    return b"\n".join(parts)


def pdf(pages: Sequence[Sequence[Placed] | bytes], *, title: str | None = None, encrypted: bool = False) -> bytes:
    """A PDF.

    Args:
        pages: the lines of each page, or its content stream.
        title: in its description, with a date.
        encrypted: whether it asks for a password that nobody knows.
    """
    objects: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    kids = []
    for page in pages:
        content = page if isinstance(page, bytes) else stream(page)
        packed = zlib.compress(content)
        objects.append(b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
    trailer = b""
    if title is not None:
        objects.append(b"<</Title(%s)/CreationDate(D:20210203040506+01'00')>>" % title.encode("latin-1"))
        trailer += b"/Info %d 0 R" % len(objects)
    if encrypted:
        objects.append(b"<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (b"41" * 32, b"42" * 32))
        trailer += b"/Encrypt %d 0 R/ID[<00><00>]" % len(objects)
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)
