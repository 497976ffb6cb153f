"""The index of a run, and what a later run finds in it: `write_index` and `against`.

An index is a folder: `index.json` (settings and sizes) and, for each shard of the run that wrote it,

* `bands-00000.arrow`  every band hash of every kept document with the document's row, 12 bytes a band; a batch a
                       partition (hash modulo partitions), as in a crossing;
* `sets-00000.arrow`   by row: id, scope, operators, and the n-gram set, so that a match is verified without the text:
                       8 bytes a n-gram. Only the batches that are asked for are read.

Documents can be compared only under the same settings; what `settings` lists must agree. A later run looks its band
hashes up by partition (`lookup`): each job reads the stretch of the indexes that its own partition meets, all of it
where the numbers of partitions share no divisor. What shares a band goes back to the shard of the new document, where
exact Jaccard decides (`matches`), before the new documents are compared with each other. The bound K of a bucket holds
in each index.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange, text
from tamis.dedup.earlier import Index
from tamis.dedup.minhash import candidates, signatures
from tamis.dedup.minhash.candidates import PAIRS_AT_ONCE
from tamis.dedup.minhash.signatures import Scheme, Sets, band_matrix, read_sets
from tamis.errors import SourceError
from tamis.shards import whole_file

VERSION = 3
FILES = ("bands", "sets")
"""What a part of an index consists of."""
BANDS = pa.schema([("hash", pa.uint64()), ("row", pa.int32())])
SETS = pa.schema(
    [("id", pa.string()), ("scope", pa.uint64()), ("operators", pa.uint64()), ("grams", pa.large_list(pa.uint64()))]
)
FOUND = pa.schema([("rank", pa.int64()), ("index", pa.int32()), ("part", pa.int32()), ("row", pa.int32())])
"""A document of this run and a row of a part of an index that share a band."""
MATCHES = pa.schema([("rank", pa.int64()), ("matched_id", pa.string()), ("similarity", pa.float64())])
"""One row a document that an earlier corpus holds: the most similar one there, of equal ones the smallest id."""

PAIRS_VERIFIED_AT_ONCE = 50_000
"""Their sets are in memory together: about 200 MB for documents of 3 kB."""

GRAMS_AT_ONCE = 25_000_000
"""Of documents that are compared with one part of an index after the other: 200 MB."""


def settings(scheme: Scheme) -> dict[str, Any]:
    """What must agree between the run that writes an index and one that reads it."""
    return {
        "version": VERSION,
        "words": text.VERSION,
        "unicode": unicodedata.unidata_version,
        "ngram": scheme.ngram,
        "bands": scheme.bands,
        "rows": scheme.rows,
        "seed": scheme.seed,
        "within": scheme.within,
        "operators_in": sorted(scheme.operators.kinds),
        "operators_below": scheme.operators.below,
    }


def _write(path: Path, schema: pa.Schema, batches: Iterable[pa.Table]) -> None:
    """An uncompressed exchange file that appears whole; without rows it has no batch."""
    whole = (batch for table in batches for batch in table.cast(schema).combine_chunks().to_batches())
    with whole_file(path) as temporary:
        exchange.write_sealed(temporary, schema, whole)


def write_part(
    judged: Path,
    documents: Path,
    scheme: Scheme,
    kinds: tuple[str, ...],
    partitions: int,
    bands: Path,
    sets: Path,
) -> None:
    """Write the part of one shard: its kept documents that have words.

    Args:
        judged: documents with the text that is compared.
        documents: the documents that were kept.
        scheme: how sets and signatures are made.
        kinds: documents of other kinds are left out.
        partitions: of the band hashes.
        bands: file to write.
        sets: file to write.
    """
    mine = signatures.signatures(judged, documents, scheme, kinds)
    mine = mine.filter(pc.greater(mine["size"], 0))
    matrix = band_matrix(mine)
    hashes = matrix.reshape(-1)
    rows = np.repeat(np.arange(len(matrix), dtype=np.int32), matrix.shape[1])
    # Stable: rows of a bucket stay in the order of their ids.
    order = np.argsort(hashes, kind="stable")
    table = pa.table([hashes[order], rows[order]], schema=BANDS)
    exchange.scatter(bands, table, (hashes[order] % np.uint64(partitions)).astype(np.int64), partitions)
    _write(sets, SETS, _set_batches(judged, mine, scheme))


def _set_batches(judged: Path, mine: pa.Table, scheme: Scheme) -> Iterator[pa.Table]:
    for some in read_sets(judged, mine["rank"].to_numpy(), mine["size"].to_numpy(), scheme):
        part = mine[some.rows]
        lists = pa.LargeListArray.from_arrays(pa.array(some.bounds), pa.array(some.grams))
        yield pa.table([part["id"], part["scope"], part["operators"], lists], schema=SETS)


def documents_of(sets: Iterable[Path]) -> int:
    """How many documents some parts hold."""
    return sum(_Sets(path).rows for path in sets)


BEGINNING = np.uint64(64 - 20)
"""Bits of a hash behind the first 20, by which bands of an index are looked over before they are sorted: of 10 million
of a partition a tenth begins like one of 5,000 documents."""


def _beginnings(bands: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """How hashes of bands begin: bool[2²⁰]."""
    found = np.zeros(1 << 20, np.bool_)
    for hashes, _ in bands:
        found[hashes >> BEGINNING] = True
    return found


def _stretch(index: Index, partition: int, partitions: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bands of an index in a partition of this run: uint64 hashes, sorted; part and row in one int64.

    Args:
        index: of an earlier run.
        partition: of this run.
        partitions: of this run.
        wanted: from `_beginnings`; others are left out.
    """
    there = int(index.told["partitions"])
    step = math.gcd(there, partitions)
    hashes, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for part in range(index.parts):
        with _named_index():
            reader = exchange.open_file(index.part(part, "bands"))
            for number in range(partition % step, there, step):
                batch = reader.get_batch(number)
                every = batch["hash"].to_numpy()
                mine = np.flatnonzero(wanted[every >> BEGINNING])
                mine = mine[every[mine] % np.uint64(partitions) == np.uint64(partition)]
                hashes.append(every[mine])
                rows.append((np.int64(part) << 32) | batch["row"].to_numpy()[mine])
    found, where = np.concatenate(hashes), np.concatenate(rows)
    order = np.argsort(found, kind="stable")
    return found[order], where[order]


