"""Web archives: WARC (0.17 to 1.1), WET and ARC, plain, gzip, LZ4 or zstd; one document a page.

A page is a `response` or `resource` of HTML, whose main content is taken out (`tamis.extraction`), of plain text, or a
PDF, whose text layer is read (`tamis.pdf`); extracted text (`conversion`, as in Common Crawl's WET) is taken as it is.
`warcinfo`, `request`, `metadata` (WAT too), DNS answers and the notes that crawlers leave (`metadata:` and `urn:` URLs)
are passed over and counted. Everything else is listed with its reason and its place: other statuses, other media types
(`mime_…`), revisits (their page is elsewhere), segments, what is damaged, cut short or too large. Nothing of it stops
the archive.

Lengths, encodings and media types are what is there, not what is said (`tamis.readers.webarchive`). Memory: a record of
at most `max_document_bytes`, three times: as it lies there, as it is handed out, and decoded.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tamis.errors import SourceError
from tamis.extraction import Extraction, Extractor, Refused, shared
from tamis.pdf.outcome import NoText
from tamis.pdf.reader import shared as pdf_reader
from tamis.pdf.settings import PdfReading
from tamis.readers.for_machines import for_machines
from tamis.readers.html import page_metadata
from tamis.readers.pdf import pdf_metadata
from tamis.readers.record import DEAR_PART_BYTES, Part, Passed, Record, Skip, Source, make
from tamis.readers.values import invalid_utf8, parse_date, shorten
from tamis.readers.webarchive.media import charset_of
from tamis.readers.webarchive.payload import DOCUMENTS, NoPageError, Payload, passed, payload_of
from tamis.readers.webarchive.records import WHOLE, Earlier, Found, Lost, Place, records_of

ALL = Part(0, 1)
HEADERS_BYTES = 1 << 20
"""Bytes of an HTTP header that a record may have beyond those of a document."""


class WarcSource(Source):
    """Web archives: their pages are documents, everything else is counted or listed.

    Listed in `ingest/skipped/`, with place and URL, are records that are no page (`http_status`, `revisit`,
    `segmented`, `robots_txt` and `ads_txt` by address or form, `empty_body`, `unknown_type`, and other media types:
    `mime_image`, `mime_json` …), those that cannot be read (`damaged`, `truncated`, `garbage`, `bad_header`,
    `wrong_length`, `bad_http`, `bad_encoding`, `too_large`, `digest_differs`), and pages without text
    (`no_main_content`, `no_text_layer` and what else the readers of HTML and PDF say). The metadata of a document are
    those of its record: archive, offset, record_id, payload_digest, status, mime, languages, truncated; and title,
    html_lang, charset, canonical of its page.
    """

    reads: ClassVar[frozenset[str] | None] = frozenset({"warc", "arc", "gzip", "zstd", "lz4"})

    format: Literal["warc"] = Field(
        default="warc", description="WARC, WET or ARC; plain, .gz, .lz4 or .zst, told by content."
    )
    statuses: tuple[Annotated[int, Field(ge=100, le=999)], ...] = Field(
        default=(200,),
        min_length=1,
        description="HTTP statuses of the pages that become documents; others are listed as `http_status`.",
    )
    verify_digest: Literal["off", "mark", "skip"] = Field(
        default="mark",
        description="What becomes of a page whose payload is not what `WARC-Payload-Digest` says: `mark` notes it in "
        "the metadata (`digest_differs`), `skip` lists the page, `off` does not look. Some crawlers write digests of "
        "other things (all of ClueWeb09), so nothing is skipped by default.",
    )
    extraction: Extraction = Field(default=Extraction(), description="How main content is taken out of HTML.")
    pdf: PdfReading | None = Field(
        default=PdfReading(),
        description="How PDFs are read, as in `format: pdf`; null: they are listed as `mime_pdf`.",
    )

    def read(self, path: Path) -> Iterator[Record | Skip | Passed]:
        """The pages of one archive.

        Raises:
            SourceError: missing, or no archive.
        """
        return _Archive(self, path).read()

    def most_parts(self, path: Path) -> int:  # noqa: ARG002 - as many as anybody wants
        """Any number: a part goes through what lies before it, 6 % of what it costs to read that."""
        return sys.maxsize

    def part_bytes(self, path: Path) -> int:  # noqa: ARG002 - whatever the compression
        """Many: what lies before a part is gone through again."""
        return DEAR_PART_BYTES

    def parts_by_name(self, path: Path) -> bool:  # noqa: ARG002 - whatever the compression
        """Always."""
        return True

    def read_part(self, path: Path, counts: Counter[str], part: Part) -> Iterator[Record | Skip | Passed]:  # noqa: ARG002 - pages have no fields
        """As `read`, the records that begin in a part of the file."""
        return _Archive(self, path).read(part)


class _Archive:
    """One archive, from its records to documents."""

    def __init__(self, source: WarcSource, path: Path) -> None:
        self._source, self._path, self._where = source, path, str(path)

    def read(self, part: Part = ALL) -> Iterator[Record | Skip | Passed]:
        last = part.number == part.of - 1
        limit = self._source.max_document_bytes + HEADERS_BYTES
        garbage: Lost | None = None
        some = False
        try:
            extractor = shared(self._source.extraction)
            with self._path.open("rb") as file:
                start, end = part.of_many(self._path.stat().st_size)
                stretch = (start, WHOLE[1] if last else end)
                for found in records_of(file, limit, lambda head: head.type in DOCUMENTS, stretch):
                    item = found.item if isinstance(found, Earlier) else found
                    some = some or isinstance(item, Found) or bool(item.url)
                    if isinstance(item, Lost):
                        garbage = garbage or item
                    if isinstance(found, Lost):
                        yield self._skip(found.place, found.reason, found.detail, found.url)
                    elif isinstance(found, Found):
                        yield self._item(found, extractor)
        except OSError as error:
            msg = f"{self._path}: cannot be read ({error.strerror or error}); check the paths of the source"
            raise SourceError(msg) from error
        if some or not last:
            # Whether an archive holds any record is known at its end.
            return
        if garbage is not None:
            what = f"holds no record of WARC or ARC ({garbage.detail}); fetch it again or take it out of paths"
            raise SourceError(f"{self._path}: {what}")
        if self._path.suffix in (".gz", ".zst", ".lz4"):
            raise SourceError(f"{self._path}: empty, where an archive was expected; it was cut short. Fetch it again.")

    def _skip(self, place: Place, reason: str, detail: str, url: str) -> Skip:
        told = ", ".join(part for part in (shorten(detail, 110), url) if part)
        return Skip(self._where, place.number, reason, shorten(f"{place}: {told}"))

    def _item(self, found: Found, extractor: Extractor) -> Record | Skip | Passed:
        """What becomes of a record."""
        if what := passed(found.head):
            return Passed(what)
        try:
            return self._document(found, extractor)
        except NoPageError as error:
            return self._skip(found.place, error.reason, error.detail, found.head.url)

    def _document(self, found: Found, extractor: Extractor) -> Record:
        source, head, url = self._source, found.head, found.head.url
        verify = source.verify_digest != "off"
        payload = payload_of(
            found, source.statuses, source.max_document_bytes, verify=verify, pdf=source.pdf is not None
        )
        if payload.digest_differs and source.verify_digest == "skip":
            raise NoPageError("digest_differs", head.fields["warc-payload-digest"])
        metadata = self._metadata(found, payload)
        charset = charset_of(payload.said)
        text: str | bytes
        is_page = payload.media == "html"
        if payload.media == "text":
            if reason := for_machines(payload.data):
                raise NoPageError(reason, "lines for programs, by their form")
            text = payload.data if head.type == "conversion" else plain_text(payload.data, charset)
        elif payload.media == "pdf" and source.pdf is not None:
            document = pdf_reader(source.pdf).read(payload.data)
            if isinstance(document, NoText):
                raise NoPageError(document.reason, document.detail)
            text = document.text
            metadata |= pdf_metadata(document)
        else:
            page = extractor.extract(payload.data, url=url or None, charset=charset)
            if isinstance(page, Refused):
                raise NoPageError(page.reason, page.detail)
            text = page.text
            metadata |= page_metadata(page) | ({"canonical": page.canonical} if page.canonical else {})
        said = head.fields.get("warc-date")
        date = None if said is None else parse_date(date_of(said)) or said
        made = make(
            source, self._where, found.place.number, text, url=url or None, date=date, metadata=metadata, page=is_page
        )
        if isinstance(made, Skip):
            raise NoPageError(made.reason, made.detail)
        return made

    def _metadata(self, found: Found, payload: Payload) -> dict[str, Any]:
        head, place = found.head, found.place
        fields = {
            "archive": self._path.name,
            "offset": place.offset,
            "inside": place.inside or None,
            "record_id": head.fields.get("warc-record-id", "").strip("<> "),
            "payload_digest": head.fields.get("warc-payload-digest") or head.fields.get("arc-checksum"),
            "digest_differs": payload.digest_differs or None,
            "status": payload.status,
            "mime": payload.mime,
            "languages": head.fields.get("warc-identified-content-language"),
            "truncated": head.fields.get("warc-truncated"),
            "declared_bytes": head.length if head.length != found.size else None,
        }
        return {name: value for name, value in fields.items() if value not in (None, "")}


def plain_text(data: bytes, charset: str | None) -> str | bytes:
    """Plain text as UTF-8 where it is that, else in the charset that was said, else in the one that its bytes show."""
    if b"\0" not in data[:1_000] and invalid_utf8(data) is None:
        return data
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    with suppress(LookupError):
        return data.decode(charset or "", "replace")
    return str(bytes_to_str(data, detect_encoding(data) or "windows-1252"))


def date_of(value: str) -> datetime | None:
    """The moment in the 8 to 17 digits of an ARC date; None where it is none, and for every other form."""
    if not value.isascii() or not value.isdigit() or len(value) not in (8, 10, 12, 14, 17):
        return None
    try:
        return datetime.strptime((value + "000000")[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
