"""The files that paths and patterns name, so that none is left out in silence.

`*`, `?` and `[…]` stand for what they do in a shell, `**` for any folders, and none of them for names that begin with a
dot. Links to folders are followed, and a link that leads back to a folder it lies in is not followed again. A folder
that cannot be listed is an error, where the standard library takes it for an empty one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

from tamis.errors import SourceError

ANY_FOLDERS = "**"

Folder = tuple[int, int]
"""Device and inode of a folder."""


def matches(pattern: str) -> list[Path]:
    """Everything but folders that a path or pattern names, sorted: files, and also links that lead nowhere, and pipes.

    Args:
        pattern: relative to the working directory, or absolute. Brackets and stars may be part of a real name, so a
            path that exists is taken as it is.

    Raises:
        SourceError: a folder that the pattern leads to cannot be listed.
    """
    path = Path(pattern)
    # Not `Path.exists`, which follows links: one that leads nowhere is named too.
    if os.path.lexists(pattern):
        return [] if path.is_dir() else [path]
    start = Path(path.anchor) if path.is_absolute() else Path()
    parts = path.parts[1:] if path.is_absolute() else path.parts
    return sorted(set(_below(start, parts)))


GONE = "no longer there"


def irregular(path: Path) -> str | None:
    """What stands there instead of a file: "a named pipe", "no longer there" …; None for a file."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return f"a link to {path.readlink()}, where nothing is" if path.is_symlink() else GONE
    except OSError as error:
        return f"nothing that can be looked at ({error.strerror})"
    names = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a folder",
    }
    return names.get(stat.S_IFMT(mode))


def _below(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Everything but folders that the parts of a pattern name below a folder; some of it may come twice."""
    part, *rest = parts
    if part == ANY_FOLDERS:
        for inner, entries in _walk(folder, ()):
            if rest:
                yield from _below(inner, rest)
            else:
                yield from (inner / name for name, is_folder in entries if not is_folder)
    elif has_magic(part):
        for name, is_folder in _entries(folder, hidden=part.startswith(".")):
            if fnmatchcase(name, part):
                yield from _inside(folder / name, rest, is_folder=is_folder)
    elif os.path.lexists(folder / part):
        yield from _inside(folder / part, rest, is_folder=(folder / part).is_dir())


def _inside(path: Path, rest: Sequence[str], *, is_folder: bool) -> Iterator[Path]:
    if rest and is_folder:
        yield from _below(path, rest)
    elif not rest and not is_folder:
        yield path


def _walk(folder: Path, above: tuple[Folder, ...]) -> Iterator[tuple[Path, list[tuple[str, bool]]]]:
    """A folder and all those below it, each with what is in it."""
    state = folder.stat()
    here = (state.st_dev, state.st_ino)
    if here in above:
        return
    entries = _entries(folder)
    yield folder, entries
    for name, is_folder in entries:
        if is_folder:
            yield from _walk(folder / name, (*above, here))


def _entries(folder: Path, *, hidden: bool = False) -> list[tuple[str, bool]]:
    """Name, and whether it is a folder or a link to one, of everything in a folder, sorted."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, _is_folder(entry)) for entry in entries if hidden or entry.name[0] != ".")
    except OSError as error:
        msg = f"{folder}: this folder cannot be listed ({error.strerror}); let it be read, or correct the pattern"
        raise SourceError(msg) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into a circle of links: no folder, and named for what it is where the files are looked at
        return False
