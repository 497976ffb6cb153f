"""Drop extracts of documents that are in the pool: one text is not in it as two kinds.

A reader may make two documents of one thing, a module and a page of its docstrings; and a source may name a field that
holds what a text was taken from (`parent_field`). The page says nothing that the module does not say. Of the default
experiment's pages of docstrings 548, 8 % of the tokens, shared at least 0.7 of their word 5-grams with their own module
before this stage was there.

An **extract** is a document with a parent, named at ingest by the hash of its URL key (the first half of its id). It
goes, with reason `extract_of_kept`, if a document with that key is here, and stays if there is none: so this stage
belongs behind all that drop documents, and a `pipeline` that lets one follow is refused. `minhash_dedup` leaves such
pairs alone for the same reason: a module that is dropped later must not have taken its page with it.
Captures of one URL are one page here as everywhere; the ledger names the first of them in keep order. What an extract
is taken from may be an extract itself; it then counts only where it is earlier in the keep order, so that in a circle
of parents one stays.

Steps: map (a shard) → reduce (a partition of the keys) → apply (a shard). 60 bytes a document cross.

Writes documents, dropped, stats; the notes count extracts and how many of them have no parent here. An extract is no
copy, so its parent does not count it in `copies`, and `kept_id` is null. Memory: what crosses of one partition. Ties:
rank is a total order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import exchange
from tamis.barrier import Files
from tamis.ids import home_shards, id_halves, key_halves
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.section import Section
from tamis.shards import document_batches, read_table

VERSION = 1

STAGE = "extracts"

ROWS = pa.schema([("key", pa.uint64()), ("rank", pa.int64()), ("id", pa.string()), ("extract", pa.bool_())])
"""A document by its own key, or an extract by that of its parent."""

VERDICTS = pa.schema([("id", pa.string()), ("parent_id", pa.string())])
"""An extract that goes, and the document that it was taken from."""


class Config(Section):
    """Dropping extracts whose parent stays. The stage has no settings."""


def rows_of(documents: pa.Table) -> pa.Table:
    """Rows of `ROWS` of n documents (id, rank, parent): one each, and one more for an extract."""
    rank, ids = documents["rank"], documents["id"]
    taken = documents.filter(documents["parent"].is_valid())

    def table(key: np.ndarray, known: pa.Table, *, extract: bool) -> pa.Table:
        return pa.table([pa.array(key), known["rank"], known["id"], pa.repeat(extract, known.num_rows)], schema=ROWS)

    here = table(id_halves(ids)[0], pa.table({"rank": rank, "id": ids}), extract=False)
    return pa.concat_tables([here, table(key_halves(taken["parent"]), taken, extract=True)])


def verdicts(rows: pa.Table) -> pa.Table:
    """Which extracts go.

    Args:
        rows: `ROWS`, all of some keys.

    Returns:
        `VERDICTS`, in no order.
    """
    rows = rows.combine_chunks()
    key, rank, extract = (rows[name].to_numpy() for name in ("key", "rank", "extract"))
    parents = np.flatnonzero(~extract)
    parents = parents[np.lexsort((rank[parents], key[parents]))]
    keys, first = np.unique(key[parents], return_index=True)
    children = np.flatnonzero(extract)
    if not len(keys) or not len(children):
        return VERDICTS.empty_table()
    place = np.minimum(np.searchsorted(keys, key[children]), len(keys) - 1)
    parent = parents[first[place]]
    goes = (keys[place] == key[children]) & (rank[parent] < rank[children])
    ids = rows["id"]
    return pa.table([ids.take(pa.array(children[goes])), ids.take(pa.array(parent[goes]))], schema=VERDICTS)


def run_map(*, partitions: int, documents: Path, output: Path) -> None:
    """Route the documents of one shard by their keys, and its extracts by their parents'.

    Args:
        output: `ROWS` by partition, to write.
    """
    rows = rows_of(read_table(documents, ["id", "rank", "parent"]))
    exchange.scatter(output, rows, exchange.partition_of(rows["key"].to_numpy(), partitions), partitions)


def run_reduce(*, partition: int, partitions: int, barrier: Files, output: Path) -> None:
    """Decide on the extracts of the parents of one partition.

    Args:
        barrier: over the rows of all shards.
        output: `VERDICTS` by shard, to write.
    """
    tables = list(exchange.read_each(barrier, partition, partitions))
    found = verdicts(pa.concat_tables(tables))
    exchange.scatter(output, found, home_shards(found["id"], len(tables)), len(tables))


def run_apply(
    *, shard: int, shards: int, documents: Path, barrier: Files, kept: Path, dropped: Path, stats: Path
) -> None:
    """Drop the extracts of one shard whose parents stay.

    Args:
        barrier: over the verdicts of all partitions.
    """
    found = exchange.read(barrier, shard, shards).combine_chunks()
    extracts = gone = 0
    with outcome_writer(Outputs(kept, dropped, stats), STAGE, shard) as writer:
        for before in document_batches(documents):
            position = pc.index_in(before["id"], value_set=found["id"].combine_chunks())
            parent = found["parent_id"].take(position.drop_null())
            stays = position.is_null()
            ledger = dropped_rows(STAGE, before.filter(pc.invert(stays)), "extract_of_kept", matched_id=parent)
            writer.add(before, before.filter(stays), ledger)
            extracts += before.num_rows - before["parent"].null_count
            gone += ledger.num_rows
        writer.notes.update({"extracts": extracts, "extracts_without_parent": extracts - gone})
