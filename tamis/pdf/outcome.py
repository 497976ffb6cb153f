"""What a PDF gives: its text, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PdfText:
    """The text of a PDF.

    Attributes:
        text: paragraphs with an empty line between them.
        pages: how many it has.
        empty_pages: pages without text, which may be scanned.
        lost_pages: pages that could not be read.
        heads: lines that were left out as headers, footers or page numbers.
        title: of its own description; None where there is none.
        author: likewise.
        date: when it was made, as it says (`D:20221106153606-08'00'`).
        producer: the program that wrote it.
    """

    text: str
    pages: int
    empty_pages: int
    lost_pages: int
    heads: int
    title: str | None = None
    author: str | None = None
    date: str | None = None
    producer: str | None = None


@dataclass(frozen=True, slots=True)
class NoText:
    """A PDF that gave no text.

    Attributes:
        reason: `no_text_layer`, `garbled_text`, `pdf_encrypted`, `pdf_damaged`, `pdf_too_large`, `pdf_timeout`,
            `pdf_memory`, `pdf_crashed`.
        detail: what was found.
    """

    reason: str
    detail: str
