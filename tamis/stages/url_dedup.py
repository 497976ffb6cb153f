"""Keep one capture of each URL.

Two documents are captures of one page when their URL keys (`tamis/urls.py`) are equal. The key's hash is the first
half of the id and decides the home shard, so captures always meet in one shard and nothing crosses. Rows
whose halves agree are compared by the key itself. The survivor is the first in the keep order (Llama 3.1 keeps the
most recent); the others become ledger rows of reason `same_url` that name it, and it takes over their copies.
Documents without a URL pass through. With `within`, captures are compared inside one value of that column.

Writes documents, dropped, stats. Memory: ids and addresses of one shard. Ties: rank is a total order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.dedup import scope
from tamis.dedup.scope import Within
from tamis.ids import id_halves
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, Section
from tamis.shards import document_batches, read_table
from tamis.urls import url_key

VERSION = 2


class Config(Section):
    """URL de-duplication."""

    applies_to: AppliesTo = Field(
        ("prose", "code", "maths", "licence", "catalogue"),
        description="Kinds whose captures are reduced to one.",
    )
    within: Within = None


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


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """De-duplicate the captures of one shard."""
    known = read_table(documents, sorted({"id", "url", "kind", "rank", "copies", *scope.columns(config.within)}))
    survivor = survivors(known, config)
    # Each capture's copies are counted at the document that stands for it, which has its own.
    copies = np.bincount(survivor, weights=known["copies"].to_numpy(), minlength=known.num_rows).astype(np.int32)
    stays = survivor == np.arange(known.num_rows)
    with outcome_writer(Outputs(kept, dropped, stats), "url_dedup", shard) as writer:
        first = 0
        for before in document_batches(documents):
            here = slice(first, first + before.num_rows)
            first = here.stop
            counted = before.set_column(
                before.schema.get_field_index("copies"), "copies", pa.array(copies[here], pa.int32())
            )
            gone = ~stays[here]
            instead = known["id"].take(pa.array(survivor[here][gone]))
            ledger = dropped_rows(
                "url_dedup",
                before.filter(pa.array(gone)),
                "same_url",
                matched_id=instead,
                kept_id=instead,
            )
            writer.add(before, counted.filter(pa.array(~gone)), ledger)
