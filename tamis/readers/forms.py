"""The kind of a text by its form: which share of its lines is of which type.

Used where neither the configuration nor the format says the kind. Only the first `SAMPLE_CHARACTERS` are looked at, so
a document of 50 MB costs no more than one of 100 kB. The order of the questions matters: a licence may be a list, and
a page of formulas may be full of tables.
"""

from __future__ import annotations

import re

SAMPLE_CHARACTERS = 50_000
CODE_SHARE = 0.5
CODE_LINES = 3
MATHS_SHARE = 0.05
MATHS_LINES = 3
SESSION_SHARE = 0.15
CATALOGUE_SHARE = 0.7
CATALOGUE_LINES = 5
LICENCE_PHRASES_LEAST = 3
LICENCE_CHARACTERS = 2_500
"""Characters of a licence for each of its phrases, at most. Three phrases find 68 % of 600 licences and no other page.

All bounds were set by reading what fell on either side, in the default releases and in collections of known kind.
"""

LINE = re.compile(r"^[^\S\n]*\S", re.MULTILINE)

MATHS = re.compile(
    r":math:`|\.\. math::|\\begin\{(?:align|definition|equation|gather|lemma|math|proof|proposition|theorem)"
    r"|\\(?:alpha|beta|cdot|frac|infty|int|lambda|left|mathbb|mathcal|mathrm|operatorname|partial|sqrt|sum|theta)"
    r"(?![a-z])"
    r"|(?<![\w$])\$(?:[A-Za-z0-9]|(?=[^$\n]{0,200}[\\^_=+<>{}])[^$\s][^$\n]{0,199})(?<!\s)\$(?![\w$])"
    r"|[∑∫√∞∂≤≥≠∈∀∃]"
)
"""Mathematical markup: reST roles and directives, LaTeX commands, dollars (not `$Date$`), symbols."""

SESSION = re.compile(r"^[^\S\n]*>>> ", re.MULTILINE)
COMPUTER_ALGEBRA = re.compile(r"\b(?:sympy|mpmath|sage)\b")

CODE = re.compile(
    r"^[^\S\n]*+(?:.*[;{}][^\S\n]*|(?:async )?(?:def|class|with|while|elif|for|if|except) ?.*:|(?:else|try|finally):"
    r"|(?:import|from) [\w.]+(?: import .*)?|return\b.*|@\w[\w.]*(?:\(.*\))?|[\w.\[\]]+ [-+*/|&]?= .*|[\w.]+\(.*\)"
    r"|#(?:include|define|ifdef|ifndef|endif)\b.*|//.*|\)+[,:;]?)$",
    re.MULTILINE,
)
"""Lines that only programs have: block openers, assignments, calls, imports, braces at the end."""

ITEMS = re.compile(
    r"^[^\S\n]*+(?:[-*+•] .{0,100}|\d+[.)] .{0,60}|\|.*\||[+=][-=+]{3,}[+=]?|=+(?: +=+)+"
    r"|[^,;\n]{0,40}(?:[,;][^,;\n]{0,40}){4,}|[^<\n]{1,60}<[^>\n]{3,80}>"
    r"|\.\. (?:auto\w+|contents|currentmodule|index|module|only|toctree|_[^:]+)::?.*|:[\w-]+:.*|[!-~]{1,100})$",
    re.MULTILINE,
)
"""Lines of lists, tables and indexes: short items, rulers, separated values, names with addresses, single words.

Words of ASCII only: a line without spaces is a sentence in Chinese.
"""

CELLS = re.compile(r"^(?![-*+•|=])(?:[^|\n]*\|[^|\n]*\|.*|[^\t\n]*\t.*)$", re.MULTILINE)
"""Table rows whose cells are parted by bars or tabs."""

LICENCE_PHRASES = (
    "permission is hereby granted", "redistribution and use in source", "licensed under", "public license",
    "without warranty", '"as is"', "above copyright notice", "all rights reserved", "license agreement",
    "creative commons", "merchantability", "sublicense", "derivative work", "licensor", "licensee", "this license",
    "limitation of liability", "liable for any", "copyright holder", "redistribut", "to use, copy, modify",
    "copyright (c)", "copyright notice", "warranties",
)  # fmt: skip


