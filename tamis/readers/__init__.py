"""Readers: one module a format, from a file to records.

A format is a source section (a subclass of `Source`): its keys in `config.yaml`, the files that it names
(`input_files`) and what is in one of them (`read`). Ingest knows no format. A file that is missing, damaged or of
another format fails the job with a `SourceError`; a record inside a file that cannot be read becomes a `Skip`, which
ingest counts and lists, so that nothing shrinks in silence.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tamis.readers.code.source import CodeSource
from tamis.readers.csv import CsvSource
from tamis.readers.html import HtmlSource
from tamis.readers.jsonl import JsonlSource
from tamis.readers.latex.source import LatexSource
from tamis.readers.parallel import ParallelSource
from tamis.readers.parquet import ParquetSource
from tamis.readers.pdf import PdfSource
from tamis.readers.record import Passed, Record, Skip, Source
from tamis.readers.releases import ReleasesSource
from tamis.readers.text import TextSource
from tamis.readers.warc import WarcSource

__all__ = ["AnySource", "Passed", "Record", "Skip", "Source"]

AnySource = Annotated[
    JsonlSource
    | ParquetSource
    | CsvSource
    | TextSource
    | HtmlSource
    | WarcSource
    | LatexSource
    | PdfSource
    | ParallelSource
    | CodeSource
    | ReleasesSource,
    Field(discriminator="format"),
]
"""A source section of the configuration; `format` says which. A new format is a module and a line here."""
