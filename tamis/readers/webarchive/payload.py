"""What a record holds that may become a document, or why it holds nothing of the kind."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from tamis.readers.values import shorten
from tamis.readers.webarchive.digests import matches
from tamis.readers.webarchive.heads import Head
from tamis.readers.webarchive.http import Body, Message, body_of, dechunked, message_of
from tamis.readers.webarchive.media import Media, media_of, mime_of
from tamis.readers.webarchive.records import Found

DOCUMENTS = frozenset({"response", "resource", "conversion"})
PASSED = frozenset({"warcinfo", "request", "metadata"})


class NoPageError(Exception):
    """A record that becomes no document.

    Attributes:
        reason: snake_case.
        detail: what was found.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Payload:
    """HTML, text or PDF.

    Attributes:
        data: without HTTP header and codings.
        media: which of them.
        said: the value of the Content-Type that holds for it.
        mime: its media type, as the archive or else the server names it.
        status: of HTTP; None where there is none.
        digest_differs: whether its digest is that of something else; None: it has none, or nobody asked.
    """

    data: bytes
    media: Literal["html", "text", "pdf"]
    said: str
    mime: str
    status: int | None
    digest_differs: bool | None


def passed(head: Head) -> str | None:
    """What a record is that is not meant to be a document; None for all others."""
    if head.type in PASSED:
        return head.type
    scheme = head.url.partition(":")[0].lower()
    # Crawlers write their log, their arguments, screenshots and the like as resources: `metadata:` Wget, `urn:` others.
    if scheme in ("dns", "whois") or (head.type == "resource" and scheme in ("metadata", "urn")):
        return scheme
    return None


def payload_of(found: Found, statuses: Collection[int], limit: int, *, verify: bool, pdf: bool = False) -> Payload:
    """The payload of a record.

    Args:
        found: the record.
        statuses: of HTTP, those of pages.
        limit: bytes of the payload, at most.
        verify: whether its digest is looked at.
        pdf: whether PDFs become documents.

    Raises:
        NoPageError: it is none that can become a document.
    """
    head, block = found.head, _block(found)
    message = _message(head, block)
    if message is not None and message.status not in statuses:
        raise NoPageError("http_status", str(message.status))
    if _is_robots(head.url):
        raise NoPageError("robots_txt")
    body = Body(block, None, len(block) > limit) if message is None else body_of(message, block, limit)
    if body.too_large:
        raise NoPageError("too_large", f"more than {limit} bytes")
    # What the crawler itself has cut ends badly, and is all that there is.
    if body.fault is not None and not (body.data and head.fields.get("warc-truncated")):
        raise NoPageError("bad_encoding", body.fault)
    said = (head if message is None else message).fields.get("content-type", "")
    identified, declared = mime_of(head.fields.get("warc-identified-payload-type", "")), mime_of(said)
    mime = identified or declared
    if not body.data:
        raise NoPageError("empty_body", mime)
    is_text = head.type == "conversion" and declared == "text/plain"
    media: Media = "text" if is_text else media_of(body.data, identified, declared)
    if media == "pdf" and not pdf:
        raise NoPageError("mime_pdf", f"{mime or 'no media type'}, {len(body.data)} bytes")
    if media != "html" and media != "text" and media != "pdf":  # noqa: PLR1714 - so that it is known to be one of them
        raise NoPageError(media, f"{mime or 'no media type'}, {len(body.data)} bytes")
    differs = _differs(head, block, message) if verify else None
    return Payload(body.data, media, said, mime, message.status if message else None, differs)


def _block(found: Found) -> bytes:
    """The block of a record of a type that has pages.

    Raises:
        NoPageError: it is of another.
    """
    head = found.head
    if head.type == "revisit":
        earlier = head.fields.get("warc-refers-to-date") or head.fields.get("warc-profile", "").rpartition("/")[2]
        raise NoPageError("revisit", earlier)
    if head.type == "continuation" or "warc-segment-number" in head.fields:
        raise NoPageError("segmented", f"segment {head.fields.get('warc-segment-number', '?')}")
    if head.type not in DOCUMENTS or found.block is None:
        raise NoPageError("unknown_type", f"WARC-Type {shorten(head.type, 40)!r}")
    return found.block


def _message(head: Head, block: bytes) -> Message | None:
    """The HTTP message in a block; None: it holds the payload itself.

    Raises:
        NoPageError: it should be one and is none.
    """
    if head.type != "response":
        return None
    message = message_of(block)
    if message is None and (head.arc or head.fields.get("content-type", "").lower().startswith("application/http")):
        raise NoPageError("bad_http", f"no HTTP header: {block[:40]!r}" if block else "nothing, not even a header")
    return message


def _is_robots(url: str) -> bool:
    if not url.endswith("/robots.txt"):
        return False
    try:
        return urlsplit(url).path == "/robots.txt"
    except ValueError:
        return False


def _differs(head: Head, block: bytes, message: Message | None) -> bool | None:
    """Whether a payload is another than its digest says, with its chunks and without: crawlers differ there."""
    digest = head.fields.get("warc-payload-digest", "")
    start = message.start if message else 0
    with memoryview(block) as view, view[start:] as payload:
        found = matches(digest, payload)
    if found is None:
        return None
    if not found and message is not None and "chunked" in message.fields.get("transfer-encoding", "").lower():
        return not matches(digest, dechunked(block[start:]).data)
    return not found
