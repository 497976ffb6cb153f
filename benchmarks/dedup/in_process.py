"""The steps of minhash_dedup on one table of documents in this process: no Snakemake, one shard, one partition."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from stage_jobs import MinhashJobs, Outcome

from tamis.schemas import conform_documents
from tamis.stages import minhash_dedup


def documents_table(texts: list[str]) -> pa.Table:
    """Documents whose rank and id are their place in the list."""
    n = len(texts)
    columns = {
        "id": [f"{i:016x}{i:016x}" for i in range(n)], "kind": ["prose"] * n, "text": texts, "source": ["real"] * n,
        "url": [None] * n, "date": [None] * n, "metadata": [None] * n, "parent": [None] * n, "copies": [1] * n,
        "ingested_characters": [len(text) for text in texts], "rank": list(range(n)),
    }  # fmt: skip
    return conform_documents(pa.table({name: pa.array(values) for name, values in columns.items()}), "real corpora")


def run(folder: Path, documents: pa.Table, config: minhash_dedup.Config) -> tuple[Outcome, dict[str, float]]:
    """All steps; what they gave, and seconds by step."""
    jobs = MinhashJobs(minhash_dedup, folder, documents, config)
    jobs.candidates()
    jobs.verification()
    return jobs.decision(), dict(jobs.seconds)
