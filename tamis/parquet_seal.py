"""The seal of a Parquet file: checksums in its footer, so that its readers in tamis notice any other byte.

Parquet's own page checksums are written too, for readers outside, but they cover neither the headers of the pages nor
the footer. The seal is one value of the footer's metadata: XXH3-64 of each column chunk, header and all, and of the
footer itself, taken while its own digits were zeros. It is put in after the file is written, in the room that was kept
for it, and depends on the bytes of the file alone. Who reads some columns of some row groups checks these chunks only.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.checksums import damaged, digest, stretch

KEY = "tamis seal"
DIGITS = 16
_MARK = b"xxh3:"
_TAIL = 8
"""Length of the footer and magic, at the end of every Parquet file."""

_ZEROS = b"0" * DIGITS


def _leaves(kind: pa.DataType) -> int:
    """Columns of a Parquet file that a type becomes."""
    if pa.types.is_nested(kind) and not pa.types.is_dictionary(kind):
        return sum(_leaves(kind.field(index).type) for index in range(kind.num_fields))
    return 1


def room(schema: pa.Schema, row_groups: int) -> dict[str, str]:
    """What to add to the metadata before a file is closed: zeros where the seal comes.

    Args:
        schema: of the file.
        row_groups: how many were written.
    """
    chunks = row_groups * sum(_leaves(field.type) for field in schema)
    return {KEY: (_MARK + _ZEROS * (1 + chunks)).decode()}


def _footer(path: Path, view: memoryview) -> tuple[int, bytes]:
    """Where the footer of a file begins, and its bytes."""
    size = len(view)
    if size < _TAIL + 4 or bytes(view[size - 4 :]) != b"PAR1":
        raise damaged(path, "empty" if not size else "it does not end as a Parquet file does; it was cut")
    begin = size - _TAIL - int.from_bytes(view[size - _TAIL : size - 4], "little")
    if begin < 4:
        raise damaged(path, "its footer would begin before the file")
    return begin, bytes(view[begin:])


def _chunk(column: pq.ColumnChunkMetaData) -> slice:
    """The bytes of a column chunk; none where it has no page."""
    pages = [column.data_page_offset]
    if column.has_dictionary_page and column.dictionary_page_offset:
        pages.append(column.dictionary_page_offset)
    start = min((page for page in pages if page), default=0)
    return slice(start, start + column.total_compressed_size)


def _chunks(metadata: pq.FileMetaData) -> Iterator[slice]:
    for group in range(metadata.num_row_groups):
        part = metadata.row_group(group)
        for column in range(metadata.num_columns):
            yield _chunk(part.column(column))


def seal(path: Path) -> None:
    """Fill in the seal of a file that was closed with `room` for it.

    Args:
        path: the file, under its temporary name.
    """
    metadata = pq.read_metadata(path)
    with path.open("rb+") as file:
        hashes = "".join(stretch(file, part.start, part.stop).hexdigest() for part in _chunks(metadata)).encode()
        file.seek(-_TAIL, os.SEEK_END)
        begin = file.seek(-_TAIL - int.from_bytes(file.read(4), "little"), os.SEEK_END)
        footer = file.read()
        place = footer.rindex(_MARK + _ZEROS * (1 + len(hashes) // DIGITS)) + len(_MARK)
        footer = footer[: place + DIGITS] + hashes + footer[place + DIGITS + len(hashes) :]
        file.seek(begin + place)
        file.write(digest(footer).encode() + hashes)


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    """The bytes of a file. Not longer than needed: what was read of a mapping counts as memory while it lasts."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise damaged(path, "empty") from error
        with data, memoryview(data) as view:
            yield view


class SealedParquet:
    """A Parquet file of ours whose footer is what was written."""

    def __init__(self, path: Path) -> None:
        """Check the footer.

        Raises:
            FileNotFoundError: missing.
            SourceError: the file was cut or damaged, or has no seal.
        """
        with _mapped(path) as view:
            begin, footer = _footer(path, view)
        place = footer.rfind(_MARK) + len(_MARK)
        told = footer[place : place + DIGITS]
        if place < len(_MARK) or digest(footer[:place] + _ZEROS + footer[place + DIGITS :]).encode() != told:
            raise damaged(path, "its footer is not what was written, or it is of an older version")
        self._path = path
        self.seal = told.decode()
        """Checksum of the footer, and so of the checksums of all column chunks: another file has another one."""
        # Arrow reads a footer from the end of a file; what stands before it does not matter.
        self.metadata: pq.FileMetaData = pq.read_metadata(pa.BufferReader(b"PAR1" + footer))
        """The footer."""
        if self.metadata.metadata is None or KEY.encode() not in self.metadata.metadata:
            raise damaged(path, "no seal in its footer")
        value = self.metadata.metadata[KEY.encode()][len(_MARK) + DIGITS :]
        self._hashes = [value[at : at + DIGITS] for at in range(0, len(value), DIGITS)]
        self._size = begin + len(footer)

    def check(self, row_group: int, columns: Sequence[str] | None) -> None:
        """Compare column chunks with their checksums.

        Args:
            row_group: which row group.
            columns: names of columns; all when None.

        Raises:
            SourceError: a chunk is not what was written.
        """
        part = self.metadata.row_group(row_group)
        with _mapped(self._path) as view:
            if len(view) != self._size:
                raise damaged(self._path, f"{len(view)} bytes where {self._size} were")
            for index in range(self.metadata.num_columns):
                column = part.column(index)
                name = column.path_in_schema.split(".")[0]
                if columns is not None and name not in columns:
                    continue
                told = self._hashes[row_group * self.metadata.num_columns + index]
                if digest(view[_chunk(column)]).encode() != told:
                    raise damaged(self._path, f"column {name!r} of row group {row_group} is not what was written")

    def check_all(self) -> None:
        """Compare the whole file with its checksums.

        Raises:
            SourceError: a chunk is not what was written.
        """
        for group in range(self.metadata.num_row_groups):
            self.check(group, None)
