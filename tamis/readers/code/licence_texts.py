"""Which licence a text is: by its words beside the texts that `identify` carries, else by what a notice says.

A licence file may hold names, dates and headings of its own, and several licences one after the other. So a text is
compared by its word trigrams: a licence is in it when nearly all of its trigrams are, and the file is that licence when
little else is there. What is in no list of texts may still say its name ("GNU General Public License … version 2"),
as the heads of source files do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

MOST_CHARACTERS = 200_000
"""Of a licence file that are looked at; the longest licence in use has 47,000."""

CONTAINED = 0.88
"""Share of a licence's trigrams that a file must hold to hold the licence."""

COVERED = 0.75
"""Share of a file's trigrams that its licences must explain: the rest is names, dates, a preamble."""

NAMES = 60
"""Trigrams beside those of its licences that any file may have: names, a heading, an address."""

SHORT_CHARACTERS = 6_000
"""Of a file that may be one licence with words of its own; a longer one that holds a licence is a bundle of several."""

HEAD_CHARACTERS = 8_192
"""Of a source file that are looked at for a notice or an SPDX line."""

RESTRICTED = re.compile(
    r"non-?commercial(?:ly)?\b|\bcommons clause|\bmilitary\b|\bnuclear\b|shall be used for good|no ?derivatives?\b"
    r"|\bnot (?:be )?(?:sold|used for commercial)|business source licen[cs]e|server side public|elastic licen[cs]e"
    r"|evaluation (?:purposes|only)|internal use only|academic (?:use|purposes)|educational (?:use|purposes)"
    r"|ethical source",
    re.IGNORECASE,
)
"""Words of licences that resemble a free one and take something back, so that they are not taken for it."""

WORD = re.compile(r"[^\W_]+")
COPYRIGHT = re.compile(r"^.{0,40}\b(?:copyright (?:\(c\)|©|\d)|\(c\) |©).*$", re.IGNORECASE | re.MULTILINE)
"""Lines with an owner and a year, which are no part of a licence."""

Trigrams = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Template:
    """A licence as its authors publish it."""

    name: str
    text: str
    trigrams: Trigrams


