"""Hot loops as numba kernels on Arrow buffers; imported only where they run, because numba takes 0.15 s.

Compiled kernels are kept in the user's cache (`tamis.user_cache`), in a folder named by the content of this package.
numba's own check looks only at the file of the kernel itself: after an edit of a kernel that others call, or an update
of the whole project, it would run stale code without a word.

A job that finds its kernels compiled needs nothing of numba's compiler, so `_load_overload` does not have it loaded
(decision 9): that took 0.4 s a job, half of it for scipy.
"""

import logging
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import Cache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher
from numba.core.runtime import rtsys

from tamis.user_cache import COMPILED, own_folder


def _content_hash(folder: Path) -> str:
    """16 hex characters over all kernel sources, the definition of words that they build tables from, and numba."""
    state = blake2b(numba.__version__.encode(), digest_size=8)
    for path in [*sorted(folder.rglob("*.py")), folder.parent / "text.py"]:
        state.update(path.read_bytes())
    return state.hexdigest()


def _enable_no_caching(self: Dispatcher) -> None:
    """Keep nothing: numba itself would try the package's folder next, and raise where that cannot be written to."""


_kept = own_folder(f"numba-{_content_hash(Path(__file__).parent)}", numba.config.CACHE_DIR)
numba.config.CACHE_DIR = "" if _kept is None else str(_kept)
if _kept is None:
    Dispatcher.enable_caching = _enable_no_caching  # type: ignore[method-assign]


_load_with_compiler = Cache.load_overload


def _load_overload(self: Cache, sig: Any, target_context: Any) -> Any:
    """Load a compiled kernel from the cache; where there is none, do what numba does, which loads its compiler.

    numba's own method first loads the implementation of everything that a kernel could call, to no use here: what a
    compiled kernel calls is compiled with it, but for the memory manager.
    """
    rtsys.initialize(target_context)
    with self._guard_against_spurious_io_errors():
        found = self._load_overload(sig, target_context)
        if found is not None:
            return found
    return _load_with_compiler(self, sig, target_context)


def _save(self: IndexDataCacheFile, key: Any, data: Any) -> None:
    """Save a compiled kernel in a file named by its types and CPU, and then name the file in the index.

    numba numbers the files: two processes that compile one kernel for different types at the same time both take
    number 1, and a third then runs code made for the types of the other. Here each has a file of its own; of two
    indexes the later stays, and what it does not name is compiled once more.
    """
    number = int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest())
    name = self._data_name(number)
    self._save_data(name, data)
    self._save_index(self._load_index() | {key: name})


_save_or_raise = Cache.save_overload


@cache
def _warn(reason: str) -> None:
    """Say once that compiled kernels cannot be kept."""
    logging.getLogger(__name__).warning(
        "compiled kernels cannot be kept in %s (%s): later jobs compile them again, a minute or less each. Make room "
        "there, or set NUMBA_CACHE_DIR to a folder that only you can write to.",
        _kept,
        reason,
    )


@cache
def _tell() -> None:
    """Say once that kernels were compiled and kept, for `tamis estimate`."""
    logging.getLogger(__name__).info(COMPILED)


def _save_overload(self: Cache, sig: Any, data: Any) -> None:
    """Save a compiled kernel; a full disk or quota is no reason to end a job that has it in memory."""
    try:
        _save_or_raise(self, sig, data)
        _tell()
    except OSError as error:
        _warn(error.strerror or str(error))


Cache.load_overload = _load_overload
Cache.save_overload = _save_overload
IndexDataCacheFile.save = _save
