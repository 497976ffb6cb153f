"""The kind of a text by its form: source code by a model (`code_form.py`), the rest by the share of lines of some type.

Used where neither the configuration nor the format says the kind. Only the first `SAMPLE_CHARACTERS` are looked at, so
a document of 50 MB costs no more than one of 100 kB. The order of the questions matters: a program may begin with its
licence, a licence may be a list, and a page of formulas may be full of tables.
"""

from __future__ import annotations

import re

import numpy as np

from tamis.readers.code_form import code_score, code_scores
from tamis.schemas import KINDS

SAMPLE_CHARACTERS = 50_000
CODE_SCORE = 0.3
"""Score from which on a text is code: out of fold, by projects, 97 % of source files and 3 % of pages of manuals."""
LISTED_CODE_SCORE = 3.0
"""The same where most lines are items: six of 373 source files with such lines score less, all pages do."""
MATHS_SHARE = 0.05
MATHS_LINES = 3
SESSION_SHARE = 0.15
CATALOGUE_SHARE = 0.7
CATALOGUE_LINES = 5
COLUMNS_SHARE = 0.9
WORDS_OF_CELL = 3
LICENCE_PHRASES_LEAST = 3
LICENCE_CHARACTERS = 2_500
"""Characters of a licence for each of its phrases, at most. Three phrases find 68 % of 600 licences and no other page.

All bounds were set by reading what fell on either side, in the default releases and in collections of known kind.
"""

FRONT_MATTER, FRONT_MATTER_BYTES = b"---\n", 5_000
"""How fields at the head of a page begin, and how far they may go."""

BLOCKS = re.compile(r"\n[^\S\n]*\n")
WORDS = re.compile(r"(?<!\w)\w++(?=\s|[.,:;!?]\s|\Z)|[^\x00-\u2fff]{2}")
WORDS_OF_SENTENCE, WRITTEN_SHARE = 5, 0.05
"""A block of an HTML page is written for people if it does not look like code and has so many words, or pairs of
letters beyond U+3000, as Chinese and Japanese have no spaces; with such a share of all characters they make a page."""

LINE = re.compile(r"^[^\S\n]*\S", re.MULTILINE)

_INDENTED = rb"(?:[^\S\n]+\S[^\n]*(?:\n+|\Z)(?:[^\S\n]+\n)*)+"
QUOTED = (
    (b"::\n", re.compile(rb"^((?:\S[^\n]*)?::)\n(?:[^\S\n]*\n)+" + _INDENTED, re.MULTILINE)),
    (
        b".. ",
        re.compile(
            rb"^(\.\. (?:code|code-block|sourcecode|parsed-literal|doctest|testcode|testsetup|testoutput|ipython"
            rb"|prompt)::)[^\n]*\n(?:[^\S\n]*\n)*" + _INDENTED,
            re.MULTILINE,
        ),
    ),
)
"""What a page of reStructuredText quotes: bytes that are there, and patterns whose first group is the page's own. A
literal block begins behind a line that ends in two colons and a blank one, which in a program is seldom."""

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
    """The kind that the form of a text shows: code, licence, maths, catalogue, else prose.

    Args:
        text: any text.
    """
    sample = text[:SAMPLE_CHARACTERS]
    data = sample.encode()
    start, end = _below_front_matter(np.frombuffer(data, np.uint8), np.array([[0, len(data)]], np.int64))[0]
    page = data[start:end]
    return "code" if _is_code(page, code_score(page)) else _kind(sample, len(text), 7, (1, 2, 4))


def kind_of_bytes(data: bytes) -> str:
    """`kind_of` a text by its UTF-8; 15 times as fast, because most forms are ruled out at a glance."""
    return KINDS[kinds_of(np.frombuffer(data, np.uint8), np.array([[0, len(data)]], np.int64))[0]]


