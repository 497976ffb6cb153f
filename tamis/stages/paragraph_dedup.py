"""Cut repeated paragraphs, globally and exactly.

What is compared follows the text. Where paragraphs are set apart by blank lines it is a **block**
(`tamis/kernels/blocks.py`): paragraphs that belong together, such as a heading with its section or a lead-in with its
list, so that no cut tears what stays. Some extracted web text has no blank lines (90 % of 300 pages of C4); there it is
the line, unless the lines are wrapped (`tamis/kernels/wrapped_lines.py`) or less than half of the text stands in
lines of `min_words` words. By configuration it is a paragraph (a run of lines between blank lines) or a line
everywhere. All are called paragraphs below, and have at least `min_words` words.
Two paragraphs are the same when their case-folded words (`tamis/text.py`) are the same, so a re-wrapped, re-cased
or re-punctuated copy is a copy; equality is that of a 128-bit keyed hash. Dolma (Soldaini et al. 2024) removes
repeated paragraphs with a Bloom filter that errs and forgets where the first copy was, and loses 18.7 % of its bytes;
here nothing is removed in error and every cut names the document that keeps the paragraph.

* The **owner** of a paragraph is the document of smallest `rank` that holds it; its first occurrence there stays.
* A document that would lose at least `near_copy_share` of its characters to paragraphs of ONE other document is dropped
  whole (`near_copy`, with that document and the share): the rest of it would be a torso. Notices alone, one or two
  paragraphs that six documents or more hold, are no reason. It is dropped only if that
  other document is not dropped itself, decided in keep order, and its copies are added to the other's.
* Paragraphs that dropped documents owned pass to the holder of smallest rank that stays. Without this second
  election 0.4 % of the characters of 3,437 licence texts would be lost altogether (of versioned documentation 0.006 %).
* Copies of a paragraph that fewer than `min_documents` documents hold stay where they are, and are counted.
* The marked heading of a long section, which is a block of its own, goes when all of its section goes
  (`heading_of_cut_section`). Else what opens the section stays, and all of it where half or more would go: of 22 cuts
  in German laws that were read 16 had left a heading without its table or its first sentence. Such copies are counted.
  What stands under the first heading of a text, its title, is no such section.
* A document with fewer than `min_characters` left is dropped (`too_little_left`), unless it owns a paragraph that
  other documents hold. Hence the promise: **what is cut stands in exactly one kept document, once**; with
  `min_documents: 1` that holds for every paragraph of a kept document.

With `against`, the paragraphs of earlier runs have their owners there: all copies in this run go, named, once
`min_documents` of all runs together hold them. What these runs left stays left: copies that only together with this run
are held by so many are counted (`copies_left_in_earlier_runs`); whether a document of theirs was a near-copy or had too
little left was judged by what was known then. With `min_documents: 1`, `near_copy_share: null`, `min_characters: 0`,
`keep: [oldest, …]` and runs in the order of their dates, the text that stays is that of one run over everything.
`write_index` leaves such an index (`tamis/dedup/paragraph_index.py`).

Steps: map (a shard) → reduce (a partition of the hashes) → decide (a shard: near-copies, and who stands next in line
for the paragraphs they own) → resolve (one: candidates only, about 100 bytes each) → reown (a partition) → apply (a
shard). Everything else holds one shard or one partition. The decisions stand in `tamis/dedup/`: `paragraphs.py`,
`owners.py` and `near_copies.py`.

Writes documents, dropped, edits, stats. Ties: rank is a total order.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange, schemas, streams, text
from tamis.barrier import Files, paths
from tamis.dedup import earlier, paragraph_index
from tamis.dedup.earlier import Growing, WriteIndex
from tamis.dedup.near_copies import CANDIDATES, FATES, near_copies, settle, successors
from tamis.dedup.owners import HOLDERS, elect, elect_again, final_owners, first_holders, frame_of
from tamis.dedup.paragraphs import PARAGRAPHS, Scheme, cut, find_paragraphs, remove, stumps
from tamis.dedup.scope import Within
from tamis.ids import id_strings
from tamis.ledger import Outputs, add_copies, dropped_rows, outcome_writer
from tamis.section import AppliesTo, FilePath
from tamis.shards import document_batches, read_table, table_batches, write_json

VERSION = 7
"""7: a section that stays keeps what opens it, and is left whole where half of it would go; who shares a signature or a
footer is no near-copy."""
INDEX_VERSION = 1


LEFT = "copies_left_in_earlier_runs"


class Config(Growing):
    """Cutting repeated paragraphs."""

    STAGE = "paragraph_dedup"

    applies_to: AppliesTo = Field(
        ("prose",),
        description="Kinds whose paragraphs are compared. Maths keeps its formulas and worked examples, and licences "
        "are made of shared clauses: on 3,437 licence texts half of some documents would go.",
    )
    unit: Literal["automatic", "paragraph", "line"] = Field(
        "automatic",
        description="What is compared and cut: runs of lines between blank lines (paragraph), single lines (line), or "
        "what the text has (automatic): paragraphs that belong together (a heading with its section, a lead-in with "
        "its list), but single lines in a document without blank lines whose lines are not hard-wrapped and which "
        "stands for the most part in lines of min_words words.",
    )
    min_words: int = Field(
        16,
        ge=1,
        le=10_000,
        description="Units of fewer words are never cut (words, tamis/text.py; an ideograph is one). Below 16, shared "
        "headings, set-up lines of examples and items of change logs outnumber boilerplate (read in Django, SymPy, "
        "PEPs, German laws and mails); short lines that are really frequent are the work of line_pruning.",
    )
    min_documents: int = Field(
        6,
        ge=1,
        description="Documents that must hold a unit before its copies are cut; 2: every copy in another document "
        "goes, 1: one that stands twice in a document too. What few documents share is mostly a step of an "
        "explanation, and a text without it is torn (20 of 25 such blocks read in the default experiment). Notices "
        "stand in many; Llama 3 removes lines of more than six documents.",
    )
    near_copy_share: float | None = Field(
        0.5,
        gt=0.0,
        le=1.0,
        description="A document is dropped whole when at least this share of its characters stands in paragraphs owned "
        "by one other document; null: never. At 0.5, 3 % of the documents of two Django and two SymPy releases that "
        "stay lose more than half of their text; at 0.8, 32 %.",
    )
    min_characters: int = Field(
        100,
        ge=0,
        le=1_000_000,
        description="A document that lost paragraphs and has fewer characters left (without blank lines) is dropped.",
    )
    within: Within = None
    against: tuple[FilePath, ...] = earlier.against("paragraph_dedup", "unit, min_words and within")
    write_index: WriteIndex = False

    def agreed(self) -> dict[str, Any]:
        """The settings that decide what is compared."""
        return {
            "version": INDEX_VERSION,
            "words": text.VERSION,
            "unicode": unicodedata.unidata_version,
            "unit": self.unit,
            "min_words": self.min_words,
            "within": self.within,
        }

    def scheme(self) -> Scheme:
        """Which paragraphs are compared."""
        return Scheme(self.applies_to, self.unit, self.min_words, self.within)


class Plan:
    """What becomes of the documents of one shard; decided without their text."""

    def __init__(
        self, documents: pa.Table, paragraphs: pa.Table, owners: pa.Table, fates: pa.Table, config: Config
    ) -> None:
        """Decide.

        Args:
            documents: id and rank, n rows.
            paragraphs: `PARAGRAPHS` of them.
            owners: `HOLDERS`, final.
            fates: `FATES` of them.
            config: the stage's section.
        """
        self._config = config
        self._paragraphs = paragraphs.num_rows
        self._by_line = len(pc.unique(paragraphs["row"].filter(paragraphs["by_line"])))
        self._told = frame_of(documents).join(frame_of(fates), on="rank", how="left", maintain_order="left")
        self._gone = self._told["share"].is_not_null().to_numpy()
        self._cuts, self._few, self._torn = cut(documents, paragraphs, owners, self._gone, config.min_documents)
        self._stump, self._left = stumps(documents, paragraphs, owners, self._cuts, config.min_characters)

    def notes(self) -> dict[str, float]:
        """Numbers for the stats file."""
        short = (self._left >= 0) & (self._left < self._config.min_characters) & ~self._stump
        return {
            "paragraphs": self._paragraphs,
            "documents_by_line": self._by_line,
            "paragraphs_cut": self._cuts.height,
            "copies_left_in_few_documents": self._few,
            "copies_left_in_their_section": self._torn,
            "short_documents_kept_as_owners": int(short.sum()),
        }

    def outcome(self, before: pa.Table, first_row: int) -> tuple[pa.Table, pa.Table, pa.Table]:
        """What becomes of some of the documents.

        Args:
            before: m documents.
            first_row: row of the first of them.

        Returns:
            Documents kept, ledger rows, edits rows.
        """
        import polars as pl

        here = slice(first_row, first_row + before.num_rows)
        told, gone, stump, left = self._told[here], self._gone[here], self._stump[here], self._left[here]
        first, last = self._cuts["row"].search_sorted(pl.Series([here.start, here.stop]), side="left")
        cuts = self._cuts[first:last].with_columns(pl.col("row") - first_row)
        after, rows = remove(before, cuts, self._config.scheme())
        after = after.filter(pa.array(~gone & ~stump))
        named = told.filter(pl.col("share").is_null() & (pl.col("copies") > 0))
        after = add_copies(after, dict(named.select("id", "copies").iter_rows()))
        near = told.filter(pl.Series(gone))
        owners = id_strings(near["owner_high"].to_numpy(), near["owner_low"].to_numpy())
        ledger = pa.concat_tables(
            [
                dropped_rows(
                    "paragraph_dedup",
                    before.filter(pa.array(gone)),
                    "near_copy",
                    value=near["share"].to_numpy(),
                    threshold=self._config.near_copy_share,
                    similarity=near["share"].to_numpy(),
                    matched_id=owners,
                    # What stands for it may be kept by an earlier run.
                    kept_id=pc.if_else(near["earlier"].to_arrow(), None, owners),
                ),
                dropped_rows(
                    "paragraph_dedup",
                    before.filter(pa.array(stump)),
                    "too_little_left",
                    value=left[stump].astype(np.float64),
                    threshold=max(self._config.min_characters, 1),
                ),
            ]
        )
        return after, ledger, rows


def run_map(config: Config, *, partitions: int, documents: Path, output: Path, paragraphs: Path) -> None:
    """Hash the paragraphs of one shard.

    Args:
        output: `HOLDERS` by partition, to write.
        paragraphs: `PARAGRAPHS` for the later steps of this shard, to write.
    """
    scheme = config.scheme()
    found = [PARAGRAPHS.empty_table()]
    rows = 0
    for table in table_batches(documents, scheme.columns()):
        found.append(find_paragraphs(table, scheme, rows))
        rows += table.num_rows
    whole = pa.concat_tables(found).combine_chunks()
    exchange.write(paragraphs, PARAGRAPHS, [whole])
    holders = first_holders(read_table(documents, ["id", "rank"]), whole)
    exchange.scatter(output, holders, exchange.partition_of(holders["high"].to_numpy(), partitions), partitions)


def _told(config: Config, partition: int, partitions: int, barrier: Files) -> tuple[list[pa.Table], pa.Table]:
    """`HOLDERS` of one partition: of each shard, and of earlier runs."""
    told = list(exchange.read_each(barrier, partition, partitions))
    indexes = config.earlier()
    if not indexes:
        return told, HOLDERS.empty_table()
    return told, paragraph_index.held_by_any(paragraph_index.read(indexes, partition, partitions), told)


def run_reduce(config: Config, *, partition: int, partitions: int, barrier: Files, output: Path) -> None:
    """Elect the owners of one partition.

    Args:
        barrier: over the outputs of map.
        output: `HOLDERS` by shard, to write.
    """
    told, before = _told(config, partition, partitions, barrier)
    counts = {LEFT: paragraph_index.copies_left(before, told, config.min_documents)} if before.num_rows else {}
    exchange.write(output, streams.with_counts(HOLDERS, counts), elect(told, before))


def run_decide(
    config: Config,
    *,
    shard: int,
    shards: int,
    partitions: int,
    documents: Path,
    paragraphs: Path,
    barrier: Files,
    candidates: Path,
    output: Path,
) -> None:
    """Find the near-copies of one shard, and who would inherit what they own.

    Args:
        paragraphs: this shard's, from map.
        barrier: over the outputs of reduce.
        candidates: `CANDIDATES` to write.
        output: `HOLDERS` by partition, to write.
    """
    table = read_table(documents, ["id", "rank", "copies"])
    found = exchange.read_batch(paragraphs, 0, 1)
    owners = exchange.read(barrier, shard, shards)
    near = schemas.empty(CANDIDATES)
    if config.near_copy_share is not None:
        near = near_copies(table, found, owners, config.near_copy_share, config.min_documents)
    exchange.write(candidates, CANDIDATES, [near])
    line = successors(table, found, owners, near)
    exchange.scatter(output, line, exchange.partition_of(line["high"].to_numpy(), partitions), partitions)


def run_resolve(*, shards: int, barrier: Files, output: Path) -> None:
    """Settle all near-copies in keep order.

    Args:
        barrier: over the candidates of decide.
        output: `FATES` by shard, to write.
    """
    exchange.write(output, FATES, settle(exchange.read(barrier, 0, 1), shards))


def _near_copies(fates: Path, shards: int) -> np.ndarray:
    """The ranks of all near-copies: int64."""
    settled = pa.concat_tables([exchange.read_batch(fates, shard, shards) for shard in range(shards)])
    return settled.filter(pc.is_valid(settled["share"]))["rank"].to_numpy()


def run_reown(
    config: Config,
    *,
    partition: int,
    partitions: int,
    shards: int,
    barrier: Files,
    lines: Files,
    fates: Path,
    output: Path,
) -> None:
    """Elect new owners where the owner was dropped, in one partition.

    Args:
        barrier: over the outputs of map.
        lines: the barrier over the outputs of decide.
        output: `HOLDERS` by shard, to write.
    """
    told, before = _told(config, partition, partitions, barrier)
    line = exchange.read(lines, partition, partitions)
    exchange.write(output, HOLDERS, elect_again(told, line, _near_copies(fates, shards), before))


def run_apply(
    config: Config,
    *,
    shard: int,
    shards: int,
    documents: Path,
    paragraphs: Path,
    barrier: Files,
    changes: Files,
    fates: Path,
    kept: Path,
    dropped: Path,
    edits: Path,
    stats: Path,
) -> None:
    """Drop near-copies and cut paragraphs of one shard.

    Args:
        paragraphs: this shard's, from map.
        barrier: over the outputs of reduce.
        changes: the barrier over the outputs of reown.
    """
    found = exchange.read_batch(paragraphs, 0, 1)
    owners = final_owners(exchange.read(barrier, shard, shards), exchange.read(changes, shard, shards))
    told = exchange.read_batch(fates, shard, shards)
    plan = Plan(read_table(documents, ["id", "rank"]), found, owners, told, config)
    with outcome_writer(Outputs(kept, dropped, stats, edits), "paragraph_dedup", shard) as writer:
        rows = 0
        for before in document_batches(documents):
            after, ledger, cuts = plan.outcome(before, rows)
            writer.add(before, after, ledger, edits=cuts)
            rows += before.num_rows
        writer.notes.update(plan.notes())
        if shard == 0 and config.against:
            writer.notes[LEFT] = sum(streams.counts(path).get(LEFT, 0) for path in paths(barrier))


def run_index(
    *,
    shards: int,
    partitions: int,
    documents: Path,
    kept: Path,
    paragraphs: Path,
    shard: int,
    barrier: Files,
    changes: Files,
    fates: Path,
    output: Path,
) -> None:
    """Write the part of one shard of the index for later runs.

    Args:
        documents: of the stage before.
        kept: of this stage.
        paragraphs: this shard's, from map.
        barrier: over the outputs of reduce.
        changes: the barrier over the outputs of reown.
        output: `HOLDERS` by partition, to write.
    """
    table = read_table(documents, ["id", "rank"])
    gone = np.setdiff1d(table["rank"].to_numpy(), read_table(kept, ["rank"])["rank"].to_numpy())
    owners = final_owners(exchange.read(barrier, shard, shards), exchange.read(changes, shard, shards))
    dropped = np.union1d(gone, _near_copies(fates, shards))
    rows = paragraph_index.rows_of(table, exchange.read_batch(paragraphs, 0, 1), owners, dropped)
    exchange.scatter(output, rows, exchange.partition_of(rows["high"].to_numpy(), partitions), partitions)


def run_describe(config: Config, *, partitions: int, parts: Files, output: Path) -> None:
    """Describe the index of all shards.

    Args:
        parts: the files of the index.
        output: `index.json`, to write.
    """
    files = paths(parts)
    rows = sum(exchange.read(tuple(files), index, partitions, ["high"]).num_rows for index in range(partitions))
    write_json(output, config.described(len(files), files, rows=rows))
