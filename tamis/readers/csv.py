"""CSV and TSV, plain or compressed: one document a row, its text in a column.

Rows are those of RFC 4180: fields in quotes may hold line feeds, separators and doubled quotes. A row with too few or
too many fields, or with a quote that nothing closes, is listed, and reading goes on with the next line: a stray quote
costs its row and not the rest of the file. Memory: one row, at most `max_document_bytes`, as strings.
"""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from tamis.errors import SourceError
from tamis.readers.column_names import ColumnSource
from tamis.readers.lines import BLOCK, COMPRESSIONS, opened
from tamis.readers.record import Record, Skip, make
from tamis.readers.values import has_surrogates, shorten
from tamis.schemas import KINDS

DELIMITERS = (",", "\t", ";", "|")
MOST_LINES = 100_000
"""Lines of one row, at most."""

BYTE_ORDER_MARK = "\ufeff"


class CsvSource(ColumnSource):
    """Files of rows, with the names of their columns in the first or in the configuration."""

    reads: ClassVar[frozenset[str] | None] = COMPRESSIONS

    format: Literal["csv"] = Field(
        default="csv", description="CSV or TSV; plain, .gz, .zst, .bz2, .xz or .lz4, told by content."
    )
    columns: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Names of the columns of files without them; null: the first row has them.",
    )
    delimiter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="What parts fields; null: the comma, tab, semicolon or bar that is most frequent in the first row.",
    )
    quotes: bool = Field(
        default=True, description="Whether fields may stand in double quotes; without, a quote is a character (TSV)."
    )

    @field_validator("delimiter")
    @classmethod
    def _parts(cls, value: str | None) -> str | None:
        if value is not None and (value in '"\r\n' or not value.isascii()):
            raise ValueError("a delimiter is one ASCII character, no quote and no line end")
        return value

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The documents of one file.

        Raises:
            SourceError: missing, a compressed file that is cut short, without a column that is named, or with two
                columns of one name.
        """
        return self.read_and_count(path, Counter())

    def read_and_count(self, path: Path, counts: Counter[str]) -> Iterator[Record | Skip]:
        """As `read`; counts the rows in which each column of the section is there and not empty."""
        lines = _Lines(path, self.max_document_bytes)
        delimiter = self.delimiter or _delimiter(lines.first())
        rows = _rows(lines, delimiter, str(path), quotes=self.quotes)
        names = self.columns
        named = self.own_columns
        counts.update({name: 0 for name in named if name is not None})
        for number, row in rows:
            if isinstance(row, Skip):
                if names is None:
                    raise SourceError(f"{path}: the row of names cannot be read ({row.reason}: {row.detail})")
                yield row
            elif names is None:
                names = _checked(path, row, [name for name in named if name not in (None, "url", "date")])
            elif len(row) != len(names):
                yield Skip(str(path), number, "ragged_row", f"{len(row)} fields, {len(names)} columns")
            else:
                yield self._record(str(path), number, dict(zip(names, row, strict=True)), counts)

    def _record(self, where: str, number: int, row: dict[str, str], counts: Counter[str]) -> Record | Skip:
        for name in counts:
            counts[name] += bool(row.get(name))
        if any(map(has_surrogates, row.values())):
            return Skip(where, number, "invalid_utf8", "bytes that are no UTF-8")
        if self.text_column not in row:
            return Skip(where, number, "missing_text", f"no column {self.text_column!r}")
        kind = _taken(row, self.kind_column, keep=True)
        return make(
            self,
            where,
            number,
            row.pop(self.text_column),
            url=_taken(row, self.url_column),
            date=_taken(row, self.date_column),
            parent=_taken(row, self.parent_column),
            metadata=row,
            kind=kind if kind in KINDS else None,
        )


def _taken(row: dict[str, str], name: str | None, *, keep: bool = False) -> str | None:
    """What a column holds, null where it is empty or not there."""
    if name is None:
        return None
    return (row.get(name) if keep else row.pop(name, None)) or None


def _checked(path: Path, names: Sequence[str], wanted: Sequence[str | None]) -> tuple[str, ...]:
    """The names of columns.

    Raises:
        SourceError: one that is wanted is missing, or a name stands there twice.
    """
    names = [names[0].removeprefix(BYTE_ORDER_MARK), *names[1:]]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(f"{path}: two columns are named {twice[0]!r}; rename one, or name them all with columns")
    missing = [name for name in wanted if name not in names]
    if missing:
        listed = shorten(", ".join(names[:20]))
        msg = f"{path}: no column {missing[0]!r}; it has {listed}. Correct the source, or name the columns with columns"
        raise SourceError(msg)
    return tuple(names)


def first_rows(path: Path, most: int) -> list[list[str]]:
    """The first rows of a file that can be read, the row of names among them.

    Raises:
        SourceError: missing, or a compressed file that is cut short.
    """
    lines = _Lines(path, BLOCK)
    rows = _rows(lines, _delimiter(lines.first()), str(path), quotes=True)
    found = list(islice((row for _, row in rows if not isinstance(row, Skip)), most))
    return [[found[0][0].removeprefix(BYTE_ORDER_MARK), *found[0][1:]], *found[1:]] if found else []


def _delimiter(line: bytes) -> str:
    counts: Mapping[str, int] = {one: line.count(one.encode()) for one in DELIMITERS}
    return max(DELIMITERS, key=lambda one: counts[one])


class _Lines:
    """The lines of a file, with their line feeds; some can be given back. Counts from 1."""

    def __init__(self, path: Path, limit: int) -> None:
        self.limit = limit
        self.number = 0
        self._source = _raw_lines(path, limit)
        self._waiting: deque[bytes | int] = deque()

    def first(self) -> bytes:
        """The first line, which comes again; empty where there is none."""
        line = next(self._source, b"")
        self._waiting.appendleft(line)
        return b"" if isinstance(line, int) else line

    def take(self) -> bytes | int | None:
        """The next line, its length where it is longer than the limit, or None at the end."""
        line = self._waiting.popleft() if self._waiting else next(self._source, None)
        self.number += line is not None
        return line

    def give_back(self, lines: Sequence[bytes | int]) -> None:
        """They come again, in this order."""
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)


def _raw_lines(path: Path, limit: int) -> Iterator[bytes | int]:
    pieces: list[bytes] = []
    length = 0
    with opened(path) as file:
        while block := file.read(BLOCK):
            start = 0
            while start < len(block):
                end = block.find(b"\n", start) + 1
                piece = block[start : end or len(block)]
                length += len(piece)
                if length <= limit:
                    pieces.append(piece)
                else:
                    pieces.clear()
                start += len(piece)
                if end:
                    yield b"".join(pieces) if length <= limit else length
                    pieces, length = [], 0
    if length:
        yield b"".join(pieces) if length <= limit else length


class _TooLarge(Exception):  # noqa: N818 - ends one row
    """A row has more bytes or lines than allowed."""


def _rows(lines: _Lines, delimiter: str, where: str, *, quotes: bool) -> Iterator[tuple[int, list[str] | Skip]]:
    """The rows of a file that are not empty, each with the number of its first line."""
    csv.field_size_limit(min(lines.limit, 2**31 - 1))
    taken: list[bytes | int] = []

    def pulled() -> Iterator[str]:
        size = 0
        while (line := lines.take()) is not None:
            taken.append(line)
            size += line if isinstance(line, int) else len(line)
            if isinstance(line, int) or size > lines.limit or len(taken) > MOST_LINES:
                raise _TooLarge(f"{size} bytes in {len(taken)} lines, limit {lines.limit}")
            yield line.decode("utf-8", "surrogateescape")

    while True:
        start = lines.number + 1
        taken.clear()
        try:
            row = next(
                csv.reader(
                    pulled(), delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE, strict=True
                ),
                None,
            )
        except _TooLarge as error:
            reason = "too_large" if len(taken) == 1 else "wrong_quoting"
            yield start, Skip(where, start, reason, str(error))
            lines.give_back(taken[1:])
            continue
        except csv.Error as error:
            yield start, Skip(where, start, "wrong_quoting", shorten(error))
            lines.give_back(taken[1:])
            continue
        if row is None:
            return
        if row and (len(row) > 1 or row[0].strip()):
            yield start, row
