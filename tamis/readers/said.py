"""The kind that a record says of itself, by fields that collections of code have: language, name of a file, ending.

`language`, `lang` and `programming_language` count where they name a programming language as linguist spells it
(`Python`, `C++`) or, from four letters on, in any capitals: shorter ones are codes of human languages, too. A path
counts where the record has no URL: that of a page of the web may well end in `.php`. HTML says nothing, for the text of
a page is no markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from tamis.section import Kind

LANGUAGES = ("programming_language", "language", "lang")
EXTENSIONS = ("ext", "extension")
NAMES = ("path", "file_path", "filepath", "filename", "file_name", "max_stars_repo_path")
TELLING = (*LANGUAGES, *EXTENSIONS, *NAMES)
LEAST_LETTERS = 4


@cache
def _languages() -> tuple[frozenset[str], Mapping[str, str]]:
    from tamis.readers.code.language_tables import BY_EXTENSION, BY_NAME

    names = frozenset({*BY_EXTENSION.values(), *BY_NAME.values()})
    return names, {name.lower(): name for name in names if len(name) >= LEAST_LETTERS}


def kind_said(fields: Mapping[str, Any], *, has_url: bool) -> Kind | None:
    """The kind that fields of a record say; None where none does.

    Args:
        fields: of the record, without text, URL and date.
        has_url: whether it has a URL.
    """
    if not fields:
        return None
    names, lowered = _languages()
    for field in LANGUAGES:
        said = fields.get(field)
        if isinstance(said, str) and (language := said if said in names else lowered.get(said.lower())):
            return _kind(language)
    for field in EXTENSIONS:
        said = fields.get(field)
        if isinstance(said, str) and said and (kind := kind_of_name(f"x.{said.removeprefix('.')}")):
            return kind
    for field in () if has_url else NAMES:
        said = fields.get(field)
        if isinstance(said, str) and said and (kind := kind_of_name(said)):
            return kind
    return None


def kinds_said(
    columns: Mapping[str, Sequence[Any]], has_url: Sequence[bool], wanted: Sequence[bool]
) -> Iterator[tuple[int, Kind]]:
    """`kind_said` of many records: the place of each that says its kind, and the kind.

    Args:
        columns: field → its n values; those that say nothing may be left out.
        has_url: n, whether the record has a URL.
        wanted: n, whether to look at it.
    """
    telling = [name for name in TELLING if name in columns]
    if not telling:
        return
    known: dict[tuple[Any, ...], Kind | None] = {}
    for row, values in enumerate(zip(*(columns[name] for name in telling), strict=True)):
        if wanted[row]:
            told = (has_url[row], *values)
            if told not in known:
                known[told] = kind_said(dict(zip(telling, values, strict=True)), has_url=bool(has_url[row]))
            if kind := known[told]:
                yield row, kind


def kind_of_name(path: str) -> Kind | None:
    """The kind that the name of a file says; None where it says none."""
    from tamis.readers.code.language_tables import BY_NAME

    name = path.rpartition("/")[2]
    stem, dot, rest = name.partition(".")
    if name.lower() in BY_NAME or stem.lower() in _double():
        return _of_short_name(name)
    # Else what stands behind the first dot counts, and files of one tree have few endings.
    return _of_short_name(f"-.{rest}") if dot else None


@cache
def _double() -> frozenset[str]:
    """First parts of extensions of two."""
    from tamis.readers.code.language_tables import BY_EXTENSION

    return frozenset(one.partition(".")[0] for one in BY_EXTENSION if "." in one)


@lru_cache(4_096)
def _of_short_name(name: str) -> Kind | None:
    from tamis.readers.code.languages import language_named

    return _kind(language_named(name))


def _kind(language: str | None) -> Kind | None:
    from tamis.readers.code.languages import kind_of_language

    kind = None if language == "HTML" else kind_of_language(language)
    # A page of documentation may be a list or full of formulas: its lines decide.
    return None if kind == "prose" else kind
