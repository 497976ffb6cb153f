"""Units of text as plain Python finds and cuts them."""

from __future__ import annotations

import re
import string
from itertools import pairwise

from tamis.text import character_class, words

ENDS = ".!?:;\"')]…”’»。！？：；」』）"  # noqa: RUF001


def _anywhere(character):
    return "\u3000" <= character < "\ua000" or "\uf000" <= character < "\U00010000"


def _first_word(line):
    """Characters that must fit behind a line for this one to begin there."""
    line = line.lstrip()
    if line and _anywhere(line[0]):
        return 1
    word = line.split(maxsplit=1)[0] if line else ""
    return next((at for at, character in enumerate(word) if _anywhere(character)), len(word))


def plain_wrapped(lines):
    """Whether a third of the lines end because the next word did not fit, and not because a sentence ends."""
    width = sorted(map(len, lines))[len(lines) - 1 - len(lines) // 10]
    run_on = [
        one
        for one, other in pairwise(lines)
        if len(one) + 1 + _first_word(other) > width and one.rstrip()[-1] not in ENDS
    ]
    return width <= 200 and 3 * len(run_on) >= len(lines) - 1


def plain_by_line(text, unit, min_words):
    """Whether the units of a text are its lines."""
    if unit != "automatic":
        return unit == "line"
    lines = [text[start:end] for start, end, _ in plain_units(text, True)]
    if len(lines) < 2 or len(plain_units(text, False)) > 1:
        return False
    compared = sum(len(line) for line in lines if len(words(line)) >= min_words)
    return 2 * compared >= sum(map(len, lines)) and not plain_wrapped(lines)


def plain_units(text, by_line):
    """(first character, character after the last, line endings after it) of each unit, with `re` and `str`."""
    units = []
    inside = False
    for match in re.finditer(r"([^\r\n]*)(\r\n|\r|\n|$)", text):
        line, ending = match.groups()
        if not line.strip():
            inside = False
            if units and match.group():
                units[-1][2] += bool(ending)
            continue
        if by_line or not inside:
            units.append([match.start(), match.end(1), bool(ending)])
        else:
            units[-1][1:] = [match.end(1), bool(ending)]
        inside = True
    return [tuple(unit) for unit in units]


SECTION = 12
HEADING_BYTES = 80


def _rule(line):
    line = line.strip(" \t")
    return len(line) >= 3 and len(set(line)) == 1 and line[0] in string.punctuation


def _item(line):
    return re.match(r"([-*+•‣–▪●·]|[0-9]{1,3}[.)]|[A-Za-z][.)])[ \t]", line) is not None


def _looks(paragraph):
    """What a paragraph looks like, in plain Python: see `tamis/kernels/blocks.py`."""
    lines = re.split(r"\r\n|\r|\n", paragraph)
    first = lines[0].lstrip(" \t")
    margin = sum(4 if mark == "\t" else 1 for mark in lines[0][: len(lines[0]) - len(first)])
    body = paragraph.rstrip(" \t\n\v\f\r")
    last = body[-1:]
    small = bool(first) and ord(first[0]) < 0x3000 and first[0].islower()
    fences = sum(line.lstrip(" \t")[:3] in ("```", "~~~") for line in lines)
    wordlike = bool(last) and (last in ")]" or character_class(ord(last)) != 0)
    marked = margin < 4 and re.match(r"#{1,6} ", first) is not None
    rules = [_rule(line) for line in (*lines, "", "")][:3]
    underlined = not fences and ((rules[1] and not rules[0]) or (rules[0] and (len(lines) == 1 or rules[2])))
    short = (
        len(lines) == 1
        and margin == 0
        and len(paragraph.encode()) <= HEADING_BYTES
        and wordlike
        and not small
        and not _item(first)
    )
    return {
        "heading": marked or underlined or short,
        "margin": margin,
        "small": small,
        "item": _item(first),
        "lead_in": last in (":", "\uff1a"),
        "open": last != "" and last in ",;([{\u2013\u2014\uff0c\u3001\uff1b\uff08",
        "fences": fences,
    }


def plain_blocks(text):
    """(first character, character after the last, "heading" of a long section, "section" or "") of each block."""
    units = [(start, end) for start, end, _ in plain_units(text, False)]
    looks = [_looks(text[start:end]) for start, end in units]
    blocks = []
    at = 0
    while at < len(units):
        first, fenced = at, looks[at]["fences"] % 2
        if looks[first]["heading"]:
            at += 1
            while at < len(units) and (fenced or not looks[at]["heading"]):
                fenced = (fenced + looks[at]["fences"]) % 2
                at += 1
            alone = at - first > SECTION
            at = first + 1 if alone else at
            blocks.append((units[first][0], units[at - 1][1], "heading" if alone else "section"))
            continue
        listed = looks[first]["lead_in"]
        at += 1
        while at < len(units):
            before, here = looks[at - 1], looks[at]
            joined = (
                before["lead_in"]
                or before["open"]
                or here["small"]
                or here["margin"] > looks[first]["margin"]
                or (listed and here["item"])
            )
            if not fenced and (here["heading"] or not joined):
                break
            listed = listed or here["lead_in"]
            fenced = (fenced + here["fences"]) % 2
            at += 1
        blocks.append((units[first][0], units[at - 1][1], ""))
    return blocks


def without(text, spans):
    """The text without the spans of characters."""
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text
