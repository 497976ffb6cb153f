"""The score of an ensemble: what the ranks that earlier classifiers give a document come to.

What: the score of each member becomes a rank among all documents of the same kind that reach the stage, from 0 to 1,
ties at the middle; their mean, largest or smallest is the score. Thresholds, shares, filters, cascades and sets read it
like any other; `threshold` and `apply` are those of `tamis/stages/classifier.py`.

Steps: count (a shard) → rank (one job, `tamis/classifiers/ranks.py`) → score (a shard). Exact, whatever the shards.
Writes members.json (documents that each member scored) and scores: beside the score `rank_<member>`, the ranks.
Memory: the scores of one shard; in `rank` a few thousand rows a shard. Ties: equal scores have equal ranks.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis import exchange, streams
from tamis.barrier import Files, paths
from tamis.classifiers import ranks
from tamis.classifiers.good_bad import write_scores
from tamis.classifiers.kinds import Ensemble
from tamis.classifiers.scores import Lengths, scattered
from tamis.shards import read_json, read_table, write_json

log = logging.getLogger(__name__)

VERSION = 1


def run_count(config: Ensemble, *, name: str, shard: int, documents: Path, output: Path) -> None:
    """Count one shard's documents by score."""
    rows = read_table(documents, ["kind", *config.of])
    table, counts = ranks.counted(rows, ranks.groups_of(config.applies_to, config.of), shard)
    exchange.write(output, streams.with_counts(ranks.COUNTED, counts), streams.sorted_batches(table))
    log.info("%s: %d distinct scores of %s", name, table.num_rows, counts)


def run_rank(config: Ensemble, *, name: str, shards: int, barrier: Files, output: Path, members: Path) -> None:
    """Find the rank of every score over all shards.

    Args:
        name: of the ensemble.
        shards: number of shards.
        barrier: over the counts.
        output: a round file, for each shard the ranks of its scores.
        members: JSON to write, how many documents each member scored, by kind.
    """
    files, groups = paths(barrier), ranks.groups_of(config.applies_to, config.of)
    documents = ranks.totals(files, groups)
    streams.write_rounds(
        output, ranks.RANKED, ranks.ranked(files), lambda table: table["shard"].to_numpy().astype(np.int64), shards
    )
    told = {"model": config.model, "by": config.by, "buckets": config.buckets, "missing": config.missing}
    scored = {str(group): {"kind": group.kind, "member": group.score} for group in groups}
    rows = [row | {"documents": documents[group]} for group, row in scored.items()]
    write_json(members, told | {"members": rows})
    log.info("%s: ranked %s", name, documents)


def run_score(
    config: Ensemble, *, name: str, shard: int, shards: int, documents: Path, ranked: Path, members: Path, scores: Path
) -> None:
    """Score one shard.

    Args:
        ranked: from `run_rank`.
        members: from `run_rank`.
    """
    known = read_table(documents, ["id", "kind", "source", *config.of])
    groups = ranks.groups_of(config.applies_to, config.of)
    total = {f"{row['kind']}/{row['member']}": int(row["documents"]) for row in read_json(members)["members"]}
    own = pa.concat_tables([ranks.RANKED.empty_table(), *streams.read_rounds(ranked, shard, shards)])
    found = ranks.ranks(known, groups, own, total, config.buckets)
    score = ranks.together(found, config.by, config.missing)
    where = ~np.isnan(score)
    more = {
        f"rank_{member}": scattered(column[~np.isnan(column)], ~np.isnan(column))
        for member, column in zip(config.of, found.T, strict=True)
    }
    given = score[where].astype(np.float32)
    write_scores(name, scores, known, where, given, Lengths().of(documents, where), more=more)
