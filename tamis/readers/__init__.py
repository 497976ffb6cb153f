"""Readers: one module a format, from a file to records.

Ingest sees only this module: the source sections of `config.yaml` (`AnySource`), the files of a source
(`input_files`) and what is in one file (`read`). A file that is missing, damaged or of another format fails the
job with a `SourceError`; a record inside a file that cannot be read becomes a `Skip`, which ingest counts and
lists, so that nothing shrinks in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tamis.readers import jsonl, parquet, releases, text
from tamis.readers.record import Record, Skip, Source, files_of

__all__ = ["READERS", "AnySource", "Record", "Skip", "Source", "input_files", "read"]

AnySource = Annotated[
    jsonl.JsonlSource | parquet.ParquetSource | text.TextSource | releases.ReleasesSource,
    Field(discriminator="format"),
]
"""A source section of the configuration; `format` says which."""

READERS: dict[str, Callable[[Any, Path], Iterator[Record | Skip]]] = {
    "jsonl": jsonl.read,
    "parquet": parquet.read,
    "text": text.read,
    "releases": releases.read,
}
"""The reading function of each format; all have the same shape."""


def read(source: Source, path: Path) -> Iterator[Record | Skip]:
    """The records of one file of a source, in an order that depends only on the file's bytes.

    Args:
        source: a source section.
        path: one of `input_files(source)`.

    Raises:
        SourceError: the file is missing, damaged, or of another format or hash than configured.
    """
    return READERS[source.format](source, path)


def input_files(source: Source) -> list[Path]:
    """The files of a source, sorted by path.

    Releases pinned by a requirements file are named whether they have been fetched or not, because the
    workflow must know its inputs before it fetches them; every other path must exist.

    Raises:
        SourceError: a path does not exist, a pattern matches nothing, or a requirements file is damaged.
    """
    if isinstance(source, releases.ReleasesSource):
        return releases.input_files(source)
    return files_of(source)
