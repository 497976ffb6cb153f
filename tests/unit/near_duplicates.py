"""Run all steps of minhash_dedup over shards in a folder, as the workflow does; and a brute-force oracle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from conftest import in_batches

from tamis import barrier
from tamis.minhash.index import part_files
from tamis.shards import home_shards, part_name, read_json, read_table, write_table
from tamis.stages import minhash_dedup as stage
from tamis.text import words


@dataclass
class Outcome:
    """What a run wrote, over all shards."""

    kept: pa.Table
    dropped: pa.Table
    notes: list[dict]

    def matches(self) -> dict[int, tuple[str, str, float]]:
        """Dropped document (number in its id) → reason, matched document, similarity."""
        columns = ("id", "reason", "matched_id", "similarity")
        rows = zip(*(self.dropped[name].to_pylist() for name in columns), strict=True)
        return {number(name): (reason, number(match), value) for name, reason, match, value in rows}

    def kept_numbers(self) -> list[int]:
        return sorted(number(name) for name in self.kept["id"].to_pylist())

    def note(self, name: str) -> float:
        return sum(note[name] for note in self.notes)


def number(name: str) -> int:
    return int(name[16:], 16)


@dataclass
class Steps:
    """The jobs of the stage over a folder, with a barrier after each step, as in rules/minhash_dedup.smk."""

    folder: Path
    config: stage.Config
    shards: int
    partitions: int

    def documents(self, shard: int) -> Path:
        return self.folder / "in" / f"{part_name(shard)}.parquet"

    def path(self, step: str, index: int) -> Path:
        return self.folder / step / f"{part_name(index)}.arrow"

    def wall(self, step: str) -> Path:
        count = self.partitions if step in ("collapsed", "pairs") else self.shards
        output = self.folder / step / "barrier.json"
        barrier.write(output, self.folder / step, count, ".arrow")
        return output

    def index(self) -> Path:
        """index, describe."""
        folder = self.folder / "index"
        for s in range(self.shards):
            bands, sets = part_files(folder, s)
            stage.run_index(
                self.config,
                documents=self.folder / f"documents/{part_name(s)}.parquet",
                bands=bands,
                sets=sets,
            )
        stage.run_describe(self.config, shards=self.shards, output=folder / "index.json")
        return folder

    def candidates(self) -> None:
        """map, pairs."""
        for s in range(self.shards):
            stage.run_map(
                self.config,
                partitions=self.partitions,
                documents=self.documents(s),
                signatures_file=self.path("signatures", s),
                matches=self.path("matches", s),
                output=self.path("map", s),
            )
        wall = self.wall("map")
        for p in range(self.partitions):
            stage.run_pairs(
                self.config,
                partitions=self.partitions,
                partition=p,
                barrier=wall,
                output=self.path("pairs", p),
                collapsed=self.path("collapsed", p),
            )

    def verification(self) -> None:
        """sets, verify."""
        wall = self.wall("pairs")
        for s in range(self.shards):
            stage.run_sets(
                self.config,
                shards=self.shards,
                shard=s,
                documents=self.documents(s),
                signatures_file=self.path("signatures", s),
                barrier=wall,
                output=self.path("sets", s),
            )
        wall = self.wall("sets")
        for s in range(self.shards):
            stage.run_verify(
                self.config,
                shard=s,
                documents=self.documents(s),
                signatures_file=self.path("signatures", s),
                barrier=wall,
                output=self.path("edges", s),
            )

    def audit(self, verdicts: Path) -> Path:
        """audit."""
        wall = self.wall("signatures")
        for s in range(self.shards):
            stage.run_audit(
                self.config,
                shards=self.shards,
                shard=s,
                documents=self.documents(s),
                signatures_file=self.path("signatures", s),
                barrier=wall,
                verdicts=verdicts,
                matches=self.path("matches", s),
                output=self.path("audit", s),
            )
        return self.wall("audit")

    def outcome(self) -> Outcome:
        """resolve, apply."""
        verdicts = self.folder / "verdicts.arrow"
        stage.run_resolve(
            self.config, shards=self.shards, edges=self.wall("edges"), collapsed=self.wall("collapsed"), output=verdicts
        )
        audit = self.audit(verdicts) if self.config.audit_sample else None
        for s in range(self.shards):
            name = part_name(s)
            stage.run_apply(
                self.config,
                shards=self.shards,
                shard=s,
                documents=self.documents(s),
                sets=self.path("sets", s),
                edges=self.path("edges", s),
                verdicts=verdicts,
                matches=self.path("matches", s),
                kept=self.folder / f"documents/{name}.parquet",
                dropped=self.folder / f"dropped/{name}.parquet",
                stats=self.folder / f"stats/{name}.json",
                audit=audit,
            )
        names = [part_name(s) for s in range(self.shards)]
        kept, dropped = (
            pa.concat_tables([read_table(self.folder / f"{kind}/{name}.parquet") for name in names]).sort_by("id")
            for kind in ("documents", "dropped")
        )
        return Outcome(kept, dropped, [read_json(self.folder / f"stats/{name}.json")["notes"] for name in names])


def prepare(
    folder: Path, documents: pa.Table, config: stage.Config | None = None, *, shards: int = 1, partitions: int = 1
) -> Steps:
    """Write the documents to their home shards."""
    steps = Steps(folder, config or stage.Config(), shards, partitions)
    home = home_shards(documents["id"], shards)
    for s in range(shards):
        write_table(steps.documents(s), documents.filter(pa.array(home == s)).sort_by("id"), row_group_rows=1000)
    return steps


def run(
    folder: Path, documents: pa.Table, config: stage.Config | None = None, *, shards: int = 1, partitions: int = 1
) -> Outcome:
    """All steps of the stage on one table of documents."""
    steps = prepare(folder, documents, config, shards=shards, partitions=partitions)
    with in_batches(documents):
        steps.candidates()
        steps.verification()
        outcome = steps.outcome()
        if steps.config.write_index:
            steps.index()
    return outcome


def ngrams(text: str, n: int = 5) -> frozenset[tuple[str, ...]]:
    """The set of word n-grams, by definition: strings, no hashes."""
    found = words(text)
    return frozenset(tuple(found[i : i + n]) for i in range(max(1, len(found) - n + 1))) if found else frozenset()


def jaccard(one: frozenset, other: frozenset) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if one or other else 0.0


def greedy(texts: list[str], threshold: float, n: int = 5) -> dict[int, tuple[int, float]]:
    """Brute force: dropped document → the kept one it names and the similarity; the texts stand in keep order."""
    sets = [ngrams(text, n) for text in texts]
    kept: list[int] = []
    dropped: dict[int, tuple[int, float]] = {}
    for i, own in enumerate(sets):
        near = [(jaccard(own, sets[k]), -k) for k in kept]
        near = [pair for pair in near if pair[0] >= threshold]
        if near and own:
            best = max(near)
            dropped[i] = (-best[1], best[0])
        else:
            kept.append(i)
    return dropped


def components(texts: list[str], threshold: float, n: int = 5) -> dict[int, int]:
    """Brute force: dropped document → the first of its connected component."""
    sets = [ngrams(text, n) for text in texts]
    first = list(range(len(texts)))
    for i in range(len(texts)):
        for k in range(i):
            if sets[i] and jaccard(sets[i], sets[k]) >= threshold:
                low, high = sorted((first[i], first[k]))
                first = [low if f == high else f for f in first]
    return {i: f for i, f in enumerate(first) if f != i}
