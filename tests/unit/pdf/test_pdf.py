"""PDFs: paragraphs in the order of reading, and what gives no text, by its reason."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pdf_files import Placed, pdf

from tamis.errors import SourceError
from tamis.pdf.layout import Line, cleaned, joined, text_of
from tamis.pdf.reader import PdfReader, shared
from tamis.pdf.settings import PdfReading
from tamis.readers import Record, Skip
from tamis.readers.pdf import PdfSource, date_of
from tamis.readers.signatures import check

FIRST = [
    "The first paragraph of a page goes on for several lines, so that",
    "its end is not where a line ends but where the thought does.",
]
SECOND = [
    "A second one begins further to the right, as they do, and holds the com-",
    "puter and its computer; well-known is a well-",
    "known word.",
]


def block(lines: list[str], left: float, top: float, indent: float = 0, size: float = 10) -> list[Placed]:
    return [(left + (indent if not place else 0), top - 12 * place, size, line) for place, line in enumerate(lines)]


def page(number: int) -> list[Placed]:
    return [
        (72, 750, 9, "Running Head of the Journal"),
        *block([f"{number}. Heading {'ABC'[number]}"], 72, 700, size=14),
        *block(FIRST, 72, 670),
        *block([*SECOND[:-1], f"{SECOND[-1]} {'ABC'[number]} ends."], 72, 646, indent=15),
        (300, 40, 9, str(number + 6)),
    ]


def columns(*, by_row: bool, left: str = "goes to the gutter") -> list[Placed]:
    lefts = block([f"left column line number {n} {left}" for n in range(12)], 60, 700)
    rights = block([f"right column line number {n} goes to the margin" for n in range(12)], 320, 700)
    if not by_row:
        return [*lefts, *rights]
    return [part for row in zip(lefts, rights, strict=True) for part in row]


@pytest.fixture(scope="module")
def reader() -> Iterator[PdfReader]:
    return shared(PdfReading())


def read(path: Path, data: bytes, **more: object) -> Record | Skip:
    path.write_bytes(data)
    source = PdfSource.model_validate({"name": "p", "paths": [str(path)], **more})
    check(path, "p", "pdf", source.reads)
    (item,) = source.read(path)
    return item


def test_paragraphs_without_headers(tmp_path: Path) -> None:
    data = pdf([page(0), page(1), page(2)], title="On pages")
    record = read(tmp_path / "a.pdf", data)
    assert isinstance(record, Record)
    second = "A second one begins further to the right, as they do, and holds the computer and its computer; well-known is a well-known word. {} ends."
    assert record.text.split("\n\n") == [
        part for n in range(3) for part in (f"{n}. Heading {'ABC'[n]}", " ".join(FIRST), second.format("ABC"[n]))
    ]
    assert record.metadata == {"path": str(tmp_path / "a.pdf"), "title": "On pages", "pages": 3}
    assert record.date.isoformat() == "2021-02-03T03:05:06+00:00"
    with_heads = read(tmp_path / "a.pdf", data, reading={"running_heads": True})
    assert isinstance(with_heads, Record)
    assert with_heads.text.count("Running Head of the Journal") == 3


@pytest.mark.parametrize("left", ["goes to the gutter", "ends"])
def test_two_columns_whichever_way_they_were_written(tmp_path: Path, left: str) -> None:
    # Short lines end far from the gutter: what stands right of it does not begin in the middle of the gap.
    texts = [read(tmp_path / "a.pdf", pdf([columns(by_row=by_row, left=left)])) for by_row in (False, True)]
    for item in texts:
        assert isinstance(item, Record)
        words = item.text.split()
        assert words.index("right") > max(place for place, word in enumerate(words) if word == "left")
    assert texts[0].text == texts[1].text


def test_what_gives_no_text_is_listed(tmp_path: Path, reader: PdfReader) -> None:
    good = pdf([page(0)])
    path = tmp_path / "a.pdf"
    cases = {
        "no_text_layer": pdf([b"q 1 0 0 1 0 0 cm Q", b""]),
        "pdf_encrypted": pdf([page(0)], encrypted=True),
        "pdf_damaged": b"%PDF-1.4\n" + bytes(range(256)) * 20,
        "empty_text": b"",
    }
    for reason, data in cases.items():
        item = read(path, data)
        assert isinstance(item, Skip)
        assert item.reason == reason
    item = read(path, good, reading={"max_pages": 1, "max_bytes": 100})
    assert (item.reason, item.detail) == ("pdf_too_large", f"{len(good)} bytes, limit 100")
    scanned = read(path, pdf([page(0), page(1), page(2), b""]))
    assert scanned.metadata["pages_without_text"] == 1
    # A cut file is read as far as PDFium can mend it, or is damaged; never does it take the next one with it.
    for end in range(0, len(good), 97):
        reader.read(good[:end])
    assert not hasattr(reader.read(good), "reason")
    with pytest.raises(SourceError, match="`format: html`"):
        read(path, b"<!doctype html><html>Not found</html>")


def test_a_process_that_dies_or_takes_long_costs_one_document() -> None:
    slow = PdfReader(PdfReading(seconds=0.3))
    form = b"BT /F1 9 Tf " + b"(many words) Tj 0 -1 Td " * 400_000 + b" ET"
    assert slow.read(pdf([form])).reason == "pdf_timeout"
    assert slow.read(pdf([page(0)])).pages == 1
    os.kill(slow.pid, signal.SIGKILL)
    assert slow.read(pdf([page(0)])).pages == 1
    slow.close()


def test_words_at_line_ends_are_put_together_as_the_document_writes_them() -> None:
    words = Counter({"well-known": 2, "wellknown": 1, "computer": 1})
    assert (
        joined(["a well-", "known com-", "puter, a Smith-", "Jones and 3-", "4"], words)
        == "a well-known computer, a Smith- Jones and 3- 4"
    )
    assert joined(["inter\ufffe", "net"], words) == "internet"
    assert joined(["漢字の", "文"], words) == "漢字の文"


def test_characters_of_fonts_that_do_not_say_what_they_are() -> None:
    assert (
        cleaned("signi\x1ccant \x0bect, re\rect, \x10so\x11 \xa8andern ﬁne\x01")
        == "significant ffect, reflect, “so” ändern fine"
    )
    assert cleaned("1.1 Title . . . . . . . . 7") == "1.1 Title … 7"
    assert joined(["2014 1.5 2.5", "2015 3.5 4.5", "and so on"], Counter()) == "2014 1.5 2.5\n2015 3.5 4.5 and so on"


def test_layout_of_nothing_and_of_one_line() -> None:
    assert text_of([]) == ("", 0)
    assert text_of([[], [Line(0, 10, 10, 0, 10, "7")]]) == ("7", 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("D:2021", "2021-01-01T00:00:00+00:00"),
        ("D:20210203040506Z", "2021-02-03T04:05:06+00:00"),
        ("D:20211399", None),
        ("Monday", None),
        (None, None),
    ],
)
def test_dates(value: str | None, expected: str | None) -> None:
    found = date_of(value)
    assert (found and found.isoformat()) == expected
