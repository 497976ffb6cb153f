"""Keep one capture of each URL.

Two documents are captures of one page when their URL keys (`tamis/urls.py`) are equal. The key's hash is the first
half of the id and decides the home shard, so captures always meet in one shard and nothing crosses. Rows
whose halves agree are compared by the key itself. The survivor is the first in the keep order (Llama 3.1 keeps the
most recent); the others become ledger rows of reason `same_url` that name it, and it takes over their copies.
Documents without a URL pass through. With `within`, captures are compared inside one value of that column.

With `against`, captures of pages that an earlier run kept go first (`in_earlier_corpus`, naming the capture there):
with `keep: [oldest, …]` and runs in the order of their dates what stays is what one run over everything would keep.
With `write_index` the run leaves such an index: 32 bytes a page, by the home shard, so that a later run with as many
shards reads one file a shard.

Writes documents, dropped, stats; index. Memory: ids and addresses of one shard. Ties: rank is a total order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange, hashing
from tamis.barrier import Files, paths
from tamis.dedup import earlier, scope
from tamis.dedup.earlier import Growing, WriteIndex
from tamis.dedup.scope import Within
from tamis.ids import id_halves, id_strings
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, FilePath
from tamis.shards import document_batches, read_table, write_json
from tamis.urls import url_key

VERSION = 2
INDEX_VERSION = 1

PAGES = pa.schema([("high", pa.uint64()), ("key", pa.uint64()), ("scope", pa.uint64()), ("low", pa.uint64())])
"""A page of an index: the halves of the id of its capture, another hash of its URL key (128 bits with the first), and
its scope; sorted."""


class Config(Growing):
    """URL de-duplication."""

    STAGE = "url_dedup"

    applies_to: AppliesTo = Field(
        ("prose", "code", "maths", "licence", "catalogue"),
        description="Kinds whose captures are reduced to one.",
    )
    within: Within = None
    against: tuple[FilePath, ...] = earlier.against("url_dedup", "within")
    write_index: WriteIndex = False

    def agreed(self) -> dict[str, Any]:
        """The settings that decide what is compared."""
        return {"version": INDEX_VERSION, "within": self.within}


def _page_numbers(urls: pa.Array, group: np.ndarray) -> np.ndarray:
    """Number the pages within groups of documents that share half an id: equal in a group if the URL keys are.

    Args:
        urls: n addresses.
        group: int64[n], rising.

    Returns:
        int64[n].
    """
    # The scheme is no part of the key; what else may be written in two ways is up to the key itself.
    urls = pc.replace_substring_regex(urls, "^http://", "https://")
    beside = group[1:] == group[:-1]
    differs = beside & ~pc.equal(urls[1:], urls[:-1]).to_numpy(zero_copy_only=False)
    numbers = np.zeros(len(group), np.int64)
    spelled = np.flatnonzero(np.isin(group, group[1:][differs]))
    written = pc.dictionary_encode(urls.take(pa.array(spelled)))
    keys = pc.dictionary_encode(pa.array([url_key(url) for url in written.dictionary.to_pylist()], pa.string()))
    numbers[spelled] = keys.indices.to_numpy()[written.indices.to_numpy()]
    return numbers


def survivors(documents: pa.Table, config: Config) -> np.ndarray:
    """For each document the row number of the capture that stands for it (itself when it stays).

    Args:
        documents: n documents of one shard: id, url, kind, rank and the column of the scope.
        config: the stage's section.

    Returns:
        int64[n].
    """
    result = np.arange(documents.num_rows)
    rows = np.flatnonzero(pc.is_valid(documents["url"]).to_numpy() & of_kinds(documents, config.applies_to))
    half = id_halves(documents["id"])[0][rows]
    order = np.argsort(half, kind="stable")
    rows, half = rows[order], half[order]
    same = half[1:] == half[:-1]
    # Only rows that share half an id are looked at: the key itself decides, not its hash.
    if not same.any():
        return result
    shares = np.r_[same, False] | np.r_[False, same]
    rows, half = rows[shares], half[shares]
    group = np.cumsum(np.r_[False, half[1:] != half[:-1]])
    page = _page_numbers(documents["url"].take(pa.array(rows)).combine_chunks(), group)
    scopes = scope.hashes(documents.select(["id", *scope.columns(config.within)]).take(pa.array(rows)), config.within)
    order = np.lexsort((documents["rank"].to_numpy()[rows], scopes, page, group))
    rows, group, page, scopes = rows[order], group[order], page[order], scopes[order]
    first = np.r_[True, (group[1:] != group[:-1]) | (page[1:] != page[:-1]) | (scopes[1:] != scopes[:-1])]
    result[rows] = rows[np.flatnonzero(first)][np.cumsum(first) - 1]
    return result


def pages(documents: pa.Table, config: Config) -> tuple[np.ndarray, pa.Table]:
    """The pages of documents, as an index has them.

    Args:
        documents: n documents of one shard: id, url, kind and the column of the scope.
        config: the stage's section.

    Returns:
        int64[m], the rows that have a page; `PAGES` of them, in the same order.
    """
    rows = np.flatnonzero(pc.is_valid(documents["url"]).to_numpy() & of_kinds(documents, config.applies_to))
    some = documents.take(pa.array(rows))
    high, low = id_halves(some["id"])
    keys = hashing.keyed_uint64("url_dedup page", map(url_key, some["url"].to_pylist()))
    scopes = scope.hashes(some.select(["id", *scope.columns(config.within)]), config.within)
    return rows, pa.table([high, keys, scopes, low], schema=PAGES)


def _found_earlier(documents: pa.Table, config: Config, parts: Sequence[Path]) -> pa.Array:
    """For each document the id of the capture that an earlier run kept; null where there is none.

    Args:
        documents: as `pages` takes them.
        config: the stage's section.
        parts: of earlier indexes; the first that holds a page counts.
    """
    found = np.zeros(documents.num_rows, np.bool_)
    high, low = np.zeros((2, documents.num_rows), np.uint64)
    mine = id_halves(documents["id"])[0]
    rows = np.arange(documents.num_rows)
    for path in parts:
        held = exchange.read_batch(path, 0, 1)
        firsts = held["high"].to_numpy()
        # The address is looked at only where half of the id agrees.
        near = rows[~found & np.isin(mine, firsts)]
        of_them, ours = pages(documents.take(pa.array(near)), config)
        theirs = {
            tuple(page[:3]): page[3]
            for page in zip(*(column.to_pylist() for column in held.filter(np.isin(firsts, mine)).columns), strict=True)
        }
        for row, *page in zip(
            near[of_them].tolist(), *(ours[name].to_pylist() for name in PAGES.names[:3]), strict=True
        ):
            if (there := theirs.get(tuple(page))) is not None:
                found[row], high[row], low[row] = True, page[0], there
    return pc.if_else(pa.array(found), id_strings(high, low), None)


def run_apply(
    config: Config, *, shard: int, shards: int, documents: Path, kept: Path, dropped: Path, stats: Path
) -> None:
    """De-duplicate the captures of one shard.

    Args:
        shards: how many there are, which decides where captures of earlier runs lie.
    """
    known = read_table(documents, sorted({"id", "url", "kind", "rank", "copies", *scope.columns(config.within)}))
    parts = [index.part(number) for index in config.earlier() for number in index.meeting(shard, shards)]
    there = _found_earlier(known, config, parts)
    held = pc.is_valid(there).to_numpy(zero_copy_only=False)
    # All captures of a page are there, or none: those that are left stand for each other as without it.
    survivor = survivors(known, config)
    # Each capture's copies are counted at the document that stands for it, which has its own.
    copies = np.bincount(survivor, weights=known["copies"].to_numpy(), minlength=known.num_rows).astype(np.int32)
    stays = (survivor == np.arange(known.num_rows)) & ~held
    with outcome_writer(Outputs(kept, dropped, stats), "url_dedup", shard) as writer:
        first = 0
        for before in document_batches(documents):
            here = slice(first, first + before.num_rows)
            first = here.stop
            counted = before.set_column(
                before.schema.get_field_index("copies"), "copies", pa.array(copies[here], pa.int32())
            )
            gone = ~stays[here]
            earlier_one = there[here.start : here.stop].filter(pa.array(gone))
            new = pc.is_null(earlier_one)
            instead = pc.if_else(new, known["id"].combine_chunks().take(pa.array(survivor[here][gone])), None)
            ledger = dropped_rows(
                "url_dedup",
                before.filter(pa.array(gone)),
                pc.if_else(new, "same_url", earlier.REASON),
                matched_id=pc.coalesce(earlier_one, instead),
                kept_id=instead,
            )
            writer.add(before, counted.filter(pa.array(~gone)), ledger)


def run_held(*, ledgers: str, output: Path) -> None:
    """Note what the run before dropped for earlier runs (`tamis.dedup.earlier.write_held`).

    Args:
        ledgers: folder of the ledgers of this stage.
        output: exchange file to write.
    """
    earlier.write_held(Path(ledgers), output)


def run_index(config: Config, *, documents: Path, output: Path) -> None:
    """Write the part of one shard: the pages of the documents that were kept.

    Args:
        documents: of this stage.
        output: `PAGES`, to write.
    """
    columns = sorted({"id", "url", "kind", *scope.columns(config.within)})
    found = pages(read_table(documents, columns), config)[1].sort_by([(name, "ascending") for name in PAGES.names])
    exchange.write(output, PAGES, [found])


def run_describe(config: Config, *, parts: Files, output: Path) -> None:
    """Describe the index of all shards.

    Args:
        parts: the files of the index.
        output: `index.json`, to write.
    """
    files = paths(parts)
    rows = sum(exchange.read_batch(path, 0, 1, ["high"]).num_rows for path in files)
    write_json(output, config.described(len(files), files, rows=rows))