@contextmanager
def _named_index() -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        raise SourceError(f"{error} If it is part of an earlier run's index, write that index again.") from error


def lookup(
    members: Sequence[pa.Table], indexes: Sequence[Index], partition: int, partitions: int, bound: int
) -> tuple[list[pa.Table], list[int]]:
    """What shares a band in one partition.

    Args:
        members: rows of `tamis.dedup.minhash.candidates.MEMBERS`, one table a shard.
        indexes: of earlier runs.
        partition: of this run.
        partitions: of this run.
        bound: K.

    Returns:
        `FOUND` for each shard, unique; and how many pairs of its documents the bound left out.
    """
    bands = [_by_hash(table) for table in members]
    wanted = _beginnings(bands)
    found = [[FOUND.empty_table()] for _ in members]
    left_out = [0] * len(members)
    # One index in memory at a time.
    for number, index in enumerate(indexes):
        others, rows = _stretch(index, partition, partitions, wanted)
        for shard, (hashes, ranks) in enumerate(bands):
            own, theirs, more = _joined(hashes, ranks, others, rows, bound)
            left_out[shard] += more
            columns = [own, np.full(len(own), number, np.int32), theirs >> 32, theirs & 0xFFFFFFFF]
            found[shard].append(pa.table(columns, schema=FOUND))
    return [pa.concat_tables(tables) for tables in found], left_out


