"""Code: folders and archives of source files, one document a file, with language, licence and origin.

A folder is one tree (a checkout, an unpacked release); its licence files govern what lies below them. An archive
(`.tar` with any compression, `.zip`, a wheel) is read member by member, never unpacked (`tamis.readers.archive`), after
one look for what governs. What is no text, or is not wanted, is listed with its reason, never opened where its name or
kind alone says so.

The URL of a file is its address at the host that `.git/config` names (GitHub, GitLab, Bitbucket), without a revision,
so that two checkouts are captures of one file; of a Python release or wheel its package URL; else `url_prefix` says, or
it has none. Memory: one file, or one member, and the files that govern.
"""

from __future__ import annotations

import email.parser
import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from tamis.errors import SourceError
from tamis.readers import archive
from tamis.readers.code.encodings import HEAD_BYTES, decoded, what_binary
from tamis.readers.code.expressions import ExpressionError, all_of, is_allowed, parse, written
from tamis.readers.code.language_tables import DATA
from tamis.readers.code.languages import HEAD_CHARACTERS, kind_of_language, language_of
from tamis.readers.code.licence_texts import licences_of
from tamis.readers.code.licences import INSTALLED, MOST_BYTES, UNKNOWN, Folder, Licence, Licences, governs
from tamis.readers.code.notebooks import script_of
from tamis.readers.code.origins import generated_by, is_vendored
from tamis.readers.code.trees import Tree, address_of, below, files_below, is_never_read, roots_of
from tamis.readers.fetch import normalised
from tamis.readers.forms import kind_of_page
from tamis.readers.licence_names import is_licence_file
from tamis.readers.record import PLAIN, Record, Skip, Source, make
from tamis.readers.signatures import head_of, recognised
from tamis.readers.values import shorten
from tamis.section import Section

NOTEBOOK = "Jupyter Notebook"

LOOKED_INTO = 1 << 18
"""Bytes above which a file is opened to see how much work it is: 683 of 50,000 files of installed packages, which have
2.1 of their 2.5 GB."""

BINARY = PLAIN * 32
"""What is no text is hashed and listed, 1.1 GB a second of CPU; of texts 35 MB are read in that time."""

KeepOrSkip = Literal["keep", "skip"]
Pattern = Annotated[str, Field(min_length=1)]


def _spdx(name: str) -> str:
    try:
        return written(parse(name))
    except ExpressionError as error:
        raise ValueError(f"{error}; see https://spdx.org/licenses") from error


class LicencesChosen(Section):
    """Which licences are wanted."""

    allow: tuple[Annotated[str, AfterValidator(_spdx)], ...] = Field(
        default=(),
        description="SPDX identifiers of the licences to read; empty: all. Of `A OR B` one must be among them, of "
        "`A AND B` both; an exception (WITH) needs its licence only. Others are skipped as licence_not_allowed.",
    )
    unknown: KeepOrSkip = Field(
        default="skip", description="What becomes, where `allow` names some, of files whose licence is not known."
    )


