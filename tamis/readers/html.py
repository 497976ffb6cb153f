"""Files of HTML: the main content of one page a file (`tamis.extraction`).

The URL is the address that the page calls its own, where it names one, else that from which it was fetched, if it was;
the date is unknown. Path or address, title, language and encoding are metadata. Memory: one page, and the process that
extracts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tamis.extraction import Extraction, Page, Refused, shared
from tamis.readers.lines import COMPRESSIONS, content
from tamis.readers.record import Record, Skip, Source, make
from tamis.readers.remote.origin import called, page_address

HtmlText = Annotated[
    Extraction | None,
    Field(
        description="Where the text is HTML: how its main content is taken out, `{}` for the defaults; title, language "
        "and encoding become metadata. null: the text stays as it is.",
    ),
]


class HtmlSource(Source):
    """Files of HTML, one page a file."""

    small_bytes: ClassVar[int | None] = 100_000
    reads: ClassVar[frozenset[str] | None] = frozenset({"html", "xml", "utf16"}) | COMPRESSIONS

    format: Literal["html"] = Field(
        default="html", description="HTML, one page a file, also compressed. Its main content becomes the text."
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
        data = content(path, self.extraction.max_page_bytes)
        if isinstance(data, int):
            yield Skip(where, 1, "page_too_large", f"{data} bytes, limit {self.extraction.max_page_bytes}")
            return
        found = shared(self.extraction).extract(data)
        if isinstance(found, Refused):
            yield Skip(where, 1, found.reason, found.detail)
            return
        url = (found.canonical if self.canonical_urls else None) or page_address(path)
        metadata = {"path": called(path)} | page_metadata(found)
        yield make(self, where, 1, found.text, url=url, metadata=metadata, page=True)


def text_in(html: object, settings: Extraction, url: object) -> tuple[str, dict[str, Any]] | Refused:
    """The main content of HTML out of a field or column, and what the page says of itself.

    Args:
        html: a string, or bytes in whatever encoding.
        settings: of the source.
        url: where it was found, as read.
    """
    if not isinstance(html, str | bytes):
        return Refused("null_text" if html is None else "no_string", f"HTML expected, found {type(html).__name__}")
    charset = None if isinstance(html, bytes) else "utf-8"
    data = html if isinstance(html, bytes) else html.encode("utf-8", "replace")
    found = shared(settings).extract(data, url=url if isinstance(url, str) else None, charset=charset)
    return found if isinstance(found, Refused) else (found.text, page_metadata(found))


def page_metadata(page: Page) -> dict[str, Any]:
    """What a page says of itself, as metadata of its document; what it does not say is left out."""
    known = {"title": page.title, "html_lang": page.language_hint, "charset": page.charset}
    return {key: value for key, value in known.items() if value is not None}
