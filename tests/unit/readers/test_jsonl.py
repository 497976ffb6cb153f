"""JSON Lines: plain and compressed, good and bad lines."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.jsonl import JsonlSource
from tamis.readers.lines import BLOCK, lines

ROWS = [
    {"text": f"Document number {i}, with words.", "url": f"http://x.org/{i}", "date": "2020", "id": i}
    for i in range(50)
]
PLAIN = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def source(path: Path, **options: object) -> JsonlSource:
    return JsonlSource(name="s", paths=(str(path),), **options)


def items(path: Path, data: bytes, **options: object) -> list[Record | Skip]:
    path.write_bytes(data)
    return list(source(path, **options).read(path))


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def lz4(data: bytes) -> bytes:
    return pa.compress(data, codec="lz4", asbytes=True)


ENCODED = {"gz": gzip.compress, "zst": zstd, "bz2": bz2.compress, "xz": lzma.compress, "lz4": lz4}


@pytest.mark.parametrize(
    ("name", "encode"),
    [("a.jsonl", bytes), ("a.json", zstd), ("b.json", lz4), *((f"a.jsonl.{end}", one) for end, one in ENCODED.items())],
)
def test_the_same_records_whatever_the_compression(tmp_path: Path, name: str, encode: object) -> None:
    found = items(tmp_path / name, encode(PLAIN))
    assert [record.text for record in found] == [row["text"] for row in ROWS]
    assert found[7].url == "http://x.org/7"
    assert found[7].date.year == 2020
    assert found[7].metadata == {"id": 7}
    assert found[7].record == 8


def test_several_members_and_frames_are_read_as_one(tmp_path: Path) -> None:
    for end, encode in ENCODED.items():
        assert len(items(tmp_path / f"a.{end}", encode(PLAIN) * 2)) == 100
    assert len(items(tmp_path / "a.xz", lzma.compress(PLAIN) + bytes(8) + lzma.compress(PLAIN) + bytes(4))) == 100


@pytest.mark.parametrize("cut", [1, 9, 200])
@pytest.mark.parametrize(("name", "encode"), [(f"a.{end}", one) for end, one in ENCODED.items()])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path: Path, name: str, encode: object, cut: int) -> None:
    with pytest.raises(SourceError, match=f"{name}.*damaged"):
        items(tmp_path / name, encode(PLAIN)[:-cut])


def test_flipped_bytes_and_trailing_garbage_are_errors(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(PLAIN))
    data[len(data) // 2] ^= 0xFF
    for damaged in (bytes(data), gzip.compress(PLAIN) + b"garbage"):
        with pytest.raises(SourceError):
            items(tmp_path / "a.gz", damaged)


def test_xz_that_asks_for_gigabytes_is_refused(tmp_path: Path) -> None:
    data = bytearray(lzma.compress(PLAIN))
    # The header of the block: sizes, flags, LZMA2, one byte of properties, the size of the dictionary, padding, CRC32.
    data[16] = 40
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")
    with pytest.raises(SourceError, match=r"a\.xz.*[Mm]emory"):
        items(tmp_path / "a.xz", bytes(data))


@pytest.mark.parametrize("name", [f"a.{end}" for end in ENCODED])
@pytest.mark.parametrize("data", [b"", PLAIN])
def test_a_name_that_promises_a_compression_is_held_to_it(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(SourceError, match=name):
        items(tmp_path / name, data)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.jsonl"):
        list(source(tmp_path / "gone.jsonl").read(tmp_path / "gone.jsonl"))


def test_an_empty_file_and_blank_lines_hold_no_records(tmp_path: Path) -> None:
    assert items(tmp_path / "a.jsonl", b"") == []
    assert items(tmp_path / "a.jsonl", b"\n  \r\n\n") == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "caf\xe9 au lait"}', "invalid_utf8"),
        (b'{"text": "no end', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"text": ' + b"9" * 10_000 + b"}", "invalid_json"),
        (b'["text"]', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"body": "x"}', "missing_text"),
        (b'{"text": null}', "null_text"),
        (b'{"text": 5}', "not_text"),
        (b'{"text": " "}', "empty_text"),
        (b'{"text": "\\ud800 alone"}', "invalid_unicode"),
        (b'{"text": "\\u0000\\u0000"}', "binary"),
        (b'{"text": "' + b"x" * 5000 + b'"}', "too_large"),
    ],
)
def test_a_bad_line_is_skipped_and_its_neighbours_are_not(tmp_path: Path, line: bytes, reason: str) -> None:
    good = b'{"text": "fine"}'
    options = {"max_document_bytes": 1000} if reason == "too_large" else {}
    first, bad, last = items(tmp_path / "a.jsonl", good + b"\n" + line + b"\n" + good, **options)
    assert isinstance(bad, Skip)
    assert (bad.record, bad.reason, bad.path) == (2, reason, str(tmp_path / "a.jsonl"))
    assert len(bad.detail) <= 200
    assert first.text == last.text == "fine"


def test_fields_are_mapped_and_all_others_are_kept(tmp_path: Path) -> None:
    row = {
        "body": "Some text.",
        "link": "http://a",
        "when": 1714979289,
        "sort": "maths",
        "text": "other",
        "n": [1, {"x": None}],
    }
    (record,) = items(
        tmp_path / "a.jsonl",
        json.dumps(row).encode(),
        text_field="body",
        url_field="link",
        date_field="when",
        kind_field="sort",
    )
    assert (record.text, record.url, record.kind, record.date.year) == ("Some text.", "http://a", "maths", 2024)
    assert record.metadata == {"sort": "maths", "text": "other", "n": [1, {"x": None}]}


def test_a_field_names_what_a_text_was_taken_from(tmp_path: Path) -> None:
    lines = b'{"text": "a", "of": "http://x/1"}\n{"text": "b", "of": null}\n{"text": "c"}\n{"text": "d", "of": 3}\n'
    found = items(tmp_path / "a.jsonl", lines, parent_field="of")
    assert [record.parent for record in found] == ["http://x/1", None, None, None]
    assert [record.metadata for record in found] == [None, None, None, {"parent": 3}]


def test_fields_set_to_null_are_not_looked_for(tmp_path: Path) -> None:
    (record,) = items(tmp_path / "a.jsonl", b'{"text": "t", "url": "u", "date": 2020}', url_field=None, date_field=None)
    assert (record.url, record.date, record.metadata) == (None, None, {"url": "u", "date": 2020})


def test_the_section_s_kind_wins_over_the_text(tmp_path: Path) -> None:
    code = json.dumps({"text": "import os\n\ndef f(x):\n    return x\n"}).encode()
    assert items(tmp_path / "a.jsonl", code)[0].kind == "code"
    assert items(tmp_path / "a.jsonl", code, kind="prose")[0].kind == "prose"


def test_a_document_of_50_mb_is_read_whole(tmp_path: Path) -> None:
    text = "word " * 10_000_000
    (record,) = items(tmp_path / "a.jsonl", b'{"text": "' + text.encode() + b'"}')
    assert len(record.text) == 50_000_000
    assert record.kind == "prose"


def test_lines_are_those_of_split_whatever_the_blocks(tmp_path: Path) -> None:
    data = b"\n".join(
        bytes([65 + i % 26]) * length for i, length in enumerate([0, 1, BLOCK - 1, BLOCK, 3, 2 * BLOCK + 5, 0, 7])
    )
    path = tmp_path / "a"
    path.write_bytes(data)
    found = dict(enumerate(data.split(b"\n"), start=1))
    assert list(lines(path, len(data))) == [(number, line) for number, line in found.items() if line]
    limited = dict(lines(path, BLOCK - 1))
    assert limited[4] == BLOCK
    assert limited[6] == 2 * BLOCK + 5
    assert limited[3] == b"C" * (BLOCK - 1)
