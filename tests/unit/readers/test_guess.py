"""What a file of a user's own is: recognised, or an error that names the choice."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import web_archives as made
import zstandard

from tamis.errors import SourceError
from tamis.readers.guess import DATES, TEXTS, URLS, Content, content_of, content_of_all, named

LINE = json.dumps({"content": "Ein Text.", "url": "http://x/"}).encode() + b"\n"


def parquet(path: Path) -> bytes:
    pq.write_table(pa.table({"text": ["x"], "date": ["2020"]}), path / "made.parquet")
    return (path / "made.parquet").read_bytes()


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.jsonl", LINE, Content("jsonl", ("content", "url"))),
        # Whatever the name says.
        ("a", LINE, Content("jsonl", ("content", "url"))),
        ("a.txt", LINE, Content("jsonl", ("content", "url"))),
        ("a.json", b"\n\n" + LINE, Content("jsonl", ("content", "url"))),
        ("a.jsonl", b"\xef\xbb\xbf" + LINE, Content("jsonl", ("content", "url"))),
        ("a.jsonl", b"{}\n" + LINE, Content("jsonl", ())),
        ("a.jsonl.gz", gzip.compress(LINE, mtime=0), Content("jsonl", ("content", "url"))),
        ("a.jsonl.zst", zstandard.compress(LINE), Content("jsonl", ("content", "url"))),
        ("a.md", b"[A link](http://x) and text.\n", Content("text", ())),
        ("a.tex", b"\\section{One}", Content("text", ())),
        ("A.TXT.GZ", gzip.compress(b"Plain.", mtime=0), Content("text", ())),
        ("a.py", b"print()\n", Content("text", ())),
        ("a.warc.gz", made.gz([made.warcinfo()]), Content("warc", ())),
        ("a.jsonl.bz2", bz2.compress(LINE), Content("jsonl", ("content", "url"))),
        ("a.warc.lz4", made.lz4_frames([made.warcinfo()]), Content("warc", ())),
        ("a.warc.zst", made.zstd_with_dictionary([made.warcinfo()]), Content("warc", ())),
        ("a.warc.txt", made.warcinfo(), Content("warc", ())),
        ("a.arc", made.filedesc(), Content("warc", ())),
        ("a.pdf", b"%PDF-1.7", Content("pdf", ())),
        ("a.html", b"<!DOCTYPE html><html>", Content("html", ())),
        ("saved", b"\n<html lang=en>", Content("html", ())),
        ("a.xhtml", b"<?xml version='1.0'?><!DOCTYPE html><html>", Content("html", ())),
        ("a.html.gz", gzip.compress(b"<!doctype html>", mtime=0), Content("html", ())),
        ("a.csv", b'\xef\xbb\xbfbody,url\n"a, b",http://x/\n', Content("csv", ("body", "url"))),
        ("A.TSV.GZ", gzip.compress(b"text\tdate\nx\t2020\n", mtime=0), Content("csv", ("text", "date"))),
        ("a.jsonl", b"", None),
        ("a.jsonl", b" \n", None),
    ],
)
def test_formats_are_recognised(tmp_path: Path, name: str, data: bytes, expected: Content | None) -> None:
    (tmp_path / name).write_bytes(data)
    assert content_of(tmp_path / name) == expected


def test_parquet_is_recognised_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(parquet(tmp_path))
    assert content_of(tmp_path / "a.bin") == Content("parquet", ("text", "date"))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b'[{"text": "x"}]', "its lines hold list, not objects; `jq -c"),
        ("a.json", b'{\n "text": "x"\n}', "one object a line: `jq -c ."),
        ("a.jsonl", b"no json at all", "first line is no JSON object"),
        ("a.xml", b"<?xml version='1.0'?><feed>", "is XML; say --format text if its markup is meant to stay"),
        ("a.csv", b"text,url,text\nx,y,z\n", "first row names no columns (text, url, text)"),
        ("a.data", b"words", "say which with --format"),
        ("a.jsonl.gz", gzip.compress(LINE, mtime=0)[:12], "cut short or damaged"),
        ("a.parquet", b"PAR1\x15\x04\x15\x10", "not a whole Parquet file"),
    ],
)
def test_what_is_not_read_or_not_known_is_said(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError) as error:
        content_of(tmp_path / name)
    assert message in str(error.value)
    assert name in str(error.value)


def test_fields_are_those_that_all_files_have(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for path, fields in zip(paths, (["b", "text", "a"], ["a", "text"], []), strict=True):
        path.write_text("".join([json.dumps(dict.fromkeys(fields, "x")) + "\n"] if fields else []), encoding="utf-8")
    assert content_of_all(paths) == Content("jsonl", ("text", "a"), partly={"b": 1}, files=2)
    with pytest.raises(SourceError, match="empty; there is nothing"):
        content_of_all(paths[2:])
    (tmp_path / "a.md").write_text("Text.", encoding="utf-8")
    with pytest.raises(SourceError, match=r"several formats \(.*jsonl.*text\); give each format a --source"):
        content_of_all([*paths, tmp_path / "a.md"])
    assert content_of_all([tmp_path / "a.md", paths[2]], "text") == Content("text", ())


def test_a_field_is_taken_only_where_one_alone_can_be_meant() -> None:
    assert named(("body", "text"), TEXTS) == "text"
    assert named(("id", "body"), TEXTS) == "body"
    assert named(("body", "content"), TEXTS) is None
    assert named(("WARC-Target-URI", "id"), URLS) == "WARC-Target-URI"
    assert named(("id",), DATES) is None
