"""A pool with token counts, and every job from it to the exports, run in this process."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from documents import make_documents

from tamis import barrier, exchange
from tamis.export import Config, card, order, parquet
from tamis.ids import home_shards
from tamis.sets.configured import Layout
from tamis.sets.plan import index_of
from tamis.shards import part_name, write_json, write_table
from tamis.stages import annealing, mixtures, subset, validation

DOMAINS = {"general": 120, "math": 50, "code": 60, "reasoning": 10, "multilingual": 30}
"""Documents of each domain."""


def pool(seed: int = 0, counts: Mapping[str, int] = DOMAINS) -> pa.Table:
    """Documents with domain, scores (some equal, some missing) and tokens of very different sizes."""
    generator = random.Random(seed)  # noqa: S311 - made-up data
    domains = [domain for domain, count in counts.items() for _ in range(count)]
    n = len(domains)
    return make_documents(
        [f"document {i} of {domain} " * generator.randint(1, 5) for i, domain in enumerate(domains)],
        id=[hashlib.sha256(f"{seed} {i}".encode()).hexdigest()[:32] for i in range(n)],
        domain=domains,
        kind=["code" if domain == "code" else "prose" for domain in domains],
        source=[generator.choice(["web", "books"]) for _ in range(n)],
        language=["de" if domain == "multilingual" else "en" for domain in domains],
        metadata=[generator.choice([None, '{"licence":"MIT"}', '{"license":"CC-BY <b>|4.0"}', "[]"]) for _ in range(n)],
        transformer_quality=[generator.choice([None, 0.5, generator.random()]) for _ in range(n)],
        tokens=[int(generator.lognormvariate(5, 1)) + 1 for _ in range(n)],
    )


def lay_out(folder: Path, documents: pa.Table, shards: int, *, shuffle: int = 0) -> None:
    """Write the tokenizer's documents and index for N shards; `shuffle` changes the order in which rows arrive."""
    order = np.random.default_rng(shuffle).permutation(documents.num_rows)
    arrived = documents.take(pa.array(order))
    for shard, table in enumerate(exchange.split(arrived, home_shards(arrived["id"], shards), shards)):
        ordered = table.sort_by("id")
        write_table(folder / "tokenizer" / "documents" / f"{part_name(shard)}.parquet", ordered)
        rows = index_of(ordered)
        exchange.write(folder / "tokenizer" / "index" / f"{part_name(shard)}.arrow", rows.schema, [rows])
    index = folder / "tokenizer" / "index"
    barrier.write(index / "barrier.json", index, shards, ".arrow")
    write_json(folder / "tokenizer" / "training.json", {"vocabulary_size": 300, "trained": True})


def plan(folder: Path, name: str, config: Any, excluded: Sequence[str], shards: int) -> pa.Table:
    """Run the plan job of a set; the plan table."""
    stage, _, own = name.partition("/")
    paths = {
        "index": folder / "tokenizer" / "index" / "barrier.json",
        "plan": folder / name / "plan.parquet",
        "choice": folder / "sampling" / name / "choice.arrow",
    }
    if stage == "validation":
        _plan_validation(folder, config, shards, paths)
    else:
        module = {"annealing": annealing, "mixtures": mixtures}[stage]
        module.run_plan(config, name=own, excluded=list(excluded), shards=shards, **paths)
    return pq.read_table(folder / name / "plan.parquet")


def _plan_validation(folder: Path, config: Any, shards: int, paths: dict[str, Path]) -> None:
    work = folder / "sampling" / "validation"
    sample = {"plan": work / "sampled.parquet", "choice": work / "sample.arrow"}
    validation.run_sample(config, shards=shards, index=paths["index"], **sample)
    for step, outputs in (("grams", {"output": "grams"}), ("compare", {"ledger": "overlaps", "output": "seen"})):
        for shard in range(shards):
            files = {name: work / inside / f"{part_name(shard)}.arrow" for name, inside in outputs.items()}
            if step == "compare":
                files["barrier"] = work / "grams" / "barrier.json"
            documents = folder / "tokenizer" / "documents" / f"{part_name(shard)}.parquet"
            run = getattr(validation, f"run_{step}")
            run(config, shards=shards, shard=shard, documents=documents, sample=sample["choice"], **files)
        for inside in outputs.values():
            barrier.write(work / inside / "barrier.json", work / inside, shards, ".arrow")
    validation.run_plan(
        config,
        shards=shards,
        sampled=sample["plan"],
        sample=sample["choice"],
        grams=work / "grams" / "barrier.json",
        ledgers=work / "overlaps" / "barrier.json",
        seen=work / "seen" / "barrier.json",
        apart_choice=work / "apart.arrow",
        apart_ledger=folder / "validation" / "apart.parquet",
        **paths,
    )


def write_set(folder: Path, name: str, files: int, shards: int) -> pa.Table:
    """Run select, write and summary of a set; its documents."""
    layout = Layout(files=files)
    work = folder / "sampling" / name
    for shard in range(shards):
        subset.run_select(
            layout,
            name=name,
            shards=shards,
            shard=shard,
            documents=folder / "tokenizer" / "documents" / f"{part_name(shard)}.parquet",
            choice=work / "choice.arrow",
            output=work / "select" / f"{part_name(shard)}.arrow",
        )
    barrier.write(work / "select" / "barrier.json", work / "select", shards, ".arrow")
    paths = [folder / name / "documents" / f"{part_name(file)}.parquet" for file in range(files)]
    for file, path in enumerate(paths):
        subset.run_write(
            layout,
            name=name,
            file=file,
            barrier=work / "select" / "barrier.json",
            documents=path,
            stats=folder / name / "stats" / f"{part_name(file)}.json",
        )
    subset.run_summary(
        layout,
        name=name,
        plan=folder / name / "plan.parquet",
        summary=folder / name / "summary.json",
    )
    return pa.concat_tables([pq.read_table(path) for path in paths])


def export(folder: Path, name: str, config: Config, files: int, shards: int) -> Path:
    """Run the export jobs of a set; the export's folder."""
    own = name.rpartition("/")[2]
    work = folder / "sampling" / "export" / own
    target = folder / "export" / own
    for file in range(files):
        order.run_shuffle(
            config.order(),
            name=name,
            shards=shards,
            documents=folder / name / "documents" / f"{part_name(file)}.parquet",
            output=work / "shuffle" / f"{part_name(file)}.arrow",
        )
    barrier.write(work / "shuffle" / "barrier.json", work / "shuffle", files, ".arrow")
    for shard in range(shards):
        parquet.run_write(
            config.formats.parquet,
            name=name,
            shards=shards,
            shard=shard,
            barrier=work / "shuffle" / "barrier.json",
            output=target / "parquet" / f"{part_name(shard)}.parquet",
            stats=work / "stats" / "parquet" / f"{part_name(shard)}.parquet.json",
        )
    card.run_write(
        config.order(),
        name=name,
        shards=shards,
        formats=list(config.formats.chosen()),
        stats=work / "stats" / "parquet" / "part-00000.parquet.json",
        summary=folder / name / "summary.json",
        training=folder / "tokenizer" / "training.json",
        readme=target / "README.md",
        manifest=target / "export.json",
    )
    return target


def received(folder: Path) -> dict[str, bytes]:
    """Every file that a user receives, by its path."""
    tops = ("validation", "annealing", "mixtures", "export")
    paths = [path for top in tops for path in sorted((folder / top).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
