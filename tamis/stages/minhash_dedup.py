"""Keep one of each group of near-duplicates, whatever shard they lie in.

Near-duplicates are found with MinHash-LSH on word n-grams (Broder 1997; Lee et al. 2022, "Deduplicating training data
makes language models better") and then **verified**: a document is dropped only if another document has an exact
Jaccard similarity of at least `threshold` to it on their sets of word n-grams. The ledger names that document and the
similarity. With `grouping: greedy` it is an earlier one in the keep order that stays; with `components` it is the most
similar one, which may have been dropped itself, and `kept_id` names the one that stays for the whole group.

With 42 bands of 6 rows a pair at Jaccard 0.7 becomes a candidate with probability 99.5 %, with the common 14 × 8
(datatrove, FineWeb) with 56 %. On nine real corpora 42 × 6 lets 0.1 % of the pairs from 0.70 to 0.72 through, 14 × 8
33 %; of all 146,820 pairs at or above 0.7 the defaults keep both of 2.

The steps, each a job a shard or a partition, with an exchange after it:

1. `map`      n-gram set of each document → its size, 128-bit hash and band hashes, to the partitions they fall into.
2. `pairs`    documents with equal sets collapse: the first in keep order goes on, the others follow its fate. In each
              bucket of a band, every member with the first `bucket_candidates` members in keep order; what that bound
              leaves out is counted (`suppressed_pairs`), so a bucket of m gives K·m pairs and not m²/2.
3. `sets`     each set that a pair needs goes once to each shard where the pair's earlier document lies,
4. `verify`   where the exact similarity is computed; pairs at or above the threshold are edges.
5. `resolve`  one pass over the edges in keep order (see `grouping`).
6. `apply`    documents, ledger, stats. With `audit_sample`, the run measures its own recall there, on sets that a job
              `audit` a shard has taken (`tamis/dedup/minhash/recall.py`).

The text that is compared is the one that reached the first stage that cuts repeated text (`judged`), whatever was cut
since: no cut hides that two documents were near-duplicates.

Definitions: words are those of `tamis.text`, so case, punctuation and line breaks do not matter. An n-gram is a 64-bit
hash of n consecutive words; "exact" is exact on those hashes. A document of fewer than n words has one n-gram, all its
words: it can only equal another. A document without any word is never a duplicate here. Buckets, ranks and the bound do
not know shards, so neither does the result.

Code and maths are more than their words: of these kinds (`operators_in`) two documents are exact copies only if their
operators and digits follow each other in the same order, and near-duplicates only if that is so or both have
`operators_below` characters or more (`tamis/dedup/minhash/operators.py`); pairs that are told apart so are counted
(`pairs_told_apart`). In the default experiment of 615 verified pairs 2 are told apart at 500 characters, 4 at 1,000 and
41 at 3,000, most of which are versions of one file. With `exact: bytes` only texts that are equal byte for byte are
copies, of all kinds.

An extract and the document that it was taken from (`parent`) are no near-duplicates of each other, however similar;
such pairs are counted (`pairs_of_extracts`). Which of the two goes is decided by `extracts`, when it is known what
stays. Extracts come last in the keep order, so that no other document goes because an extract is like it.

With `within`, documents are compared only inside one value of a column (a source, a snapshot): the value's hash goes
into set and band hashes, and `verify` asks for equality.

With `against`, a document that the index of an earlier run holds goes first of all (`lookup`, `match`), verified in
the same way, and takes no part in the other steps; `write_index` writes the index of this run
(`tamis/dedup/minhash/index.py`). With `keep: [oldest, …]` and runs in the order of their dates the documents that stay
are those of one run over everything, but for pairs that the bound of a bucket leaves out.

Reasons: `in_earlier_corpus`; `exact_ngram_set` (the same set as the document named, which stays; with `exact: bytes`
`exact_text`, the same text) and `near_duplicate`; value and similarity are the exact Jaccard similarity to the document
named, never null. A document that collapsed into one that was dropped afterwards names what that one was dropped for.
For `in_earlier_corpus` no document of this run stays, so `kept_id` is null.

Memory: one shard's signatures (8 bytes a band of a document) and the n-gram sets that are asked of it, or one
partition's band hashes (about 30 bytes each); `resolve` one bit a document; `apply` the shard's verdicts. Text goes
through a few thousand documents at a time. Ties: highest similarity, then rank.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis import exchange, streams
from tamis.barrier import Files, paths
from tamis.dedup import earlier, scope
from tamis.dedup.earlier import Growing, WriteIndex, part_file
from tamis.dedup.minhash import candidates, groups, index, recall, signatures, verification
from tamis.dedup.minhash.operators import Operators
from tamis.dedup.minhash.verdicts import EXACT_TEXT, VERDICTS, rounds, split_by_verdict, with_earlier
from tamis.dedup.scope import Within
from tamis.ledger import Outputs, outcome_writer
from tamis.section import AppliesTo, FilePath, Kind, Share
from tamis.shards import document_batches, read_table, table_batches, write_json

VERSION = 7
"""7: an extract and its parent are no pair."""

STAGE = "minhash_dedup"


def candidate_probability(similarity: float, bands: int, rows: int) -> float:
    """Chance that a pair of some Jaccard similarity meets in at least one band: 1 - (1 - s^rows)^bands."""
    return float(1.0 - (1.0 - similarity**rows) ** bands)


class Config(Growing):
    """Near-duplicate removal across the whole corpus."""

    STAGE = STAGE
    FILES = index.FILES

    applies_to: AppliesTo = Field(
        ("prose", "code", "maths", "licence", "catalogue"),
        description="Kinds among which near-duplicates are looked for; kinds are compared with each other.",
    )
    threshold: Share = Field(
        0.7,
        gt=0.0,
        description="Smallest exact Jaccard similarity of word n-gram sets at which a document is a near-duplicate "
        "(Lee et al. 2022 use 0.8, FineWeb about 0.75 by its bands).",
    )
    exact: Literal["words", "bytes"] = Field(
        "words",
        description="words: near-duplicates as described. bytes: a document goes only if its text is another's, byte "
        "for byte (exact_text), of any kind; threshold, ngram, bands, rows and operators_in then do not matter.",
    )
    operators_in: tuple[Kind, ...] = Field(
        ("code", "maths"),
        description="Kinds of which two documents are exact copies only if their sequences of operators and digits are "
        "equal too. Words alone do not tell x < lo from x > lo.",
    )
    operators_below: int = Field(
        500,
        ge=0,
        description="Two such documents, one of which has fewer characters, are no near-duplicates either, whatever "
        "their similarity. At threshold 1 no two of any length are.",
    )
    ngram: int = Field(5, ge=1, le=50, description="Words an n-gram (5 in Lee et al. 2022 and FineWeb).")
    bands: int = Field(42, ge=1, le=1024, description="Bands of the signature; more find more pairs.")
    rows: int = Field(6, ge=1, le=64, description="Signature values a band; more let fewer pairs through.")
    permutations: int | None = Field(
        None, ge=1, description="Length of the signature. Follows from bands × rows; if given, it must equal it."
    )
    recall: Share = Field(
        0.99,
        lt=1.0,
        description="Smallest allowed chance, 0 to 1, that a pair at the threshold becomes a candidate: settings of "
        "bands and rows below it are refused. 42 × 6 gives 0.995 at 0.7, 14 × 8 (FineWeb) 0.565.",
    )
    bucket_candidates: int = Field(
        64,
        ge=1,
        description="Members of a bucket, first in keep order, with which each other member is compared (K). Bounds "
        "the work on template pages; what it leaves out is counted as suppressed_pairs.",
    )
    grouping: Literal["greedy", "components"] = Field(
        "greedy",
        description="greedy: a document goes only if it is itself similar to one that stays. components: all documents "
        "that a chain of similar ones joins are one group, of which the first in keep order stays (kept_id in the "
        "ledger); matched_id names the most similar neighbour, whether that one stays or not.",
    )
    seed: int = Field(0, ge=0, description="Seed of the permutations and hash keys.")
    within: Within = None
    against: tuple[FilePath, ...] = earlier.against(
        "minhash_dedup", "ngram, bands, rows, seed, operators_in, operators_below and within"
    )
    write_index: WriteIndex = False
    audit_sample: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="About how many documents, chosen by a keyed hash, are compared with the whole corpus by brute "
        "force to measure recall; 0: no audit. The notes audit_pairs and audit_missed say how many pairs at or above "
        "the threshold that found and how many of them are both kept. Memory: about 60 bytes an n-gram of the sample "
        "(27 kB a document of 3 kB).",
    )

    @model_validator(mode="after")
    def _bands_fit(self) -> Config:
        if self.permutations is not None and self.permutations != self.bands * self.rows:
            msg = (
                f"permutations is {self.permutations}, but bands × rows is {self.bands} × {self.rows} = "
                f"{self.bands * self.rows}; leave permutations out, or make them agree"
            )
            raise ValueError(msg)
        if self.exact == "bytes" and (self.against or self.write_index or self.audit_sample):
            msg = (
                "exact: bytes compares whole texts; against, write_index and audit_sample are for n-gram sets. Leave "
                "them out, or compare words"
            )
            raise ValueError(msg)
        chance = candidate_probability(self.threshold, self.bands, self.rows)
        if chance < self.recall:
            msg = (
                f"bands {self.bands} and rows {self.rows} make a pair at threshold {self.threshold:g} a candidate with "
                f"probability {chance:.3f}, less than recall {self.recall:g}; take more bands, fewer rows, or lower "
                "recall"
            )
            raise ValueError(msg)
        return self

    def for_looking_up(self) -> Config:
        """The section without what only the audit and the index use, for the params of `lookup` and `match`."""
        return self.model_copy(update={"audit_sample": 0, "write_index": False})

    def for_comparing(self) -> Config:
        """And without the earlier runs, which only these two look at, for the params of the others."""
        return self.for_looking_up().model_copy(update={"against": ()})

    def for_pairs(self) -> Config:
        """And of the steps that find what is compared: moving the threshold finds nothing again."""
        compared = {"threshold": 1.0 if self.threshold >= 1.0 else 0.7, "recall": 0.0, "grouping": "greedy"}
        return self.for_comparing().model_copy(update=compared)

    def for_documents(self) -> Config:
        """As `for_comparing`."""
        return self.for_comparing()

    def agreed(self) -> dict[str, Any]:
        """The settings that decide what is compared."""
        return index.settings(self.scheme())

    def scheme(self) -> signatures.Scheme:
        """How sets and signatures are made."""
        if self.exact == "bytes":
            return signatures.Scheme(self.ngram, 1, 1, self.seed, self.within, by_bytes=True)
        operators = Operators(self.operators_in, self.operators_below, always=self.threshold >= 1.0)
        return signatures.Scheme(self.ngram, self.bands, self.rows, self.seed, self.within, operators)


def run_map(
    config: Config,
    *,
    partitions: int,
    judged: Path,
    documents: Path,
    signatures_file: Path,
    output: Path,
) -> None:
    """Make the signatures of one shard and route them.

    Args:
        judged: documents with the text that is compared; those among them that are gone are left out.
        documents: the documents of the stage before.
        signatures_file: signatures of this shard without bands, to write.
        output: rows of `tamis.dedup.minhash.candidates.MEMBERS` by partition, to write.
    """
    table = signatures.signatures(judged, documents, config.scheme(), config.applies_to)
    with_words = pc.sum(pc.greater(table["size"], 0)).as_py() or 0
    known = table.drop_columns(["bands"])
    exchange.write(signatures_file, streams.with_counts(known.schema, {recall.WITH_WORDS: with_words}), [known])
    exchange.write(output, candidates.MEMBERS, candidates.members(table, table["size"].to_numpy() > 0, partitions))


def run_lookup(config: Config, *, partitions: int, partition: int, barrier: Files, output: Path) -> None:
    """Look the bands of one partition up in the indexes of earlier runs.

    Args:
        barrier: over the rows of all shards.
        output: rows of `tamis.dedup.minhash.index.FOUND` by shard, to write.
    """
    members = list(exchange.read_each(barrier, partition, partitions))
    tables, left_out = index.lookup(members, config.earlier(), partition, partitions, config.bucket_candidates)
    exchange.write(output, streams.with_counts(index.FOUND, {"earlier_suppressed_pairs": left_out}), tables)


def run_match(
    config: Config,
    *,
    shards: int,
    partitions: int,
    shard: int,
    judged: Path,
    signatures_file: Path,
    members: Path,
    barrier: Files,
    matches: Path,
    output: Path,
) -> None:
    """Find the documents of one shard that an earlier corpus holds, and leave them out of what follows.

    Args:
        members: this shard's rows by partition, from map.
        barrier: over what was looked up in all partitions.
        matches: rows of `tamis.dedup.minhash.index.MATCHES` and counts, to write.
        output: the rows of the other documents by partition, to write.
    """
    files = paths(barrier)
    found = exchange.read(barrier, shard, shards).group_by(index.FOUND.names).aggregate([])
    known = exchange.read_batch(signatures_file, 0, 1, ["rank", "size", "scope", "operators"])
    table, told_apart = index.matches(judged, known, found, config.earlier(), config.scheme(), config.threshold)
    counts = {
        "earlier_candidate_pairs": found.num_rows,
        "earlier_suppressed_pairs": sum(streams.counts(path)["earlier_suppressed_pairs"][shard] for path in files),
        "earlier_pairs_told_apart": told_apart,
    }
    exchange.write(matches, streams.with_counts(index.MATCHES, counts), [table])
    gone = table["rank"].combine_chunks()
    every = (exchange.read_batch(members, partition, partitions) for partition in range(partitions))
    rest = (rows.filter(pc.invert(pc.is_in(rows["rank"], value_set=gone))) for rows in every)
    exchange.write(output, candidates.MEMBERS, rest)


def run_pairs(
    config: Config, *, partitions: int, partition: int, barrier: Files, output: Path, collapsed: Path
) -> None:
    """Find the documents of equal n-gram sets in one partition, and pair the members of its buckets.

    Args:
        barrier: over the rows of all shards.
        output: candidate pairs by the shard of the later document, to write.
        collapsed: documents that collapsed and into whom, sorted by that one's rank, to write.
    """
    found = candidates.Partition(list(exchange.read_each(barrier, partition, partitions)))
    table = found.collapsed()
    exchange.write(collapsed, table.schema, streams.sorted_batches(table))
    if config.exact == "bytes":
        batches, suppressed = [candidates.PAIRS.empty_table()] * found.shards, [0] * found.shards
    else:
        batches, suppressed = found.pairs(config.bucket_candidates)
    exchange.write(output, streams.with_counts(candidates.PAIRS, {"suppressed_pairs": suppressed}), batches)


def run_sets(
    config: Config, *, shards: int, shard: int, judged: Path, signatures_file: Path, barrier: Files, output: Path
) -> None:
    """Send the n-gram sets of this shard to the shards of their earlier candidates.

    Args:
        barrier: over the candidate pairs of all partitions.
        output: sets and candidates by the shard of the earlier document, to write.
    """
    files = paths(barrier)
    pairs = candidates.unique_pairs([exchange.read_batch(path, shard, shards) for path in files])
    known = exchange.read_batch(signatures_file, 0, 1, [*verification.COMPARED, "size"])
    suppressed = [streams.counts(path)["suppressed_pairs"] for path in files]
    counts = {
        "candidate_pairs": pairs.num_rows,
        "suppressed_pairs": sum(by_shard[shard] for by_shard in suppressed),
        "without_words": pc.sum(pc.equal(known["size"], 0)).as_py() or 0,
    }
    batches = verification.needed_sets(judged, known, pairs, config.scheme(), shards)
    exchange.write(output, streams.with_counts(verification.SETS, counts), batches)


def run_verify(
    config: Config, *, shard: int, judged: Path, signatures_file: Path, barrier: Files, output: Path
) -> None:
    """Compute the exact similarity of candidate pairs whose earlier document is in this shard.

    Args:
        barrier: over the sets of all shards.
        output: verified edges, sorted by rank, to write.
    """
    known = exchange.read_batch(signatures_file, 0, 1, [*verification.COMPARED, "size"])
    both_ways = config.grouping == "components"
    edges, told_apart, extracts = verification.verified(
        judged,
        known,
        paths(barrier),
        config.scheme(),
        config.threshold,
        shard=shard,
        both_ways=both_ways,
    )
    counts = {
        "verified_pairs": edges.num_rows // (2 if both_ways else 1),
        "pairs_told_apart": told_apart,
        "pairs_of_extracts": extracts,
    }
    exchange.write(output, streams.with_counts(verification.EDGES, counts), streams.sorted_batches(edges))


def run_resolve(config: Config, *, shards: int, edges: Files, collapsed: Files, output: Path) -> None:
    """Decide for the whole corpus which documents stay.

    Args:
        edges: barrier over the verified edges of all shards.
        collapsed: barrier over the collapsed documents of all partitions.
        output: verdicts by shard, to write.
    """
    decide = groups.greedy_verdicts if config.grouping == "greedy" else groups.component_verdicts
    decided = decide(paths(edges), paths(collapsed))
    exchange.write(output, VERDICTS, rounds(decided, shards))


def _earlier(matches: Path | None) -> pa.Table:
    """What an earlier corpus holds of a shard: nothing, where there is none."""
    return exchange.read_batch(matches, 0, 1) if matches else index.MATCHES.empty_table()


def run_audit(
    config: Config,
    *,
    shards: int,
    shard: int,
    judged: Path,
    signatures_file: Path,
    barrier: Files,
    verdicts: Path,
    output: Path,
    matches: Path | None = None,
) -> None:
    """Take the sample of one shard for the audit.

    Args:
        barrier: over the signatures of all shards, for the number of documents.
        matches: the documents of this shard that an earlier corpus holds, where there is one.
        output: n-gram sets of the sampled documents, to write.
    """
    known = exchange.read_batch(signatures_file, 0, 1, ["rank", "id", "size", "scope", "operators", "parent"])
    with_words = sum(streams.counts(path)[recall.WITH_WORDS] for path in paths(barrier))
    taken = recall.chosen(known, config.audit_sample, with_words)
    known_earlier = _earlier(matches)["rank"].to_numpy()
    dropped = np.concatenate([recall.dropped_ranks(verdicts, shard, shards), known_earlier])
    table = recall.sampled(judged, known, taken, dropped, config.scheme())
    exchange.write(output, table.schema, [table])


def run_apply(
    config: Config,
    *,
    shards: int,
    shard: int,
    judged: Path,
    documents: Path,
    sets: Path,
    edges: Path,
    verdicts: Path,
    kept: Path,
    dropped: Path,
    stats: Path,
    matches: Path | None = None,
    audit: Files | None = None,
) -> None:
    """Write the outcome of one shard.

    Args:
        sets: this shard's file of sets, for its counts.
        edges: this shard's file of edges, for its counts.
        matches: the documents of this shard that an earlier corpus holds, and counts, where there is one.
        audit: barrier over the samples of all shards, where recall is measured.
    """
    mine = [VERDICTS.empty_table(), *streams.read_rounds(verdicts, shard, shards)]
    verdict = with_earlier(pa.concat_tables(mine), _earlier(matches))
    gone = verdict.filter(pc.is_valid(verdict["reason"])).combine_chunks()
    if config.exact == "bytes":
        reason = pa.array([EXACT_TEXT] * gone.num_rows, pa.string())
        gone = gone.set_column(gone.schema.get_field_index("reason"), "reason", reason)
    naming = verdict.filter(pc.is_null(verdict["reason"])).group_by("rank")
    extra = naming.aggregate([("copies", "sum"), ("copies", "count")]).combine_chunks()
    with outcome_writer(Outputs(kept, dropped, stats), STAGE, shard) as writer:
        for before in document_batches(documents):
            after, rows = split_by_verdict(
                STAGE, before, gone, extra, 1.0 if config.exact == "bytes" else config.threshold
            )
            writer.add(before, after, rows)
        largest = 1 + pc.max(extra["copies_count"]).as_py() if extra.num_rows else 0
        writer.notes.update(groups=extra.num_rows, largest_group=largest)
        for path in (sets, edges, *([matches] if matches else [])):
            writer.notes.update(streams.counts(path))
        if audit is not None:
            writer.notes.update(_measured(config, paths(audit), shard, judged, documents, gone["rank"].to_numpy()))


def _measured(
    config: Config, sample: list[Path], shard: int, judged: Path, documents: Path, dropped: np.ndarray
) -> dict[str, int]:
    """What the audit finds among the documents of one shard."""
    measure = recall.Audit(sample, config.scheme(), config.threshold, config.applies_to)
    there = read_table(documents, ["rank", "copies"])
    columns = sorted({"id", "kind", "text", "parent", "copies", "rank", *scope.columns(config.within)})
    for batch in table_batches(judged, columns):
        compared = signatures.still_there(batch, there)
        ranks = compared["rank"].to_numpy()
        measure.add(compared, ranks[~np.isin(ranks, dropped)])
    return {
        "audit_pairs": measure.pairs,
        "audit_missed": measure.missed,
        "audit_documents": exchange.read_batch(sample[shard], 0, 1, ["rank"]).num_rows,
    }


def run_held(*, ledgers: str, output: Path) -> None:
    """Note what the run before dropped for earlier runs (`tamis.dedup.earlier.write_held`).

    Args:
        ledgers: folder of the ledgers of this stage.
        output: exchange file to write.
    """
    earlier.write_held(Path(ledgers), output)


def run_index(config: Config, *, partitions: int, judged: Path, documents: Path, bands: Path, sets: Path) -> None:
    """Write the part of one shard of the index for later runs.

    Args:
        judged: documents with the text that is compared.
        documents: the documents that were kept.
        bands: band hashes by partition, to write.
        sets: n-gram sets, to write.
    """
    index.write_part(judged, documents, config.scheme(), config.applies_to, partitions, bands, sets)


def run_describe(config: Config, *, shards: int, partitions: int, output: Path) -> None:
    """Write the description of the index, when all its parts are there.

    Args:
        output: `index.json` beside the parts, to write.
    """
    bands, sets = ([part_file(output.parent, shard, what) for shard in range(shards)] for what in index.FILES)
    documents = index.documents_of(sets)
    told = config.described(shards, [*bands, *sets], partitions=partitions, documents=documents)
    write_json(output, told | {"bytes_a_document": round(told["bytes"] / documents, 1) if documents else None})
