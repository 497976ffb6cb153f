"""The index of a run, and what a later run finds in it: `write_index` and `against`.

An index is a folder: `index.json` (settings and sizes) and, for each shard of the run that wrote it,

* `bands-00000.arrow`  every band hash of every kept document, sorted, with the document's row: 12 bytes a band;
* `sets-00000.arrow`   by row: id, scope, operators, and the n-gram set, so that a match is verified without the text:
                       8 bytes a n-gram.

Both are uncompressed, so that they are mapped into memory and only the pages that are asked for are read. Documents can
be compared only under the same settings; what `settings` lists must agree. A later run goes through the parts of an
index one after the other: a merge of two sorted lists of band hashes gives the candidates, exact Jaccard decides. The
bound K of a bucket holds in each part.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange, text
from tamis.dedup import earlier
from tamis.dedup.minhash import signatures
from tamis.dedup.minhash.candidates import PAIRS_AT_ONCE
from tamis.dedup.minhash.signatures import Scheme, band_matrix, read_sets
from tamis.errors import SourceError
from tamis.shards import part_name, whole_file

VERSION = 2
BANDS = pa.schema([("hash", pa.uint64()), ("row", pa.int32())])
SETS = pa.schema(
    [("id", pa.string()), ("scope", pa.uint64()), ("operators", pa.uint64()), ("grams", pa.large_list(pa.uint64()))]
)
MATCHES = pa.schema([("rank", pa.int64()), ("matched_id", pa.string()), ("similarity", pa.float64())])
"""One row a document that an earlier corpus holds: the most similar one there, of equal ones the smallest id."""

PAIRS_VERIFIED_AT_ONCE = 50_000
"""Their sets are in memory together: about 200 MB for documents of 3 kB."""


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


def part_files(folder: Path, index: int) -> tuple[Path, Path]:
    """Bands and sets of one part of an index."""
    number = part_name(index).removeprefix("part-")
    return folder / f"bands-{number}.arrow", folder / f"sets-{number}.arrow"


def open_index(folder: Path, scheme: Scheme) -> list[tuple[Path, Path]]:
    """The parts of an index, after a look at its settings.

    Raises:
        SourceError: there is no index, or a damaged one.
        ConfigError: it was made under other settings; the message names each.
    """
    parts = earlier.open_index("minhash_dedup", folder, settings(scheme)).parts
    return [part_files(folder, index) for index in range(parts)]


def index_files(folders: Sequence[str], scheme: Scheme) -> list[Path]:
    """All files of some indexes, as inputs of the workflow.

    Raises:
        SourceError: as `open_index`.
        ConfigError: likewise.
    """
    return [
        path
        for folder in map(Path, folders)
        for pair in open_index(folder, scheme)
        for path in (folder / earlier.FILE, *pair)
    ]


def _write(path: Path, schema: pa.Schema, batches: Iterable[pa.Table]) -> None:
    """An uncompressed exchange file that appears whole; without rows it has no batch."""
    whole = (batch for table in batches for batch in table.cast(schema).combine_chunks().to_batches())
    with whole_file(path) as temporary:
        exchange.write_sealed(temporary, schema, whole)


def _batches(path: Path) -> list[pa.RecordBatch]:
    try:
        reader = exchange.open_file(path)
        return [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except SourceError as error:
        raise SourceError(f"{error} If it is part of an earlier run's index, write that index again.") from error


def write_part(judged: Path, documents: Path, scheme: Scheme, kinds: tuple[str, ...], bands: Path, sets: Path) -> None:
    """Write the part of one shard: its kept documents that have words.

    Args:
        judged: documents with the text that is compared.
        documents: the documents that were kept.
        scheme: how sets and signatures are made.
        kinds: documents of other kinds are left out.
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
    _write(bands, BANDS, [pa.table([hashes[order], rows[order]], schema=BANDS)])
    _write(sets, SETS, _set_batches(judged, mine, scheme))


def _set_batches(judged: Path, mine: pa.Table, scheme: Scheme) -> Iterator[pa.Table]:
    for some in read_sets(judged, mine["rank"].to_numpy(), mine["size"].to_numpy(), scheme):
        part = mine[some.rows]
        lists = pa.LargeListArray.from_arrays(pa.array(some.bounds), pa.array(some.grams))
        yield pa.table([part["id"], part["scope"], part["operators"], lists], schema=SETS)


def describe(folder: Path, parts: int, scheme: Scheme) -> dict[str, Any]:
    """The value of `index.json`."""
    files = [part_files(folder, index) for index in range(parts)]
    documents = sum(batch.num_rows for _, sets in files for batch in _batches(sets))
    size = sum(path.stat().st_size for pair in files for path in pair)
    return {
        "settings": settings(scheme),
        "parts": parts,
        "documents": documents,
        "bytes": size,
        "bytes_a_document": round(size / documents, 1) if documents else None,
    }


