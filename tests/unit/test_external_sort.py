"""Sorting in slices: Python's own sort is the oracle; nothing is held that was handed over, nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import external_sort
from tamis.external_sort import first_of_each, sorted_slices

SCHEMA = pa.schema([("id", pa.string()), ("metadata", pa.string()), ("text", pa.large_string()), ("n", pa.int32())])
ORDER = ("id", "metadata", "n")

Row = tuple[str, str | None, str, int]


def table_of(rows: Sequence[Row]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [[]] * 4
    return pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), SCHEMA)


def in_order(row: Row) -> tuple[str, bool, str, int]:
    return row[0], row[1] is None, row[1] or "", row[3]


def sorted_rows(folder: Path, parts: Sequence[Sequence[Row]], run: int, piece: int) -> list[list[Row]]:
    """The rows of each slice."""
    with (
        patch.object(external_sort, "RUN_BYTES", run),
        patch.object(external_sort, "SLICE_BYTES", piece),
        sorted_slices(map(table_of, parts), ORDER, folder / "out") as slices,
    ):
        return [list(zip(*table.to_pydict().values(), strict=True)) for table in slices]


IDS = st.integers(0, 2**128 - 1) | st.sampled_from([0, 1, 2**64, 2**64 + 1, 2**127, 2**128 - 1])
ROWS = st.tuples(
    IDS.map("{:032x}".format), st.none() | st.sampled_from(["", "a", "b", "ä"]), st.text(max_size=5), st.integers(0, 3)
)


@given(
    st.lists(st.lists(ROWS, max_size=12), min_size=1, max_size=8),
    st.sampled_from([1, 300, 10**6]),
    st.sampled_from([1, 100, 10**6]),
)
def test_rows_come_as_python_sorts_them(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[Row]], run: int, piece: int
) -> None:
    folder = tmp_path_factory.mktemp("sort")
    # Rows that are equal in the order are equal: text follows from the rest, as in a corpus.
    parts = [[(*row[:2], f"{row[0]} {row[1]} {row[3]}", row[3]) for row in part] for part in parts]
    slices = sorted_rows(folder, parts, run, piece)
    assert [row for rows in slices for row in rows] == sorted((row for part in parts for row in part), key=in_order)
    assert len(slices) == 1 or all(slices)
    ids = [{row[0] for row in rows} for rows in slices]
    assert sum(map(len, ids)) == len(set().union(*ids))
    assert list(folder.iterdir()) == []


def rows_of(count: int, length: int, *, ids: int | None = None) -> list[Row]:
    numbers = np.random.default_rng(0).permutation(count).tolist()
    return [(f"{number % (ids or count):032x}", None, chr(97 + number % 26) * length, 0) for number in numbers]


def test_slices_are_as_large_as_they_are_said_to_be(tmp_path: Path) -> None:
    rows = rows_of(5000, 100)
    slices = sorted_rows(tmp_path, [rows[start : start + 100] for start in range(0, 5000, 100)], 50_000, 13_200)
    assert [len(part) for part in slices] == [100] * 50


def test_a_long_row_is_a_slice_of_its_own_and_the_others_stay_short(tmp_path: Path) -> None:
    rows = rows_of(400, 100)
    rows[77] = (rows[77][0], None, "x" * 10**7, 0)
    slices = sorted_rows(tmp_path, [rows[start : start + 10] for start in range(0, 400, 10)], 5000, 5000)
    lengths = [sum(len(row[2]) for row in part) for part in slices]
    assert sorted(lengths)[-2] < 5000 < 10**7 <= max(lengths)
    assert [row for part in slices for row in part] == sorted(rows, key=in_order)


def test_a_hundred_thousand_rows_of_one_id_are_one_slice(tmp_path: Path) -> None:
    rows = [(f"{5:032x}", f"{number % 1000:04d}", "same", 0) for number in range(100_000)]
    around = rows_of(300, 50)
    slices = sorted_rows(tmp_path, [rows[:50_000], around[:150], rows[50_000:], around[150:]], 100_000, 1000)
    assert [row for part in slices for row in part] == sorted(rows + around, key=in_order)
    assert sum(any(row[2] == "same" for row in part) for part in slices) == 1


def test_neither_runs_nor_slices_pile_up_in_memory(tmp_path: Path) -> None:
    size = 1 << 20
    held: list[int] = []
    start = pa.total_allocated_bytes()

    def tables() -> Iterator[pa.Table]:
        for part in range(40):
            held.append(pa.total_allocated_bytes() - start)
            yield table_of([(f"{number * 40 + part:032x}", None, "y" * 10_000, 0) for number in range(100)])

    with (
        patch.object(external_sort, "RUN_BYTES", size),
        patch.object(external_sort, "SLICE_BYTES", size),
        sorted_slices(tables(), ORDER, tmp_path / "out") as slices,
    ):
        rows = 0
        for table in slices:
            held.append(pa.total_allocated_bytes() - start)
            rows += table.num_rows
            del table
    assert rows == 4000
    # Two runs at the beginning, to see whether there is a second one at all, and the next table.
    assert max(held) < 3.1 * size
    assert max(held[4:]) < 1.1 * size


def test_the_file_lies_beside_the_output_and_goes_when_the_block_fails(tmp_path: Path) -> None:
    folder = tmp_path / "deep"
    tables = [table_of(rows_of(10, 10))] * 3

    def failing_input() -> Iterator[pa.Table]:
        yield from tables
        raise KeyError("input")

    def failing_use() -> None:
        with sorted_slices(tables, ORDER, folder / "out") as slices:
            next(slices)
            (path,) = folder.iterdir()
            assert path.name.startswith(".out.")
            assert path.stat().st_size > 1000
            raise KeyError("use")

    with patch.object(external_sort, "RUN_BYTES", 100):
        with pytest.raises(KeyError, match="use"):
            failing_use()
        with pytest.raises(KeyError, match="input"), sorted_slices(failing_input(), ORDER, folder / "out"):
            pass
    assert list(folder.iterdir()) == []


def test_what_fits_in_one_run_touches_no_disk(tmp_path: Path) -> None:
    with sorted_slices([table_of(rows_of(10, 10))], ORDER, tmp_path / "deep" / "out") as slices:
        assert [table.num_rows for table in slices] == [10]
        assert not (tmp_path / "deep").exists()


def test_no_rows_are_one_table_without_rows(tmp_path: Path) -> None:
    with sorted_slices([table_of([]), table_of([])], ORDER, tmp_path / "out") as slices:
        (table,) = slices
    assert table.num_rows == 0
    assert table.schema == SCHEMA


def test_first_of_each() -> None:
    assert first_of_each(np.array(["a", "a", "b", "c", "c"], object)).tolist() == [True, False, True, True, False]
    assert first_of_each(np.array([[0, 1], [0, 1], [0, 2], [1, 2]], np.uint64)).tolist() == [True, False, True, True]
    assert first_of_each(np.empty((0, 2), np.uint64)).tolist() == []
