"""What a stage costs when there is nothing to do: all jobs of a step over one document of one word.

A corpus without documents cannot be measured: ingest refuses a source that gives none.
"""

from __future__ import annotations

from pathlib import Path

import tamis_workflow as workflow

STAGES = ("url_dedup", "paragraph_dedup", "minhash_dedup", "line_pruning")


def empty(work: Path, shards: int, cores: int) -> str:
    """Seconds of each de-duplication stage over one document of one word; all shards but one are empty."""
    folder = work / "empty"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "word.jsonl").write_text('{"text": "word"}\n')
    source = {"name": "word", "format": "jsonl", "paths": [str(folder / "word.jsonl")]}
    lines = []
    for stage in STAGES:
        runner = workflow.Runner(folder / stage, source, [stage], shards, cores)
        runner.ingest()
        cost = runner.run(stage)
        steps = runner.steps(stage)
        jobs = sum(int(row[1]) for row in steps)
        inside = sum(float(row[3]) for row in steps)
        lines.append(f"* `{stage}`: {cost.seconds:.1f} s ({cost.cpu:.1f} CPU s), {jobs} jobs of {inside:.1f} CPU s")
    return f"{shards} shards, {cores} cores, start of Snakemake included:\n\n" + "\n".join(lines)