def candidates(known: pa.Table, bands: Path, bound: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Pairs of a document and a row of one part that share a band.

    Args:
        known: size and bands of n documents.
        bands: file of the part.
        bound: K.

    Returns:
        Row among the signatures and row of the part, unique and sorted; and how many pairs the bound left out.
    """
    from tamis.kernels.dedup.buckets import join

    batches = _batches(bands)
    if not batches or not known.num_rows:
        return np.empty(0, np.int64), np.empty(0, np.int64), 0
    other_hashes, other_rows = batches[0]["hash"].to_numpy(), batches[0]["row"].to_numpy()
    matrix = band_matrix(known)[known["size"].to_numpy() > 0]
    numbers = np.repeat(np.flatnonzero(known["size"].to_numpy() > 0), matrix.shape[1])
    hashes = matrix.reshape(-1)
    order = np.argsort(hashes)
    hashes, numbers = hashes[order], numbers[order]
    count = int(other_rows.max()) + 1 if len(other_rows) else 1
    state = np.zeros(3, np.int64)
    room = max(PAIRS_AT_ONCE, bound)
    left, right = np.empty(room, np.int64), np.empty(room, np.int64)
    unique = np.empty(0, np.int64)
    pending: list[np.ndarray] = []
    while filled := join(hashes, numbers, other_hashes, other_rows, bound, state, left, right):
        pending.append(np.unique(left[:filled] * count + right[:filled]))
        if sum(map(len, pending)) > max(len(unique), PAIRS_AT_ONCE):
            unique = np.unique(np.concatenate([unique, *pending]))
            pending = []
    unique = np.unique(np.concatenate([unique, *pending]))
    one, other = np.divmod(unique, count)
    return one, other, int(state[2])


class _Sets:
    """The sets of one part, by row."""

    def __init__(self, path: Path) -> None:
        self._batches = _batches(path)
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])

    def take(self, rows: np.ndarray) -> pa.Table:
        """Rows of `SETS`; `rows` are sorted."""
        tables = [SETS.empty_table()]
        for batch, first, last in zip(self._batches, self._starts[:-1], self._starts[1:], strict=True):
            mine = rows[(rows >= first) & (rows < last)] - first
            if len(mine):
                tables.append(pa.Table.from_batches([batch.take(pa.array(mine))]))
        return pa.concat_tables(tables).combine_chunks()


def _groups(documents: np.ndarray, size: int) -> Iterator[slice]:
    """Cut sorted pairs where a document begins, into runs of about `size`."""
    starts = np.flatnonzero(np.diff(documents, prepend=-1))
    start = 0
    for begin in [*starts[1:], len(documents)]:
        if begin - start >= size or begin == len(documents):
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


def matches(
    documents: Path,
    known: pa.Table,
    parts: Sequence[tuple[Path, Path]],
    scheme: Scheme,
    threshold: float,
    bound: int,
) -> tuple[pa.Table, dict[str, int]]:
    """Which documents of a shard an earlier corpus holds.

    Args:
        documents: the documents of this shard.
        known: rank, size, scope, operators and bands of those looked at, in the same order.
        parts: of all earlier indexes.
        scheme: how sets and signatures are made.
        threshold: smallest exact Jaccard similarity of a match.
        bound: K.

    Returns:
        Rows of `MATCHES`, sorted by rank, and counts.
    """
    found = [candidates(known, bands, bound) for bands, _ in parts]
    opened = [_Sets(sets) for _, sets in parts]
    ranks, sizes, scopes, operators = (known[name].to_numpy() for name in ("rank", "size", "scope", "operators"))
    told_apart = 0
    best: dict[int, tuple[float, str]] = {}
    for some in read_sets(documents, ranks, sizes, scheme):
        first = some.rows.start
        for (numbers, rows, _), sets in zip(found, opened, strict=True):
            pairs = slice(*np.searchsorted(numbers, [first, some.rows.stop]))
            mine, theirs = numbers[pairs] - first, rows[pairs]
            for group in _groups(mine, PAIRS_VERIFIED_AT_ONCE):
                result, table, others = _compare(some.grams, some.bounds, mine[group], theirs[group], sets, threshold)
                close = (result >= threshold) & (scopes[first + mine[group]] == table["scope"].to_numpy()[others])
                apart = scheme.operators.apart(operators[first + mine[group]], table["operators"].to_numpy()[others])
                told_apart += int((close & apart).sum())
                close &= ~apart
                names = table["id"].take(pa.array(others[close])).to_pylist()
                for document, value, name in zip(
                    ranks[first + mine[group][close]].tolist(), result[close].tolist(), names, strict=True
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
    counts = {
        "earlier_candidate_pairs": sum(len(numbers) for numbers, _, _ in found),
        "earlier_suppressed_pairs": sum(left_out for _, _, left_out in found),
        "earlier_pairs_told_apart": told_apart,
    }
    return table, counts
