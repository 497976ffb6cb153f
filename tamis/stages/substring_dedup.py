r"""Cut repeated spans of text, globally and exactly, wherever in a document they begin and end.

Paragraph de-duplication sees whole paragraphs, near-duplicate detection whole documents; a passage quoted inside other
text escapes both. Lee et al. 2022 find every substring of at least 50 BPE tokens that occurs twice with a suffix array
of the whole corpus; here windows of N words are compared by hash, one shard or one partition at a time.

* A **token** is a word (`tamis/text.py`) as written: case counts. Ideographs, and letters of scripts without spaces,
  are a token each.
* A **window** is N = `tokens` tokens in a row; compared are the bytes from the start of its first word to the end of
  its last. What follows that word is left out: it differs where one copy ends its text and the other goes on.
* **Places** have an order: the `rank` of the document, then the position in it. A window is **repeated** when the same
  bytes are a window at an earlier place that it does not overlap; the first place of all is the **owner**.
* Every token of a repeated window is cut, with all that stands between its tokens. What follows the last of a run of
  such windows is cut as far as it also stands at the owner, and never what belongs to the next word or line: of
  ".\n\n## Temperatures" at most ".\n\n", of " -40" the space (`tamis/kernels/dedup/span_ends.py`). What stands before
  the first word stays.
* An edit is a piece of text that stands in the document it names, byte for byte. Where windows of several owners, or of
  several places of one, overlap, a cut is several edits that touch.

What this guarantees (a window is the same when a 128-bit keyed hash of its bytes is):

1. Exactly the tokens of repeated windows are cut, whatever the shards, the partitions and the order of the input. Edits
   that touch are N tokens or more together. A document of fewer than N tokens neither loses nor owns anything.
2. Every word that is cut stays elsewhere: in the owner of its window, or, where that copy is cut as well, in the owner
   of the (still earlier) window that cuts it, and so on; what stays of one window may so be spread over several
   documents. The characters of every edit stand in the text of the document that it names, as this stage read it.
3. A text that repeats itself ("ha ha ha …") keeps its first window: windows that overlap their owner are no repeats.

What it does not do: the text on both sides of a cut is joined as it is, so a sentence may lose its end and a mark may
stay alone, and windows across the joint are new; a second run can find more. Shorter repeats, other spelling and other
spacing stay. Better after `line_pruning`, which takes all copies of what many documents share; here one copy stays.

A document that lost text and has fewer than `min_characters` left is dropped (`too_little_left`), unless it owns a
window that another document holds: so guarantee 2 is true of all but the few characters that were left of it.

Steps, the first three so that only windows that may be repeated cross between shards:

* map (a shard): fingerprints. Of the k-token grams of each window, k = (N + 1) // 2, one is chosen by its content alone
  (`tamis/kernels/dedup/substrings.py`), so a repeated window holds a chosen gram that occurs twice. A fingerprint is
  the 64-bit hash of a chosen gram; one that a shard holds more often crosses twice.
* reduce (a partition of the fingerprints): those that occur twice, back to the shards that hold them.
* windows (a shard): the windows whose chosen gram is one of them, hashed. Each crosses once a shard, with its first
  document there, so a template in 10^5 documents crosses as often as there are shards.
* elect (a partition of the window hashes): the owner, and how many documents hold the window; back to the shards.
* apply (a shard): the cuts.

Measured at N = 50 on 100 MB of books, laws, PEPs, mails and questions, 6 % of whose characters go, one core of a busy
machine: 21 MB/s for all steps together, 95 for map alone. Per GB of text 91 MB of fingerprints cross and 3 MB come
back, then 124 MB of windows and 113 MB of owners; for licences, the most entangled text tried, 76, 17, 569 and 655.

Memory: text goes through a few thousand documents at a time. Of a shard of 259 MB the largest processes were 430 MB
(map), 470 (windows) and 620 (apply), of which 330 are the interpreter, the mapped file and one of its row groups. Also
24 bytes a fingerprint in map; in windows up to 120 and in apply up to 150 bytes a window that may be repeated; in
elect 300 to 380 bytes a window of its partition.

Read: 20 cuts each of licences (28 % of the characters go), German laws (2.7 %) and PEPs (1.2 %), all of them true
copies: clauses and notices, rules of examinations, a PEP taken over by its successor. But 13 of the 20 in laws stand
twice in one document, as column headings of a table or parallel clauses that belong in both places. Of all cuts 40 %
in licences, 30 % in PEPs and 21 % in laws begin and end where a clause or paragraph does; the others tear a sentence.
Hence off by default.

Writes documents, dropped, edits (`repeated_span`; the owner as `matched_id`, and as `count` how many documents hold the
first window of the run that the edit is a piece of), stats. Ties: rank is a total order.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis import exchange
from tamis.barrier import Files
from tamis.dedup.owners import elect
from tamis.dedup.scope import Within
from tamis.dedup.windows import (
    PLACES,
    WINDOW_HOLDERS,
    Repeats,
    at_most_twice,
    find_repeats,
    first_places,
    in_keep_order,
    repeated,
)
from tamis.dedup.winnowing import Scheme, cut, fingerprints, windows
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.section import AppliesTo, Section
from tamis.shards import document_batches, read_json, read_table, table_batches, write_json
from tamis.stats import characters

VERSION = 2

FINGERPRINTS = pa.schema([("fingerprint", pa.uint64())])


class Config(Section):
    """Cutting repeated spans."""

    applies_to: AppliesTo = Field(
        ("prose",),
        description="Kinds whose spans are compared. Code and catalogues repeat themselves on purpose, licences are "
        "made of shared clauses, and a formula or worked example of maths belongs where it stands.",
    )
    tokens: int = Field(
        50,
        ge=2,
        le=1_000,
        description="N, words of the shortest span that is cut (tamis/text.py; an ideograph is one). Lee et al. 2022 "
        "cut at 50 BPE tokens; a word is one or more of those. Time grows with the repeated text times N.",
    )
    min_characters: int = Field(
        100,
        ge=0,
        le=1_000_000,
        description="A document that lost spans and has fewer characters left is dropped, unless it owns a span that "
        "another one repeats.",
    )
    within: Within = None
    seed: int = Field(0, ge=0, description="Of the hash keys; the result does not depend on it.")

    def scheme(self) -> Scheme:
        """Which windows are compared."""
        return Scheme(self.applies_to, self.tokens, self.within, self.seed)


def outcome(before: pa.Table, repeats: Repeats, config: Config) -> tuple[pa.Table, pa.Table, pa.Table, dict[str, int]]:
    """What becomes of some documents.

    Args:
        before: n documents.
        repeats: of them.
        config: the stage's section.

    Returns:
        Documents kept, ledger rows, edits rows, notes.
    """
    after, edits, tokens_cut = cut(before, repeats, config.scheme())
    left = characters(after["text"]).to_numpy()
    least = max(config.min_characters, 1)
    touched = np.zeros(before.num_rows, dtype=np.bool_)
    touched[repeats.row] = True
    short = touched & (left < least)
    stump = short & ~repeats.owns
    ledger = dropped_rows(
        "substring_dedup",
        before.filter(pa.array(stump)),
        "too_little_left",
        value=left[stump].astype(np.float64),
        threshold=least,
    )
    notes = {"tokens_cut": tokens_cut, "short_documents_kept_as_owners": int((short & repeats.owns).sum())}
    return after.filter(pa.array(~stump)), ledger, edits, notes


def run_map(config: Config, *, partitions: int, documents: Path, output: Path) -> None:
    """Choose the fingerprints of one shard.

    Args:
        output: `FINGERPRINTS` by partition, to write.
    """
    scheme = config.scheme()
    found = [fingerprints(table, scheme) for table in table_batches(documents, scheme.columns())]
    prints = at_most_twice(np.concatenate([np.zeros(0, np.uint64), *found]))
    target = exchange.partition_of(prints, partitions)
    exchange.scatter(output, pa.table([prints], schema=FINGERPRINTS), target, partitions)


def run_reduce(*, partition: int, partitions: int, barrier: Files, output: Path) -> None:
    """Find the fingerprints of one partition that occur at least twice.

    Args:
        barrier: over the outputs of map.
        output: `FINGERPRINTS` by shard, to write.
    """
    told = [table["fingerprint"].to_numpy() for table in exchange.read_each(barrier, partition, partitions)]
    exchange.write(output, FINGERPRINTS, [pa.table([prints], schema=FINGERPRINTS) for prints in repeated(told)])


def run_windows(
    config: Config,
    *,
    shard: int,
    shards: int,
    partitions: int,
    documents: Path,
    barrier: Files,
    places: Path,
    counts: Path,
    output: Path,
) -> None:
    """Hash the windows of one shard that may be repeated.

    Args:
        barrier: over the outputs of reduce.
        places: `PLACES` for the last step of this shard, to write.
        counts: JSON to write: tokens and fingerprints of this shard.
        output: `WINDOW_HOLDERS` by partition, to write.
    """
    scheme, known = config.scheme(), read_table(documents, ["id", "rank"])
    prints = np.sort(exchange.read(barrier, shard, shards)["fingerprint"].to_numpy())
    found, counted = _windows_of_shard(documents, prints, scheme)
    found = in_keep_order(found, known["rank"].to_numpy())
    exchange.write(places, PLACES, [found])
    write_json(counts, counted)
    holders = first_places(known, found)
    exchange.scatter(output, holders, exchange.partition_of(holders["high"].to_numpy(), partitions), partitions)


def _windows_of_shard(documents: Path, prints: np.ndarray, scheme: Scheme) -> tuple[pa.Table, Counter[str]]:
    """`windows` of a documents file, in the order of its rows."""
    found, counted, rows = [PLACES.empty_table()], Counter(tokens=0, fingerprints=0), 0
    for table in table_batches(documents, scheme.columns()):
        here, counts = windows(table, prints, scheme, rows)
        found.append(here)
        counted.update(counts)
        rows += table.num_rows
    return pa.concat_tables(found), counted


def run_elect(*, partition: int, partitions: int, barrier: Files, output: Path) -> None:
    """Elect the owners of one partition of the windows.

    Args:
        barrier: over the outputs of windows.
        output: `WINDOW_HOLDERS` by shard, to write: the owners of windows that more than one document holds.
    """
    exchange.write(output, WINDOW_HOLDERS, elect(list(exchange.read_each(barrier, partition, partitions))))


def run_apply(
    config: Config,
    *,
    shard: int,
    shards: int,
    documents: Path,
    places: Path,
    counts: Path,
    barrier: Files,
    kept: Path,
    dropped: Path,
    edits: Path,
    stats: Path,
) -> None:
    """Cut the repeated spans of one shard.

    Args:
        places: this shard's, from windows.
        barrier: over the outputs of elect.
    """
    found = exchange.read_batch(places, 0, 1)
    owners = exchange.read(barrier, shard, shards)
    repeats = find_repeats(read_table(documents, ["id", "rank"]), found, owners, config.tokens)
    notes = Counter(read_json(counts), windows=found.num_rows, windows_repeated=len(repeats.row))
    del found, owners
    with outcome_writer(Outputs(kept, dropped, stats, edits), "substring_dedup", shard) as writer:
        rows = 0
        for before in document_batches(documents):
            here = repeats.of(slice(rows, rows + before.num_rows))
            after, ledger, cuts, more = outcome(before, here, config)
            writer.add(before, after, ledger, edits=cuts)
            notes.update(more)
            rows += before.num_rows
        writer.notes.update(notes)
