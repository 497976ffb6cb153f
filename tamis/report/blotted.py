"""Texts as the page and `tamis why` show them: with what is private blotted out, where a run has the stage `privacy`.

Documents of earlier stages hold what that stage replaces. The same detectors look at each text that is shown, so that
neither a sample nor the surroundings of an edit shows a value; a blotted text has as many characters as before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tamis.privacy.blot import blot
from tamis.report.layout import Results


def blotted(results: Results, texts: list[str]) -> list[str]:
    """Texts with what is private blotted out; as they are where the run has no stage `privacy`."""
    config = results.layout.privacy
    return texts if config is None else blot(texts, config.kinds, config.phone_regions)


def blotted_rows(results: Results, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of documents, with their texts blotted; rows without a text as they are."""
    found = list(rows)
    texts = [row for row in found if isinstance(row.get("text"), str)]
    after = dict(zip(map(id, texts), blotted(results, [row["text"] for row in texts]), strict=True))
    return [row | {"text": after[id(row)]} if id(row) in after else row for row in found]
