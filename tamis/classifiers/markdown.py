"""Markdown in which text of others stays text: names from the configuration or an endpoint, passages of the corpus.

Names stand in cells of tables, with a backslash before whatever Markdown reads. A passage stands in a fenced block of
one line, because no escape keeps a renderer from making a link of a mail address: inside of a fence that is longer than
any run of backticks in it nothing is read but the text. What a terminal would obey is spelled out in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tamis.errors import safe

READ = re.compile(r"([\\`*_{}\[\]<>|~&@$]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""Characters that may begin markup or a link inside of a line."""


def one_line(text: str) -> str:
    """A text without line breaks, runs of white space and characters that a terminal obeys."""
    return safe(" ".join(text.split()))


def escaped(value: object) -> str:
    """A text of others on a line, where nothing in it is Markdown."""
    return READ.sub(r"\\\1", one_line(str(value)))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a table; the first column is text, the others stand at the right."""
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    return lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]


def passage(text: str) -> list[str]:
    """A text of others as a block of its own."""
    shown = one_line(text) or "(no text)"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    return [f"{fence}text", shown, fence]


def percent(part: float, whole: float) -> str:
    """A share in per cent; 100 and 0 only where it is exactly that."""
    if not whole:
        return "–"
    value = 100.0 * part / whole
    if 0.0 < value < 0.05:
        return "< 0.1 %"
    return "> 99.9 %" if 99.95 <= value < 100.0 else f"{value:.1f} %"
