"""Which lines are frequent, and cutting them: the decisions of `line_pruning`, whose definitions stand there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis import hashing, streams
from tamis.dedup.earlier import Index, stretch
from tamis.edits import Spans, edited, merged
from tamis.ledger import dropped_rows
from tamis.schemas import of_kinds

if TYPE_CHECKING:
    from tamis.kernels.lines import Units

FREQUENCIES = pa.schema([("key", pa.uint64()), ("documents", pa.int32())])
"""An n-gram and how many documents hold it."""

KEYS_AT_ONCE = 1 << 25
"""N-grams of a shard that are counted together: 670 MB. A shard of 250,000 documents of 3 kB takes five rounds."""


@dataclass(frozen=True)
class Scheme:
    """Which lines are looked at and when they go; the fields are those of the stage's section."""

    kinds: tuple[str, ...]
    ngram: int
    min_words: int
    coverage: float
    sample_modulus: int
    unit_coverage: float | None
    min_characters: int
    buckets: int
    """Buckets that the documents of the corpus are counted in."""


def buckets_of(ids: pa.ChunkedArray, count: int) -> np.ndarray:
    """Which of so many buckets each document belongs to: uint64[n]."""
    if count == 1:
        return np.zeros(len(ids), dtype=np.uint64)
    return hashing.keyed_uint64("line_pruning buckets", ids.to_pylist()) % np.uint64(count)


