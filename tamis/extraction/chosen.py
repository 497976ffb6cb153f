"""The text of a page from those of its lines that are main content."""

from __future__ import annotations

from typing import Any

import numpy as np

from tamis.extraction.lines import Lines, lines_of, marked_text
from tamis.extraction.marks import mark
from tamis.extraction.model import model


def chosen(lines: Lines) -> np.ndarray:
    """Which lines are main content."""
    known = model()
    return known.scores(lines.features) > known.threshold


def chosen_text(tree: Any) -> str:
    """Main content of a parsed page; the tree is changed."""
    mark(tree)
    lines = lines_of(marked_text(tree))
    if lines is None:
        return ""
    return "\n".join(lines.shown(i) for i in np.flatnonzero(chosen(lines)))
