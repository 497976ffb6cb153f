"""Some of a source's files, for a trial: those with the smallest keyed hash of their names.

Which files these are does not depend on their order, and of two samples of a source the smaller lies in the larger:
that of 1 % in that of 5 %, ten files in a hundred, and the files of `limit` are the first of `sample`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tamis.hashing import keyed_uint64

KEY = "sample of files"


def selected(files: Sequence[Path], names: Sequence[str], share: float, limit: int | None) -> list[Path]:
    """The files of a sample, in their order; at least one where there are any.

    Args:
        files: all files of a source.
        names: what each is called: its address, or its path.
        share: of the files, in (0, 1].
        limit: how many at most; None: any number.
    """
    if not files or (share >= 1 and (limit is None or limit >= len(files))):
        return list(files)
    hashes = keyed_uint64(KEY, (name.encode("utf-8", "surrogateescape").hex() for name in names))
    order = sorted(range(len(files)), key=lambda place: (int(hashes[place]), names[place]))
    count = max(int(np.count_nonzero(hashes.astype(np.float64) < share * 2.0**64)), 1) if share < 1 else len(files)
    return [files[place] for place in sorted(order[: count if limit is None else min(count, limit)])]
