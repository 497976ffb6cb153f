"""Files of text: one document a file, its kind by extension.

The URL is null, the date unknown (a file's own time is the day it was copied); its path, or the address that it was
fetched from, is metadata. What a site writes for programs (`robots_txt`, `ads_txt`) is listed.
Memory: one file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.readers.columns import PLACES, UNKNOWN, Columns, RawColumns, apart
from tamis.readers.for_machines import for_machines
from tamis.readers.lines import COMPRESSIONS, PACKED, content, unpacked_name
from tamis.readers.record import PLAIN, URL_CHARACTERS, Record, Skip, Source, make
from tamis.readers.remote.origin import called
from tamis.readers.said import kind_of_name
from tamis.readers.values import invalid_utf8
from tamis.section import Kind

if TYPE_CHECKING:
    from tamis.readers.small_files import Small

CODE = "c cc cpp cs css go h hpp java js jsx kt lua php pl py pyi pyx r rb rs scala sh sql swift ts tsx"
EXTENSIONS: Mapping[str, Kind] = {
    **dict.fromkeys(CODE.split(), "code"),
    **dict.fromkeys(("ltx", "tex"), "maths"),
    **dict.fromkeys(("csv", "po", "pot", "tsv"), "catalogue"),
}
"""Kinds that an extension settles; all other files are judged by their lines."""


def extension_of(path: str) -> str:
    """The extension without the dot, in small letters, of what a compressed file holds; empty where there is none."""
    name = unpacked_name(path.rpartition("/")[2])
    return name.rpartition(".")[2].lower() if "." in name else ""


class TextSource(Source):
    """Files of text, one document a file."""

    small_bytes: ClassVar[int | None] = 100_000
    reads: ClassVar[frozenset[str] | None] = frozenset({"html", "xml", "json"}) | COMPRESSIONS
    takes_whole: ClassVar[bool] = True

    format: Literal["text"] = Field(
        default="text", description="UTF-8 text, one document a file, also compressed: .gz, .zst, .bz2, .xz, .lz4."
    )
    kinds: dict[str, Kind] = Field(
        default_factory=dict,
        description="Kind by extension (without the dot), over the built-in table of common extensions.",
    )

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The document of one file.

        Raises:
            SourceError: missing, or a compressed file that is cut short or damaged.
        """
        data = content(path, self.max_document_bytes)
        if isinstance(data, int):
            yield Skip(str(path), 1, "too_large", f"{data} bytes, limit {self.max_document_bytes}")
        else:
            yield self._document(path, data)

    def work(self, path: Path, size: int) -> int:
        """Half of its size where it is not compressed."""
        return size if path.name.endswith(tuple(PACKED)) else size // PLAIN

    def is_whole(self, path: str, size: int) -> bool:
        """Whether a file is a document as it is: its name does not say that it is compressed."""
        return size <= self.max_document_bytes and not path.endswith(tuple(PACKED))

    def together(self, files: Sequence[Small]) -> tuple[Columns | None, Sequence[int]]:
        """As `whole`, of many files."""
        texts = pa.array([file.data for file in files], pa.large_binary())
        wrong = np.zeros(len(files), np.bool_)
        try:
            texts.view(pa.large_string()).validate(full=True)
        except pa.ArrowInvalid:
            wrong[:] = [invalid_utf8(file.data) is not None for file in files]
            texts = pc.if_else(pa.array(wrong), pa.scalar(b"", pa.large_binary()), texts)
        columns, left = apart(
            RawColumns(
                text=texts.view(pa.large_string()),
                url=None,
                parent=None,
                date=pa.nulls(len(files), pa.int64()),
                # As `json_bytes` has it: a whole encoder takes ten times as long.
                fields=pa.array([f'{{"path":{encode_basestring(file.path)}}}' for file in files], pa.large_string()),
                kinds=np.array([self._place(file.path) for file in files], np.uint8),
                odd=wrong | [for_machines(file.data) is not None for file in files],
            ),
            self.max_document_bytes,
            URL_CHARACTERS,
        )
        return columns, left.tolist()

    def _place(self, path: str) -> int:
        """The place in `KINDS` of the kind that the name of a file says, or that the section says."""
        kind = self.kind if self.kind != "auto" else self._by_extension(path) or kind_of_name(path)
        return int(UNKNOWN) if kind is None else PLACES[kind]

    def _by_extension(self, path: str) -> Kind | None:
        extension = extension_of(path)
        return self.kinds.get(extension) or EXTENSIONS.get(extension)

    def whole(self, path: str, data: bytes) -> Record | Skip:
        """The document of a small file."""
        return self._document(Path(path), data)

    def _document(self, path: Path, data: bytes) -> Record | Skip:
        if reason := for_machines(data):
            return Skip(str(path), 1, reason, "lines for programs, by their form")
        return make(self, str(path), 1, data, metadata={"path": called(path)}, kind=self._by_extension(path.name))
