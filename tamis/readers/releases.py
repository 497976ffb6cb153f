"""Source releases of Python projects: documentation, code, docstrings, licences and translations.

A release is an sdist (.tar.gz or .zip), pinned by hash in a requirements file and fetched by `tamis.readers.fetch`, or
a local archive. It is read in the archive (`archive.py`), never unpacked, imported or executed. One member gives at
most two documents: a Python file is code and, through its docstrings, a page.

The URL of a document is the release's purl and the path in it: `pkg:pypi/django@5.2#docs/intro/tutorial01.txt`. With
`version_in_url: false` it is `pkg:pypi/django#docs/intro/tutorial01.txt`, so that two releases are two captures of one
page. The docstring page of a module has `?part=docstrings` before the `#`, because it is not the same page as the
module; it names the module as its parent, whichever source reads that.

Pages of HTML are documentation, of which everything is text but what stands around it (`pages.py`). With `extraction`
they are pages of the web, as the test data of extractors are: the main content is the text, the address that a page
calls its own is the URL, and neither the day nor the licence of the release is said to be theirs.

Memory: the wanted members of one archive (Django: 30 MB), and the process that extracts.
"""

from __future__ import annotations

import email.parser
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from tamis.errors import SourceError
from tamis.extraction import Refused, shared
from tamis.readers import archive, catalogues, docstrings, pages
from tamis.readers.fetch import Release, normalised, parse_requirements, verify
from tamis.readers.forms import kind_of_page
from tamis.readers.html import HtmlText, page_metadata
from tamis.readers.licence_names import is_licence_file, suffix_of
from tamis.readers.record import Record, Skip, Source, make
from tamis.readers.values import shorten, unix_lines
from tamis.readers.written_encodings import CODING, ENCODINGS

Part = Literal["pages", "code", "docstrings", "licences", "catalogues"]
PARTS: tuple[Part, ...] = ("pages", "code", "docstrings", "licences", "catalogues")

PAGE_NAME = re.compile(
    r"(?:authors|changelog|changes|contributing|contributors|credits|history|install|news|readme|thanks|todo)",
    re.IGNORECASE,
)
PAGE_SUFFIXES = frozenset({".rst", ".txt", ".md", ".markdown", ".doctest"})
HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
CODE_SUFFIXES = frozenset({".py", ".pyi", ".pyx"})

ARCHIVE_NAME = re.compile(r"(?P<name>.+?)-(?P<version>\d[A-Za-z0-9.!+_]*?)(?:\.sdist|\.tar\.\w+|\.tgz|\.zip|\.tar)")

Pattern = Annotated[str, Field(min_length=1)]


