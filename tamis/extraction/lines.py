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

from tamis.extraction.characters import COMMA, DIGIT, END, FULL_STOPS, LETTER, ODD, SPACE, UPPER, WIDE, bits_of
from tamis.extraction.marks import FIRST, GROUPS

_TAGS = ("<a>", "</a>", "<p>", "</p>", "<li>", "</li>", "<pre>", "</pre>", "<ul>", "</ul>", "<ol>", "</ol>", "<br>")
_HEADINGS = tuple(f"<{end}h{level}>" for level in range(1, 7) for end in ("", "/"))
CODE = {tag: FIRST + 0x100 + i for i, tag in enumerate((*_TAGS, *_HEADINGS))}
"""Code points that stand for the tags of the reduced markup; a closing tag has that of its opening one and one more."""

SPECIAL = re.compile(f"[{chr(FIRST)}-{chr(max(CODE.values()))}]")
"""Marks and tags."""

_ANY_TAG = re.compile(r"<[^>]*>")
_CHARACTERS = {tag: chr(code) for tag, code in CODE.items()}
_OPEN_LINK = _CHARACTERS["<a>"]

_HASHES = np.random.Generator(np.random.PCG64(0)).integers(1, 2**63, 4096, np.uint64)

STEPS = np.unique(np.floor(2.0 ** (np.arange(35) / 2)).astype(np.int64))
"""Counts become their place among these, half powers of two up to 131,072."""

MOST_REPEATS = 8


FIELD = 21
"""Bits of a count among three in one number: two million characters of a line."""


def _packed(*bits: int) -> np.ndarray:
    """What each of the 256 kinds of character adds to packed counts."""
    kinds = np.arange(256)
    return sum(((kinds & bit) != 0).astype(np.int64) << FIELD * i for i, bit in enumerate(bits))


