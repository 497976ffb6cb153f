"""Texts as the page and `tamis why` show them: with what is private blotted out, where a run has the stage `privacy`.

Documents of earlier stages hold what that stage replaces. The same detectors look at each text that is shown, so that
neither a sample nor the surroundings of an edit shows a value; a blotted text has as many characters as before.

Where the stage replaces persons' names, too, no letter of a text from before it is shown: the model that finds them may
not be here, and nobody asked it about the texts of earlier stages, in which it may find others than in the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tamis.privacy.blot import BLOT, blot
from tamis.report.layout import Results


def blotted(results: Results, stage: str, texts: list[str]) -> list[str]:
    """Texts of a stage with what is private blotted out; as they are where the run has no stage `privacy`."""
    config = results.layout.privacy
    if config is None:
        return texts
    if config.names and stage not in _after_names(results):
        return ["".join(letter if letter.isspace() else BLOT for letter in text) for text in texts]
    return blot(texts, config.kinds, config.phone_regions)


def _after_names(results: Results) -> tuple[str, ...]:
    stages = results.layout.stages
    return stages[stages.index("privacy") :] if "privacy" in stages else ()


def blotted_rows(results: Results, stage: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of documents of a stage, with their texts blotted; rows without a text as they are."""
    found = list(rows)
    texts = [row for row in found if isinstance(row.get("text"), str)]
    after = dict(zip(map(id, texts), blotted(results, stage, [row["text"] for row in texts]), strict=True))
    return [row | {"text": after[id(row)]} if id(row) in after else row for row in found]
