"""Files between jobs that were damaged: none yields another value in silence, and the error names file and remedy."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tamis import barrier, exchange, provenance, shards, streams, texts
from tamis.dedup import keep_order
from tamis.errors import TamisError

FLIPS = 120
"""Of one bit, for each kind of file; 600 in all, with as many cuts and exchanges of places."""


def documents(make_documents, first, count):
    texts = [f"Text {number} says {'much ' * (number % 40)}and no more." for number in range(first, first + count)]
    ids = [f"{number * 7919:032x}" for number in range(first, first + count)]
    urls = [f"https://example.org/{number}" if number % 3 else None for number in range(first, first + count)]
    return make_documents(texts, id=ids, url=urls)


def write_parquet(make_documents, path, first):
    shards.write_table(path, documents(make_documents, first, 300), row_group_rows=100)


def read_parquet(path):
    return shards.read_table(path).to_pylist(), [
        row for part in shards.document_batches(path) for row in part.to_pylist()
    ]


def naming(path):
    """The file that names another for its texts."""
    return path.parents[2] / "named" / path.parent.name / path.name


def write_held_texts(make_documents, path, first):
    rows = documents(make_documents, first, 300)
    shards.write_table(path, rows.select(["id", "text"]), row_group_rows=100)
    with shards.whole_file(naming(path)) as temporary:
        writer = shards.TableWriter(temporary, texts.named(path.parents[1].name, naming(path)))
        writer.write(rows.drop_columns(["text"]))
        writer.close()


def read_held_texts(path):
    return read_parquet(naming(path))


def write_exchange(make_documents, path, first):
    rows = documents(make_documents, first, 200).select(["id", "text"])
    exchange.scatter(path, rows, np.arange(200) % 3, 3)


def read_exchange(path):
    return [exchange.read_batch(path, index, 3).to_pylist() for index in range(3)]


def write_rounds(make_documents, path, first):
    rows = documents(make_documents, first, 200).select(["id", "text"])
    streams.write_rounds(path, rows.schema, [rows], lambda table: np.arange(table.num_rows) % 2, 2)


def read_rounds(path):
    return [[part.to_pylist() for part in streams.read_rounds(path, target, 2)] for target in range(2)]


def write_array(make_documents, path, first):
    keep_order.save_array(path, np.arange(first, first + 5000, dtype=np.int64))


def read_array(path):
    return (
        keep_order.load_array(path).tolist(),
        keep_order.load_array(path, 10, 20).tolist(),
        keep_order.array_length(path),
    )


def write_json(make_documents, path, first):
    value = {"stage": "heuristics", "shard": first, "counts": [{"documents": n + first, "é": n / 7} for n in range(20)]}
    shards.write_json(path, value)


def write_barrier(make_documents, path, first):
    for index in range(3):
        (path.parent / f"part-{index:05d}.held").write_bytes(b"x")
    barrier.write(path, path.parent, 3, ".held")


KINDS = {
    "parquet": (write_parquet, read_parquet),
    "held texts": (write_held_texts, read_held_texts),
    "exchange": (write_exchange, read_exchange),
    "rounds": (write_rounds, read_rounds),
    "array": (write_array, read_array),
    "json": (write_json, shards.read_json),
    "barrier": (write_barrier, barrier.paths),
}


def outcome(path: Path, read, right) -> str:
    """What became of reading a file: `error`, `equal`, or `other` where another value came out in silence."""
    found = None
    message = ""
    try:
        found = read(path)
    except TamisError as error:
        message = str(error)
    if message:
        assert str(path) in message
        assert "Delete" in message
        return "error"
    return "equal" if found == right else "other"


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_yields_another_value_in_silence(tmp_path, make_documents, kind):
    write, read = KINDS[kind]
    path = tmp_path / "stage" / "documents" / "part-00000.x"
    path.parent.mkdir(parents=True)
    write(make_documents, path, 0)
    whole, right = path.read_bytes(), read(path)
    dice = random.Random(kind)  # noqa: S311 - a test order
    seen: Counter[str] = Counter()
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        seen[outcome(path, read, right)] += 1
    for size in [0, 1, 7, 8, len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(20))]:
        path.write_bytes(whole[:size])
        cut = outcome(path, read, right)
        # Of JSON the last line feed may go.
        assert cut == "error" or (cut == "equal" and size == len(whole) - 1), size
    path.write_bytes(whole + b"\0")
    assert outcome(path, read, right) in ("error", "equal")
    assert seen["other"] == 0, seen
    # Few bytes do not matter: the magic at the beginning of a Parquet file, white space between keys.
    assert seen["error"] > 0.8 * FLIPS, seen


@pytest.mark.parametrize("kind", ["exchange", "rounds", "array"])
def test_files_that_changed_places_are_noticed(tmp_path, make_documents, kind):
    write, read = KINDS[kind]
    one, other = (tmp_path / f"part-0000{index}.x" for index in range(2))
    write(make_documents, one, 0)
    write(make_documents, other, 1000)
    other.rename(one)
    assert outcome(one, read, None) == "error"


PARAMS = {"stage": "heuristics", "version": 3, "config": {"x": 1}, "shards": 2}


def made(make_documents, path, **changed):
    with provenance.job(PARAMS | changed):
        write_parquet(make_documents, path, 0)


def test_a_job_reads_only_what_it_expects(tmp_path, make_documents):
    path = tmp_path / "results/heuristics/documents/part-00000.parquet"
    reads = {"reads": {"heuristics/documents": provenance.identity(PARAMS)}}
    made(make_documents, path)
    # The number of shards is none of its settings, and outside of jobs nothing is compared.
    made(make_documents, path, shards=5)
    with provenance.job({"stage": "next", "version": 1} | reads):
        assert shards.read_table(path).num_rows == 300
    for changed in ({"version": 2}, {"config": {"x": 2}}, {"stage": "url_dedup"}, {"name": "mixtures/one"}):
        made(make_documents, path, **changed)
        assert shards.read_table(path).num_rows == 300
        with provenance.job({"stage": "next", "version": 1} | reads), pytest.raises(TamisError) as caught:
            shards.read_table(path)
        assert "made by another stage, version or settings" in str(caught.value)
        assert str(path) in str(caught.value)
    write_parquet(make_documents, path, 0)
    with (
        provenance.job({"stage": "next", "version": 1} | reads),
        pytest.raises(TamisError, match="expected heuristics"),
    ):
        shards.read_table(path)


def test_tables_that_changed_places_are_noticed(tmp_path, make_documents):
    one, other = (tmp_path / f"heuristics/documents/part-0000{index}.parquet" for index in range(2))
    made(make_documents, one)
    made(make_documents, other)
    other.rename(one)
    with pytest.raises(TamisError, match="files changed places"):
        shards.column_names(one)


def test_the_identity_of_a_table_names_no_folder_and_no_number_of_shards(tmp_path, make_documents):
    first, second = tmp_path / "a/documents/part-00000.parquet", tmp_path / "b/documents/part-00000.parquet"
    made(make_documents, first)
    made(make_documents, second, shards=7)
    assert first.read_bytes() == second.read_bytes()
    assert str(tmp_path).encode() not in first.read_bytes()


def test_a_results_folder_and_an_index_may_be_renamed(tmp_path, make_documents):
    for path in ("results/stats.parquet", "index/sets-00000.parquet"):
        made(make_documents, tmp_path / path)
        written = (tmp_path / path).read_bytes()
        (tmp_path / path).parent.rename(tmp_path / "moved")
        assert shards.row_count(tmp_path / "moved" / path.rpartition("/")[2]) == 300
        assert path.partition("/")[0].encode() not in written
        (tmp_path / "moved").rename(tmp_path / f"done{len(path)}")
    write_array(make_documents, tmp_path / "one/ranks.npy", 0)
    (tmp_path / "one").rename(tmp_path / "two")
    assert keep_order.array_length(tmp_path / "two/ranks.npy") == 5000


def test_a_seal_covers_nested_columns_and_files_without_rows(tmp_path):
    schema = pa.schema([("id", pa.string()), ("v", pa.list_(pa.float32(), 2)), ("s", pa.struct([("a", pa.int8())]))])
    rows = pa.Table.from_pylist([{"id": str(n), "v": [n, n], "s": {"a": n}} for n in range(50)], schema)
    for count in (0, 50):
        shards.write_table(tmp_path / "t.parquet", rows.slice(0, count), row_group_rows=20)
        assert shards.read_table(tmp_path / "t.parquet").equals(rows.slice(0, count))
        assert shards.row_count(tmp_path / "t.parquet") == count
