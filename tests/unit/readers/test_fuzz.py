"""A short part of the fuzzing of readers (`tests/fuzz/readers.py`), and what it and others found, each by its name."""

from __future__ import annotations

import gzip
import importlib.util
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.jsonl import MAX_DEPTH, JsonlSource
from tamis.readers.parquet import ParquetSource, _check_indices
from tamis.readers.parquet_footer import check_footer
from tamis.readers.parquet_pages import pages
from tamis.readers.record import make
from tamis.readers.text import TextSource
from tamis.stages.ingest import documents_of

specification = importlib.util.spec_from_file_location(
    "fuzz_readers", Path(__file__).parents[2] / "fuzz" / "readers.py"
)
fuzz = importlib.util.module_from_spec(specification)
specification.loader.exec_module(fuzz)


def line(path: Path, data: bytes, **options: Any) -> Record | Skip:
    path.write_bytes(data)
    (item,) = JsonlSource(name="s", paths=(str(path),), **options).read(path)
    return item


def rows(path: Path, table: pa.Table, **options: Any) -> list[Record | Skip]:
    pq.write_table(table, path)
    return list(ParquetSource(name="s", paths=(str(path),), **options).read(path))


def test_four_hundred_files_give_records_and_skips_or_one_error(tmp_path):
    counts = sum((fuzz.read(tmp_path, 1, number) for number in range(400)), fuzz.Counter())
    assert counts["record"] > 100
    assert counts["refused file"] > 20
    assert len([name for name in counts if name.startswith("skip ")]) > 5


def test_a_file_of_the_fuzzer_is_always_the_same():
    assert fuzz.made(3, 17)[:2] == fuzz.made(3, 17)[:2]


def test_a_surrogate_in_a_name_is_replaced(tmp_path):
    item = line(tmp_path / "a", b'{"text": "x", "\\ud800": 1, "in": {"\\udfff": "\\ud800"}}')
    assert item.metadata == {"?": 1, "in": {"?": "?"}}


@pytest.mark.parametrize(
    ("depth", "reason"), [(290, None), (340, "invalid_json"), (990, "invalid_json"), (9000, "invalid_json")]
)
def test_deep_nesting_is_read_or_listed(tmp_path, depth, reason):
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        inner = opening * depth + "1" + closing * depth
        item = line(tmp_path / "a", f'{{"text": "x", "deep": {inner}}}'.encode())
        assert getattr(item, "reason", None) == reason
        if reason:
            assert str(MAX_DEPTH) in item.detail