def kind_of(text: str) -> str:
    """The kind that the lines of a text show: licence, maths, code, catalogue, else prose.

    Args:
        text: any text.
    """
    return _kind(text[:SAMPLE_CHARACTERS], len(text), 15, (1, 2, 4, 8))


def kind_of_bytes(data: bytes, characters: int) -> str:
    """`kind_of` a text by its UTF-8; 15 times as fast, because most forms are ruled out at a glance.

    Args:
        data: the text, or the part of it that holds its first `SAMPLE_CHARACTERS`, and no other.
        characters: how many it has in all; -1 where these bytes are all of it.
    """
    from tamis.kernels.line_forms import CATALOGUE, CODE, LICENCE, MATHS, SESSION, forms_of

    possible = forms_of(
        data,
        characters,
        code_share=CODE_SHARE,
        maths_share=MATHS_SHARE,
        catalogue_share=CATALOGUE_SHARE,
        licence_characters=LICENCE_CHARACTERS,
    )
    if not possible:
        return "prose"
    sample = data.decode()
    whole = len(sample) if characters < 0 else characters
    return _kind(sample, whole, possible, (LICENCE, MATHS | SESSION, CODE, CATALOGUE))


def _kind(sample: str, characters: int, possible: int, forms: tuple[int, int, int, int]) -> str:
    """The kind of a sample, of which only some forms are possible."""
    licence, maths, code, catalogue = (bool(possible & form) for form in forms)
    lines = max(1, _count(LINE, sample))
    if licence and is_licence(sample, characters):
        return "licence"
    if maths and is_maths(sample, lines):
        return "maths"
    if code and lines >= CODE_LINES and _count(CODE, sample) >= CODE_SHARE * lines:
        return "code"
    if catalogue and is_catalogue(sample, lines):
        return "catalogue"
    return "prose"


def kind_of_page(text: str) -> str:
    """The kind of a page of documentation: maths, catalogue or prose; never code, which pages quote at length."""
    sample = text[:SAMPLE_CHARACTERS]
    lines = max(1, _count(LINE, sample))
    if is_maths(sample, lines):
        return "maths"
    return "catalogue" if is_catalogue(sample, lines) else "prose"


def is_licence(sample: str, characters: int) -> bool:
    """Whether a text with this beginning and so many characters in all is a licence, by the phrases they share."""
    lowered = sample.lower()
    phrases = sum(phrase in lowered for phrase in LICENCE_PHRASES)
    return phrases >= LICENCE_PHRASES_LEAST and characters <= LICENCE_CHARACTERS * phrases


def is_maths(sample: str, lines: int) -> bool:
    """Whether enough of the lines hold mathematical markup, or sessions of a computer algebra system."""
    needed = max(MATHS_LINES, MATHS_SHARE * lines)
    marked, end = 0, -1
    # Most texts have none of it, and looking for single characters costs a hundredth of the pattern.
    candidate = "\\" in sample or "$" in sample or "math" in sample or not sample.isascii()
    for match in MATHS.finditer(sample) if candidate else ():
        if match.start() > end:
            marked += 1
            end = sample.find("\n", match.end())
            if marked >= needed or end < 0:
                break
    if marked >= needed:
        return True
    sessions = _count(SESSION, sample) if ">>> " in sample else 0
    return sessions >= max(MATHS_LINES, SESSION_SHARE * lines) and bool(COMPUTER_ALGEBRA.search(sample))


def is_catalogue(sample: str, lines: int) -> bool:
    """Whether most lines are items, table rows, separated values or single words."""
    if lines < CATALOGUE_LINES:
        return False
    listed = _count(ITEMS, sample)
    if "|" in sample or "\t" in sample:
        listed += _count(CELLS, sample)
    return listed >= CATALOGUE_SHARE * lines


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))
