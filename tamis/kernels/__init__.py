"""Hot loops as numba kernels on Arrow buffers; imported only where they run, because numba takes 0.15 s.

Compiled kernels are cached in a folder named by the content of this package. numba's own check looks only at the
file of the kernel itself: after an edit of a kernel that others call, or an update of the whole project, it would run
stale code without a word.

A job that finds its kernels compiled needs nothing of numba's compiler, so `_load_overload` does not have it loaded
(decision 9): that took 0.4 s a job, half of it for scipy.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import Cache
from numba.core.runtime import rtsys


def _source_hash(folder: Path) -> str:
    """16 hex characters over all kernel sources, and the definition of words that they build tables from."""
    state = blake2b(digest_size=8)
    for path in [*sorted(folder.glob("*.py")), folder.parent / "text.py"]:
        state.update(path.read_bytes())
    return state.hexdigest()


_FOLDER = Path(__file__).parent
if not numba.config.CACHE_DIR:
    try:
        _cache = _FOLDER / "__pycache__" / f"numba-{_source_hash(_FOLDER)}"
        _cache.mkdir(parents=True, exist_ok=True)
        numba.config.CACHE_DIR = str(_cache)
    except OSError:
        # An installation that cannot be written to: numba chooses a folder of the user's.
        pass


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


Cache.load_overload = _load_overload
