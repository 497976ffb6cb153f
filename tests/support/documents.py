"""Documents for unit tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pyarrow as pa

from tamis import shards
from tamis.schemas import conform_documents

T = TypeVar("T")


def make_documents(texts: Sequence[str], **columns: Sequence[object]) -> pa.Table:
    """A documents table of the given texts, sorted by id; rank is the position in `texts` unless given.

    Args:
        texts: n texts.
        columns: any documents columns, n values each, over the defaults (prose of source "test", no url).
    """
    n = len(texts)
    values: dict[str, Sequence[object]] = {
        "id": [f"{i:016x}{i:016x}" for i in range(n)],
        "kind": ["prose"] * n,
        "text": list(texts),
        "source": ["test"] * n,
        "url": [None] * n,
        "date": [None] * n,
        "metadata": [None] * n,
        "parent": [None] * n,
        "copies": [1] * n,
        "ingested_characters": [len(text) for text in texts],
        "rank": list(range(n)),
    }
    values |= columns
    return conform_documents(pa.table({name: pa.array(value) for name, value in values.items()}), "test").sort_by("id")


def in_batches(documents: pa.Table) -> AbstractContextManager[object]:
    """While it lasts, shards are read in several batches, however small the test's documents are."""
    return patch.object(shards, "BATCH_ROWS", max(2, documents.num_rows // 5))


def batched(stage: Callable[..., T]) -> Callable[..., T]:
    """A stage of `stage_jobs`, run with shards that are read in several batches."""

    def run(folder: Path, documents: pa.Table, *arguments: Any, **more: Any) -> T:
        with in_batches(documents):
            return stage(folder, documents, *arguments, **more)

    return run