def _by_hash(members: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The bands of some members: uint64 hashes, sorted; int64 ranks."""
    lists = members["hashes"].combine_chunks()
    lists = lists if isinstance(lists, pa.ListArray) else pa.array([], candidates.MEMBERS.field("hashes").type)
    ranks = np.repeat(members["rank"].to_numpy(), np.diff(lists.offsets.to_numpy()))
    hashes = lists.flatten().to_numpy()
    order = np.argsort(hashes, kind="stable")
    return hashes[order], ranks[order]


def _joined(
    hashes: np.ndarray, ranks: np.ndarray, others: np.ndarray, rows: np.ndarray, bound: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """The pairs of two lists of sorted band hashes, unique and sorted: ranks, rows, and how many the bound left out."""
    from tamis.kernels.dedup.buckets import join

    if not len(hashes) or not len(others):
        return np.empty(0, np.int64), np.empty(0, np.int64), 0
    state = np.zeros(3, np.int64)
    room = max(PAIRS_AT_ONCE, bound)
    left, right = np.empty(room, np.int64), np.empty(room, np.int64)
    unique, more = np.empty((0, 2), np.int64), [np.empty((0, 2), np.int64)]
    while filled := join(hashes, ranks, others, rows, bound, state, left, right):
        more.append(np.c_[left[:filled], right[:filled]])
        # Sorted again when they have doubled, not at each filling.
        if sum(map(len, more)) >= len(unique):
            unique, more = np.unique(np.concatenate([unique, *more]), axis=0), more[:1]
    unique = np.unique(np.concatenate([unique, *more]), axis=0)
    return unique[:, 0], unique[:, 1], int(state[2])


class _Sets:
    """The sets of one part, by row."""

    def __init__(self, path: Path) -> None:
        with _named_index():
            self._file = exchange.open_file(path)
            sizes = [self._file.batch_rows(number) for number in range(self._file.num_record_batches)]
        self._starts = np.cumsum([0, *sizes])
        self.rows: int = int(self._starts[-1])

    def take(self, rows: np.ndarray) -> pa.Table:
        """Rows of `SETS`; `rows` are sorted."""
        tables = [SETS.empty_table()]
        for number, (first, last) in enumerate(itertools.pairwise(self._starts)):
            mine = rows[(rows >= first) & (rows < last)] - first
            if len(mine):
                with _named_index():
                    batch = self._file.get_batch(number)
                tables.append(pa.Table.from_batches([batch.take(pa.array(mine))]))
        return pa.concat_tables(tables).combine_chunks()


def _groups(documents: np.ndarray, size: int) -> Iterator[slice]:
    """Cut sorted pairs where a document begins, into runs of about `size`."""
    starts = np.flatnonzero(np.diff(documents, prepend=-1))
    start = 0
    for begin in [*starts[1:], len(documents)]:
        if begin - start >= size or begin == len(documents):
            if begin > start:
                yield slice(start, int(begin))
            start = int(begin)


def _compare(
    grams: np.ndarray, bounds: np.ndarray, documents: np.ndarray, rows: np.ndarray, sets: _Sets, threshold: float
) -> tuple[np.ndarray, pa.Table, np.ndarray]:
    """Similarity of each pair; the rows of `SETS` that were needed, and which of them each pair has.

    Args:
        grams: the sets of some documents.
        bounds: where they begin.
        documents: for each pair the number of the document among them, sorted.
        rows: for each pair the row of the part.
        sets: of the part.
        threshold: smallest similarity that matters.
    """
    from tamis.kernels.dedup.minhash import similarities

    needed, others = np.unique(rows, return_inverse=True)
    table = sets.take(needed)
    lists = table["grams"].chunk(0)
    result = np.empty(len(rows), np.float64)
    similarities(
        grams,
        bounds,
        others.astype(np.int64),
        np.searchsorted(documents, np.arange(len(bounds))).astype(np.int64),
        lists.flatten().to_numpy(),
        lists.offsets.to_numpy() - lists.offsets[0].as_py(),
        threshold,
        result,
    )
    return result, table, others


def _gathered(parts: Iterable[Sets]) -> Iterator[Sets]:
    """Consecutive sets together, about `GRAMS_AT_ONCE` n-grams."""
    some: list[Sets] = []
    for part in parts:
        some.append(part)
        if sum(len(sets.grams) for sets in some) >= GRAMS_AT_ONCE:
            yield _together(some)
            some = []
    if some:
        yield _together(some)


def _together(some: Sequence[Sets]) -> Sets:
    starts = np.cumsum([0, *(len(sets.grams) for sets in some)])
    bounds = [sets.bounds[:-1] + start for sets, start in zip(some, starts, strict=False)]
    return Sets(
        slice(some[0].rows.start, some[-1].rows.stop),
        np.concatenate([*bounds, starts[-1:]]),
        np.concatenate([sets.grams for sets in some]),
    )


def _places(ranks: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each of the wanted ranks stands among unsorted ranks."""
    order = np.argsort(ranks)
    return order[np.searchsorted(ranks[order], wanted)]


def matches(
    documents: Path, known: pa.Table, found: pa.Table, indexes: Sequence[Index], scheme: Scheme, threshold: float
) -> tuple[pa.Table, int]:
    """Which documents of a shard an earlier corpus holds.

    Args:
        documents: the documents of this shard.
        known: rank, size, scope and operators of those looked at, in the same order.
        found: rows of `FOUND`, unique.
        indexes: of earlier runs.
        scheme: how sets and signatures are made.
        threshold: smallest exact Jaccard similarity of a match.

    Returns:
        Rows of `MATCHES`, sorted by rank; how many similar pairs differ in their operators.
    """
    known = known.filter(pc.is_in(known["rank"], value_set=found["rank"].combine_chunks()))
    ranks, sizes, scopes, operators = (known[name].to_numpy() for name in ("rank", "size", "scope", "operators"))
    number, part, row = (found[name].to_numpy() for name in ("index", "part", "row"))
    place = _places(ranks, found["rank"].to_numpy())
    # The pairs of a part lie together, in the order of their documents.
    order = np.lexsort((row, place, part, number))
    number, part, row, place = number[order], part[order], row[order], place[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(number) != 0) | (np.diff(part) != 0)][: len(row)])
    opened = [
        (_Sets(indexes[number[start]].part(part[start], "sets")), start, end)
        for start, end in itertools.pairwise([*starts.tolist(), len(row)])
    ]
    told_apart = 0
    best: dict[int, tuple[float, str]] = {}
    for some in _gathered(read_sets(documents, ranks, sizes, scheme)):
        first = some.rows.start
        for sets, start, end in opened:
            here = start + np.searchsorted(place[start:end], [first, some.rows.stop])
            places, rows = place[here[0] : here[1]], row[here[0] : here[1]]
            for group in _groups(places, PAIRS_VERIFIED_AT_ONCE):
                mine = places[group] - first
                result, table, others = _compare(some.grams, some.bounds, mine, rows[group], sets, threshold)
                close = (result >= threshold) & (scopes[first + mine] == table["scope"].to_numpy()[others])
                apart = scheme.operators.apart(operators[first + mine], table["operators"].to_numpy()[others])
                told_apart += int((close & apart).sum())
                close &= ~apart
                names = table["id"].take(pa.array(others[close])).to_pylist()
                for document, value, name in zip(
                    ranks[first + mine[close]].tolist(), result[close].tolist(), names, strict=True
                ):
                    old = best.get(document)
                    if old is None or (-value, name) < (-old[0], old[1]):
                        best[document] = (value, name)
    table = pa.table(
        [
            pa.array(sorted(best), pa.int64()),
            pa.array([best[rank][1] for rank in sorted(best)], pa.string()),
            pa.array([best[rank][0] for rank in sorted(best)], pa.float64()),
        ],
        schema=MATCHES,
    )
    return table, told_apart
