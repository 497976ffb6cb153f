"""CSV and TSV: rows as other readers see them, and what is wrong with some of them."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
import tracemalloc
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.csv import CsvSource


def read(path: Path, data: bytes | str, **more: object) -> list[Record | Skip]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(CsvSource.model_validate({"name": "s", "paths": [str(path)], **more}).read(path))


def told(items: list[Record | Skip]) -> list[tuple[object, ...]]:
    return [
        (one.record, one.reason) if isinstance(one, Skip) else (one.record, one.text, one.url, one.metadata)
        for one in items
    ]


def test_a_row_is_a_document(tmp_path: Path) -> None:
    data = '\ufeffid,text,url,date\r\n1,"one, two\nand ""three""",https://a.org/1,2020-05-06\r\n\r\n2,plain,,\r\n'
    first, second = read(tmp_path / "a.csv", data)
    assert told([first, second]) == [
        (2, 'one, two\nand "three"', "https://a.org/1", {"id": "1"}),
        (5, "plain", None, {"id": "2"}),
    ]
    assert first.date.isoformat() == "2020-05-06T00:00:00+00:00"
    for pack in (gzip.compress, zstandard.compress):
        assert told(read(tmp_path / "b", pack(data.encode()))) == told([first, second])
    with pytest.raises(SourceError):
        read(tmp_path / "c.csv.gz", gzip.compress(data.encode() * 50)[:-9])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text("ab,;\t|\"'\n é", min_size=1, max_size=12), st.text('xy",\n', max_size=6)), min_size=1, max_size=6),
    st.sampled_from([",", "\t", ";", "|"]),
)  # fmt: skip
def test_rows_are_those_that_polars_reads(rows: list[tuple[str, str]], delimiter: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["text", "more", "third"])
    writer.writerows([*row, "z"] for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        found = read(Path(folder, "made.csv"), buffer.getvalue(), delimiter=delimiter)
        assert told(found) == told(read(Path(folder, "made.csv"), buffer.getvalue()))
    expected = pl.read_csv(io.BytesIO(buffer.getvalue().encode()), separator=delimiter, infer_schema=False)
    texts = [(one["text"] or "", one["more"] or "") for one in expected.to_dicts()]
    assert [(one.text, one.metadata["more"]) for one in found if isinstance(one, Record)] == [
        pair for pair in texts if pair[0].strip()
    ]
    assert {one.reason for one in found if isinstance(one, Skip)} <= {"empty_text"}


def test_what_is_wrong_is_listed_and_costs_its_row_only(tmp_path: Path) -> None:
    data = (
        b"text,id\n"
        b"good,1\n"
        b'"never closed,2\n'
        b"also good,3\n"
        b"too,many,4\n"
        b"few\n"
        b'"closed" early,5\n'
        b'inch 5" disk,6\n'
        b"caf\xe9,7\n"
        b"nul\0,8\n"
        b"0123456789" * 1 + b"abc,9\n"
    )  # fmt: skip
    assert told(read(tmp_path / "a.csv", data, max_document_bytes=60)) == [
        (2, "good", None, {"id": "1"}),
        (3, "wrong_quoting"),
        (4, "also good", None, {"id": "3"}),
        (5, "ragged_row"),
        (6, "ragged_row"),
        (7, "wrong_quoting"),
        (8, 'inch 5" disk', None, {"id": "6"}),
        (9, "invalid_utf8"),
        (10, "binary"),
        (11, "0123456789abc", None, {"id": "9"}),
    ]


def test_a_line_without_end_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"text,id\n")
        for _ in range(60):
            file.write(b"x" * 1_000_000)
        file.write(b',1\ngood,2\n"')
        for _ in range(30):
            file.write((b"y" * 999 + b"\n") * 1000)
        file.write(b"\nlast,4\n")
    tracemalloc.start()
    reasons: Counter[str] = Counter()
    records = []
    source = CsvSource(name="s", paths=(str(path),), max_document_bytes=2_000_000)
    for one in source.read(path):
        if isinstance(one, Skip):
            reasons[one.reason] += 1
        else:
            records.append(one.text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert records == ["good", "last"]
    assert reasons["too_large"] == 1
    assert reasons["wrong_quoting"] == 1
    assert peak < 60_000_000


def test_columns_of_one_name_or_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'text'; it has body, id"):
        read(tmp_path / "a.csv", "body,id\nx,1\n")
    with pytest.raises(SourceError, match="no column 'link'"):
        read(tmp_path / "a.csv", "text,id\nx,1\n", url_column="link")
    with pytest.raises(SourceError, match="two columns are named 'text'"):
        read(tmp_path / "a.csv", "text,text\nx,1\n")
    assert told(read(tmp_path / "a.tsv", 'say "x"\t1\n', columns=["text", "id"], quotes=False)) == [
        (1, 'say "x"', None, {"id": "1"})
    ]
    assert read(tmp_path / "a.csv", "") == []
    with pytest.raises(ValidationError, match="one ASCII character"):
        CsvSource(name="s", paths=("x",), delimiter='"')
