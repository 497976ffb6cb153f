"""Which licence governs a file: what its head says, else what lies beside it or above it in its tree.

In a folder the licence file counts (`LICENSE`, `COPYING` …, several of them together), or where its text is none known,
or there is none, what the folder's package says of itself. The nearest folder that says something governs; a folder
with a `.git` of its own is another repository, and nothing above it governs what lies in it. A file that has no room
for a head has a file of its own beside it, `logo.svg.license` (REUSE 3.3), which says the same as a head would.
"""

from __future__ import annotations

import email.parser
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from pathlib import PurePosixPath

from tamis.readers.code.expressions import ExpressionError, all_of, base, licences_in, parse, written
from tamis.readers.code.licence_texts import HEAD_CHARACTERS, licences_of, notice_of
from tamis.readers.licence_names import is_licence_file

MOST_BYTES = 1_000_000
"""Of a file that may govern; a larger one is not looked at. The largest known, of a bundle, has 400 kB."""

NOTICE_CHARACTERS = 4_096
"""Of a source file in which a notice in words is looked for."""

PRIMARY = re.compile(r"(?:licen[cs]e|copying|unlicense)(?:\.(?:txt|md|rst|markdown))?", re.IGNORECASE)
"""Names of the file that governs a folder; `LICENSE.python` beside it is of a part."""

NOT_GOVERNING = re.compile(r"notice", re.IGNORECASE)
"""A notice says who wrote what, not what is allowed."""

PACKAGE_FILES = frozenset(
    {"Cargo.toml", "METADATA", "PKG-INFO", "composer.json", "package.json", "pyproject.toml", "setup.cfg"}
)
BESIDE = ".license"
"""End of the name of the file that speaks for the one of the same name without it."""
INSTALLED = (".dist-info", ".egg-info")
"""Folders that say of what lies beside them which package it is."""

SPDX_LINE = re.compile(
    r"^(?:\W|rem\b|dnl\b|c\b)*SPDX-License-Identifier:[ \t]*([^\n]{1,400})", re.MULTILINE | re.IGNORECASE
)
COMMENT_END = re.compile(r"\s*(?:\*+/|-->|#\}|\*\)|--\}|%\}|\"\"\"|'''|[\"'`,;]+)?\s*$")

Folder = Mapping[str, bytes]
"""Files of a folder that may govern: path below the folder → bytes."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of a file.

    Attributes:
        expression: an SPDX expression; None where it is not known which.
        origin: "header", or the path in the tree of the file that says it; None where nothing does.
    """

    expression: str | None
    origin: str | None


UNKNOWN = Licence(None, None)


def governs(name: str) -> bool:
    """Whether a file may govern its folder, by its name there; `x.dist-info/METADATA` stands for two parts."""
    name = name.rpartition("/")[2]
    return name in PACKAGE_FILES or speaks_for_one(name) or (is_licence_file(name) and not NOT_GOVERNING.search(name))


def speaks_for_one(name: str) -> bool:
    """Whether a file says the licence of one beside it, by its name: `logo.svg.license`."""
    return name.endswith(BESIDE) and len(name) > len(BESIDE)


class Licences:
    """The licences of the folders of one tree; each folder is looked at once."""

    def __init__(self, files_of: Callable[[str], Folder], is_repository: Callable[[str], bool]) -> None:
        """Look at nothing yet.

        Args:
            files_of: path of a folder in the tree ("" is its top) → its files that may govern.
            is_repository: whether a folder is a checkout of its own.
        """
        self._files_of, self._is_repository = files_of, is_repository
        self._known: dict[str, Licence] = {}
        self._looked: dict[str, tuple[Licence | None, dict[str, Licence]]] = {}

    def of(self, path: str, head: str, *, words: bool) -> Licence:
        """The licence of a file.

        Args:
            path: of the file in the tree.
            head: its first `HEAD_CHARACTERS`.
            words: as for `header`.
        """
        folder, _, name = path.rpartition("/")
        return header(head, words=words) or self._look(folder)[1].get(f"{name}{BESIDE}") or self.of_folder(folder)

    def of_folder(self, folder: str) -> Licence:
        """The licence that governs a folder."""
        way = [folder]
        while (known := self._known.get(way[-1])) is None:
            found = self._look(way[-1])[0]
            if found is None and way[-1] and not self._is_repository(way[-1]):
                way.append(way[-1].rpartition("/")[0])
                continue
            known = found or UNKNOWN
            break
        for passed in way:
            self._known[passed] = known
        return known

    def _look(self, folder: str) -> tuple[Licence | None, dict[str, Licence]]:
        """What the files of a folder say of it, and what each of those says that speaks for one file."""
        if folder not in self._looked:
            files = self._files_of(folder)
            beside = {
                name: Licence(told.expression, _path(folder, name))
                for name, data in files.items()
                if speaks_for_one(name)
                and (told := header(data[:HEAD_CHARACTERS].decode("utf-8", "replace"), words=False))
            }
            self._looked[folder] = _of_files(folder, files), beside
        return self._looked[folder]


