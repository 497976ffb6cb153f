"""Cut repeated spans of text, globally and exactly, wherever in a document they begin and end.

Paragraph de-duplication sees whole paragraphs, near-duplicate detection whole documents; a passage quoted inside other
text escapes both. Lee et al. 2022 find every substring of at least 50 BPE tokens that occurs twice with a suffix array
of the whole corpus; here windows of N words are compared by hash, one shard or one partition at a time.

* A **token** is a word (`tamis/text.py`) as written – case counts – with all bytes after it up to the next word. Tokens
  tile a document but for what stands before its first word, which is never cut. So a run of tokens is a substring,
  and cuts fall between characters. Ideographs, and letters of scripts without spaces, are a token each.
* A **window** is N = `tokens` tokens in a row; compared are the bytes from the start of its first word to the end of
  its last. What follows that word is left out: it differs where one copy ends its text and the other goes on.
* **Places** have an order: the `rank` of the document, then the position in it. A window is **repeated** when the same
  bytes are a window at an earlier place that it does not overlap; the first place of all is the **owner**.
* Every token of a repeated window is cut, with what follows it. Repeated windows that overlap or touch are one cut.

What this guarantees (a window is the same when a 128-bit keyed hash of its bytes is):

1. Exactly the tokens of repeated windows are cut, whatever the shards, the partitions and the order of the input. No
   cut is shorter than N tokens. A document of fewer than N tokens neither loses nor owns anything.
2. Every word that is cut stays elsewhere: in the owner of its window, or, where that copy is cut as well, in the owner
   of the (still earlier) window that cuts it, and so on; what stays of one window may so be spread over several
   documents. All bytes of a window stand in its owner; what follows its last word (a full stop, a line break) is cut
   with it and need not.
3. A text that repeats itself ("ha ha ha …") keeps its first window: windows that overlap their owner are no repeats.

What it does not do: the text on both sides of a cut is joined as it is, so a sentence may lose its end, and windows
across the joint are new; a second run can find more. Shorter repeats, other spelling and other spacing stay.
Better after `line_pruning`, which takes all copies of what many documents share; here one copy stays.

A document that lost text and has fewer than `min_characters` left is dropped (`too_little_left`), unless it owns a
window that another document holds: so guarantee 2 is true of all but the few characters that were left of it.

Steps, the first three so that only windows that may be repeated cross between shards:

* map (a shard): fingerprints. Of the k-token grams of each window, k = (N + 1) // 2, one is chosen by its content alone
  (`tamis/kernels/substrings.py`), so a repeated window holds a chosen gram that occurs twice. A fingerprint is the
  64-bit hash of a chosen gram; one that a shard holds more often crosses twice.
* reduce (a partition of the fingerprints): those that occur twice, back to the shards that hold them.
* windows (a shard): the windows whose chosen gram is one of them, hashed. Each crosses once a shard, with its first
  document there, so a template in 10^5 documents crosses as often as there are shards.
* elect (a partition of the window hashes): the owner, and how many documents hold the window; back to the shards.
* apply (a shard): the cuts.

Measured at N = 50 on 100 MB of books, laws, PEPs, mails and questions, 6 % of whose characters go, one core of a busy
machine: 21 MB/s for all steps together, 95 for map alone. Per GB of text 91 MB of fingerprints cross and 3 MB come
back, then 124 MB of windows and 113 MB of owners; for licences, the most entangled text tried, 76, 17, 569 and 655.
Memory beside the shard: in map 131 MB for 17 million tokens; in windows 61 and in apply up to 97 bytes a window that
may be repeated; in elect 300 to 380 bytes a window of its partition.

Read: 20 cuts each of licences (28 % of the characters go), German laws (2.7 %) and PEPs (1.2 %), all of them true
copies: clauses and notices, rules of examinations, a PEP taken over by its successor. But 13 of the 20 in laws stand
twice in one document, as column headings of a table or parallel clauses that belong in both places. Of all cuts 40 %
in licences, 30 % in PEPs and 21 % in laws begin and end where a clause or paragraph does; the others tear a sentence.
Hence off by default.

Writes documents, dropped, edits (`repeated_span`; the owner of the first window of the cut as `matched_id`, and as
`count` how many documents hold that window), stats. Ties: rank is a total order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange, hashing, schemas
from tamis.dedup import scope
from tamis.dedup.owners import HASH, HOLDERS, elect, frame_of
from tamis.dedup.scope import Within
from tamis.edits import Spans, edited
from tamis.ids import id_halves, id_strings
from tamis.ledger import Outputs, dropped_rows, write_outcome
from tamis.section import AppliesTo, Section
from tamis.shards import read_documents, read_json, read_table, write_json
from tamis.stats import characters

VERSION = 1

FINGERPRINTS = pa.schema([("fingerprint", pa.uint64())])

PLACES = pa.schema([("row", pa.int32()), ("position", pa.int32()), ("high", pa.uint64()), ("low", pa.uint64())])
"""A window: row of its document in the shard, number of its first token there, hash. In the order of places."""

CHUNK_BYTES = 8_000_000
"""Text that is split into words at a time: 24 bytes a word."""


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


class Chunk(NamedTuple):
    """Some documents of a shard and their words.

    rows: int64[n], where they stand in the shard.
    offsets: int64[n + 1], bytes of each text in `data`.
    data: uint8.
    word_offsets: int64[n + 1].
    starts, ends: int64[words], bytes of each word in `data`.
    """

    rows: np.ndarray
    offsets: np.ndarray
    data: np.ndarray
    word_offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def _chunks(documents: pa.Table, rows: np.ndarray) -> Iterator[Chunk]:
    """The given rows, in that order, a few at a time."""
    from tamis.kernels.words import buffers, word_spans

    text = documents["text"]
    size = np.diff(buffers(text)[0])[rows]
    number = (np.cumsum(size) - size) // CHUNK_BYTES
    for chunk in np.split(rows, np.flatnonzero(np.diff(number)) + 1):
        if len(chunk):
            offsets, data = buffers(text.take(pa.array(chunk)))
            word_offsets, _, starts, ends = word_spans(offsets, data)
            yield Chunk(chunk, offsets, data, word_offsets, starts, ends)


def _compared(documents: pa.Table, config: Config) -> np.ndarray:
    """Rows of the documents whose spans are compared, in keep order: int64."""
    rows = np.flatnonzero(pc.is_in(documents["kind"], value_set=pa.array(config.applies_to)).to_numpy())
    return rows[np.argsort(documents["rank"].to_numpy()[rows])]


def _winnow(chunk: Chunk, scopes: np.ndarray, config: Config) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from tamis.kernels.substrings import winnow

    return winnow(
        chunk.data,
        chunk.word_offsets,
        chunk.starts,
        chunk.ends,
        scopes[chunk.rows],
        window=config.tokens,
        gram=(config.tokens + 1) // 2,
        key=hashing.keys("substring_dedup grams", 1, config.seed)[0],
    )


def find_fingerprints(documents: pa.Table, config: Config) -> np.ndarray:
    """The fingerprints of a shard, sorted; one that occurs more than once is there twice.

    Args:
        documents: kind, text, rank and the column of the scope, n rows of one shard.
        config: the stage's section.
    """
    scopes = scope.hashes(documents, config.within)
    found = [_winnow(chunk, scopes, config)[0] for chunk in _chunks(documents, _compared(documents, config))]
    prints = np.sort(np.concatenate([np.zeros(0, np.uint64), *found]))
    again = np.zeros(len(prints), dtype=np.bool_)
    again[2:] = prints[2:] == prints[:-2]
    return prints[~again]


def repeated(held: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The fingerprints that occur at least twice in all shards, for each shard that holds them, sorted.

    Args:
        held: from `find_fingerprints`, those of one partition, one array a shard.
    """
    every = np.sort(np.concatenate(held))
    twice = every[1:][every[1:] == every[:-1]]
    twice = twice[np.r_[True, twice[1:] != twice[:-1]][: len(twice)]]
    return [twice[_among(twice, own)] for own in held]


