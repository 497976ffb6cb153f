"""What is kept between runs beside the results: this user's cache, never the package or the working directory.

Whoever can write to a folder of compiled kernels chooses what code later jobs run: numba reads its files with pickle
and executes what they hold. So a folder is taken only where nobody but this user and root can write to it or put
another one in its place.
"""

from __future__ import annotations

import grp
import logging
import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

UNUSED_DAYS = 14
"""A folder of another version that nobody has used for so long is removed; compiling again takes about a minute."""

UNMAPPED = 65534
"""Owner of what belongs to root outside, as seen in a container that has no number for root."""

PRIVATE = 0o700

COMPILED = "compiled kernels, which later jobs find"
"""What a job's log says then; no second run takes that time."""


def _usual_home() -> Path | None:
    """The cache home by the XDG Base Directory Specification, whether or not it is there; None without a home."""
    # A relative path is to be ignored; it would be another one in each folder.
    cache_home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if cache_home.is_absolute():
        return cache_home
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.expanduser raises where this user has no home
    return home / ".cache" if home.is_absolute() else None


def _temporary_homes() -> Iterator[Path]:
    """A cache home for this user in each folder for temporary files."""
    for folder in (os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp"):  # noqa: S108 - what is there is checked
        if os.path.isabs(folder) and os.path.isdir(folder):  # noqa: PTH112, PTH117 - Path.is_dir may raise
            yield Path(folder) / f"tamis-{os.geteuid()}"


def _is_own_group(group: int) -> bool:
    """Whether a group is this user's private one: of the same name and without other members."""
    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == user.pw_name and set(found.gr_mem) <= {user.pw_name}


def _check_private(folder: Path) -> None:
    """Hold that a folder is this user's and nobody else can write to it.

    Raises:
        PermissionError: it is not.
    """
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{folder} can be written to by other users")


def _is_root(owner: int) -> bool:
    """Whether an owner is root, or root outside of this container."""
    if owner != UNMAPPED:
        return owner == 0
    try:
        mapped = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
    except OSError:
        return False
    # All numbers are the system's own: this one is the user "nobody".
    return mapped != ["0", "0", "4294967295"]


def _check_way(folder: Path) -> None:
    """Hold that nobody else can put another folder in the place of this one.

    Raises:
        PermissionError: somebody can, because of the owner or mode of a folder that it lies in.
    """
    for parent in folder.parents:
        status = parent.stat()
        if status.st_uid != os.geteuid() and not _is_root(status.st_uid):
            raise PermissionError(f"{folder} lies in {parent}, which belongs to another user")
        # In a sticky folder, like /tmp, only the owner of an entry can rename it.
        if status.st_mode & stat.S_ISVTX:
            continue
        if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid)):
            raise PermissionError(f"{folder} lies in {parent}, which other users can write to")


def _made(folder: Path) -> bool:
    """Make a folder for this user alone; False when there is something of that name already."""
    try:
        folder.mkdir(mode=PRIVATE)
    except FileExistsError:
        return False
    return True


def _remove_unused(place: Path, kind: str) -> None:
    """Remove the folders of a kind, of other versions, that no process has asked for in a while."""
    before = time.time() - UNUSED_DAYS * 24 * 3600
    for folder in place.glob(f"{kind}-*"):
        if folder.lstat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)


def _ready(home: Path, name: str, *, chosen: bool) -> Path:
    """Make or check the folder `tamis/<name>` of a cache home, and mark it as used.

    Raises:
        OSError: it cannot be made or written to, or it is not safe.
    """
    _made(home)
    _made(home / "tamis")
    # Links are followed once, here: what they lead to is checked and used.
    place = (home / "tamis").resolve(strict=True)
    if not chosen:
        _check_way(place)
    _check_private(place)
    folder = place / name
    new = _made(folder)
    _check_private(folder)
    tempfile.TemporaryFile(dir=folder).close()
    os.utime(folder)
    if new:
        _remove_unused(place, name.partition("-")[0])
    return folder


def own_folder(name: str, chosen: str = "") -> Path | None:
    """A folder of this user's that nobody else can write to, made where there is none.

    Looked for in the folder that the user chose, in the user's cache, and in the system's folders for temporary files.

    Args:
        name: `<kind>-<version>`; when it is new, folders of the kind that have not been used for `UNUSED_DAYS` go.
        chosen: a folder that the user named for this; who can write to the folders above it is the user's business.

    Returns:
        None, with a warning that says what was refused, where there is no such folder.
    """
    homes = [*([Path(chosen).absolute()] if chosen else []), *filter(None, [_usual_home()]), *_temporary_homes()]
    refused: list[str] = []
    for home in homes:
        try:
            folder = _ready(home, name, chosen=bool(chosen) and home == homes[0])
        except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            refused.append(str(error))
            continue
        if chosen and refused:
            logging.getLogger("tamis").warning("%s is used instead of %s (%s)", folder, chosen, refused[0])
        return folder
    logging.getLogger("tamis").warning(
        "%s: there is no folder to keep this in (%s), so each job makes its own, which takes a minute or less. Set "
        "NUMBA_CACHE_DIR to a folder that only you can write to.",
        name,
        "; ".join(refused),
    )
    return None


def _temporary_home() -> Path | None:
    """A cache home of this user's alone among the temporary files; None where there can be none."""
    for home in _temporary_homes():
        try:
            _made(home)
            home = home.resolve(strict=True)  # noqa: PLW2901 - from here on the folder that a link leads to
            _check_way(home)
            _check_private(home)
        except (OSError, RuntimeError):  # the next one may do; where none does, programs say so themselves
            continue
        return home
    return None


def environment() -> dict[str, str]:
    """What the environment of a run needs, so that no program writes or complains elsewhere.

    Returns:
        XDG_CACHE_HOME where the user's own cache cannot be written to (no home, a read-only one): Snakemake does not
        start without it; and HF_HOME then, so that models are still found where they lie. TORCHINDUCTOR_CACHE_DIR,
        because torch makes that folder when it is loaded, by default beside everybody's in the folder for temporary
        files. Nothing that the user has set and that can be used.
    """
    found: dict[str, str] = {}
    home = _usual_home()
    try:
        writable = home is not None and (_made(home) or os.access(home, os.W_OK | os.X_OK))
    except OSError:
        writable = False
    if not writable:
        models = None if home is None else f"{home}/huggingface"
        home = _temporary_home()
        if home is None:
            return found
        found["XDG_CACHE_HOME"] = str(home)
        if models and "HF_HOME" not in os.environ and os.path.isdir(models):  # noqa: PTH112 - Path.is_dir may raise
            found["HF_HOME"] = models
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
        found["TORCHINDUCTOR_CACHE_DIR"] = f"{home}/torchinductor"
    return found
