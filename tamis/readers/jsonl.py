"""JSON Lines, plain or compressed: one object a line, one document an object.

The fields named in the section become text, url and date; all others, the source's own id among them, are kept
as metadata. Memory: one line, at most `max_document_bytes`, and what Python makes of it: two strings, of four bytes a
character where one is wide, and at most `MAX_VALUES` values.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tamis.extraction import Refused
from tamis.readers.columns import Columns
from tamis.readers.html import HtmlText, text_in
from tamis.readers.jsonl_columns import LONGEST, Together, Wanted
from tamis.readers.line_parts import lines_before, opened_part, pieces_of
from tamis.readers.lines import COMPRESSIONS, line_blocks, lines, opened
from tamis.readers.record import DEAR_PART_BYTES, PART_BYTES, URL_CHARACTERS, Part, Record, Skip, Source, make
from tamis.readers.values import shorten
from tamis.schemas import KINDS

MAX_VALUES = 2_000_000
"""Values and names in one line, at most. Each is a Python object of 30 to 200 bytes: 25 MB of `{}` made 1.3 GB."""

MAX_DEPTH = 300
"""Lists and objects inside each other. Python itself gives up somewhere below 1,000, by version and by who calls."""

BLOCK_BYTES = 4 << 20
"""Bytes of the lines that are taken apart together."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_decode = json.JSONDecoder(parse_constant=str).decode


