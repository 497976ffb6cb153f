"""The lines of a page's whole text, and what is counted of each for the model that chooses among them.

Everything is whole numbers, so that a page's outcome is the same on every machine. A line is what a browser would show
as one block: a paragraph, a heading, a row of a table, an item; preformatted text is one line with line feeds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import numpy as np
from resiliparse.extract.html2text import extract_plain_text

from tamis.extraction.marks import GROUPS
from tamis.kernels.markup import MARK
from tamis.kernels.page_characters import TABLE
from tamis.kernels.page_lines import COUNTS, TAG, TAGS, count_lines, reduce_tags

SPECIAL = re.compile(f"[{chr(MARK)}-{chr(TAG + 2 * len(TAGS) - 1)}]")
"""Marks and tags."""

MOST_REPEATS = 8

STEPS = np.unique(np.floor(2.0 ** (np.arange(35) / 2)).astype(np.int64))
"""Counts become their place among these, half powers of two up to 131,072."""


def character(tag: str) -> str:
    """The character that stands for a tag of the reduced markup, `<p>` or `</p>`."""
    return chr(TAG + 2 * TAGS.index(tag.strip("</>")) + tag.startswith("</"))


@dataclass(frozen=True)
class Own:
    """What is counted of each line alone; int64 arrays, one number a line.

    Attributes:
        mass: letters and digits; an ideograph counts three.
        letters, words, linked, links, commas, odd, digits, upper, cells, repeats: counts.
        ends_well: whether it ends like a sentence or an introduction to something.
        full_stop: whether it ends like a sentence.
        upper_first: whether it begins with a capital letter.
        heading: level, 0 for none.
        paragraph, pre: whether it is one.
        item: levels of lists that it stands in, up to 3.
        groups: [lines, groups]: levels of containers of each kind, up to 3.
    """

    mass: np.ndarray
    letters: np.ndarray
    words: np.ndarray
    linked: np.ndarray
    links: np.ndarray
    commas: np.ndarray
    odd: np.ndarray
    digits: np.ndarray
    upper: np.ndarray
    cells: np.ndarray
    repeats: np.ndarray
    ends_well: np.ndarray
    full_stop: np.ndarray
    upper_first: np.ndarray
    heading: np.ndarray
    paragraph: np.ndarray
    pre: np.ndarray
    item: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Lines:
    """The lines of a page that hold letters or digits.

    Attributes:
        codes: uint32, code points of reduced markup with one character a tag.
        text: the same as a string.
        starts: character at which each begins.
        ends: character after its last; the line feed is left out.
        own: what is counted of each.
    """

    codes: np.ndarray
    text: str
    starts: np.ndarray
    ends: np.ndarray
    own: Own

    def shown(self, line: int) -> str:
        """The words of a line."""
        text = SPECIAL.sub("", self.text[self.starts[line] : self.ends[line]])
        return unescape(text) if "&" in text else text


def whole_text(tree: Any) -> str:
    """The whole text of a parsed page that has marks, as reduced markup."""
    return str(extract_plain_text(tree, preserve_formatting="minimal_html", links=True, skip_elements=["svg"]))


def steps(counts: Any) -> np.ndarray:
    """Counts as their place among `STEPS`."""
    return np.searchsorted(STEPS, counts, side="right")


def share(part: Any, whole: Any) -> np.ndarray:
    """Sixteenths of a whole; 0 of nothing."""
    return 16 * part // np.maximum(whole, 1)


def lines_of(text: str) -> Lines | None:
    """The lines of reduced markup with marks; None where none has a letter or digit."""
    whole = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    codes = np.empty_like(whole)
    length, most = reduce_tags(whole, codes)
    codes = codes[:length]
    places, groups = np.empty((most, 2), np.int64), np.empty((most, len(GROUPS)), np.int64)
    counts, keys = np.zeros((most, len(COUNTS)), np.int64), np.zeros(most, np.uint64)
    open_tags, open_groups = np.zeros((3, len(TAGS)), np.int64), np.zeros(len(GROUPS), np.int64)
    n = count_lines(codes, TABLE, places, counts, groups, keys, open_tags, open_groups)
    if not n:
        return None
    columns = dict(zip(COUNTS, counts[:n].T.copy(), strict=True))
    _, inverse, repeats = np.unique(keys[:n], return_inverse=True, return_counts=True)
    own = Own(**columns | {"repeats": np.minimum(repeats[inverse], MOST_REPEATS)}, groups=groups[:n])
    starts, ends = places[:n].T.copy()
    return Lines(codes, codes.tobytes().decode("utf-32-le"), starts, ends, own)
