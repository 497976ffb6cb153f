"""Text of HTML pages, in one pass and linear time whatever the page.

The standard library's parser takes quadratic time on some malformed pages and changes its answers between patch
releases, and the extractors for the open web guess at what a page is about. Documentation says it: what lies in
`<main>`, `<article>` or `role="main"` is taken where there is one, and navigation, scripts and permalinks go.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]{0,30})([^<>]*)>")
RAW = frozenset({"script", "style", "noscript", "template", "svg", "textarea", "math", "iframe", "object"})
"""Elements whose contents are no text."""

DROPPED = frozenset({"nav", "footer", "form", "button", "select"})
DROPPED_ATTRIBUTES = re.compile(
    r"""(?:class|id|role)=["']?[^"'>]*\b(?:sphinxsidebar|docs-(?:sidebar|top-navigation|bottom-navigation|version)"""
    r"""|related|navigation|search|footer|breadcrumbs?|toctree-wrapper|sidebar|banner|contentinfo|linenos|linenodiv)\b""",
    re.IGNORECASE,
)
MAIN_ATTRIBUTES = re.compile(r"""(?:role=["']?main\b|(?:id|class)=["']?docs-body\b)""", re.IGNORECASE)
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
SPACED = frozenset(
    {
        "blockquote",
        "dl",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "title",
        "ul",
    }
)
BLOCKS = SPACED | {
    "address", "article", "aside", "body", "br", "caption", "center", "dd", "details", "div", "dt", "fieldset",
    "figcaption", "header", "hr", "html", "li", "main", "summary", "tbody", "tfoot", "thead", "tr",
}  # fmt: skip
INLINE = re.compile(
    r"</?(?:a|abbr|b|cite|code|em|i|kbd|small|span|strong|sub|sup|tt|u|var)(?:\s[^<>]*)?>", re.IGNORECASE
)
"""Tags that change nothing here. Highlighted code is full of them: without them a page takes a third of the time."""

PERMALINK = re.compile(r"""<(a|span) class="[^"<>]*\b(?:headerlink|linenos)\b[^<>]*>[^<]*</\1>""", re.IGNORECASE)
CHARSET = re.compile(rb"""<meta[^<>]{0,200}charset=["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
BREAK, CELL, KEPT_SPACE = MARKS = "\x01\x02\x03"
"""Marks within joined pieces: a line feed, the start of a table cell, a space inside `pre`."""

UNMARKED = str.maketrans(dict.fromkeys(MARKS, " "))


@dataclass(slots=True)
class _State:
    """Where the pass stands: open elements, and how many of them drop, keep or preserve what is inside."""

    stack: list[tuple[str, bool, bool]] = field(default_factory=list)
    open: Counter[str] = field(default_factory=Counter)
    dropping: int = 0
    main: int = 0

    @property
    def place(self) -> int:
        """0 outside the main content, 1 inside, 2 inside an article."""
        return 2 if self.open["article"] else 1 if self.main else 0

    def push(self, name: str, attributes: str) -> None:
        # A bound, because a search in attributes of any length is quadratic.
        attributes = attributes[:1000]
        drops = name in DROPPED or bool(DROPPED_ATTRIBUTES.search(attributes))
        main = name == "main" or bool(MAIN_ATTRIBUTES.search(attributes))
        self.stack.append((name, drops, main))
        self.open[name] += 1
        self.dropping += drops
        self.main += main

    def pop(self, name: str) -> None:
        """Close the innermost element of that name and all inside it; without one, nothing happens."""
        while self.open[name]:
            closed, drops, main = self.stack.pop()
            self.open[closed] -= 1
            self.dropping -= drops
            self.main -= main
            if closed == name:
                return


def text_of(page: str) -> str:
    """The text of an HTML page: blocks on lines of their own, list items with a dash, cells joined by a bar.

    Args:
        page: HTML, well formed or not.
    """
    pieces: list[tuple[int, str]] = []
    state = _State()

    def put(piece: str) -> None:
        if piece and not state.dropping:
            pieces.append((state.place, piece))

    for what, content, attributes in _tokens(INLINE.sub("", PERMALINK.sub("", page))):
        if what == "text":
            put(_characters(content, preserve=state.open["pre"] > 0))
        elif what == "close":
            put(_edge(content))
            state.pop(content)
        elif content in VOID:
            put(_edge(content))
        else:
            state.push(content, attributes)
            put(_edge(content) + ("- " if content == "li" else CELL if content in ("td", "th") else ""))
    sizes = [sum(len(piece.strip(MARKS + " ")) for place, piece in pieces if place >= least) for least in range(3)]
    # Cards and teasers are articles too; then the page is in its main element, or nowhere in particular.
    least = 2 if 2 * sizes[2] > sizes[1] or 4 * sizes[2] > 3 * sizes[0] else 1 if sizes[1] else 0
    return _lines("".join(piece for place, piece in pieces if place >= least))


def _tokens(page: str) -> Iterator[tuple[str, str, str]]:
    """Texts, and opening and closing tags with their lower-case names; never looks at a character twice."""
    position = 0
    while position < len(page):
        start = page.find("<", position)
        start = len(page) if start < 0 else start
        if start > position:
            yield "text", page[position:start], ""
        if start == len(page):
            return
        tag = TAG.match(page, start)
        if tag is None:
            position = _skipped(page, start)
            if position == start + 1:
                yield "text", "<", ""
            continue
        position, name = tag.end(), tag[2].lower()
        if tag[1]:
            yield "close", name, ""
        elif name not in RAW:
            yield "open", name, tag[3]
        elif not tag[3].endswith("/"):
            end = re.compile(f"</{name}", re.IGNORECASE).search(page, position)
            position = end.start() if end else len(page)


def _skipped(page: str, start: int) -> int:
    """Where a comment, a declaration or a bracket that opens nothing ends."""
    if page.startswith("<!--", start):
        end = page.find("-->", start + 4)
        return len(page) if end < 0 else end + 3
    if page[start + 1 : start + 2] in ("!", "?", "/"):
        end = page.find(">", start)
        return len(page) if end < 0 else end + 1
    return start + 1


def charset(data: bytes) -> str:
    """The encoding that a page names in its head; UTF-8 when it names none."""
    match = CHARSET.search(data[:20_000])
    return match[1].decode("ascii") if match else "utf-8"


def _edge(name: str) -> str:
    """What the border of an element puts between texts."""
    return BREAK * 2 if name in SPACED else BREAK if name in BLOCKS else ""


def _characters(raw: str, *, preserve: bool) -> str:
    """Text between tags: entities resolved, white space kept in `pre` and collapsed elsewhere."""
    piece = html.unescape(raw).translate(UNMARKED)
    if preserve:
        return piece.replace("\n", BREAK).replace(" ", KEPT_SPACE)
    return re.sub(r"\s+", " ", piece)


def _lines(joined: str) -> str:
    """Lines from the marks: spaces trimmed, at most one empty line in a row."""
    lines: list[str] = []
    item = False
    for raw in joined.split(BREAK):
        cells = [re.sub(" +", " ", cell).strip(" ") for cell in raw.split(CELL)]
        line = " | ".join(cell for cell in cells if cell).replace(KEPT_SPACE, " ").rstrip()
        if line == "-":
            # The text of the item stands in a block of its own, which follows.
            item = True
        elif line:
            lines.append("- " + line.lstrip() if item else line)
            item = False
        elif not item and lines and lines[-1]:
            lines.append("")
    return "\n".join(lines).strip("\n") + "\n"
