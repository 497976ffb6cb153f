"""How much a row group of Parquet makes of itself when it is decoded, read from the headers of its pages.

The footer does not say it: a dictionary of one long string and a page of 10,000 indices is 2 kB on disk and 16 GB in
memory, and sizes in a footer may be lies. Page headers are small, they say how many bytes a page has when it is not
compressed and how many values, and Arrow goes by them: what they promise is the most that can come.

Nothing is decoded here (format: `parquet.thrift` of the Apache Parquet project).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa

from tamis.readers.thrift import Compact, ThriftError

DICTIONARY_PAGE = 2
DATA_PAGES = {0: 5, 3: 8}
"""Types of data pages, of version 1 and 2, and the field of the header that describes each."""

DICTIONARY_ENCODINGS = frozenset({2, 8})
DELTA_BYTE_ARRAY = 7
"""Each value may repeat the one before it."""

HEADER_BYTES = 512
HEADER_LIMIT = 16 << 20
"""Arrow refuses longer headers."""

GLANCED = (1 << 16, 1 << 24)
"""Sizes of dictionaries that are looked into: below, each string may as well be as long as all of them."""

CODECS = {"LZ4": "lz4_raw"}

LEVEL_BYTES = 12
"""Definition and repetition level, and offset, of a value while it is decoded."""


@dataclass(frozen=True, slots=True)
class Page:
    """A data page.

    Attributes:
        values: nulls among them; for a column that is not nested, rows.
        size: bytes after decompression.
        encoding: number of the encoding.
    """

    values: int
    size: int
    encoding: int


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary page.

    Attributes:
        size: bytes after decompression.
        start: where its bytes begin in the file.
        packed: bytes on disk.
    """

    size: int
    start: int
    packed: int

    def longest(self, file: IO[bytes], compression: str) -> int:
        """Bytes of its longest string; all its bytes where that takes more than a glance.

        Args:
            file: the Parquet file.
            compression: name of the codec, as Arrow's metadata have it.
        """
        if not GLANCED[0] < self.size <= GLANCED[1]:
            return self.size
        file.seek(self.start)
        data = file.read(self.packed)
        try:
            if compression != "UNCOMPRESSED":
                data = pa.Codec(CODECS.get(compression, compression).lower()).decompress(data, self.size, asbytes=True)
        except (pa.ArrowException, OSError, ValueError):
            return self.size
        at = longest = 0
        while at + 4 <= len(data):
            length = int.from_bytes(data[at : at + 4], "little")
            longest = max(longest, length)
            at += 4 + length
        return min(longest, self.size)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column of a row group.

    Attributes:
        pages: its data pages.
        dictionary: bytes of its dictionary page; 0 where there is none.
        longest: bytes of the longest string in the dictionary.
        nested: whether a row may hold many values.
        width: bytes of a value of fixed width; 0 for strings.
    """

    pages: Sequence[Page]
    dictionary: int
    longest: int
    nested: bool
    width: int

    def largest_page(self) -> int:
        """Bytes of its largest page, dictionary included."""
        return max((page.size for page in self.pages), default=0) + self.dictionary

    def indexable(self) -> bool:
        """Whether all its strings are in the dictionary, so that they can be read as indices into it."""
        return not self.width and all(page.encoding in DICTIONARY_ENCODINGS for page in self.pages)

    def bound(self, rows: int, *, indexed: bool = False) -> int:
        """Bytes that so many rows in a row may take when they are decoded, whichever rows.

        Args:
            rows: how many.
            indexed: whether strings come as indices into the dictionary.
        """
        if not self.pages:
            return self.dictionary
        # As floating-point numbers, because what a header claims may be beyond 64 bits in all.
        values = np.array([page.values for page in self.pages], np.float64)
        each = np.array([4 if indexed else self._value(page) for page in self.pages], np.float64)
        whole = np.array([0 if self._value(page) else page.size for page in self.pages], np.float64)
        taken = (values if self.nested else np.minimum(values, rows)) * (each + LEVEL_BYTES) + whole
        if self.nested:
            return int(taken.sum()) + self.dictionary
        total = np.append(0, np.cumsum(taken))
        first = np.cumsum(values) - values
        # A stretch that begins with the last row of a page reaches furthest.
        ends = np.searchsorted(first, first + np.maximum(values, 1) - 1 + rows, side="left")
        return int((total[ends] - total[:-1]).max()) + self.dictionary

    def _value(self, page: Page) -> int:
        """Bytes of one value, at most; 0 where the page itself holds all of them."""
        if self.width:
            return self.width
        if page.encoding in DICTIONARY_ENCODINGS:
            return max(self.longest, 1)
        return page.size if page.encoding == DELTA_BYTE_ARRAY else 0


def pages(file: IO[bytes], start: int, length: int, values: int) -> tuple[list[Page], Dictionary | None]:
    """The data pages of a column chunk, and its dictionary page.

    Args:
        file: the Parquet file.
        start: where its first page begins.
        length: bytes of the chunk on disk.
        values: how many values the footer says it has; a reader stops when it has seen so many.

    Raises:
        ThriftError: a header is damaged, or says less than nothing.
    """
    found: list[Page] = []
    dictionary = None
    seen, at, end = 0, start, start + length
    while seen < values and at < end:
        header, size = _header(file, at, end)
        kind, unpacked, packed = header.get(1), header.get(2), header.get(3)
        if not isinstance(unpacked, int) or not isinstance(packed, int) or unpacked < 0 or packed < 0:
            raise ThriftError(f"a page at byte {at} has no size")
        if kind == DICTIONARY_PAGE:
            if dictionary is not None:
                raise ThriftError(f"a second dictionary at byte {at}")
            dictionary = Dictionary(unpacked, at + size, packed)
        elif kind in DATA_PAGES:
            details = header.get(DATA_PAGES[kind])
            count, encoding = (
                (details.get(1), details.get(2 if kind == 0 else 4)) if isinstance(details, dict) else (None, None)
            )
            if not isinstance(count, int) or not isinstance(encoding, int) or count < 0:
                raise ThriftError(f"a page at byte {at} does not say how many values it has")
            found.append(Page(count, unpacked, encoding))
            seen += count
        at += size + packed
    return found, dictionary


def _header(file: IO[bytes], at: int, end: int) -> tuple[dict[int, Any], int]:
    """The page header at a byte, and its length."""
    size = HEADER_BYTES
    while True:
        file.seek(at)
        data = file.read(min(size, end - at))
        reader = Compact(data)
        try:
            return reader.struct(), reader.position
        except IndexError as error:
            if len(data) < size or size >= HEADER_LIMIT:
                raise ThriftError(f"no page header at byte {at}") from error
        size *= 8
