"""Cut lines that stand in many documents: banners, footers, menus, notices.

Llama 3 (Dubey et al. 2024, 3.1.1) removes lines that occur more than 6 times in each bucket of 30 M documents. Whole
lines miss the banner that carries another date on every page, so here lines are counted by their n-grams of words:

* each n-gram of a line counts once a document; a line of at most `ngram` words counts whole; a line of fewer than
  `min_words` words (short headings, underlines, list marks, `Yes.`) is never counted and never cut;
* a document belongs to one of ⌈corpus / `bucket_documents`⌉ buckets by a keyed hash of its id, and is counted there;
* an n-gram is frequent when more than max(`min_documents`, `min_share` · corpus / buckets) documents of its bucket
  hold it: relative, so that phrases of ordinary prose do not become frequent as the corpus grows, with an absolute
  floor for small ones;
* a line goes when frequent n-grams cover at least the share `coverage` of its words. All copies go, the first too.

`ngram: 1000000, coverage: 1.0, min_share: 0.0, min_words: 1` counts lines whole, as Llama 3 does. The corpus is the
documents of the kinds in `applies_to`. N-grams are 64-bit hashes.

Steps: size (one job, kinds only: the corpus) → map (a shard) → reduce (a partition of the keys) → apply (a shard).
What crosses is a hash and a count a distinct n-gram of a shard: 1.2 bytes a byte of books, 0.35 of PEPs; with
`sample_modulus: 8` 0.18 and 0.13 (as written, compressed). Memory: map 20 bytes an n-gram of a round (`KEYS_AT_ONCE`);
reduce one table of a shard; apply the frequent n-grams of the shard.

Read on real text at the defaults: of 60 books, 300 C4 pages and the Brown corpus 1 line goes ("I don't know, I don't
know----"); of 736 PEPs the copyright notices; of 150 newsletters in Chinese the subscription lines.

Writes documents, dropped, edits, stats; the notes crossing_bytes and text_bytes say what crossed for how much text. No
survivors, so no ties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange, hashing, streams
from tamis.barrier import paths
from tamis.edits import Spans, edited, merged
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.section import AppliesTo, Section, Share
from tamis.shards import document_batches, part_name, read_json, read_table, table_batches, write_json

VERSION = 2

FREQUENCIES = pa.schema([("key", pa.uint64()), ("documents", pa.int32())])
"""An n-gram and how many documents hold it."""

KEYS_AT_ONCE = 1 << 25
"""N-grams of a shard that are counted together: 670 MB. A shard of 250,000 documents of 3 kB takes five rounds."""


class Config(Section):
    """Cutting frequent lines."""

    applies_to: AppliesTo = Field(
        ("prose",),
        description="Kinds whose lines are counted and cut; more than a quarter of the lines of code are frequent.",
    )
    ngram: int = Field(
        8,
        ge=1,
        le=1_000_000,
        description="Words of an n-gram; a line of at most that many words counts whole. With 5 or 6 words, sentences "
        "of release notes that begin alike are cut (read in Django's documentation).",
    )
    min_words: int = Field(
        8,
        ge=1,
        le=1_000_000,
        description="Lines of fewer words are never counted or cut. At 4, headings and lines of examples make up most "
        "of what goes (`How to Teach This`, `from django.db import models`).",
    )
    coverage: Share = Field(
        0.9,
        gt=0.0,
        description="Share of a line's words that frequent n-grams must cover. At 0.8, lines go that are a common "
        "address with another ending.",
    )
    min_documents: int = Field(
        6,
        ge=1,
        description="Floor, in documents of a bucket: an n-gram is frequent in MORE than that many (Llama 3: 6).",
    )
    min_share: Share = Field(
        0.0001,
        description="Share of a bucket's documents that an n-gram must exceed to be frequent; 0: the floor alone "
        "(Llama 3). At 0.0001 the floor rules up to 60,000 documents.",
    )
    bucket_documents: int = Field(
        30_000_000,
        ge=1,
        description="Documents of a bucket (Llama 3: 30 M).",
    )
    sample_modulus: int = Field(
        1,
        ge=1,
        le=1_000,
        description="Count only n-grams whose hash is 0 modulo this, besides whole lines; 1: all. Bounds what crosses "
        "between shards on large corpora, for a blurred coverage of long lines.",
    )
    min_characters: int = Field(
        100,
        ge=0,
        le=1_000_000,
        description="A document that lost lines and has fewer characters left (without blank lines) is dropped.",
    )


def _wanted(documents: pa.Table, config: Config) -> np.ndarray:
    return pc.is_in(documents["kind"], value_set=pa.array(config.applies_to)).to_numpy()


def bucket_count(corpus: int, config: Config) -> int:
    """Number of buckets of a corpus of so many documents."""
    return max(1, -(-corpus // config.bucket_documents))


def buckets_of(ids: pa.ChunkedArray, corpus: int, config: Config) -> np.ndarray:
    """Bucket of each document: uint64[n]."""
    count = bucket_count(corpus, config)
    if count == 1:
        return np.zeros(len(ids), dtype=np.uint64)
    return hashing.keyed_uint64("line_pruning buckets", ids.to_pylist()) % np.uint64(count)


def threshold(corpus: int, config: Config) -> int:
    """An n-gram is frequent when more documents of a bucket than this hold it."""
    return max(config.min_documents, int(config.min_share * corpus / bucket_count(corpus, config)))


def partition_bounds(partitions: int) -> np.ndarray:
    """First key of each partition: uint64[partitions]; keys are uniform."""
    return np.array([(index << 64) // partitions for index in range(partitions)], dtype=np.uint64)


def count_ngrams(documents: Iterable[pa.Table], corpus: int, config: Config) -> Iterator[pa.Table]:
    """In how many documents of a shard each n-gram occurs.

    Args:
        documents: tables of id, kind and text.
        corpus: documents of the whole corpus.
        config: the stage's section.

    Yields:
        `FREQUENCIES`, sorted by key, each of a part of the documents: one table for about 30 M words.
    """
    from tamis.kernels.dedup.line_ngrams import KeyCounter
    from tamis.kernels.lines import find_units
    from tamis.kernels.words import buffers

    counter = KeyCounter(KEYS_AT_ONCE, ngram=config.ngram, min_words=config.min_words, modulus=config.sample_modulus)
    for table in documents:
        offsets, data = buffers(table["text"])
        lines = find_units(offsets, data, _wanted(table, config), by_line=True)
        for keys, counts in counter.add(data, lines, buckets_of(table["id"], corpus, config)):
            yield pa.table([keys, counts], schema=FREQUENCIES)
    keys, counts = counter.counted()
    yield pa.table([keys, counts], schema=FREQUENCIES)


def frequent(counted: Sequence[Sequence[Callable[[], pa.Table]]], more_than: int) -> list[pa.Table]:
    """The frequent n-grams of one partition.

    Args:
        counted: for each shard what reads its tables of `FREQUENCIES` of one partition, each sorted by key; each is
            read twice, and one is in memory at a time.
        more_than: from `threshold`.

    Returns:
        `FREQUENCIES` for each shard: the frequent n-grams it holds, with the documents of all shards.
    """
    # An n-gram of more than t documents is in more than t / n of some of n tables: most keys need not be looked at.
    least = more_than // max(1, sum(map(len, counted))) + 1
    candidates = [np.empty(0, dtype=np.uint64)]
    for read in chain.from_iterable(counted):
        table = read()
        candidates.append(table["key"].to_numpy()[table["documents"].to_numpy() >= least])
    keys = np.unique(np.concatenate(candidates))
    totals = np.zeros(len(keys), dtype=np.int64)
    holds = np.zeros((len(counted), len(keys)), dtype=np.bool_)
    for shard, reads in enumerate(counted):
        for read in reads:
            table = read()
            own, documents = table["key"].to_numpy(), table["documents"].to_numpy()
            if len(own):
                place = np.minimum(np.searchsorted(own, keys), len(own) - 1)
                here = own[place] == keys
                holds[shard] |= here
                totals[here] += documents[place[here]]
    often = totals > more_than
    return [pa.table([keys[own & often], totals[own & often].astype(np.int32)], schema=FREQUENCIES) for own in holds]


class Pruner:
    """Cuts the frequent lines of one shard."""

    def __init__(self, often: pa.Table, corpus: int, config: Config) -> None:
        """Make the frequent n-grams ready.

        Args:
            often: `FREQUENCIES`, each frequent n-gram of the shard once.
            corpus: documents of the whole corpus.
            config: the stage's section.
        """
        from tamis.kernels.dedup.frequent_lines import FrequentKeys

        self._often = FrequentKeys(often["key"].to_numpy(), often["documents"].to_numpy())
        self._corpus, self._config = corpus, config
        self.notes = {"lines": 0, "lines_cut": 0, "frequent_ngrams": often.num_rows, "text_bytes": 0}
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

        config = self._config
        offsets, data = buffers(documents["text"])
        wanted = _wanted(documents, config)
        lines = find_units(offsets, data, wanted, by_line=True)
        count = self._often.lines(
            data,
            lines,
            buckets_of(documents["id"], self._corpus, config),
            ngram=config.ngram,
            min_words=config.min_words,
            modulus=config.sample_modulus,
            share=config.coverage,
        )
        cut = count > 0
        row = np.repeat(np.arange(documents.num_rows), np.diff(lines.offsets))
        spans, counts = merged(Spans(row[cut], *cut_spans(*lines, cut)), count[cut])
        after, rows = edited(documents, spans, "frequent_line", count=counts)
        touched = np.zeros(documents.num_rows, dtype=np.bool_)
        touched[spans.rows] = True
        stays = touched[row] & ~cut
        size = unit_characters(data, lines.starts[stays], lines.ends[stays])
        left = np.bincount(row[stays], weights=size, minlength=documents.num_rows).astype(np.int64)
        stump = touched & (left < max(config.min_characters, 1))
        ledger = dropped_rows(
            "line_pruning",
            documents.filter(pa.array(stump)),
            "too_little_left",
            value=left[stump].astype(np.float64),
            threshold=max(config.min_characters, 1),
        )
        self.notes["lines"] += len(cut)
        self.notes["lines_cut"] += int(cut.sum())
        self.notes["text_bytes"] += int(np.diff(offsets)[wanted].sum())
        return after.filter(pa.array(~stump)), ledger, rows


def run_size(config: Config, *, shards: int, folder: str, output: Path) -> None:
    """Count the documents of the corpus.

    Args:
        folder: folder of the documents to read.
        output: JSON to write: documents.
    """
    documents = 0
    for shard in range(shards):
        kinds = read_table(Path(folder) / f"{part_name(shard)}.parquet", ["kind"])
        documents += int(_wanted(kinds, config).sum())
    write_json(output, {"documents": documents})


def run_map(config: Config, *, partitions: int, documents: Path, corpus_size: Path, output: Path) -> None:
    """Count the n-grams of one shard.

    Args:
        output: `FREQUENCIES` by partition, in rounds (`tamis/streams.py`), to write.
    """
    first, corpus = partition_bounds(partitions), read_json(corpus_size)["documents"]

    def routed() -> Iterator[pa.Table]:
        for counted in count_ngrams(table_batches(documents, ["id", "kind", "text"]), corpus, config):
            # Keys are sorted, and partitions are ranges of them.
            bounds = np.r_[np.searchsorted(counted["key"].to_numpy(), first), counted.num_rows]
            yield from (counted.slice(bounds[p], bounds[p + 1] - bounds[p]) for p in range(partitions))

    exchange.write(output, FREQUENCIES, routed())


def run_reduce(
    config: Config, *, partition: int, partitions: int, barrier: Path, corpus_size: Path, output: Path
) -> None:
    """Find the frequent n-grams of one partition.

    Args:
        barrier: over the outputs of map.
        output: `FREQUENCIES` by shard, to write.
    """
    counted = [streams.rounds(path, partition, partitions) for path in paths(barrier)]
    exchange.write(output, FREQUENCIES, frequent(counted, threshold(read_json(corpus_size)["documents"], config)))


def run_apply(
    config: Config,
    *,
    shard: int,
    shards: int,
    documents: Path,
    counted: Path,
    barrier: Path,
    corpus_size: Path,
    kept: Path,
    dropped: Path,
    edits: Path,
    stats: Path,
) -> None:
    """Cut the frequent lines of one shard.

    Args:
        counted: this shard's n-grams from map, for what crossed.
        barrier: over the outputs of reduce.
    """
    pruner = Pruner(exchange.read(barrier, shard, shards).combine_chunks(), read_json(corpus_size)["documents"], config)
    with outcome_writer(Outputs(kept, dropped, stats, edits), "line_pruning", shard) as writer:
        for before in document_batches(documents):
            after, ledger, cuts = pruner.prune(before)
            writer.add(before, after, ledger, edits=cuts)
        writer.notes.update(pruner.notes)
        writer.notes["crossing_bytes"] = counted.stat().st_size