def _among(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Which values are among the members, which are sorted: bool."""
    if not len(members):
        return np.zeros(len(values), np.bool_)
    return members[np.minimum(np.searchsorted(members, values), len(members) - 1)] == values


def find_windows(documents: pa.Table, prints: np.ndarray, config: Config) -> tuple[pa.Table, dict[str, int]]:
    """The windows of a shard that may be repeated: `PLACES`, and how many tokens and fingerprints were looked at.

    Args:
        documents: kind, text, rank and the column of the scope, n rows of one shard.
        prints: fingerprints that occur at least twice in the corpus, sorted.
        config: the stage's section.
    """
    from tamis.kernels.substrings import window_hashes

    key_0, key_1 = hashing.keys("substring_dedup windows", 2, config.seed)
    scopes = scope.hashes(documents, config.within)
    counts = {"tokens": 0, "fingerprints": 0}
    tables = [schemas.empty(PLACES)]
    for chunk in _chunks(documents, _compared(documents, config)):
        found, tokens, windows = _winnow(chunk, scopes, config)
        counts["tokens"] += len(chunk.starts)
        counts["fingerprints"] += len(found)
        again = _among(found, prints)
        places, high, low = window_hashes(
            chunk.data, chunk.starts, chunk.ends, tokens[again], windows[again], config.tokens, key_0, key_1
        )
        inside = np.searchsorted(chunk.word_offsets, places, side="right") - 1
        # A window of another scope is another window.
        scoped = scopes[chunk.rows[inside]]
        values = [chunk.rows[inside], places - chunk.word_offsets[inside], high ^ scoped, low + scoped]
        tables.append(pa.table(dict(zip(PLACES.names, values, strict=True))).cast(PLACES))
    return pa.concat_tables(tables).combine_chunks(), counts


class Classes(NamedTuple):
    """The windows of a shard by what they say.

    order: int64[m], the places sorted by hash, equal ones in the order of places.
    number: int64[m], class of each place in that order.
    first: int64[c], where in that order each class begins.
    here: int64[h], where in that order each document of each class begins.
    first_here: int64[m], of these the one of the same class and document.
    """

    order: np.ndarray
    number: np.ndarray
    first: np.ndarray
    here: np.ndarray
    first_here: np.ndarray


def classes(places: pa.Table) -> Classes:
    """Group equal windows.

    Args:
        places: `PLACES`, in the order of places.
    """
    high, low, row = (places[name].to_numpy() for name in ("high", "low", "row"))
    order = np.lexsort((low, high))
    high, low, row = high[order], low[order], row[order]
    begins = np.r_[True, (high[1:] != high[:-1]) | (low[1:] != low[:-1])][: len(order)]
    begins_here = begins | np.r_[True, row[1:] != row[:-1]][: len(order)]
    here = np.flatnonzero(begins_here)
    return Classes(
        order=order,
        number=np.cumsum(begins) - 1,
        first=np.flatnonzero(begins),
        here=here,
        first_here=np.repeat(here, np.diff(np.r_[here, len(order)])),
    )


def combine(documents: pa.Table, places: pa.Table) -> pa.Table:
    """Each window of a shard once: its first document in keep order, and how many hold it (`HOLDERS`).

    Args:
        documents: id and rank, n rows of one shard.
        places: `PLACES` of them.
    """
    found = classes(places)
    holds = np.bincount(found.number[found.here], minlength=len(found.first))
    # In the order of places again: then ranks and ids compress to almost nothing.
    in_order = np.argsort(found.order[found.first])
    first = places.take(pa.array(found.order[found.first][in_order]))
    row = first["row"].to_numpy()
    high, low = id_halves(documents["id"])
    return pa.table(
        {
            "high": first["high"],
            "low": first["low"],
            "rank": documents["rank"].to_numpy()[row],
            "id_high": high[row],
            "id_low": low[row],
            "documents": holds[in_order],
        }
    ).cast(HOLDERS)


class Repeats(NamedTuple):
    """The repeated windows of a shard, and who owns windows of others.

    row, position: int64[m], in the order of the text.
    documents: int64[m], how many documents hold the window.
    owner_high, owner_low: uint64[m], id of the owner.
    owns: bool[n], documents that own a window that another document holds.
    """

    row: np.ndarray
    position: np.ndarray
    documents: np.ndarray
    owner_high: np.ndarray
    owner_low: np.ndarray
    owns: np.ndarray


def find_repeats(documents: pa.Table, places: pa.Table, owners: pa.Table, config: Config) -> Repeats:
    """Which windows of a shard are repeated.

    Args:
        documents: id and rank, n rows of one shard.
        places: `PLACES` of them.
        owners: `HOLDERS`, the owner of each window that more than one document holds.
        config: the stage's section.
    """
    found = classes(places)
    hashes = places.select(HASH).take(pa.array(found.order[found.first]))
    told = frame_of(hashes).join(frame_of(owners), on=HASH, how="left", maintain_order="left")
    # A window that no other document holds belongs to the one that does.
    alone = told["rank"].is_null().to_numpy()[found.number]
    row = places["row"].to_numpy()[found.order].astype(np.int64)
    position = places["position"].to_numpy()[found.order].astype(np.int64)
    own_rank = documents["rank"].to_numpy()[row]
    own_high, own_low = (half[row] for half in id_halves(documents["id"]))

    def of_class(name: str, own: np.ndarray) -> np.ndarray:
        return np.where(alone, own, told[name].fill_null(0).to_numpy()[found.number])

    rank = of_class("rank", own_rank)
    owns = np.zeros(documents.num_rows, dtype=np.bool_)
    owns[row[~alone & (rank == own_rank)]] = True
    again = (rank != own_rank) | (position >= position[found.first_here] + config.tokens)
    order = np.flatnonzero(again)[np.lexsort((position[again], row[again]))]
    return Repeats(
        row=row[order],
        position=position[order],
        documents=of_class("documents", np.ones(len(row), np.int64))[order],
        owner_high=of_class("id_high", own_high)[order],
        owner_low=of_class("id_low", own_low)[order],
        owns=owns,
    )


def cut(documents: pa.Table, repeats: Repeats, config: Config) -> tuple[pa.Table, pa.Table, int]:
    """Cut the text.

    Args:
        documents: n rows of one shard.
        repeats: of them.
        config: the stage's section.

    Returns:
        The n documents with their new text, the rows of `schemas.EDITS`, and how many tokens were cut.
    """
    from tamis.kernels.substrings import merge_windows
    from tamis.kernels.words import buffers

    first, last = merge_windows(repeats.row, repeats.position, config.tokens)
    rows, begin, end = repeats.row[first], repeats.position[first], repeats.position[last - 1] + config.tokens
    offsets, _ = buffers(documents["text"])
    starts, ends = np.empty((2, len(rows)), dtype=np.int64)
    for chunk in _chunks(documents, np.unique(rows)):
        span = slice(*np.searchsorted(rows, [chunk.rows[0], chunk.rows[-1] + 1]))
        inside = np.searchsorted(chunk.rows, rows[span])
        # A token goes on to the start of the next, the last one of a text to its end.
        bounds = np.insert(chunk.starts, chunk.word_offsets[1:], chunk.offsets[1:])
        shift = offsets[rows[span]] - chunk.offsets[inside]
        starts[span] = bounds[chunk.word_offsets[inside] + inside + begin[span]] + shift
        ends[span] = bounds[chunk.word_offsets[inside] + inside + end[span]] + shift
    after, changes = edited(
        documents,
        Spans(rows, starts, ends),
        "repeated_span",
        count=repeats.documents[first],
        matched_id=id_strings(repeats.owner_high[first], repeats.owner_low[first]),
    )
    return after, changes, int((end - begin).sum())


def outcome(
    before: pa.Table,
    places: pa.Table,
    owners: pa.Table,
    config: Config,
) -> tuple[pa.Table, pa.Table, pa.Table, dict[str, int]]:
    """What becomes of the documents of one shard.

    Args:
        before: n documents.
        places: `PLACES` of them.
        owners: `HOLDERS`, the owner of each window that more than one document holds.
        config: the stage's section.

    Returns:
        Documents kept, ledger rows, edits rows, notes.
    """
    repeats = find_repeats(before, places, owners, config)
    after, changes, tokens_cut = cut(before, repeats, config)
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
    notes = {
        "windows": places.num_rows,
        "windows_repeated": len(repeats.row),
        "tokens_cut": tokens_cut,
        "short_documents_kept_as_owners": int((short & repeats.owns).sum()),
    }
    return after.filter(pa.array(~stump)), ledger, changes, notes


def _read(documents: Path, config: Config, *more: str) -> pa.Table:
    return read_table(documents, sorted({"kind", "text", "rank", *more, *scope.columns(config.within)}))


def run_map(config: Config, *, partitions: int, documents: Path, output: Path) -> None:
    """Choose the fingerprints of one shard.

    Args:
        output: `FINGERPRINTS` by partition, to write.
    """
    prints = find_fingerprints(_read(documents, config), config)
    exchange.scatter(
        output, pa.table([prints], schema=FINGERPRINTS), exchange.partition_of(prints, partitions), partitions
    )


def run_reduce(*, partition: int, partitions: int, barrier: Path, output: Path) -> None:
    """Find the fingerprints of one partition that occur at least twice.

    Args:
        barrier: over the outputs of map.
        output: `FINGERPRINTS` by shard, to write.
    """
    held = [table["fingerprint"].to_numpy() for table in exchange.read_each(barrier, partition, partitions)]
    exchange.write(output, FINGERPRINTS, [pa.table([prints], schema=FINGERPRINTS) for prints in repeated(held)])


def run_windows(
    config: Config,
    *,
    shard: int,
    shards: int,
    partitions: int,
    documents: Path,
    barrier: Path,
    places: Path,
    counts: Path,
    output: Path,
) -> None:
    """Hash the windows of one shard that may be repeated.

    Args:
        barrier: over the outputs of reduce.
        places: `PLACES` for the last step of this shard, to write.
        counts: JSON to write: tokens and fingerprints of this shard.
        output: `HOLDERS` by partition, to write.
    """
    table = _read(documents, config, "id")
    prints = np.sort(exchange.read(barrier, shard, shards)["fingerprint"].to_numpy())
    found, counted = find_windows(table, prints, config)
    exchange.write(places, PLACES, [found])
    write_json(counts, counted)
    held = combine(table, found)
    exchange.scatter(output, held, exchange.partition_of(held["high"].to_numpy(), partitions), partitions)


def run_elect(*, partition: int, partitions: int, barrier: Path, output: Path) -> None:
    """Elect the owners of one partition of the windows.

    Args:
        barrier: over the outputs of windows.
        output: `HOLDERS` by shard, to write: the owners of windows that more than one document holds.
    """
    exchange.write(output, HOLDERS, elect(list(exchange.read_each(barrier, partition, partitions))))


def run_apply(
    config: Config,
    *,
    shard: int,
    shards: int,
    documents: Path,
    places: Path,
    counts: Path,
    barrier: Path,
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
    before = read_documents(documents)
    owners = exchange.read(barrier, shard, shards)
    after, ledger, cuts, notes = outcome(before, exchange.read_batch(places, 0, 1), owners, config)
    notes |= read_json(counts)
    write_outcome(
        Outputs(kept, dropped, stats, edits), "substring_dedup", shard, before, after, ledger, edits=cuts, notes=notes
    )
