"""The lines of a page's whole text, and what can be counted of each: the input of the model that chooses among them.

Everything is whole numbers, so that a page's outcome is the same on every machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import numpy as np
from resiliparse.extract.html2text import extract_plain_text

from tamis.extraction.marks import FIRST, GROUPS

CLOSE = FIRST + 0x100
"""Characters that stand for tags of the reduced markup from here on."""

_TAGS = ["<a>", "</a>", "<p>", "</p>", "<li>", "</li>", "<pre>", "</pre>", "<ul>", "</ul>", "<ol>", "</ol>", "<br>"]
_TAGS += [f"<{end}h{n}>" for n in range(1, 7) for end in ("", "/")]
CODE = {tag: CLOSE + i for i, tag in enumerate(_TAGS)}
_REPLACE = [(tag, chr(code)) for tag, code in CODE.items()]
_LINK = re.compile(r'<a href="[^"]*">')
LAST = CLOSE + len(_TAGS)
SPECIAL = re.compile(f"[{chr(FIRST)}-{chr(LAST)}]")

LETTER, DIGIT, UPPER, WIDE, END, COMMA, ODD, SPACE = 1, 2, 4, 8, 16, 32, 64, 128


def _table() -> np.ndarray:
    table = np.zeros(0x10000, np.uint8)
    table[0xAA:] = LETTER
    for first, last in (
        (0x2000, 0x2C00),
        (0x3000, 0x3005),
        (0x3008, 0x3021),
        (0xFF00, 0xFF10),
        (0xFE00, 0xFE70),
        (0xFFF0, 0x10000),
    ):
        table[first:last] = 0
    for one in (0xAB, 0xAC, 0xAD, 0xAE, 0xAF, 0xB0, 0xB1, 0xB4, 0xB6, 0xB7, 0xB8, 0xBB, 0xBF, 0xD7, 0xF7):
        table[one] = 0
    for one in range(128):
        character = chr(one)
        if character.isdigit():
            table[one] = DIGIT
        elif character.isalpha():
            table[one] = LETTER | (UPPER if character.isupper() else 0)
    for one in (*range(0xC0, 0xDF), *range(0x391, 0x3AB), *range(0x400, 0x430)):
        table[one] |= UPPER
    for first, last in (
        (0xE00, 0x1100),
        (0x2E80, 0x3000),
        (0x3005, 0x3008),
        (0x3021, 0xA000),
        (0xF900, 0xFB00),
        (0xFF66, 0xFFA0),
    ):
        table[first:last] = LETTER | WIDE
    for one in ".!?…。！？:;":
        table[ord(one)] |= END
    for one in ",،、，":
        table[ord(one)] |= COMMA
    for one in "|©®»«›‹→←•·/>▼▶#@&":
        table[ord(one)] |= ODD
    for one in " \t\n\r\f\v\xa0\u3000\u2009\u200b":
        table[ord(one)] = SPACE
    return table


TABLE = _table()
_HASHES = np.random.Generator(np.random.PCG64(0)).integers(1, 2**63, 4096, np.uint64)
STEPS = np.array(
    [
        1,
        2,
        3,
        4,
        6,
        8,
        11,
        16,
        23,
        32,
        45,
        64,
        91,
        128,
        181,
        256,
        362,
        512,
        724,
        1024,
        1448,
        2048,
        2896,
        4096,
        5793,
        8192,
        16384,
        32768,
        65536,
        131072,
    ]
)
"""Counts become their place among these: half powers of two."""


@dataclass(frozen=True)
class Lines:
    """The lines of a page that hold letters or digits.

    Attributes:
        text: reduced markup with one character a tag.
        starts, ends: characters at which each begins and ends, the line feed left out.
        mass: letters and digits of each; an ideograph counts three.
        features: whole numbers, one row a line.
    """

    text: str
    starts: np.ndarray
    ends: np.ndarray
    mass: np.ndarray
    features: np.ndarray

    def shown(self, line: int) -> str:
        """A line as it will stand in the text."""
        text = SPECIAL.sub("", self.text[self.starts[line] : self.ends[line]])
        return unescape(text) if "&" in text else text


def marked_text(tree: Any) -> str:
    """The whole text of a page that has marks, each tag of the reduced markup one character."""
    text = extract_plain_text(tree, preserve_formatting="minimal_html", links=True, skip_elements=["svg"])
    text = _LINK.sub(_REPLACE[0][1], text)
    for tag, character in _REPLACE[1:]:
        text = text.replace(tag, character)
    return text


def _steps(counts: np.ndarray) -> np.ndarray:
    return np.searchsorted(STEPS, counts, side="right")


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return 16 * part // np.maximum(whole, 1)


def _moved(rows: np.ndarray, by: int) -> np.ndarray:
    moved = np.zeros_like(rows)
    if by > 0:
        moved[by:] = rows[:-by]
    else:
        moved[:by] = rows[-by:]
    return moved


def _around(total: np.ndarray, radius: int) -> np.ndarray:
    """Sums over so many lines on both sides; `total` has one 0 in front."""
    n = len(total) - 1
    places = np.arange(n)
    return total[np.minimum(places + radius + 1, n)] - total[np.maximum(places - radius, 0)]


def lines_of(text: str) -> Lines | None:
    """The lines of a text with marks; None where none has a letter."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    if not len(codes):
        return None
    bits = TABLE[np.minimum(codes, 0xFFFF)]
    special = codes > 0xFFFF
    bits[special] = np.where(codes[special] < 0x20000, 0, LETTER)
    bits[codes >= FIRST] = 0
    events = np.flatnonzero(codes >= FIRST)
    kinds = codes[events].astype(np.int64)

    def depth_at(opener: int, where: np.ndarray) -> np.ndarray:
        change = (kinds == opener).astype(np.int64) - (kinds == opener + 1)
        level = np.concatenate([[0], np.cumsum(change)])
        return np.maximum(level[np.searchsorted(events, where)], 0)

    feeds = np.flatnonzero(codes == 10)
    feeds = feeds[depth_at(CODE["<pre>"], feeds) == 0]
    starts = np.concatenate([[0], feeds + 1])
    ends = np.concatenate([feeds, [len(codes)]])
    filled = starts < len(codes)
    starts, ends = starts[filled], ends[filled]

    def per_line(flags: np.ndarray) -> np.ndarray:
        total = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
        return total[ends] - total[starts]

    visible = (bits & (LETTER | DIGIT)) != 0
    letters = per_line(visible)
    keep = letters > 0
    starts, ends, letters = starts[keep], ends[keep], letters[keep]
    if not len(starts):
        return None
    wide = per_line((bits & WIDE) != 0)
    word_starts = visible.copy()
    word_starts[1:] &= ~visible[:-1]
    words = per_line(word_starts) + wide // 2
    mass = letters + 2 * wide
    change = np.zeros(len(codes), np.int8)
    change[events[kinds == CODE["<a>"]]] = 1
    change[events[kinds == CODE["</a>"]]] = -1
    linked = per_line(visible & (np.cumsum(change, dtype=np.int32) > 0))
    links = per_line(codes == CODE["<a>"])
    shown = np.flatnonzero((bits & SPACE == 0) & (codes < FIRST))
    first = shown[np.searchsorted(shown, starts)]
    last = shown[np.searchsorted(shown, ends) - 1]
    ends_well = ((bits[last] & END) != 0).astype(np.int64)
    full_stop = np.isin(codes[last], [46, 33, 63, 0x3002, 0xFF01, 0xFF1F, 0x2026, 34, 0x201D]).astype(np.int64)
    upper_first = ((bits[first] & UPPER) != 0).astype(np.int64)
    # The same line again, as in menus for two sizes of screen.
    lengths = ends - starts
    flat = np.repeat(starts, lengths) + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ordinal = np.cumsum(visible) - 1
    before = ordinal[first] if len(first) else first
    in_lines = flat[visible[flat]]
    line_of = np.repeat(np.arange(len(starts)), lengths)[visible[flat]]
    place = (np.cumsum(visible)[in_lines] - (np.cumsum(visible)[starts] - visible[starts])[line_of]) & 4095
    keys = np.add.reduceat(codes[in_lines].astype(np.uint64) * _HASHES[place], np.cumsum(letters) - letters)
    _, inverse, repeats = np.unique(keys, return_inverse=True, return_counts=True)
    repeated = np.minimum(repeats[inverse], 8)
    del before

    heading = np.zeros(len(starts), np.int64)
    for level in range(1, 7):
        inside = depth_at(CODE[f"<h{level}>"], last) | (per_line(codes == CODE[f"<h{level}>"]) > 0)
        heading = np.where((heading == 0) & (inside > 0), level, heading)
    paragraph = np.minimum(depth_at(CODE["<p>"], last) + per_line(codes == CODE["<p>"]), 1)
    item = np.minimum(depth_at(CODE["<li>"], last) + per_line(codes == CODE["<li>"]), 3)
    pre = np.minimum(per_line(codes == CODE["<pre>"]), 1)
    cells = per_line(codes == 9)
    groups = np.stack([np.minimum(depth_at(FIRST + 2 * i, first), 3) for i in range(len(GROUPS))], 1)
    commas = per_line((bits & COMMA) != 0)
    odd = per_line((bits & ODD) != 0)
    digits = per_line((bits & DIGIT) != 0)
    upper = per_line((bits & UPPER) != 0)
    n = len(starts)

    own = np.stack(
        [
            _steps(mass), _steps(words), _share(linked, letters), _steps(links), _share(digits, letters),
            _share(upper, letters), np.minimum(8 * letters // np.maximum(words, 1), 120) // 4, 4 * ends_well, 4 * full_stop,
            4 * upper_first, _steps(commas), _steps(odd), 4 * (heading == 1), 4 * (heading == 2), 4 * (heading > 2),
            4 * paragraph, 4 * item, 4 * pre, np.minimum(cells, 8), repeated,
        ],
        1,
    )  # fmt: skip
    prose = np.where((full_stop > 0) & (2 * linked < letters) & (words > 6), mass, 0)
    ones = np.ones(n, np.int64)
    totals = {
        k: np.concatenate([[0], np.cumsum(v)])
        for k, v in {
            "mass": mass,
            "linked": linked * mass // np.maximum(letters, 1),
            "prose": prose,
            "lines": ones,
            "p": paragraph,
            "words": words,
            "stop": full_stop,
        }.items()
    }
    context = []
    for radius in (2, 6, 20):
        around = {k: _around(v, radius) for k, v in totals.items()}
        context += [
            _steps(around["mass"] // around["lines"]),
            _share(around["linked"], around["mass"]),
            _share(around["prose"], around["mass"]),
            _share(around["p"], around["lines"]),
            _steps(around["prose"]),
            _share(around["stop"], around["lines"]),
        ]
    whole = {k: int(v[-1]) for k, v in totals.items()}
    places = np.arange(n)
    prose_before = totals["prose"][:-1]
    h1 = np.where(heading == 1, places, -1)
    last_h1 = np.maximum.accumulate(h1)
    any_heading = np.maximum.accumulate(np.where((heading > 0) & (heading < 4), places, -1))
    next_prose = np.where(prose > 0, places, n + 60)
    next_prose = np.minimum.accumulate(next_prose[::-1])[::-1] - places
    last_prose = places - np.maximum.accumulate(np.where(prose > 0, places, -60))
    mains = np.array([mass[groups[:, i] > 0].sum() for i in range(len(GROUPS))])
    page = np.array(
        [
            _steps(np.array(whole["mass"])),
            _share(np.array(whole["linked"]), np.array(whole["mass"])),
            _share(np.array(whole["prose"]), np.array(whole["mass"])),
            _steps(np.array(n)),
            _steps(np.array(whole["prose"])),
            *(_share(mains, np.full(len(GROUPS), whole["mass"]))),
        ]
    )
    context += [
        16 * places // n, 16 * totals["mass"][:-1] // max(whole["mass"], 1), 16 * prose_before // max(whole["prose"], 1),
        4 * (prose_before == 0), 4 * (prose_before + prose == whole["prose"]),
        4 * (last_h1 >= 0), _steps(np.where(last_h1 >= 0, places - last_h1, 1000)), 4 * ((last_h1 < 0) & (h1.max() >= 0)),
        _steps(np.where(any_heading >= 0, places - any_heading, 1000)), _steps(next_prose), _steps(last_prose),
        _share(_around(totals["prose"], 20), np.full(n, max(int(_around(totals["prose"], 20).max()), 1))),
    ]  # fmt: skip
    near = np.concatenate(
        [own[:, [0, 2, 4, 8, 12, 13, 14, 15, 16, 19]], 4 * np.minimum(groups, 1)[:, [0, 2, 3, 4, 5, 6, 7, 8, 9]]], 1
    )
    features = np.concatenate(
        [
            own,
            4 * groups,
            np.stack(context, 1),
            *(_moved(near, by) for by in (1, -1, 2, -2, 3, -3)),
            np.broadcast_to(page, (n, len(page))),
        ],
        1,
    )
    return Lines(text, starts, ends, mass, features.astype(np.int16))
