"""Score files beside documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tamis import shards
from tamis.classifiers import scores
from tamis.errors import ShardMismatchError
from tamis.shards import write_table


@pytest.fixture(name="documents")
def _documents(make_documents: Callable[..., pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pa.Table:
    """Five documents in a file, read two rows at a time."""
    monkeypatch.setattr(shards, "BATCH_ROWS", 2)
    documents = make_documents(list("abcde"))
    write_table(tmp_path / "documents", documents)
    return documents


def test_scores_come_with_their_documents(documents: pa.Table, tmp_path: Path) -> None:
    write_table(tmp_path / "scores", pa.table({"id": documents["id"], "score": [1, 2, 3, 4, 5], "more": [0] * 5}))
    pairs = list(scores.beside(tmp_path / "documents", tmp_path / "scores", ["score"]))
    assert [rows["score"].to_pylist() for _, rows in pairs] == [[1, 2], [3, 4], [5]]
    assert [table["text"].to_pylist() for table, _ in pairs] == [["a", "b"], ["c", "d"], ["e"]]
    assert pairs[0][1].column_names == ["id", "score"]


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [0, 1, 2, 3, 4, 4], [0, 1, 3, 2, 4]], ids=["fewer", "more", "swapped"])
def test_scores_of_other_documents_are_refused(documents: pa.Table, tmp_path: Path, rows: list[int]) -> None:
    write_table(tmp_path / "scores", documents.select(["id"]).take(pa.array(rows)))
    with pytest.raises(ShardMismatchError, match="not of the documents"):
        list(scores.beside(tmp_path / "documents", tmp_path / "scores", []))


def test_chosen_documents_come_in_order_with_the_columns_asked_for(documents: pa.Table, tmp_path: Path) -> None:
    where = np.array([False, True, True, False, True])
    tables = list(scores.chosen(tmp_path / "documents", where, ["text"]))
    assert [table["text"].to_pylist() for table in tables] == [["b"], ["c"], ["e"]]
    assert tables[0].column_names == ["text"]
    assert next(scores.chosen(tmp_path / "documents", where)).column_names == documents.column_names


def test_what_was_not_scored_is_null() -> None:
    column = scores.scattered(np.float32([0.5, 0.0]), np.array([True, False, True]))
    assert column.to_pylist() == [0.5, None, 0.0]
