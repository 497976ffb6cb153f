"""What a payload is: HTML, text, or one of the groups in which everything else is listed.

The first bytes decide where they say anything, then what the archive says it found (`WARC-Identified-Payload-Type`),
then what the server said.
"""

from __future__ import annotations

import re
from typing import Literal

from tamis.readers.signatures import HEAD_BYTES, recognised

Media = Literal[
    "html",
    "text",
    "pdf",
    "mime_image",
    "mime_audio",
    "mime_video",
    "mime_font",
    "mime_office",
    "mime_json",
    "mime_xml",
    "mime_script",
    "mime_style",
    "mime_table",
    "mime_packed",
    "mime_other",
    "mime_unknown",
]
"""`html`, `text` and `pdf` become documents; all others are reasons why a record is none."""

HTML = frozenset({"text/html", "application/xhtml+xml", "application/xhtml", "application/vnd.wap.xhtml+xml"})
TEXT = frozenset({"text/plain", "text/markdown", "text/x-markdown", "text/x-rst", "text/prs.fallenstein.rst"})
GROUPS: dict[str, Media] = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/json": "mime_json",
    "application/javascript": "mime_script",
    "application/x-javascript": "mime_script",
    "application/ecmascript": "mime_script",
    "text/javascript": "mime_script",
    "text/ecmascript": "mime_script",
    "text/x-javascript": "mime_script",
    "text/json": "mime_json",
    "text/css": "mime_style",
    "text/xml": "mime_xml",
    "application/xml": "mime_xml",
    "text/csv": "mime_table",
    "text/tab-separated-values": "mime_table",
    "application/rtf": "mime_office",
    "text/rtf": "mime_office",
    "application/msword": "mime_office",
    "application/zip": "mime_packed",
    "application/gzip": "mime_packed",
    "application/x-gzip": "mime_packed",
    "application/x-tar": "mime_packed",
    "application/x-shockwave-flash": "mime_video",
}
PREFIXES: tuple[tuple[str, Media], ...] = (
    ("image/", "mime_image"),
    ("audio/", "mime_audio"),
    ("video/", "mime_video"),
    ("font/", "mime_font"),
    ("application/font", "mime_font"),
    ("application/x-font", "mime_font"),
    ("application/vnd.ms-fontobject", "mime_font"),
    ("application/vnd.ms-", "mime_office"),
    ("application/vnd.openxmlformats", "mime_office"),
    ("application/vnd.oasis.opendocument", "mime_office"),
)
SEEN: dict[str, Media] = {
    "html": "html",
    "json": "mime_json",
    "pdf": "pdf",
    "png": "mime_image",
    "jpeg": "mime_image",
    "gif": "mime_image",
    "webp": "mime_image",
    "gzip": "mime_packed",
    "zstd": "mime_packed",
    "bzip2": "mime_packed",
    "xz": "mime_packed",
    "lz4": "mime_packed",
    "tar": "mime_packed",
    "7z": "mime_packed",
    "rar": "mime_packed",
    "zip": "mime_packed",
}
"""What the first bytes settle, by name in `CONTENTS`."""

UNKNOWN = frozenset({"", "application/octet-stream", "unknown/unknown", "application/unknown", "application/x-unknown"})
TAGS = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|div|table|p|a\s+href|h[1-6]|br)\b", re.IGNORECASE)
XHTML = re.compile(rb"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
NAME = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:+-]{1,40})", re.IGNORECASE)


def mime_of(value: str) -> str:
    """The media type in a header's value, in small letters, without parameters; empty where it is none."""
    name = re.split("[;,]", value, maxsplit=1)[0].strip().lower()
    return name if NAME.fullmatch(name) else ""


def charset_of(value: str) -> str | None:
    """The charset that a header's value names."""
    found = CHARSET.search(value)
    return found[1] if found else None


def media_of(body: bytes, identified: str, declared: str) -> Media:
    """What a payload is.

    Args:
        body: without its codings.
        identified: media type that the archive says it found, or empty.
        declared: media type that the server said, or empty.
    """
    head = body[:HEAD_BYTES]
    mime = identified if identified not in UNKNOWN else declared
    seen = recognised(head)
    if seen == "xml":
        return "html" if XHTML.search(head) else "mime_image" if mime == "image/svg+xml" else "mime_xml"
    # Formats of offices are zip archives, some fonts gzip data: what is packed may be known better.
    if seen in SEEN and not (SEEN[seen] == "mime_packed" and mime not in UNKNOWN | HTML | TEXT):
        return SEEN[seen]
    if mime in UNKNOWN:
        return "html" if TAGS.search(head) else "mime_unknown"
    return _by_name(mime)


def _by_name(mime: str) -> Media:
    if mime in HTML or mime in TEXT:
        return "html" if mime in HTML else "text"
    if mime in GROUPS:
        return GROUPS[mime]
    if mime.endswith("+json"):
        return "mime_json"
    if mime.endswith("+xml") and not mime.startswith("image/"):
        return "mime_xml"
    return next((media for prefix, media in PREFIXES if mime.startswith(prefix)), "mime_other")