def header(head: str, *, words: bool) -> Licence | None:
    """The licence that the head of a file says; None where it says none.

    Args:
        head: its first `HEAD_CHARACTERS`.
        words: whether a notice in words counts beside SPDX lines; a page of documentation may be about licences.
    """
    lines = SPDX_LINE.findall(head) if "SPDX-" in head or "spdx-" in head else []
    if lines:
        try:
            return Licence(all_of([written(parse(COMMENT_END.sub("", line))) for line in lines]), "header")
        except ExpressionError:
            return Licence(None, "header")
    told = notice_of(head[:NOTICE_CHARACTERS]) if words else None
    return Licence(told, "header") if told else None


def _of_files(folder: str, files: Folder) -> Licence | None:
    """The licence that the files of a folder say; None where they say nothing about it."""
    names = {name: PurePosixPath(name).name for name in files}
    texts = {n: data for n, data in files.items() if names[n] not in PACKAGE_FILES and not speaks_for_one(names[n])}
    primary = {name: data for name, data in texts.items() if PRIMARY.fullmatch(PurePosixPath(name).name)}
    texts = primary or texts
    found: dict[str, None] = {}
    origin = None
    for name, data in sorted(texts.items()):
        text = data.decode("utf-8", "replace")
        told = licences_of(text) or _written_alone(text)
        found |= dict.fromkeys(told)
        origin = origin or (name if told else None)
    packages = sorted((name, one) for name, data in files.items() if (one := of_package(name, data)))
    if found:
        expression = all_of(list(found))
        # What the package says tells how several belong together, or that later versions are meant.
        for name, one in packages:
            named = {base(licence) for licence in licences_in(parse(one))}
            if named >= {base(licence) for licence in licences_in(parse(expression))} and one != expression:
                return Licence(one, _path(folder, name))
        return Licence(expression, _path(folder, str(origin)))
    if packages:
        name, one = packages[0]
        return Licence(one, _path(folder, name))
    # A licence that nobody knows governs all the same, but not what may be anything (`copyright`).
    unknown = next(iter(sorted(primary)), None)
    return Licence(None, _path(folder, unknown)) if unknown else None


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _written_alone(text: str) -> tuple[str, ...]:
    """The licence of a file that holds nothing but an expression: `MIT`."""
    if len(text) > 200:
        return ()
    try:
        return (written(parse(text.strip())),)
    except ExpressionError:
        return ()


