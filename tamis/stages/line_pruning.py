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
`sample_modulus: 8` 0.18 and 0.13 (as written, compressed). Memory of map: the shard and about 25 bytes a word.

Read on real text at the defaults: of 60 books, 300 C4 pages and the Brown corpus 1 line goes ("I don't know, I don't
know----"); of 736 PEPs the copyright notices; of 150 newsletters in Chinese the subscription lines.

Writes documents, dropped, edits, stats; the notes crossing_bytes and text_bytes say what crossed for how much text. No
survivors, so no ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange, hashing, schemas
from tamis.ledger import Outputs, dropped_rows, write_outcome
from tamis.section import AppliesTo, Section, Share
from tamis.shards import part_name, read_documents, read_json, read_table, write_json

VERSION = 1
NEEDS: frozenset[str] = frozenset()
ADDS: tuple[str, ...] = ()
CUTS_TEXT = True

FREQUENCIES = pa.schema([("key", pa.uint64()), ("documents", pa.int32())])
"""An n-gram and how many documents hold it."""


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


def count_ngrams(documents: pa.Table, corpus: int, config: Config) -> pa.Table:
    """In how many documents of a shard each n-gram occurs: `FREQUENCIES`, sorted by key.

    Args:
        documents: id, kind and text, n rows.
        corpus: documents of the whole corpus.
        config: the stage's section.
    """
    from tamis.kernels.line_ngrams import document_frequencies
    from tamis.kernels.lines import find_units
    from tamis.kernels.words import buffers

    offsets, data = buffers(documents["text"])
    lines = find_units(offsets, data, _wanted(documents, config), by_line=True)
    keys, counts = document_frequencies(
        data,
        lines,
        buckets_of(documents["id"], corpus, config),
        ngram=config.ngram,
        min_words=config.min_words,
        modulus=config.sample_modulus,
    )
    return pa.table({"key": keys, "documents": counts}, schema=FREQUENCIES)


def frequent(counted: Sequence[pa.Table], more_than: int) -> list[pa.Table]:
    """The frequent n-grams of one partition.

    Args:
        counted: `FREQUENCIES` of one partition, one table a shard, each sorted by key.
        more_than: from `threshold`.

    Returns:
        `FREQUENCIES` for each shard: the frequent n-grams it holds, with the documents of all shards.
    """
    shards = [(table["key"].to_numpy(), table["documents"].to_numpy()) for table in counted]
    # An n-gram of more than t documents is in more than t / N of some shard: most keys need not be looked at.
    least = more_than // len(shards) + 1
    keys = np.unique(np.concatenate([keys[documents >= least] for keys, documents in shards]))
    totals = np.zeros(len(keys), dtype=np.int64)
    held = []
    for own, documents in shards:
        place = np.minimum(np.searchsorted(own, keys), max(len(own) - 1, 0))
        held.append(own[place] == keys if len(own) else np.zeros(len(keys), dtype=np.bool_))
        totals[held[-1]] += documents[place[held[-1]]]
    often = totals > more_than
    return [
        pa.table({"key": keys[own & often], "documents": totals[own & often].astype(np.int32)}, schema=FREQUENCIES)
        for own in held
    ]


def prune(
    documents: pa.Table,
    often: pa.Table,
    corpus: int,
    config: Config,
) -> tuple[pa.Table, pa.Table, pa.Table, dict[str, int]]:
    """Cut the frequent lines of one shard.

    Args:
        documents: n rows.
        often: `FREQUENCIES`, each frequent n-gram of the shard once.
        corpus: documents of the whole corpus.
        config: the stage's section.

    Returns:
        Documents kept, ledger rows, edits rows (neighbouring lines in one row, with the largest document frequency),
        notes.
    """
    from tamis.kernels.line_ngrams import frequent_lines
    from tamis.kernels.lines import characters_of, cut_spans, find_units, remove_spans, unit_characters
    from tamis.kernels.words import buffers

    offsets, data = buffers(documents["text"])
    lines = find_units(offsets, data, _wanted(documents, config), by_line=True)
    count = frequent_lines(
        data,
        lines,
        buckets_of(documents["id"], corpus, config),
        often["key"].to_numpy(),
        often["documents"].to_numpy(),
        ngram=config.ngram,
        min_words=config.min_words,
        modulus=config.sample_modulus,
        share=config.coverage,
    )
    cut = count > 0
    row = np.repeat(np.arange(documents.num_rows), np.diff(lines.offsets))
    starts, ends = cut_spans(*lines, cut)
    rows, counts = row[cut], count[cut]
    text = remove_spans(offsets, data, rows, starts, ends)
    first, last = characters_of(offsets, data, rows, starts, ends)
    # Spans that touch are one cut.
    begins = np.r_[True, (rows[1:] != rows[:-1]) | (first[1:] != last[:-1])][: len(rows)]
    begin = np.flatnonzero(begins)
    finish = np.r_[begin[1:], len(rows)][: len(begin)] - 1
    edits = pa.table(
        {
            "id": documents["id"].take(pa.array(rows[begin])),
            "start": first[begin],
            "end": last[finish],
            "reason": ["frequent_line"] * len(begin),
            "count": np.maximum.reduceat(counts, begin) if len(begin) else counts,
            "matched_id": pa.nulls(len(begin), pa.string()),
        }
    ).cast(schemas.EDITS)

    touched = np.zeros(documents.num_rows, dtype=np.bool_)
    touched[rows] = True
    stays = ~cut & touched[row]
    size = unit_characters(data, lines.starts[stays], lines.ends[stays])
    left = np.bincount(row[stays], weights=size, minlength=documents.num_rows).astype(np.int64)
    stump = touched & (left < max(config.min_characters, 1))
    kept = documents.set_column(documents.schema.get_field_index("text"), "text", text).filter(pa.array(~stump))
    ledger = dropped_rows(
        "line_pruning",
        documents.filter(pa.array(stump)),
        "too_little_left",
        value=left[stump].astype(np.float64),
        threshold=max(config.min_characters, 1),
    )
    notes = {
        "lines": len(cut),
        "lines_cut": int(cut.sum()),
        "frequent_ngrams": often.num_rows,
        "text_bytes": int(np.diff(offsets)[_wanted(documents, config)].sum()),
    }
    return kept, ledger, edits, notes


def run_size(config: Config, *, shards: int, folder: str, output: Path) -> None:
    """Count the documents of the corpus.

    Args:
        config: the stage's section.
        shards: number of shards N.
        folder: folder of the documents to read.
        output: JSON to write: documents.
    """
    documents = 0
    for shard in range(shards):
        kinds = read_table(Path(folder) / f"{part_name(shard)}.parquet", ["kind"])
        documents += int(_wanted(kinds, config).sum())
    write_json(output, {"documents": documents})


def run_map(config: Config, *, partitions: int, documents: Path, size: Path, output: Path) -> None:
    """Count the n-grams of one shard.

    Args:
        config: the stage's section.
        partitions: number of partitions P.
        documents: documents to read.
        size: from the size step.
        output: `FREQUENCIES` by partition, to write.
    """
    table = read_table(documents, ["id", "kind", "text"])
    counted = count_ngrams(table, read_json(size)["documents"], config)
    # Keys are sorted, and partitions are ranges of them.
    bounds = np.r_[np.searchsorted(counted["key"].to_numpy(), partition_bounds(partitions)), counted.num_rows]
    exchange.write(
        output, FREQUENCIES, [counted.slice(bounds[p], bounds[p + 1] - bounds[p]) for p in range(partitions)]
    )


def run_reduce(config: Config, *, partition: int, partitions: int, barrier: Path, size: Path, output: Path) -> None:
    """Find the frequent n-grams of one partition.

    Args:
        config: the stage's section.
        partition: which.
        partitions: number of partitions P.
        barrier: over the outputs of map.
        size: from the size step.
        output: `FREQUENCIES` by shard, to write.
    """
    counted = list(exchange.read_each(barrier, partition, partitions))
    exchange.write(output, FREQUENCIES, frequent(counted, threshold(read_json(size)["documents"], config)))


def run_apply(
    config: Config,
    *,
    shard: int,
    shards: int,
    documents: Path,
    counted: Path,
    barrier: Path,
    size: Path,
    kept: Path,
    dropped: Path,
    edits: Path,
    stats: Path,
) -> None:
    """Cut the frequent lines of one shard.

    Args:
        config: the stage's section.
        shard: which.
        shards: number of shards N.
        documents: documents to read.
        counted: this shard's n-grams from map, for what crossed.
        barrier: over the outputs of reduce.
        size: from the size step.
        kept: documents to write.
        dropped: ledger to write.
        edits: edits to write.
        stats: stats to write.
    """
    before = read_documents(documents)
    often = exchange.read(barrier, shard, shards).combine_chunks()
    after, ledger, cuts, notes = prune(before, often, read_json(size)["documents"], config)
    notes["crossing_bytes"] = counted.stat().st_size
    write_outcome(
        Outputs(kept, dropped, stats, edits), "line_pruning", shard, before, after, ledger, edits=cuts, notes=notes
    )