def test_brackets_in_a_text_are_no_nesting(tmp_path):
    assert line(tmp_path / "a", json.dumps({"text": "[{" * 5000 + '\\"'}).encode()).text.startswith("[{[{")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("1e999", "inf"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("-0", 0),
        ("1e22", 1e22),
        ("9" * 4000, int("9" * 4000)),
        ('{"a":1,"a":2}', {"a": 2}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_odd_values_stay_in_the_metadata(tmp_path, value, kept):
    assert line(tmp_path / "a", b'{"text": "x", "n": ' + value.encode() + b"}").metadata == {"n": kept}


def test_a_number_of_five_thousand_digits_is_listed(tmp_path):
    assert line(tmp_path / "a", b'{"text": "x", "n": ' + b"9" * 5000 + b"}").reason == "invalid_json"


def test_a_date_of_four_hundred_digits_is_none(tmp_path):
    item = line(tmp_path / "a", b'{"text": "x", "date": ' + b"9" * 400 + b"}")
    assert item.date is None
    assert item.metadata == {"date": int("9" * 400)}


def test_a_url_beyond_any_browser_is_metadata(tmp_path):
    item = line(tmp_path / "a", json.dumps({"text": "x", "url": "http://a.example/" + "a" * 70_000}).encode())
    assert item.url is None
    assert len(item.metadata["url"]) == 70_017


def test_a_line_with_a_million_names_and_no_text_says_so_shortly(tmp_path):
    item = line(tmp_path / "a", json.dumps({f"n{number}": 0 for number in range(100_000)}).encode())
    assert item.reason == "missing_text"
    assert len(item.detail) <= 200


def test_dates_beyond_9999_are_written_out(tmp_path):
    beyond = pa.array([253_402_300_800, 0], pa.int64())
    table = pa.table(
        {
            "text": ["a", "b"],
            "date": beyond.view(pa.timestamp("s", "UTC")),
            "other": beyond.cast(pa.timestamp("s")).cast(pa.timestamp("ms")),
            "day": pa.array([2**31 - 1, 0], pa.int32()).view(pa.date32()),
            "list": pa.ListArray.from_arrays([0, 1, 2], beyond.view(pa.timestamp("ms", "UTC")).take([0, 1])),
        }
    )
    late, early = rows(tmp_path / "a.parquet", table, date_column="date")
    assert late.date is None
    assert set(late.metadata) == {"date", "other", "day", "list"}
    assert early.date == datetime(1970, 1, 1, tzinfo=UTC)
    assert early.metadata == {
        "other": "1970-01-01T00:00:00",
        "day": "1970-01-01",
        "list": ["1970-01-01T00:00:00+00:00"],
    }


def test_an_unknown_time_zone_is_no_damage(tmp_path):
    moments = pa.array([1_600_000_000] * 2, pa.int64()).view(pa.timestamp("s", "Mars/Phobos"))
    table = pa.table({"text": ["a", "b"], "date": moments, "seen": moments})
    for item in rows(tmp_path / "a.parquet", table, date_column="date"):
        assert item.date == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
        assert item.metadata == {"seen": "2020-09-13T12:26:40.000+00:00"}


def test_nanoseconds_are_written_the_same_with_and_without_pandas(tmp_path):
    table = pa.table({"text": ["a"], "at": pa.array([1_500_000_000_123_456_789]).view(pa.timestamp("ns"))})
    (item,) = rows(tmp_path / "a.parquet", table)
    assert item.metadata == {"at": "2017-07-14T02:40:00.123456789"}


def test_two_columns_of_one_name_are_refused_where_they_are_used(tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["text", "n", "n"])
    with pytest.raises(SourceError, match="2 columns of the name 'n'"):
        rows(tmp_path / "a.parquet", table)
    assert rows(tmp_path / "a.parquet", table, metadata_columns=())[0].text == "a"


def test_two_fields_of_one_name_in_a_struct_are_both_kept(tmp_path):
    inner = pa.StructArray.from_arrays([pa.array([1]), pa.array(["b"])], names=["x", "x"])
    (item,) = rows(tmp_path / "a.parquet", pa.table({"text": ["a"], "s": inner}))
    assert item.metadata == {"s": [["x", 1], ["x", "b"]]}


def test_a_damaged_footer_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "a.parquet"
    rows(path, pa.table({"text": ["a"], "caf\u00e9": [1]}))
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little")
    source = ParquetSource(name="s", paths=(str(path),))
    refused = 0
    for place in range(len(whole) - footer - 8, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            list(source.read(path))
        except SourceError as error:
            refused += "a.parquet" in str(error)
    assert refused > footer // 4


def test_a_footer_over_which_arrow_ends_the_process_is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", None]}), path)
    optional = b"\x15\x0c\x25\x02\x18\x04text"
    assert path.read_bytes().count(optional) == 1
    path.write_bytes(path.read_bytes().replace(optional, optional.replace(b"\x25\x02", b"\x25\x00")))
    ask = "import sys, pyarrow.parquet as pq; pq.read_metadata(sys.argv[1]).row_group(0).column(0)"
    assert (
        subprocess.run([sys.executable, "-c", ask, path], capture_output=True, check=False).returncode
        == -signal.SIGABRT
    )
    read = "import sys; from tamis.readers.parquet import ParquetSource as P; list(P(name='s', paths=('x',)).read(__import__('pathlib').Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", read, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a.parquet: not a whole Parquet file (column 0 has 1 levels and statistics of 2)" in done.stderr


def test_a_codec_that_there_is_not_is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a"]}), path, compression="zstd")
    # The path of the column, a list of one string, then field 4: the codec (6, written as 12), and field 5.
    codec = b"\x19\x18\x04text\x15\x0c\x16"
    assert path.read_bytes().count(codec) == 1
    path.write_bytes(path.read_bytes().replace(codec, codec.replace(b"\x15\x0c", b"\x15\x14")))
    with pytest.raises(
        SourceError, match=r"a\.parquet: not a whole Parquet file \(column 0 is compressed with codec 10"
    ):
        list(ParquetSource(name="s", paths=(str(path),)).read(path))


def test_a_page_header_with_a_number_for_a_struct_is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a"]}), path, use_dictionary=False, compression="none")
    column = pq.read_metadata(path).row_group(0).column(0)
    data = bytearray(path.read_bytes())
    # Field 5 of the header, of type struct; as a number (type 5) its first field is what follows.
    place = data.index(b"\x2c", column.data_page_offset, column.data_page_offset + 12)
    data[place] = 0x25
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"a\.parquet: not a whole Parquet file"):
        list(ParquetSource(name="s", paths=(str(path),)).read(path))


@pytest.mark.parametrize("nested", [False, True])
def test_an_index_behind_its_dictionary_is_an_error(nested):
    index = pa.array([0, 7], pa.int32())
    column = pa.DictionaryArray.from_arrays(index, pa.array(["a"]), safe=False)
    sound = pa.array(["a", None]).dictionary_encode()
    if nested:
        column, sound = (pa.ListArray.from_arrays([0, 1, 2], values) for values in (column, sound))
        column, sound = (pa.StructArray.from_arrays([values], names=["x"]) for values in (column, sound))
    _check_indices(sound)
    with pytest.raises(pa.ArrowInvalid, match="index 7 into a dictionary of 1"):
        _check_indices(column)


def test_sound_footers_of_every_kind_of_column_pass(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "text": ["a", None],
            "lists": [[1, None], None],
            "deep": [[{"a": [["x"]], "b": None}], []],
            "both": [{"a": [1], "b": {"c": "d"}}, None],
        }
    )
    required = pa.schema([pa.field("text", pa.string(), nullable=False)])
    for whole in (table, table.slice(0, 0), pa.table({"text": ["a"]}, required)):
        pq.write_table(whole, path)
        with path.open("rb") as file:
            check_footer(file, pq.ParquetFile(path).schema)
        assert pq.read_metadata(path).num_columns >= 1


@pytest.mark.parametrize("checksum", [True, False])
def test_a_flipped_bit_in_a_page_is_seen_where_pages_have_checksums(tmp_path, checksum):
    path = tmp_path / "a.parquet"
    table = pa.table({"text": ["some words " + str(number) for number in range(100)]})
    pq.write_table(table, path, compression="none", use_dictionary=False, write_page_checksum=checksum)
    data = bytearray(path.read_bytes())
    data[data.index(b"words 50")] ^= 1
    path.write_bytes(data)
    if checksum:
        with pytest.raises(SourceError, match="CRC"):
            list(ParquetSource(name="s", paths=(str(path),)).read(path))
    else:
        assert len(list(ParquetSource(name="s", paths=(str(path),)).read(path))) == 100


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view(), pa.large_binary()])
def test_every_kind_of_string_is_a_text(tmp_path, kind):
    column = (
        pa.array([b"caf\xc3\xa9", None], pa.binary()).cast(kind)
        if kind != pa.string_view()
        else pa.array(["café", None], kind)
    )
    item, skip = rows(tmp_path / "a.parquet", pa.table({"text": column}))
    assert (item.text, skip.reason) == ("café", "null_text")


