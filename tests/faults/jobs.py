"""Damage to what one job hands to another, noticed by the job that reads it.

Each case runs one job of a finished run again, by its own command, with one of its inputs damaged. It must fail with an
error that names the file and says what to do, or write the bytes that it wrote before (a bit in a file's padding).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.faults.bench import sha256
from tests.faults.case import Case, NotSurvived
from tests.faults.damage import damaged
from tests.faults.registry import fault


@dataclass
class Job:
    """What Snakemake wrote down of a job."""

    command: str
    log: str
    rule: str
    inputs: list[str]
    outputs: list[str] = field(default_factory=list)


@cache
def jobs_of(reference: Path) -> list[Job]:
    """The jobs of a finished run, in an order that does not change."""
    found: dict[str, Job] = {}
    for path in sorted((reference / ".snakemake" / "metadata").rglob("*")):
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            # Long names are cut into folders, with an @ before each.
            encoded = "".join(part.removeprefix("@") for part in path.parts[path.parts.index("metadata") + 1 :])
            output = base64.b64decode(encoded).decode()
            if record.get("shellcmd"):
                job = Job(record["shellcmd"], record["log"][0], record["rule"], list(record["input"]))
                found.setdefault(job.command, job).outputs.append(output)
    return sorted(found.values(), key=lambda job: job.command)


def readings(reference: Path) -> list[tuple[Job, str]]:
    """(job, file of the results that it reads), what a barrier stands for included."""
    found = []
    for job in jobs_of(reference):
        named = set(job.inputs)
        for name in job.inputs:
            if name.endswith("/barrier.json") and job.rule != "barrier":
                named.update(str(path.relative_to(reference)) for path in (reference / name).parent.glob("part-*"))
        found += [(job, name) for name in sorted(named) if name.startswith("results/") and (reference / name).is_file()]
    return found


# What was written at another time or names other times: it differs from run to run.
TIMED = ("barrier.json", "tamis.duckdb", "manifest.json")


def _try(case: Case, number: int, suffixes: tuple[str, ...], ways: tuple[str, ...]) -> None:
    reference = case.bench.reference(case.bench.chain("whole"), exchange=True)
    chosen = [pair for pair in readings(reference) if pair[1].endswith(suffixes)]
    if stages := tuple(f"{stage}_" for stage in case.bench.stages):
        chosen = [pair for pair in chosen if pair[0].rule.startswith(stages)]
    case.finished("whole", exchange=True)
    job, name = case.dice.choice(chosen)
    way = ways[number % len(ways)]
    before = {output: sha256(case.folder / output) for output in job.outputs}
    path = case.folder / name
    siblings = (
        [str(other.relative_to(case.folder)) for other in path.parent.glob(f"*{path.suffix}")] if way == "swap" else []
    )
    damaged(way, path, case.dice)
    ended = case.job(job.command, job.log)
    if ended.code:
        case.must_say(ended, name, *siblings)
        return
    after = {output: sha256(case.folder / output) for output in job.outputs if not output.endswith(TIMED)}
    if changed := [output for output in after if after[output] != before[output]]:
        raise NotSurvived(f"{job.rule} read a damaged {name} ({way}) without a word and wrote another {changed[0]}")


@fault("job-reads-flipped-parquet", 24)
def flipped_parquet(case: Case, number: int) -> None:
    """One bit of a Parquet file that a job reads, in its pages or its footer."""
    _try(case, number, (".parquet",), ("flip", "flip_end"))


@fault("job-reads-flipped-exchange", 24)
def flipped_exchange(case: Case, number: int) -> None:
    """One bit of an Arrow exchange file."""
    _try(case, number, (".arrow",), ("flip", "flip_end"))


@fault("job-reads-flipped-other", 16)
def flipped_other(case: Case, number: int) -> None:
    """One bit of a barrier, a summary, ranks, a model, a read record."""
    _try(case, number, (".json", ".npy", ".bin", "model"), ("flip",))


@fault("job-reads-broken", 48)
def broken(case: Case, number: int) -> None:
    """A file that a job reads is truncated, emptied, zeroed in part, longer, deleted or swapped with its neighbour."""
    _try(
        case,
        number,
        (".parquet", ".arrow", ".json", ".npy", ".bin", "model"),
        ("truncate", "empty", "zeros", "longer", "delete", "swap"),
    )
