"""The text of a page from those of its lines that are main content.

All text of the page is taken out in one pass (`tamis.extraction.lines`), and a small model (`tamis.extraction.model`)
says of each line how probably it is main content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Any

import numpy as np
from resiliparse.extract.html2text import extract_plain_text

from tamis.extraction.features import features_of
from tamis.extraction.lines import SPECIAL, Lines, Own, character, lines_of, whole_text
from tamis.extraction.model import model

_EMPTY_LINE = re.compile(r"\n[ \t]*\n")
_SPACES = re.compile("[ \xa0\u200b]+")
_PRE, _ITEM = character("<pre>"), character("<li>")
_ITEM_CODE, _BULLETS, _NUMBERS = map(ord, map(character, ("<li>", "<ul>", "<ol>")))


UNSURE = 0.4
"""Expected F1 below which the rules are asked instead. Of 1,043 pages that the model had not learnt from, these were
2.4 %; the lines had a token F1 of .2 there, the rules .44."""

BETWEEN = 8
"""Rows of a table, items of a list and blocks of code that go at most with the lines around them: figures and names
alone do not show what they are. On corpora not learnt from this gave .005 (`wcxb`), .003, and cost .001 twice."""

ABOVE = 8
"""Lines before the text in which its headline may stand. The gold text leaves it out on all of 50 pages (`aeb`), on two
thirds (`wcxb`, `readability`) or on 5 % (`waddle`): what is learnt of that is habit. It costs .001 of token F1."""

MOST_TAGS = 10_000
"""Tags of a page that Resiliparse's rules are asked about: their time is the square of the depth, two seconds for so
many elements inside each other. Of 50 pages one has more."""

REPEATED = 250
"""Characters of a line that is said twice at once by the page's own doing, at most: a headline, a caption. Longer ones
are paragraphs, and theirs."""

OPENING = 5
"""Lines of the text in which its first one, the headline, is said once."""


def lines_text(tree: Any) -> tuple[str, float]:
    """Main content of a parsed page that has marks, and the F1 that the model expects of it, 0 to 1."""
    lines = lines_of(whole_text(tree))
    if lines is None:
        return "", 0.0
    known = model()
    scores = known.scores(features_of(lines.own))
    kept = scores > known.bound(scores, lines.own.mass)
    expected = known.expected_f1(scores, lines.own.mass, kept)
    return text_of(lines, with_headline(with_rows_between(kept, lines.own), lines.own)), expected


def with_headline(kept: np.ndarray, own: Own) -> np.ndarray:
    """Kept lines, and the headline above the first one if none is kept: the last of the first level that is no link.

    Args:
        kept: bool[lines].
        own: what is counted of the lines.
    """
    headline = (own.heading == 1) & (2 * own.linked < own.letters)
    if not kept.any() or kept[headline].any():
        return kept
    first = int(np.argmax(kept))
    above = np.flatnonzero(headline[max(first - ABOVE, 0) : first])
    found = kept.copy()
    found[max(first - ABOVE, 0) + above[-1:]] = True
    return found


def with_rows_between(kept: np.ndarray, own: Own) -> np.ndarray:
    """Kept lines, and the few rows, items and blocks of code between two of them that are not mostly links.

    Args:
        kept: bool[lines].
        own: what is counted of the lines.
    """
    places = np.arange(len(kept))
    before = np.maximum.accumulate(np.where(kept, places, -len(kept) - BETWEEN))
    after = np.minimum.accumulate(np.where(kept, places, 2 * len(kept) + BETWEEN)[::-1])[::-1]
    rows = (own.cells + own.pre + own.item > 0) & (2 * own.linked < own.letters)
    return kept | (rows & (after - before <= BETWEEN + 1))


def rules_text(tree: Any) -> str:
    """Main content of a parsed page by Resiliparse's rules."""
    return str(extract_plain_text(tree, main_content=True, skip_elements=["svg"])).replace("\t\t", "\t").strip()


