"""Where papers are: which files are TeX, which folder is a paper, and what looks like one."""

from __future__ import annotations

import lzma
import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from tamis.errors import SourceError
from tamis.readers import archive
from tamis.readers.code.trees import files_below, is_never_read, roots_of
from tamis.readers.latex.papers import BESIDE, README, SOURCES, mains
from tamis.readers.lines import BLOCK

LOOKED_AT, LOOKED_BYTES = 64, 64 << 20
"""Files, members and bytes that are looked at to say whether there are papers."""

PACKED = (".gz", ".tgz", ".tar", ".zip", ".tbz2", ".bz2", ".xz", ".zst")


def is_source(name: str) -> bool:
    """Whether a file belongs to the text of a paper."""
    return name.lower().endswith((*SOURCES, *BESIDE)) or README.fullmatch(name) is not None


def are_papers(patterns: Sequence[str]) -> bool:
    """Whether paths and patterns name papers in LaTeX: folders with TeX, archives of it, main files."""
    try:
        roots = roots_of(patterns)
    except SourceError:
        return False
    return all(map(_is_paper, roots[:: -(-len(roots) // LOOKED_AT)])) and bool(roots)


def _is_paper(path: Path) -> bool:
    if path.is_dir():
        return any(file.name.lower().endswith(SOURCES) for file in files_below(path))
    name = path.name.lower()
    packed = name.endswith(PACKED)
    if not packed and not name.endswith(SOURCES):
        return False
    names = archive.first_names(path, LOOKED_AT, LOOKED_BYTES) if packed else []
    if names:
        tex = any(one.lower().endswith(SOURCES) for one in names)
        return tex or all(one.lower().endswith((".gz", ".pdf", "/")) or "." not in one for one in names)
    try:
        with archive.decompressed(path) as file:
            head = file.read(LOOKED_BYTES >> 5)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
        return False
    return bool(mains({"main.tex": head})) and re.search(rb"\\(?:documentclass|documentstyle)\b", head) is not None


def holds_source(folder: Path) -> bool:
    """Whether a source of TeX lies in a folder itself."""
    with os.scandir(folder) as entries:
        return any(entry.name.lower().endswith(SOURCES) for entry in entries)


def sources_below(folder: Path) -> list[Path]:
    """The files of TeX in a folder and below, sorted; no links."""
    found = [path for path in files_below(folder) if is_source(path.name) and not path.is_symlink() and path.is_file()]
    return sorted(path for path in found if not is_never_read(path.as_posix()))


def bounded(file: object, limit: int, where: str) -> bytes:
    """The rest of a file.

    Raises:
        SourceError: it is more than allowed.
    """
    blocks: list[bytes] = []
    size = 0
    with file as opened:  # type: ignore[attr-defined]
        while block := opened.read(BLOCK):
            size += len(block)
            if size > limit:
                raise SourceError(
                    f"{where}: more than {limit} bytes of text; raise max_document_bytes if that is meant"
                )
            blocks.append(block)
    return b"".join(blocks)
