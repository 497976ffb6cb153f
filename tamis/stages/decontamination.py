"""Take out what stands in benchmarks: drop the documents that hold items of them, or cut the items out of them.

Brown et al. 2020 (GPT-3) and Dubey et al. 2024 (Llama 3) look for 13-grams of words, which a changed word in thirteen
hides; 46 % of evaluation items have fewer than 13 words. Here (`method: overlap`)

* texts are compared by the words that a reader sees (`tamis.kernels.visible_words`): wrapping, case, punctuation,
  quotes, Markdown, HTML and the spacing of LaTeX hide nothing; each ideograph is a word;
* every run of `seed` words of an item is found by its hash, and the item laid over the document there, word by word,
  over changed, missing and foreign words (`tamis.kernels.contamination`);
* what was found is weighed by rarity: a word weighs by how few passages of this corpus hold it, so that names and
  numbers decide, not "what is the value of" (`tamis.decontamination.rarity`). An item is there when `threshold` of its
  weight is; of one of fewer than `short_below` words `short_threshold`, of one of fewer than `exact_below` all of it;
* the words of an item of fewer than twice `short_below` words are counted, too, and one in eight may be missing (at
  least one): a film's title has most of the weight of "The language of … is", and asks nothing;
* one of fewer than a seed is looked for whole, if it has `min_words` words and says something (`min_information`),
  which "yes" does not. A question of fewer than `exact_below` words that says no more than a phrase does
  (`phrase_information`) is found only where its answer stands behind it.

`method: ngram` takes one common run of `ngram` words for an item, shorter items whole, as those papers do.

Question and answer are looked for apart. A match is a `pair` (a question with its answer behind it, or with its
solution anywhere in the document), a `question`, an `answer` (a worked solution alone) or a `passage`; `acts_on` names
those that count, the others are listed only. `mode: drop` drops the document; `mode: cut` cuts the span and `margin`
characters around it, and drops a document that would lose more than `max_cuts` pieces or keep fewer than
`min_characters` characters (GPT-3: 200 characters, ten pieces, 200 characters).

The column `contamination` holds the largest score of any item in a document, whether it was enough or not, so that a
set may ask for less than the pool does (`max_contamination` of annealing sets and mixtures).

**The error is known.** `audit` items a disguise are planted into copies of documents of this corpus and looked for
(`tamis.decontamination.audit`); from their recall follows how many of each benchmark are there and were not found.

Steps: index (one job: the items) → map (a shard: passages that hold each word; documents for the audit) → rarity (one
job: their sums) → audit, apply (a shard) → table (one job: by benchmark). What crosses is a count a word of the items.
Memory: the index (1.8 kB an item) and a batch. Measured figures: `benchmarks/results`.

Writes documents, dropped, edits, stats, `found/` (every match: item, part, span, score, what became of it),
`audit.json` and `contamination.json`. The note seeds_not_extended counts what a text made of seeds was spared.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pyarrow as pa
from pydantic import Field

from tamis import exchange
from tamis.barrier import Files, paths
from tamis.decontamination.benchmarks import Benchmark, Item, read_items
from tamis.errors import ConfigError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, Section, Share
from tamis.shards import document_batches, read_json, table_batches, write_json, write_table

if TYPE_CHECKING:
    from tamis.decontamination.index import Scheme
    from tamis.readers.fetch import Release

VERSION = 4

STAGE = "decontamination"

ADDS = ("contamination",)

Part = Literal["pair", "question", "answer", "passage"]

HOLDING = pa.schema([("holding", pa.int64())])
"""Passages of 256 words that hold each word of the index, then the number of passages."""
CARRIERS = pa.schema([("key", pa.uint64()), ("id", pa.string()), ("text", pa.large_string())])
"""Documents that the audit plants items into copies of."""


class Config(Section):
    """Taking out benchmark items: decontamination."""

    benchmarks: tuple[Benchmark, ...] = Field(
        (), description="What is looked for: files of each benchmark and what their fields mean."
    )
    applies_to: AppliesTo = Field(
        ("prose", "code", "maths", "licence", "catalogue"), description="Kinds of document that are looked through."
    )
    method: Literal["overlap", "ngram"] = Field(
        "overlap",
        description="overlap: short seeds, extended to an overlap weighted by rarity; ngram: one common n-gram of "
        "words, as GPT-3 and Llama 3 do.",
    )
    seed: int = Field(
        5,
        ge=3,
        le=8,
        description="Words of a seed, for overlap. Of items of 12 words of which 5 % were changed, some lack a whole "
        "run of 8.",
    )
    threshold: Share = Field(
        0.75,
        gt=0.0,
        description="Share of an item's weight that must be found, for overlap.",
    )
    short_below: int = Field(
        12,
        ge=1,
        le=100,
        description="Of texts of fewer words short_threshold must be found, for overlap; answers and solutions alone "
        "are looked for from twice as many words on.",
    )
    short_threshold: Share = Field(
        0.85,
        gt=0.0,
        description="Share of the weight of a short text that must be found. Without a common word nine tenths of "
        "eight words are left, without a rare one four fifths. One of fewer than twice short_below words may lack one "
        "word in eight.",
    )
    exact_below: int = Field(
        8, ge=1, le=100, description="Texts of fewer words must be found word for word, for overlap."
    )
    min_words: int = Field(
        4,
        ge=1,
        le=100,
        description="Texts of fewer words are never looked for; with ngram, 8 is GPT-3's. What is too short counts as "
        "missed in the audit.",
    )
    min_information: float = Field(
        15.0,
        ge=0.0,
        description="What the words of a match must say together: the sum over distinct words of the natural logarithm "
        "of how many times as many passages of 256 words there are as hold the word.",
    )
    phrase_information: float = Field(
        25.0,
        ge=0.0,
        description="What the words of a question of fewer than exact_below words must say, for overlap, where its "
        'answer does not stand behind it: "make a grilled cheese" and "to solve a Rubik\'s cube" are items, too.',
    )
    ngram: int = Field(13, ge=3, le=100, description="Words of an n-gram, for ngram (GPT-3, Llama 3: 13).")
    mode: Literal["drop", "cut"] = Field("drop", description="Drop the document, or cut what was found out of it.")
    acts_on: Annotated[tuple[Part, ...], Field(min_length=1)] = Field(
        ("pair", "question", "answer", "passage"),
        description="Which matches count: a question with its answer, a question alone, a long answer alone, a "
        "passage; the others are only listed.",
    )
    margin: int = Field(
        200, ge=0, le=100_000, description="Characters that are cut on either side of a match, for cut (GPT-3: 200)."
    )
    max_cuts: int = Field(10, ge=1, description="A document that would lose more pieces is dropped, for cut.")
    min_characters: int = Field(
        200, ge=0, le=1_000_000, description="A document that would keep fewer characters is dropped, for cut."
    )
    audit: int = Field(
        200,
        ge=0,
        le=100_000,
        description="Items that are planted in each of eight disguises to measure recall; 0: none. 200 give a 95 % "
        "interval of about a hundredth.",
    )

    def check(self, key: str) -> None:
        """Refuse what can find nothing.

        Raises:
            ConfigError: no benchmarks, or two of one name.
        """
        if not self.benchmarks:
            raise ConfigError(
                f"{key}.benchmarks: none is given, so nothing would be taken out; name them, or take {key} out of "
                "pipeline"
            )
        names = [benchmark.name for benchmark in self.benchmarks]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ConfigError(
                f"{key}.benchmarks: the name {twice[0]!r} is given to {names.count(twice[0])}; give each its own"
            )

    def check_files(self, key: str) -> None:
        """Read the benchmarks once, before anything runs.

        Raises:
            SourceError: a file is missing, or its records have not what `fields` says.
        """
        del key
        for benchmark in self.benchmarks:
            release = benchmark.release()
            # What is yet to be fetched the first job reads.
            if release is None or release.path.exists():
                read_items(benchmark)

    def files(self) -> list[str]:
        """Every file of the benchmarks that lies on this disk."""
        return [str(path) for one in self.benchmarks if one.requirements is None for path in one.files()]

    def releases(self) -> list[Release]:
        """The releases that hold benchmarks."""
        found = (benchmark.release() for benchmark in self.benchmarks)
        return list(dict.fromkeys(release for release in found if release is not None))

    def items(self) -> list[Item]:
        """The items of all benchmarks."""
        return [item for benchmark in self.benchmarks for item in read_items(benchmark)]

    def scheme(self) -> Scheme:
        """How items are looked for."""
        from tamis.decontamination.index import Scheme

        extended = self.method == "overlap"
        size = self.seed if extended else self.ngram
        return Scheme(
            extended,
            size,
            self.threshold,
            self.exact_below,
            self.min_words,
            self.min_information if extended else 0.0,
            self.short_below,
            self.short_threshold,
            self.phrase_information,
        )


def run_index(config: Config, *, output: Path) -> None:
    """Read the benchmarks and index their items.

    Args:
        output: the index to write.
    """
    from tamis.decontamination.index import build, write_index

    write_index(output, build(config.items(), config.scheme()))


def run_map(config: Config, *, documents: Path, index: Path, counts: Path, carriers: Path) -> None:
    """Count the passages of one shard that hold each word, and choose some for the audit.

    Args:
        counts: `HOLDING` of the shard, to write.
        carriers: `CARRIERS` of the shard with the smallest keys, to write.
    """
    from tamis.decontamination.audit import smallest
    from tamis.decontamination.index import read_index
    from tamis.decontamination.rarity import Holding

    holding = Holding(read_index(index, config.scheme()).arrays)
    few = smallest([], config.audit)
    for batch in table_batches(documents, ["id", "kind", "text"]):
        chosen = of_kinds(batch, config.applies_to)
        holding.add(batch["text"], chosen)
        few = smallest([few, batch.filter(pa.array(chosen))], config.audit)
    exchange.write(carriers, CARRIERS, [few])
    exchange.write(counts, HOLDING, [pa.table({"holding": holding.counts})])


def run_rarity(config: Config, *, counts: Files, carriers: Files, output: Path, chosen: Path) -> None:
    """Add up all shards.

    Args:
        counts: of map.
        carriers: likewise.
        output: `HOLDING` of the corpus, to write.
        chosen: `CARRIERS` of the corpus, to write.
    """
    from tamis.decontamination.audit import smallest

    total = sum(exchange.read_batch(path, 0, 1)["holding"].to_numpy() for path in paths(counts))
    exchange.write(output, HOLDING, [pa.table({"holding": total})])
    exchange.write(chosen, CARRIERS, [smallest(exchange.read_each(carriers, 0, 1), config.audit)])


def run_audit(config: Config, *, index: Path, rarity: Path, carriers: Path, output: Path) -> None:
    """Plant items in copies of documents and look for them.

    Args:
        rarity: the sums of `run_rarity`.
        carriers: the documents that it chose.
        output: JSON to write: `tamis.decontamination.audit.audited`.
    """
    from tamis.decontamination.audit import audited
    from tamis.decontamination.index import PARTS, read_index
    from tamis.decontamination.rarity import read_rarity

    benchmarks = read_index(index, config.scheme())
    parts = [PARTS.index(part) for part in config.acts_on]
    texts = exchange.read_batch(carriers, 0, 1)["text"].to_pylist()
    found = audited(config.items(), benchmarks, read_rarity(rarity, benchmarks.arrays), texts, config.audit, parts)
    write_json(output, found)


def run_apply(
    config: Config,
    *,
    shard: int,
    documents: Path,
    index: Path,
    rarity: Path,
    kept: Path,
    dropped: Path,
    edits: Path,
    found: Path,
    stats: Path,
) -> None:
    """Take the items out of one shard.

    Args:
        rarity: the sums of `run_rarity`.
        found: `tamis.decontamination.outcome.FOUND` of the shard, to write.
    """
    from tamis.decontamination.index import PARTS, read_index
    from tamis.decontamination.matches import Finder
    from tamis.decontamination.outcome import FOUND, Rules, taken_out
    from tamis.decontamination.rarity import read_rarity

    benchmarks = read_index(index, config.scheme())
    finder = Finder(benchmarks, read_rarity(rarity, benchmarks.arrays))
    rules = Rules(
        cut=config.mode == "cut",
        parts=tuple(PARTS.index(part) for part in config.acts_on),
        margin=config.margin,
        max_cuts=config.max_cuts,
        min_characters=config.min_characters,
    )
    rows = [FOUND.empty_table()]
    with outcome_writer(Outputs(kept, dropped, stats, edits), STAGE, shard) as writer:
        for before in document_batches(documents):
            chosen = of_kinds(before, config.applies_to)
            matches, best = finder.find(before["text"], chosen)
            result = taken_out(before, matches, best, chosen, benchmarks, rules)
            ledger = dropped_rows(STAGE, before.take(pa.array(result.dropped, pa.int64())), **result.ledger)
            writer.add(before, result.after, ledger, edits=result.edits)
            rows.append(result.found)
        writer.notes["seeds_not_extended"] = int(finder.unpaid[0])
        if shard == 0:
            # Of the run: the report adds up the notes of all shards.
            writer.notes["items"] = len(benchmarks.names)
            writer.notes["index_bytes"] = benchmarks.bytes
        order = [(name, "ascending") for name in ("id", "start", "end", "benchmark", "item", "part")]
        write_table(found, pa.concat_tables(rows).sort_by(order))


def run_table(config: Config, *, index: Path, audit: Path, found: Files, output: Path) -> None:
    """Add up by benchmark what was found, and what the audit says was not.

    Args:
        audit: of `run_audit`.
        found: of apply.
        output: JSON to write: `tamis.decontamination.table.contamination`.
    """
    from tamis.decontamination.index import read_index
    from tamis.decontamination.outcome import FOUND
    from tamis.decontamination.table import contamination

    columns = ["id", "benchmark", "item", "part", "characters", "gone_words", "outcome"]
    tables = [table.select(columns) for path in paths(found) for table in table_batches(path)]
    rows = pa.concat_tables([FOUND.empty_table().select(columns), *tables])
    names = read_index(index, config.scheme()).names
    method = f"{config.method}, {config.mode}"
    write_json(output, contamination(names, rows, read_json(audit), method))