class ReleasesSource(Source):
    """Source releases, from a requirements file (fetched by the workflow) or from local `paths`."""

    stands_alone: ClassVar[bool] = True
    reads: ClassVar[frozenset[str] | None] = frozenset({"tar", "zip", "gzip", "bzip2", "xz"})

    format: Literal["releases"] = Field(default="releases", description="Source releases (sdists) of Python projects.")
    requirements: str | None = Field(
        default=None,
        description="Requirements file with one `name==version --hash=sha256:…` a line; instead of `paths`.",
    )
    projects: tuple[str, ...] = Field(
        default=(), description="Projects of the requirements file that belong to this source; empty: all of them."
    )
    version_in_url: bool = Field(
        default=True,
        description="Whether the URL holds the version; without it the releases are re-captures of the same pages.",
    )
    parts: tuple[Part, ...] = Field(
        default=PARTS,
        min_length=1,
        description="What makes documents: pages (reST, Markdown, text, HTML), code, docstrings, licences, catalogues.",
    )
    include: tuple[Pattern, ...] = Field(
        default=("*",), description="Patterns of paths inside the release to read; `*` also crosses `/`."
    )
    exclude: tuple[Pattern, ...] = Field(default=(), description="Patterns of paths to leave out, after `include`.")
    extraction: HtmlText = None
    max_archive_bytes: int = Field(
        default=2**30, ge=1, description="Bytes read from one archive after decompression, at most; more fails the job."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> ReleasesSource:
        if (self.requirements is None) != bool(self.paths or self.manifests):
            msg = f"source {self.name!r}: give either requirements (releases to fetch) or paths (local archives)"
            raise ValueError(msg)
        if self.projects and self.requirements is None:
            msg = f"source {self.name!r}: projects chooses lines of a requirements file; with paths it means nothing"
            raise ValueError(msg)
        return self

    def found_files(self) -> list[Path]:
        """The archives of the source, sorted, whether they have been fetched or not.

        Raises:
            SourceError: as `pinned`, or a path does not exist.
        """
        return sorted(pinned(self)) or super().found_files()

    def pinned_hashes(self) -> Mapping[Path, str]:
        """The hashes of the requirements file.

        Raises:
            SourceError: as `pinned`.
        """
        return {path: release.sha256 for path, release in pinned(self).items()}

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The documents of one release, in order of their paths inside it; empty files are passed over.

        Raises:
            SourceError: missing, damaged, too large, not the pinned hash, or without a name and version.
        """
        release = pinned(self).get(path)
        if release is not None:
            verify(path, release)

        def wanted(member: str) -> bool:
            return member == "PKG-INFO" or _part(self, member) is not None

        found = archive.contents(path, wanted, archive.Limits(self.max_document_bytes, self.max_archive_bytes))
        identity = _identity(path, release, found.members.get("PKG-INFO", b""))
        listed = [
            (member, reason, detail) for member, reason, detail in found.skipped if not member or _chosen(self, member)
        ]
        names = sorted({*found.members, *(member for member, _, _ in listed if member)})
        # What is said of the whole archive has no member.
        numbers = {"": 0} | {member: number for number, member in enumerate(names, start=1)}
        for member, reason, detail in listed:
            yield Skip(str(path), numbers[member], reason, shorten(f"{member}: {detail}" if member else detail))
        for member in names:
            part, data = _part(self, member), found.members.pop(member, b"")
            if part is None or not data:
                continue
            for document in _documents(self, part, member, data):
                if isinstance(document, _Unreadable):
                    yield Skip(str(path), numbers[member], document.reason, shorten(f"{member}: {document.detail}"))
                    continue
                metadata = {
                    "project": identity.name,
                    "release": identity.version,
                    "path": member,
                    "part": document.part,
                    "licence": None if document.part == "web" else identity.licence,
                    **document.metadata,
                }
                record = make(
                    self,
                    str(path),
                    numbers[member],
                    document.text,
                    kind=document.kind,
                    date=None if document.part == "web" else found.date,
                    metadata=metadata,
                    url=document.url or _url(self, identity, member, document.part),
                    parent=_url(self, identity, member, "source") if document.part == "docstrings" else None,
                    page=document.part == "web",
                )
                if isinstance(record, Skip):
                    record = Skip(record.path, record.record, record.reason, shorten(f"{member}: {record.detail}"))
                yield record


@dataclass(frozen=True, slots=True)
class _Identity:
    """Name and version of a release, and its licence if it says one."""

    name: str
    version: str
    licence: str | None


def pinned(source: ReleasesSource) -> dict[Path, Release]:
    """The releases of a source by the path where they are fetched to; empty for local archives.

    Raises:
        SourceError: the requirements file is missing or damaged, or lacks one of the projects.
    """
    if source.requirements is None:
        return {}
    listed = parse_requirements(Path(source.requirements))
    chosen = {normalised(name) for name in source.projects}
    unknown = sorted(chosen - {release.name for release in listed})
    if unknown or not listed:
        known = ", ".join(sorted({release.name for release in listed})) or "none"
        lacking = ", ".join(unknown) or "anything"
        msg = f"source {source.name!r}: {source.requirements} pins no release of {lacking}; it pins: {known}"
        raise SourceError(msg)
    return {release.path: release for release in sorted(listed) if not chosen or release.name in chosen}


def requirement_lines(sources: Sequence[Source], more: Iterable[Release] = ()) -> dict[str, str]:
    """The line that pip reads for each release that is fetched, by the name of its file.

    Args:
        sources: all sources, of which some name releases.
        more: releases that others name.

    Raises:
        SourceError: as `pinned`, or two requirements files pin one release to two hashes.
    """
    lines: dict[str, str] = {}
    named = (release for source in sources if isinstance(source, ReleasesSource) for release in pinned(source).values())
    for release in (*named, *more):
        if lines.setdefault(release.file_name, release.requirement) != release.requirement:
            msg = f"{release.name} {release.version} is pinned to two hashes, in two requirements files; keep one"
            raise SourceError(msg)
    return lines


@dataclass(frozen=True, slots=True)
class _Document:
    part: str
    kind: str | None
    text: str
    metadata: dict[str, Any]
    url: str | None = None


@dataclass(frozen=True, slots=True)
class _Unreadable:
    reason: str
    detail: str


def _chosen(source: ReleasesSource, member: str) -> bool:
    return any(fnmatch.fnmatchcase(member, pattern) for pattern in source.include) and not any(
        fnmatch.fnmatchcase(member, pattern) for pattern in source.exclude
    )


def _part(source: ReleasesSource, member: str) -> str | None:
    """Which part a member belongs to by its name, or None when it gives no document of this source."""
    folder, _, name = member.rpartition("/")
    suffix = suffix_of(name)
    part: Part
    if suffix in CODE_SUFFIXES:
        part = "code"
    elif suffix == ".po":
        part = "catalogues"
    elif is_licence_file(member):
        part = "licences"
    elif suffix in PAGE_SUFFIXES or suffix in HTML_SUFFIXES or (not suffix and PAGE_NAME.fullmatch(name)):
        part = "pages"
    else:
        return None
    if folder.endswith(".egg-info"):
        return None
    asked = part in source.parts or (part == "code" and "docstrings" in source.parts)
    return part if asked and _chosen(source, member) else None


def _documents(source: ReleasesSource, part: str, member: str, data: bytes) -> Iterator[_Document | _Unreadable]:
    is_html = member.lower().endswith(tuple(HTML_SUFFIXES))
    if part == "pages" and is_html and source.extraction is not None:
        found = shared(source.extraction).extract(data)
        if isinstance(found, Refused):
            yield _Unreadable(found.reason, found.detail)
        else:
            yield _Document("web", None, found.text, {"markup": "html"} | page_metadata(found), found.canonical)
        return
    try:
        text = unix_lines(data.decode(_encoding(part, member, data)))
    except (UnicodeDecodeError, LookupError) as error:
        yield _Unreadable("invalid_utf8", str(error))
        return
    if part == "code":
        yield from _code_and_docstrings(source, member, text)
    elif part == "catalogues":
        catalogue = catalogues.parse(text, member)
        details = {"language": catalogue.language, "messages": catalogue.messages}
        yield _Document("catalogue", "catalogue", catalogue.text, details)
    elif part == "licences":
        yield _Document("licence", "licence", text, {})
    elif is_html:
        text = pages.text_of(text)
        yield _Document("page", kind_of_page(text), text, {"markup": "html"})
    else:
        yield _Document("page", kind_of_page(text), text, {})


def _code_and_docstrings(source: ReleasesSource, member: str, text: str) -> Iterator[_Document]:
    if "code" in source.parts:
        yield _Document("source", "code", text, {})
    if "docstrings" in source.parts and member.endswith(".py"):
        page = docstrings.page(text, docstrings.module_name(member))
        if page is not None:
            # Short docstrings look like items of a list; a reference page is none.
            yield _Document("docstrings", "maths" if kind_of_page(page) == "maths" else "prose", page, {})


def _encoding(part: str, member: str, data: bytes) -> str:
    """The encoding that a member names for itself, where it is a harmless one.

    Raises:
        LookupError: it names another.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    named = "utf-8"
    if part == "code":
        match = CODING.search(b"\n".join(data[:2000].split(b"\n")[:2]))
        named = match[1].decode("ascii") if match else named
    elif part == "catalogues":
        named = catalogues.charset(data)
    elif member.lower().endswith(tuple(HTML_SUFFIXES)):
        named = pages.charset(data)
    if named.lower().replace("_", "-") not in ENCODINGS:
        msg = f"encoding {named!r}"
        raise LookupError(msg)
    return named


def _identity(path: Path, release: Release | None, package_information: bytes) -> _Identity:
    """Name, version and licence of an archive, from the pin, its PKG-INFO, or its file name."""
    header = email.parser.HeaderParser().parsestr(package_information.decode("utf-8", "replace"))
    licence = header.get("License-Expression")
    if not licence:
        classified = [value for value in header.get_all("Classifier", []) if value.startswith("License ::")]
        licence = classified[0].rpartition("::")[2].strip() if classified else header.get("License", "")
    licence = shorten(licence, 80) if licence and licence != "UNKNOWN" else None
    if release is not None:
        return _Identity(release.name, release.version, licence)
    name, version = header.get("Name"), header.get("Version")
    if not (name and version):
        match = ARCHIVE_NAME.fullmatch(path.name)
        if match is None:
            msg = f"{path}: no PKG-INFO inside and no name-version.tar.gz as name; rename it if it is a source release"
            raise SourceError(msg)
        name, version = match["name"], match["version"]
    return _Identity(normalised(shorten(name)), shorten(version), licence)


def _url(source: ReleasesSource, identity: _Identity, member: str, part: str) -> str:
    version = "@" + quote(identity.version, safe="") if source.version_in_url else ""
    qualifier = "?part=docstrings" if part == "docstrings" else ""
    return f"pkg:pypi/{quote(identity.name, safe='')}{version}{qualifier}#{quote(member, safe='/')}"
