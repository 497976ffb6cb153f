"""Files given to the wrong reader are named; those of the right one are not refused."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import SourceError
from tamis.readers import signatures
from tamis.readers.html import HtmlSource
from tamis.readers.jsonl import JsonlSource
from tamis.readers.parquet import ParquetSource
from tamis.readers.releases import ReleasesSource
from tamis.readers.text import TextSource

READERS = {
    "html": HtmlSource,
    "jsonl": JsonlSource,
    "parquet": ParquetSource,
    "releases": ReleasesSource,
    "text": TextSource,
}
TABLE = pa.table({"text": ["one", "two"] * 50})
LINES = b"".join(json.dumps({"text": f"Number {number}."}).encode() + b"\n" for number in range(50))
HTML = b"<!DOCTYPE html>\n<html><head><title>Page</title></head><body>Text</body></html>\n"
WARC = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
ARC = b"filedesc://a.arc 0.0.0.0 20080430204825 text/plain 76\n1 0 InternetArchive\nURL IP-address\n"


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def tar(stream: io.BytesIO) -> None:
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("thing-1.0/README.md")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"Text."))


def zipped(stream: io.BytesIO) -> None:
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("thing-1.0/README.md", "Text.")


def arrow_stream(stream: io.BytesIO) -> None:
    with pa.ipc.new_stream(stream, TABLE.schema) as writer:
        writer.write_table(TABLE)


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


TAR, ZIP, PARQUET = written(tar), written(zipped), written(lambda stream: pq.write_table(TABLE, stream))

READ = {
    "lines": (LINES, {"jsonl", "text"}),
    "lines, marked": (b"\xef\xbb\xbf" + LINES, {"jsonl", "text"}),
    "lines.gz": (gzip.compress(LINES), {"jsonl", "text"}),
    "lines.zst": (zstd(LINES), {"jsonl", "text"}),
    "lines.bz2": (bz2.compress(LINES), {"jsonl", "text"}),
    "lines.xz": (lzma.compress(LINES), {"jsonl", "text"}),
    "lines.lzma": (lzma.compress(LINES, lzma.FORMAT_ALONE), set()),
    "lines.lz4": (pa.compress(LINES, codec="lz4", asbytes=True), {"jsonl", "text"}),
    "parquet": (PARQUET, {"parquet"}),
    "parquet without rows": (written(lambda stream: pq.write_table(TABLE.slice(0, 0), stream)), {"parquet"}),
    "html": (HTML, {"text", "html"}),
    "html.gz": (gzip.compress(HTML), {"text", "html"}),
    "html in UTF-16": (("\ufeff" + HTML.decode()).encode("utf-16-le"), {"html"}),
    "tar": (TAR, {"releases"}),
    "tar.gz": (gzip.compress(TAR), {"releases"}),
    "tar.bz2": (bz2.compress(TAR), {"releases"}),
    "tar.xz": (lzma.compress(TAR), {"releases"}),
    "zip": (ZIP, {"releases"}),
    "nothing": (b"", set(READERS)),
    "words": (b"Just a text.\n", set(READERS)),
    "words.gz": (gzip.compress(b"Just a text.\n"), {"jsonl", "text", "releases", "html"}),
    "a cut gzip": (gzip.compress(LINES)[:12], {"jsonl", "text", "releases", "html"}),
}
"""What each reader takes; whether it can make sense of it is for itself to say."""

NEVER = {
    "WARC": WARC,
    "ARC": ARC,
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "a 7z archive": b"7z\xbc\xaf\x27\x1c\0\4",
    "a RAR archive": b"Rar!\x1a\x07\x01\0",
    "an Arrow IPC file": written(lambda stream: pyarrow.feather.write_feather(TABLE, stream)),
    "an Arrow IPC stream": written(arrow_stream),
    "ORC": written(lambda stream: pyarrow.orc.write_table(TABLE, stream)),
    "a NumPy array": written(lambda stream: np.save(stream, np.arange(3))),
    "a PNG picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "a JPEG picture": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "a GIF picture": b"GIF89a\1\0\1\0",
    "a program": Path("/proc/self/exe").read_bytes()[:4096],
    "text in UTF-16": "\ufeffWords and words.".encode("utf-16-le"),
    "UTF-16": "Words and words.".encode("utf-16-be"),
    "text in UTF-32": "\ufeffWords and words.".encode("utf-32-le"),
    "WARC inside gzip data": gzip.compress(WARC),
    "ARC inside gzip data": gzip.compress(ARC),
    "gzip data inside gzip data": gzip.compress(gzip.compress(LINES)),
    "a zip archive inside gzip data": gzip.compress(ZIP),
}
"""What text and JSON Lines never are."""


def refusal(path: Path, name: str) -> str | None:
    try:
        signatures.check(path, "web", name, READERS[name].reads)
    except SourceError as error:
        return str(error)
    return None


@pytest.mark.parametrize("content", READ)
def test_each_reader_takes_what_it_reads_and_refuses_what_others_read(tmp_path: Path, content: str) -> None:
    data, readers = READ[content]
    path = tmp_path / "file"
    path.write_bytes(data)
    assert {name for name in READERS if refusal(path, name) is None} == readers


@pytest.mark.parametrize("content", NEVER)
def test_what_is_never_text_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(NEVER[content])
    for name in ("jsonl", "text"):
        message = refusal(path, name)
        assert message is not None
        assert content in message
        assert str(path) in message
        assert "source 'web'" in message
        assert f"`format: {name}`" in message


def test_a_database_is_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "pages.jsonl") as database:
        database.execute("CREATE TABLE pages (text TEXT)")
    database.close()
    assert "an SQLite database" in (refusal(tmp_path / "pages.jsonl", "jsonl") or "")


@pytest.mark.parametrize(
    ("data", "reader", "advice"),
    [
        (PARQUET, "jsonl", "`format: parquet`"),
        (PARQUET, "text", "`format: parquet`"),
        (LINES, "parquet", "`format: jsonl`"),
        (HTML, "jsonl", "`format: text`"),
        (TAR, "text", "`format: releases`"),
        (gzip.compress(TAR), "jsonl", "`format: releases`"),
        (gzip.compress(LINES), "parquet", "decompress"),
        (bz2.compress(LINES), "parquet", "decompress"),
        ("\ufeffText.".encode("utf-16"), "text", "iconv"),
    ],
)
def test_the_message_says_what_to_do(tmp_path: Path, data: bytes, reader: str, advice: str) -> None:
    (tmp_path / "file").write_bytes(data)
    assert advice in (refusal(tmp_path / "file", reader) or "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="gone: cannot be opened"):
        signatures.check(tmp_path / "gone", "web", "jsonl", JsonlSource.reads)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_nothing_that_could_be_typed_is_taken_for_a_binary_file(text: str) -> None:
    assert signatures.recognised(text.encode()) in {None, *(TextSource.reads or ()), "arc", "gif"}


@pytest.mark.parametrize("text", ["PAR1 is a mark", "ORC, an orc", "Obj one", "MZ", "BM", "PK", "BZh", "RIFF", "%PDF"])
def test_words_that_begin_like_a_signature_are_words(text: str) -> None:
    assert signatures.recognised(text.encode() + b" and more of it.\n" * 20) is None
