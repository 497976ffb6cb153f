"""Documents that come in columns are those that come one by one, whatever is odd about their records."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.readers import Record, Skip, Source
from tamis.readers.columns import Columns
from tamis.readers.jsonl import JsonlSource
from tamis.readers.parquet import ParquetSource
from tamis.stages.ingest import ROWS, documents_of

ORDER = [(name, "ascending") for name in ("id", "metadata", "kind", "parent")]


def both_ways(source: Source, path: Path) -> tuple[pa.Table, list[Skip], int]:
    """The documents and skips of a file, the same both ways; and how many documents came in columns."""
    found = []
    for read in (source.read_and_count, source.read_together):
        counts: Counter[str] = Counter()
        items = list(read(path, counts))
        documents = [item for item in items if isinstance(item, Record | Columns)]
        table = pa.concat_tables(documents_of(documents, "s", 0)).combine_chunks().sort_by(ORDER)
        found.append((table, [item for item in items if isinstance(item, Skip)], dict(counts)))
    one, other = found
    assert other[1] == one[1]
    assert other[2] == one[2]
    assert other[0].schema == ROWS
    assert other[0].to_pylist() == one[0].to_pylist()
    return one[0], one[1], sum(len(item) for item in documents if isinstance(item, Columns))


TEXTS = st.sampled_from(
    [
        "A plain page.\nWith two lines.\nAnd three.\n", "\ufeffwith a mark", "a\r\nb\rc", " \n\t", "\u3000\u2003", "a\0b", "a" * 1500 + "\0",
        "", "x = 1\nif x:\n    print(x)\n    return f(x, y)[0]\n", "说明文字。", "---\ntitle: a\n---\nText.\n", "\x7f", "\u0130 LICENSED",
    ]
)  # fmt: skip
URLS = st.sampled_from(
    [
        "https://a.example/b/c.html",
        "http://A.example",
        "",
        "https://xn--a.example/",
        "pkg:pypi/A_b@1",
        "no url",
        "u" * 70_000,
    ]
)
DATES = st.sampled_from(
    ["2024-01-31T23:59:59Z", "2024-02-30", "2024-01-31 10:00:00+05:30", "2024", "20240131", "", " ", "soon", "0001-01-01",
     "2024-01-31T23:59:59.5Z", "9999-12-31T23:59:59-10:00", "1700000000"]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([0.1, 1e-5, 1e16, 1e22, 100.0, -0.0]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.fixed_dictionaries(
    {"text": TEXTS | st.text(max_size=40)},
    optional={
        "url": URLS | LEAVES,
        "date": DATES | LEAVES,
        "parent": URLS | st.none() | st.integers(),
        "kind": st.sampled_from(["code", "no kind", "maths", 3, None]),
        "language": st.sampled_from(["Python", "en", 4, "c++"]),
        "path": st.sampled_from(["a/b.py", "x.html", "Makefile", None]),
        "id": VALUES,
        "é": VALUES,
    },
)
ODD_LINES = st.sampled_from(
    [
        b"", b"  ", b"\x0b", b"{", b"[1]", b"null", b'{"text": "a"', b'{"text": "a"} x', b'{"text": "a", "text": "b"}', b'\xef\xbb\xbf{"text": "marked"}',
        b'{"text": "a", "n": {"b": 1, "b": 2}}', b'{"text": "a", "n": 1.50, "m": 1E5, "o": -0, "p": 0.0001, "q": 0.00001}', b'{"text": "a", "n": NaN}',
        b'{"text": "\\ud83d\\ude00 \\u00e9 \\/ \\u001f", "n": "\\ud83d\\ude00\\u0000\\u000b\\t\\/\\u0022"}', b'{"text": "lone \\ud83d"}', b'{"te\\u0078t": "a"}',
        b'{"text": "a\tb"}', b'{"text": "\xff"}', b'{"text": "a", "n": [1, 2,]}', b'{"text": "a", "n": 01}', b'{"text": "a", "n": ' + b"9" * 5000 + b"}",
        b'{"text": "a", "n": ' + b"[" * 40 + b"]" * 40 + b"}", b'{ "text" : "spaced" , "n" : { "a" : [ 1 , 2.5 , { } ] } }\r', b'{"date": 1e400, "text": "a"}',
        b'{"text": "a", "date": 1700000000, "url": null}', b'{"n": 1}', b"{}", b'{"text": 3}', b'{"text": "a", "n": 123456789012345678901234567890.25}',
    ]
)  # fmt: skip


def line(record: dict[str, Any], dice: random.Random) -> bytes:
    spaces = dice.choice([(", ", ": "), (",", ":"), (" ,\t", " : ")])
    written = json.dumps(record, ensure_ascii=dice.random() < 0.5, separators=spaces)
    return written.encode("utf-8", "surrogatepass")


SECTIONS = (
    JsonlSource(name="s", paths=("x",)),
    JsonlSource(name="s", paths=("x",), kind_field="kind", parent_field="parent", max_document_bytes=60_000),
    JsonlSource(name="s", paths=("x",), kind="prose", url_field=None, date_field="é"),
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(RECORDS | ODD_LINES, max_size=12), st.randoms(use_true_random=False), st.sampled_from(SECTIONS))
def test_lines(tmp_path: Path, records: list[dict[str, Any] | bytes], dice: random.Random, source: JsonlSource) -> None:
    lines = [one if isinstance(one, bytes) else line(one, dice) for one in records]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n" * dice.randrange(2))
    both_ways(source, path)


def test_lines_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.readers.jsonl.BLOCK_BYTES", 1_000)
    dice = random.Random(1)  # noqa: S311 - the same every time
    sizes = [dice.choice([0, 10, 700, 900, 999, 1_000, 1_001, 5_000]) for _ in range(400)]
    lines = [json.dumps({"text": f"{number} " + "a" * size}) if size else "" for number, size in enumerate(sizes)]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    table, skips, together = both_ways(JsonlSource(name="s", paths=("x",), max_document_bytes=4_000), path)
    assert table.num_rows == together == sum(0 < size < 4_000 for size in sizes)
    assert [skip.record for skip in skips] == [number for number, size in enumerate(sizes, 1) if size == 5_000]


TYPED = {
    "small": pa.array([1, None, -7] * 100, pa.int16()),
    "large": pa.array([2**64 - 1, 0, None] * 100, pa.uint64()),
    "half": pa.array([0.1, float("nan"), 1e-7] * 100, pa.float32()),
    "share": pa.array([0.1, float("-inf"), 1e16] * 100, pa.float64()),
    "truth": pa.array([True, None, False] * 100),
    "nothing": pa.nulls(300),
    "name": pa.array(['a "quoted" \\ name\n\x01', "é\x7f\u2028", None] * 100),
    "coded": pa.array(["x", "y", None] * 100).dictionary_encode(),
    "day": pa.array([date(2024, 1, 31), None, date(1, 1, 1)] * 100),
    "price": pa.array([Decimal("1.50"), None, Decimal("0.00")] * 100),
    "list": pa.array([[1.5, None], [], None] * 100),
    "lists": pa.array([[["a", 'b"'], None], [[]], None] * 100),
    "structs": pa.array([[{"a": 1.0}, None], [], None] * 100, pa.large_list(pa.struct({"a": pa.float32()}))),
    "wrong": pa.array([[b"a"], [b"\xff"], None] * 100, pa.list_(pa.binary())).cast(pa.list_(pa.binary())),
    "struct": pa.array([{"a": "b", "c": [1]}, None, {"a": None, "c": []}] * 100),
    "bytes": pa.array([b"\xff\0", None, b""] * 100),
    "path": pa.array(["a.py", "b.html", None] * 100),
}


@pytest.mark.parametrize(
    "moments",
    [
        pa.array(["2024-01-31T23:59:59Z", "soon", None] * 100),
        pa.array([datetime(2024, 1, 31, 23, 59, 59, 999_999, UTC), None, datetime(1, 1, 1, tzinfo=UTC)] * 100),
        pa.array([1_700_000_000, None, 2024] * 100),
        pa.array([2**62, 0, None] * 100, pa.timestamp("us")),
    ],
    ids=["strings", "timestamps", "numbers", "beyond"],
)
def test_columns_of_every_type(tmp_path: Path, moments: pa.Array) -> None:
    texts = ["A page.\nOf two lines.\nAnd a third\n", "a\r\nb", None, " ", "é" * 400]
    urls = ["https://a.example/b", None, "", "http://b.example", "x" * 70_000]
    own = {
        "text": pa.array(texts * 60),
        "url": pa.array(urls * 60),
        "date": moments,
        "parent": pa.array([None, urls[0]] * 150),
    }
    own["kind"] = pa.array(["code", "other", None] * 100)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(own | TYPED), path, row_group_size=130)
    section = ParquetSource(
        name="s", paths=("x",), kind_column="kind", parent_column="parent", max_document_bytes=80_000
    )
    table, skips, together = both_ways(section, path)
    assert (table.num_rows, len(skips)) == (180, 120)
    assert together > 30


def test_wrong_utf8_in_columns(tmp_path: Path) -> None:
    strings = pa.array([b"a", b"\xff", b"c"] * 5, pa.binary()).view(pa.string())
    path = tmp_path / "a.parquet"
    for name in ("text", "url", "other"):
        columns = {"text": ["b"] * 15, "url": ["https://a.example/b"] * 15, "other": ["c"] * 15}
        pq.write_table(pa.table(columns | {name: strings}), path)
        table, skips, _ = both_ways(ParquetSource(name="s", paths=("x",)), path)
        assert (table.num_rows, len(skips)) == (10, 5)
