"""Round files: what is written in rounds is read in rounds, and a file that is damaged or of other shards is refused."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis import exchange, streams
from tamis.errors import ShardMismatchError, SourceError

SCHEMA = pa.schema([("x", pa.int64()), ("text", pa.large_string())])


def numbers(values: list[int]) -> pa.Table:
    return pa.table({"x": values, "text": [f"text {value}" for value in values]}, SCHEMA)


def write_rounds(path: Path, rounds: list[list[int]], targets: int) -> None:
    parts = [exchange.split(numbers(row), np.array(row, np.int64) % targets, targets) for row in rounds]
    exchange.write(path, SCHEMA, (part for row in parts for part in row))


@given(st.lists(st.lists(st.integers(0, 99), max_size=9), max_size=6), st.integers(1, 4))
def test_each_target_gets_its_rows_round_by_round(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[int]], targets: int
) -> None:
    path = tmp_path_factory.mktemp("rounds") / "a.arrow"
    write_rounds(path, rounds, targets)
    for target in range(targets):
        expected = [[value for value in row if value % targets == target] for row in rounds]
        assert [read()["x"].to_pylist() for read in streams.rounds(path, target, targets)] == expected
        found = [table["x"].to_pylist() for table in streams.read_rounds(path, target, targets)]
        assert found == [row for row in expected if row]


@given(
    st.lists(st.lists(st.integers(0, 99), max_size=9), min_size=1, max_size=6), st.integers(1, 4), st.integers(1, 300)
)
def test_rows_are_routed_in_rounds(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], targets: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("rounds") / "a.arrow"
    with patch.object(streams, "ROUND_BYTES", size):
        streams.write_rounds(path, SCHEMA, map(numbers, parts), lambda rows: rows["x"].to_numpy() % targets, targets)
    values = [value for part in parts for value in part]
    for target in range(targets):
        tables = [read() for read in streams.rounds(path, target, targets)]
        assert len(tables) == len(list(streams.gathered(map(numbers, parts), size)))
        assert pa.concat_tables([SCHEMA.empty_table(), *tables])["x"].to_pylist() == [
            value for value in values if value % targets == target
        ]


def test_a_file_for_another_number_of_targets_is_refused(tmp_path: Path) -> None:
    streams.write_rounds(tmp_path / "a", SCHEMA, [numbers([1, 2])], lambda rows: rows["x"].to_numpy() % 4, 4)
    for targets in (1, 2, 8):
        with pytest.raises(ShardMismatchError, match=f"rounds of 4, not of {targets}; .*other shards"):
            streams.rounds(tmp_path / "a", 0, targets)


def test_only_the_named_columns_are_read(tmp_path: Path) -> None:
    write_rounds(tmp_path / "a", [[1, 2], [3]], 1)
    assert [table.column_names for table in streams.read_rounds(tmp_path / "a", 0, 1, ["x"])] == [["x"], ["x"]]


def test_batches_that_are_no_whole_rounds_are_refused(tmp_path: Path) -> None:
    write_rounds(tmp_path / "a", [[1], [2], [3]], 2)
    with pytest.raises(ShardMismatchError, match="6 batches are no whole rounds of 4"):
        streams.rounds(tmp_path / "a", 0, 4)


def test_a_damaged_or_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    write_rounds(path, [list(range(3000))], 1)
    (read,) = streams.rounds(path, 0, 1)
    whole = bytearray(path.read_bytes())
    at = len(whole) // 2
    whole[at : at + 200] = b"\xff" * 200
    path.write_bytes(whole)
    with pytest.raises(SourceError, match=r"a\.arrow: damaged"):
        read()
    path.write_bytes(whole[:-50])
    with pytest.raises(SourceError, match=r"a\.arrow"):
        streams.rounds(path, 0, 1)
    with pytest.raises(SourceError, match="missing"):
        streams.rounds(tmp_path / "missing", 0, 1)


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=9), st.integers(1, 200))
def test_tables_are_joined_until_they_are_large_enough(parts: list[list[int]], size: int) -> None:
    tables = [numbers(part) for part in parts]
    joined = list(streams.gathered(iter(tables), size))
    assert pa.concat_tables(joined).equals(pa.concat_tables(tables))
    assert all(table.nbytes >= size for table in joined[:-1])
    assert len(joined) == 1 or all(table.num_rows for table in joined)
    assert all(table.nbytes < size + max(part.nbytes for part in tables) for table in joined)


def test_what_was_handed_over_is_not_held() -> None:
    before = pa.total_allocated_bytes()
    held = []

    def tables():
        for _ in range(50):
            held.append(pa.total_allocated_bytes() - before)
            yield pa.table({"x": np.zeros(100_000, np.int64).tolist()})

    for joined in streams.gathered(tables(), 2_000_000):
        assert joined.num_rows == 300_000
        del joined
        break
    rows = 0
    for joined in streams.gathered(tables(), 2_000_000):
        rows += joined.num_rows
        del joined
    assert rows == 5_000_000
    assert max(held) < 4_000_000


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.arrow"
    path.write_bytes(b"ARROW1 and then nothing")
    with pytest.raises(SourceError, match=r"part-00000\.arrow"):
        list(streams.read_rounds(path, 0, 2))
    table = pa.table({"rank": pa.array([1], pa.int64())})
    exchange.write(path, table.schema, [table] * 3)
    with pytest.raises(ShardMismatchError, match="no whole rounds of 2"):
        list(streams.read_rounds(path, 0, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=40).map(sorted), min_size=1, max_size=4), st.integers(1, 5))
def test_merged_files_come_in_rank_order_with_each_rank_whole(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], rows: int
) -> None:
    where = tmp_path_factory.mktemp("merged")
    paths = []
    for index, ranks in enumerate(files):
        table = pa.table({"rank": pa.array(ranks, pa.int64())})
        paths.append(where / f"{index}.arrow")
        exchange.write(paths[-1], table.schema, [table.slice(start, rows) for start in range(0, len(ranks), rows)])
    seen: list[int] = []
    others: list[int] = []
    last = -1
    for one, other in streams.merged([paths, paths[:1]]):
        ranks = one["rank"].to_pylist()
        assert min(ranks) > last
        assert set(other["rank"].to_pylist()) <= set(ranks)
        last = max(ranks)
        seen += sorted(ranks)
        others += other["rank"].to_pylist()
    assert seen == sorted(rank for ranks in files for rank in ranks)
    assert others == files[0]
