"""From lines with their places on pages to paragraphs.

PDFium gives lines in the order in which the page was written, which in what typesetting programs write is the order of
reading, column after column. Where it was written row by row across two columns, columns are taken apart first. Then
headers, footers and page numbers go, and lines are joined to paragraphs, across columns and pages, and with them words
that a line end has parted.
"""

from __future__ import annotations

import itertools
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

PARTED = "\ufffe"
"""PDFium's sign for a hyphen at the end of a line."""

EDGE_LINES = 2
"""Lines at the top and bottom of a page that may be headers and footers."""

SHARED = 3
"""Pages that have to have a header or footer, at least; of fewer than ten two, for left and right pages differ."""

LEADER = "…"
"""What the dots of a table of contents become."""

GAP = 1.25
"""Distance between lines, by the usual one, from which a paragraph ends."""

SHORT = 0.18
"""Share of a column's width that a line leaves free at its right where a paragraph ends: more than ragged text does."""

_NUMBER = re.compile(
    r"\W*(?:(?:page|p\.|seite|pag\.)\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of|von|de)\s*\d{1,4})?\W*", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_ITEM = re.compile(r"(?:[•◦▪‣·∙●○■–—*]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d{1,3}\])\s")
_HEADING = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-Z]\.)\s+[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\xad": "", "\xa0": " "}
_CODES = {
    **dict(zip("\x0b\x0c\x0e\x0f", ("ff", "fi", "ffi", "ffl"), strict=True)),
    **dict(zip("\x1b\x1c\x1d\x1e\x1f", ("ff", "fi", "fl", "ffi", "ffl"), strict=True)),
    **dict(zip("\x10\x11\x15\x16", "“”–—", strict=True)),
}
"""Ligatures and quotes by their places in TeX's fonts (OT1, T1), which many PDFs give in place of characters. OT1's fl
is a carriage return."""

_ACCENT = re.compile(r"([\xa8\xb4\u02c6\u02c7\u02d8\u02d9\u02da\u02dc\u02dd]) ?([A-Za-z\u0131])")
"""An accent in front of its letter, as TeX's fonts of 1990 have it."""

_COMBINING = dict(
    zip(
        "\xa8\xb4\u02c6\u02c7\u02d8\u02d9\u02da\u02dc\u02dd",
        "\u0308\u0301\u0302\u030c\u0306\u0307\u030a\u0303\u030b",
        strict=True,
    )
)
_EXPANDED = str.maketrans(dict.fromkeys(map(chr, [*range(9), *range(16, 32), 127]), " ") | _LIGATURES | _CODES)
_LEADERS = re.compile(r"\s*(?:\.\s?){5,}\s*")
"""Dots from a title to its page in a table of contents."""

_SPACES = re.compile(r"[ \t\r\n]+")
_ENDS = '.:!?;"”’)»。\uff01\uff1f\uff1a'


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page.

    Attributes:
        left, right: in points from the page's left.
        top, base: in points from the page's bottom; base is the line that its letters stand on.
        size: of its font, in points.
        text: its characters.
    """

    left: float
    right: float
    top: float
    base: float
    size: float
    text: str


def cleaned(text: str) -> str:
    """Characters of a line: ligatures as letters, no control characters, spaces single."""
    text = re.sub("\r(?!$)", "fl", text).translate(_EXPANDED)
    if not text.isascii():
        text = _ACCENT.sub(_composed, text)
    return _SPACES.sub(" ", _LEADERS.sub(f" {LEADER} ", text) if "...." in text or ". . . ." in text else text).strip(
        " "
    )


def _composed(found: re.Match[str]) -> str:
    letter = "i" if found[2] == "\u0131" else found[2]
    whole = unicodedata.normalize("NFC", letter + _COMBINING[found[1]])
    return whole if len(whole) == 1 else found[0]


def text_of(pages: Sequence[Sequence[Line]], *, running_heads: bool = False) -> tuple[str, int]:
    """The text of a document, and how many lines were left out as headers, footers and page numbers.

    Args:
        pages: lines of each page, in the order of reading.
        running_heads: whether those lines stay.
    """
    kept: list[Sequence[Line]] = list(pages)
    dropped = 0
    if not running_heads:
        kept = without_heads(pages)
        dropped = sum(map(len, pages)) - sum(map(len, kept))
    words = Counter(word.lower() for page in kept for line in page for word in _WORD.findall(line.text))
    pieces = [joined([line.text for line in paragraph], words) for paragraph in paragraphs(kept)]
    return "\n\n".join(piece for piece in pieces if piece), dropped


def without_heads(pages: Sequence[Sequence[Line]]) -> list[Sequence[Line]]:
    """The lines of pages but for those at their top and bottom that pages share, and page numbers there."""
    edges = [_edges(page) for page in pages]
    seen: Counter[tuple[str, int]] = Counter()
    for page, places in zip(pages, edges, strict=True):
        seen.update({_mark(page[place]) for place in places})
    numbered = sum(
        any(_NUMBER.fullmatch(page[place].text) for place in places) for page, places in zip(pages, edges, strict=True)
    )
    least = SHARED if len(pages) >= 10 else 2
    found: list[Sequence[Line]] = []
    for page, places in zip(pages, edges, strict=True):
        gone = {
            place
            for place in places
            if seen[_mark(page[place])] >= least or (numbered >= 2 and _NUMBER.fullmatch(page[place].text))
        }
        found.append([line for place, line in enumerate(page) if place not in gone])
    return found


def _edges(page: Sequence[Line]) -> set[int]:
    """Places of the uppermost and lowermost lines of a page."""
    order = sorted(range(len(page)), key=lambda place: -page[place].top)
    return {*order[:EDGE_LINES], *order[max(EDGE_LINES, len(order) - EDGE_LINES) :]}


def _mark(line: Line) -> tuple[str, int]:
    """By which a header is known on other pages: its words and its height."""
    return _DIGITS.sub("0", line.text.lower()), round(line.top / 6)


def in_columns(page: Sequence[Line], gutters: Sequence[tuple[float, float] | None]) -> bool:
    """Whether a page is written row by row across two columns: many of its lines have a gap at one place.

    Args:
        page: its lines.
        gutters: left and right of the widest gap of each line, or None.
    """
    gaps = [gap for gap in gutters if gap is not None]
    if len(page) < 8 or len(gaps) < 0.4 * len(page):
        return False
    left, right = min(line.left for line in page), max(line.right for line in page)
    middle = statistics.median((gap[0] + gap[1]) / 2 for gap in gaps)
    within = sum(gap[0] <= middle <= gap[1] for gap in gaps)
    return left + (right - left) / 3 < middle < right - (right - left) / 3 and within > 0.8 * len(gaps)


def by_columns(page: Sequence[Line]) -> list[Line]:
    """Lines of a page of two columns in the order of reading: down the left, down the right, between lines across.

    Args:
        page: lines, parted at the gutter.
    """
    left, right = min(line.left for line in page), max(line.right for line in page)
    middle = (left + right) / 2
    ordered: list[Line] = []
    columns: tuple[list[Line], list[Line]] = ([], [])
    for line in sorted(page, key=lambda line: -line.top):
        if line.left < middle - 0.1 * (right - left) and line.right > middle + 0.1 * (right - left):
            ordered += [*columns[0], *columns[1], line]
            columns = ([], [])
        else:
            columns[line.left >= middle - 0.05 * (right - left)].append(line)
    return [*ordered, *columns[0], *columns[1]]


def paragraphs(pages: Iterable[Sequence[Line]]) -> Iterable[list[Line]]:
    """The lines of a document, by paragraph."""
    pages = [[line for line in page if line.text] for page in pages]
    pitches = [
        before.base - line.base
        for page in pages
        for before, line in itertools.pairwise(page)
        if 0.3 * line.size < before.base - line.base < 4 * line.size and _overlap(before, line)
    ]
    pitch = statistics.median(pitches) if pitches else 0.0
    current: list[Line] = []
    edges = _Edges()
    for page in pages:
        edges.learn(page)
        for place, line in enumerate(page):
            after = page[place + 1] if place + 1 < len(page) else None
            if current and _starts(current, line, after, pitch, edges, first=not place):
                yield current
                current = []
            current.append(line)
    if current:
        yield current


class _Edges:
    """Where the columns of a page end at their right."""

    def __init__(self) -> None:
        self._rights: list[tuple[float, float, float]] = []

    def learn(self, page: Sequence[Line]) -> None:
        """Take the columns of a page: lines that begin at about one place, and how far most of them go."""
        starts: dict[int, list[Line]] = {}
        for line in page:
            starts.setdefault(round(line.left / 12), []).append(line)
        self._rights = []
        for lines in starts.values():
            if len(lines) >= 4:
                rights = sorted(line.right for line in lines)
                self._rights.append(
                    (min(line.left for line in lines), rights[int(0.85 * (len(rights) - 1))], len(lines))
                )

    def width(self, line: Line) -> tuple[float, float]:
        """Left and right of the column that a line stands in; its own where none is known."""
        near = [
            (count, left, right)
            for left, right, count in self._rights
            if left - 40 <= line.left <= left + 80 and right >= line.left
        ]
        if not near:
            return line.left, line.right
        _, left, right = max(near)
        return left, max(right, line.right if line.right - right < 20 else right)


def _overlap(one: Line, other: Line) -> bool:
    return min(one.right, other.right) > max(one.left, other.left)


def _starts(
    current: Sequence[Line], line: Line, after: Line | None, pitch: float, edges: _Edges, *, first: bool
) -> bool:
    """Whether a line begins a paragraph.

    Args:
        current: the paragraph so far.
        line: the next line.
        after: the one that follows it on its page.
        pitch: usual distance of lines, 0 where there is none.
        edges: of the page's columns.
        first: whether the line is the first of its page.
    """
    before = current[-1]
    size = max(line.size, before.size)
    if abs(line.size - before.size) > 0.12 * size and len(line.text) > 2 and len(before.text) > 2:
        return True
    if _ITEM.match(line.text) or LEADER in before.text:
        return True
    if first or not _overlap(before, line) or line.base >= before.base:
        if not first and abs(line.base - before.base) < 0.5 * line.size:
            # On the same height: cells of a table, or a part of the line.
            return False
        ended = before.text[-1:] in _ENDS or _is_heading(current)
        return ended and not line.text[:1].islower()
    return (
        before.base - line.base > GAP * pitch > 0
        or _is_heading(current)
        or _is_short(before, line, edges)
        or _is_indented(current, line, after)
    )


def _is_short(before: Line, line: Line, edges: _Edges) -> bool:
    """Whether a line ends so far from the right edge that nothing goes on after it."""
    left, right = edges.width(before)
    return right - before.right > SHORT * (right - left) and not line.text[:1].islower()


def _is_indented(current: Sequence[Line], line: Line, after: Line | None) -> bool:
    """Whether a line begins to the right of those around it."""
    if after is None or not _overlap(after, line) or after.base >= line.base:
        return False
    if _ITEM.match(current[0].text) and line.left > current[0].left + 0.4 * line.size:
        return False
    return 0.6 < (line.left - after.left) / line.size < 5 and line.left - current[-1].left > 0.6 * line.size


def _is_heading(current: Sequence[Line]) -> bool:
    """Whether the only line of a paragraph so far is a numbered heading."""
    text = current[0].text
    return len(current) == 1 and len(text) < 80 and bool(_HEADING.match(text)) and text[-1] not in f".,;{PARTED}"


def joined(lines: Sequence[str], words: Counter[str]) -> str:
    """Lines as one, words that a line end has parted put together as the document writes them elsewhere."""
    text = ""
    for line in lines:
        if not text:
            text = line
        elif text.endswith(PARTED) or (text[-1:] in "-\u2010" and text[-2:-1].isalpha() and line[:1].islower()):
            text = _put_together(text[:-1], line, words)
        elif _is_dense(text[-1]) and _is_dense(line[0]):
            text += line
        elif _is_row(line) and _is_row(text[text.rfind("\n") + 1 :]):
            text = f"{text}\n{line}"
        else:
            text = f"{text} {line}"
    while PARTED in text:
        before, _, after = text.partition(PARTED)
        text = _put_together(before, after, words)
    return text


def _put_together(before: str, after: str, words: Counter[str]) -> str:
    first, second = re.search(r"[^\W\d_]*\Z", before), re.match(r"[^\W\d_]*", after)
    if not (first and first[0] and second and second[0]):
        return f"{before}-{after}"
    whole, parted = f"{first[0]}{second[0]}".lower(), f"{first[0]}-{second[0]}".lower()
    if words[parted] > words[whole] or second[0][:1].isupper():
        return f"{before}-{after}"
    return before + after


def _is_row(line: str) -> bool:
    """Whether a line is a row of a table of numbers: a third of it is digits."""
    return 3 * sum(map(str.isdigit, line)) >= len(line)


def _is_dense(character: str) -> bool:
    """Whether a character is of a script that puts no space between words."""
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or "\uff00" <= character <= "\uff60"


def parted(line: Line, at: int, gap: tuple[float, float]) -> tuple[Line, Line]:
    """A line as its two parts on both sides of a gutter.

    Args:
        line: the line.
        at: place in its text where the right part begins.
        gap: left and right of the gutter in this line. Not its middle: where the left column is ragged, a short line
            ends far from it, and the right part would seem to begin there, across both columns.
    """
    return replace(line, right=min(line.right, gap[0]), text=line.text[:at].rstrip()), replace(
        line, left=max(line.left, gap[1]), text=line.text[at:].lstrip()
    )
