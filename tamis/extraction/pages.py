"""One page: bytes to text. Pure; bounded only by whoever calls it (`tamis.extraction.Extractor`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from resiliparse.parse.html import HTMLTree

from tamis.extraction import head
from tamis.extraction.charset import decoded
from tamis.extraction.chosen import MOST_TAGS, UNSURE, lines_text, rules_text
from tamis.extraction.formulas import to_tex
from tamis.extraction.marks import OWN, marked
from tamis.extraction.outcome import Page, Refused
from tamis.extraction.settings import Extraction, ExtractorName
from tamis.kernels.markup import FORMULAS, MARKS, hints

BINARY = re.compile(
    rb"%PDF-|\x89PNG\r\n|GIF8[79]a|\xff\xd8\xff|PK\x03\x04|\x1f\x8b|RIFF.{4}WEBP|\x7fELF|BM.{4}\0{4}", re.DOTALL
)
"""First bytes of what servers call HTML and is not."""


@dataclass(frozen=True)
class Html:
    """A page in characters.

    Attributes:
        text: without NUL and what would pass for marks.
        formulas: whether it may have some in markup.
        charset: name of the codec of its bytes.
        url: its address, or None.
    """

    text: str
    formulas: bool
    charset: str
    url: str | None = None

    def tree(self, *, marks: bool = False) -> Any:
        """The parsed page, formulas as TeX, with or without marks."""
        tree = HTMLTree.parse(marked(self.text) if marks else self.text)
        if self.formulas:
            to_tex(tree)
        return tree


def html_of(data: bytes, charset: str | None, url: str | None = None) -> Html:
    """Decode a page."""
    text, name = decoded(data, charset)
    if "\0" in text:
        text = text.replace("\0", "")
    found = hints(np.frombuffer(text.encode("utf-8", "replace"), np.uint8))
    return Html(OWN.sub("", text) if found & MARKS else text, bool(found & FORMULAS), name, url)


def extract(data: bytes, *, url: str | None, charset: str | None, settings: Extraction) -> Page | Refused:
    """The text of one page, as `Extractor.extract`."""
    if BINARY.match(data):
        return Refused("not_html", f"begins with {data[:8]!r}")
    page = html_of(data, charset, url)
    tree, text = EXTRACTORS[settings.extractor](page)
    if not text:
        return Refused("no_main_content", f"{len(data)} bytes of HTML")
    return Page(text, head.title_of(tree), head.language_of(tree), page.charset, head.canonical_of(tree, url))


def _lines(page: Html) -> tuple[Any, str]:
    tree = page.tree(marks=True)
    return tree, lines_text(tree)[0]


def _cascade(page: Html) -> tuple[Any, str]:
    tree = page.tree(marks=True)
    text, expected = lines_text(tree)
    if expected < UNSURE and page.text.count("<") < 2 * MOST_TAGS:
        text = rules_text(page.tree()) or text
    return tree, text


def _resiliparse(page: Html) -> tuple[Any, str]:
    tree = page.tree()
    return tree, rules_text(tree)


def _trafilatura(page: Html) -> tuple[Any, str]:
    import trafilatura

    tree = page.tree()
    html = tree.document.html if page.formulas else page.text
    return tree, (trafilatura.extract(html, url=page.url) or "").strip()


EXTRACTORS: Mapping[ExtractorName, Callable[[Html], tuple[Any, str]]] = {
    "cascade": _cascade,
    "lines": _lines,
    "resiliparse": _resiliparse,
    "trafilatura": _trafilatura,
}
"""Name → what gives the tree of a page and its main content, without space around."""
