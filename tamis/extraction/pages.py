"""One page: bytes to text. Pure; bounded only by whoever calls it (`tamis.extraction.Extractor`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from resiliparse.parse.html import HTMLTree

from tamis.extraction import head
from tamis.extraction.charset import decoded
from tamis.extraction.chosen import MOST_TAGS, UNSURE, lines_text, rules_text
from tamis.extraction.formulas import HINTS, to_tex
from tamis.extraction.marks import without_marks
from tamis.extraction.outcome import Page, Refused
from tamis.extraction.settings import Extraction, ExtractorName

BINARY = re.compile(
    rb"%PDF-|\x89PNG\r\n|GIF8[79]a|\xff\xd8\xff|PK\x03\x04|\x1f\x8b|RIFF.{4}WEBP|\x7fELF|BM.{4}\0{4}", re.DOTALL
)
"""First bytes of what servers call HTML and is not."""


def parsed(data: bytes, charset: str | None) -> tuple[Any, str, str]:
    """The tree of a page, formulas as TeX; its HTML; the name of its encoding."""
    text, name = decoded(data, charset)
    html = without_marks(text.replace("\0", ""), data, name)
    tree = HTMLTree.parse(html)
    if HINTS.search(html):
        to_tex(tree)
    return tree, html, name


def extract(data: bytes, *, url: str | None, charset: str | None, settings: Extraction) -> Page | Refused:
    """The text of one page, as `Extractor.extract`."""
    if BINARY.match(data):
        return Refused("not_html", f"begins with {data[:8]!r}")
    tree, html, encoding = parsed(data, charset)
    title, language, canonical = head.title_of(tree), head.language_of(tree), head.canonical_of(tree, url)
    text = EXTRACTORS[settings.extractor](tree, html, url)
    if not text:
        return Refused("no_main_content", f"{len(data)} bytes of HTML")
    return Page(text, title, language, encoding, canonical)


def _lines(tree: Any, _html: str, _url: str | None) -> str:
    return lines_text(tree)[0]


def _cascade(tree: Any, html: str, _url: str | None) -> str:
    text, expected = lines_text(tree)
    if expected >= UNSURE or html.count("<") > 2 * MOST_TAGS:
        return text
    # Marks stand in the tree, and change what the rules count.
    tree = HTMLTree.parse(html)
    if HINTS.search(html):
        to_tex(tree)
    return rules_text(tree) or text


def _resiliparse(tree: Any, _html: str, _url: str | None) -> str:
    return rules_text(tree)


def _trafilatura(tree: Any, _html: str, url: str | None) -> str:
    import trafilatura

    return (trafilatura.extract(tree.document.html, url=url) or "").strip()


EXTRACTORS: Mapping[ExtractorName, Callable[[Any, str, str | None], str]] = {
    "cascade": _cascade,
    "lines": _lines,
    "resiliparse": _resiliparse,
    "trafilatura": _trafilatura,
}
"""Name → main content of a parsed page, which may be changed, its HTML and its address; without space around."""
