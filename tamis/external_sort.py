"""Sort more rows than memory holds: an external sort of rows that have an id.

Rows come table by table and are gathered into **runs** of about `RUN_BYTES`. A run is sorted by id and becomes one
batch of a temporary Arrow file, uncompressed and mapped into memory, so that a stretch of it is read without the rest.
Then all ids and the bytes of their rows are known, and their order is cut into **slices** of about `SLICE_BYTES`: a
stretch of every run. What fits into one run is sorted in memory and touches no disk.

Memory: about three times a run or a slice, and 70 bytes a row; all rows of one id are in one slice, however many or
long they are. Disk: the rows, uncompressed, beside the output, until the block ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.ids import id_halves
from tamis.shards import temporary_file
from tamis.streams import gathered

RUN_BYTES = 32 << 20
"""Rows that are gathered before they are sorted and set aside."""

SLICE_BYTES = 32 << 20
"""Rows that are handed over together."""


@contextmanager
def sorted_slices(tables: Iterable[pa.Table], order: Sequence[str], beside: Path) -> Iterator[Iterator[pa.Table]]:
    """Sort the rows of tables that come one after the other.

    Args:
        tables: at least one, all of one schema, with a column `id` (32 hexadecimal digits).
        order: columns to sort by, ascending, nulls last; the first is `id`.
        beside: a file of the job; the temporary file lies in its folder.

    Yields:
        The rows in order, as at least one table. All rows of one id are in one table; but for them, a table holds at
        most `SLICE_BYTES`.
    """
    runs = gathered(tables, RUN_BYTES)
    first = list(islice(runs, 2))
    if len(first) == 1:
        yield iter([_sorted(first.pop(), order)])
        return
    with temporary_file(beside) as path:
        yield _slices(path, _set_aside(path, first[0].schema, _drained(first, runs)), order)


def first_of_each(ids: np.ndarray) -> np.ndarray:
    """Whether a row is the first of its id; n ids in order, as strings or as n × 2 numbers."""
    first = np.ones(len(ids), np.bool_)
    other = ids[1:] != ids[:-1]
    first[1:] = other if other.ndim == 1 else other.any(axis=1)
    return first


@dataclass
class _Index:
    """What is known of all rows that were set aside, in the order of the file."""

    ids: list[np.ndarray] = field(default_factory=list)
    sizes: list[np.ndarray] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    """Rows of each batch."""

    def slice_numbers(self) -> np.ndarray:
        """The slice that each row falls in; within a batch the numbers ascend, because its ids do."""
        ids = np.concatenate(self.ids)
        order = np.lexsort((ids[:, 1], ids[:, 0]))
        ids, sizes = ids[order], np.concatenate(self.sizes)[order]
        first = first_of_each(ids)
        before = np.cumsum(sizes) - sizes
        numbers = np.empty(len(ids), np.int64)
        numbers[order] = (before[first] // SLICE_BYTES)[np.cumsum(first) - 1]
        return numbers


def _drained(tables: list[pa.Table], more: Iterator[pa.Table]) -> Iterator[pa.Table]:
    while tables:
        yield tables.pop(0)
    yield from more


def _sorted(table: pa.Table, order: Sequence[str]) -> pa.Table:
    keys = [(name, "ascending") for name in order]
    return table.take(pc.sort_indices(table.select(list(order)), sort_keys=keys))


def _row_bytes(table: pa.Table) -> np.ndarray:
    """Bytes of the strings of each row; int64."""
    total = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            total += pc.fill_null(pc.binary_length(column), 0).to_numpy()
    return total


def _set_aside(path: Path, schema: pa.Schema, runs: Iterator[pa.Table]) -> _Index:
    """Sort each run by id and write them."""
    index = _Index()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:

        def write(run: pa.Table) -> None:
            ordered = _sorted(run, ["id"]).combine_chunks()
            index.ids.append(np.stack(id_halves(ordered["id"]), axis=1))
            index.sizes.append(_row_bytes(ordered))
            for batch in ordered.to_batches():
                writer.write_batch(batch)
                index.lengths.append(batch.num_rows)

        # Unlike the variable of a loop, this does not hold a run while the next is gathered.
        for _ in map(write, runs):
            pass
    return index


def _slices(path: Path, index: _Index, order: Sequence[str]) -> Iterator[pa.Table]:
    """Read slice after slice."""
    numbers = index.slice_numbers()
    wanted = np.unique(numbers)
    # The stretch of batch b in slice s is [bounds[b][s], bounds[b][s + 1]).
    edges = np.append(wanted, wanted[-1] + 1)
    bounds = [np.searchsorted(part, edges) for part in np.split(numbers, np.cumsum(index.lengths)[:-1])]
    for number in range(len(wanted)):
        yield _joined(path, [(ends[number], ends[number + 1]) for ends in bounds], order)


def _joined(path: Path, stretches: Sequence[tuple[int, int]], order: Sequence[str]) -> pa.Table:
    """Sort what stands in one stretch of each batch."""
    # Mapped anew for each slice, because what was read of a mapping counts as memory of the process while it lasts.
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source)
        pieces = [
            reader.get_batch(batch).slice(start, stop - start)
            for batch, (start, stop) in enumerate(stretches)
            if stop > start
        ]
        return _sorted(pa.Table.from_batches(pieces), order)
