"""What a workflow of many shards costs before its first job: the parse, the graph and a dry run of all stages.

    python benchmarks/scale/dry_run.py FOLDER [--shards 100 400 1000] [--edges] [--write]

FOLDER is scratch: as many input files as shards, a line each, and a configuration that names every stage that there is,
a classifier of each kind that has a section, an ensemble, an audit and an index of near-duplicates, and the default
experiment's sets, each of as many files as shards. Each run is a process of its own, `tamis run --dry-run
--quiet=rules`, that starts in an empty results folder; its CPU seconds and the memory of its largest process are the
kernel's. `--edges` draws the graph once more to count what waits for what. `--write` writes
benchmarks/results/<date>-scale-dry-run.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tamis.pipeline import AFTER_EXTRACTS, STAGES

MOST_BATCHES = 1_000_000

ROOT = Path(__file__).resolve().parents[2]
LABELS = {"files": [{"path": "labels.jsonl", "classes": {"good": "good", "poor": "bad"}}]}


def pipeline() -> list[str]:
    """Every stage that a pipeline may name, in the recipe's order, and an ensemble after what it is of."""
    last = ("extracts", *AFTER_EXTRACTS)
    stages = [stage for stage in STAGES if stage not in last]
    at = stages.index("transformer_quality") + 1
    return [*stages[:at], "both", *stages[at:], *last]


def configuration(shards: int) -> dict:
    """All stages on `shards` shards: the default experiment's sections, and what its stages lack beside them."""
    default = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return default | {
        "output_dir": f"results-{shards}",
        "shards": shards,
        # More batches in the files of a crossing than a million are refused.
        "partitions": min(shards, MOST_BATCHES // shards),
        "sources": [{"name": "web", "format": "jsonl", "paths": [f"input-{shards}/*.jsonl"]}],
        # A file a unit.
        "ingest": {"unit_bytes": 1},
        "pipeline": pipeline(),
        "minhash_dedup": default["minhash_dedup"] | {"write_index": True, "audit_sample": 100},
        "fasttext_quality": {"labels": LABELS},
        "linear_quality": {"labels": LABELS},
        "transformer_quality": {"labels": LABELS},
        "classifiers": {"both": {"model": "ensemble", "of": ["fasttext_quality", "linear_quality"]}},
        "remove": {"urls": ["urls.txt"]},
        "url_filter": {"block": {"listed": {"domains": ["hosts.txt"]}}},
        "toxicity": {"lists": {"en": ["hosts.txt"]}},
        "decontamination": {
            "benchmarks": [{"name": "items", "paths": ["items.jsonl"], "fields": {"question": "text"}}]
        },
        "filter": {"keep": {"long_enough": "length(text) >= 10"}},
        "annealing": {name: section | {"files": shards} for name, section in default["annealing"].items()},
        "mixtures": {name: section | {"files": shards} for name, section in default["mixtures"].items()},
        "export": {"shards": shards},
    }


def prepare(folder: Path, shards: int) -> Path:
    """Write input and configuration of some shards; return the configuration."""
    (folder / f"input-{shards}").mkdir(parents=True, exist_ok=True)
    for number in range(shards):
        line = json.dumps({"text": f"text {number}", "url": f"https://example.org/{number}"})
        (folder / f"input-{shards}" / f"{number:05d}.jsonl").write_text(f"{line}\n", encoding="utf-8")
    for name, text in {
        "labels.jsonl": "".join(
            json.dumps({"text": f"text {number}", "label": ("good", "poor")[number % 2]}) + "\n" for number in range(80)
        ),
        "items.jsonl": json.dumps({"text": "which of these words is asked for in an item"}) + "\n",
        "urls.txt": "https://example.org/none\n",
        "hosts.txt": "example.net\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / f"shards-{shards}.yaml"
    path.write_text(yaml.safe_dump(configuration(shards), sort_keys=False), encoding="utf-8")
    return path


@dataclass
class Cost:
    """What one run took."""

    seconds: float
    megabytes: float
    printed: str


def measured(command: list[str], folder: Path) -> Cost:
    """Run a command to its end.

    Raises:
        SystemExit: it fails.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "printed.txt").open("w+", encoding="utf-8") as printed:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        # The usage is that of the process and of all that it has waited for; the memory that of the largest.
        _, status, usage = os.wait4(process.pid, 0)
        printed.seek(0)
        text = printed.read()
    if status:
        sys.exit(f"{' '.join(command)}\n{text[-5_000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, text)


def table(folder: Path, counts: list[int], *, edges: bool) -> list[str]:
    """A line for each number of shards."""
    lines = [
        "| shards | jobs | edges | edges a shard | CPU seconds | milliseconds a job | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for shards in counts:
        path = prepare(folder, shards)
        run = [
            sys.executable,
            "-m",
            "tamis.cli",
            "run",
            "--configfile",
            path.name,
            "--snakefile",
            str(ROOT / "Snakefile"),
        ]
        cost = measured([*run, "--dry-run", "--quiet=rules"], folder)
        found = re.search(r"^total +(\d+)$", cost.printed, re.MULTILINE)
        if found is None:
            sys.exit(f"no table of jobs:\n{cost.printed[-5_000:]}")
        jobs, drawn = int(found[1]), "–"
        if edges:
            drawn = measured([*run, "--dry-run", "--dag"], folder).printed.count(" -> ")
        a_shard = f"{drawn / shards:.1f}" if edges else "–"
        lines.append(
            f"| {shards:,} | {jobs:,} | {drawn if isinstance(drawn, str) else f'{drawn:,}'} | {a_shard} | "
            f"{cost.seconds:.1f} | {1000 * cost.seconds / jobs:.2f} | {cost.megabytes:,.0f} |"
        )
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, nargs="+", default=[100, 400, 1000])
    parser.add_argument("--edges", action="store_true", help="count the edges too, which takes a second run")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/<date>-scale-dry-run.md")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    lines = table(given.folder, given.shards, edges=given.edges)
    if given.write:
        today = dt.datetime.now(tz=dt.UTC).date()
        output = ROOT / "benchmarks" / "results" / f"{today}-scale-dry-run.md"
        head = [
            f"# Dry runs of all stages, {today}",
            "",
            "`python benchmarks/scale/dry_run.py FOLDER --edges --write`",
            "",
        ]
        output.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")
        print(output)


if __name__ == "__main__":
    main()
