"""The one keep order of the whole corpus: which of several copies is the first choice.

Every stage that chooses a survivor uses the `rank` column that is computed here at ingest, from ingest columns
alone: if paragraphs kept the oldest copy and documents the newest, text would vanish altogether. A document's sort
key is six unsigned 64-bit numbers: whether it is an extract of another document (extracts come last, so that no whole
document is dropped for a part of one), one for each criterion (smaller is better, a null date is worst), then the two
halves of its id, so the order is total. Shards sort their keys; one streaming merge gives the ranks.
Memory of the merge: one cursor a shard; keys and ranks are memory-mapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import checksums
from tamis.errors import SourceError
from tamis.ids import id_halves
from tamis.shards import whole_file

Criterion = Literal["most_recent", "oldest", "source_priority", "longest", "shortest"]
CRITERIA = 3
"""Keys have room for three criteria; unused ones are zero."""
ID_COLUMN = 1 + CRITERIA
"""The first of the two that are the id."""
KEY_COLUMNS = ID_COLUMN + 2
WORST = np.iinfo(np.uint64).max
WINDOW_ROWS = 1 << 18
"""Keys of one shard that the merge looks at together: 13 MB."""


def _criterion(criterion: Criterion, rows: pa.Table) -> np.ndarray:
    """One uint64 a row, smaller is better."""
    middle = np.uint64(1 << 63)
    if criterion in ("most_recent", "oldest"):
        null = rows["date"].is_null().to_numpy()
        seconds = pc.fill_null(pc.cast(rows["date"], pa.int64()), 0).to_numpy()
        ascending = seconds.astype(np.uint64) + middle
        return np.where(null, WORST, ascending if criterion == "oldest" else ~ascending - np.uint64(1))
    if criterion == "source_priority":
        return rows["priority"].to_numpy().astype(np.uint64)
    lengths = rows["ingested_characters"].to_numpy().astype(np.uint64)
    return lengths if criterion == "shortest" else middle - lengths


def sort_keys(rows: pa.Table, keep: Sequence[Criterion]) -> np.ndarray:
    """Keys of n rows with columns id, parent, date, ingested_characters, priority: uint64, n × KEY_COLUMNS."""
    keys = np.zeros((rows.num_rows, KEY_COLUMNS), np.uint64)
    keys[:, 0] = rows["parent"].is_valid().to_numpy()
    for column, criterion in enumerate(keep, start=1):
        keys[:, column] = _criterion(criterion, rows)
    keys[:, ID_COLUMN], keys[:, ID_COLUMN + 1] = id_halves(rows["id"])
    return keys


def key_order(keys: np.ndarray) -> np.ndarray:
    """Row numbers in keep order."""
    return np.lexsort(keys.T[::-1])


def save_array(path: Path, array: np.ndarray) -> None:
    """Write a NumPy array as a whole `.npy` file with checksums."""
    with whole_file(path) as temporary:
        with temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        checksums.seal(temporary, checksums.blocks(temporary))


def _mapped(path: Path, start: int, stop: int | None) -> np.ndarray:
    """The whole array, mapped into memory, of which the rows from `start` to `stop` are those that were written."""
    try:
        sealed = checksums.Sealed(path, np.memmap(path, np.uint8, mode="r").data)
        sealed.check(0)
        whole = np.load(path, mmap_mode="r", allow_pickle=False)
        row = whole.dtype.itemsize * int(np.prod(whole.shape[1:], dtype=np.int64))
        head = sealed.size - row * len(whole)
        sealed.check_range(head + row * start, head + row * (len(whole) if stop is None else stop))
    except FileNotFoundError as error:
        msg = f"{path}: missing; the step that writes it has not run or its output was deleted. Run the workflow again."
        raise SourceError(msg) from error
    except ValueError as error:
        raise checksums.damaged(path, str(error)) from error
    return whole


def load_array(path: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Rows of an array that `save_array` wrote, mapped into memory.

    Args:
        path: the file.
        start: first row.
        stop: the row after the last; None: to the end.

    Raises:
        SourceError: missing, or the file is not what was written where these rows stand.
    """
    return _mapped(path, start, stop)[start:stop]


def array_length(path: Path) -> int:
    """Rows of an array that `save_array` wrote.

    Raises:
        SourceError: missing or damaged.
    """
    return len(_mapped(path, 0, 0))


def merge_ranks(key_files: Sequence[Path], output: Path) -> None:
    """Give every key of several sorted key files its rank among all.

    Args:
        key_files: sorted keys, one file a shard.
        output: `.npy` of int64: the ranks of file 0's rows, then of file 1's, and so on.
    """
    from tamis.kernels.dedup.merge import merge_sorted

    lists = [load_array(path) for path in key_files]
    starts = np.concatenate([[0], np.cumsum([len(keys) for keys in lists])]).astype(np.int64)
    with whole_file(output) as temporary:
        ranks = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.int64, shape=(int(starts[-1]),))
        cursor = np.zeros(len(lists), np.int64)
        done = 0
        while done < starts[-1]:
            # Windows of every list, so that the merge kernel never touches a whole corpus at once.
            windows = [np.ascontiguousarray(keys[c : c + WINDOW_ROWS]) for keys, c in zip(lists, cursor, strict=True)]
            last = np.array([c + len(w) == len(keys) for keys, c, w in zip(lists, cursor, windows, strict=True)])
            sizes = np.array([len(window) for window in windows], np.int64)
            offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            merged = np.concatenate(windows) if windows else np.zeros((0, KEY_COLUMNS), np.uint64)
            taken, placed = merge_sorted(merged, offsets, last)
            for index, count in enumerate(taken):
                at = starts[index] + cursor[index]
                local = placed[offsets[index] : offsets[index] + count]
                ranks[at : at + count] = done + local
            cursor += taken
            done += int(taken.sum())
        ranks.flush()
        del ranks
        checksums.seal(temporary, checksums.blocks(temporary))
