"""The language that a record says of itself."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa

from tamis.language_codes import language_code
from tamis.schemas import of_kinds

LOCALE = re.compile(r"[a-z]{2,3}(?:[-_@].*)?")
DECLARES = ("catalogue",)
"""Kinds whose metadata say their language, in the field `language`: it stands in the header or the folder of a
translation catalogue, whose short messages no model tells apart as well."""


def declared(documents: pa.Table) -> list[str | None]:
    """The language that a record says of itself, where its kind is one that knows.

    Args:
        documents: n documents.

    Returns:
        n codes; None where it says none.
    """
    found: list[str | None] = [None] * documents.num_rows
    rows = np.flatnonzero(of_kinds(documents, DECLARES)).tolist()
    for row, metadata in zip(rows, documents["metadata"].take(pa.array(rows, pa.int64())).to_pylist(), strict=True):
        said = json.loads(metadata).get("language") if metadata else None
        # Programming languages and formats (`CSV`) have capitals.
        found[row] = language_code(said) if isinstance(said, str) and LOCALE.fullmatch(said) else None
    return found
