"""What a stage costs when there is nothing to do: all jobs of a step over an empty corpus."""

from __future__ import annotations

from pathlib import Path

import tamis_workflow as workflow

STAGES = ("url_dedup", "paragraph_dedup", "minhash_dedup", "line_pruning")


def empty(work: Path, shards: int, cores: int) -> str:
    """Seconds of each de-duplication stage over no documents."""
    folder = work / "empty"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nothing.jsonl").write_text("")
    source = {"name": "nothing", "format": "jsonl", "paths": [str(folder / "nothing.jsonl")]}
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
