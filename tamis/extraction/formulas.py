"""Formulas as TeX between dollar signs: of MathML, of MathJax's scripts and of the texts of pictures."""

from __future__ import annotations

import re
from typing import Any

from tamis.extraction.mathml import Formulas

_RENDERED = (
    ".katex-html",
    ".MathJax_Preview",
    ".MathJax",
    ".MathJax_Display",
    ".MathJax_SVG",
    ".MathJax_CHTML",
    ".MJX_Assistive_MathML",
    "mjx-math",
    ".mwe-math-fallback-image-inline",
    ".mwe-math-fallback-image-display",
)
"""What a script or server drew beside the source of a formula."""

_PICTURES = ("img.tex", "img.latex", "img.math", "img[src*=latex]", "img[src*=mathtex]", "img[src*=mathtran]")
_ANY = ", ".join(("script[type^='math/tex']", "math", *_RENDERED, *_PICTURES))
_WIDTHS = re.compile(r"^\{\\(?:displaystyle|textstyle)\s*(.*)\}$", re.DOTALL)


def _tex(source: str, *, display: bool) -> str:
    source = source.strip()
    while found := _WIDTHS.match(source):
        source = found[1].strip()
    if source.startswith("$") and source.endswith("$"):
        return f" {source} "
    return f" $${source}$$ " if display else f" ${source}$ "


def _replace(tree: Any, element: Any, text: str) -> None:
    parent = element.parent
    if parent is not None:
        parent.replace_child(tree.create_text_node(text), element)


def _all(tree: Any, query: str) -> tuple[Any, ...]:
    return tuple(tree.document.query_selector_all(query)[:])


def to_tex(tree: Any) -> None:
    """Put the TeX of each formula in its place, in a parsed page."""
    if tree.document.query_selector(_ANY) is None:
        return
    for script in _all(tree, "script[type^='math/tex']"):
        display = "mode=display" in (script.getattr("type") or "")
        _replace(tree, script, _tex(script.text, display=display))
    _mathml_to_tex(tree)
    for rendered in _RENDERED:
        for element in _all(tree, rendered):
            element.decompose()
    for picture in _PICTURES:
        for image in _all(tree, picture):
            alt = image.getattr("alt")
            if alt and alt.strip():
                _replace(tree, image, _tex(alt, display=False))


def _mathml_to_tex(tree: Any) -> None:
    """The TeX that stands beside MathML, or what its elements say."""
    formulas = Formulas()
    for math in _all(tree, "math"):
        display = math.getattr("display") == "block" or math.getattr("mode") == "display"
        source = math.query_selector("annotation[encoding='application/x-tex']")
        tex = source.text if source is not None else math.getattr("alttext")
        if not tex or not tex.strip():
            tex = formulas.tex_of(math)
        if tex and tex.strip():
            _replace(tree, math, _tex(tex, display=display))