def test_files_without_rows_and_without_row_groups_hold_no_records(tmp_path):
    schema = pa.schema([("text", pa.string())])
    pq.ParquetWriter(tmp_path / "none.parquet", schema).close()
    assert pq.read_metadata(tmp_path / "none.parquet").num_row_groups == 0
    assert list(ParquetSource(name="s", paths=("x",)).read(tmp_path / "none.parquet")) == []
    assert rows(tmp_path / "a.parquet", schema.empty_table()) == []


@pytest.mark.parametrize("data", ["a".encode("utf-16"), b'\xef\xbb\xbf{"text": "x"}', b'{"text": "x"}\r\n'])
def test_other_encodings_marks_and_line_ends(tmp_path, data):
    item = line(tmp_path / "a", data)
    assert getattr(item, "text", None) == ("x" if b"text" in data else None)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
ROWS = st.fixed_dictionaries(
    {
        "text": st.none()
        | st.text(max_size=30)
        | st.sampled_from(["a\r\nb", "\ufeffx", "a\0b" + "c" * 3000, "- x\n" * 9]),
        "url": st.none() | st.sampled_from(["https://a.example/x", "http://B.example", ""]),
        "date": st.none() | st.sampled_from(["2020-01-01", "soon", "1999"]),
        "n": st.none() | st.integers(-(2**62), 2**62),
        "tags": st.none() | st.lists(st.text(max_size=5), max_size=3),
    }
)


def comparable(items: list[Record | Skip]) -> list[object]:
    return [
        (item.record, item.reason)
        if isinstance(item, Skip)
        else (item.data, item.kind, item.url, item.date, item.fields, item.record)
        for item in items
    ]


