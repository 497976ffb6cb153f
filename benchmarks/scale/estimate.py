"""What `tamis estimate` says of a run, beside what that run then takes.

    python benchmarks/scale/estimate.py CONFIG … [--sample MB] [--cores N]

In the folder of the configurations, whose results folders are made anew. CPU seconds are those that the jobs themselves
write down; both sides should be measured under the same load. The peak of disk is that of the results folder, looked at
once a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tamis import estimate, launch
from tamis.config import load


def row(name: str, said: float, was: float) -> str:
    """A line of the table."""
    return f"| {name} | {said:,.1f} | {was:,.1f} | {said / was if was else float('nan'):.2f} |"


def bytes_of(folder: Path) -> int:
    """Of all files below a folder; what goes while it is looked at counts for nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total


def ran(config: str, results: Path, cores: int) -> int:
    """Run a configuration; the bytes of its results when they were most."""
    command = [
        sys.executable,
        "-m",
        "tamis.cli",
        "run",
        "--configfile",
        config,
        "--quiet",
        "all",
        "--cores",
        str(cores),
    ]
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, bytes_of(results))
            time.sleep(1)
    if process.returncode:
        raise SystemExit(f"{config}: the run failed")
    return max(most, bytes_of(results))


def compare(config: str, *, sample: int, cores: int) -> list[str]:
    """Estimate, run, and put both beside each other."""
    found = estimate.estimate(config, cores=cores, nodes=1, sample=sample, say=print)
    results = launch.output_folder(["--configfile", config])
    if results.exists():
        raise SystemExit(f"{results} is there; delete it")
    peak = ran(config, results, cores)
    was, _ = estimate.measured(results, 0.0)
    lines = ["| | estimated | measured | ratio |", "|---|---|---|---|"]
    lines.append(row("documents", found.documents, sum(was.documents.values())))
    lines.append(row("million characters", found.characters / 1e6, was.total / 1e6))
    lines.append(row("jobs", sum(s.jobs for s in found.stages), sum(w.jobs for w in was.work.values())))
    lines.append(row("CPU s", sum(s.seconds for s in found.stages), sum(w.seconds for w in was.work.values())))
    for stage in found.stages:
        own = [work for (name, _), work in was.work.items() if name == stage.name]
        lines.append(row(f"CPU s, {stage.name}", stage.seconds, sum(work.seconds for work in own)))
    rooms = [was.room[stage.name] for stage in found.stages if stage.name in was.room]
    lines.append(row("kept MB", sum(s.kept for s in found.stages) / 1e6, sum(r.kept for r in rooms) / 1e6))
    lines.append(row("exchange MB", sum(s.exchange for s in found.stages) / 1e6, sum(r.exchange for r in rooms) / 1e6))
    for stage in found.stages:
        own = [work.megabytes for (name, _), work in was.work.items() if name == stage.name]
        lines.append(row(f"peak MB, {stage.name}", stage.megabytes, max(own, default=0.0)))
    most = max(work.megabytes for work in was.work.values())
    lines.append(row("peak MB of a job", max(s.megabytes for s in found.stages), most))
    keep = load(launch.merged(["--configfile", config])).keep_exchange
    lines.append(row("peak disk, MB", found.peak_disk(keep_exchange=keep) / 1e6, peak / 1e6))
    return lines


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="+")
    parser.add_argument("--sample", type=int, default=20, help="MB")
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    for config in given.configs:
        lines = compare(config, sample=given.sample * 1_000_000, cores=given.cores)
        print(f"\n{Path(config).stem}\n\n" + "\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
