"""Lines of JSON as documents in columns, by a kernel that leaves odd lines to who parses one at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.arrow_buffers import buffers, of_parts
from tamis.readers.columns import UNKNOWN, Columns, RawColumns, apart, dates_of, kinds_named, moment
from tamis.readers.json_columns import decimals
from tamis.readers.said import TELLING, kinds_said
from tamis.readers.values import invalid_utf8, parse_date
from tamis.schemas import KINDS

LONGEST = 2_000_000
"""Bytes of a line that the kernel looks at; it holds no more values than may become objects."""

CHECKS = 65_536
"""Numbers of a block that Python may write otherwise than they stand there, at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the section of a source says of its lines.

    Attributes:
        text: name of the field that holds the text.
        url: likewise, None for none.
        date: likewise.
        kind: likewise.
        parent: likewise.
        all_of: the kind of all its documents; None: it is to be told.
        limit: bytes of a document.
        url_limit: bytes of a URL.
    """

    text: str
    url: str | None
    date: str | None
    kind: str | None
    parent: str | None
    all_of: str | None
    limit: int
    url_limit: int

    @property
    def named(self) -> list[str]:
        """The names, that of the text first."""
        return [name for name in (self.text, self.url, self.date, self.kind, self.parent) if name is not None]


class Together:
    """Takes blocks of lines apart, by the fields that a section names."""

    def __init__(self, wanted: Wanted) -> None:
        """Look at nothing yet.

        Args:
            wanted: of the section; no name stands for two of its fields.
        """
        self._wanted, own = wanted, wanted.named
        telling = TELLING if wanted.all_of is None else ()
        self._names = [*own, *(name for name in telling if name not in own)]
        keys = [name.encode("utf-8", "surrogatepass") for name in self._names]
        self._keys = np.frombuffer(b"".join(keys), np.uint8)
        self._key_bounds = np.cumsum([0, *map(len, keys)]).astype(np.int64)
        self._kept = np.array([name == wanted.kind or name not in own for name in self._names])

    def documents(self, block: bytes, counts: Counter[str]) -> tuple[Columns, Iterator[tuple[int, bytes]]]:
        """The documents of a block of lines in columns, and the lines that are left, by their place from 0.

        Args:
            block: whole lines.
            counts: name of a field → records in which it was not null, to add to, but for the lines that are left.
        """
        from tamis.kernels.json_lines import BLANK, NULL, RIGHT, STRING, line_bounds

        data = np.frombuffer(block, np.uint8)
        bounds = line_bounds(data, block.count(b"\n") + (not block.endswith(b"\n")))
        lines = self._taken(block, data, bounds)
        text = lines.strings(0)
        url, parent, kind = (
            None if name is None else lines.strings(self._names.index(name))
            for name in (self._wanted.url, self._wanted.parent, self._wanted.kind)
        )
        odd = lines.found != RIGHT
        for name in (self._wanted.url, self._wanted.parent):
            if name is not None:
                odd |= lines.states[:, self._names.index(name)] > STRING
        date = pa.nulls(len(bounds), pa.int64())
        if self._wanted.date is not None:
            date, unread = self._dates(lines, self._names.index(self._wanted.date))
            odd |= unread
        kinds = self._kinds(lines, kind, url)
        columns, left = apart(
            RawColumns(text, url, parent, date, lines.fields, kinds, odd),
            self._wanted.limit,
            self._wanted.url_limit,
        )
        even = np.ones(len(bounds), np.bool_)
        even[left] = False
        for name in self._wanted.named:
            counts[name] += int((lines.states[even, self._names.index(name)] > NULL).sum())
        rest = left[lines.found[left] != BLANK].tolist()
        return columns, ((row, block[bounds[row, 0] : bounds[row, 1]]) for row in rest)

    def _taken(self, block: bytes, data: np.ndarray, bounds: np.ndarray) -> _Lines:
        """What the kernel makes of a block, numbers that Python writes otherwise seen to."""
        from tamis.kernels.json_lines import ODD, RIGHT, take_apart

        lines, count = len(bounds), len(self._names)
        wrong = np.zeros(lines, np.bool_)
        if invalid_utf8(block):
            wrong[:] = [invalid_utf8(block[start:end]) is not None for start, end in bounds]
        text, fields = np.empty(len(block), np.uint8), np.empty(len(block), np.uint8)
        # Memory that nothing is written to is not taken.
        values = np.empty((count, len(block)), np.uint8)
        value_offsets = np.empty((count, lines + 1), np.int64)
        field_offsets = np.empty(lines + 1, np.int64)
        states = np.empty((lines, count), np.uint8)
        checks = np.empty((CHECKS, 3), np.int64)
        found, checked = take_apart(
            data,
            bounds,
            wrong,
            LONGEST,
            self._keys,
            self._key_bounds,
            self._kept,
            values,
            value_offsets,
            states,
            text,
            fields,
            field_offsets,
            checks,
        )
        numbers = checks[:checked][found[checks[:checked, 0]] == RIGHT]
        found[numbers[~_as_written(block, numbers[:, 1:]), 0]] = ODD
        some = pa.array(np.diff(field_offsets) > 0)
        return _Lines(found, states, text, values, value_offsets, of_parts(fields, field_offsets, some))

    def _dates(self, lines: _Lines, name: int) -> tuple[pa.Array, np.ndarray]:
        """Seconds since 1970, and in which lines that is none that can be read."""
        from tamis.kernels.json_lines import NUMBER

        numbers = lines.states[:, name] == NUMBER
        date, odd = dates_of(lines.strings(name))
        if not numbers.any():
            return date, odd
        seconds, known = date.fill_null(0).to_numpy().copy(), date.is_valid().to_numpy(zero_copy_only=False).copy()
        for row in np.flatnonzero(numbers):
            when = parse_date(json.loads(lines.raw(name, int(row))))
            odd[row], known[row] = when is None, when is not None
            seconds[row] = 0 if when is None else moment(when)
        return pa.array(seconds, mask=~known), odd

    def _kinds(self, lines: _Lines, kind: pa.Array | None, url: pa.Array | None) -> np.ndarray:
        """The kinds that are known before the texts are looked at."""
        from tamis.kernels.json_lines import STRING

        rows = len(lines.found)
        if self._wanted.all_of is not None:
            return np.full(rows, KINDS.index(self._wanted.all_of), np.uint8)
        kinds = np.full(rows, UNKNOWN, np.uint8) if kind is None else kinds_named(kind)
        has_url = np.zeros(rows, np.bool_) if url is None else np.diff(buffers(url)[1]) > 0
        told = {
            name: lines.strings(place).to_pylist()
            for place, name in enumerate(self._names)
            if name in TELLING and self._kept[place] and (lines.states[:, place] == STRING).any()
        }
        for row, said in kinds_said(told, has_url.tolist(), (kinds == UNKNOWN).tolist()):
            kinds[row] = KINDS.index(said)
        return kinds


def _as_written(block: bytes, bounds: np.ndarray) -> np.ndarray:
    """Which numbers stand in a block as Python writes them: bool[n].

    Args:
        block: holds them, as JSON has numbers.
        bounds: int64[n, 2], where each begins and ends.
    """
    texts = [block[start:end] for start, end in bounds.tolist()]
    strings = pa.array(texts, pa.large_binary()).view(pa.large_string())
    try:
        written = decimals(strings.cast(pa.float64()))
    except pa.ArrowInvalid:
        # One is beyond what a number of 64 bits holds.
        return np.array([repr(float(text)) == text.decode() for text in texts], np.bool_)
    return np.asarray(pc.equal(written, strings).fill_null(False).to_numpy(zero_copy_only=False))


@dataclass(frozen=True, slots=True)
class _Lines:
    """What a kernel made of n lines, for k names; see `take_apart`."""

    found: np.ndarray
    states: np.ndarray
    text: np.ndarray
    values: np.ndarray
    value_offsets: np.ndarray
    fields: pa.Array

    def strings(self, name: int) -> pa.Array:
        """The strings of a field, null where it holds none."""
        from tamis.kernels.json_lines import STRING

        offsets = self.value_offsets[name]
        data = self.text if name == 0 else self.values[name, : offsets[-1]].copy()
        return of_parts(data, offsets, pa.array(self.states[:, name] == STRING))

    def raw(self, name: int, line: int) -> bytes:
        """What stands in a field of one line."""
        return bytes(self.values[name, self.value_offsets[name, line] : self.value_offsets[name, line + 1]])
