"""Which files a folder of code gives, and what lies beside them that governs them.

Links are not followed, so none leads in a circle or out of the tree; they and what is no file are named all the same,
for the reader to list. Folders of version control and of caches are never read.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from functools import cached_property
from glob import glob, has_magic
from pathlib import Path, PurePath
from urllib.parse import quote, urlsplit

from tamis.errors import SourceError
from tamis.readers.code.licences import INSTALLED, MOST_BYTES, Folder, Licences, governs

NEVER = frozenset(
    {
        ".bzr",
        ".git",
        ".hg",
        ".jj",
        ".pijul",
        ".svn",
        "CVS",
        "_darcs",
        "__pycache__",
        ".ipynb_checkpoints",
        ".mypy_cache",
    }
)
"""Names of folders, or of the file in a submodule's, that are never read."""

CONFIG_BYTES = 100_000

BLOB = {"github.com": "blob/HEAD", "gitlab.com": "-/blob/HEAD", "bitbucket.org": "src/HEAD"}
"""Host → what stands between a repository and a path in it, in the address of a file. Of other hosts nobody knows."""


def is_never_read(path: str) -> bool:
    """Whether a path in a tree leads through a folder that is never read."""
    return not NEVER.isdisjoint(path.split("/"))


def roots_of(patterns: Sequence[str], *, may_be_gone: bool = False) -> list[Path]:
    """The folders and archives that paths and patterns name, sorted; what lies in another of them is part of that.

    Args:
        patterns: paths and patterns.
        may_be_gone: whether one that matches nothing counts as it stands, in a job that was told what there was.

    Raises:
        SourceError: a path or pattern matches nothing.
    """
    found: set[Path] = set()
    for pattern in patterns:
        magic = has_magic(pattern) and not os.path.lexists(pattern)
        named = glob(pattern, recursive=True) if magic else [pattern] * os.path.lexists(pattern)  # noqa: PTH207 - of strings
        if not named and may_be_gone:
            named = [pattern]
        if not named:
            raise SourceError(f"{pattern} matches no folder or archive in {Path.cwd()}; correct it or take it out")
        found.update(Path(name) for name in named)
    return sorted(path for path in found if found.isdisjoint(path.parents))


def is_bare(names: Iterable[str]) -> bool:
    """Whether the names in a folder are those of a repository of git without a checkout."""
    return {"HEAD", "config", "objects", "refs"}.issubset(names)


