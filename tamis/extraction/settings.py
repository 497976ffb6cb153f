"""The section `extraction` of a source of web pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tamis.section import Section

ExtractorName = Literal["cascade", "lines", "resiliparse", "trafilatura"]


class Extraction(Section):
    """How the main content of an HTML page becomes text, and what a page may cost."""

    extractor: ExtractorName = Field(
        default="cascade",
        description="What takes a page's main content out: lines (all text, of which a small model chooses lines), "
        "resiliparse or trafilatura (rules), or cascade (lines, and where the model expects little of these "
        "resiliparse).",
    )
    max_page_bytes: int = Field(
        default=10_000_000,
        ge=1,
        le=2**30,
        description="Bytes of a page's HTML; a larger one is refused as page_too_large.",
    )
    page_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3_600,
        description="Seconds of CPU that a page may take; then its process is killed and the page is refused as "
        "page_timeout. CPU time, so that a busy machine loses no page.",
    )
    page_memory_mb: int = Field(
        default=2_000,
        ge=500,
        le=1_000_000,
        description="Megabytes of address space that a page may take; one that needs more is refused as page_memory.",
    )
