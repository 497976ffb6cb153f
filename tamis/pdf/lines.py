"""The lines of a PDF's pages, by PDFium; runs in the child process only."""

from __future__ import annotations

import ctypes
import math
import re
import statistics
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from tamis.pdf.layout import PARTED, Line, by_columns, cleaned, in_columns, parted, text_of
from tamis.pdf.outcome import NoText, PdfText
from tamis.pdf.settings import PdfReading

GUTTER = 1.2
"""Width of a gap in a line, by the size of its font, from which it may be a gutter."""

GARBLED = 0.15
"""Share of characters without a meaning from which a text layer is none: fonts do not say what their glyphs are."""

_LINE_END = re.compile(f"\r?\n|{PARTED}")
_REASONS = {
    pdfium_c.FPDF_ERR_PASSWORD: ("pdf_encrypted", "a password is needed"),
    pdfium_c.FPDF_ERR_SECURITY: ("pdf_encrypted", "a security handler that nobody here knows"),
}


def read(data: bytes, settings: PdfReading) -> PdfText | NoText:
    """The text of a PDF."""
    try:
        document = pdfium.PdfDocument(data)
        count = len(document)
    except pdfium.PdfiumError as error:
        return NoText(*(_REASONS.get(getattr(error, "err_code", None) or 0) or ("pdf_damaged", f"PDFium: {error}")))
    if count > settings.max_pages:
        return NoText("pdf_too_large", f"{count} pages, limit {settings.max_pages}")
    return _text(document, count, settings)


def _text(document: Any, count: int, settings: PdfReading) -> PdfText | NoText:
    """The text of the pages of a document."""
    pages: list[list[Line]] = []
    lost = 0
    for number in range(count):
        try:
            pages.append(_page(document, number))
        except pdfium.PdfiumError:
            lost += 1
            pages.append([])
    if lost == count:
        return NoText("pdf_damaged", "no page" if not count else f"none of {count} pages can be read")
    characters = sum(len(line.text) for page in pages for line in page)
    empty = sum(not page for page in pages) - lost
    if characters < settings.least_characters * (count - lost) or not characters:
        return NoText("no_text_layer", f"{characters} characters on {count} pages, {empty} of them without any")
    text, heads = text_of(pages, running_heads=settings.running_heads)
    senseless = sum(map(_is_senseless, text))
    if senseless > GARBLED * len(text):
        return NoText("garbled_text", f"{senseless} of {len(text)} characters mean nothing")
    told = {name: _described(document, name) for name in ("Title", "Author", "CreationDate", "Producer")}
    return PdfText(
        text, count, empty, lost, heads, told["Title"], told["Author"], told["CreationDate"], told["Producer"]
    )


def _is_senseless(character: str) -> bool:
    return character == "\ufffd" or "\ue000" <= character <= "\uf8ff" or "\x80" <= character <= "\x9f"


def _described(document: Any, name: str) -> str | None:
    try:
        value = document.get_metadata_value(name)
    except (pdfium.PdfiumError, UnicodeDecodeError):
        return None
    return " ".join(value.replace("\0", "").split())[:1_000] or None


def _page(document: Any, number: int) -> list[Line]:
    page = document[number]
    try:
        text_page = page.get_textpage()
        try:
            return _lines(text_page)
        finally:
            text_page.close()
    finally:
        page.close()


