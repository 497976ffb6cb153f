"""Units of text as plain Python finds and cuts them."""

from __future__ import annotations

import re
from itertools import pairwise

from tamis.text import words

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


def without(text, spans):
    """The text without the spans of characters."""
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text