_FIRST_THREE, _SECOND_THREE = _packed(DIGIT, UPPER, COMMA), _packed(ODD, WIDE)


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
        text: reduced markup with one character a tag.
        starts: character at which each begins.
        ends: character after its last; the line feed is left out.
        own: what is counted of each.
    """

    text: str
    starts: np.ndarray
    ends: np.ndarray
    own: Own

    def shown(self, line: int) -> str:
        """The words of a line."""
        text = SPECIAL.sub("", self.text[self.starts[line] : self.ends[line]])
        return unescape(text) if "&" in text else text


def marked_text(tree: Any) -> str:
    """The whole text of a parsed page that has marks, each tag of the reduced markup one character."""
    text = extract_plain_text(tree, preserve_formatting="minimal_html", links=True, skip_elements=["svg"])
    # What is not among the tags has an attribute, as links alone have.
    return _ANY_TAG.sub(lambda tag: _CHARACTERS.get(tag[0], _OPEN_LINK), text)


def steps(counts: Any) -> np.ndarray:
    """Counts as their place among `STEPS`."""
    return np.searchsorted(STEPS, counts, side="right")


def share(part: Any, whole: Any) -> np.ndarray:
    """Sixteenths of a whole; 0 of nothing."""
    return 16 * part // np.maximum(whole, 1)


class _Text:
    """Code points of a text, its lines, and what is counted in them."""

    def __init__(self, text: str) -> None:
        self.codes = codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
        self.bits = bits_of(codes)
        self.events = np.flatnonzero(codes >= FIRST)
        self.kinds = codes[self.events].astype(np.int64)
        self.visible = (self.bits & (LETTER | DIGIT)) != 0
        feeds = np.flatnonzero(codes == ord("\n"))
        feeds = feeds[self.depth(CODE["<pre>"], feeds) == 0]
        self.starts = np.append(0, feeds + 1)
        self.ends = np.append(feeds, len(codes))
        self.letters = self.count(self.visible)
        keep = self.letters > 0
        self.starts, self.ends, self.letters = self.starts[keep], self.ends[keep], self.letters[keep]

    def depth(self, opener: int, where: np.ndarray) -> np.ndarray:
        """How many elements of a kind are open at some characters."""
        chosen = np.flatnonzero((self.kinds == opener) | (self.kinds == opener + 1))
        if not len(chosen):
            return np.zeros(len(where), np.int64)
        level = np.append(0, np.cumsum(1 - 2 * (self.kinds[chosen] - opener)))
        return np.maximum(level[np.searchsorted(self.events[chosen], where)], 0)

    def count(self, flags: np.ndarray) -> np.ndarray:
        """How many characters of each line are such ones."""
        total = np.append(0, np.cumsum(flags, dtype=np.int64))
        return total[self.ends] - total[self.starts]

    def tags(self, name: str) -> np.ndarray:
        """How many tags of a kind stand in each line."""
        where = self.events[self.kinds == CODE[name]]
        return np.searchsorted(where, self.ends) - np.searchsorted(where, self.starts)

    def sums(self, packed: np.ndarray) -> list[np.ndarray]:
        """Sums over each line of three counts that are packed into one number a character."""
        bounds = np.stack([self.starts, self.ends], 1).ravel()
        # A line never ends where the next one begins: a line feed is between them.
        sums = np.add.reduceat(np.append(packed, 0), bounds)[::2]
        return [(sums >> (FIELD * i)) & ((1 << FIELD) - 1) for i in range(3)]

    def linked(self) -> np.ndarray:
        """Letters and digits of each line that stand in a link."""
        change = np.zeros(len(self.codes), np.int8)
        change[self.events[self.kinds == CODE["<a>"]]] = 1
        change[self.events[self.kinds == CODE["</a>"]]] = -1
        return self.count(self.visible & (np.cumsum(change, dtype=np.int32) > 0))

    def repeats(self) -> np.ndarray:
        """How many lines of the page have the letters and digits of each, as the menus for two sizes of screen have."""
        total = np.append(0, np.cumsum(self.visible))
        first, last = total[self.starts], total[self.ends]
        places = np.flatnonzero(self.visible)
        lines = np.repeat(np.arange(len(first)), last - first)
        ordinal = np.arange(len(lines)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        codes = self.codes[places[first[lines] + ordinal]].astype(np.uint64)
        keys = np.add.reduceat(codes * _HASHES[ordinal & 4095], np.cumsum(last - first) - (last - first))
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        return np.minimum(counts[inverse], MOST_REPEATS)


def lines_of(text: str) -> Lines | None:
    """The lines of a text with marks; None where none has a letter or digit."""
    found = _Text(text)
    if not len(found.starts):
        return None
    return Lines(text, found.starts, found.ends, own_of(found))


def own_of(text: _Text) -> Own:
    """Count what there is to count."""
    codes, bits = text.codes, text.bits
    shown = np.flatnonzero(((bits & SPACE) == 0) & (codes < FIRST))
    first = shown[np.searchsorted(shown, text.starts)]
    last = shown[np.searchsorted(shown, text.ends) - 1]
    word_starts = text.visible.copy()
    word_starts[1:] &= ~text.visible[:-1]
    heading = np.zeros(len(first), np.int64)
    for level in range(6, 0, -1):
        opener = f"<h{level}>"
        inside = text.depth(CODE[opener], last) + text.tags(opener)
        heading[inside > 0] = level
    digits, upper, commas = text.sums(_FIRST_THREE[bits])
    odd, wide, cells = text.sums(_SECOND_THREE[bits] | ((codes == ord("\t")).astype(np.int64) << 2 * FIELD))
    return Own(
        mass=text.letters + 2 * wide,
        letters=text.letters,
        words=text.count(word_starts) + wide // 2,
        linked=text.linked(),
        links=text.tags("<a>"),
        commas=commas,
        odd=odd,
        digits=digits,
        upper=upper,
        cells=cells,
        repeats=text.repeats(),
        ends_well=((bits[last] & END) != 0).astype(np.int64),
        full_stop=np.isin(codes[last], FULL_STOPS).astype(np.int64),
        upper_first=((bits[first] & UPPER) != 0).astype(np.int64),
        heading=heading,
        paragraph=np.minimum(text.depth(CODE["<p>"], last) + text.tags("<p>"), 1),
        pre=np.minimum(text.tags("<pre>"), 1),
        item=np.minimum(text.depth(CODE["<li>"], last) + text.tags("<li>"), 3),
        groups=np.stack([np.minimum(text.depth(FIRST + 2 * i, first), 3) for i in range(len(GROUPS))], 1),
    )
