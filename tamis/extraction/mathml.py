"""Presentation MathML as TeX, where a page brings no source of its formulas.

What stands above, below or under a fraction bar is told by the tree alone: flattened, r² is r2, and a half 12. Read
are the elements of MathML Core (https://www.w3.org/TR/mathml-core/) and `mfenced`; of content MathML nothing is made.
"""

# ruff: noqa: RUF001 - signs of mathematics

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from resiliparse.parse.html import NodeType

MOST_ELEMENTS = 50_000
"""Of all formulas of a page: about half a second. Those beyond stay as the page's text has them."""

DEEPEST = 60

_PAIRS = (
    "−:- ×:\\times ⋅:\\cdot ·:\\cdot ÷:\\div ±:\\pm ∓:\\mp ≤:\\le ≥:\\ge ≠:\\ne ≈:\\approx ≡:\\equiv ∼:\\sim "
    "∝:\\propto ∞:\\infty ∑:\\sum ∏:\\prod ∫:\\int ∮:\\oint ∂:\\partial ∇:\\nabla √:\\surd →:\\to ↦:\\mapsto "
    "←:\\leftarrow ⇒:\\Rightarrow ⇔:\\Leftrightarrow ∈:\\in ∉:\\notin ⊂:\\subset ⊆:\\subseteq ∪:\\cup ∩:\\cap "
    "∅:\\emptyset ∀:\\forall ∃:\\exists ¬:\\neg ∧:\\land ∨:\\lor ⊕:\\oplus ⊗:\\otimes ∘:\\circ …:\\dots ⋯:\\cdots "
    "⟨:\\langle ⟩:\\rangle ′:' {:\\{ }:\\} #:\\# %:\\% &:\\& _:\\_ $:\\$ \\:\\backslash"
)
_OPERATORS = dict(pair.split(":") for pair in _PAIRS.split()) | dict.fromkeys("\u2061\u2062\u2063\u2064", "")
_COMMAND = re.compile(r"\\[a-zA-Z]+$")
LONGEST_COMMAND = 20
_SPECIAL = re.compile(r"([{}#%&_$])")
_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (\w+)")
_LATIN_NAMES = "ALPHA BETA EPSILON ZETA ETA IOTA KAPPA MU NU OMICRON RHO TAU CHI"
_LATIN_CAPITALS = frozenset(_LATIN_NAMES.split())
_NAMES = "arccos arcsin arctan cos cosh cot det dim exp gcd inf ker lim ln log max min sec sin sinh sup tan tanh"
_FUNCTIONS = frozenset(_NAMES.split())
_LIMITS = frozenset(("\\sum", "\\prod", "\\int", "\\oint", "\\lim", "\\max", "\\min", "\\sup", "\\inf", "⋃", "⋂"))
_ACCENTS = {"^": "hat", "ˆ": "hat", "~": "tilde", "˜": "tilde", "\\sim": "tilde", "¯": "bar", "‾": "bar", "\\to": "vec"}
_ACCENTS |= {"⃗": "vec", "˙": "dot", "¨": "ddot", "\\cdot": "dot", "_": "bar", "\\_": "bar"}


class _TooMuchError(Exception):
    """More elements than `MOST_ELEMENTS`, deeper ones than `DEEPEST`, or none of presentation MathML."""


class Formulas:
    """The formulas of one page, whose number and size are bounded together."""

    def __init__(self) -> None:
        self._left = MOST_ELEMENTS

    def tex_of(self, math: Any) -> str | None:
        """TeX of a `<math>` element, without dollar signs; None where none is made of it."""
        try:
            return self._row(_elements(math), 0).strip() or None
        except _TooMuchError:
            return None

    def _row(self, elements: Sequence[Any], depth: int) -> str:
        return _joined([self._one(element, depth) for element in elements])

    def _one(self, element: Any, depth: int) -> str:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise _TooMuchError
        tag = element.tag
        if tag in _LEAVES:
            return _LEAVES[tag](element.text.strip())
        inner = _elements(element)
        if tag in _ROWS:
            return self._row(inner, depth + 1)
        if tag in _EMPTY:
            return " " if tag == "mspace" else ""
        return self._built(element, inner, depth)

    def _built(self, element: Any, inner: Sequence[Any], depth: int) -> str:
        """An element whose others have each a place of their own."""
        tag = element.tag
        if tag in _SCRIPTS and len(inner) == _SCRIPTS[tag][0]:
            return _SCRIPTS[tag][1]([self._one(one, depth + 1) for one in inner])
        if tag == "msqrt":
            return f"\\sqrt{{{self._row(inner, depth + 1)}}}"
        if tag == "semantics":
            return self._row(inner[:1], depth + 1)
        if tag == "mfenced":
            return self._fenced(element, inner, depth)
        if tag == "mtable":
            self._left -= len(inner)
            rows = (" & ".join(self._one(cell, depth + 2) for cell in _elements(row)) for row in inner)
            return "\\begin{matrix} " + " \\\\ ".join(rows) + " \\end{matrix}"
        raise _TooMuchError

    def _fenced(self, element: Any, inner: Sequence[Any], depth: int) -> str:
        opening, closing, commas = (element.getattr(name) for name in ("open", "close", "separators"))
        comma = "," if commas is None else commas.strip()[:1]
        parts = comma.join(self._one(one, depth + 1) for one in inner)
        return (
            f"{_operator('(' if opening is None else opening)}{parts}{_operator(')' if closing is None else closing)}"
        )


