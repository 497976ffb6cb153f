"""The text of a page from those of its lines that are main content.

All text of the page is taken out in one pass (`tamis.extraction.lines`), and a small model (`tamis.extraction.model`)
says of each line how probably it is main content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import numpy as np
from resiliparse.extract.html2text import extract_plain_text

from tamis.extraction.features import features_of
from tamis.extraction.lines import CODE, SPECIAL, Lines, lines_of, marked_text
from tamis.extraction.model import model

_LISTS = re.compile("[" + "".join(chr(CODE[tag]) for tag in ("<ul>", "</ul>", "<ol>", "</ol>", "<li>")) + "]")
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")
_SPACES = re.compile("[ \xa0\u200b]+")
_PRE = chr(CODE["<pre>"])
_ITEM, _BULLETS, _NUMBERS = chr(CODE["<li>"]), chr(CODE["<ul>"]), chr(CODE["<ol>"])


UNSURE = 0.4
"""Expected F1 below which the rules are asked instead. Of 1,043 pages that the model had not learnt from, these were
2.4 %; the lines had a token F1 of .2 there, the rules .44."""

MOST_TAGS = 10_000
"""Tags of a page that Resiliparse's rules are asked about: their time is the square of the depth, two seconds for so
many elements inside each other. Of 50 pages one has more."""


def lines_text(tree: Any) -> tuple[str, float]:
    """Main content of a parsed page that has marks, and the F1 that the model expects of it, 0 to 1."""
    lines = lines_of(marked_text(tree))
    if lines is None:
        return "", 0.0
    known = model()
    scores = known.scores(features_of(lines.own))
    return text_of(lines, scores > known.threshold), known.expected_f1(scores, lines.own.mass)


def rules_text(tree: Any) -> str:
    """Main content of a parsed page by Resiliparse's rules."""
    return str(extract_plain_text(tree, main_content=True, skip_elements=["svg"])).replace("\t\t", "\t").strip()


def text_of(lines: Lines, kept: np.ndarray) -> str:
    """The kept lines as text: an empty line between paragraphs, list items marked, cells of a table apart by a tab."""
    places = _without_last_headings(np.flatnonzero(kept), lines.own.heading).tolist()
    if not places:
        return ""
    text, starts, ends = lines.text, lines.starts.tolist(), lines.ends.tolist()
    items = _items(text)
    item = next(items)
    pieces: list[str] = []
    before = -1
    for i in places:
        raw = text[starts[i] : ends[i]]
        mark_of_item = ""
        while item[0] < ends[i]:
            mark_of_item = item[1]
            item = next(items)
        shown = SPECIAL.sub("", raw)
        if "&" in shown:
            shown = unescape(shown)
        if _PRE in raw:
            shown, apart = shown.strip("\r\n").rstrip(), True
        else:
            shown = _SPACES.sub(" ", shown.replace("\t\t", "\t")).strip(" ")
            apart = before < 0 or i != before + 1 or bool(_EMPTY_LINE.search(text, ends[before], starts[i] + 1))
        if not shown.strip():
            continue
        # The mark of an item whose own lines were left out is not that of the next line.
        if mark_of_item and (_ITEM in raw or _ITEM in text[ends[i - 1] if i else 0 : starts[i]]):
            shown = mark_of_item + shown
        if pieces:
            pieces.append("\n\n" if apart else "\n")
        pieces.append(shown)
        before = i
    return "".join(pieces)


def _without_last_headings(places: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Kept lines but for headings at the end that nothing stands under ("Related posts"): 9 of 50 pages had one."""
    body = np.flatnonzero(heading[places] == 0)
    return places[: body[-1] + 1] if len(body) else places


def _items(text: str) -> Iterator[tuple[int, str]]:
    """Where each item of a list begins, and the bullet or number in front of it; at last the end of all."""
    open_lists: list[list[Any]] = []
    for found in _LISTS.finditer(text):
        tag = found[0]
        if tag == _ITEM:
            if not open_lists:
                continue
            current = open_lists[-1]
            current[1] += 1
            indent = "  " * (min(len(open_lists), 9) - 1)
            yield found.start(), indent + (f"{current[1]}. " if current[0] == _NUMBERS else "- ")
        elif tag in (_BULLETS, _NUMBERS):
            open_lists.append([tag, 0])
        elif open_lists:
            open_lists.pop()
    yield len(text) + 1, ""
