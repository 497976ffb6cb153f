"""The global order of an export."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
from fake_pool import export

from tamis.export import Config


def test_an_export_is_a_permutation_of_the_set(exported: Path) -> None:
    given = [
        row for file in range(3)
        for row in pq.read_table(exported.parents[1] / f"mixtures/mix/documents/part-0000{file}.parquet").to_pylist()
    ]  # fmt: skip
    found = [
        row for shard in range(2) for row in pq.read_table(exported / f"parquet/part-0000{shard}.parquet").to_pylist()
    ]
    key = lambda row: (row["id"], row["epoch"])  # noqa: E731
    assert sorted(found, key=key) == sorted(given, key=key)
    assert any(row["epoch"] for row in found)
    # One global order: neither by id, nor in the order of the set's files, nor one domain after the other.
    ids = [row["id"] for row in found]
    assert ids != sorted(ids)
    domains = [row["domain"] for row in found]
    changes = sum(one != other for one, other in pairwise(domains))
    assert changes > len(domains) / 4
    # Copies of one document do not follow each other, as they would if the order were that of the id's hash alone.
    assert sum(one == other for one, other in pairwise(ids)) < 5


def test_the_order_does_not_depend_on_the_number_of_output_shards(exported: Path) -> None:
    root = exported.parents[1]
    read = lambda count: [  # noqa: E731
        row
        for shard in range(count)
        for row in pq.read_table(exported / f"parquet/part-0000{shard}.parquet")["id"].to_pylist()
    ]
    two = read(2)
    export(root, "mixtures/mix", Config(), 3, 5)
    assert read(5) == two
    export(root, "mixtures/mix", Config(seed=1), 3, 5)
    assert read(5) != two