def partition_bounds(partitions: int) -> np.ndarray:
    """First key of each partition: uint64[partitions]; keys are uniform."""
    return np.array([(index << 64) // partitions for index in range(partitions)], dtype=np.uint64)


def count_ngrams(documents: Iterable[pa.Table], scheme: Scheme) -> Iterator[pa.Table]:
    """In how many documents of a shard each n-gram occurs.

    Args:
        documents: tables of id, kind and text.
        scheme: which lines are looked at.

    Yields:
        `FREQUENCIES`, sorted by key, each of a part of the documents: one table for about 30 M words.
    """
    from tamis.kernels.dedup.line_ngrams import KeyCounter
    from tamis.kernels.lines import find_units
    from tamis.kernels.words import buffers

    counter = KeyCounter(KEYS_AT_ONCE, ngram=scheme.ngram, min_words=scheme.min_words, modulus=scheme.sample_modulus)
    for table in documents:
        offsets, data = buffers(table["text"])
        lines = find_units(offsets, data, of_kinds(table, scheme.kinds), by_line=True)
        for keys, counts in counter.add(data, lines, buckets_of(table["id"], scheme.buckets)):
            yield pa.table([keys, counts], schema=FREQUENCIES)
    keys, counts = counter.counted()
    yield pa.table([keys, counts], schema=FREQUENCIES)


def counted_earlier(index: Index, partition: int, partitions: int) -> list[Callable[[], pa.Table]]:
    """What reads the n-grams of one partition that an earlier run has counted: `FREQUENCIES`, sorted by key.

    Args:
        index: of that run: what its shards counted, in rounds for its own partitions.
        partition: of this run.
        partitions: of this run.
    """
    there = int(index.told["partitions"])
    bounds = [*partition_bounds(partitions).tolist(), 1 << 64]
    first, last = np.uint64(bounds[partition]), np.uint64(bounds[partition + 1] - 1)

    def within(read: Callable[[], pa.Table]) -> pa.Table:
        table = read()
        keys = table["key"].to_numpy()
        start = np.searchsorted(keys, first)
        return table.slice(start, np.searchsorted(keys, last, side="right") - start)

    return [
        partial(within, read)
        for number in range(index.parts)
        for batch in stretch(partition, partitions, there)
        for read in streams.rounds(index.part(number), batch, there)
    ]


def frequent(
    counted: Sequence[Sequence[Callable[[], pa.Table]]],
    more_than: int,
    before: Sequence[Callable[[], pa.Table]] = (),
    were_more_than: int = 0,
) -> tuple[list[pa.Table], int]:
    """The frequent n-grams of one partition.

    Args:
        counted: for each shard what reads its tables of `FREQUENCIES` of one partition, each sorted by key; each is
            read twice, and one is in memory at a time.
        more_than: documents of a bucket that hold an n-gram which is not frequent yet, at most.
        before: the same for earlier runs, whose documents count too.
        were_more_than: `more_than` of these alone.

    Returns:
        `FREQUENCIES` for each shard: the frequent n-grams it holds, with the documents of all shards and runs; and how
        many of those that earlier runs held were not frequent there.
    """
    every = [*counted, before]
    # An n-gram of more than t documents is in more than t / n of some of n tables: most keys need not be looked at.
    least = more_than // max(1, sum(map(len, every))) + 1
    candidates = [np.empty(0, dtype=np.uint64)]
    for read in chain.from_iterable(every):
        table = read()
        candidates.append(table["key"].to_numpy()[table["documents"].to_numpy() >= least])
    keys = np.unique(np.concatenate(candidates))
    totals = np.zeros(len(keys), dtype=np.int64)
    holds = np.zeros((len(counted) + 1, len(keys)), dtype=np.bool_)
    earlier = np.zeros(len(keys), dtype=np.int64)
    # Those of earlier runs come first, so that what they sum up to is known.
    for shard, reads in [(len(counted), before), *enumerate(counted)]:
        for read in reads:
            table = read()
            own, documents = table["key"].to_numpy(), table["documents"].to_numpy()
            if len(own):
                place = np.minimum(np.searchsorted(own, keys), len(own) - 1)
                here = own[place] == keys
                holds[shard] |= here
                totals[here] += documents[place[here]]
        if reads is before:
            earlier = totals.copy()
    often = totals > more_than
    tables = [
        pa.table([keys[own & often], totals[own & often].astype(np.int32)], schema=FREQUENCIES) for own in holds[:-1]
    ]
    return tables, int((often & (earlier > 0) & (earlier <= were_more_than)).sum())


def whole_units(data: np.ndarray, lines: Units, found: np.ndarray, words: np.ndarray, scheme: Scheme) -> np.ndarray:
    """The lines that go with no piece of what they belong to left behind.

    Args:
        data: uint8 from `tamis.kernels.words.buffers`.
        lines: lines of n texts, at least one.
        found: int32, one a line: the documents that hold it, 0 where it is not frequent.
        words: int32, one a line.
        scheme: with a `unit_coverage`.

    Returns:
        int32, one a line: 0 where it stays, else the largest of `found` in its unit.
    """
    from tamis.kernels.blocks import join_lines, keep_openings, with_headings

    row = np.repeat(np.arange(len(lines.offsets) - 1), np.diff(lines.offsets))
    touched = np.zeros(len(lines.offsets) - 1, dtype=np.bool_)
    touched[row[found > 0]] = True
    units = join_lines(data, lines, touched)
    most = np.maximum.reduceat(found, units.first)
    covered = np.add.reduceat(np.where(found > 0, words, 0), units.first)
    stays = np.maximum.reduceat((found == 0) & (words >= scheme.min_words), units.first) | units.marked()
    goes = (most > 0) & ~stays & (covered >= scheme.unit_coverage * np.add.reduceat(words, units.first))
    cut_at = np.where(goes, most, -1).astype(np.int64)
    with_headings(units, cut_at)
    keep_openings(units, cut_at)
    of_unit = np.maximum(cut_at, 0).astype(np.int32)
    return np.repeat(of_unit, np.diff(units.first, append=len(found)))


class Pruner:
    """Cuts the frequent lines of one shard."""

    def __init__(self, often: pa.Table, scheme: Scheme) -> None:
        """Make the frequent n-grams ready.

        Args:
            often: `FREQUENCIES`, each frequent n-gram of the shard once.
            scheme: which lines are looked at and when they go.
        """
        from tamis.kernels.dedup.frequent_lines import FrequentKeys

        self._often = FrequentKeys(often["key"].to_numpy(), often["documents"].to_numpy())
        self._scheme = scheme
        self.notes = {
            "lines": 0,
            "lines_cut": 0,
            "frequent_lines_kept": 0,
            "frequent_ngrams": often.num_rows,
            "text_bytes": 0,
        }
        """Counts of all documents so far."""

    def prune(self, documents: pa.Table) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Cut the frequent lines of some documents.

        Args:
            documents: n rows.

        Returns:
            Documents kept, ledger rows, edits rows (neighbouring lines in one row, with the largest document
            frequency).
        """
        from tamis.kernels.lines import cut_spans, find_units, unit_characters
        from tamis.kernels.words import buffers

        scheme = self._scheme
        offsets, data = buffers(documents["text"])
        wanted = of_kinds(documents, scheme.kinds)
        lines = find_units(offsets, data, wanted, by_line=True)
        found, words = self._often.lines(
            data,
            lines,
            buckets_of(documents["id"], scheme.buckets),
            ngram=scheme.ngram,
            min_words=scheme.min_words,
            modulus=scheme.sample_modulus,
            share=scheme.coverage,
        )
        count = found
        if scheme.unit_coverage is not None and found.any():
            count = whole_units(data, lines, found, words, scheme)
        cut = count > 0
        row = np.repeat(np.arange(documents.num_rows), np.diff(lines.offsets))
        spans, counts = merged(Spans(row[cut], *cut_spans(*lines, cut)), count[cut])
        after, rows = edited(documents, spans, "frequent_line", count=counts)
        touched = np.zeros(documents.num_rows, dtype=np.bool_)
        touched[spans.rows] = True
        stays = touched[row] & ~cut
        size = unit_characters(data, lines.starts[stays], lines.ends[stays])
        left = np.bincount(row[stays], weights=size, minlength=documents.num_rows).astype(np.int64)
        stump = touched & (left < max(scheme.min_characters, 1))
        ledger = dropped_rows(
            "line_pruning",
            documents.filter(pa.array(stump)),
            "too_little_left",
            value=left[stump].astype(np.float64),
            threshold=max(scheme.min_characters, 1),
        )
        self.notes["lines"] += len(cut)
        self.notes["lines_cut"] += int(cut.sum())
        self.notes["frequent_lines_kept"] += int(np.count_nonzero((found > 0) & ~cut))
        self.notes["text_bytes"] += int(np.diff(offsets)[wanted].sum())
        return after.filter(pa.array(~stump)), ledger, rows
