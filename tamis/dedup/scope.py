"""The scope of a comparison (`within:`): documents are compared only with those that have the same value of one column.

A value is one that the documents carry at that place of the pipeline: an ingest column, a column that an earlier stage
added, or a field of the source's own metadata (`metadata.snapshot`). A missing value is a value of its own. Values
cross between shards as a keyed 64-bit hash that is mixed into every hash on which documents meet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import hashing
from tamis.schemas import STAGE_COLUMNS

METADATA = "metadata."
INGEST_COLUMNS = ("source", "kind", "url", "date")
"""Ingest columns that can be a scope; an id, a rank and a text are different in every document."""
SCOPED_COLUMNS = ("language", "domain")
"""Columns of stages that can be a scope: those that hold names."""

Within = Annotated[
    str | None,
    Field(
        pattern=r"^([a-z_]+|metadata\..+)$",
        description="Compare documents only with those that have the same value here: source, kind, url, date, "
        "metadata.<field> (a snapshot, say), or language and domain where an earlier stage of the pipeline made them. "
        "null: with all.",
    ),
]


def refusal(within: str | None, upstream: Iterable[str]) -> str | None:
    """Why a scope cannot be used at its place in the pipeline; None when it can.

    Args:
        within: the setting.
        upstream: stage columns that the documents carry there.
    """
    have = set(upstream)
    named = within is None or within.startswith(METADATA)
    if named or within in INGEST_COLUMNS or (within in SCOPED_COLUMNS and within in have):
        return None
    known = ", ".join((*INGEST_COLUMNS, "metadata.<field>", *(name for name in SCOPED_COLUMNS if name in have)))
    if within in SCOPED_COLUMNS:
        return f"the column {within} is not known yet at this place of the pipeline; known here: {known}"
    if within in STAGE_COLUMNS:
        return f"{within} holds numbers, not names; known here: {known}"
    return f"there is no column {within} that could be a scope; known here: {known}"


def columns(within: str | None) -> list[str]:
    """The columns of documents that `hashes` reads."""
    if within is None:
        return []
    return ["metadata"] if within.startswith(METADATA) else [within]


def _field(metadata: str | None, name: str) -> str | None:
    if metadata is None:
        return None
    value = json.loads(metadata)
    found = value.get(name) if isinstance(value, dict) else None
    # Texts as they are; 1 and "1" are one value.
    return found if found is None or isinstance(found, str) else json.dumps(found, sort_keys=True)


def hashes(documents: pa.Table, within: str | None) -> np.ndarray:
    """One number a document; documents are in one scope when it is equal.

    Args:
        documents: n rows with the columns that `columns` names.
        within: the setting.

    Returns:
        uint64[n]; zeros where there is no scope.
    """
    if within is None:
        return np.zeros(documents.num_rows, np.uint64)
    column = documents[columns(within)[0]].combine_chunks()
    if within.startswith(METADATA):
        name = within.removeprefix(METADATA)
        column = pa.array([_field(value, name) for value in column.to_pylist()], pa.string())
    coded = pc.dictionary_encode(pc.cast(column, pa.string()), null_encoding="encode")
    values = coded.dictionary.to_pylist()
    # A missing value is none of the texts: they begin with a letter, it does not.
    numbers = hashing.keyed_uint64("scope", ("" if value is None else f"v{value}" for value in values))
    return numbers[coded.indices.to_numpy()] if len(values) else np.zeros(0, np.uint64)
