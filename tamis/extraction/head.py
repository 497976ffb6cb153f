"""What the head of a page says of it: title, language, its own address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

LONGEST = 1_000
"""Characters of a title, at most."""


def _attribute(tree: Any, query: str, name: str) -> str | None:
    element = tree.document.query_selector(query)
    value = element.getattr(name) if element is not None else None
    return value.strip() or None if value else None


def title_of(tree: Any) -> str | None:
    """`<title>`, else what the page tells social networks."""
    title = " ".join((tree.title or "").split()) or _attribute(tree, "meta[property='og:title']", "content")
    return title[:LONGEST] if title else None


def language_of(tree: Any) -> str | None:
    """`lang` of `<html>`, else the header that the page repeats, else what it tells social networks."""
    return (
        _attribute(tree, "html", "lang")
        or _attribute(tree, "html", "xml:lang")
        or _attribute(tree, "meta[http-equiv='content-language' i]", "content")
        or _attribute(tree, "meta[property='og:locale']", "content")
    )


def canonical_of(tree: Any, url: str | None) -> str | None:
    """The address that the page calls its own; None where it is no web address."""
    href = _attribute(tree, "link[rel='canonical' i]", "href")
    if not href:
        return None
    try:
        found = urljoin(url or "", href)
        parts = urlsplit(found)
    except ValueError:
        return None
    return found if parts.scheme in ("http", "https") and parts.netloc else None