def files_below(folder: Path) -> Iterator[Path]:
    """Everything but folders in a tree, links included.

    A name that is not UTF-8 cannot be carried on; it is given as Python escapes it, and no file has that name.

    Raises:
        SourceError: a folder cannot be listed, or the tree is a bare repository, whose files lie packed.
    """
    waiting = [str(folder)]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                listed = list(entries)
        except OSError as error:
            msg = f"{here!r}: this folder cannot be listed ({error.strerror}); let it be read, or take it away"
            raise SourceError(msg) from error
        if is_bare(entry.name for entry in listed):
            if here != str(folder):
                continue
            raise SourceError(
                f"{here}: a bare repository of git, whose files lie packed in it; check them out (git clone "
                f"{shlex.quote(here)} FOLDER) and name that folder"
            )
        for entry in listed:
            if entry.name in NEVER:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield Path(entry.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


class Tree:
    """A folder of code: its licences and repositories. Each of its folders is looked at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[str, dict[str, Path]] = {}
        self._repositories: dict[str, str | None] = {}
        self._tops: dict[str, str] = {}

    def governing(self, folders: Iterable[str]) -> set[Path]:
        """The files that decide what becomes of those in some folders: of them and all above them, up to the root."""
        seen: set[str] = set()
        found: set[Path] = set()
        for folder in folders:
            here = folder
            while here not in seen:
                seen.add(here)
                found.update(self._beside(here).values(), self._git(here))
                here = here.rpartition("/")[0]
        return found

    @cached_property
    def licences(self) -> Licences:
        """Which licence governs which of its folders."""
        return Licences(self._read, self.is_repository)

    def repository(self, folder: str) -> str | None:
        """Address of the repository that a folder belongs to, from `.git/config` in it or above it; else None."""
        top = self.top_of(folder)
        if top not in self._repositories:
            files = [path for path in self._git(top) if path.name == "config"]
            self._repositories[top] = _origin(files[0]) if files else None
        return self._repositories[top]

    def top_of(self, folder: str) -> str:
        """The folder of the repository that a folder belongs to; "" for that of the root."""
        way = [folder]
        while (top := self._tops.get(way[-1])) is None:
            if not way[-1] or self.is_repository(way[-1]):
                top = way[-1]
                break
            way.append(way[-1].rpartition("/")[0])
        for passed in way:
            self._tops[passed] = top
        return top

    def is_repository(self, folder: str) -> bool:
        """Whether a folder is a checkout of its own."""
        return os.path.lexists(self._path(folder) / ".git")

    def _path(self, folder: str) -> Path:
        return self.root / folder if folder else self.root

    def _beside(self, folder: str) -> dict[str, Path]:
        """The files of a folder that may govern it, by their path below it."""
        known = self._files.get(folder)
        if known is None:
            path = self._path(folder)
            names = _names(path)
            known = _governing_in(path, names)
            installed = [name for name in names if name.endswith(INSTALLED) and (path / name).is_dir()]
            if len(installed) == 1:
                for inside in (installed[0], f"{installed[0]}/licenses"):
                    known |= {
                        f"{inside}/{name}": found
                        for name, found in _governing_in(path / inside, _names(path / inside)).items()
                    }
            self._files[folder] = known
        return known

    def _read(self, folder: str) -> Folder:
        return {name: path.read_bytes() for name, path in self._beside(folder).items()}

    def _git(self, folder: str) -> Iterator[Path]:
        """The files of `.git` that say where a repository comes from."""
        git = self._path(folder) / ".git"
        if git.is_symlink():
            return
        config = git / "config"
        if git.is_file():
            # Of a submodule; what it points to counts only inside of the tree.
            yield git
            target = git.read_text(encoding="utf-8", errors="replace")[:4096].partition("gitdir:")[2].strip()
            config = Path(os.path.normpath(git.parent / target)) / "config"
            if Path(os.path.normpath(self.root)) not in config.parents:
                return
        if config.is_file() and not config.is_symlink() and os.access(config, os.R_OK):
            yield config


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - thousands of folders
    except OSError:
        return []


def _governing_in(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    found = {}
    for name in names:
        if not governs(name):
            continue
        path = folder / name
        try:
            fit = path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES
            name.encode()
        except (OSError, UnicodeEncodeError):
            continue
        if fit and os.access(path, os.R_OK):
            found[name] = path
    return found


def _origin(config: Path) -> str | None:
    """The address of the remote `origin` in a `.git/config`, without a name or password; None where there is none."""
    parser = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        text = config.read_text(encoding="utf-8", errors="replace")[:CONFIG_BYTES]
        parser.read_string("\n".join(line.strip() for line in text.split("\n")))
        address = parser.get('remote "origin"', "url", fallback=None)
    except (OSError, ConfigParserError):
        return None
    return None if address is None else web_address(address)


SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w-]+(?:\.[\w-]+)+):(?!//)(?P<path>[^\s]+)")


def web_address(remote: str) -> str | None:
    """`https://host/owner/name` of a remote, whichever protocol it names; None for a folder or anything else."""
    if match := SCP.fullmatch(remote):
        host, path = match["host"], match["path"]
    else:
        try:
            parts = urlsplit(remote)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return None
        if parts.scheme not in ("git", "git+ssh", "http", "https", "ssh") or "." not in host:
            return None
    path = path.strip("/").removesuffix(".git")
    return f"https://{host}/{path}" if path else None


def address_of(repository: str | None, path: str) -> str | None:
    """The address of a file of a repository at a host whose addresses are known, whatever its revision; else None."""
    if repository is None:
        return None
    between = BLOB.get(urlsplit(repository).hostname or "")
    return f"{repository}/{between}/{quote(path)}" if between else None


def below(path: Path, root: Path) -> str:
    """The path of a folder in its tree, with `/`; "" for the tree itself."""
    return "" if path == root else PurePath(path).relative_to(root).as_posix()