def text_of(lines: Lines, kept: np.ndarray) -> str:
    """The kept lines as text: an empty line between paragraphs, list items marked, cells of a table apart by a tab.

    A headline that comes again behind date and author, and a caption under both forms of a picture, are said once: of
    50 pages that FineWeb's bound on repeated lines drops, 14 were good articles and had no other fault.
    """
    places = _without_last_headings(np.flatnonzero(kept), lines.own.heading).tolist()
    if not places:
        return ""
    text, starts, ends = lines.text, lines.starts.tolist(), lines.ends.tolist()
    items = _items(lines.codes)
    item = next(items)
    pieces: list[str] = []
    before = -1
    headline = bool(lines.own.heading[places[0]])
    for i in places:
        raw = text[starts[i] : ends[i]]
        mark_of_item = ""
        while item[0] < ends[i]:
            mark_of_item = item[1]
            item = next(items)
        shown = _shown(raw)
        apart = _PRE in raw or i != before + 1 or before < 0 or _has_empty_line(text, ends[before], starts[i])
        if not shown.strip():
            continue
        # The mark of an item whose own lines were left out is not that of the next line.
        if mark_of_item and (_ITEM in raw or _ITEM in text[ends[i - 1] if i else 0 : starts[i]]):
            shown = mark_of_item + shown
        if _PRE not in raw and _said_already(shown, pieces, apart=apart, headline=headline):
            continue
        if pieces:
            pieces.append("\n\n" if apart else "\n")
        pieces.append(shown)
        before = i
    return "".join(pieces)


def _shown(raw: str) -> str:
    """A line as a reader sees it."""
    shown = SPECIAL.sub("", raw)
    if "&" in shown:
        shown = unescape(shown)
    if _PRE in raw:
        return shown.strip("\r\n").rstrip()
    shown = shown.replace("\t\t", "\t")
    # The pattern would find each space between two words.
    if "  " in shown or "\xa0" in shown or "\u200b" in shown:
        shown = _SPACES.sub(" ", shown)
    return shown.strip(" ")


def _without_last_headings(places: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Kept lines but for headings at the end that nothing stands under ("Related posts"): 9 of 50 pages had one."""
    body = np.flatnonzero(heading[places] == 0)
    return places[: body[-1] + 1] if len(body) else places


def _said_already(shown: str, pieces: Sequence[str], *, apart: bool, headline: bool) -> bool:
    """Whether a line is the block before it once more, or the first one of a text that has just begun.

    Args:
        shown: the line.
        pieces: the lines before it, and what stands between them.
        apart: whether it is a block of its own; a verse may be sung twice.
        headline: whether the first line is a heading.
    """
    if not pieces or len(shown) > REPEATED:
        return False
    again = apart and shown == pieces[-1]
    opening = (apart or headline) and len(pieces) < 2 * OPENING and shown.strip() == pieces[0].strip()
    # Rows of a table, and numbers, may well be the same.
    return (again or opening) and "\t" not in shown and "\n" not in shown and any(map(str.isalpha, shown))


def _has_empty_line(text: str, start: int, end: int) -> bool:
    return end > start + 1 and bool(_EMPTY_LINE.search(text, start, end + 1))


def _items(codes: np.ndarray) -> Iterator[tuple[int, str]]:
    """Where each item of a list begins, and the bullet or number in front of it; at last the end of all."""
    open_lists: list[list[int]] = []
    places = np.flatnonzero((codes >= _ITEM_CODE) & (codes <= _NUMBERS + 1))
    for place, code in zip(places.tolist(), codes[places].tolist(), strict=True):
        if code == _ITEM_CODE:
            if not open_lists:
                continue
            current = open_lists[-1]
            current[1] += 1
            indent = "  " * (min(len(open_lists), 9) - 1)
            yield place, indent + (f"{current[1]}. " if current[0] == _NUMBERS else "- ")
        elif code in (_BULLETS, _NUMBERS):
            open_lists.append([code, 0])
        elif open_lists and code != _ITEM_CODE + 1:
            open_lists.pop()
    yield len(codes) + 1, ""
