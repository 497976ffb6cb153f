"""Memory goes by what is decoded: a job that reads a small file with much in it stays far below what it declares."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import bombs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.shards import read_json

LIMIT = 1_500_000_000
"""Half of what the default profile gives a job."""

MILLION = 10**6
SENTENCE = b"Once more the same words, and once more. "


def repeated(piece: bytes, size: int) -> Iterator[bytes]:
    block = piece * (MILLION // len(piece) + 1)
    for _ in range(size // len(block) + 1):
        yield block


def compressed_line(path: Path) -> None:
    """A document of 2.2 GB."""

    def blocks() -> Iterator[bytes]:
        yield b'{"text": "fine"}\n{"text": "'
        yield from repeated(SENTENCE, 2200 * MILLION)
        yield b'"}\n{"text": "also fine"}\n'

    bombs.zstd(path, blocks())


def empty_objects(path: Path) -> None:
    """A line of 25 MB of `{}`."""
    path.write_bytes(b'{"text": "a", "list": [' + b"{}," * (8 * MILLION) + b"{}]}\n" + b'{"text": "fine"}\n')


def numbers(path: Path) -> None:
    path.write_bytes(b'{"text": "a", "list": [' + b"1," * (30 * MILLION) + b"1]}\n" + b'{"text": "fine"}\n')


def names(path: Path) -> None:
    fields = ",".join(f'"{number}":1' for number in range(4 * MILLION))
    path.write_text('{"text": "a", ' + fields + '}\n{"text": "fine"}\n')


def wide_line(path: Path) -> None:
    """One character that takes four bytes in Python makes all the others take four."""
    path.write_bytes(
        b'{"text": "' + "😀".encode() + SENTENCE * (100 * MILLION // len(SENTENCE)) + b'"}\n{"text": "fine"}\n'
    )


def wide_metadata(path: Path) -> None:
    path.write_bytes(b'{"text": "fine", "more": "' + "😀".encode() + b"x" * (100 * MILLION) + b'"}\n')


def commas_in_a_text(path: Path) -> None:
    """No more than one value, whatever the text holds."""
    path.write_bytes(b'{"text": "' + b"1,[{" * (10 * MILLION) + b'"}\n{"text": "fine"}\n')


def many_bad_lines(path: Path) -> None:
    bombs.zstd(path, repeated(b"x\n", MILLION // 2))


LINES: dict[str, tuple[Callable[[Path], None], int, list[str]]] = {
    "compressed line": (compressed_line, 2, ["too_large"]),
    "empty objects": (empty_objects, 1, ["too_large"]),
    "numbers": (numbers, 1, ["too_large"]),
    "names": (names, 1, ["too_large"]),
    "wide line": (wide_line, 2, []),
    "wide metadata": (wide_metadata, 1, []),
    "commas in a text": (commas_in_a_text, 2, []),
    "many bad lines": (many_bad_lines, 0, ["invalid_json"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LINES)
def test_jsonl(tmp_path: Path, name: str) -> None:
    make, documents, reasons = LINES[name]
    path = tmp_path / "a.jsonl"
    make(path)
    peak = bombs.peak_bytes(tmp_path, path, {"format": "jsonl"})
    assert peak < LIMIT
    read = read_json(tmp_path / "read.json")["files"][0]
    assert read["records"] == documents
    assert sorted({str(row["reason"]) for row in bombs.skipped(tmp_path)}) == reasons
    if documents:
        assert len(bombs.skipped(tmp_path)) == len(reasons)


def repeated_string(path: Path) -> None:
    """40 rows of one string of 140 MB, which stands in the file once, and is compressed."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 40, pa.int32()), pa.array(["x" * 140_000_000]))
    pq.write_table(pa.table({"text": texts}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 10_000


def repeated_metadata(path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 200, pa.int32()), pa.array(["x" * 70_000_000]))
    table = pa.table({"text": ["fine"] * 200, "more": texts})
    pq.write_table(table, path, compression="zstd", store_schema=False)


def one_page(path: Path) -> None:
    """A page of 700 MB, of one row; the rows beside it cannot be had without it."""
    table = pa.table({"text": pa.array(["fine", "x" * 700_000_000, "fine"], pa.large_string())})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


def large_row(path: Path) -> None:
    """A text beyond the limit of a document between others, which are read."""
    table = pa.table({"text": pa.array(["fine", "x" * 200_000_000, "also fine"], pa.large_string())})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


def prefixes(path: Path) -> None:
    """Each string repeats the 20 MB of the one before it."""
    table = pa.table({"text": ["x" * 20_000_000 + str(number) for number in range(15)]})
    pq.write_table(table, path, compression="zstd", use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})


