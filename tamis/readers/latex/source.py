"""LaTeX sources of papers, as arXiv hands them out: one document a main file, joined and cleaned.

Read are archives of a paper (`.tar.gz`, `.zip` …), single gzipped files, archives of many papers (the tars of arXiv's
bulk data, whose members are gzip), and folders. In a folder each folder that holds a `.tex` file is a paper, with all
below it; a file that is named by itself is a paper alone.

A paper with several files of a document class gives a document each. What it includes and does not bring, files that
nothing includes, papers without TeX (PDF, PostScript, withdrawn) are listed. Memory: the TeX of one paper and, in an
archive of many, its compressed bytes.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr

from tamis.errors import SourceError
from tamis.readers import archive
from tamis.readers.code.trees import files_below, roots_of
from tamis.readers.latex import cleaning
from tamis.readers.latex.arxiv import paper_named
from tamis.readers.latex.found import PACKED, bounded, holds_source, is_source, sources_below
from tamis.readers.latex.macros import Macros, styles_named
from tamis.readers.latex.papers import SOURCES, Joined, Paper, joined, mains
from tamis.readers.record import Passed, Record, Skip, Source, make
from tamis.readers.remote.addresses import is_address, names_in
from tamis.readers.remote.origin import called
from tamis.readers.signatures import CONTENTS, HEAD_BYTES, recognised
from tamis.readers.values import shorten

Item = Record | Skip | Passed

STYLE_BYTES = 200_000


class LatexSource(Source):
    """LaTeX sources of papers."""

    awaits_files: ClassVar[bool] = False

    format: Literal["latex"] = Field(
        default="latex",
        description="LaTeX sources of papers: archives of one (.tar.gz, .zip), gzipped files, archives of many "
        "(arXiv's bulk data), folders.",
    )
    paths: tuple[str, ...] = Field(
        default=(),
        description="Folders, archives and files, or patterns of them; relative to the working directory. A folder is "
        "named itself, so that what a paper includes is found: each folder in it that holds a .tex file is a paper.",
    )
    bibliography: Literal["drop", "keep"] = Field(
        default="drop", description="What becomes of the references; kept, a .bbl takes the place of `\\bibliography`."
    )
    expand_macros: bool = Field(
        default=True, description="Whether the paper's own macros are replaced by what they stand for."
    )
    arxiv_ids: bool = Field(
        default=True,
        description="Whether a file or folder named as arXiv names papers (2101.00001v2.tar.gz) has the URL of its "
        "abstract, without the version, and the month of its identifier as date.",
    )
    max_paper_bytes: int = Field(
        default=2**29,
        ge=1,
        description="Bytes of one paper, pictures and all, compressed and after decompression; in an archive of many "
        "a larger one is listed as too_large.",
    )
    max_archive_bytes: int = Field(
        default=2**36, ge=1, description="Bytes of an archive of many papers, at most; more fails the job."
    )

    _roots: set[Path] = PrivateAttr(default_factory=set)
    _folders: dict[Path, Path] = PrivateAttr(default_factory=dict)
    _kept: dict[Path, dict[str, list[Item]]] = PrivateAttr(default_factory=dict)

    def found_files(self) -> list[Path]:
        """TeX files of the folders, and the files that are named; sorted by path.

        Raises:
            SourceError: a path or pattern matches nothing, a folder cannot be listed, or there is no file.
        """
        if not self.paths and not self.manifests:
            raise SourceError(f"source {self.name!r}: paths is empty; name a folder, an archive or a file")
        listed = self.listed()
        elsewhere = set() if listed is None else {*listed.remote, *listed.local}
        try:
            self._look(may_be_gone=False)
            found = [
                file
                for root in self._roots
                for file in ([root] if not root.is_dir() else files_below(root))
                if file == root or file.name.lower().endswith(SOURCES)
            ]
        except SourceError as error:
            raise SourceError(f"source {self.name!r}: {error}") from error
        if not found and not elsewhere:
            ending = ", ".join(SOURCES)
            raise SourceError(f"source {self.name!r}: {', '.join(self.paths)}: no file there that ends in {ending}")
        return sorted({*elsewhere, *found})

    def paths_of(self, files: Sequence[Path]) -> tuple[str, ...]:
        """The folders and archives that files belong to."""
        return tuple(sorted({str(self._root_of(path)) for path in files}))

    def governing(self, files: Sequence[Path]) -> list[Path]:
        """All files of TeX in the folders of papers, for what one includes decides what it says."""
        folders = {folder for path in files if (folder := self._folder_of(path)) is not None}
        return sorted({path for folder in folders for path in sources_below(folder)} - set(files))

    def unread(self, path: str) -> Skip | None:
        """What is listed and not opened: links in folders, what is no file, names that are no UTF-8."""
        file = Path(path)
        if self._folder_of(file) is None:
            return None
        if file.is_symlink():
            return Skip(path, 1, "link", "a symbolic link; what it leads to is read where it lies")
        if os.path.lexists(path):
            return None if file.is_file() else Skip(path, 1, "special_file", "no file")
        # Names that are no UTF-8 are given as Python escapes them; any other was there when the files were looked for.
        return Skip(path, 1, "invalid_name", "no file of a name in UTF-8") if "\\x" in path else None

    def read(self, path: Path) -> Iterator[Item]:
        """The documents of a file: of a folder those of which it is the main file.

        Raises:
            SourceError: missing; or an archive is damaged, too large, or holds nothing of TeX.
        """
        folder = self._folder_of(path)
        if folder is not None:
            name = path.relative_to(folder).as_posix()
            if folder not in self._kept:
                self._kept = {folder: self._by_file(folder)}
            yield from self._kept[folder].get(name, [Passed("included")])
            return
        yield from self._packed(path)

    def _look(self, *, may_be_gone: bool) -> None:
        if not self._roots:
            self._roots.update(roots_of(self.local_paths, may_be_gone=may_be_gone))

    def _root_of(self, path: Path) -> Path:
        self._look(may_be_gone=True)
        return next((one for one in (path, *path.parents) if one in self._roots), path)

    def _folder_of(self, path: Path) -> Path | None:
        """The folder of the paper of a file: the highest one on its way that holds a source; None: it stands alone."""
        root = self._root_of(path)
        if root == path:
            return None
        if path.parent not in self._folders:
            way = [folder for folder in (path.parent, *path.parent.parents) if folder == root or root in folder.parents]
            self._folders[path.parent] = next(folder for folder in reversed(way) if holds_source(folder))
        return self._folders[path.parent]

    def _by_file(self, folder: Path) -> dict[str, list[Item]]:
        """What becomes of each file of a paper in a folder."""
        files: dict[str, bytes] = {}
        items: dict[str, list[Item]] = {}
        for path in sources_below(folder):
            name = path.relative_to(folder).as_posix()
            if path.stat().st_size > self.max_document_bytes:
                items[name] = [Skip(str(path), 1, "too_large", f"{path.stat().st_size} bytes")]
            else:
                files[name] = path.read_bytes()
        found = self._paper(files, folder.name, str(folder), None)
        for name, item in found:
            placed = item if isinstance(item, Passed) else replace(item, path=str(folder / name), record=1)
            items.setdefault(name or min(files, default=""), []).append(placed)
        return items

    def _packed(self, path: Path) -> Iterator[Item]:
        """The documents of an archive or a single file."""
        where = str(path)
        try:
            with path.open("rb") as file:
                start = file.read(HEAD_BYTES)
        except OSError as error:
            raise SourceError(f"{path}: cannot be opened ({error.strerror or error})") from error
        if not start:
            yield Skip(where, 1, "empty_text", "no byte")
            return
        form, data = self._unpacked(path, start)
        if form != "archive":
            for _, item in self._single(data, _name(path), where, 1):
                yield item
            return
        limits = archive.Limits(self.max_document_bytes, self.max_archive_bytes)
        seen = archive.survey(path, lambda _: False, limits)
        if any(is_source(name) for name in seen.last):
            yield from self._whole(path)
            return
        if not any(name.lower().endswith((*PACKED, ".pdf")) for name in seen.last):
            raise SourceError(f"{path}: holds no file of TeX ({', '.join(SOURCES)}) and no paper; take it out of paths")
        for member in archive.members(path, seen, lambda _: True, limits):
            if member.refused is not None:
                yield Skip(where, member.position, member.refused[0], shorten(f"{member.path}: {member.refused[1]}"))
                continue
            for _, item in self._member(member, where):
                yield item

    def _unpacked(self, path: Path, start: bytes) -> tuple[str, bytes]:
        """Whether a file is an archive; else its bytes, decompressed.

        Raises:
            SourceError: damaged, or too large.
        """
        found = recognised(start)
        if found in ("tar", "zip"):
            return "archive", b""
        if found not in ("gzip", "zstd", "bzip2", "xz"):
            return "file", bounded(path.open("rb"), self.max_document_bytes, str(path))
        try:
            with archive.decompressed(path) as file:
                head = file.read(HEAD_BYTES)
                if recognised(head) == "tar" or re.search(r"\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz)$", path.name):
                    return "archive", b""
                return "file", head + bounded(file, self.max_document_bytes, str(path))
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            raise SourceError(
                f"{path}: cut short or damaged ({error}). Fetch it again; nothing of it is used."
            ) from error

    def _whole(self, path: Path) -> Iterator[Item]:
        """An archive of one paper."""
        limits = archive.Limits(self.max_document_bytes, self.max_paper_bytes)
        found = archive.contents(path, is_source, limits)
        for name, reason, detail in found.skipped:
            yield Skip(str(path), 1, reason, shorten(f"{name}: {detail}"))
        for _, item in self._paper(found.members, _name(path), str(path), found.date):
            yield item

    def _member(self, member: archive.Member, where: str) -> Iterator[tuple[str, Item]]:
        """A paper among many."""
        inside, number = f"{where}/{member.path}", member.position

        def skip(reason: str, detail: str) -> tuple[str, Item]:
            return "", Skip(where, number, reason, shorten(f"{member.path}: {detail}"))

        data = member.data
        try:
            if data[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                    head = file.read(HEAD_BYTES)
                    if recognised(head) != "tar":
                        data = head + bounded(file, self.max_document_bytes, inside)
                        yield from self._single(data, member.path, where, number)
                        return
            elif recognised(data[:HEAD_BYTES]) not in ("tar", "zip"):
                yield from self._single(data, member.path, where, number)
                return
            limits = archive.Limits(self.max_document_bytes, self.max_paper_bytes)
            found = archive.contents(Path(inside), is_source, limits, data)
        except SourceError as error:
            large = "max_archive_bytes" in str(error) or "bytes of text" in str(error)
            yield skip("too_large" if large else "damaged", str(error).removeprefix(f"{inside}: "))
            return
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            yield skip("damaged", str(error))
            return
        for name, reason, detail in found.skipped:
            yield skip(reason, f"{name}: {detail}")
        for name, item in self._paper(found.members, member.path, where, found.date, number):
            yield name, item

    def _single(self, data: bytes, name: str, where: str, number: int) -> Iterator[tuple[str, Item]]:
        """A file that is a paper, or none."""
        found = recognised(data[:HEAD_BYTES])
        kind = None if found in (None, "json") else CONTENTS[found].what
        if data[:4] == b"%!PS" or data[:200].lstrip()[:4] == b"%!PS":
            kind, found = "PostScript", "postscript"
        if found is not None and kind is not None:
            reason = f"no_tex_{found}" if found in ("pdf", "postscript", "html") else "no_tex"
            yield "", Skip(where, number, reason, shorten(f"{name}: is {kind}"))
            return
        yield from self._paper({"main.tex": data}, name, where, None, number, alone=True)

    def _paper(
        self,
        files: Mapping[str, bytes],
        name: str,
        where: str,
        date: datetime | None,
        number: int = 1,
        *,
        alone: bool = False,
    ) -> Iterator[tuple[str, Item]]:
        """The documents of a paper, each with the name of its main file; and what is listed."""
        base = name.rpartition("/")[2]

        def skip(file: str, reason: str, detail: str) -> tuple[str, Item]:
            told = detail if alone else f"{file}: {detail}" if file else detail
            return file, Skip(where, number, reason, shorten(f"{name}: {told}"))

        if any(data[:200].lstrip().startswith(b"%auto-ignore") for data in files.values()) and len(files) == 1:
            yield skip("", "withdrawn", "%auto-ignore, as arXiv marks what has no source")
            return
        main_files = mains(files)
        if not main_files:
            yield skip("", "no_main_file", f"none of {len(files)} files begins a document")
            return
        paper = Paper(files)
        used: set[str] = set()
        for place, main in enumerate(main_files):
            found = joined(paper, main, self.max_document_bytes, bibliography=self.bibliography == "keep")
            used |= found.used.keys()
            for missing in found.missing:
                where_else = "; name the folder that it lies in, not the file" if alone and number == 1 else ""
                yield skip(main, "missing_include", f"{missing} is included and not there{where_else}")
            for loop in found.loops:
                yield skip(main, "include_loop", f"{loop} includes itself")
            if found.too_large:
                yield skip(main, "too_large", f"more than {self.max_document_bytes} characters with what it includes")
                continue
            shown = base if alone else f"{base}/{main}"
            yield main, self._document(paper, found, main, shown, where, date, number, first=not place)
        for file in sorted(files):
            if file not in used and file.lower().endswith(SOURCES):
                yield skip(file, "not_included", "no main file includes it")

    def _document(
        self,
        paper: Paper,
        found: Joined,
        main: str,
        shown: str,
        where: str,
        date: datetime | None,
        number: int,
        *,
        first: bool,
    ) -> Record | Skip:
        macros = Macros()
        if self.expand_macros:
            for style in styles_named(found.text[:200_000]):
                if (file := f"{style}.sty") in paper.files and len(paper.files[file]) <= STYLE_BYTES:
                    macros.learn(paper.text(file))
        text = macros.expand(found.text, replaces=self.expand_macros)
        head, title = cleaning.head_of(text)
        body = cleaning.cleaned(cleaning.body_of(text), bibliography=self.bibliography == "keep")
        if title is not None and body:
            body = f"\\title{{{title}}}\n\n{body}"
        known = paper_named(shown.partition("/")[0]) if self.arxiv_ids else None
        url = known.url if known else None
        metadata = {
            "path": shown,
            "title": head.title,
            "authors": head.authors,
            "written": head.date,
            "arxiv_id": known.id if known else None,
            "arxiv_version": known.version if known else None,
            "files": len(found.used) if len(found.used) > 1 else None,
            "missing": list(found.missing) or None,
            "macros_expanded": macros.expanded or None,
            "macros_left": "a bound was met" if macros.stopped else None,
            "charset": min(paper.guessed) if paper.guessed else None,
        }
        return make(
            self,
            where,
            number,
            paper.aside.back(body),
            url=url if first or url is None else f"{url}#{main}",
            date=known.month if known else date,
            metadata={key: value for key, value in metadata.items() if value is not None},
            kind="maths",
        )


def _name(path: Path) -> str:
    """The name of a paper's file: of one that was fetched as its address has it, and not as it lies here."""
    address = called(path)
    if not is_address(address):
        return path.name
    folder, name = names_in(address)
    # arXiv's older papers: https://arxiv.org/e-print/hep-th/9901001
    old = f"{folder}{name}"
    return old if paper_named(name) is None and paper_named(old) is not None else name or path.name
