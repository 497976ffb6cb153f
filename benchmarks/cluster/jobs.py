"""How many jobs, cluster jobs (a call of sbatch each) and files a configuration makes on SLURM, for so many shards.

    python benchmarks/cluster/jobs.py --configfile config.yaml --shards 100 1000 10000
    python benchmarks/cluster/jobs.py --all-stages FOLDER

With `--all-stages`, of every stage that there is, an input file a shard: the configuration of
benchmarks/scale/dry_run.py, written into FOLDER. Parses the workflow for each number; nothing is run. The same formula
is checked against Snakemake's own groups in tests/workflow/test_profiles.py.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

from benchmarks.scale import dry_run
from tamis.grouping import cluster_jobs
from tamis.inventory import is_exchange

ROOT = Path(__file__).parents[2]


def parsed(configfile: Path, shards: int) -> dict[str, Any]:
    """The names of the Snakefile, with so many shards and as many partitions as are allowed."""
    with SnakemakeApi(OutputSettings()) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(
                configfiles=[configfile.resolve()],
                config={"shards": shards, "partitions": min(shards, 1_000_000 // shards)},
            ),
            snakefile=ROOT / "Snakefile",
        )
        return workflow._workflow.globals  # noqa: SLF001 - the interface gives no way to what a Snakefile holds


def row(configfile: Path, folder: Path | None, shards: int) -> list[int]:
    """Counts for one number of shards, and the CPU seconds that they took."""
    if folder:
        configfile = dry_run.prepare(folder, shards).resolve()
        os.chdir(folder)
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "profile.yaml").read_text(encoding="utf-8"))
    together = int(profile["group-components"][0].partition("=")[2])
    begun = time.process_time()
    names = parsed(configfile, shards)
    steps, inventory = names["STEPS"].values(), names["INVENTORY"]
    sent = cluster_jobs(steps, together)
    named = dict(pair.split("=") for pair in profile["groups"])
    sent = {rule: count for rule, count in sent.items() if rule not in named} | dict.fromkeys(named.values(), 1)
    files = list(inventory.outputs())
    exchange = sum(map(is_exchange, files))
    return [
        shards,
        sum(step.count for step in steps),
        sum(sent.values()),
        len(files) - exchange,
        exchange + len(list(inventory.temporary())),
        round(time.process_time() - begun),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, default=ROOT / "config.yaml")
    parser.add_argument("--all-stages", type=Path, metavar="FOLDER", help="of every stage there is, not --configfile")
    parser.add_argument("--shards", type=int, nargs="+", default=[100, 1_000, 10_000])
    given = parser.parse_args()
    print(
        "| shards | jobs of the workflow | cluster jobs, one sbatch each | files that stay | between jobs | seconds |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    # Snakemake parses one workflow a process.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for counts in pool.map(partial(row, given.configfile, given.all_stages), given.shards):
            print("| " + " | ".join(f"{value:,}" for value in counts) + " |", flush=True)


if __name__ == "__main__":
    main()