def trigrams_of(text: str) -> Trigrams:
    """The word trigrams of a text without its copyright lines; words are lower-cased letters and digits."""
    words = WORD.findall(COPYRIGHT.sub("", text[:MOST_CHARACTERS]).lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


@cache
def templates() -> tuple[Template, ...]:
    """The licences whose texts are known: those of choosealicense.com, which `identify` carries."""
    from identify.vendor.licenses import LICENSES

    return tuple(Template(name, text, trigrams_of(text)) for name, text in LICENSES)


@lru_cache(maxsize=1024)
def licences_of(text: str) -> tuple[str, ...]:
    """The licences that a licence file holds: SPDX identifiers in order; empty where it is none known."""
    found = trigrams_of(text)
    held = [one for one in templates() if len(one.trigrams & found) >= CONTAINED * len(one.trigrams)]
    # A licence inside a longer one that is there too is no second one: BSD of two clauses in that of three.
    held = [one for one in held if not any(_is_within(one, other, found) for other in held if other is not one)]
    explained = frozenset().union(*(one.trigrams for one in held)) & found
    more = len(found) - len(explained)
    if more and RESTRICTED.search(text) and not any(RESTRICTED.search(one.text) for one in held):
        return ()
    names = {one.name for one in held}
    if "BSD-2-Clause" in names and more:
        # Whose names are in the third clause makes it another text.
        names.discard("BSD-2-Clause")
        names.add(_bsd(_joined(text)))
    if held and (more <= NAMES or len(explained) >= COVERED * len(found)):
        return tuple(sorted(names))
    told = notice_of(text[:HEAD_CHARACTERS])
    if len(text) > SHORT_CHARACTERS and held:
        # A bundle: what is known of it, and what it opens with.
        return tuple(sorted(names | ({told} if told else set())))
    return tuple(sorted(names | {told})) if told else ()


def _is_within(one: Template, other: Template, found: Trigrams) -> bool:
    """Whether what a file holds of one licence is in another that explains more of it."""
    mine, theirs = one.trigrams & found, other.trigrams & found
    shared = len(mine & theirs)
    if shared < 0.8 * len(mine):
        return False
    if shared >= 0.8 * len(theirs):  # variants of one text: the one that is there more closely
        return (len(mine) / len(one.trigrams), len(mine), other.name) < (
            len(theirs) / len(other.trigrams), len(theirs), one.name,
        )  # fmt: skip
    return len(mine) < len(theirs)


_OR_LATER = re.compile(r"any later version|or later|or \(at your option\)|or newer|later version")
_GNU = re.compile(
    r"gnu (?P<kind>lesser general|library general|affero general|general) public licen[cs]e"
    r"(?:(?!gnu ).){0,200}?\b(?:version|v) ?(?P<version>[123](?:\.[01])?)(?P<after>.{0,80})"
)
_GNU_KINDS = {"general": "GPL", "lesser general": "LGPL", "library general": "LGPL", "affero general": "AGPL"}
_GNU_VERSIONS = {
    "GPL": {"1": "1.0", "2": "2.0", "3": "3.0"},
    "LGPL": {"2": "2.0", "2.1": "2.1", "3": "3.0"},
    "AGPL": {"1": "1.0", "3": "3.0"},
}
_NAMED = (
    ("Apache-2.0", ("apache",), r"apache licen[cs]e,?(?: version|,? v)\.? ?2|apache\.org/licenses/license-2\.0"),
    ("MPL-2.0", ("mozilla",), r"mozilla public licen[cs]e,?(?: version|,? v)?\.? ?2\.0|mozilla\.org/mpl/2\.0"),
    ("MPL-1.1", ("mozilla",), r"mozilla public licen[cs]e,? version 1\.1"),
    ("EPL-2.0", ("eclipse",), r"eclipse public licen[cs]e,?(?: version|,? v| -)* ?2\.0"),
    ("EPL-1.0", ("eclipse",), r"eclipse public licen[cs]e,?(?: version|,? v| -)* ?1\.0"),
    ("BSL-1.0", ("boost",), r"boost software licen[cs]e,?(?: -)? version 1\.0"),
    ("GPL-1.0-or-later OR Artistic-1.0-Perl", ("perl",), r"under the same terms as perl\b"),
    ("CDDL-1.0", ("common dev",), r"common development and distribution licen[cs]e"),
    ("Python-2.0", ("python", "psf"), r"python software foundation licen[cs]e version 2|psf licen[cs]e agreement"),
    ("Unlicense", ("unencumbered",), r"free and unencumbered software released into the public domain"),
    ("CC0-1.0", ("cc0", "zero"), r"creative commons (?:cc0|zero)|\bcc0 1\.0"),
    ("CC-BY-SA-4.0", ("4.0",), r"attribution[- ]share ?alike 4\.0|licenses/by-sa/4\.0"),
    ("CC-BY-4.0", ("4.0",), r"creative commons attribution 4\.0|licenses/by/4\.0"),
)
"""Licences by their names: identifier, words of which one must stand there, pattern."""

_PATTERNS = {name: re.compile(pattern) for name, _, pattern in _NAMED}
_MIT = "permission is hereby granted free of charge to any person obtaining a copy"
_ISC = "permission to use copy modify and or distribute this software for any purpose with or without fee is hereby"
_BSD = "redistribution and use in source and binary forms with or without modification are permitted"
_ENDORSED = re.compile(r"neither the names? |(?:may|can|shall) not be used to endorse|used to endorse or promote")
_BSD_LINKED = re.compile(
    r"(?:governed by|under (?:the terms of )?)(?: a| the)? ?(?:(?P<new>new|modified|3-clause|revised) "
    r"|(?P<old>simplified|2-clause) )?bsd[- ](?:style )?licen[cs]e"
)
_MIT_LINKED = re.compile(
    r"(?:licensed under|released under|under the terms of|distributed under|subject to) (?:the )?(?:terms of the )?"
    r"(?:mit|expat) licen[cs]e"
)
_HINT = re.compile(r"licen[cs]e|redistribution|permission|public domain|creative commons", re.IGNORECASE)
_HINTS = ("license", "licence", "redistribution", "permission", "public domain", "creative commons")
_RESTRICTING = (
    "commercial", "commons clause", "military", "nuclear", "for good", "derivative", "sold", "business source",
    "server side", "elastic", "evaluation", "internal use", "academic", "educational", "ethical source",
)  # fmt: skip
_JOINED = re.compile(r"[\s*#/;%\"'<>|!,()-]+")


def notice_of(head: str) -> str | None:
    """The licence that the head of a file says in words, as an SPDX expression, or None.

    Args:
        head: the first `HEAD_CHARACTERS` or fewer, comment signs and all.
    """
    lowered = head.lower()
    if not _holds(lowered, _HINTS, head, _HINT) or _holds(lowered, _RESTRICTING, head, RESTRICTED):
        return None
    raw = " ".join(lowered.replace("*", " ").replace("#", " ").split())
    named = (name for name, words, _ in _NAMED if any(word in raw for word in words) and _PATTERNS[name].search(raw))
    return _gnu(raw) or next(named, None) or _quoted(_joined(head)) or _linked(raw)


def _holds(lowered: str, words: Sequence[str], text: str, pattern: re.Pattern[str]) -> bool:
    """Whether a pattern that ignores case is in a text.

    Args:
        lowered: the text in small letters.
        words: of which one stands wherever the pattern does, where all letters are ASCII. They are found in a twentieth
            of the time, and most texts have none.
        text: the text.
        pattern: the pattern.
    """
    some = any(word in lowered for word in words)
    return (some or not text.isascii()) and pattern.search(text) is not None


def _gnu(raw: str) -> str | None:
    """Which licence of the GNU project a notice names."""
    found = _GNU.search(raw) if "gnu " in raw else None
    if found is None:
        return None
    kind = _GNU_KINDS[found["kind"]]
    version = _GNU_VERSIONS[kind].get(found["version"].removesuffix(".0"))
    if version is None:
        return None
    return f"{kind}-{version}-{'or-later' if _OR_LATER.search(found['after']) else 'only'}"


def _quoted(line: str) -> str | None:
    """Which short licence stands there in full."""
    if _MIT in line:
        return "MIT" if "copyright notice" in line.partition(_MIT)[2] else "MIT-0"
    if _BSD in line:
        return _bsd(line)
    return "ISC" if _ISC in line else None


def _linked(raw: str) -> str | None:
    """Which short licence a sentence names."""
    if ("mit " in raw or "expat " in raw) and _MIT_LINKED.search(raw):
        return "MIT"
    bsd = _BSD_LINKED.search(raw) if "bsd" in raw else None
    return ("BSD-2-Clause" if bsd["old"] else "BSD-3-Clause") if bsd else None


def _joined(text: str) -> str:
    """A text as one line of small letters: a notice is wrapped anywhere, with a comment sign before each line."""
    return _JOINED.sub(" ", text).lower()


def _bsd(line: str) -> str:
    """Which of the BSD licences the words of one are."""
    if "advertising materials mentioning" in line:
        return "BSD-4-Clause"
    return "BSD-3-Clause" if _ENDORSED.search(line) else "BSD-2-Clause"
