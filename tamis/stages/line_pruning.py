"""Cut lines that stand in many documents: banners, footers, menus, notices.

Llama 3 (Dubey et al. 2024, 3.1.1) removes lines that occur more than 6 times in each bucket of 30 M documents. Whole
lines miss the banner that carries another date on every page, so here lines are counted by their n-grams of words:

* each n-gram of a line counts once a document; a line of at most `ngram` words counts whole; a line of fewer than
  `min_words` words (short headings, underlines, list marks, `Yes.`) is never counted and never cut;
* a document belongs to one of ⌈corpus / `bucket_documents`⌉ buckets by a keyed hash of its id, and is counted there;
* an n-gram is frequent when more than max(`min_documents`, `min_share` · corpus / buckets) documents of its bucket
  hold it: relative, so that phrases of ordinary prose do not become frequent as the corpus grows, with an absolute
  floor for small ones;
* a line is frequent when frequent n-grams cover at least the share `coverage` of its words;
* frequent lines go with all that they belong to (`tamis.kernels.blocks.join_lines`), so that no cut tears what stays: a
  wrapped paragraph, a list with its lead-in, a quotation, markup. Such a **unit** goes when none of its lines of
  `min_words` words stays and frequent lines hold at least the share `unit_coverage` of its words; a menu, a banner, a
  line of extracted web text is a unit by itself. A marked heading goes only with all of its section, and what stands
  first under one stays with it, except under the title. All copies go, the first too.

`ngram: 1000000, coverage: 1.0, unit_coverage: null, min_share: 0.0, min_words: 1` cuts lines whole and alone, as Llama
3 does. The corpus is the
documents of the kinds in `applies_to`. N-grams are 64-bit hashes.

With `against`, the documents of earlier runs count too, in the buckets of those runs: a banner that they saw often goes
at its first sight. What they left stays left; how many n-grams became frequent only with this run is counted
(`ngrams_frequent_only_now`). `write_index` leaves what the shards counted, which is what crossed.

Steps: size (one job, kinds only: the corpus) → map (a shard) → reduce (a partition of the keys) → apply (a shard).
What crosses is a hash and a count a distinct n-gram of a shard: 1.2 bytes a byte of books, 0.35 of PEPs; with
`sample_modulus: 8` 0.18 and 0.13 (as written, compressed). Memory: map 20 bytes an n-gram of a round (`KEYS_AT_ONCE`);
reduce one table of a shard; apply the frequent n-grams of the shard.

Read on real text at the defaults: of 60 books, 300 C4 pages and the Brown corpus 1 line goes ("I don't know, I don't
know----"); of 736 PEPs the copyright notices; of 150 newsletters in Chinese the subscription lines (decision 8).

Writes documents, dropped, edits, stats; the note frequent_lines_kept counts frequent lines that stay because their unit
does, crossing_bytes and text_bytes say what crossed for how much text. No survivors, so no ties.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import exchange, streams, text
from tamis.barrier import Files, paths
from tamis.dedup import earlier
from tamis.dedup.earlier import Growing, Index, WriteIndex
from tamis.dedup.frequent_lines import (
    FREQUENCIES,
    Pruner,
    Scheme,
    count_ngrams,
    counted_earlier,
    frequent,
    partition_bounds,
)
from tamis.errors import ConfigError
from tamis.ledger import Outputs, outcome_writer
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, FilePath, Share
from tamis.shards import document_batches, part_name, read_json, read_table, table_batches, write_json

VERSION = 4
INDEX_VERSION = 1
ONLY_NOW = "ngrams_frequent_only_now"


class Config(Growing):
    """Cutting frequent lines."""

    STAGE = "line_pruning"

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
    unit_coverage: Share | None = Field(
        0.9,
        gt=0.0,
        description="Share of the words of what belongs together (a wrapped paragraph, a list with its lead-in) that "
        "must stand in frequent lines before any of it is cut, and no line of min_words words may be another; null: "
        "lines are cut one by one, as Llama 3 does, which tears texts that are no web pages (decision 8).",
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

    against: tuple[FilePath, ...] = earlier.against("line_pruning", "ngram, min_words and sample_modulus")
    write_index: WriteIndex = False

    def for_counting(self) -> Config:
        """The section without what says which n-grams are frequent and what goes with them, for the params of map."""
        return self.for_frequent().model_copy(update={"min_documents": 6, "min_share": 0.0})

    def for_frequent(self) -> Config:
        """The section without what says what goes with frequent n-grams, for the params of reduce."""
        settled = {"coverage": 1.0, "unit_coverage": None, "min_characters": 0}
        return self.for_documents().model_copy(update=settled)

    def agreed(self) -> dict[str, Any]:
        """The settings that decide what is compared."""
        return {
            "version": INDEX_VERSION,
            "words": text.VERSION,
            "unicode": unicodedata.unidata_version,
            "ngram": self.ngram,
            "min_words": self.min_words,
            "sample_modulus": self.sample_modulus,
        }

    def earlier(self) -> list[Index]:
        """As for the other stages.

        Raises:
            ConfigError: they count in different numbers of buckets, too.
        """
        indexes = super().earlier()
        if len({index.told["buckets"] for index in indexes}) > 1:
            counts = ", ".join(f"{index.folder} {index.told['buckets']}" for index in indexes)
            msg = (
                f"line_pruning.against: earlier runs counted in different numbers of buckets ({counts}). Name those of "
                "one number, or set bucket_documents and write the others again."
            )
            raise ConfigError(msg)
        return indexes

    def size(self, documents: int) -> dict[str, int]:
        """The corpus, from the documents of this run: documents with those of earlier runs, these alone, buckets."""
        indexes = self.earlier()
        before = sum(index.told["documents"] for index in indexes)
        buckets = indexes[0].told["buckets"] if indexes else max(1, -(-documents // self.bucket_documents))
        return {"documents": documents + before, "earlier": before, "buckets": buckets}

    def most(self, documents: int, buckets: int) -> int:
        """An n-gram is frequent when more documents of a bucket than this hold it."""
        return max(self.min_documents, int(self.min_share * documents / buckets))

    def scheme(self, buckets: int) -> Scheme:
        """What lines are held against that are counted in so many buckets."""
        return Scheme(
            self.applies_to,
            self.ngram,
            self.min_words,
            self.coverage,
            self.sample_modulus,
            self.unit_coverage,
            self.min_characters,
            buckets,
        )


def run_size(config: Config, *, shards: int, folder: str, output: Path) -> None:
    """Count the documents of the corpus.

    Args:
        folder: folder of the documents to read.
        output: JSON to write: as `Config.size`.
    """
    documents = 0
    for shard in range(shards):
        kinds = read_table(Path(folder) / f"{part_name(shard)}.parquet", ["kind"])
        documents += int(of_kinds(kinds, config.applies_to).sum())
    write_json(output, config.size(documents))


def run_map(config: Config, *, partitions: int, documents: Path, corpus_size: Path, output: Path) -> None:
    """Count the n-grams of one shard.

    Args:
        output: `FREQUENCIES` by partition, in rounds (`tamis/streams.py`), to write.
    """
    first, scheme = partition_bounds(partitions), config.scheme(read_json(corpus_size)["buckets"])

    def routed() -> Iterator[pa.Table]:
        for counted in count_ngrams(table_batches(documents, ["id", "kind", "text"]), scheme):
            # Keys are sorted, and partitions are ranges of them.
            bounds = np.r_[np.searchsorted(counted["key"].to_numpy(), first), counted.num_rows]
            yield from (counted.slice(bounds[p], bounds[p + 1] - bounds[p]) for p in range(partitions))

    exchange.write(output, FREQUENCIES, routed())


def run_reduce(
    config: Config, *, partition: int, partitions: int, barrier: Files, corpus_size: Path, output: Path
) -> None:
    """Find the frequent n-grams of one partition.

    Args:
        barrier: over the outputs of map.
        output: `FREQUENCIES` by shard, to write.
    """
    counted = [streams.rounds(path, partition, partitions) for path in paths(barrier)]
    before = [read for index in config.earlier() for read in counted_earlier(index, partition, partitions)]
    size = read_json(corpus_size)
    most = [config.most(size[name], size["buckets"]) for name in ("documents", "earlier")]
    tables, only_now = frequent(counted, most[0], before, most[1])
    exchange.write(output, streams.with_counts(FREQUENCIES, {ONLY_NOW: only_now} if before else {}), tables)


def run_apply(
    config: Config,
    *,
    shard: int,
    shards: int,
    documents: Path,
    counted: Path,
    barrier: Files,
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
    scheme = config.scheme(read_json(corpus_size)["buckets"])
    pruner = Pruner(exchange.read(barrier, shard, shards).combine_chunks(), scheme)
    with outcome_writer(Outputs(kept, dropped, stats, edits), "line_pruning", shard) as writer:
        for before in document_batches(documents):
            after, ledger, cuts = pruner.prune(before)
            writer.add(before, after, ledger, edits=cuts)
        writer.notes.update(pruner.notes)
        writer.notes["crossing_bytes"] = counted.stat().st_size
        if shard == 0 and config.against:
            writer.notes[ONLY_NOW] = sum(streams.counts(path).get(ONLY_NOW, 0) for path in paths(barrier))


def run_index(*, counted: Path, output: Path) -> None:
    """Write the part of one shard of the index for later runs.

    Args:
        counted: this shard's n-grams, from map.
        output: the same, which stays when what crossed is taken away.
    """
    opened = exchange.open_file(counted)
    batches = (pa.Table.from_batches([opened.get_batch(number)]) for number in range(opened.num_record_batches))
    exchange.write(output, FREQUENCIES, batches)


def run_describe(config: Config, *, partitions: int, corpus_size: Path, parts: Files, output: Path) -> None:
    """Describe the index of all shards.

    Args:
        parts: the files of the index.
        output: `index.json`, to write.
    """
    size, files = read_json(corpus_size), paths(parts)
    told = {"documents": size["documents"] - size["earlier"], "buckets": size["buckets"], "partitions": partitions}
    write_json(output, config.described(len(files), files, **told))
