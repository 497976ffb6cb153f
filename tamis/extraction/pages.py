"""One page: bytes to text. Pure; bounded only by whoever calls it (`tamis.extraction.Extractor`)."""

from __future__ import annotations

import re
from typing import Any

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from tamis.extraction import head
from tamis.extraction.charset import decoded
from tamis.extraction.formulas import HINTS, to_tex
from tamis.extraction.marks import without_marks
from tamis.extraction.outcome import Page, Refused
from tamis.extraction.settings import Extraction

BINARY = re.compile(
    rb"%PDF-|\x89PNG\r\n|GIF8[79]a|\xff\xd8\xff|PK\x03\x04|\x1f\x8b|RIFF.{4}WEBP|\x7fELF|BM.{4}\0{4}", re.DOTALL
)
"""First bytes of what servers call HTML and is not."""


def parsed(data: bytes, charset: str | None) -> tuple[Any, str]:
    """The tree of a page, formulas as TeX, and the name of its encoding."""
    text, name = decoded(data, charset)
    text = without_marks(text.replace("\0", ""), data, name)
    tree = HTMLTree.parse(text)
    if HINTS.search(text):
        to_tex(tree)
    return tree, name


def extract(data: bytes, *, url: str | None, charset: str | None, settings: Extraction) -> Page | Refused:
    """The text of one page, as `Extractor.extract`."""
    if BINARY.match(data):
        return Refused("not_html", f"begins with {data[:8]!r}")
    tree, encoding = parsed(data, charset)
    title, language, canonical = head.title_of(tree), head.language_of(tree), head.canonical_of(tree, url)
    if settings.extractor == "resiliparse":
        text = resiliparse_text(tree)
    elif settings.extractor == "trafilatura":
        text = trafilatura_text(tree, url)
    else:
        from tamis.extraction.chosen import chosen_text

        text = chosen_text(tree)
    text = text.strip()
    if not text:
        return Refused("no_main_content", f"{len(data)} bytes of HTML")
    return Page(text, title, language, encoding, canonical)


def resiliparse_text(tree: Any) -> str:
    """Main content by Resiliparse's rules."""
    return str(extract_plain_text(tree, main_content=True))


def trafilatura_text(tree: Any, url: str | None) -> str:
    """Main content by trafilatura's."""
    import trafilatura

    return trafilatura.extract(tree.document.html, url=url, include_tables=True) or ""
