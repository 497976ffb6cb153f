"""Embedding files: found by id, a few thousand rows at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tamis import shards
from tamis.classifiers import embedding_files
from tamis.errors import ShardMismatchError
from tamis.shards import write_table


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five documents, read two rows at a time."""
    monkeypatch.setattr(shards, "BATCH_ROWS", 2)
    vectors = np.arange(15, dtype=np.float32).reshape(5, 3)
    write_table(tmp_path / "e", embedding_files.rows(pa.array(list("abcde")), vectors, vectors[:, 0]))
    return tmp_path / "e"


def test_rows_come_by_position_whatever_the_order_of_the_ids(path: Path) -> None:
    found = np.zeros((3, 3), dtype=np.float32)
    pieces = list(embedding_files.rows_of(path, pa.array(["e", "b", "a"]), ["embedding"]))
    assert [list(where) for where, _ in pieces] == [[1, 2], [0]]
    for where, rows in pieces:
        found[where] = embedding_files.matrix(rows)
    assert found.tolist() == [[12.0, 13.0, 14.0], [3.0, 4.0, 5.0], [0.0, 1.0, 2.0]]
    assert embedding_files.scores_of(path, pa.array(["e", "b", "a"])).tolist() == [12.0, 3.0, 0.0]


def test_a_document_without_an_embedding_is_an_error(path: Path) -> None:
    with pytest.raises(ShardMismatchError, match="2 documents have no embedding, the first is x"):
        next(embedding_files.rows_of(path, pa.array(["b", "x", "y"]), ["embedding"]))


def test_collecting_leaves_out_what_no_shard_has(path: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "none", embedding_files.rows(pa.array([], pa.string()), np.zeros((0, 3), np.float32), None))
    found = embedding_files.collect([tmp_path / "none", path], pa.array(["d", "x", "a"]), ["embedding"])
    assert found["id"].to_pylist() == ["d", "a"]
    assert embedding_files.matrix(found)[:, 0].tolist() == [9.0, 0.0]
    nothing = embedding_files.collect([tmp_path / "none"], pa.array(["d"]), ["embedding"])
    assert embedding_files.matrix(nothing).shape == (0, 3)
