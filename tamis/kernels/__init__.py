"""Hot loops as numba kernels on Arrow buffers; imported only where they run, because numba takes 0.4 s.

Compiled kernels are cached in a folder named by the content of this package. numba's own check looks only at the
file of the kernel itself: after an edit of a kernel that others call, or an update of the whole project, it would run
stale code without a word.
"""

from hashlib import blake2b
from pathlib import Path

import numba


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
