"""One page: bytes to text. Pure; bounded only by whoever calls it (`tamis.extraction.Extractor`)."""

from __future__ import annotations

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding
from resiliparse.parse.html import HTMLTree

from tamis.extraction.outcome import Page, Refused
from tamis.extraction.settings import Extraction


def extract(data: bytes, *, url: str | None, charset: str | None, settings: Extraction) -> Page | Refused:  # noqa: ARG001
    """The text of one page, as `Extractor.extract`."""
    encoding = charset or detect_encoding(data, from_html_meta=True)
    html = bytes_to_str(data, encoding).replace("\0", "")
    tree = HTMLTree.parse(html)
    text = extract_plain_text(tree, main_content=True).strip()
    if not text:
        return Refused("no_main_content", f"{len(data)} bytes of HTML")
    root = tree.document.query_selector("html")
    language = root.getattr("lang") if root is not None else None
    return Page(text, " ".join((tree.title or "").split()) or None, language or None, encoding)
