"""HTML: folders of files, and in a field or column."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from web_pages import ENGLISH, page, paragraphs

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.forms import kind_of
from tamis.readers.html import HtmlSource
from tamis.readers.jsonl import JsonlSource
from tamis.readers.parquet import ParquetSource

HTML = page(paragraphs())


def item(path: Path, data: bytes, **options: object) -> Record | Skip:
    path.write_bytes(data)
    (found,) = HtmlSource(name="s", paths=(str(path),), **options).read(path)
    return found


def test_a_page_is_a_document_with_what_it_says_of_itself(tmp_path: Path) -> None:
    record = item(tmp_path / "a.html", HTML.encode())
    assert isinstance(record, Record)
    assert all(one in record.text for one in ENGLISH)
    assert "Privacy policy" not in record.text
    assert (record.url, record.kind, record.date) == ("https://news.example/boats", "prose", None)
    assert record.metadata == {
        "path": (tmp_path / "a.html").as_posix(),
        "title": "The boats come home",
        "html_lang": "en",
        "charset": "utf-8",
    }


def test_a_manual_full_of_code_is_a_page(tmp_path: Path) -> None:
    code = "import trustme\n\nca = trustme.CA()\ncert = ca.issue_cert('a')\ncert.key.write_to_path('a.key')\nreturn_value = f(cert)\n"
    manual = page(
        f"<h1>Certificates</h1><p>This is how they are made anew, whenever one of them ends.</p><pre>{code * 4}</pre>"
        "<p>What is made in this way holds for a year.</p>"
    )
    record = item(tmp_path / "a.html", manual.encode())
    (tmp_path / "a.jsonl").write_text(json.dumps({"html": manual}) + "\n")
    in_field = JsonlSource.model_validate(
        {"name": "s", "paths": [str(tmp_path / "a.jsonl")], "text_field": "html", "extraction": {}}
    )
    pq.write_table(pa.table({"html": [manual]}), tmp_path / "a.parquet")
    in_column = ParquetSource.model_validate(
        {"name": "s", "paths": [str(tmp_path / "a.parquet")], "text_column": "html", "extraction": {}}
    )
    found = [record, *in_field.read(tmp_path / "a.jsonl"), *in_column.read(tmp_path / "a.parquet")]
    for one in found:
        assert isinstance(one, Record)
        assert "ca = trustme.CA()" in one.text
        assert (kind_of(one.text), one.kind) == ("code", "prose")


def test_a_site_that_names_one_address_everywhere_can_be_read_without(tmp_path: Path) -> None:
    record = item(tmp_path / "a.html", HTML.encode(), canonical_urls=False)
    assert isinstance(record, Record)
    assert record.url is None


def test_compressed_pages_and_other_encodings(tmp_path: Path) -> None:
    text = item(tmp_path / "a.html", HTML.encode()).text
    assert item(tmp_path / "a.html.gz", gzip.compress(HTML.encode())).text == text
    assert item(tmp_path / "b.html", HTML.encode("utf-16")).text == text
    with pytest.raises(SourceError):
        item(tmp_path / "c.html.gz", gzip.compress(HTML.encode())[:-5])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no_main_content"),
        (b"<html><body><script>1</script>", "no_main_content"),
        (HTML.encode() + b" " * 5_000, "page_too_large"),
    ],
)
def test_what_gives_no_text_is_skipped_by_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    found = item(tmp_path / "a.html", data, extraction={"max_page_bytes": 5_000})
    assert isinstance(found, Skip)
    assert found.reason == reason


def test_html_in_a_field_and_in_a_column(tmp_path: Path) -> None:
    rows = [
        {"html": HTML, "url": "https://a.example/1", "lang": "xx"},
        {"html": "<p></p>", "url": "https://a.example/2", "lang": None},
        {"html": None, "url": "https://a.example/3", "lang": None},
    ]
    lines, table, blobs = tmp_path / "a.jsonl", tmp_path / "a.parquet", tmp_path / "b.parquet"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), table)
    latin = [
        row
        | {
            "html": row["html"]
            and row["html"]
            .replace("harbour", "Größe")
            .replace("utf-8", "latin-1")
            .encode("latin-1", "xmlcharrefreplace")
        }
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(latin), blobs)
    found = [
        list(JsonlSource(name="s", paths=("x",), text_field="html", extraction={}).read(lines)),
        list(ParquetSource(name="s", paths=("x",), text_column="html", extraction={}).read(table)),
        list(ParquetSource(name="s", paths=("x",), text_column="html", extraction={}).read(blobs)),
    ]
    for first, second, third in found:
        assert isinstance(first, Record)
        assert isinstance(second, Skip)
        assert isinstance(third, Skip)
        assert (first.url, second.reason, third.reason) == ("https://a.example/1", "no_main_content", "null_text")
        assert first.metadata["title"] == "The boats come home"
        assert first.metadata["lang"] == "xx"
    assert found[0][0].text == found[1][0].text
    assert "Größe" in found[2][0].text
    # Without the key it is text as any other.
    assert next(iter(JsonlSource(name="s", paths=("x",), text_field="html").read(lines))).text == HTML
