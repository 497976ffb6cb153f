"""How a benchmark item comes to stand in a document: the forms in which the audit plants it.

Every form is drawn by a generator that the caller seeds with the item and the form, so that an audit is the same in
every run.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from random import Random

from tamis.text import SINGLE_RANGES

CHANGED = 0.05
"""Share of words that `words_changed` changes, at least one."""

LENGTHS = (("under 5", 5), ("5 to 11", 12), ("12 to 24", 25), ("25 to 99", 100), ("100 and more", 1 << 62))
"""Lengths of planted texts in words, with the first length that is longer."""

SINGLE = "".join(f"{chr(first)}-{chr(last)}" for first, last in SINGLE_RANGES)
WORD = re.compile(rf"[{SINGLE}]|[^\W{SINGLE}]+")
SPACE = re.compile(r"\s+")
PUNCTUATION = re.compile(r"(?<=\w)[.,;:!?](?=\s|$)")


def verbatim(text: str, random: Random, others: Sequence[str]) -> str:
    """As published."""
    del random, others
    return text


def wrapped(text: str, random: Random, others: Sequence[str]) -> str:
    """In lines of 20 to 79 characters, quoted or indented, as mails, comments and PDFs have them."""
    del others
    width, start = random.randrange(20, 80), random.choice(["", "> ", "    ", "# "])
    lines, line = [], ""
    for word in SPACE.split(text.strip()):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join(start + one for one in [*lines, line])


def recased(text: str, random: Random, others: Sequence[str]) -> str:
    """In capitals, small letters or with capitals at the start of words."""
    del others
    return random.choice([str.upper, str.lower, str.title])(text)


def repunctuated(text: str, random: Random, others: Sequence[str]) -> str:
    """With other punctuation, hyphens, Markdown and spaces."""
    del others
    marks = random.choice(["", ";", " !", " …", "."])
    text = PUNCTUATION.sub(marks.replace("\\", "\\\\"), text)
    bold = random.choice(["**", "_", "`", ""])
    text = WORD.sub(lambda found: bold + found[0] + bold if random.random() < 0.1 else found[0], text)
    return SPACE.sub(lambda _: random.choice([" ", " ", " ", "  ", " - ", ", "]), text)


def words_changed(text: str, random: Random, others: Sequence[str]) -> str:
    """With 5 % of its words (at least one) replaced, left out, or followed by another; half, a quarter, a quarter.

    Args:
        text: the item.
        random: draws.
        others: words that are put in, of the document that the item is planted in.
    """
    places = list(WORD.finditer(text))
    if not places:
        return text
    count = max(1, round(CHANGED * len(places)))
    chosen = {found.start() for found in random.sample(places, min(count, len(places)))}

    def change(found: re.Match[str]) -> str:
        if found.start() not in chosen:
            return found[0]
        way, other = random.random(), random.choice(others) if others else "other"
        return other if way < 0.5 else "" if way < 0.75 else f"{found[0]} {other}"

    return WORD.sub(change, text)


def split(text: str, random: Random, others: Sequence[str]) -> str:
    """Over two to four paragraphs, broken at spaces."""
    del others
    spaces = [found.start() for found in SPACE.finditer(text.strip())]
    text = text.strip()
    for at in sorted(random.sample(spaces, min(random.randrange(1, 4), len(spaces))), reverse=True):
        text = f"{text[:at]}\n\n{text[at:].lstrip()}"
    return text


def quoted(text: str, random: Random, others: Sequence[str]) -> str:
    """With typographic quotes, apostrophes, dashes and no-break spaces."""
    del others
    text = re.sub(r'"([^"]*)"', "“\\1”", text).replace("'", "’").replace("--", "—").replace("...", "…")
    text = SPACE.sub(lambda found: "\u00a0" if random.random() < 0.05 and found[0] == " " else found[0], text)
    return random.choice(["“{}”", "«{}»", "\u2018{}\u2019"]).format(text)


def in_html(text: str, random: Random, others: Sequence[str]) -> str:
    """As a piece of a page: entities, elements around paragraphs, some words and line ends."""
    del others
    text = html.escape(text).replace("&#x27;", random.choice(["&#39;", "&rsquo;", "&apos;"]))
    marks = random.choice([("<em>", "</em>"), ('<span class="term">', "</span>"), ("<b>", "</b>")])
    text = text.replace(" ", "&nbsp;" if random.random() < 0.1 else " ")
    text = re.sub(
        r"(?<![&#\w])\w+(?!\w|;)", lambda f: marks[0] + f[0] + marks[1] if random.random() < 0.1 else f[0], text
    )
    text = text.replace("\n", "<br/>\n")
    return f'<div class="item" id="q{random.randrange(100)}"><p style="margin: 0">{text}</p></div>'


DISGUISES: dict[str, Callable[[str, Random, Sequence[str]], str]] = {
    "verbatim": verbatim,
    "wrapped": wrapped,
    "recased": recased,
    "repunctuated": repunctuated,
    "words_changed": words_changed,
    "split": split,
    "typographic_quotes": quoted,
    "html": in_html,
}
