"""The kind that a record says of itself, by fields that collections of code have: language, name of a file, ending.

`language`, `lang` and `programming_language` count where they name a programming language as linguist spells it
(`Python`, `C++`) or, from four letters on, in any capitals: shorter ones are codes of human languages, too. A path
counts where the record has no URL: that of a page of the web may well end in `.php`. HTML says nothing, for the text of
a page is no markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tamis.section import Kind

LANGUAGES = ("programming_language", "language", "lang")
EXTENSIONS = ("ext", "extension")
NAMES = ("path", "file_path", "filepath", "filename", "file_name", "max_stars_repo_path")
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
        if isinstance(said, str) and said and (kind := _of_name(f"x.{said.removeprefix('.')}")):
            return kind
    for field in () if has_url else NAMES:
        said = fields.get(field)
        if isinstance(said, str) and said and (kind := _of_name(said)):
            return kind
    return None


def _of_name(path: str) -> Kind | None:
    from tamis.readers.code.languages import language_named

    return _kind(language_named(path))


def _kind(language: str | None) -> Kind | None:
    from tamis.readers.code.languages import kind_of_language

    kind = None if language == "HTML" else kind_of_language(language)
    # A page of documentation may be a list or full of formulas: its lines decide.
    return None if kind == "prose" else kind
