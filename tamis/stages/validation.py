"""Reserve the validation split, before anything else is chosen.

A share of the pool's tokens, in each stratum (kind, domain, source or language) the same share, by the keyed hash of
the id: growing the pool keeps most of the split as it is, and no later set may take these documents. De-duplication
leaves what is half like another document, and what quotes it, in the pool; so

* documents that overlap a sampled one (`tamis/sets/apart.py`: half of the smaller one's word 13-grams in both, or a
  near-copy) are **kept apart**: no annealing set or mixture may take them;
* a sampled document whose 13-grams, at least half of them, stand in all that remains together, is **withdrawn**: it is
  in no set at all, and nothing is sampled in its place.

So less than half of a validation document is in any training set, and the split is a little smaller than was asked for.

Steps: sample (one job) → grams (a shard) → compare (a shard) → plan (one job). Writes
`validation/{plan.parquet,apart.parquet,documents,stats,summary.json}`; `apart.parquet` has a ledger row for each
document that is kept apart or withdrawn. Memory: the index of one shard; `grams`, `compare` and `plan` about 60 bytes a
token of the split, which should therefore be some number of tokens where the pool is large. Ties end in the id.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange, schemas
from tamis.barrier import Files, paths
from tamis.ids import keyed_hash
from tamis.schemas import STAGE_COLUMNS
from tamis.section import Section
from tamis.sets import apart
from tamis.sets.budget import Budget
from tamis.sets.plan import CHOICE, UNKNOWN, By, Request, choose, less
from tamis.shards import document_batches, read_table, write_table

VERSION = 2
"""2: what overlaps the split is kept apart from it."""


class Config(Section):
    """The validation split."""

    tokens: Budget = Field(
        0.01,
        description="Size: a share of the pool's tokens, or a number of tokens. 1 % of a few million tokens is enough "
        "for a loss with two digits.",
    )
    stratify: By | None = Field("kind", description="Column in whose every value the same share is taken; null: none.")
    seed: int = Field(0, ge=0, description="Seed of the keyed hash.")
    overlap: float = Field(
        0.5,
        gt=0.0,
        le=1.0,
        description="A document is kept out of the other sets if at least this share of the word n-grams of it or of a "
        "validation document, whichever has fewer, is in both.",
    )
    overlap_ngram: int = Field(13, ge=1, le=50, description="Words of such an n-gram (13 in GPT-3's appendix C).")
    similarity: float = Field(
        0.7,
        gt=0.0,
        le=1.0,
        description="Or if its exact Jaccard similarity to a validation document, on word 5-grams, is this or higher.",
    )
    files: int = Field(1, ge=1, le=10_000, description="Files that the documents are laid out in.")

    def needs(self) -> frozenset[str]:
        """Stage columns that the pool must carry."""
        return frozenset(column for column in STAGE_COLUMNS if column == self.stratify)

    def measure(self) -> apart.Measure:
        """What overlaps."""
        return apart.Measure(self.overlap, self.overlap_ngram, self.similarity)


def run_sample(config: Config, *, shards: int, index: Files, plan: Path, choice: Path) -> None:
    """Sample documents for validation.

    Args:
        index: barrier over the index of all shards.
        plan: what was sampled, as if nothing of it were withdrawn.
        choice: the sample, one batch a shard.
    """
    request = Request(
        where="validation",
        by=config.stratify,
        weights=None,
        budget=config.tokens,
        order=lambda rows: keyed_hash(rows["id"], "validation", config.seed),
        share_of_pool=True,
    )
    choose(request, index=index, shards=shards, excluded=(), plan=plan, choice=choice)


def run_grams(config: Config, *, shards: int, shard: int, documents: Path, sample: Path, output: Path) -> None:
    """Make the n-gram sets of the sampled documents of one shard.

    Args:
        documents: the pool's documents.
        sample: the sample, one batch a shard.
        output: one batch of `tamis.sets.apart.MEMBERS`, to write.
    """
    chosen = exchange.read_batch(sample, shard, shards)["id"].combine_chunks()
    exchange.write(output, apart.MEMBERS, [apart.members(documents, chosen, config.measure())])


def run_compare(
    config: Config,
    *,
    shards: int,
    shard: int,
    documents: Path,
    sample: Path,
    barrier: Files,
    ledger: Path,
    output: Path,
) -> None:
    """Compare the other documents of one shard with all sampled ones.

    Args:
        barrier: over the sets of all shards.
        ledger: ledger rows of the documents that overlap a sampled one, to write: one batch.
        output: one batch of `tamis.sets.apart.SEEN`, to write.
    """
    chosen = exchange.read_batch(sample, shard, shards)["id"].combine_chunks()
    comparison = apart.Comparison(apart.members_behind(barrier), config.measure())
    others = (batch.filter(pc.invert(pc.is_in(batch["id"], value_set=chosen))) for batch in document_batches(documents))
    rows = pa.concat_tables([schemas.empty(schemas.LEDGER), *map(comparison.add, others)])
    exchange.write(ledger, schemas.LEDGER, [rows])
    exchange.write(output, apart.SEEN, [comparison.seen()])


def run_plan(
    config: Config,
    *,
    shards: int,
    index: Files,
    sampled: Path,
    sample: Path,
    grams: Files,
    ledgers: Files,
    seen: Files,
    plan: Path,
    choice: Path,
    apart_choice: Path,
    apart_ledger: Path,
) -> None:
    """Withdraw the sampled documents that stand in others, and say what is kept apart.

    Args:
        index: barrier over the index of all shards.
        sampled: plan of the sample.
        sample: the sample, one batch a shard.
        grams: barrier over the n-gram sets.
        ledgers: barrier over the ledger rows.
        seen: barrier over the n-grams seen elsewhere.
        apart_choice: ids that no set may take, one batch a shard, to write.
        apart_ledger: a ledger row for each of them, to write.
    """
    members = apart.members_behind(grams)
    withdrawn, share = apart.spread(members, list(exchange.read_each(seen, 0, 1)), config.overlap)
    shares = dict(zip(withdrawn.to_pylist(), share.tolist(), strict=True))
    choices, aparts, rows = [], [], []
    taken = {row["domain"]: [0, 0] for row in read_table(sampled).to_pylist()}
    files = zip(paths(index), exchange.read_each(ledgers, 0, 1), strict=True)
    for shard, (known, overlapping) in enumerate(files):
        chosen = exchange.read_batch(sample, shard, shards)
        gone = pc.is_in(chosen["id"], value_set=withdrawn)
        choices.append(chosen.filter(pc.invert(gone)))
        table = exchange.read_batch(known, 0, 1)
        lost = table.filter(pc.is_in(table["id"], value_set=chosen["id"].filter(gone).combine_chunks()))
        value = pc.fill_null(lost[config.stratify], UNKNOWN).to_pylist() if config.stratify else ["all"] * len(lost)
        for group, tokens in zip(value, lost["tokens"].to_pylist(), strict=True):
            taken[group][0] += 1
            taken[group][1] += tokens
        names = lost["id"].to_pylist()
        rows += [overlapping, apart.withdrawn_rows(lost, [shares[name] for name in names], config.overlap)]
        ids = pa.concat_arrays([overlapping["id"].combine_chunks(), lost["id"].combine_chunks()])
        aparts.append(pa.table([ids, pa.repeat(pa.scalar(1, pa.int32()), len(ids))], schema=CHOICE).sort_by("id"))
    exchange.write(choice, CHOICE, choices)
    exchange.write(apart_choice, CHOICE, aparts)
    write_table(apart_ledger, pa.concat_tables(rows).sort_by("id"))
    write_table(plan, less(read_table(sampled), taken))
