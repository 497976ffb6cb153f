"""Files of PDF: the text of one document a file (`tamis.pdf`).

What has no text layer (a scan), is encrypted, damaged, or takes more time or memory than it may, is listed with its
reason. The URL is the address that it was fetched from, else null; title, author and producer are metadata, the date is
when the PDF says that it was made.
Memory: one file, and the process that reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from tamis.errors import SourceError
from tamis.pdf.outcome import NoText, PdfText
from tamis.pdf.reader import shared
from tamis.pdf.settings import PdfReading
from tamis.readers.record import Record, Skip, Source, make
from tamis.readers.remote.origin import called, page_address
from tamis.readers.values import shorten

_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?)?")


class PdfSource(Source):
    """Files of PDF, one document a file."""

    reads: ClassVar[frozenset[str] | None] = frozenset({"pdf"})
    small_bytes: ClassVar[int | None] = 1_000_000

    format: Literal["pdf"] = Field(default="pdf", description="PDF, one document a file; the text of its text layer.")
    reading: PdfReading = Field(default=PdfReading(), description="What a PDF may cost, and what is left out.")

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The document of one file.

        Raises:
            SourceError: missing, or cannot be opened.
        """
        where = str(path)
        try:
            size = path.stat().st_size
            data = path.read_bytes() if size <= self.reading.max_bytes else b""
        except OSError as error:
            raise SourceError(
                f"{path}: cannot be opened ({error.strerror or error}); check the paths of the source"
            ) from error
        if not size:
            yield Skip(where, 1, "empty_text", "no byte")
            return
        if size > self.reading.max_bytes:
            yield Skip(where, 1, "pdf_too_large", f"{size} bytes, limit {self.reading.max_bytes}")
            return
        found = shared(self.reading).read(data)
        if isinstance(found, NoText):
            yield Skip(where, 1, found.reason, shorten(found.detail))
            return
        metadata = {"path": called(path)} | pdf_metadata(found)
        url = page_address(path)
        yield make(self, where, 1, found.text, url=url, date=date_of(found.date), metadata=metadata)


def pdf_metadata(found: PdfText) -> dict[str, Any]:
    """What a PDF says of itself and what was seen of it, as metadata; what there is nothing to say of is left out."""
    known = {
        "title": found.title,
        "authors": found.author,
        "producer": found.producer,
        "pages": found.pages,
        "pages_without_text": found.empty_pages or None,
        "pages_damaged": found.lost_pages or None,
    }
    return {key: value for key, value in known.items() if value is not None}


def date_of(value: str | None) -> datetime | None:
    """The moment of a PDF's date (ISO 32000-1, 7.9.4); None where it is none."""
    found = _DATE.match(value or "")
    if not found:
        return None
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(found.groups()[:6], (0, 1, 1, 0, 0, 0), strict=True)
    )
    offset = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0))
    try:
        zone = timezone(-offset if found[7] == "-" else offset)
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
