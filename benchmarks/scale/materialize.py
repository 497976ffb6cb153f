"""What `materialize: on_edit` saves: disk and CPU seconds by stage, beside `every_stage`; and the same exports.

    python benchmarks/scale/materialize.py CONFIG [--cores N] [--rounds N]
    python benchmarks/scale/materialize.py SHARD.parquet

In the folder of the configuration; results folders `every_stage-N` and `on_edit-N` are made anew there, in turn. CPU
seconds are those that the jobs themselves write down. The peak is the largest sum of all files of the results folder,
looked at twice a second; every second round begins with `on_edit`. With a file of documents instead, of `ingest`: CPU
seconds to write and to read one shard both ways, by the share of its documents that a stage keeps.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import estimate, provenance
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.shards import document_batches

WAYS = ("every_stage", "on_edit")
SHARES = (1.0, 0.9, 0.5, 0.25, 0.1)


def size(folder: Path) -> int:
    """Bytes of all files of a folder that is being written to."""
    found = 0
    for path in folder.rglob("*"):
        try:
            found += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return found


def run(config: str, results: Path, way: str, cores: int) -> int:
    """Make the results; their peak in bytes."""
    shutil.rmtree(results, ignore_errors=True)
    command = [sys.executable, "-m", "tamis.cli", "run", "--configfile", config, "--quiet", "all"]
    command += ["--cores", str(cores), "--config", f"output_dir={results}", f"materialize={way}"]
    peak = 0
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            time.sleep(0.5)
            peak = max(peak, size(results))
    if process.returncode:
        raise SystemExit(process.returncode)
    return peak


def exports(results: Path) -> str:
    """SHA-256 over all files of the exports, with their names."""
    found = hashlib.sha256()
    for path in sorted((results / "export").rglob("*")):
        if path.is_file():
            found.update(path.relative_to(results).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def written(results: Path, shard: Path, way: str, share: float) -> Path:
    """The documents of a stage that keeps a share of a shard, after it has read it."""
    folder = results / way
    outputs = Outputs(folder / "documents/part-00000.parquet", folder / "dropped/part-00000.parquet", folder / "s.json")
    dice = np.random.default_rng(1)
    told = {"stage": way, "version": 1} | ({"text_of": "ingest"} if way == "on_edit" else {})
    with provenance.job(told), outcome_writer(outputs, way, 0) as writer:
        for batch in document_batches(shard):
            stays = pa.array(dice.random(batch.num_rows) < share)
            gone = dropped_rows(way, batch.filter(pc.invert(stays)), "drawn")
            writer.add(batch, batch.filter(stays), gone)
    return outputs.documents


def least(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of five."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def one_shard(shard: Path) -> None:
    """Print what writing and reading a shard cost."""
    print("| kept | write: every_stage | on_edit | read: every_stage | on_edit | MB: every_stage | on_edit |")
    print("|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "ingest" / "documents" / "part-00000.parquet"
        copy.parent.mkdir(parents=True)
        shutil.copyfile(shard, copy)
        for share in SHARES:
            write = [least(partial(written, Path(folder), copy, way, share)) for way in WAYS]
            paths = [Path(folder) / way / "documents/part-00000.parquet" for way in WAYS]
            read = [least(lambda path=path: deque(document_batches(path), maxlen=0)) for path in paths]
            figures = [f"{seconds:.3f}" for seconds in (*write, *read)]
            figures += [f"{path.stat().st_size / 1e6:.1f}" for path in paths]
            print(f"| {share:.0%} | {' | '.join(figures)} |", flush=True)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    if given.config.endswith(".parquet"):
        one_shard(Path(given.config))
        return
    for number in range(given.rounds):
        order = WAYS if number % 2 == 0 else WAYS[::-1]
        peaks = {way: run(given.config, Path(f"{way}-{number}"), way, given.cores) for way in order}
        both = [estimate.measured(Path(f"{way}-{number}"), 0.0)[0] for way in WAYS]
        print(f"\nround {number}\n\n| | {WAYS[0]} | {WAYS[1]} | ratio |\n|---|---|---|---|")
        rows = {"peak MB": [peaks[way] / 1e6 for way in WAYS]}
        rows["documents, ledgers, scores MB"] = [sum(room.kept for room in one.room.values()) / 1e6 for one in both]
        rows["exchange MB"] = [sum(room.exchange for room in one.room.values()) / 1e6 for one in both]
        rows["CPU s"] = [sum(work.seconds for work in one.work.values()) for one in both]
        for stage in both[0].room:
            rows[f"MB of {stage}"] = [one.room[stage].kept / 1e6 for one in both]
            of_stage = [[work.seconds for (name, _), work in one.work.items() if name == stage] for one in both]
            rows[f"CPU s of {stage}"] = [sum(seconds) for seconds in of_stage]
        for name, (one, other) in rows.items():
            print(f"| {name} | {one:,.1f} | {other:,.1f} | {other / one if one else float('nan'):.2f} |")
        print("exports:", *(exports(Path(f"{way}-{number}")) for way in WAYS), flush=True)


if __name__ == "__main__":
    main()
