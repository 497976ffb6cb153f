"""Files of text: one document a file, its kind by extension.

The URL is null, the date unknown (a file's own time is the day it was copied); its path, or the address that it was
fetched from, is metadata. What a site writes for programs (`robots_txt`, `ads_txt`) is listed.
Memory: one file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from tamis.readers.for_machines import for_machines
from tamis.readers.lines import content
from tamis.readers.record import Record, Skip, Source, make
from tamis.readers.remote.origin import called
from tamis.section import Kind

CODE = "c cc cpp cs css go h hpp java js jsx kt lua php pl py pyi pyx r rb rs scala sh sql swift ts tsx"
EXTENSIONS: Mapping[str, Kind] = {
    **dict.fromkeys(CODE.split(), "code"),
    **dict.fromkeys(("ltx", "tex"), "maths"),
    **dict.fromkeys(("csv", "po", "pot", "tsv"), "catalogue"),
}
"""Kinds that an extension settles; all other files are judged by their lines."""


def extension_of(path: Path) -> str:
    """The extension without the dot, in small letters, of what a compressed file holds; empty where there is none."""
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    return name.rpartition(".")[2].lower() if "." in name else ""


class TextSource(Source):
    """Files of text, one document a file."""

    small_bytes: ClassVar[int | None] = 100_000
    reads: ClassVar[frozenset[str] | None] = frozenset({"html", "xml", "json", "gzip", "zstd"})
    takes_whole: ClassVar[bool] = True

    format: Literal["text"] = Field(default="text", description="UTF-8 text, one document a file; also .gz and .zst.")
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

    def whole(self, path: Path, data: bytes) -> Record | Skip | None:
        """The document of a small file; None where its name says that it is compressed, which it is not."""
        if len(data) > self.max_document_bytes or path.suffix in (".gz", ".zst"):
            return None
        return self._document(path, data)

    def _document(self, path: Path, data: bytes) -> Record | Skip:
        if reason := for_machines(data):
            return Skip(str(path), 1, reason, "lines for programs, by their form")
        extension = extension_of(path)
        kind = self.kinds.get(extension) or EXTENSIONS.get(extension)
        return make(self, str(path), 1, data, metadata={"path": called(path)}, kind=kind)
