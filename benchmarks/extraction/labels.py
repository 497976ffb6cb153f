"""Which lines of a page are main content, told from the gold text of the whole page.

A line of five words or more is, as far as its 4-grams stand in the gold text. A shorter one may stand there by chance
("Home", "Share"), so it must be a line of the gold text, or stand there and next to a longer line that is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GRAM = 4
NEAR = 3
"""Lines between a short line and a longer one beside which it counts."""


def _grams(words: np.ndarray, size: int) -> np.ndarray:
    """Hash of each run of so many words."""
    if len(words) < size:
        return np.empty(0, np.uint64)
    total = np.zeros(len(words) - size + 1, np.uint64)
    with np.errstate(over="ignore"):
        for place in range(size):
            total = total * np.uint64(0x9E3779B97F4A7C15) + words[place : len(words) - size + 1 + place]
            total ^= total >> np.uint64(29)
    return total


def line_labels(lines: Sequence[np.ndarray], gold: np.ndarray, gold_lines: Sequence[np.ndarray]) -> np.ndarray:
    """Share of each line that is main content, 0 to 1.

    Args:
        lines: hashes of the words of each line.
        gold: of the whole gold text.
        gold_lines: of each of its lines.
    """
    long_ones = set(_grams(gold, GRAM).tolist())
    short = [set(_grams(gold, size).tolist()) for size in range(1, GRAM + 1)]
    whole = {tuple(line.tolist()) for line in gold_lines}
    labels = np.zeros(len(lines))
    for i, words in enumerate(lines):
        if len(words) > GRAM:
            found = _grams(words, GRAM).tolist()
            labels[i] = sum(one in long_ones for one in found) / len(found)
    sure = np.flatnonzero(labels > 0.5)
    if not len(sure):
        sure = np.array([i for i, words in enumerate(lines) if tuple(words.tolist()) in whole])
    for i, words in enumerate(lines):
        if 0 < len(words) <= GRAM and len(sure) and int(_grams(words, len(words))[0]) in short[len(words) - 1]:
            distance = int(np.abs(sure - i).min())
            equal = tuple(words.tolist()) in whole
            labels[i] = float(distance <= (8 * NEAR if equal else NEAR))
    return labels