class LanguagesChosen(Section):
    """Which languages are wanted, by linguist's names."""

    include: tuple[Pattern, ...] = Field(
        default=(), description="Languages to read (Python, C++, Markdown …); empty: all. Others are listed."
    )
    exclude: tuple[Pattern, ...] = Field(
        default=DATA, description="Languages to leave out, after `include`; by default those of data."
    )

    def chooses(self, language: str | None) -> bool:
        """Whether files of a language are read."""
        name = (language or "").casefold()
        include = {one.casefold() for one in self.include}
        return (not include or name in include) and name not in {one.casefold() for one in self.exclude}


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a tree or archive, as it will be judged.

    Attributes:
        path: in the tree or archive.
        where: path of the file that it is read from.
        record: its number there.
        detail: what comes before the detail of a skip: the member of an archive.
    """

    path: str
    where: str
    record: int
    detail: str = ""

    def skip(self, reason: str, detail: str) -> Skip:
        """That it is not read."""
        return Skip(self.where, self.record, reason, shorten(f"{self.detail}{detail}"))


@dataclass(frozen=True, slots=True)
class _Told:
    """What a text is: its text and the head of it, its language and kind, and more for the metadata."""

    text: bytes | str
    head: str
    language: str | None
    kind: str | None
    more: dict[str, Any]


class CodeSource(Source):
    """Folders of source files, and archives of them."""

    awaits_files: ClassVar[bool] = False
    takes_whole: ClassVar[bool] = True

    format: Literal["code"] = Field(
        default="code", description="Trees of source files: folders, checkouts, and archives (.tar.*, .zip, .whl)."
    )
    paths: tuple[str, ...] = Field(
        default=(),
        description="Folders, each one tree, and archives, or patterns of them; relative to the working directory.",
    )
    include: tuple[Pattern, ...] = Field(
        default=("*",), description="Patterns of paths inside a tree to read; `*` also crosses `/`."
    )
    exclude: tuple[Pattern, ...] = Field(default=(), description="Patterns of paths to leave out, after `include`.")
    languages: LanguagesChosen = Field(default=LanguagesChosen(), description="Which languages are read.")
    licenses: LicencesChosen = Field(default=LicencesChosen(), description="Which licences are read.")
    vendored: KeepOrSkip = Field(
        default="skip", description="Copies of other projects (node_modules, third_party, jquery.js …), by path."
    )
    generated: KeepOrSkip = Field(
        default="skip",
        description="What programs wrote: lock files, minified scripts, files that say so at their top, manuals that "
        "Sphinx, Doxygen, Javadoc, mdBook and the like rendered to HTML, by their marks. Pages written as HTML stay.",
    )
    url_prefix: str | None = Field(
        default=None,
        description="URL of a file: this and its path in the tree. Default: its address at the host in `.git/config`, "
        "or a Python package's URL, else none. Needs a single path.",
    )
    max_archive_bytes: int = Field(
        default=2**34, ge=1, description="Bytes read from one archive after decompression, at most; more fails the job."
    )

    _roots: set[Path] = PrivateAttr(default_factory=set)
    _trees: dict[Path, Tree] = PrivateAttr(default_factory=dict)
    _places: dict[str, tuple[Path, str] | None] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _one_prefix(self) -> CodeSource:
        if self.url_prefix is not None and len(self.paths) != 1:
            raise ValueError(f"source {self.name!r}: url_prefix is for one tree; give each path a source of its own")
        return self

    def found_files(self) -> list[Path]:
        """The files of the trees, links and all, and the archives; sorted by path.

        Raises:
            SourceError: a path or pattern matches nothing, a folder cannot be listed, or there is no file.
        """
        if not self.paths and not self.manifests:
            raise SourceError(f"source {self.name!r}: paths is empty; name a folder or an archive")
        listed = self.listed()
        elsewhere = set() if listed is None else {*listed.remote, *listed.local}
        try:
            roots = roots_of(self.local_paths)
            found = [file for root in roots for file in (files_below(root) if root.is_dir() else [root])]
        except SourceError as error:
            raise SourceError(f"source {self.name!r}: {error}") from error
        self._roots.clear()
        self._roots.update(roots)
        self._places.clear()
        self._trees.clear()
        if self.url_prefix is not None and len(roots) > 1:
            raise SourceError(f"source {self.name!r}: url_prefix is for one tree, but {self.paths[0]} names several")
        chosen = sorted({*elsewhere, *(path for path in found if self._is_chosen(path))})
        if not chosen:
            raise SourceError(f"source {self.name!r}: {', '.join(self.paths)}: no file there that include chooses")
        return chosen

    def paths_of(self, files: Sequence[Path]) -> tuple[str, ...]:
        """The trees and archives that files belong to."""
        return tuple(sorted({str(path if (tree := self._tree_of(path)) is None else tree[0]) for path in files}))

    def governing(self, files: Sequence[Path]) -> list[Path]:
        """Licence files, packages' own and `.git/config`, of the folders of files and above them, sorted."""
        folders: dict[Path, set[str]] = {}
        for path in files:
            if (place := self._tree_of(path)) is not None:
                folders.setdefault(place[0], set()).add(place[1])
        return sorted(set[Path]().union(*(self._tree(root).governing(of) for root, of in folders.items())))

    def work(self, path: Path, size: int) -> int:
        """Half of its size, of large files that are no text a small part; an archive counts in full."""
        if self._tree_of(path) is None:
            return size
        if size <= LOOKED_INTO:
            return size // PLAIN
        try:
            with path.open("rb", buffering=0) as opened:
                head = opened.read(HEAD_BYTES)
        except OSError:  # its job says so
            return size
        return size // (BINARY if what_binary(head) else PLAIN)

    def unread(self, path: str) -> Skip | None:
        """What is listed and not opened: links, what is no file, names that are no UTF-8, vendored files."""
        tree = self._tree_of(path)
        if tree is None:
            return None
        file = _File(tree[2], path, 1)
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return file.skip("invalid_name", "its name is not UTF-8; rename it") if "\\x" in path else None
        if stat.S_ISLNK(mode):
            return file.skip("link", "a symbolic link; what it leads to is read where it lies in the tree")
        if not stat.S_ISREG(mode):
            return file.skip("special_file", "a device, pipe or socket")
        if self.vendored == "skip" and is_vendored(file.path):
            return file.skip("vendored", "a copy of another project, by its path")
        return None

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The document of a file of a tree, or those of an archive in the order of its members.

        Raises:
            SourceError: missing; or an archive is damaged, too large, or no archive.
        """
        found = self._tree_of(path)
        if found is None:
            yield from self._members(path)
            return
        try:
            with path.open("rb") as opened:
                data = opened.read(HEAD_BYTES)
                if not what_binary(data):
                    data += opened.read(max(0, self.max_document_bytes + 1 - len(data)))
                size = os.fstat(opened.fileno()).st_size
        except OSError as error:
            raise SourceError(f"{path}: cannot be opened ({error.strerror or error})") from error
        yield self._of_tree(*found, str(path), data, size)

    def is_whole(self, path: str, size: int) -> bool:  # noqa: ARG002 - files of any size that are small
        """Whether a file is one of a tree, no archive."""
        return self._tree_of(path) is not None

    def whole(self, path: str, data: bytes) -> Record | Skip:
        """The document of a small file of a tree."""
        root, folder, name = self._tree_of(path) or (Path(path).parent, "", Path(path).name)
        return self._of_tree(root, folder, name, path, data, len(data))

    def _of_tree(self, root: Path, folder: str, name: str, path: str, data: bytes, size: int) -> Record | Skip:
        """A file of a tree."""
        tree = self._tree(root)
        file = _File(name, path, 1)
        return self._judged(file, data, size, tree.licences, lambda: self._place(tree, folder, name), None)

    def _members(self, path: Path) -> Iterator[Record | Skip]:
        """The documents of an archive."""
        _check_archive(path)
        limits = archive.Limits(self.max_document_bytes, self.max_archive_bytes)
        seen = archive.survey(path, _may_govern, archive.Limits(MOST_BYTES, self.max_archive_bytes))
        folders = _folders(seen.contents.members)
        repositories = {name.partition("/.git/")[0] for name in seen.last if "/.git/" in name}
        licences = Licences(lambda folder: folders.get(folder, {}), repositories.__contains__)
        package = _package(folders.get("", {}))

        def wanted(name: str) -> bool:
            return not is_never_read(name) and self._chooses(name)

        for member in archive.members(path, seen, wanted, limits):
            file = _File(member.path, str(path), member.position, f"{member.path}: " if member.path else "")
            if member.refused is not None:
                yield file.skip(*member.refused)
            elif self.vendored == "skip" and is_vendored(member.path):
                yield file.skip("vendored", "a copy of another project, by its path")
            else:
                place = (None, self._prefixed(member.path) or _package_url(package, member.path))
                size = len(member.data)
                yield self._judged(file, member.data, size, licences, lambda: place, seen.contents.date)  # noqa: B023

    def _place(self, tree: Tree, folder: str, path: str) -> tuple[str | None, str | None]:
        """Repository and URL of a file of a tree."""
        repository = tree.repository(folder)
        url = self._prefixed(path)
        if url is None:
            top = tree.top_of(folder)
            url = address_of(repository, path.removeprefix(f"{top}/") if top else path)
        return repository, url

    def _prefixed(self, path: str) -> str | None:
        return None if self.url_prefix is None else f"{self.url_prefix}{quote(path)}"

    def _judged(
        self,
        file: _File,
        data: bytes,
        size: int,
        licences: Licences,
        place: Callable[[], tuple[str | None, str | None]],
        date: datetime | None,
    ) -> Record | Skip:
        """A file as a document, or why it is none.

        Args:
            file: its path and place.
            data: its bytes, or so many of them that it is too large.
            size: how many it has.
            licences: of its tree.
            place: gives its repository and URL.
            date: of its archive.
        """
        text = _text_of(file, data, size, self.max_document_bytes)
        told = text if isinstance(text, Skip) else self._told(file, text)
        if isinstance(told, Skip):
            return told
        licence = _licence_of(file.path, told, licences)
        if (reason := self._refused(licence)) is not None:
            return file.skip(reason, f"{licence.expression or 'not known'} from {licence.origin or 'nowhere'}")
        repository, url = place()
        metadata = {
            "path": file.path,
            "repository": repository,
            "language": told.language,
            "licence": licence.expression,
            "licence_from": licence.origin,
            "bytes": size,
            **told.more,
        }
        made = make(self, file.where, file.record, told.text, kind=told.kind, date=date, metadata=metadata, url=url)
        if isinstance(made, Skip):
            # `__init__.py` is empty as a rule; elsewhere a record without text is a mistake.
            return file.skip("empty_file" if made.reason == "empty_text" else made.reason, made.detail)
        return made

    def _told(self, file: _File, text: bytes | str) -> _Told | Skip:
        """What a text is, or why it is not wanted."""
        head = _head_of(text)
        is_licence = is_licence_file(file.path)
        language = "Text" if is_licence else language_of(file.path, head)
        more: dict[str, Any] = {"vendored": True} if is_vendored(file.path) else {}
        if not is_licence and (generated := generated_by(file.path, head, language)):
            if self.generated == "skip":
                return file.skip("generated", generated)
            more["generated"] = generated
        if language == NOTEBOOK:
            try:
                text, language = script_of(text)
            except ValueError as error:
                return file.skip("invalid_notebook", str(error))
            head, more["notebook"] = text[:HEAD_CHARACTERS], True
        if not self.languages.chooses(language):
            return file.skip("language_not_chosen", language or "no language is known")
        kind = "licence" if is_licence else kind_of_page(head) if language == "Text" else kind_of_language(language)
        return _Told(text, head, language, kind, more)

    def _refused(self, licence: Licence) -> str | None:
        """Why a licence is not wanted, or None."""
        if not self.licenses.allow:
            return None
        if licence.expression is None:
            return "licence_unknown" if self.licenses.unknown == "skip" else None
        return None if is_allowed(licence.expression, frozenset(self.licenses.allow)) else "licence_not_allowed"

    def _tree(self, root: Path) -> Tree:
        """The tree of a folder of `paths`."""
        return self._trees.get(root) or self._trees.setdefault(root, Tree(root))

    def _tree_of(self, path: Path | str) -> tuple[Path, str, str] | None:
        """The folder of `paths` that a file lies in, its own folder and its path below that; None for an archive."""
        folder, _, name = str(path).rpartition("/")
        places = self._places
        if folder not in places:
            if not self._roots:
                self._roots.update(roots_of(self.paths, may_be_gone=True))
            above = Path(path)
            root = next((parent for parent in above.parents if parent in self._roots), None)
            places[folder] = None if root is None else (root, below(above.parent, root))
        place = places[folder]
        if place is None:
            return None
        return *place, f"{place[1]}/{name}" if place[1] else name

    def _is_chosen(self, path: Path) -> bool:
        tree = self._tree_of(path)
        return tree is None or self._chooses(tree[2])

    def _chooses(self, name: str) -> bool:
        if self.include != ("*",) and not any(fnmatch.fnmatchcase(name, pattern) for pattern in self.include):
            return False
        return not any(fnmatch.fnmatchcase(name, pattern) for pattern in self.exclude)


def _text_of(file: _File, data: bytes, size: int, limit: int) -> bytes | str | Skip:
    """The text of a file, its bytes where they are UTF-8, or why it has none."""
    if what := what_binary(data):
        return file.skip("binary", what)
    if size > limit:
        return file.skip("too_large", f"{size} bytes, limit {limit}")
    try:
        return decoded(data)
    except (UnicodeDecodeError, LookupError) as error:
        return file.skip("invalid_utf8", str(error))


def _head_of(text: bytes | str) -> str:
    """The first characters of a text, with one kind of line end."""
    head = text[: 4 * HEAD_CHARACTERS].decode("utf-8", "ignore") if isinstance(text, bytes) else text
    head = head[:HEAD_CHARACTERS].removeprefix("\ufeff")
    return head.replace("\r\n", "\n").replace("\r", "\n") if "\r" in head else head


def _licence_of(path: str, told: _Told, licences: Licences) -> Licence:
    """The licence of a file; a licence file is its own."""
    if told.kind == "licence":
        held = licences_of(told.text.decode("utf-8", "replace") if isinstance(told.text, bytes) else told.text)
        return Licence(all_of(held), path) if held else UNKNOWN
    return licences.of(path, told.head, words=told.kind in ("code", None))


def are_trees(patterns: Sequence[str]) -> bool:
    """Whether paths and patterns name nothing but folders and archives, so that they are trees of code."""
    if any("**" in pattern for pattern in patterns):
        return False
    try:
        return all(path.is_dir() or _is_archive(path) for path in roots_of(patterns))
    except SourceError:
        return False


def _is_archive(path: Path) -> bool:
    """Whether a file is a tar or zip archive, compressed or not.

    Raises:
        SourceError: it cannot be opened, or its compressed data is damaged.
    """
    # Old tar archives have no signature; one that is none fails when it is read.
    return (
        recognised(head_of(path)[0]) in ("tar", "zip")
        or re.search(r"\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz)$", path.name) is not None
    )


def _check_archive(path: Path) -> None:
    """Refuse what is no archive.

    Raises:
        SourceError: it is none.
    """
    if not _is_archive(path):
        raise SourceError(
            f"{path}: no archive (.tar.*, .zip, .whl), which `format: code` reads beside folders; name the folder that "
            "it lies in, with include for a part of it, or take format: text"
        )


def _may_govern(name: str) -> bool:
    return not is_never_read(name) and governs(name)


def _folders(members: Mapping[str, bytes]) -> dict[str, Folder]:
    """Folder of an archive → its files that may govern it, those of its one `.dist-info` among them."""
    found: dict[str, dict[str, bytes]] = {}
    installed: dict[str, set[str]] = {}
    for path, data in members.items():
        folder, _, name = path.rpartition("/")
        found.setdefault(folder, {})[name] = data
        for part in (folder, folder.removesuffix("/licenses")):
            if part.endswith(INSTALLED):
                installed.setdefault(part.rpartition("/")[0], set()).add(part)
    for folder, packages in installed.items():
        if len(packages) == 1:
            (package,) = packages
            inside = package.removeprefix(f"{folder}/")
            for part in ("", "/licenses"):
                for name, data in dict(found.get(package + part, {})).items():
                    found.setdefault(folder, {})[f"{inside}{part}/{name}"] = data
    return dict(found)


def _package(files: Folder) -> tuple[str | None, str | None]:
    """Name and version of the Python package of an archive, or nothing."""
    for name, data in sorted(files.items()):
        if name.rpartition("/")[2] in ("PKG-INFO", "METADATA"):
            header = email.parser.HeaderParser().parsestr(data[:20_000].decode("utf-8", "replace"))
            if header.get("Name") and header.get("Version"):
                return normalised(shorten(header["Name"])), shorten(header["Version"])
    return None, None


def _package_url(package: tuple[str | None, str | None], path: str) -> str | None:
    name, version = package
    return None if not (name and version) else f"pkg:pypi/{quote(name)}@{quote(version, safe='')}#{quote(path)}"
