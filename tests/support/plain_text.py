"""Units of text as plain Python finds and cuts them."""

from __future__ import annotations

import re


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
