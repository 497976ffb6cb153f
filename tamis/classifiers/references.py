"""A reference: texts that somebody likes, which a classifier learns to tell from the pool.

GPT-3 (Brown et al. 2020) and DCLM (Li et al. 2024) made their quality classifiers so: texts known to be good against
what the crawl holds. It is the least that a user must have. The pool holds good texts too, so what is learnt is a
likeness to the reference, and some of the "errors" on the card are documents that are as good as the reference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from tamis.classifiers.label_files import Judged, text_id
from tamis.classifiers.selectors import Selector
from tamis.errors import SourceError
from tamis.readers.jsonl import JsonlSource
from tamis.readers.parquet import ParquetSource
from tamis.readers.record import Passed, Skip, Source
from tamis.readers.remote.addresses import is_address
from tamis.readers.text import EXTENSIONS, TextSource, extension_of
from tamis.section import FilePath, Kind, Section

SOURCE_NAME = re.compile(r"[a-z0-9_]+")
"""A reference of this form is the name of a source; paths have a dot or a slash."""


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _is_json(path: Path) -> bool:
    return ".json" in path.name


class Reference(Section):
    """Texts that somebody likes: a source of the run, or files."""

    reference: FilePath = Field(
        min_length=1,
        description="Name of a source: its documents. Otherwise a file or glob pattern: JSON Lines (plain, .gz, .zst), "
        "Parquet, or any other file as one text. A file in the working directory is written ./name.",
    )
    text: str = Field("text", min_length=1, description="Field or column of the files that holds the text.")
    kind: Kind | None = Field(
        None,
        description="Kind that the texts of files count as; null: what the extension says where a file is one text, as "
        "in a source of text (.py is code), else prose. Documents of a source have their own.",
    )

    @property
    def source(self) -> str | None:
        """The name of the source, if it is one."""
        return self.reference if SOURCE_NAME.fullmatch(self.reference) else None

    def files(self) -> list[str]:
        """The files, sorted.

        Raises:
            SourceError: there are none, or one is no file.
        """
        if self.source is not None:
            return []
        if is_address(self.reference):
            raise SourceError(
                f"reference: {self.reference}: a local file, or the name of a source, which may be remote"
            )
        return [str(path) for path in TextSource(name="reference", paths=(self.reference,)).input_files()]

    def at_most(self) -> int | None:
        """How many texts the files can give, where each is one text; None where they must be read for that."""
        names = self.files()
        single = names and not any(_is_parquet(Path(name)) or _is_json(Path(name)) for name in names)
        return len(names) if single else None

    def _reader(self, path: Path) -> Source:
        given: dict[str, Any] = {
            "name": "reference",
            "kind": self.kind or EXTENSIONS.get(extension_of(path.name), "prose"),
        }
        if _is_parquet(path):
            return ParquetSource(text_column=self.text, metadata_columns=(), **given)
        if _is_json(path):
            return JsonlSource(text_field=self.text, url_field=None, date_field=None, **given)
        return TextSource(**given)

    def texts(self, label: str, max_characters: int, counts: Counter[str]) -> Iterator[Judged]:
        """The texts of the files, one at a time.

        Args:
            label: the class that they teach.
            max_characters: how much of each text is kept.
            counts: what became of the records is added here.

        Raises:
            SourceError: a file cannot be read.
        """
        for name in self.files():
            path = Path(name)
            for record in self._reader(path).read(path):
                if isinstance(record, Passed):
                    continue
                if isinstance(record, Skip):
                    counts[f"unreadable in reference {self.reference}"] += 1
                    continue
                text = record.text
                counts[f"{label} from reference {self.reference}"] += 1
                yield Judged(text_id(text), record.kind, label, None, len(text), text[:max_characters])


class Pool(Section):
    """A sample of all documents that reach the stage and have no other label."""

    sample: Literal["pool"] = Field(description="The documents that reach the stage.")


def _tag(value: Any) -> str:
    keys = value if isinstance(value, Mapping) else type(value).model_fields if isinstance(value, Section) else ()
    return "reference" if "reference" in keys else "pool" if "sample" in keys else "selector"


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, Mapping | Section) else value


Teacher = Annotated[
    Annotated[Selector, Tag("selector")] | Annotated[Reference, Tag("reference")] | Annotated[Pool, Tag("pool")],
    Discriminator(_tag),
]
"""What gives a class its documents."""

Teachers = Annotated[tuple[Teacher, ...], BeforeValidator(_listed)]
"""Any number of them; a single one need not stand in a list."""


def as_selectors(teachers: Sequence[Any]) -> tuple[Any, ...]:
    """The same, with references to a source as the selector that takes its documents."""
    return tuple(
        Selector(sources=(teacher.source,)) if isinstance(teacher, Reference) and teacher.source else teacher
        for teacher in teachers
    )