@given(st.lists(ROWS, min_size=1, max_size=12), st.sampled_from([1, 3, 100]), st.booleans())
def test_json_lines_and_parquet_of_the_same_rows_are_the_same_documents(
    tmp_path_factory, given_rows, group, dictionary
):
    folder = tmp_path_factory.mktemp("same")
    path = folder / "a.jsonl.gz"
    in_order = [{name: row[name] for name in ("text", "url", "date", "n", "tags")} for row in given_rows]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in in_order).encode()))
    one = list(JsonlSource(name="s", paths=("x",)).read(path))
    schema = pa.schema(
        [
            ("text", pa.string()),
            ("url", pa.string()),
            ("date", pa.string()),
            ("n", pa.int64()),
            ("tags", pa.list_(pa.string())),
        ]
    )
    path = folder / "a.parquet"
    pq.write_table(pa.Table.from_pylist(given_rows, schema), path, row_group_size=group, use_dictionary=dictionary)
    other = list(ParquetSource(name="s", paths=("x",), url_column="url", date_column="date").read(path))
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_the_size_of_batches_changes_nothing(tmp_path, monkeypatch, batch):
    dictionary = pa.array([f"word {number % 9} " * 40 for number in range(200)]).dictionary_encode()
    table = pa.table(
        {"text": dictionary, "n": range(200), "s": [{"a": [str(number)] * (number % 5)} for number in range(200)]}
    )
    one = comparable(rows(tmp_path / "a.parquet", table))
    monkeypatch.setattr("tamis.readers.parquet.BATCH_ROWS", batch)
    monkeypatch.setattr("tamis.readers.parquet_rows.CELL_BYTES", 1000 * batch)
    assert comparable(rows(tmp_path / "a.parquet", table)) == one


def test_the_size_of_blocks_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": "x" * number}) + "\n" * (1 + number % 3) for number in range(1, 60)))
    source = JsonlSource(name="s", paths=("x",), max_document_bytes=50)
    one = comparable(list(source.read(path)))
    assert {item[1] for item in one if len(item) == 2} == {"too_large"}
    for block in (1, 2, 7, 100):
        monkeypatch.setattr("tamis.readers.lines.BLOCK", block)
        assert comparable(list(source.read(path))) == one


def test_a_long_row_is_listed_and_its_neighbours_are_read(tmp_path):
    table = pa.table({"text": ["a", "b" * 2000, "c"], "n": ["x", "y", "z" * 3000]})
    one, two, three = rows(tmp_path / "a.parquet", table, max_document_bytes=1000)
    assert one.text == "a"
    assert (two.record, two.reason) == (2, "too_large")
    assert (three.record, three.reason) == (3, "too_large")


def test_what_page_headers_say_is_what_arrow_decodes(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"{number} " * 50 for number in range(3000)], "tag": ["a", "b", "c"] * 1000})
    for version in ("1.0", "2.0"):
        pq.write_table(table, path, data_page_version=version, data_page_size=5000, row_group_size=1000)
        metadata = pq.read_metadata(path)
        with path.open("rb") as file:
            for group in range(metadata.num_row_groups):
                for index in range(2):
                    column = metadata.row_group(group).column(index)
                    start = column.dictionary_page_offset or column.data_page_offset
                    found, dictionary = pages(file, start, column.total_compressed_size, column.num_values)
                    assert sum(page.values for page in found) == 1000
                    assert dictionary is not None
                    decoded = sum(page.size for page in found) + dictionary.size
                    assert decoded <= column.total_uncompressed_size <= decoded + 1000 * (len(found) + 1)


def test_text_files_of_any_bytes(tmp_path):
    for number, data in enumerate((b"", b"\xff\xfeA\0", b"\xef\xbb\xbfx", b"\xed\xa0\x80", b"a\xc3")):
        path = tmp_path / f"{number}.txt"
        path.write_bytes(data)
        (item,) = TextSource(name="s", paths=("x",)).read(path)
        assert isinstance(item, Record if number == 2 else Skip)


@given(st.text(), st.booleans())
def test_a_text_is_the_same_as_bytes_and_as_a_string(text, encoded):
    source = JsonlSource(name="s", paths=("x",))
    one = make(source, "p", 1, text)
    other = make(source, "p", 1, text.encode("utf-8", "surrogatepass"))
    if isinstance(one, Record):
        assert one == other
        (table,) = documents_of([one], "s", 0)
        assert table["text"].to_pylist() == [one.text]
        assert table["ingested_characters"].to_pylist() == [len(one.text)]
    else:
        assert isinstance(other, Skip)
