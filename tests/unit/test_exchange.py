import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis import barrier, exchange
from tamis.errors import SchemaError, ShardMismatchError, SourceError


def crossing(folder, tables, partitions_of, partitions):
    """Scatter tables as map jobs do and return the barrier over their files."""
    for number, (table, partition) in enumerate(zip(tables, partitions_of, strict=True)):
        exchange.scatter(folder / f"part-{number:05d}.arrow", table, np.array(partition, np.int64), partitions)
    barrier.write(folder / "barrier.json", folder, len(tables), ".arrow")
    return folder / "barrier.json"


def numbers(values):
    return pa.table({"x": pa.array(values, pa.int64()), "text": pa.array([f"t{v}" for v in values], pa.large_string())})


def test_each_partition_gets_its_rows_file_after_file_in_their_order(tmp_path):
    lines = crossing(tmp_path, [numbers([5, 1, 4]), numbers([9, 2])], [[1, 0, 1], [1, 1]], 3)
    assert exchange.read(lines, 0, 3)["x"].to_pylist() == [1]
    assert exchange.read(lines, 1, 3)["x"].to_pylist() == [5, 4, 9, 2]
    assert exchange.read(lines, 2, 3).num_rows == 0
    assert [table["x"].to_pylist() for table in exchange.read_each(lines, 1, 3)] == [[5, 4], [9, 2]]


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 7),
    st.lists(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 6)), max_size=30), min_size=1, max_size=4),
)
def test_nothing_is_lost_and_nothing_is_made_up(tmp_path_factory, partitions, files):
    folder = tmp_path_factory.mktemp("exchange")
    tables = [numbers([value for value, _ in rows]) for rows in files]
    targets = [[where % partitions for _, where in rows] for rows in files]
    lines = crossing(folder, tables, targets, partitions)
    for partition in range(partitions):
        expected = [value for rows in files for value, where in rows if where % partitions == partition]
        read = exchange.read(lines, partition, partitions)
        assert read["x"].to_pylist() == expected
        assert read["text"].to_pylist() == [f"t{value}" for value in expected]
        assert read.schema == tables[0].schema


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(1, 1000))
def test_partitions_follow_the_order_of_the_hashes(hashes, partitions):
    found = exchange.partition_of(np.sort(np.array(hashes, np.uint64)), partitions)
    assert (np.diff(found) >= 0).all()
    assert exchange.partition_of(np.array([0, 2**64 - 1], np.uint64), partitions).tolist() == [0, partitions - 1]


def test_columns_can_be_chosen_in_any_order(tmp_path):
    lines = crossing(tmp_path, [numbers([3, 4])], [[0, 0]], 1)
    assert exchange.read(lines, 0, 1, ["text", "x"]).column_names == ["text", "x"]
    assert exchange.read(lines, 0, 1, ["text"]).to_pydict() == {"text": ["t3", "t4"]}


def test_another_number_of_partitions_is_refused(tmp_path):
    lines = crossing(tmp_path, [numbers([1])], [[0]], 2)
    with pytest.raises(ShardMismatchError, match=r"part-00000\.arrow: holds 2 partitions, expected 3"):
        exchange.read(lines, 0, 3)


def test_a_file_that_changed_since_the_barrier_is_refused(tmp_path):
    lines = crossing(tmp_path, [numbers([1]), numbers([2])], [[0], [0]], 1)
    exchange.scatter(tmp_path / "part-00001.arrow", numbers([2, 3]), np.zeros(2, np.int64), 1)
    with pytest.raises(ShardMismatchError, match="part-00001"):
        exchange.read(lines, 0, 1)


@pytest.mark.parametrize("keep", [0, 10, 100])
def test_a_cut_file_is_refused(tmp_path, keep):
    path = tmp_path / "part-00000.arrow"
    exchange.scatter(path, numbers(range(50)), np.zeros(50, np.int64), 1)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SourceError, match=r"part-00000\.arrow: damaged"):
        exchange.read_batch(path, 0, 1)


def test_a_batch_of_another_schema_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(SchemaError, match="batch has columns"):
        exchange.write(tmp_path / "out.arrow", numbers([]).schema, [pa.table({"y": [1]})])
    assert list(tmp_path.iterdir()) == []


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        exchange.scatter(tmp_path / name / "map" / "x", numbers(range(1000)), np.arange(1000) % 4, 4)
    assert (tmp_path / "a/map/x").read_bytes() == (tmp_path / "b/map/x").read_bytes()


@pytest.mark.slow
def test_rows_that_do_not_fit_into_one_batch_are_refused_and_not_cut_off(tmp_path):
    # One megabyte, named 2,100 times: the table takes no more memory than that, its one batch would take 2.2 GB.
    text = pa.array(["x" * (1 << 20)])
    table = pa.table({"text": pa.chunked_array([text] * 2_100)})
    with pytest.raises(SchemaError, match="2100 rows for one shard or partition hold more than 2 GB"):
        exchange.write(tmp_path / "a.arrow", table.schema, [table])
    assert list(tmp_path.iterdir()) == []
