"""The most confident mistakes: where reading them shows a wrong label, or what the classifier has taken for a sign."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tamis.classifiers.evaluation.figures import rounded
from tamis.privacy.blot import blot

MOST = 20
SHOWN = 200
"""Characters of each text."""

SEEN = 4_000
"""Characters in which what is private is looked for, so that a value across the end of what is shown is seen whole."""


def most_confident(
    rows: pa.Table, wrong: np.ndarray, confidence: np.ndarray, said: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """The wrong ones of n held-out texts, the most confident first, ties by id.

    Args:
        rows: of `tamis.classifiers.labels.LABELLED`.
        wrong: n booleans.
        confidence: n numbers.
        said: name → what the classifier said of each text, for the reader: n values each.

    Returns:
        Id, kind, source, language, label, what was said, and the start of the text as it is but for what is private,
        which is blotted out: a card goes with its model, to whom the corpus does not. Text of the corpus is hostile,
        and whoever shows it has to escape it.
    """
    ids = rows["id"].to_numpy(zero_copy_only=False)
    at = np.flatnonzero(wrong)
    order = sorted(at.tolist(), key=lambda row: (-float(confidence[row]), ids[row]))[:MOST]
    found = []
    chosen = rows.take(pa.array(order, pa.int64())).to_pylist()
    texts = blot([row["text"][:SEEN] for row in chosen])
    for row, text, place in zip(chosen, texts, order, strict=True):
        values = {
            name: value[place].item() if hasattr(value[place], "item") else value[place] for name, value in said.items()
        }
        found.append(
            {
                **{name: row[name] for name in ("id", "kind", "source", "language", "label", "characters")},
                **{name: rounded(value) if isinstance(value, float) else value for name, value in values.items()},
                "text": text[:SHOWN],
            }
        )
    return found