def _lines(text_page: Any) -> list[Line]:
    """The lines of a page in the order of reading; lines that stand upright are left out where most do not."""
    raw = text_page.raw
    count = text_page.count_chars()
    if count <= 0:
        return []
    text = text_page.get_text_range(errors="replace")
    if len(text) != count:
        text = "".join(_character(pdfium_c.FPDFText_GetUnicode(raw, place)) for place in range(count))
    lines: list[Line] = []
    gutters: list[tuple[float, float] | None] = []
    spans: list[tuple[int, int]] = []
    upright: list[bool] = []
    for start, end in _spans(text):
        shown = cleaned(text[start:end])
        if not shown:
            continue
        found = _boxes(raw, start, end - start)
        if found is None:
            continue
        (left, right, top, bottom), gap = found
        size = max(_size(raw, start), 1.0)
        lines.append(Line(left, right, top, _base(raw, start, bottom), size, shown))
        gutters.append(gap if gap is not None and gap[1] - gap[0] > GUTTER * size else None)
        spans.append((start, end))
        upright.append(abs(math.sin(pdfium_c.FPDFText_GetCharAngle(raw, start))) > 0.5)
    if any(upright) and sum(upright) < len(upright) / 2:
        keep = [place for place, is_upright in enumerate(upright) if not is_upright]
        lines, gutters, spans = [lines[i] for i in keep], [gutters[i] for i in keep], [spans[i] for i in keep]
    if in_columns(lines, gutters):
        return by_columns([part for one in zip(lines, gutters, spans, strict=True) for part in _parts(raw, text, *one)])
    return lines


def _character(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd" if code else " "


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where lines begin and end: at line ends, and inside a word that a line end parts, which PDFium puts together."""
    start = 0
    for found in _LINE_END.finditer(text):
        end = found.end() if found[0] == PARTED else found.start()
        if end > start:
            yield start, end
        start = found.end()
    if start < len(text):
        yield start, len(text)


Box = tuple[float, float, float, float]


def _boxes(raw: Any, start: int, count: int) -> tuple[Box, tuple[float, float] | None] | None:
    """What surrounds some characters (left, right, top, bottom), and the widest gap between its pieces."""
    number = pdfium_c.FPDFText_CountRects(raw, start, count)
    if number <= 0:
        return None
    values = [ctypes.c_double() for _ in range(4)]
    pieces = [
        tuple(value.value for value in values)
        for place in range(number)
        if pdfium_c.FPDFText_GetRect(raw, place, *map(ctypes.byref, values))
    ]
    if not pieces:
        return None
    lefts, tops, rights, bottoms = zip(*pieces, strict=True)
    gap: tuple[float, float] | None = None
    reach = -math.inf
    for left, _, right, _ in sorted(pieces):
        if reach > -math.inf and left > reach and (gap is None or left - reach > gap[1] - gap[0]):
            gap = (reach, left)
        reach = max(reach, right)
    return (min(lefts), max(rights), max(tops), min(bottoms)), gap


def _base(raw: Any, start: int, bottom: float) -> float:
    """Where a character stands; the lower edge of its line where nobody says."""
    across, up = ctypes.c_double(), ctypes.c_double()
    return up.value if pdfium_c.FPDFText_GetCharOrigin(raw, start, across, up) else bottom


def _size(raw: Any, start: int) -> float:
    """Size of the font of a character, in points on the page."""
    size = pdfium_c.FPDFText_GetFontSize(raw, start)
    matrix = pdfium_c.FS_MATRIX()
    if pdfium_c.FPDFText_GetMatrix(raw, start, matrix):
        size *= math.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c)) or 1.0
    return float(size)


def _parts(raw: Any, text: str, line: Line, gap: tuple[float, float] | None, span: tuple[int, int]) -> list[Line]:
    """A line, or its parts on both sides of its gap."""
    if gap is None:
        return [line]
    middle = statistics.fmean(gap)
    values = [ctypes.c_double() for _ in range(4)]
    for place in range(*span):
        if text[place].isspace():
            continue
        if pdfium_c.FPDFText_GetCharBox(raw, place, *map(ctypes.byref, values)) and values[0].value >= middle:
            first, second = cleaned(text[span[0] : place]), cleaned(text[place : span[1]])
            whole = Line(line.left, line.right, line.top, line.base, line.size, f"{first} {second}")
            return [part for part in parted(whole, len(first) + 1, gap) if part.text]
    return [line]
