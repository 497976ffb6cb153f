"""Parquet: mapping, metadata, damage."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.columns import Columns
from tamis.readers.jsonl import JsonlSource
from tamis.readers.parquet import BATCH_ROWS, ParquetSource


def items(path: Path, table: pa.Table, **options: object) -> list[Record | Skip]:
    pq.write_table(table, path, row_group_size=300)
    return list(ParquetSource(name="s", paths=(str(path),), **options).read(path))


def test_columns_are_mapped_over_row_groups_and_batches(tmp_path: Path) -> None:
    n = 2 * BATCH_ROWS + 7
    table = pa.table(
        {
            "content": [f"Text of row {i}." for i in range(n)],
            "link": [f"http://x/{i}" for i in range(n)],
            "at": pa.array([datetime(2020, 1, 1, tzinfo=UTC)] * n, pa.timestamp("us", tz="UTC")),
            "sort": ["code"] * n,
            "extra": [{"a": [i]} for i in range(n)],
            "of": [None if i % 2 else f"http://y/{i}" for i in range(n)],
        }
    )
    named = {"url_column": "link", "date_column": "at", "kind_column": "sort", "parent_column": "of"}
    found = items(tmp_path / "a.parquet", table, text_column="content", **named)
    assert [record.parent for record in found] == table["of"].to_pylist()
    assert [record.record for record in found] == list(range(1, n + 1))
    last = found[-1]
    assert (last.text, last.url, last.kind) == (f"Text of row {n - 1}.", f"http://x/{n - 1}", "code")
    assert last.date == datetime(2020, 1, 1, tzinfo=UTC)
    assert last.metadata == {"sort": "code", "extra": {"a": [n - 1]}}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
def test_every_string_type_is_a_text(tmp_path: Path, kind: pa.DataType) -> None:
    column = pa.array([b"caf\xc3\xa9"] if kind == pa.binary() else ["café"]).cast(kind)
    assert items(tmp_path / "a.parquet", pa.table({"text": column}))[0].text == "café"


def test_url_and_date_are_taken_when_they_are_there_as_from_json_lines(tmp_path: Path) -> None:
    rows = [
        {"text": "One text.", "url": "http://x/1", "date": "2020-01-01", "other": 1},
        {"text": "Two texts.", "url": None, "date": None, "other": 2},
    ]
    lines = tmp_path / "a.jsonl"
    for wanted in (("text", "url", "date", "other"), ("text", "date"), ("text", "url"), ("text",)):
        some = [{name: row[name] for name in wanted} for row in rows]
        lines.write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")
        from_lines = list(JsonlSource(name="s", paths=(str(lines),)).read(lines))
        from_columns = items(tmp_path / "a.parquet", pa.table({name: [row[name] for row in some] for name in wanted}))
        for one, other in zip(from_lines, from_columns, strict=True):
            assert (one.text, one.url, one.date, one.metadata) == (other.text, other.url, other.date, other.metadata)
    assert from_columns[0].url is None
    # Null keeps them as metadata.
    table = pa.table({"text": ["x"], "url": ["http://x/1"]})
    assert items(tmp_path / "a.parquet", table, url_column=None)[0].metadata == {"url": "http://x/1"}


def test_default_columns_of_other_types_are_kept_as_metadata(tmp_path: Path) -> None:
    table = pa.table({"text": ["x"], "url": [["a", "b"]], "date": [{"year": 2020}]})
    (record,) = items(tmp_path / "a.parquet", table)
    assert (record.url, record.date) == (None, None)
    assert record.metadata == {"url": ["a", "b"], "date": {"year": 2020}}


def test_a_date_of_the_far_future_is_kept_as_metadata_and_none(tmp_path: Path) -> None:
    times = pa.array([datetime(2262, 1, 1), datetime(2100, 12, 31)], pa.timestamp("s"))  # noqa: DTZ001
    for column in (times, pa.array([22620101000000, 21001231]), pa.array(["2262-01-01T00:00:00Z", "2100-12-31"])):
        path = tmp_path / "a.parquet"
        found = items(path, pa.table({"text": ["one text", "another"], "date": column}))
        assert [record.date for record in found] == [None, datetime(2100, 12, 31, tzinfo=UTC)]
        assert "date" in found[0].metadata
        assert found[1].metadata is None
        together = list(ParquetSource(name="s", paths=(str(path),)).read_together(path, Counter()))
        assert [one.date.to_pylist() for one in together if isinstance(one, Columns)] == [
            [datetime(2100, 12, 31, tzinfo=UTC)]
        ]


def test_keys_of_folders_are_metadata_of_their_documents(tmp_path: Path) -> None:
    folder = tmp_path / "lang=de" / "region=__HIVE_DEFAULT_PARTITION__" / "made%20by=A%2FB"
    folder.mkdir(parents=True)
    path = folder / "part.parquet"
    (record,) = items(path, pa.table({"text": ["x"], "n": [1]}))
    assert record.metadata == {"n": 1, "lang": "de", "region": None, "made by": "A/B"}
    # A column of the file has precedence; one named keeps the others away.
    (record,) = items(path, pa.table({"text": ["x"], "lang": ["fr"]}), metadata_columns=("lang", "region"))
    assert record.metadata == {"lang": "fr", "region": None}
    with pytest.raises(SourceError, match="year"):
        items(path, pa.table({"text": ["x"]}), metadata_columns=("year",))
    # In columns they are the same; the file that was written last has no such column.
    (columns,) = ParquetSource(name="s", paths=("x",)).read_together(path, Counter())
    assert [json.loads(one) for one in columns.fields.to_pylist()] == [{"lang": "de", "region": None, "made by": "A/B"}]


def test_a_key_of_folders_may_be_date_or_kind(tmp_path: Path) -> None:
    folder = tmp_path / "date=2020-05-06" / "sort=code"
    folder.mkdir(parents=True)
    path, counts = folder / "part.parquet", Counter[str]()
    (record,) = items(path, pa.table({"text": ["x"]}), kind_column="sort")
    assert (record.date, record.kind) == (datetime(2020, 5, 6, tzinfo=UTC), "code")
    assert record.metadata == {"sort": "code"}
    list(ParquetSource(name="s", paths=("x",), kind_column="sort").read_and_count(path, counts))
    assert counts == {"text": 1, "url": 0, "date": 1, "sort": 1}


def test_a_column_named_in_vain_is_counted(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    items(tmp_path / "a.parquet", pa.table({"text": ["x"]}))
    list(ParquetSource(name="s", paths=("x",), url_column="url").read_and_count(tmp_path / "a.parquet", counts))
    assert counts == {"text": 1, "url": 0, "date": 0}


def test_chosen_metadata_columns_only(tmp_path: Path) -> None:
    table = pa.table({"text": ["x"], "a": [1], "b": [2]})
    assert items(tmp_path / "a.parquet", table, metadata_columns=("b",))[0].metadata == {"b": 2}
    assert items(tmp_path / "a.parquet", table, metadata_columns=())[0].metadata is None


def test_bad_rows_are_skipped_with_their_number(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array([b"good", None, b"caf\xe9", b" ", b"fine"], pa.binary())})
    found = items(tmp_path / "a.parquet", table)
    assert [(item.record, item.reason) for item in found if isinstance(item, Skip)] == [
        (2, "null_text"),
        (3, "invalid_utf8"),
        (4, "empty_text"),
    ]
    assert [item.text for item in found if isinstance(item, Record)] == ["good", "fine"]


def test_invalid_utf8_in_a_string_column_is_skipped(tmp_path: Path) -> None:
    column = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.array([0, 4, 8], pa.int32()).buffers()[1], pa.py_buffer(b"caf\xe9good")]
    )
    bad, good = items(tmp_path / "a.parquet", pa.table({"text": column}))
    assert bad.reason == "invalid_utf8"
    assert good.text == "good"


def test_a_column_of_nulls_is_a_list_of_skips(tmp_path: Path) -> None:
    found = items(tmp_path / "a.parquet", pa.table({"text": pa.array([None, None], pa.string())}))
    assert [item.reason for item in found] == ["null_text", "null_text"]


def test_a_missing_or_wrong_column_is_an_error_that_names_it(tmp_path: Path) -> None:
    table = pa.table({"text": ["x"], "n": [1]})
    for options, named in (
        ({"text_column": "body"}, "body"),
        ({"url_column": "link"}, "link"),
        ({"metadata_columns": ("m",)}, "'m'"),
        ({"text_column": "n"}, "int64"),
    ):
        with pytest.raises(SourceError, match=named):
            items(tmp_path / "a.parquet", table, **options)


def test_damaged_and_missing_files_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    items(path, pa.table({"text": ["some text " * 50 + str(i) for i in range(1000)]}))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[200:260] = b"\xff" * 60
    for data in (whole[:-1], whole[: len(whole) // 2], b"PAR1", b"", bytes(flipped)):
        path.write_bytes(data)
        with pytest.raises(SourceError, match=r"a\.parquet"):
            list(ParquetSource(name="s", paths=(str(path),)).read(path))
    with pytest.raises(SourceError, match="missing"):
        list(ParquetSource(name="s", paths=("gone",)).read(tmp_path / "gone"))


def test_an_empty_file_holds_no_records(tmp_path: Path) -> None:
    assert items(tmp_path / "a.parquet", pa.table({"text": pa.array([], pa.string())})) == []
