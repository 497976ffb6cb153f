"""Web archives: which records become documents, with what, and what is said of all others."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import bombs
import brotli
import pytest
import web_archives as made
import zstandard
from pdf_files import pdf

from tamis.errors import SourceError
from tamis.readers import Passed, Record, Skip
from tamis.readers.observed import Reading
from tamis.readers.record import Part
from tamis.readers.warc import WarcSource, date_of
from tamis.shards import read_json
from tamis.stages.ingest import documents_of

DATA = Path(__file__).parents[4] / "shared/data"
MILLION = 10**6
PAGE_OF_WORDS = b"Words, and no tag that would say what they are."
WORDS = "The harbour was quiet in the morning of day 0"


def read(folder: Path, *records: bytes, name: str = "a.warc", **options: object) -> list[Record | Skip | Passed]:
    path = folder / name
    path.write_bytes(b"".join(records))
    return list(WarcSource(name="web", paths=(str(path),), **options).read(path))


def one(folder: Path, *records: bytes, **options: object) -> Record | Skip | Passed:
    (item,) = read(folder, *records, **options)
    return item


def reasons(items: list[Record | Skip | Passed]) -> list[str]:
    return [
        "document" if isinstance(item, Record) else item.what if isinstance(item, Passed) else item.reason
        for item in items
    ]


def test_a_page_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    body = made.page()
    record = made.record(
        made.http(body),
        url="<http://x.example/boats>",
        fields=[
            f"WARC-Payload-Digest: {made.digest(body)}",
            "WARC-Identified-Payload-Type: text/html",
            "WARC-Identified-Content-Language: eng,fra",
        ],
    )
    document = one(tmp_path, record)
    assert isinstance(document, Record)
    assert WORDS in document.text
    assert document.url == "http://x.example/boats"
    assert document.date == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    metadata = document.metadata
    assert metadata.pop("record_id").startswith("urn:uuid:")
    assert metadata.pop("charset").lower() == "utf-8"
    assert metadata == {
        "archive": "a.warc",
        "offset": 0,
        "payload_digest": made.digest(body),
        "status": 200,
        "mime": "text/html",
        "languages": "eng,fra",
        "title": "Boats 0",
        "html_lang": "en",
    }


def test_extracted_text_is_taken_as_it_is(tmp_path: Path) -> None:
    text = "Erste Zeile.\n\nZweite Zeile: <b>kein HTML</b>.\n"
    document = one(tmp_path, made.record(text.encode(), type="conversion", kind="text/plain"))
    assert isinstance(document, Record)
    assert document.text == text
    assert document.metadata["mime"] == "text/plain"


def test_what_is_no_page_is_passed_over_and_counted(tmp_path: Path) -> None:
    records = [
        made.warcinfo(),
        made.record(b"GET / HTTP/1.1\r\n\r\n", type="request"),
        made.record(b"{}", type="metadata", kind="application/json"),
        made.record(b"x.example. A 10.0.0.1", url="dns:x.example", kind="text/dns"),
        made.record(b"log", url="metadata://gnu.org/software/wget/warc/wget.log", type="resource", kind="text/plain"),
        made.record(b"log", url="urn:X-wpull:log", type="resource", kind="text/plain"),
        made.response(0),
    ]
    kinds = ["warcinfo", "request", "metadata", "dns", "metadata", "urn", "document"]
    assert reasons(read(tmp_path, *records)) == kinds
    path = tmp_path / "a.warc"
    reading = Reading(WarcSource(name="web", paths=(str(path),)), [str(path)], lambda _: None, tmp_path)
    for _ in reading.tables(lambda items: documents_of(items, "web", 0)):
        pass
    (file,) = reading.files
    assert (file.records, file.skipped) == (1, 0)
    assert file.passed == {"dns": 1, "metadata": 2, "request": 1, "urn": 1, "warcinfo": 1}


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (made.record(made.http(b"gone", status="404 Not Found")), "http_status", "404"),
        (made.record(b"", type="revisit", fields=["WARC-Refers-To-Date: 2020-01-01T00:00:00Z"]), "revisit", "2020-01-01"),
        (made.record(b"rest", type="continuation", fields=["WARC-Segment-Number: 2"]), "segmented", "segment 2"),
        (made.record(made.http(made.page()), fields=["WARC-Segment-Number: 1"]), "segmented", "segment 1"),
        (made.record(b"x", type="holiday"), "unknown_type", "holiday"),
        (made.record(b"no header at all"), "bad_http", "no header at all"),
        (made.record(b""), "bad_http", "not even a header"),
        (made.record(made.http(b"")), "empty_body", "text/html"),
        (made.record(made.http(b"User-agent: *", kind="text/plain"), url="http://x.example/robots.txt"), "robots_txt", ""),
        (made.record(made.http(b"User-agent: *\nDisallow: /", kind="text/plain"), url="http://x.example/r"), "robots_txt", "form"),
        (made.record(b"a.com, pub-1, DIRECT", type="conversion", kind="text/plain"), "ads_txt", "form"),
        (made.record(made.http(b"%PDF-1.4 ...", kind="text/html")), "pdf_damaged", "PDFium"),
        (made.record(made.http(b"...", kind="application/pdf")), "pdf_damaged", "PDFium"),
        (made.record(made.http(b"\x89PNG\r\n\x1a\n...", kind="")), "mime_image", "no media type"),
        (made.record(made.http(b"<svg/>", kind="image/svg+xml")), "mime_image", "image/svg+xml"),
        (made.record(made.http(b'{"a": 1}', kind="text/html")), "mime_json", "text/html"),
        (made.record(made.http(b"[1]", kind="application/ld+json")), "mime_json", "application/ld+json"),
        (made.record(made.http(b"<?xml version='1.0'?><rss/>", kind="text/html")), "mime_xml", "text/html"),
        (made.record(made.http(b"var a", kind="text/javascript")), "mime_script", "text/javascript"),
        (made.record(made.http(b"a {}", kind="text/css")), "mime_style", "text/css"),
        (made.record(made.http(b"PK\3\4...", kind="application/vnd.oasis.opendocument.text")), "mime_office", "oasis"),
        (made.record(made.http(b"PK\3\4...", kind="text/html")), "mime_packed", "text/html"),
        (made.record(made.http(b"a,b", kind="text/csv")), "mime_table", "text/csv"),
        (made.record(made.http(b"a", kind="video/mp4")), "mime_video", "video/mp4"),
        (made.record(made.http(b"a", kind="x-world/x-vrml")), "mime_other", "x-world/x-vrml"),
        (made.record(made.http(b"some words", kind="nonsense")), "mime_unknown", "no media type"),
        (made.record(made.http(b" \n", kind="text/plain")), "empty_text", "white space"),
        (made.record(made.http(b"a\0b\0c\0", kind="text/plain")), "binary", "NUL"),
        (made.record(b"\xff\xfe", type="conversion", kind="text/plain"), "invalid_utf8", "0xff"),
        (made.record(made.http(made.page()), length=10**7), "truncated", "of its 10000000 bytes"),
    ],
)  # fmt: skip
def test_every_other_record_is_listed_with_its_reason_and_place(
    tmp_path: Path, record: bytes, reason: str, detail: str
) -> None:
    skips = [item for item in read(tmp_path, made.gz([made.warcinfo(), record])) if not isinstance(item, Passed)]
    (skip,) = skips
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.record) == (reason, 2)
    assert skip.detail.startswith(f"offset {len(made.gz([made.warcinfo()]))}: ")
    assert detail in skip.detail
    assert len(skip.detail) <= 200


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("", made.page(), ""),
        ("application/octet-stream", made.page(), ""),
        ("text/plain", made.page(), ""),
        ("application/xhtml+xml", made.page(), ""),
        ("text/xml", b"<?xml version='1.0'?>\n" + made.page(), ""),
        ("image/png", made.page(), ""),
        ("; charset=UTF-8", made.page(), ""),
        ("application/octet-stream", b"<p>" + WORDS.encode(), "text/html"),
    ],
)
def test_pages_under_other_names(tmp_path: Path, kind: str, body: bytes, said: str) -> None:
    fields = [f"WARC-Identified-Payload-Type: {said}"] if said else []
    document = one(tmp_path, made.record(made.http(body, kind=kind), fields=fields))
    assert isinstance(document, Record), document
    assert WORDS in document.text


def test_what_the_archive_found_counts_before_what_the_server_said(tmp_path: Path) -> None:
    found = made.record(made.http(PAGE_OF_WORDS), fields=["WARC-Identified-Payload-Type: application/pdf"])
    assert reasons(read(tmp_path, found)) == ["pdf_damaged"]


def test_pdfs_go_to_their_reader(tmp_path: Path) -> None:
    data = pdf(
        [[(72, 700 - 12 * line, 10, f"Line {line} of a page says {WORDS[:60]}") for line in range(9)]], title="A"
    )
    archive = made.record(made.http(data, kind="application/octet-stream"), url="http://x.example/a.pdf")
    document = one(tmp_path, archive)
    assert isinstance(document, Record)
    assert document.text.startswith("Line 0 of a page says ")
    assert (document.url, document.metadata["title"], document.metadata["pages"]) == ("http://x.example/a.pdf", "A", 1)
    listed = list(WarcSource(name="web", paths=("a",), pdf=None).read(tmp_path / "a.warc"))
    assert reasons(listed) == ["mime_pdf"]


def test_statuses_to_keep(tmp_path: Path) -> None:
    records = [made.record(made.http(made.page(), status=status)) for status in ("200 OK", "404 Not Found", "203")]
    assert reasons(read(tmp_path, *records, statuses=(200, 404))) == ["document", "document", "http_status"]


def coded(body: bytes, *fields: str, kind: str = "text/html; charset=utf-8") -> bytes:
    return made.record(made.http(body, kind=kind, fields=fields))


PAGE = made.page()
RAW_DEFLATE = zlib.compressobj(wbits=-15)
CODINGS = {
    "gzip": coded(gzip.compress(PAGE), "Content-Encoding: gzip"),
    "x-gzip": coded(gzip.compress(PAGE), "Content-Encoding: X-GZip"),
    "gzip with something behind": coded(gzip.compress(PAGE) + b"\0\0junk", "Content-Encoding: gzip"),
    "gzip in two members": coded(gzip.compress(PAGE[:99]) + gzip.compress(PAGE[99:]), "Content-Encoding: gzip"),
    "deflate": coded(zlib.compress(PAGE), "Content-Encoding: deflate"),
    "raw deflate": coded(RAW_DEFLATE.compress(PAGE) + RAW_DEFLATE.flush(), "Content-Encoding: deflate"),
    "br": coded(brotli.compress(PAGE), "Content-Encoding: br"),
    "zstd": coded(zstandard.ZstdCompressor().compress(PAGE), "Content-Encoding: zstd"),
    "gzip, then br": coded(brotli.compress(gzip.compress(PAGE)), "Content-Encoding: gzip, br"),
    "chunked": coded(made.chunked(PAGE), "Transfer-Encoding: chunked"),
    "chunked gzip": coded(made.chunked(gzip.compress(PAGE)), "Transfer-Encoding: chunked", "Content-Encoding: gzip"),
    "gzip as transfer": coded(made.chunked(gzip.compress(PAGE)), "Transfer-Encoding: gzip, chunked"),
    "chunks with extensions": coded(
        b"%x;name=value\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (len(PAGE), PAGE), "Transfer-Encoding: chunked"
    ),
    "gzip that is none": coded(PAGE, "Content-Encoding: gzip"),
    "deflate that is none": coded(PAGE, "Content-Encoding: deflate"),
    "br that is none": coded(PAGE, "Content-Encoding: br"),
    "zstd that is none": coded(PAGE, "Content-Encoding: zstd"),
    "chunked that is none": coded(PAGE, "Transfer-Encoding: chunked"),
    "a coding that nobody knows": coded(PAGE, "Content-Encoding: utf-8"),
}


@pytest.mark.parametrize("name", CODINGS)
def test_codings_are_what_is_there_not_what_is_said(tmp_path: Path, name: str) -> None:
    plain = one(tmp_path, coded(PAGE))
    document = one(tmp_path, CODINGS[name])
    assert isinstance(document, Record), document
    assert document.text == plain.text


def test_a_page_that_begins_with_a_number_is_not_chunked(tmp_path: Path) -> None:
    for text in ("12\r\nmonkeys sat on a wall, and none of them fell.", "5\nabcdefgh and so on, for long."):
        document = one(tmp_path, coded(text.encode(), "Transfer-Encoding: chunked", kind="text/plain"))
        assert document.text == text.replace("\r\n", "\n")


BROKEN = {
    "gzip cut short": coded(gzip.compress(PAGE)[:-30], "Content-Encoding: gzip"),
    "gzip damaged": coded(gzip.compress(PAGE)[:60] + b"\xff" * 99, "Content-Encoding: gzip"),
    "br cut short": coded(brotli.compress(PAGE * 20)[:-5], "Content-Encoding: br"),
    "chunks cut short": coded(made.chunked(PAGE)[:-60], "Transfer-Encoding: chunked"),
    "a chunk that lies": coded(made.chunked(PAGE).replace(b"\r\n28\r\n", b"\r\n2f\r\n"), "Transfer-Encoding: chunked"),
    "unknown and no text": coded(b"\x01\x02\x03\x04" * 99, "Content-Encoding: pack200-gzip"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_coded_and_broken_is_listed_unless_the_crawler_cut_it(tmp_path: Path, name: str) -> None:
    assert reasons(read(tmp_path, BROKEN[name])) == ["bad_encoding"]
    cut = BROKEN[name].replace(
        b"\r\nContent-Type: application/http", b"\r\nWARC-Truncated: length\r\nContent-Type: application/http"
    )
    item = one(tmp_path, cut)
    assert isinstance(item, Record) == (name in {"gzip cut short", "chunks cut short"})
    if isinstance(item, Record):
        assert item.metadata["truncated"] == "length"
        assert one(tmp_path, coded(PAGE)).text.startswith(item.text.rstrip("\ufffd"))
    else:
        assert item.reason in ("bad_encoding", "no_main_content")


def test_digests(tmp_path: Path) -> None:
    right, wrong = made.digest(PAGE), made.digest(b"another page")
    chunked = made.http(made.chunked(PAGE), fields=["Transfer-Encoding: chunked"])
    records = [
        made.record(made.http(PAGE), fields=[f"WARC-Payload-Digest: {value}"])
        for value in (right, wrong, "sha1:NONSENSE", "crc32:00000000", "", right.lower().replace("sha1", "SHA-1"))
    ]
    records += [
        made.record(chunked, fields=[f"WARC-Payload-Digest: {value}"])
        for value in (right, made.digest(made.chunked(PAGE)), wrong)
    ]  # fmt: skip
    differs = [False, True, False, False, False, False, False, False, True]
    items = read(tmp_path, *records)
    assert ["digest_differs" in item.metadata for item in items] == differs
    skipped = read(tmp_path, *records, verify_digest="skip")
    assert [reason == "digest_differs" for reason in reasons(skipped)] == differs
    assert not any("digest_differs" in item.metadata for item in read(tmp_path, *records, verify_digest="off"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("naïve café", "text/plain; charset=utf-8"),
        ("naïve café", "text/plain; charset=iso-8859-1"),
        ("日本語の文章です。", "text/plain; charset=Shift_JIS"),
        ("日本語の文章です。もう一つの文章です。", "text/plain"),
        ("naïve café, and more", "text/plain; charset=nonsense"),
    ],
)
def test_plain_text_in_any_charset(tmp_path: Path, text: str, kind: str) -> None:
    name = {"text/plain": "euc-jp", "nonsense": "cp1252"}.get(kind.rpartition("=")[2], kind.rpartition("=")[2])
    document = one(tmp_path, made.record(made.http(text.encode(name), kind=kind)))
    assert document.text == text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2019-08-15T14:06:11Z", datetime(2019, 8, 15, 14, 6, 11, tzinfo=UTC)),
        ("2019-08-15T14:06:11.123456Z", datetime(2019, 8, 15, 14, 6, 11, tzinfo=UTC)),
        ("2019-08-15T01:02", datetime(2019, 8, 15, 1, 2, tzinfo=UTC)),
        ("2019-08", datetime(2019, 8, 1, tzinfo=UTC)),
        ("20190815140611", datetime(2019, 8, 15, 14, 6, 11, tzinfo=UTC)),
        ("201908151406", datetime(2019, 8, 15, 14, 6, tzinfo=UTC)),
        ("2008-10-294T05:21:46-0700", None),
        ("20199915140611", None),
        ("2999-08-15T14:06:11Z", None),
        ("29990815140611", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_whole_cut_and_missing(tmp_path: Path, written: str | None, expected: datetime | None) -> None:
    document = one(tmp_path, made.record(made.http(PAGE), date=written))
    assert document.date == expected
    # What cannot be read is kept as it was found.
    assert document.metadata.get("date") == (written if expected is None and written else None)


def test_a_date_of_arc_is_digits() -> None:
    assert date_of("20080430204825") == datetime(2008, 4, 30, 20, 48, 25, tzinfo=UTC)
    assert [date_of(value) for value in ("2008", "٢٠٠٨٠٤٣٠", "2008-04-30", "99999999", "1" * 13)] == [None] * 5


def test_arc(tmp_path: Path) -> None:
    records = [
        made.filedesc(),
        made.arc("dns:x.example", b"x.example. A 10.0.0.1\n", kind="text/dns"),
        made.arc("http://x.example/1", made.http(PAGE)),
        made.arc("http://x.example/2", b"<html>no header"),
    ]
    items = read(tmp_path, made.gz(records), name="a.arc.gz")
    assert reasons(items) == ["warcinfo", "dns", "document", "bad_http"]
    assert items[2].date == datetime(2008, 4, 30, 20, 48, 25, tzinfo=UTC)
    assert items[2].url == "http://x.example/1"


def test_records_of_one_id_are_all_read(tmp_path: Path) -> None:
    items = read(tmp_path, made.response(0) * 3)
    assert reasons(items) == ["document"] * 3
    assert len({item.metadata["record_id"] for item in items}) == 1
    assert len({item.metadata["offset"] for item in items}) == 3


def test_a_page_beyond_the_limit_is_listed_as_too_large(tmp_path: Path) -> None:
    large = b"<html><body><p>" + b"many words and " * 4_000
    records = [made.response(0), coded(large), coded(gzip.compress(large), "Content-Encoding: gzip"), made.response(1)]
    for packed in (b"".join(records), made.gz(records)):
        items = read(tmp_path, packed, max_document_bytes=20_000)
        assert reasons(items) == ["document", "too_large", "too_large", "document"]


@pytest.mark.parametrize(
    "data", [b"Just a text.\n", gzip.compress(b"text"), b"\x1f\x8b\x08\0\0"], ids=["text", "gzip", "clipped"]
)
def test_a_file_that_is_no_archive_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SourceError, match=r"a\.warc: holds no record of WARC or ARC"):
        read(tmp_path, data)


def test_parts_give_what_the_archive_gives(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    records = [made.warcinfo(), *map(made.response, range(4)), made.record(b"no header"), made.response(4)]
    path.write_bytes(made.gz(records) + b"rest" * 20)
    source = WarcSource(name="web", paths=(str(path),))
    items = list(source.read(path))
    assert reasons(items) == ["warcinfo", *["document"] * 4, "bad_http", "document", "damaged"]
    for count in (2, 5):
        parts = [list(source.read_part(path, Counter(), Part(number, count))) for number in range(count)]
        assert [item for part in parts for item in part] == items
        assert all(parts)


def test_parts_of_a_file_that_is_no_archive_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(b"Just a text.\n" * 10)
    source = WarcSource(name="web", paths=(str(path),))
    assert reasons(list(source.read_part(path, Counter(), Part(0, 3)))) == ["garbage"]
    with pytest.raises(SourceError, match=r"a\.warc: holds no record of WARC or ARC \(130 bytes"):
        list(source.read_part(path, Counter(), Part(2, 3)))


def test_empty_files(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == []
    with pytest.raises(SourceError, match="empty, where an archive was expected"):
        read(tmp_path, b"", name="a.warc.gz")
    with pytest.raises(SourceError, match="cannot be read"):
        list(WarcSource(name="web", paths=("x",)).read(tmp_path / "missing"))


def test_text_from_an_archive_is_never_more_than_text(tmp_path: Path) -> None:
    """Names that a terminal or a shell would take for something."""
    url = "http://x.example/$(touch pwned)/\x1b[31m\u202e" + "é" * 300
    (skip,) = read(tmp_path, made.record(made.http(b"x", status="500 x"), url=url))
    assert "\x1b" not in skip.detail
    assert "\u202e" not in skip.detail
    json.dumps(skip.detail)


REAL = {
    "aut/example.warc.gz": {"document": 95, "mime_image": 55, "http_status": 47, "request": 261},
    "aut/issue-493.warc": {"revisit": 5, "http_status": 1},
    "resiliparse/clueweb-quirk.warc.gz": {"document": 29},
    "resiliparse/warcfile.warc.lz4": {"document": 16, "metadata": 16},
    "whirlwind/whirlwind.warc.wet.gz": {"document": 1, "warcinfo": 1},
    "whirlwind/whirlwind.warc.wat.gz": {"metadata": 1, "warcinfo": 1},
    "cc_net/sample.warc.txt": {"document": 3, "warcinfo": 1},
    "webarchive-discovery/transfer_compression_brotli.warc.gz": {"document": 1},
}


@pytest.mark.skipif(not DATA.exists(), reason="real archives are not here: ../shared/data/crawl")
@pytest.mark.parametrize("name", REAL)
def test_real_archives(name: str) -> None:
    path = DATA / "crawl" / name
    found = Counter(reasons(list(WarcSource(name="web", paths=(str(path),)).read(path))))
    for reason, count in REAL[name].items():
        # Another extractor may refuse a page or two more.
        assert abs(found[reason] - count) <= (3 if reason == "document" and count > 50 else 0)


@pytest.mark.skipif(not DATA.exists(), reason="real archives are not here: ../shared/data/crawl")
def test_a_crawl_gives_the_same_documents_as_warc_and_as_arc() -> None:
    def texts(name: str) -> list[tuple[str, str]]:
        path = DATA / "crawl/aut" / name
        items = WarcSource(name="web", paths=(str(path),)).read(path)
        return sorted((item.url, item.text) for item in items if isinstance(item, Record))

    assert texts("example.arc.gz") == texts("example.warc.gz")


def bomb(path: Path) -> None:
    """A member of 2.2 GB between two pages."""
    deflate = zlib.compressobj(9, wbits=31)
    block = b"\0" * MILLION
    with path.open("wb") as file:
        file.write(gzip.compress(made.response(0)))
        file.write(deflate.compress(made.record(b"", length=2_200 * MILLION, trailer=b"")))
        for _ in range(2_200):
            file.write(deflate.compress(block))
        file.write(deflate.flush() + gzip.compress(made.response(1)))


def header_without_end(path: Path) -> None:
    deflate = zlib.compressobj(9, wbits=31)
    with path.open("wb") as file:
        file.write(gzip.compress(made.response(0)))
        file.write(deflate.compress(b"WARC/1.0\r\nWARC-Type: response\r\n"))
        for _ in range(600):
            file.write(deflate.compress(b"X-More: and more\r\n" * 50_000))
        file.write(deflate.flush() + gzip.compress(made.response(1)))


def coded_bombs(path: Path) -> None:
    """Bodies of a gigabyte each, in every coding."""
    zeros = b"\0" * MILLION
    deflate, compressor = zlib.compressobj(9, wbits=31), zstandard.ZstdCompressor().compressobj()
    stream = brotli.Compressor(quality=3)
    packed = {
        "gzip": b"".join([*(deflate.compress(zeros) for _ in range(1_000)), deflate.flush()]),
        "zstd": b"".join([*(compressor.compress(zeros) for _ in range(1_000)), compressor.flush()]),
        "br": b"".join([*(stream.process(zeros) for _ in range(1_000)), stream.finish()]),
    }
    bodies = [coded(body, f"Content-Encoding: {name}") for name, body in packed.items()]
    path.write_bytes(made.gz([made.response(0), *bodies, made.response(1)]))


def largest_record(path: Path) -> None:
    """A page as large as allowed, decoded from as much."""
    words = b"<html><body><p>" + b"many words and other words, " * 3_600_000
    path.write_bytes(made.gz([made.response(0), coded(words), made.response(1)]))


def tiny_chunks(path: Path) -> None:
    """Eleven million chunks of a byte."""
    body = b"1\r\nx\r\n" * (11 * MILLION) + b"0\r\n\r\n"
    path.write_bytes(made.gz([made.response(0), coded(body, "Transfer-Encoding: chunked"), made.response(1)]))


def wide_text(path: Path) -> None:
    """Text in an old charset as large as allowed, of which UTF-8 takes three times as much."""
    text = coded(b"\x80" * 104_000_000, kind="text/plain; charset=windows-1252")
    path.write_bytes(made.gz([made.response(0), text, made.response(1)]))


BOMBS = {
    "a member": (bomb, ["too_large"]),
    "a header": (header_without_end, ["garbage"]),
    "bodies": (coded_bombs, ["too_large"] * 3),
    "a page": (largest_record, ["page_too_large"]),
    "chunks": (tiny_chunks, ["page_too_large"]),
    "text": (wide_text, ["too_large"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_memory_is_bounded(tmp_path: Path, name: str) -> None:
    make, expected = BOMBS[name]
    path = tmp_path / "a.warc.gz"
    make(path)
    assert bombs.peak_bytes(tmp_path, path, {"format": "warc"}) < 1_500 * MILLION
    assert read_json(tmp_path / "read.json")["files"][0]["records"] == 2
    assert [row["reason"] for row in bombs.skipped(tmp_path)] == expected
