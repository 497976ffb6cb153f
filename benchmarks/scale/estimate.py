"""What `tamis estimate` says of a run, beside what that run then takes.

    python benchmarks/scale/estimate.py CONFIG … [--sample MB] [--cores N]

In the folder of the configurations, whose results folders are made (a finished one is taken as it is). CPU seconds are
those that the jobs themselves write down; both sides should be measured under the same load.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tamis import estimate, launch


def row(name: str, said: float, was: float) -> str:
    """A line of the table."""
    return f"| {name} | {said:,.1f} | {was:,.1f} | {said / was if was else float('nan'):.2f} |"


def compare(config: str, *, sample: int, cores: int) -> list[str]:
    """Estimate, run, and put both beside each other."""
    found = estimate.estimate(config, cores=cores, nodes=1, sample=sample, say=print)
    results = launch.output_folder(["--configfile", config])
    if not (results / "manifest.json").exists():
        command = [sys.executable, "-m", "tamis.cli", "run", "--configfile", config, "--quiet", "all"]
        subprocess.run([*command, "--cores", str(cores)], check=True)
    was, _ = estimate.measured(results, 0.0)
    lines = ["| | estimated | measured | ratio |", "|---|---|---|---|"]
    lines.append(row("documents", found.documents, was.documents))
    lines.append(row("million characters", found.characters / 1e6, was.total / 1e6))
    lines.append(row("jobs", sum(s.jobs for s in found.stages), sum(w.jobs for w in was.work.values())))
    lines.append(row("CPU s", sum(s.seconds for s in found.stages), sum(w.seconds for w in was.work.values())))
    for stage in found.stages:
        own = [work for (name, _), work in was.work.items() if name == stage.name]
        lines.append(row(f"CPU s, {stage.name}", stage.seconds, sum(work.seconds for work in own)))
    rooms = [was.room[stage.name] for stage in found.stages if stage.name in was.room]
    lines.append(row("kept MB", sum(s.kept for s in found.stages) / 1e6, sum(r.kept for r in rooms) / 1e6))
    lines.append(row("exchange MB", sum(s.exchange for s in found.stages) / 1e6, sum(r.exchange for r in rooms) / 1e6))
    most = max(work.megabytes for work in was.work.values())
    lines.append(row("peak MB of a job", max(s.megabytes for s in found.stages), most))
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
