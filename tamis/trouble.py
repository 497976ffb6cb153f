"""What the operating system refused, in words: a full disk, a read-only folder, a name that cannot be used."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_TEXT = re.compile(r"no space left on device|disk quota exceeded|not enough (disk )?space", re.IGNORECASE)
"""How libraries that raise errors of their own (DuckDB, polars) pass it on."""
DENIED = (errno.EROFS, errno.EACCES, errno.EPERM)


def size(count: int) -> str:
    """Bytes for reading: `812 bytes`, `3.4 MB`."""
    if count < 1000:
        return f"{count} bytes"
    value, unit = count / 1000, "kB"
    for unit_above in ("MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, unit_above
    return f"{value:.1f} {unit}"


def free(path: Path) -> int | None:
    """Bytes that this user may still write where a file or folder is or would be; None where that cannot be told."""
    for folder in (path, *path.absolute().parents):
        try:
            found = os.statvfs(folder)
        except OSError:
            continue
        # Without inodes nothing can be written either; some file systems count none at all.
        return 0 if found.f_files and not found.f_favail else found.f_bavail * found.f_frsize
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def is_full(error: BaseException) -> bool:
    """Whether a full disk is behind an error."""
    return any(
        (isinstance(link, OSError) and link.errno in FULL) or FULL_TEXT.search(str(link)) for link in _chain(error)
    )


def full_disk(folders: Iterable[Path], needed: int) -> str:
    """The sentence for a full disk.

    Args:
        folders: where it was being written to; the one with the least space is named, and that for temporary files
            where it has even less.
        needed: bytes that are needed at least.
    """
    scratch = Path(tempfile.gettempdir())
    places = [folder for folder in (*folders, scratch) if free(folder) is not None]
    least = min(places, key=lambda folder: free(folder) or 0)
    # Another node has another disk there.
    node = os.environ.get("SLURMD_NODENAME") if least is scratch else None
    return (
        f"the disk is full: {least}{f' of node {node}' if node else ''} has {size(free(least) or 0)} left, at least "
        f"{size(max(needed, 1_000_000))} more are needed. Make space, or name another "
        f"{'TMPDIR' if least is scratch else 'output_dir'}"
    )


def refusal(error: OSError, path: Path | str | None = None) -> str:
    """One line for what the operating system refused.

    Args:
        error: what it raised.
        path: what was to be read or written, where the error does not say.
    """
    name = error.filename if error.filename is not None else path
    where = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else "the file"
    if is_full(error):
        return full_disk([Path(where)], 0)
    reason = {
        errno.EROFS: "the file system is read-only; mount it for writing, or name another folder (output_dir)",
        errno.EACCES: "permission denied; change the owner or mode of it and the folders above, or name another one",
        errno.EPERM: "permission denied; change the owner or mode of it and the folders above, or name another one",
        errno.ENOTDIR: "a part of the path is a file, not a folder; rename one of them",
        errno.EEXIST: "there is a file of that name; rename one of them",
        errno.EISDIR: "it is a folder, not a file; name a file",
        errno.ENAMETOOLONG: "the name is too long for the file system; shorten it",
        errno.ENOENT: "there is no such file or folder; correct the path",
    }.get(error.errno or 0, error.strerror or str(error))
    return f"{where}: {reason}"


def is_refusal(error: BaseException) -> bool:
    """Whether the operating system would not let us write or read, which is no defect of the program."""
    return isinstance(error, OSError) and error.errno in DENIED
