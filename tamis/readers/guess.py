"""What a file of a user's own is, so that a source can be written for it: its format, and which fields it has.

Told by the first bytes (`tamis.readers.signatures`) and by the first record; a name decides only where text has no
signature. What cannot be known is an error that says how to choose.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tamis.errors import SourceError
from tamis.readers.csv import first_rows
from tamis.readers.lines import lines, unpacked_name
from tamis.readers.signatures import CONTENTS, head_of, recognised
from tamis.readers.text import EXTENSIONS
from tamis.readers.values import shorten
from tamis.readers.webarchive.records import is_archive

Format = Literal["jsonl", "parquet", "csv", "text", "html", "warc", "code", "latex", "pdf", "parallel"]

CHOOSE = (
    "leave it out by patterns that name the others, or say which with --format jsonl, --format parquet, --format csv, "
    "--format text or --format html"
)
LINES = frozenset({"json", "jsonl", "jsonlines", "ndjson"})
ROWS = frozenset({"csv", "tsv"})
"""Extensions of tables, which have no signature."""
PLAIN = frozenset(["adoc", "asciidoc", "markdown", "md", "org", "rst", "text", "txt"]) | (EXTENSIONS.keys() - ROWS)
"""Extensions of text."""

MARKED = frozenset({"htm", "html", "xhtml"})
"""Extensions of HTML, which may begin like any XML."""

MOST_BYTES = 64 << 20
"""Longest first line of a file of JSON Lines."""

LOOKED_AT = 64
"""Files that are looked at, spread over all."""

SAMPLED = 200
"""Records of a file whose values are looked at."""

TEXTS = ("text", "content", "body", "raw_content", "document", "markdown", "page_content", "article")
URLS = ("url", "uri", "link", "source_url", "page_url", "warc_target_uri")
DATES = ("date", "timestamp", "crawl_date", "published", "date_published", "publish_date", "created", "created_at")


@dataclass(frozen=True)
class Content:
    """What files hold.

    Attributes:
        format: which reader reads them.
        fields: names of the fields or columns that all of them have; empty for text, HTML and web archives.
        partly: names of those that some of them have and others not → how many have them.
        files: how many were looked at and have fields.
    """

    format: Format
    fields: tuple[str, ...]
    partly: Mapping[str, int] = field(default_factory=dict)
    files: int = 0


def _by_name(path: Path) -> str:
    """The extension in small letters, without that of a compression."""
    name = unpacked_name(path.name.lower())
    return name.rpartition(".")[2] if "." in name else ""


def _first_object(path: Path) -> dict[str, Any] | None:
    """The first record of a file of JSON Lines, None where it has none.

    Raises:
        SourceError: its first line is no JSON object.
    """
    for _, line in lines(path, MOST_BYTES):
        if isinstance(line, int):
            return None
        if line.isspace():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            msg = (
                f"{path}: begins like JSON, but its first line is no JSON object ({shorten(error)}). JSON Lines have "
                "one object a line: `jq -c .` writes them from objects of several lines, `jq -c '.[]'` from a list"
            )
            raise SourceError(msg) from error
        if not isinstance(value, dict):
            msg = f"{path}: its lines hold {type(value).__name__}, not objects; `jq -c '.[]'` writes one a line"
            raise SourceError(msg)
        return value
    return None


def content_of(path: Path) -> Content | None:
    """What one file holds; None for an empty one.

    Raises:
        SourceError: it cannot be read, is of a format that tamis does not read, or is not known.
    """
    if is_archive(path):
        return Content("warc", ())
    return Content("pdf", ()) if recognised(head_of(path)[0]) == "pdf" else _content_of(path)


def _content_of(path: Path) -> Content | None:
    """As `content_of`, of a file that is no web archive and no PDF."""
    head, compression = head_of(path)
    if not head.strip():
        return None
    found = recognised(head)
    name = _by_name(path)
    if found == "parquet":
        return Content("parquet", _columns(path))
    if found == "json" or (found is None and (name in LINES or head.lstrip()[:1] in b"[{")):
        if found is None and name in PLAIN:
            return Content("text", ())
        return Content("jsonl", tuple(_first_object(path) or ()))
    if found == "html" or (found == "xml" and name in MARKED):
        return Content("html", ())
    if found == "xml":
        advice = "say --format text if its markup is meant to stay, else extract its text first"
        raise SourceError(f"{path}: is {CONTENTS[found].what}; {advice}")
    if found is not None:
        inside = f" inside {CONTENTS[compression].what}" if compression else ""
        raise SourceError(f"{path}: is {CONTENTS[found].what}{inside}; {CONTENTS[found].advice}")
    if name in PLAIN or name in ROWS:
        return Content("text", ()) if name in PLAIN else Content("csv", _names(path))
    msg = f"{path}: neither its name nor its first bytes say what it is; {CHOOSE}"
    raise SourceError(msg)


def values_of(paths: Sequence[Path], content: Content, name: str) -> list[list[Any]]:
    """What a field or column holds in the first records of files, a list each; `SAMPLED` of each that is looked at.

    Raises:
        SourceError: as `content_of`.
    """
    found: list[list[Any]] = []
    for path in paths[:: -(-len(paths) // LOOKED_AT)]:
        if content.format == "parquet":
            found.append(_first_cells(path, name))
        elif content.format == "csv":
            names, *rows = first_rows(path, SAMPLED + 1)
            found.append([dict(zip(names, row, strict=False)).get(name) for row in rows])
        else:
            found.append([record.get(name) for record in itertools.islice(_objects(path), SAMPLED)])
    return found


def _names(path: Path) -> tuple[str, ...]:
    """The names of the columns of a CSV file.

    Raises:
        SourceError: its first row holds no text, or one name twice.
    """
    names = next(iter(first_rows(path, 1)), [])
    if len(set(names)) < len(names) or not any(names):
        msg = f"{path}: its first row names no columns ({shorten(', '.join(names[:20]))}); write one that does"
        raise SourceError(msg)
    return tuple(names)


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file of JSON Lines that can be read."""
    for _, line in lines(path, MOST_BYTES):
        try:
            value = None if isinstance(line, int) else json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _first_cells(path: Path, name: str) -> list[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            batch = next(file.iter_batches(SAMPLED, columns=[name]), None)
            # Of some files that have the column others may lack it.
            return [] if batch is None or not batch.num_columns else batch.column(0).to_pylist()
    except (pa.ArrowException, OSError) as error:
        msg = f"{path}: not a whole Parquet file ({shorten(error)}); fetch or write it again"
        raise SourceError(msg) from error


def _columns(path: Path) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        msg = f"{path}: not a whole Parquet file ({shorten(error)}); fetch or write it again"
        raise SourceError(msg) from error


def content_of_all(paths: Sequence[Path], given: Format | None = None) -> Content:
    """What several files hold together.

    Args:
        paths: at least one; `LOOKED_AT` of them are looked at.
        given: the format, where the user has said it.

    Raises:
        SourceError: as `content_of`, or they are of several formats, or all are empty.
    """
    step = -(-len(paths) // LOOKED_AT)
    found: dict[str, tuple[Path, Content]] = {}
    fields: list[set[str]] = []
    order: tuple[str, ...] = ()
    for path in paths[::step]:
        content = Content(given, _fields(path, given)) if given else content_of(path)
        if content is None:
            continue
        found.setdefault(content.format, (path, content))
        if content.fields:
            order = order or content.fields
            fields.append(set(content.fields))
    if not found:
        raise SourceError(f"{paths[0]}: empty{', like all others' if len(paths) > 1 else ''}; there is nothing to read")
    if len(found) > 1:
        named = ", ".join(f"{path} is {content.format}" for path, content in found.values())
        raise SourceError(f"the files are of several formats ({named}); give each format a --source of its own")
    ((_, content),) = found.values()
    counts = Counter(name for one in fields for name in one)
    common = tuple(name for name in order if counts[name] == len(fields))
    partly = {name: count for name, count in sorted(counts.items()) if count < len(fields)}
    return Content(content.format, common, partly, len(fields))


def text_inside(path: Path, content: Content) -> tuple[str, str] | None:
    """A field or column of the first record that holds fields of its own, and which of these is a text's by its name.

    Raises:
        SourceError: as `content_of`.
    """
    inner: dict[str, list[str]] = {}
    if content.format == "jsonl":
        first = _first_object(path) or {}
        inner = {name: list(value) for name, value in first.items() if isinstance(value, dict)}
    elif content.format == "parquet":
        inner = _columns_inside(path)
    found = ((outer, named(names, TEXTS)) for outer, names in inner.items())
    return next(((outer, name) for outer, name in found if name is not None), None)


def _columns_inside(path: Path) -> dict[str, list[str]]:
    """The columns that are structs, and the names of their fields."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    return {column.name: [one.name for one in column.type] for column in schema if pa.types.is_struct(column.type)}


def _fields(path: Path, given: Format) -> tuple[str, ...]:
    if given in ("parquet", "csv"):
        return _columns(path) if given == "parquet" else _names(path)
    return tuple(_first_object(path) or ()) if given == "jsonl" else ()


def named(fields: Iterable[str], candidates: Sequence[str]) -> str | None:
    """The field that is meant: the first candidate where it is there, else the only other one, or None."""
    if candidates[0] in fields:
        return candidates[0]
    others = [name for name in fields if name.lower().replace("-", "_") in candidates]
    return others[0] if len(others) == 1 else None
