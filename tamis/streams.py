"""Exchange files that are written and read in rounds, so that neither side ever holds a whole file.

* In a **round file**, batch i·N + p holds the rows of round i for target p: a job that goes through its documents a
  few thousand at a time writes one round after each, and a target reads its batches one by one.
* A **sorted file** is cut into short batches, sorted by `rank` throughout; `merged` reads many of them side by side, in
  rank order, holding one batch of each.

Counts that belong to a whole file (pairs that were left out, say) stand in the file's Arrow metadata.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tamis import exchange
from tamis.errors import ShardMismatchError

SORTED_BATCH_ROWS = 4_096
"""Rows a batch of a sorted file: a merge of 1,000 files holds 4 M rows, about 300 MB."""

ROUND_BYTES = 32 << 20
"""Text that a job routes together, as one round: each of 1,000 targets then gets 34 kB of it."""

COUNTS = b"tamis counts"
TARGETS = b"tamis targets"


def with_counts(schema: pa.Schema, counts: Mapping[str, object]) -> pa.Schema:
    """The schema, carrying counts of the whole file."""
    return schema.with_metadata({COUNTS: json.dumps(dict(sorted(counts.items())))})


def counts(path: Path) -> dict[str, Any]:
    """The counts that a file carries; empty where there are none."""
    metadata = exchange.open_file(path).schema.metadata or {}
    return dict(json.loads(metadata.get(COUNTS, b"{}")))


def rounds(path: Path, target: int, targets: int, columns: Sequence[str] | None = None) -> list[Callable[[], pa.Table]]:
    """What reads the rows for one target, a round each.

    Args:
        path: a round file.
        target: which target.
        targets: how many the file must have been written for.
        columns: names to read; all when None.

    Raises:
        SourceError: missing or damaged.
        ShardMismatchError: written for another number of targets.
    """
    reader = exchange.open_file(path, columns)
    batches = reader.num_record_batches
    written_for = int((reader.schema.metadata or {}).get(TARGETS, targets))
    if written_for != targets or batches % targets:
        what = f"{batches} batches are no whole rounds" if written_for == targets else f"rounds of {written_for}, not"
        msg = (
            f"{path}: {what} of {targets}; it is from a run with other shards. Delete the stage's folder and run again."
        )
        raise ShardMismatchError(msg)

    def table(index: int) -> pa.Table:
        # Opened anew, because what was read of a mapped file counts as memory of the process while it is mapped.
        return pa.Table.from_batches([exchange.open_file(path, columns).get_batch(index)])

    return [partial(table, index) for index in range(target, batches, targets)]


def write_rounds(
    path: Path, schema: pa.Schema, tables: Iterable[pa.Table], target: Callable[[pa.Table], np.ndarray], targets: int
) -> None:
    """Route rows to targets, a round whenever `ROUND_BYTES` of them have come.

    Args:
        path: a round file to write, which says how many targets it is for.
        schema: of all tables.
        tables: at least one, if without rows.
        target: n rows → the target of each, n integers in [0, targets).
        targets: how many there are.
    """

    def parts(rows: pa.Table) -> list[pa.Table]:
        return exchange.split(rows, target(rows), targets)

    # Unlike the variable of a loop, this does not hold a round while the next is gathered.
    every = chain.from_iterable(map(parts, gathered(tables, ROUND_BYTES)))
    exchange.write(path, schema.with_metadata({TARGETS: str(targets)}), every)


def read_rounds(path: Path, target: int, targets: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows for one target, round by round, as `rounds`; rounds without rows are skipped."""
    for read in rounds(path, target, targets, columns):
        table = read()
        if table.num_rows:
            yield table


def gathered(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """Tables joined until they hold a number of bytes: what a job writes as one round.

    Args:
        tables: at least one, all of one schema.
        size: bytes from which on a table is handed over.

    Yields:
        At least one table, if without rows; every other has rows.
    """
    waiting: list[pa.Table] = []
    gathered_bytes, some = 0, False

    def joined() -> pa.Table:
        # The list would hold them while their successors are made.
        whole = pa.concat_tables(waiting)
        waiting.clear()
        return whole

    for table in tables:
        waiting.append(table)
        gathered_bytes += table.nbytes
        if gathered_bytes >= size:
            gathered_bytes, some = 0, True
            yield joined()
    if not some or any(part.num_rows for part in waiting):
        yield joined()


def sorted_batches(table: pa.Table) -> Iterator[pa.Table]:
    """The batches of a sorted file."""
    for start in range(0, table.num_rows, SORTED_BATCH_ROWS):
        yield table.slice(start, SORTED_BATCH_ROWS)


class _Cursor:
    """One sorted file, read batch by batch."""

    def __init__(self, path: Path) -> None:
        self._reader = exchange.open_file(path)
        self._next = 0
        self.table: pa.Table = self._reader.schema.empty_table()
        self.ranks = np.empty(0, np.int64)

    def more(self) -> bool:
        """Whether the file has batches that were not read yet."""
        return bool(self._next < self._reader.num_record_batches)

    def fill(self, *, beyond: int | None = None) -> None:
        """Read until there are rows, and until the last of them is beyond a rank, or the file ends."""
        while self.more() and (not len(self.ranks) or (beyond is not None and self.ranks[-1] <= beyond)):
            batch = pa.Table.from_batches([self._reader.get_batch(self._next)])
            self._next += 1
            self.table = pa.concat_tables([self.table, batch]) if len(self.ranks) else batch
            self.ranks = self.table["rank"].to_numpy()

    def take(self, bound: int) -> pa.Table:
        """Remove and return the rows up to and including a rank."""
        rows = int(np.searchsorted(self.ranks, bound, side="right"))
        taken, self.table = self.table.slice(0, rows), self.table.slice(rows)
        self.ranks = self.ranks[rows:]
        return taken


def merged(families: Sequence[Sequence[Path]]) -> Iterator[list[pa.Table]]:
    """Go through families of sorted files side by side, in rank order.

    Args:
        families: paths of sorted files; the files of one family have one schema and there is at least one.

    Yields:
        One table a family: all its rows of the next range of ranks, not sorted. All rows of one rank, of all families,
        come together.
    """
    cursors = [[_Cursor(path) for path in family] for family in families]
    every = [cursor for family in cursors for cursor in family]
    while True:
        for cursor in every:
            cursor.fill()
        waiting = [int(cursor.ranks[-1]) for cursor in every if len(cursor.ranks)]
        if not waiting:
            return
        # Files that have come to their end hold nobody up.
        unfinished = [int(cursor.ranks[-1]) for cursor in every if cursor.more()]
        bound = min(unfinished) if unfinished else max(waiting)
        for cursor in every:
            cursor.fill(beyond=bound)
        yield [pa.concat_tables([cursor.take(bound) for cursor in family]) for family in cursors]
