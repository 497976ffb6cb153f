"""An extract goes if what it was taken from is there, and only then."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents import make_documents
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis import barrier, exchange
from tamis.config import load
from tamis.errors import ConfigError
from tamis.ids import home_shards
from tamis.shards import part_name, read_json, write_table
from tamis.stages import extracts


def run(folder: Path, documents: pa.Table, shards: int, partitions: int) -> tuple[pa.Table, pa.Table, dict]:
    """Kept documents, ledger rows and notes."""
    homes = home_shards(documents["id"], shards)
    for shard, table in enumerate(exchange.split(documents, homes, shards)):
        write_table(folder / "in" / f"{part_name(shard)}.parquet", table.sort_by("id"))
        extracts.run_map(
            partitions=partitions,
            documents=folder / "in" / f"{part_name(shard)}.parquet",
            output=folder / "map" / f"{part_name(shard)}.arrow",
        )
    barrier.write(folder / "map.json", folder / "map", shards, ".arrow")
    for partition in range(partitions):
        output = folder / "reduce" / f"{part_name(partition)}.arrow"
        extracts.run_reduce(partition=partition, partitions=partitions, barrier=folder / "map.json", output=output)
    barrier.write(folder / "reduce.json", folder / "reduce", partitions, ".arrow")
    notes: dict = {"extracts": 0, "extracts_without_parent": 0}
    for shard in range(shards):
        name = part_name(shard)
        extracts.run_apply(
            shard=shard,
            shards=shards,
            documents=folder / "in" / f"{name}.parquet",
            barrier=folder / "reduce.json",
            kept=folder / "kept" / f"{name}.parquet",
            dropped=folder / "dropped" / f"{name}.parquet",
            stats=folder / "stats" / f"{name}.json",
        )
        for key in notes:
            notes[key] += read_json(folder / "stats" / f"{name}.json")["notes"][key]
    read = [
        pa.concat_tables([pq.read_table(path) for path in sorted((folder / one).iterdir())])
        for one in ("kept", "dropped")
    ]
    return read[0].sort_by("id"), read[1].sort_by("id"), notes


def name(key: int, content: int) -> str:
    return f"{key:016x}{content:016x}"


def test_an_extract_goes_with_its_parent_here_and_stays_without(tmp_path: Path) -> None:
    documents = make_documents(
        ["module", "page of the module", "page of a module that is gone", "older capture of the module"],
        id=[name(1, 9), name(2, 1), name(3, 1), name(1, 1)],
        parent=[None, f"{1:016x}", f"{7:016x}", None],
        rank=[0, 2, 3, 1],
    )
    kept, ledger, notes = run(tmp_path, documents, 2, 3)
    assert kept["id"].to_pylist() == [name(1, 1), name(1, 9), name(3, 1)]
    row = ledger.to_pylist()[0]
    assert (row["reason"], row["matched_id"], row["kept_id"]) == ("extract_of_kept", name(1, 9), None)
    assert notes == {"extracts": 2, "extracts_without_parent": 1}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 8), st.none() | st.integers(1, 8)), max_size=12),
    st.randoms(use_true_random=False),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_every_text_that_goes_is_in_one_that_stays(tmp_path_factory, rows, random, shards, partitions) -> None:
    """Circles of parents, extracts of extracts, parents of themselves: by dictionaries, in any order."""
    ranks = list(range(len(rows)))
    random.shuffle(ranks)
    ids = [name(key, place) for place, (key, _) in enumerate(rows)]
    documents = (
        make_documents(
            ["text"] * len(rows),
            id=pa.array(ids, pa.string()),
            parent=pa.array([None if parent is None else f"{parent:016x}" for _, parent in rows], pa.string()),
            rank=pa.array(ranks, pa.int64()),
        )
        if rows
        else make_documents([])
    )
    kept, ledger, _ = run(tmp_path_factory.mktemp("extracts"), documents, shards, partitions)
    stays = set(kept["id"].to_pylist())
    goes = {
        ids[place]
        for place, (_, parent) in enumerate(rows)
        if any(key == parent and ranks[other] < ranks[place] for other, (key, _) in enumerate(rows))
    }
    assert stays == set(ids) - goes
    follows = dict(zip(ledger["id"].to_pylist(), ledger["matched_id"].to_pylist(), strict=True))
    for one in goes:
        last = one
        while last in follows:
            last = follows[last]
        assert last in stays


def test_a_stage_that_drops_after_it_is_refused() -> None:
    source = [{"name": "a", "format": "text", "paths": [__file__]}]
    load({"sources": source, "pipeline": ["language_id", "extracts"]})
    with pytest.raises(ConfigError, match="put extracts after"):
        load({"sources": source, "pipeline": ["extracts", "language_id"]})