def nested(path: Path) -> None:
    """A list of 60 million numbers in a row."""
    numbers = pa.ListArray.from_arrays(pa.array([0, 60 * MILLION], pa.int32()), pa.repeat(pa.scalar(1), 60 * MILLION))
    pq.write_table(pa.table({"text": ["a"], "numbers": numbers}), path, compression="zstd")


def structs(path: Path) -> None:
    """A list of structs of nothing, which are cheap for Arrow and dear for Python."""
    count = 10 * MILLION
    inner = pa.StructArray.from_arrays([pa.nulls(count, pa.int8()), pa.nulls(count, pa.int8())], names=["a", "b"])
    lists = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), inner)
    pq.write_table(pa.table({"text": ["a"], "structs": lists}), path, compression="zstd")


def strings_in_a_list(path: Path) -> None:
    """A list of 10,000 times one string of 5 MB."""
    strings = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), pa.array(["x" * 5_000_000]))
    lists = pa.ListArray.from_arrays(pa.array([0, 10_000], pa.int32()), strings)
    pq.write_table(pa.table({"text": ["a"], "strings": lists}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 10_000


def many_columns(path: Path) -> None:
    pq.write_table(pa.table({"text": ["fine"]} | {f"c{number}": [number] for number in range(10_000)}), path)


TABLES: dict[str, tuple[Callable[[Path], None], int, int]] = {
    "repeated string": (repeated_string, 0, 40),
    "repeated metadata": (repeated_metadata, 0, 200),
    "one page": (one_page, 0, 3),
    "large row": (large_row, 2, 1),
    "prefixes": (prefixes, 15, 0),
    "nested": (nested, 0, 1),
    "structs": (structs, 0, 1),
    "strings in a list": (strings_in_a_list, 0, 1),
    "many columns": (many_columns, 1, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_parquet(tmp_path: Path, name: str) -> None:
    make, documents, too_large = TABLES[name]
    path = tmp_path / "a.parquet"
    make(path)
    peak = bombs.peak_bytes(tmp_path, path, {"format": "parquet"})
    assert peak < LIMIT
    assert read_json(tmp_path / "read.json")["files"][0]["records"] == documents
    assert [row["reason"] for row in bombs.skipped(tmp_path)] == ["too_large"] * too_large


@pytest.mark.slow
def test_text(tmp_path: Path) -> None:
    path = bombs.zstd(tmp_path / "a.txt.zst", repeated(SENTENCE, 2200 * MILLION))
    assert path.stat().st_size < MILLION
    assert bombs.peak_bytes(tmp_path, path, {"format": "text"}) < LIMIT
    (row,) = bombs.skipped(tmp_path)
    assert row["reason"] == "too_large"
    assert int(str(row["detail"]).split()[0]) > 2200 * MILLION


def test_a_list_in_a_line_is_counted_before_it_is_parsed(tmp_path: Path) -> None:
    from tamis.readers.jsonl import MAX_VALUES, JsonlSource

    path = tmp_path / "a.jsonl"
    for values, reason in ((MAX_VALUES - 10, None), (MAX_VALUES + 10, "too_large")):
        path.write_text(json.dumps({"text": "x", "list": [0]}).replace("[0]", f"[{'0,' * values}0]"))
        (item,) = JsonlSource(name="s", paths=(str(path),)).read(path)
        assert getattr(item, "reason", None) == reason