ALIASES: Mapping[str, str] = {
    "apache": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0", "apache software license": "Apache-2.0", "apache-2": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0", "asl 2.0": "Apache-2.0", "apache license": "Apache-2.0",
    "bsd 2-clause": "BSD-2-Clause", "simplified bsd": "BSD-2-Clause", "bsd 3-clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause", "modified bsd": "BSD-3-Clause", "3-clause bsd": "BSD-3-Clause",
    "2-clause bsd": "BSD-2-Clause", "bsd-3": "BSD-3-Clause", "bsd 3": "BSD-3-Clause", "mit license": "MIT",
    "the mit license": "MIT", "mit licence": "MIT", "expat": "MIT", "isc license": "ISC", "gpl": "GPL-1.0-or-later",
    "isc license iscl": "ISC", "gplv2": "GPL-2.0-only", "gpl v2": "GPL-2.0-only", "gplv2+": "GPL-2.0-or-later",
    "gplv3": "GPL-3.0-only", "gpl v3": "GPL-3.0-only", "gplv3+": "GPL-3.0-or-later", "gpl-2": "GPL-2.0-only",
    "gpl-3": "GPL-3.0-only", "lgplv3": "LGPL-3.0-only", "lgplv3+": "LGPL-3.0-or-later", "agplv3": "AGPL-3.0-only",
    "lgpl": "LGPL-2.0-or-later", "agplv3+": "AGPL-3.0-or-later", "mpl 2.0": "MPL-2.0", "psf": "Python-2.0",
    "mozilla public license 2.0 mpl 2.0": "MPL-2.0", "mozilla public license 2.0": "MPL-2.0", "zlib/libpng": "Zlib",
    "python software foundation license": "Python-2.0", "public domain": "LicenseRef-public-domain",
    "gnu general public license v2 gplv2": "GPL-2.0-only", "gnu general public license v3 gplv3": "GPL-3.0-only",
    "gnu general public license v2 or later gplv2+": "GPL-2.0-or-later", "unlicensed": "LicenseRef-proprietary",
    "gnu general public license v3 or later gplv3+": "GPL-3.0-or-later", "proprietary": "LicenseRef-proprietary",
    "gnu lesser general public license v3 lgplv3": "LGPL-3.0-only", "the unlicense unlicense": "Unlicense",
    "gnu lesser general public license v3 or later lgplv3+": "LGPL-3.0-or-later", "cc0": "CC0-1.0",
    "gnu affero general public license v3": "AGPL-3.0-only", "boost software license 1.0 bsl-1.0": "BSL-1.0",
    "gnu affero general public license v3 or later agplv3+": "AGPL-3.0-or-later", "wtfpl": "WTFPL",
}  # fmt: skip
"""What packages write instead of SPDX's names, also PyPI's classifiers, in small letters without punctuation. "BSD"
alone may be any of three, and is not known."""


def of_package(name: str, data: bytes) -> str | None:
    """The SPDX expression that a package's own file says, or None.

    Args:
        name: of the file; the last part says how it is read.
        data: its bytes.
    """
    reader = _PACKAGE_READERS.get(PurePosixPath(name).name)
    if reader is None:
        return None
    try:
        values = reader(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError, ConfigParserError, AttributeError, TypeError):  # no such file at all
        return None
    return next((found for value in values if (found := expression_of(value))), None)


def expression_of(value: object) -> str | None:
    """The SPDX expression that a field for the licence means, or None."""
    if isinstance(value, Mapping):
        return expression_of(value.get("type", value.get("text")))
    if isinstance(value, list):
        found = [expression_of(one) for one in value]
        return " OR ".join(f"({one})" for one in found if one) if found and all(found) else None
    if not isinstance(value, str) or not value.strip() or len(value) > 400:
        return None
    plain = " ".join(re.sub(r"[(),]", " ", value).split()).lower().removesuffix(" license")
    known = ALIASES.get(plain) or ALIASES.get(f"{plain} license")
    if known:
        return known
    # Cargo's old way of writing OR.
    text = " OR ".join(part.strip() for part in value.split("/")) if "/" in value else value.strip()
    try:
        return written(parse(text))
    except ExpressionError:
        return None


def _headers(text: str) -> list[object]:
    found = email.parser.HeaderParser().parsestr(text[:HEAD_CHARACTERS])
    classified = [
        value.rpartition("::")[2].strip()
        for value in found.get_all("Classifier", [])
        if value.startswith("License ::") and value.count("::") > 1
    ]
    return [found.get("License-Expression"), found.get("License"), *(classified if len(classified) == 1 else ())]


def _pyproject(text: str) -> list[object]:
    values = tomllib.loads(text)
    project, poetry = values.get("project", {}), values.get("tool", {}).get("poetry", {})
    classified = [
        one.rpartition("::")[2].strip() for one in project.get("classifiers", []) if one.startswith("License ::")
    ]
    return [project.get("license"), poetry.get("license"), *(classified if len(classified) == 1 else ())]


def _cargo(text: str) -> list[object]:
    return [tomllib.loads(text).get("package", {}).get("license")]


def _json(text: str) -> list[object]:
    values = json.loads(text)
    return [values.get("license"), values.get("licenses")]


def _setup(text: str) -> list[object]:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    return [parser.get("metadata", "license", fallback=None)]


_PACKAGE_READERS: Mapping[str, Callable[[str], list[object]]] = {
    "Cargo.toml": _cargo,
    "METADATA": _headers,
    "PKG-INFO": _headers,
    "composer.json": _json,
    "package.json": _json,
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup,
}
