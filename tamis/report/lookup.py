"""Find single documents in Parquet files by their id, without reading the texts of all others.

Stages write their rows sorted by id in row groups of 16,384, and Parquet keeps the smallest and largest id of each
group, so one document costs one row group. Files in another order (mixtures, exports) are searched too; there the id
column of the whole file is read, and still only the matching groups' texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tamis import texts
from tamis.errors import SourceError
from tamis.ids import ID_CHARACTERS
from tamis.shards import sealed


def _may_hold(low: str, high: str, prefixes: Sequence[str]) -> bool:
    """Whether ids between low and high can begin with one of the prefixes."""
    return any(low[: len(prefix)] <= prefix <= high[: len(prefix)] for prefix in prefixes)


def fetch(path: Path, prefixes: Sequence[str], columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a Parquet file whose id begins with one of the prefixes.

    Args:
        path: a file with an `id` column; a missing file has no rows.
        prefixes: ids or beginnings of ids, lower-case hexadecimal.
        columns: names to return besides `id`; all when None. Names that the file does not have are left out.

    Returns:
        The rows, in the order of the file. A text that another file holds is taken from there; it is None where that
        file is gone or was made anew, as in a run that is not finished.

    Raises:
        SourceError: the file is damaged.
    """
    if not prefixes or not path.exists():
        return []
    rows: list[dict[str, Any]] = []
    checked = sealed(path)
    try:
        with pq.ParquetFile(path, memory_map=True, metadata=checked.metadata) as file:
            names = file.schema_arrow.names
            holder = texts.holder(path, file.metadata.metadata)
            wanted = names if columns is None else [name for name in names if name == "id" or name in columns]
            position = names.index("id")
            for group in range(file.num_row_groups):
                statistics = file.metadata.row_group(group).column(position).statistics
                if (
                    statistics is not None
                    and statistics.has_min_max
                    and not _may_hold(str(statistics.min), str(statistics.max), prefixes)
                ):
                    continue
                checked.check(group, ["id"])
                ids = file.read_row_group(group, ["id"]).column("id").combine_chunks()
                found = _matching(ids, prefixes)
                if len(found):
                    checked.check(group, wanted)
                    rows += file.read_row_group(group, wanted).take(pa.array(found)).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"{path}: not a readable Parquet file ({error}). Delete it and run the workflow again."
        raise SourceError(msg) from error
    if rows and holder and (columns is None or texts.COLUMN in columns):
        ids = [row["id"] for row in rows]
        held = fetch(holder.path, ids, [texts.COLUMN]) if holder.is_there() else []
        known = {row["id"]: row[texts.COLUMN] for row in held}
        rows = [row | {texts.COLUMN: known.get(row["id"])} for row in rows]
    return rows


def _matching(ids: pa.Array, prefixes: Sequence[str]) -> np.ndarray:
    """Row numbers of ids that begin with one of the prefixes, rising."""
    whole = [prefix for prefix in prefixes if len(prefix) == ID_CHARACTERS]
    mask = pc.is_in(ids, value_set=pa.array(whole, pa.string()))
    for prefix in prefixes:
        if len(prefix) < ID_CHARACTERS:
            mask = pc.or_(mask, pc.starts_with(ids, prefix))
    return np.flatnonzero(mask.to_numpy(zero_copy_only=False))
