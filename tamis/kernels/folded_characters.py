"""The class of each code point and its case-folded bytes, in one table that the segmentation of words looks into.

Built from `unicodedata` by the definition of `tamis.text`, so that a text is folded, segmented and hashed in one pass.
"""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numba
import numpy as np

from tamis import text
from tamis.shards import whole_file

# Layout of a table entry: bits 0-55 the folded UTF-8 bytes, 56-59 their number, 60-63 the class; 0 = separator.
LENGTH_SHIFT = 56
CLASS_SHIFT = 60
CODE_POINTS = 0x110000
LAST_FOLDED = 0x1FFFF  # no character above plane 1 has case
LAST_ASSIGNED = 0x3FFFF  # above it are only variation selectors (marks), tags and private use (separators)
SPECIAL_PLANE = 0xE0000
SPECIAL_PLANE_END = 0xE01F0


def plain_bytes(code_points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 of each code point, packed little-endian into uint64, and its number of bytes."""
    c = code_points.astype(np.uint64)
    tail = [(c >> np.uint64(6 * k)) & np.uint64(0x3F) | np.uint64(0x80) for k in range(3)]
    by_length = [
        c,
        c >> np.uint64(6) | np.uint64(0xC0) | tail[0] << np.uint64(8),
        c >> np.uint64(12) | np.uint64(0xE0) | tail[1] << np.uint64(8) | tail[0] << np.uint64(16),
        (
            c >> np.uint64(18)
            | np.uint64(0xF0)
            | tail[2] << np.uint64(8)
            | tail[1] << np.uint64(16)
            | tail[0] << np.uint64(24)
        ),
    ]
    length = 1 + (c >= 0x80).astype(np.uint64) + (c >= 0x800).astype(np.uint64) + (c >= 0x10000).astype(np.uint64)
    return np.choose(length.astype(np.int64) - 1, by_length), length


@lru_cache(maxsize=1)
def character_table() -> np.ndarray:
    """uint64[CODE_POINTS]: class and case-folded bytes of each code point.

    Kept beside the compiled kernels, because every job needs it: 5 ms, against 80 ms to make it.
    """
    if not numba.config.CACHE_DIR:
        return _made_table()
    path = Path(numba.config.CACHE_DIR) / f"characters-{unicodedata.unidata_version}.bin"
    if path.exists() and path.stat().st_size == 8 * CODE_POINTS:
        return np.fromfile(path, dtype=np.uint64)
    table = _made_table()
    # Where nothing can be written, it is made again each time, as kernels are compiled again.
    with suppress(OSError), whole_file(path) as temporary:
        table.tofile(temporary)
    return table


def _made_table() -> np.ndarray:
    """`character_table`, made of whole columns (a loop over `text.character_class` takes 800 ms)."""
    table = np.zeros(CODE_POINTS, dtype=np.uint64)
    code_points = np.concatenate([np.arange(LAST_ASSIGNED + 1), np.arange(SPECIAL_PLANE, SPECIAL_PLANE_END)])
    categories = "".join(map(unicodedata.category, map(chr, code_points.tolist())))
    group = np.frombuffer(categories.encode(), dtype=np.uint8)[::2]
    single = np.zeros(len(code_points), dtype=bool)
    for first, last in text.SINGLE_RANGES:
        single |= (code_points >= first) & (code_points <= last)
    wordlike = (group == ord("L")) | (group == ord("N"))
    kind = np.where(group == ord("M"), text.MARK, np.where(wordlike, np.where(single, text.SINGLE, text.LETTER), 0))
    packed, length = plain_bytes(code_points)
    entries = packed | length << np.uint64(LENGTH_SHIFT) | kind.astype(np.uint64) << np.uint64(CLASS_SHIFT)
    table[code_points] = np.where(kind != text.SEPARATOR, entries, 0)
    for code_point in np.flatnonzero(kind[: LAST_FOLDED + 1] != text.SEPARATOR).tolist():
        character = chr(code_point)
        folded = character.casefold()
        if folded != character:
            data = folded.encode()
            table[code_point] = (
                int.from_bytes(data, "little") | len(data) << LENGTH_SHIFT | int(kind[code_point]) << CLASS_SHIFT
            )
    return table
