"""Keep one capture of each URL.

Two documents are captures of one page when their URL keys (`tamis/urls.py`) are equal. The key's hash is the first
half of the id and decides the home shard, so captures always meet in one shard and nothing crosses. Rows
whose halves agree are compared by the key itself. The survivor is the first in the keep order (Llama 3.1 keeps the
most recent); the others become ledger rows of reason `same_url` that name it, and it takes over their copies.
Documents without a URL pass through. With `within`, captures are compared inside one value of that column.

Writes documents, dropped, stats. Memory: one shard. Ties: rank is a total order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field

from tamis import scope
from tamis.ledger import Outputs, add_copies, dropped_rows, write_outcome
from tamis.scope import Within
from tamis.section import AppliesTo, Section
from tamis.shards import read_documents
from tamis.urls import url_key

VERSION = 1
NEEDS: frozenset[str] = frozenset()
ADDS: tuple[str, ...] = ()
CUTS_TEXT = False


class Config(Section):
    """URL de-duplication."""

    applies_to: AppliesTo = Field(
        ("prose", "code", "maths", "licence", "catalogue"),
        description="Kinds whose captures are reduced to one.",
    )
    within: Within = None


def survivors(documents: pa.Table, config: Config) -> np.ndarray:
    """For each document the row number of the capture that stands for it (itself when it stays).

    Args:
        documents: n documents of one shard, sorted by id.
        config: the stage's section.

    Returns:
        int64[n].
    """
    n = documents.num_rows
    own = np.arange(n)
    if n < 2:
        return own
    frame = pl.DataFrame(documents.select(["id", "url", "kind", "rank"])).with_columns(
        row=pl.lit(pl.Series(own)),
        half=pl.col("id").str.slice(0, 16),
        scope=pl.lit(pl.Series(scope.hashes(documents, config.within))),
    )
    candidates = frame.filter(pl.col("url").is_not_null() & pl.col("kind").is_in(list(config.applies_to))).filter(
        pl.len().over("half") > 1
    )
    # Only rows that share half an id are spelled out: the key itself decides, not its hash.
    keys = [url_key(url) for url in candidates["url"].to_list()]
    chosen = (
        candidates.with_columns(pl.Series("key", keys, dtype=pl.String))
        .sort("rank")
        .with_columns(
            survivor=pl.col("row").first().over("key", "scope"),
        )
    )
    result = own.copy()
    result[chosen["row"].to_numpy()] = chosen["survivor"].to_numpy()
    return result


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """De-duplicate the captures of one shard.

    Args:
        config: the stage's section.
        shard: which.
        documents: documents to read.
        kept: documents to write.
        dropped: ledger to write.
        stats: stats to write.
    """
    before = read_documents(documents)
    survivor = survivors(before, config)
    stays = survivor == np.arange(before.num_rows)
    gone = before.filter(pa.array(~stays))
    matched = before["id"].take(pa.array(survivor[~stays]))
    extra: dict[str, int] = {}
    for name, copies in zip(matched.to_pylist(), gone["copies"].to_pylist(), strict=True):
        extra[name] = extra.get(name, 0) + copies
    after = add_copies(before.filter(pa.array(stays)), extra)
    ledger = dropped_rows("url_dedup", gone, "same_url", matched_id=matched)
    write_outcome(Outputs(kept, dropped, stats), "url_dedup", shard, before, after, ledger)