def kinds_of(data: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """`kind_of` many texts, as places in `tamis.schemas.KINDS`: uint8[n].

    Args:
        data: uint8, read-only: UTF-8 that holds the texts.
        bounds: int64[n, 2], where each of them begins and ends.
    """
    bounds = np.array(bounds, np.int64, order="C")
    characters = np.full(len(bounds), -1, np.int64)
    for row in np.flatnonzero(bounds[:, 1] - bounds[:, 0] > SAMPLE_CHARACTERS):
        start, end = bounds[row]
        characters[row] = np.count_nonzero(data[start:end].view(np.int8) > -0x41)
        sample = data[start : min(end, start + 4 * SAMPLE_CHARACTERS)].tobytes().decode("utf-8", "ignore")
        bounds[row, 1] = start + len(sample[:SAMPLE_CHARACTERS].encode())
    return _kinds(data, bounds, characters)


def _kinds(data: np.ndarray, bounds: np.ndarray, characters: np.ndarray) -> np.ndarray:
    """The kinds of texts of which some bytes are looked at.

    Args:
        data: uint8, UTF-8.
        bounds: int64[n, 2], where what is looked at begins and ends.
        characters: int64[n], of each whole text; -1 where that is all of it.
    """
    from tamis.kernels.line_forms import CATALOGUE, LICENCE, MATHS, SESSION, forms_of

    found = np.full(len(bounds), KINDS.index("prose"), np.uint8)
    below = _below_front_matter(data, bounds)
    scores = code_scores(data, below)
    for row in np.flatnonzero(scores > CODE_SCORE):
        if _is_code(data[below[row, 0] : below[row, 1]].tobytes(), scores[row]):
            found[row] = KINDS.index("code")
    possible = forms_of(
        data,
        bounds,
        characters,
        found == KINDS.index("prose"),
        maths_share=MATHS_SHARE,
        catalogue_share=CATALOGUE_SHARE,
        columns_share=COLUMNS_SHARE,
        licence_characters=LICENCE_CHARACTERS,
    )
    for row in np.flatnonzero(possible):
        sample = data[bounds[row, 0] : bounds[row, 1]].tobytes().decode()
        whole = len(sample) if characters[row] < 0 else int(characters[row])
        found[row] = KINDS.index(_kind(sample, whole, int(possible[row]), (LICENCE, MATHS | SESSION, CATALOGUE)))
    return found


def _below_front_matter(data: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Where texts begin and end without the fields at the head of a page."""
    below = bounds.copy()
    some = bounds[:, 1] > bounds[:, 0]
    for row in np.flatnonzero(some)[data[bounds[some, 0]] == FRONT_MATTER[0]]:
        start, end = bounds[row]
        head = data[start : min(end, start + FRONT_MATTER_BYTES)].tobytes()
        if head.startswith(FRONT_MATTER) and (close := head.find(b"\n---", len(FRONT_MATTER))) > 0:
            below[row, 0] = start + close + len(b"\n---")
    return below


def _is_code(data: bytes, score: float) -> bool:
    """Whether a text of some score is source code: no session with an interpreter, drawn table or list."""
    if score <= CODE_SCORE:
        return False
    if (written := _without_quoted(data)) is not data and code_score(written) <= CODE_SCORE:
        return False
    lines = 1 + data.count(b"\n")
    sessions, drawn = data.count(b"\n>>> "), data.count(b"\n|") + data.count(b"\n+")
    if sessions >= SESSION_SHARE * lines or drawn >= CATALOGUE_SHARE * (lines - 1):
        return False
    if score >= LISTED_CODE_SCORE:
        return True
    sample = data.decode()
    return not is_catalogue(sample, _count(LINE, sample))


def _without_quoted(data: bytes) -> bytes:
    """A page without what it quotes; anything else, and pages that quote nothing, as they are.

    What stands between fences of Markdown the model leaves out itself.
    """
    for hint, pattern in QUOTED:
        if hint in data:
            data = pattern.sub(rb"\1", data)
    return data


def _kind(sample: str, characters: int, possible: int, forms: tuple[int, int, int]) -> str:
    """The kind of a sample that is no code, of which only some forms are possible."""
    licence, maths, catalogue = (bool(possible & form) for form in forms)
    lines = max(1, _count(LINE, sample))
    if licence and is_licence(sample, characters):
        return "licence"
    if maths and is_maths(sample, lines):
        return "maths"
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


def kind_of_extracted(data: bytes) -> str | None:
    """The kind of the text of an HTML page that is full of code; None of any other, whose form tells.

    Manuals quote code between their sentences, and by its form a third of them was source code. A page is code where
    nothing else is on it: a file shown by a forge, a listing.

    Args:
        data: UTF-8 of what was taken from the page, its blocks parted by empty lines.
    """
    if kind_of_bytes(data) != "code":
        return None
    sample = data[: 4 * SAMPLE_CHARACTERS].decode("utf-8", "ignore")[:SAMPLE_CHARACTERS]
    if is_catalogue(sample, max(1, _count(LINE, sample))):
        return kind_of_page(sample)
    blocks = [block for block in BLOCKS.split(sample) if block.strip()]
    encoded = [block.encode() for block in blocks]
    ends = np.cumsum([len(block) for block in encoded], dtype=np.int64)
    bounds = np.stack([ends - [len(block) for block in encoded], ends], axis=1)
    scores = code_scores(np.frombuffer(b"".join(encoded), np.uint8), bounds)
    sentences = np.array([len(WORDS.findall(block)) >= WORDS_OF_SENTENCE for block in blocks])
    sizes = np.array([len(block) for block in blocks])
    written = sizes[(scores <= CODE_SCORE) & sentences].sum()
    return kind_of_page(sample) if written >= WRITTEN_SHARE * sizes.sum() else "code"


def is_licence(sample: str, characters: int) -> bool:
    """Whether a text with this beginning and so many characters in all is a licence, by the phrases they share."""
    lowered = _below_comment(sample).lower()
    phrases = sum(phrase in lowered for phrase in LICENCE_PHRASES)
    return phrases >= LICENCE_PHRASES_LEAST and characters <= LICENCE_CHARACTERS * phrases


def _below_comment(sample: str) -> str:
    """A page without the comment at its head, which in all of Apache's projects is the licence of what follows."""
    if not sample.startswith("<!--"):
        return sample
    page = sample.partition("-->")[2]
    return page if page.strip() else sample


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
    return listed >= CATALOGUE_SHARE * lines or _has_columns(sample, lines)


def _has_columns(sample: str, lines: int) -> bool:
    """Whether nearly all lines have as many commas or semicolons as the first, and no sentence in them."""
    first = sample.lstrip().partition("\n")[0]
    for separator in ",;":
        columns = first.count(separator)
        # Prose has commas, too, but longer cells.
        words = WORDS_OF_CELL * (columns + 1) if columns >= 2 else 1
        if (
            columns
            and sample.count(" ") <= words * lines
            and sample.count(separator) >= COLUMNS_SHARE * columns * lines
        ):
            alike = sum(line.count(separator) == columns for line in sample.split("\n"))
            return alike >= COLUMNS_SHARE * lines
    return False


def _count(pattern: re.Pattern[str], text: str) -> int:
    return len(pattern.findall(text))
