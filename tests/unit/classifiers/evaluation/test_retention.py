"""What would stay at which score, against counting document by document."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.classifiers.evaluation import retention
from tamis.classifiers.thresholds import order_statistics
from tamis.errors import SchemaError
from tamis.shards import read_json, write_table


class Row(NamedTuple):
    """A document of a score file."""

    score: float | None
    kind: str
    source: str
    characters: int


def written(folder: Path, rows: list[Row], shards: int) -> list[Path]:
    """Score files of n shards."""
    paths = []
    for shard in range(shards):
        part = rows[shard::shards]
        table = pa.table(
            {
                "id": pa.array([f"{n:032x}" for n in range(shard, len(rows), shards)], pa.string()),
                "kind": pa.array([row.kind for row in part], pa.string()),
                "source": pa.array([row.source for row in part], pa.string()),
                "characters": pa.array([None if row.score is None else row.characters for row in part], pa.int64()),
                "score": pa.array([row.score for row in part], pa.float32()),
            }
        )
        paths.append(folder / f"{shards}-{shard}.parquet")
        write_table(paths[-1], table)
    return paths


def rows_of(scores: st.SearchStrategy[float | None]) -> st.SearchStrategy[list[Row]]:
    kinds, sources = st.sampled_from(["prose", "code"]), st.sampled_from(["web", "books", "x"])
    return st.lists(st.builds(Row, scores, kinds, sources, st.integers(0, 10**12)), max_size=60)


INSIDE = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]), st.floats(0.0, 1.0, width=32))
ANYWHERE = st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 2.0]), st.floats(-1e6, 1e6, width=32))


@settings(max_examples=80)
@given(st.one_of(rows_of(INSIDE), rows_of(ANYWHERE)), st.integers(1, 4))
def test_counts_are_those_of_going_through_all_documents(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], shards: int
) -> None:
    found = retention.retention(written(tmp_path_factory.mktemp("scores"), rows, shards), "score")
    scored = [row for row in rows if row.score is not None]
    assert (found["documents"], found["unscored"]) == (len(scored), len(rows) - len(scored))
    if not scored:
        assert found["groups"] == []
        return
    ordered = sorted(float(np.float32(row.score)) for row in scored)
    assert (found["lowest"], found["highest"]) == (ordered[0], ordered[-1])
    if ordered[0] >= 0.0 and ordered[-1] <= 1.0:
        assert found["at"] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    else:
        assert found["at"] == sorted({ordered[math.floor(len(ordered) * step / 10)] for step in range(1, 10)})
    wanted = {("all", "all")} | {("kind", row.kind) for row in scored} | {("source", row.source) for row in scored}
    assert {(row["by"], row["group"]) for row in found["groups"]} == wanted
    for row in found["groups"]:
        inside = [one for one in scored if row["by"] == "all" or getattr(one, row["by"]) == row["group"]]
        assert row["documents"] == len(inside)
        assert row["characters"] == sum(one.characters for one in inside)
        for at, documents, characters in zip(found["at"], row["documents_at"], row["characters_at"], strict=True):
            stay = [one for one in inside if float(np.float32(one.score)) >= at]
            assert (documents, characters) == (len(stay), sum(one.characters for one in stay))


def test_shards_change_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [Row(float(value), "prose", f"s{n % 30}", n) for n, value in enumerate(random.normal(size=500))]
    found = [retention.retention(written(tmp_path, rows, shards), "score") for shards in (1, 3, 5)]
    assert found[0] == found[1] == found[2]


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=80), st.data())
def test_order_statistics_are_those_of_sorting(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float], data: st.DataObject
) -> None:
    ranks = data.draw(st.lists(st.integers(0, len(scores) - 1), min_size=1, max_size=5))
    paths = written(tmp_path_factory.mktemp("scores"), [Row(score, "prose", "web", 1) for score in scores], 2)
    assert order_statistics(paths, "score", ranks) == [sorted(scores)[rank] for rank in ranks]


def test_the_markdown_lists_the_largest_sources_and_escapes_their_names(tmp_path: Path) -> None:
    rows = [Row(0.05 + 0.9 * (n % 10) / 9, "prose", f"s{min(n // 10, 19)}|<b>", 10) for n in range(400)]
    found = retention.retention(written(tmp_path, rows, 2), "score")
    retention.write(found, tmp_path / "retention.json", tmp_path / "retention.md")
    assert {**read_json(tmp_path / "retention.json")} == found
    text = (tmp_path / "retention.md").read_text(encoding="utf-8")
    assert "| all |  | 400 | 90.0 % |" in text
    assert "| source | s19\\|\\<b\\> | 210 |" in text
    assert text.count("| source |") == 2 * retention.SHOWN
    assert "8 more sources are in retention.json" in text


def test_equal_scores_and_no_scores_are_said(tmp_path: Path) -> None:
    equal = retention.retention(written(tmp_path, [Row(0.5, "prose", "web", 3)] * 4, 2), "score")
    assert "All scores are equal" in retention.markdown(equal)
    none = retention.retention(written(tmp_path, [Row(None, "prose", "web", 3)] * 4, 3), "score")
    assert "No document has a score; 4 pass without." in retention.markdown(none)
    # Scores outside of 0 and 1 that are all the same have one decile.
    assert retention.retention(written(tmp_path, [Row(2.5, "prose", "web", 3)] * 4, 1), "score")["at"] == [2.5]


def test_a_score_that_is_no_number_is_refused(tmp_path: Path) -> None:
    paths = written(tmp_path, [Row(math.nan, "prose", "web", 3), Row(0.5, "prose", "web", 3)], 1)
    with pytest.raises(SchemaError, match="NaN"):
        retention.retention(paths, "score")