def _elements(parent: Any) -> list[Any]:
    """The elements right below one; by their links, as a list of nodes takes the square of their number."""
    found: list[Any] = []
    child = parent.first_child
    while child is not None and len(found) <= MOST_ELEMENTS:
        if child.type == NodeType.ELEMENT:
            found.append(child)
        child = child.next
    return found


def _joined(parts: Iterable[str]) -> str:
    """Parts behind each other; a space where the name of a command would go on."""
    text: list[str] = []
    for part in filter(None, parts):
        if text and part[0].isalpha() and _COMMAND.search(text[-1][-LONGEST_COMMAND:]):
            text.append(" ")
        text.append(part)
    return "".join(text)


def _command(character: str) -> str:
    """TeX of one character."""
    if character in _OPERATORS:
        return _OPERATORS[character]
    found = _GREEK.fullmatch(unicodedata.name(character, ""))
    if found is None or found[2] == "OMICRON" or found[2].startswith("FINAL"):
        return character
    if found[1] == "CAPITAL" and found[2] in _LATIN_CAPITALS:
        return character
    name = {"LAMDA": "lambda"}.get(found[2], found[2].lower())
    return "\\" + (name.capitalize() if found[1] == "CAPITAL" else name)


def _operator(text: str) -> str:
    return f"\\{text}" if text in _FUNCTIONS else _joined([_command(character) for character in text])


def _identifier(text: str) -> str:
    plain = len(text) < 2 or text in _FUNCTIONS or not text.isalpha()
    return _operator(text) if plain else f"\\mathrm{{{_operator(text)}}}"


def _words(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", text)
    return f"\\text{{{escaped}}}" if text else ""


def _grouped(text: str) -> str:
    """What a script stands at, in braces if it is more than one thing."""
    return text if len(text) == 1 or re.fullmatch(r"\\[a-zA-Z]+|[0-9.]+", text) else f"{{{text}}}"


def _scripts(base: str, below: str, above: str) -> str:
    return _grouped(base) + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _over(parts: Sequence[str]) -> str:
    base, above = parts
    if base in _LIMITS:
        return _scripts(base, "", above)
    accent = _ACCENTS.get(above)
    return f"\\overset{{{above}}}{{{base}}}" if accent is None else f"\\{accent}{{{base}}}"


def _under(parts: Sequence[str]) -> str:
    base, below = parts
    return _scripts(base, below, "") if base in _LIMITS else f"\\underset{{{below}}}{{{base}}}"


_LEAVES: Mapping[str, Callable[[str], str]] = {
    "mi": _identifier,
    "mn": _operator,
    "mo": _operator,
    "ms": _words,
    "mtext": _words,
}
_ROWS = frozenset(("maction", "math", "menclose", "merror", "mpadded", "mrow", "mstyle", "mtd"))
_EMPTY = frozenset(("annotation", "annotation-xml", "mphantom", "mprescripts", "mspace", "none"))
_SCRIPTS: Mapping[str, tuple[int, Callable[[Sequence[str]], str]]] = {
    "mfrac": (2, lambda of: f"\\frac{{{of[0]}}}{{{of[1]}}}"),
    "mover": (2, _over),
    "mroot": (2, lambda of: f"\\sqrt[{of[1]}]{{{of[0]}}}"),
    "msub": (2, lambda of: _scripts(of[0], of[1], "")),
    "msubsup": (3, lambda of: _scripts(*of)),
    "msup": (2, lambda of: _scripts(of[0], "", of[1])),
    "munder": (2, _under),
    "munderover": (3, lambda of: _scripts(*of) if of[0] in _LIMITS else _over([_under(of[:2]), of[2]])),
}
"""Element → how many others it holds, and what is made of their TeX."""
