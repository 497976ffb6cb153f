import os

import pyarrow as pa
import pytest

from tamis import shards
from tamis.errors import SchemaError, SourceError


def test_a_file_that_failed_to_be_written_is_not_there_and_the_old_one_stays(tmp_path):
    path = tmp_path / "deep" / "file"
    with shards.whole_file(path) as temporary:
        temporary.write_text("old")

    def fail():
        with shards.whole_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_two_writers_do_not_mix_their_bytes(tmp_path):
    path = tmp_path / "file"
    with shards.whole_file(path) as first, shards.whole_file(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert len(list(tmp_path.iterdir())) == 1


def test_documents_come_back_as_written_and_bytes_repeat(make_documents, tmp_path):
    documents = make_documents(["one", "zwei", "三"], url=["http://a.example/", None, None])
    for name in ("a.parquet", "b.parquet"):
        shards.write_table(tmp_path / name, documents)
    assert shards.read_documents(tmp_path / "a.parquet").equals(documents.combine_chunks())
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_schema_metadata_does_not_reach_the_file(make_documents, tmp_path):
    # A path or a number of shards in there would make equal results differ in their bytes.
    shards.write_table(tmp_path / "a.parquet", make_documents(["x"]).replace_schema_metadata({"path": "/somewhere"}))
    assert b"somewhere" not in (tmp_path / "a.parquet").read_bytes()


def test_no_rows_is_a_table_too(make_documents, tmp_path):
    shards.write_table(tmp_path / "a.parquet", make_documents([]))
    assert shards.read_documents(tmp_path / "a.parquet").num_rows == 0


def test_missing_and_damaged_files_are_named(make_documents, tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(SourceError, match=r"a\.parquet: missing"):
        shards.read_table(path)
    shards.write_table(path, make_documents(["some text"] * 100))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"a\.parquet: damaged"):
        shards.read_table(path)


def test_a_table_without_the_columns_of_documents_is_refused(tmp_path):
    shards.write_table(tmp_path / "a.parquet", pa.table({"id": ["a"], "text": ["b"]}))
    with pytest.raises(SchemaError, match="lack the columns"):
        shards.read_documents(tmp_path / "a.parquet")


def test_json_is_canonical(tmp_path):
    shards.write_json(tmp_path / "a.json", {"b": 1, "a": "ä"})
    shards.write_json(tmp_path / "b.json", {"a": "ä", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert shards.read_json(tmp_path / "a.json") == {"a": "ä", "b": 1}
    assert "ä" in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("sizes", [[0], [1], [16_384], [16_383, 1, 0, 16_385], [5_000] * 8])
def test_tables_written_one_after_the_other_give_the_bytes_of_one(tmp_path, sizes):
    rows = sum(sizes)
    whole = pa.table(
        {"id": [f"{i:032x}" for i in range(rows)], "text": pa.array(["t" * (i % 50) for i in range(rows)])}
    )
    whole = whole.cast(pa.schema([("id", pa.string()), ("text", pa.large_string())]))
    shards.write_table(tmp_path / "whole", whole)
    writer = shards.TableWriter(tmp_path / "parts")
    start = 0
    for size in sizes:
        writer.write(whole.slice(start, size))
        start += size
    writer.close()
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
    shards.write_tables(tmp_path / "tables", (whole.slice(at, 700) for at in range(0, whole.num_rows + 1, 700)))
    assert (tmp_path / "tables").read_bytes() == (tmp_path / "whole").read_bytes()
    assert pa.concat_tables([whole.slice(0, 0), *shards.table_batches(tmp_path / "parts")]).equals(whole)


def test_batches_of_a_documents_file_are_held_to_the_contract(make_documents, tmp_path):
    documents = make_documents(["one", "two"])
    shards.write_table(tmp_path / "bad", documents.drop_columns("rank"))
    with pytest.raises(SchemaError, match="rank"):
        list(shards.document_batches(tmp_path / "bad"))
    shards.write_table(tmp_path / "empty", documents.slice(0, 0))
    (only,) = shards.document_batches(tmp_path / "empty")
    assert only.num_rows == 0
    assert only.schema == documents.schema
    (tmp_path / "cut").write_bytes((tmp_path / "empty").read_bytes()[:-20])
    for path in ("cut", "missing"):
        with pytest.raises(SourceError, match=path):
            list(shards.document_batches(tmp_path / path))


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path = tmp_path / "results" / "part-00000.parquet"
    named = []
    monkeypatch.setattr(os, "fsync", lambda file: named.append((os.fstat(file).st_size, path.exists())))
    with shards.whole_file(path) as temporary:
        temporary.write_bytes(b"text")
    assert named == [(4, False)]
