"""The section `reading` of a source of PDFs."""

from __future__ import annotations

from pydantic import Field

from tamis.section import Section


class PdfReading(Section):
    """What one PDF may cost, and what is left out of its text."""

    max_bytes: int = Field(
        default=200_000_000, ge=1, le=2**31 - 1, description="Bytes of a PDF; a larger one is listed as pdf_too_large."
    )
    max_pages: int = Field(
        default=5_000,
        ge=1,
        description="Pages of a PDF; one of more is listed as pdf_too_large. Books have up to 2,000.",
    )
    seconds: float = Field(
        default=60.0,
        gt=0,
        le=3_600,
        description="Seconds of CPU that a PDF may take; then its process is killed and it is listed as pdf_timeout. A "
        "page takes about 0.02.",
    )
    memory_mb: int = Field(
        default=2_000,
        ge=500,
        le=1_000_000,
        description="Megabytes of address space of the process that reads; a PDF that needs more is listed as "
        "pdf_memory.",
    )
    running_heads: bool = Field(
        default=False,
        description="Whether headers, footers and page numbers stay: lines at the top or bottom that several pages "
        "share.",
    )
    least_characters: int = Field(
        default=50,
        ge=0,
        description="Characters a page, on average, below which a PDF counts as one without a text layer: a scan.",
    )
