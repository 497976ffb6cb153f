"""The steps of minhash_dedup on one table of documents in this process: no Snakemake, one shard, one partition."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from tamis import barrier
from tamis.schemas import conform_documents
from tamis.shards import part_name, read_json, read_table, write_table
from tamis.stages import minhash_dedup as stage


@dataclass
class Outcome:
    """What a run gave."""

    kept: pa.Table
    dropped: pa.Table
    notes: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)


def documents_table(texts: list[str]) -> pa.Table:
    """Documents whose rank and id are their place in the list."""
    n = len(texts)
    columns = {
        "id": [f"{i:016x}{i:016x}" for i in range(n)], "kind": ["prose"] * n, "text": texts, "source": ["real"] * n,
        "url": [None] * n, "date": [None] * n, "metadata": [None] * n, "copies": [1] * n,
        "ingested_characters": [len(text) for text in texts], "rank": list(range(n)),
    }  # fmt: skip
    return conform_documents(pa.table({name: pa.array(values) for name, values in columns.items()}), "real corpora")


def number(name: str) -> int:
    """The place in the list of a document of `documents_table`."""
    return int(name[16:], 16)


def run(folder: Path, documents: pa.Table, config: stage.Config) -> Outcome:
    """All steps; seconds by step."""
    seconds: dict[str, float] = {}
    name = part_name(0)

    def path(step: str) -> Path:
        return folder / step / f"{name}.arrow"

    def wall(step: str) -> Path:
        barrier.write(folder / step / "barrier.json", folder / step, 1, ".arrow")
        return folder / step / "barrier.json"

    source = folder / "in" / f"{name}.parquet"
    write_table(source, documents)
    shard, part = {"shards": 1, "shard": 0}, {"partitions": 1, "partition": 0}
    signed = {"documents": source, "signatures_file": path("signatures")}

    def timed(step: str, **arguments: object) -> None:
        begin = time.perf_counter()
        getattr(stage, f"run_{step}")(config, **arguments)
        seconds[step] = time.perf_counter() - begin

    timed("map", partitions=1, **signed, matches=path("matches"), output=path("map"))
    timed("pairs", **part, barrier=wall("map"), output=path("pairs"), collapsed=path("collapsed"))
    timed("sets", **shard, **signed, barrier=wall("pairs"), output=path("sets"))
    timed("verify", shard=0, **signed, barrier=wall("sets"), output=path("edges"))
    verdicts = folder / "verdicts.arrow"
    timed("resolve", shards=1, edges=wall("edges"), collapsed=wall("collapsed"), output=verdicts)
    kept, dropped, stats = folder / "kept.parquet", folder / "dropped.parquet", folder / "stats.json"
    timed("apply", **shard, documents=source, sets=path("sets"), edges=path("edges"), verdicts=verdicts,
          matches=path("matches"), kept=kept, dropped=dropped, stats=stats)  # fmt: skip
    return Outcome(read_table(kept, ["id"]), read_table(dropped), read_json(stats)["notes"], seconds)
