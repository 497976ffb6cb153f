from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.dedup import keep_order


def rows(dates, lengths, priorities, ids):
    return pa.table(
        {
            "id": pa.array(ids),
            "parent": pa.nulls(len(ids), pa.string()),
            "date": pa.array(dates, pa.timestamp("s", tz="UTC")),
            "ingested_characters": pa.array(lengths, pa.int64()),
            "priority": pa.array(priorities, pa.int32()),
        }
    )


def test_most_recent_first_null_dates_last_then_source_then_longest_then_id():
    table = rows(
        [
            datetime(2020, 1, 1, tzinfo=UTC),
            None,
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(1960, 1, 1, tzinfo=UTC),
        ],
        [9, 99, 5, 7, 7, 1],
        [0, 0, 1, 0, 0, 0],
        [f"{i:032x}" for i in (1, 2, 3, 5, 4, 6)],
    )
    order = keep_order.key_order(keep_order.sort_keys(table, ["most_recent", "source_priority", "longest"]))
    assert order.tolist() == [4, 3, 2, 0, 5, 1]
    order = keep_order.key_order(keep_order.sort_keys(table, ["oldest"]))
    assert order.tolist() == [5, 0, 2, 4, 3, 1]


def test_extracts_come_last_however_new_and_long():
    table = rows([datetime(2024, 1, 1, tzinfo=UTC), None], [99, 1], [0, 5], [f"{i:032x}" for i in (1, 2)])
    table = table.set_column(1, "parent", pa.array([f"{7:016x}", None]))
    order = keep_order.key_order(keep_order.sort_keys(table, ["most_recent", "source_priority", "longest"]))
    assert order.tolist() == [1, 0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), max_size=30), min_size=1, max_size=5))
def test_merged_ranks_equal_one_sort_of_everything(tmp_path_factory, lists):
    folder = tmp_path_factory.mktemp("merge")
    tables, paths = [], []
    for number, values in enumerate(lists):
        keys = np.zeros((len(values), keep_order.KEY_COLUMNS), np.uint64)
        keys[:, 0] = sorted(values)
        # The last column makes keys distinct, as ids do.
        keys[:, -1] = np.arange(len(values)) * len(lists) + number
        tables.append(keys)
        paths.append(folder / f"{number}.npy")
        keep_order.save_array(paths[-1], keys)
    keep_order.merge_ranks(paths, folder / "ranks.npy")
    every = np.concatenate(tables)
    expected = np.empty(len(every), np.int64)
    expected[keep_order.key_order(every)] = np.arange(len(every))
    assert keep_order.load_array(folder / "ranks.npy").tolist() == expected.tolist()


def test_lists_longer_than_a_window_are_merged(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    paths, tables = [], []
    for number in range(3):
        keys = np.zeros((1000 * (number + 1), keep_order.KEY_COLUMNS), np.uint64)
        keys[:, 2] = np.sort(rng.integers(0, 5000, len(keys)))
        keys[:, 4] = np.arange(len(keys)) * 3 + number
        tables.append(keys[keep_order.key_order(keys)])
        paths.append(tmp_path / f"{number}.npy")
        keep_order.save_array(paths[-1], tables[-1])
    monkeypatch.setattr(keep_order, "WINDOW_ROWS", 64)
    keep_order.merge_ranks(paths, tmp_path / "ranks.npy")
    every = np.concatenate(tables)
    expected = np.empty(len(every), np.int64)
    expected[keep_order.key_order(every)] = np.arange(len(every))
    assert (keep_order.load_array(tmp_path / "ranks.npy") == expected).all()


@pytest.mark.parametrize("missing", [0, 2])
def test_empty_shards_take_part(tmp_path, missing):
    paths = []
    for number in range(3):
        keys = np.zeros((0 if number == missing else 2, keep_order.KEY_COLUMNS), np.uint64)
        keys[:, 4] = np.arange(len(keys)) * 3 + number
        paths.append(tmp_path / f"{number}.npy")
        keep_order.save_array(paths[-1], keys)
    keep_order.merge_ranks(paths, tmp_path / "ranks.npy")
    assert sorted(keep_order.load_array(tmp_path / "ranks.npy").tolist()) == [0, 1, 2, 3]
