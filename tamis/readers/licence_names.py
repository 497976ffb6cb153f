"""Which files are licences by their names, in a source release or any other tree."""

from __future__ import annotations

import re

LICENCE_NAME = re.compile(
    r"(?:.*[._-])?(?:licen[cs]es?|copying|copyright|notice|unlicense)(?:[._-][A-Za-z0-9._-]*)?", re.IGNORECASE
)
LICENCE_SUFFIXES = frozenset({"", ".txt", ".md", ".rst", ".python", ".lesser", ".apache", ".mit", ".bsd", ".gpl"})
LICENCE_FOLDERS = frozenset({"licenses", "licences"})


def suffix_of(name: str) -> str:
    """`.py` of a.py, in small letters; empty where there is none, or the name begins with its only dot."""
    stem, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() if stem else ""


def is_licence_file(path: str) -> bool:
    """Whether a file is a licence by its path: `LICENSE`, `COPYING.LESSER`, `MIT-LICENSE.txt`, `licenses/foo.txt`."""
    folder, _, name = path.rpartition("/")
    suffix = suffix_of(name)
    if LICENCE_NAME.fullmatch(name) and (suffix in LICENCE_SUFFIXES or name.rpartition(".")[0].isupper()):
        return True
    return folder.rpartition("/")[2].lower() in LICENCE_FOLDERS and suffix in LICENCE_SUFFIXES
