"""Files of HTML: the main content of one page a file (`tamis.extraction`).

The URL is the address that the page calls its own, where it names one; the date is unknown. Path, title, language and
encoding are metadata. Memory: one page, and the process that extracts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from tamis.extraction import Extraction, Page, Refused, shared
from tamis.readers.lines import BLOCK, opened
from tamis.readers.record import Record, Skip, Source, make


class HtmlSource(Source):
    """Files of HTML, one page a file."""

    reads: ClassVar[frozenset[str] | None] = frozenset({"html", "xml", "json", "gzip", "zstd", "utf16"})

    format: Literal["html"] = Field(
        default="html", description="HTML, one page a file; also .gz and .zst. Its main content becomes the text."
    )
    extraction: Extraction = Field(default=Extraction(), description="How main content is taken out.")
    canonical_urls: bool = Field(
        default=True,
        description="Whether the address that a page calls its own (`<link rel=canonical>`) is its URL. false where a "
        "site names one address on all its pages: they would be taken for captures of one.",
    )

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The document of one file.

        Raises:
            SourceError: missing, or a compressed file that is cut short or damaged.
        """
        where = str(path)
        blocks: list[bytes] = []
        size = 0
        with opened(path) as file:
            while block := file.read(BLOCK):
                size += len(block)
                if size <= self.extraction.max_page_bytes:
                    blocks.append(block)
                else:
                    blocks.clear()
        if size > self.extraction.max_page_bytes:
            yield Skip(where, 1, "page_too_large", f"{size} bytes, limit {self.extraction.max_page_bytes}")
            return
        found = shared(self.extraction).extract(b"".join(blocks))
        if isinstance(found, Refused):
            yield Skip(where, 1, found.reason, found.detail)
            return
        url = found.canonical if self.canonical_urls else None
        yield make(self, where, 1, found.text, url=url, metadata={"path": path.as_posix()} | page_metadata(found))


def page_metadata(page: Page) -> dict[str, Any]:
    """What a page says of itself, as metadata of its document; what it does not say is left out."""
    known = {"title": page.title, "html_lang": page.language_hint, "charset": page.charset}
    return {key: value for key, value in known.items() if value is not None}