class JsonlSource(Source):
    """Files of JSON objects, one a line."""

    reads: ClassVar[frozenset[str] | None] = frozenset({"json"}) | COMPRESSIONS

    format: Literal["jsonl"] = Field(
        default="jsonl", description="JSON Lines; plain, .gz, .zst, .bz2, .xz or .lz4, told by content."
    )
    text_field: str = Field(default="text", min_length=1, description="Name of the field that holds the text.")
    url_field: str | None = Field(default="url", description="Name of the field that holds the URL, or null for none.")
    date_field: str | None = Field(
        default="date",
        description="Name of the field that holds the date (ISO 8601, a year, seconds since 1970), or null for none.",
    )
    kind_field: str | None = Field(
        default=None,
        description="Name of a field that holds the kind; a value that is no kind falls back to `kind`.",
    )
    parent_field: str | None = Field(
        default=None,
        description="Name of a field that holds, for extracts, the URL (or tamis id) of the document that the text was "
        "taken from; null or missing where it is none.",
    )
    extraction: HtmlText = None

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The documents of one file.

        Raises:
            SourceError: missing, or a compressed file that is cut short or damaged.
        """
        return self.read_and_count(path, Counter())

    def read_and_count(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip]:
        """As `read`; counts the lines in which each field of the section is there and not null."""
        counts.update(dict.fromkeys(self.own_fields, 0))
        for number, line in lines(path, self.max_document_bytes):
            if item := self._one(str(path), number, line, counts):
                yield item

    def read_together(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip | Columns]:
        """As `read_and_count`; most documents come in columns."""
        return self._blocks(path, counts, None)

    def most_parts(self, path: Path) -> int:
        """As many as there are pieces (`tamis.readers.line_parts`)."""
        return len(pieces_of(path)) - 1

    def part_bytes(self, path: Path) -> int:
        """More for gzip, whose parts are found by decompressing what lies before them."""
        return DEAR_PART_BYTES if path.suffix == ".gz" else PART_BYTES

    def parts_by_name(self, path: Path) -> bool:  # noqa: ARG002 - whatever the compression
        """Always."""
        return True

    def read_part(self, path: Path, counts: Counter[str], part: Part) -> Iterator[Record | Skip | Columns]:
        """As `read_together`, the lines of a part."""
        first, last = part.of_many(len(pieces_of(path)) - 1)
        if first == last:
            # More parts were planned, by the name and size of the file, than it has frames.
            counts.update(dict.fromkeys(self.own_fields, 0))
            return
        before: int | None = None
        for item in self._blocks(path, counts, (first, last)):
            if isinstance(item, Columns):
                yield item
                continue
            # Nearly never needed, and then as dear as reading what comes before.
            before = lines_before(path, first) if before is None else before
            yield replace(item, record=item.record + before)

    def _blocks(
        self, path: Path, counts: Counter[str], part: tuple[int, int] | None
    ) -> Iterator[Record | Skip | Columns]:
        """The documents of a file, or of some of its pieces with lines numbered from 1."""
        wanted = Wanted(
            text=self.text_field,
            url=self.url_field,
            date=self.date_field,
            kind=self.kind_field,
            parent=self.parent_field,
            all_of=None if self.kind == "auto" else self.kind,
            limit=self.max_document_bytes,
            url_limit=URL_CHARACTERS,
        )
        one_by_one = self.extraction is not None or len(set(wanted.named)) < len(wanted.named)
        counts.update(dict.fromkeys(self.own_fields, 0))
        where, together = str(path), Together(wanted)
        opening = opened(path) if part is None else opened_part(path, *part)
        for number, block in line_blocks(opening, self.max_document_bytes, BLOCK_BYTES):
            left: Iterable[tuple[int, bytes | int]] = [(0, block)]
            if isinstance(block, bytes) and one_by_one:
                left = enumerate(block.removesuffix(b"\n").split(b"\n"))
            elif isinstance(block, bytes) and (len(block) <= LONGEST or b"\n" in block):
                columns, left = together.documents(block, counts)
                if len(columns):
                    yield columns
            for place, line in left:
                if item := self._one(where, number + place, line, counts):
                    yield item

    @property
    def own_fields(self) -> tuple[str, ...]:
        """The fields that the section names, each once."""
        named = (self.text_field, self.url_field, self.date_field, self.kind_field, self.parent_field)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def _one(self, where: str, number: int, line: bytes | int, counts: Counter[str]) -> Record | Skip | None:
        """What a line is, or its length where it is too long; None: it is blank."""
        length = line if isinstance(line, int) else len(line)
        if isinstance(line, int) or length > self.max_document_bytes:
            return Skip(where, number, "too_large", f"{length} bytes in one line, limit {self.max_document_bytes}")
        return None if line.isspace() else _record(self, where, number, line, counts)


def _record(source: JsonlSource, where: str, number: int, line: bytes, counts: Counter[str]) -> Record | Skip:
    value = _object(line)
    if isinstance(value, tuple):
        return Skip(where, number, *value)
    for name in counts:
        counts[name] += value.get(name) is not None
    if source.text_field not in value:
        found = sorted(value) if len(value) <= 100 else f"{len(value)} others"
        return Skip(where, number, "missing_text", shorten(f"no field {source.text_field!r} among {found}"))
    text = value.pop(source.text_field)
    url = None if source.url_field is None else value.pop(source.url_field, None)
    date = None if source.date_field is None else value.pop(source.date_field, None)
    kind = None if source.kind_field is None else value.get(source.kind_field)
    parent = None if source.parent_field is None else value.pop(source.parent_field, None)
    if source.extraction is not None:
        taken = text_in(text, source.extraction, url)
        if isinstance(taken, Refused):
            return Skip(where, number, taken.reason, taken.detail)
        text, said = taken
        value = said | value
    return make(
        source,
        where,
        number,
        text,
        url=url,
        parent=parent,
        date=date,
        metadata=value,
        kind=kind if isinstance(kind, str) and kind in KINDS else None,
        page=source.extraction is not None,
    )


def _object(line: bytes) -> dict[str, Any] | tuple[str, str]:
    """The object of a line, or why there is none: reason and detail."""
    refused = _out_of_bounds(line)
    if refused is not None:
        return refused
    try:
        # A leading mark is allowed, as before every text.
        value = _decode(line.removeprefix(BYTE_ORDER_MARK).decode())
    except UnicodeDecodeError as error:
        return "invalid_utf8", shorten(error)
    except (ValueError, RecursionError) as error:
        return "invalid_json", shorten(error)
    return value if isinstance(value, dict) else ("not_an_object", f"the line holds {type(value).__name__}")


def _out_of_bounds(line: bytes) -> tuple[str, str] | None:
    """Why a line must not be parsed, reason and detail; None for nearly every line."""
    opened = line.count(b"{") + line.count(b"[")
    if opened <= MAX_DEPTH and (len(line) <= MAX_VALUES or opened + line.count(b",") <= MAX_VALUES):
        return None
    # Texts hold brackets and commas too; only those outside of strings make values.
    from tamis.kernels.json_structure import structure

    values, depth = structure(np.frombuffer(line, np.uint8))
    if values > MAX_VALUES:
        return "too_large", f"{values} values in one line of {len(line)} bytes, limit {MAX_VALUES}"
    if depth > MAX_DEPTH:
        return "invalid_json", f"lists and objects {depth} deep, limit {MAX_DEPTH}"
    return None
