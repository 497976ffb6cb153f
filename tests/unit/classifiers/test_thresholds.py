"""Exact shares over all shards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.classifiers.thresholds import Selection, decide, find_thresholds, ordered_bits
from tamis.errors import SchemaError
from tamis.shards import write_table

SCORES = st.one_of(st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0]), st.floats(-1e6, 1e6, width=32))


def written(folder: Path, rows: Sequence[tuple[str, str, float | None]], shards: int) -> list[Path]:
    """Score files of n shards; rows are (id, kind, score)."""
    paths = []
    for shard in range(shards):
        part = sorted(rows[shard::shards])
        table = pa.table(
            {
                "id": pa.array([row[0] for row in part], pa.string()),
                "kind": pa.array([row[1] for row in part], pa.string()),
                "score": pa.array([row[2] for row in part], pa.float32()),
            }
        )
        paths.append(folder / f"{shards}-{shard}.parquet")
        write_table(paths[-1], table)
    return paths


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(SCORES, st.sampled_from(["prose", "code"])), min_size=1, max_size=60),
    st.floats(0.01, 1.0),
    st.integers(1, 4),
)
def test_exactly_the_share_is_kept_and_it_is_the_best_by_score_then_id(
    tmp_path_factory: pytest.TempPathFactory, scored: list[tuple[float, str]], share: float, shards: int
) -> None:
    rows = [(f"{index:032x}", kind, score) for index, (score, kind) in enumerate(scored)]
    paths = written(tmp_path_factory.mktemp("scores"), rows, shards)
    found = find_thresholds(paths, "score", {"prose": share})
    prose = sorted((row for row in rows if row[1] == "prose"), key=lambda row: (-row[2] + 0.0, row[0]))
    wanted = {row[0] for row in prose[: math.ceil(share * len(prose) - 1e-9)]}
    wanted |= {row[0] for row in rows if row[1] == "code"}
    documents = pa.table({"id": [row[0] for row in rows], "kind": [row[1] for row in rows]})
    scores = pa.table({"id": documents["id"], "score": pa.array([row[2] for row in rows], pa.float32())})
    kept, reason, _ = decide(documents, scores, "score", found, {})
    assert {row[0] for row, keep in zip(rows, kept, strict=True) if keep} == wanted
    assert set(reason[~kept]) <= {"below_keep_share"}


def test_seven_hundredths_of_a_hundred_are_seven(tmp_path: Path) -> None:
    # 0.07 * 100 is 7.000000000000001; rounded up naively it keeps eight.
    assert math.ceil(0.07 * 100) == 8
    rows = [(f"{index:032x}", "prose", index / 100) for index in range(100)]
    assert find_thresholds(written(tmp_path, rows, 2), "score", {"prose": 0.07})["prose"]["keep"] == 7


def test_unscored_documents_are_neither_counted_nor_dropped(tmp_path: Path) -> None:
    rows = [("a", "prose", None), ("b", "prose", 0.2), ("c", "prose", 0.1)]
    found = find_thresholds(written(tmp_path, rows, 1), "score", {"prose": 0.5})
    assert found["prose"]["documents"] == 2
    documents = pa.table({"id": ["a", "b", "c"], "kind": ["prose"] * 3})
    scores = pa.table({"id": ["a", "b", "c"], "score": pa.array([None, 0.2, 0.1], pa.float32())})
    kept, _, _ = decide(documents, scores, "score", found, {"prose": 0.05})
    assert kept.tolist() == [True, True, False]


def test_a_least_score_holds_for_its_kind_only() -> None:
    documents = pa.table({"id": ["a", "b"], "kind": ["prose", "code"]})
    scores = pa.table({"id": ["a", "b"], "score": pa.array([0.1, 0.1], pa.float32())})
    kept, reason, limit = decide(documents, scores, "score", {}, {"prose": 0.5})
    assert kept.tolist() == [False, True]
    assert (reason[0], limit[0]) == ("below_min_score", 0.5)


def test_bits_sort_as_the_scores_do() -> None:
    values = np.array([-np.inf, -3.5, -1e-30, 0.0, 1e-30, 0.1, 7.0, np.inf], dtype=np.float32)
    assert np.all(np.diff(ordered_bits(values).astype(np.int64)) > 0)
    assert ordered_bits(np.float32([-0.0]))[0] == ordered_bits(np.float32([0.0]))[0]


def test_not_a_number_is_refused(tmp_path: Path) -> None:
    paths = written(tmp_path, [("a", "prose", float("nan"))], 1)
    with pytest.raises(SchemaError, match="NaN"):
        find_thresholds(paths, "score", {"prose": 0.5})


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="applies_to"):
        Selection(keep_share={"prose": 0.0})
