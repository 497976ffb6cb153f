"""`python -m tests.slurm`: the whole chain on a SLURM cluster of this machine, then what can happen to it there.

Several clusters are there, and each takes the next fault, because most of the time is waiting. *Survived* means that the run ended by itself, or after the same command once more, with the bytes of the run on local
cores. Exit code 1 when the chain or a fault did not; 0 with a reason where no cluster can be started.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

import psutil

from tests.faults.bench import Bench, delivered
from tests.slurm.cluster import DAEMONS, Cluster, missing
from tests.slurm.faults import FAULTS, HITS
from tests.slurm.trial import OVER, Trial, hear_ctrl_c, kill_tree

CLUSTERS = 3
"""At one time; with three the two cores of a small machine are busy."""


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.slurm", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument(
        "--chain", default="whole", help="of the corpus of tests/faults: whole, short or least (faults: short or least)"
    )
    parser.add_argument("--only", nargs="+", metavar="FAULT[/STAGE]", help="these faults, and not the whole chain")
    parser.add_argument("--keep", type=Path, help="a new folder for all that is made, which stays (a short path)")
    return parser.parse_args()


def exports(files: Mapping[str, str]) -> str:
    """One hash over the exports: of each file's name and hash."""
    lines = "".join(f"{name} {value}\n" for name, value in sorted(files.items()) if name.startswith("export/"))
    return hashlib.sha256(lines.encode()).hexdigest()


def try_chain(bench: Bench, cluster: Cluster, folder: Path, chain: str) -> tuple[bool, str]:
    """The chain from nothing; whether it gave the bytes of the run on local cores, and what is to be said of it."""
    expected = bench.expected(chain)
    trial = Trial(bench, cluster, folder, chain)
    trial.fresh()
    begun, before = time.monotonic(), cluster.sent()
    code = trial.run()
    took = time.monotonic() - begun
    same = code == 0 and not trial.differences()
    lines = [
        f"{chain} chain: {cluster.sent() - before} sbatch calls on {cluster.nodes} nodes, {took:.0f} s",
        f"sha256 of the exports, local: {exports(expected)}",
        f"sha256 of the exports, SLURM: {exports(delivered(trial.results)) if code == 0 else 'none'}",
        f"all {len(expected)} files that are delivered or decided: {'the same bytes' if same else 'NOT THE SAME'}",
    ]
    if not same:
        lines += [f"exit code {code}", *trial.differences()[:10], trial.said[-6000:]]
    return same, "\n".join(lines)


def try_fault(bench: Bench, cluster: Cluster, folder: Path, name: str, stage: str) -> tuple[bool, str]:
    """One fault while one stage is made again; whether it survived, and how."""
    trial = Trial(bench, cluster, folder, bench.chain("short"))
    trial.without(stage)
    code = FAULTS[name].happen(trial, HITS[stage])
    how = "by itself"
    if code:
        how = "after the same command once more"
        code = trial.run()
    if code:
        return False, f"exit code {code} of the second command:\n{trial.said[-5000:]}"
    if different := trial.differences():
        return False, "\n".join(different[:10])
    if not trial.is_quiet():
        return False, f"jobs are left in the queue: {trial.left_in_queue()}"
    return True, how


def told_fault(bench: Bench, cluster: Cluster, root: Path, name: str, stage: str) -> tuple[bool, str]:
    """One fault, and the cluster whole again; whether it survived, and a line."""
    begun = time.monotonic()
    try:
        well, how = try_fault(bench, cluster, root / f"{name}-{stage}", name, stage)
        cluster.mend()
    except Exception:  # noqa: BLE001 - an error of the harness must not hide the other faults
        well, how = False, f"the harness failed:\n{traceback.format_exc()}"
    took = time.monotonic() - begun
    return well, f"{name}/{stage}: {'survived' if well else 'NOT SURVIVED'}, {how} ({took:.0f} s; {FAULTS[name].about})"


def main() -> int:
    """Entry point."""
    given = arguments()
    if why := missing():
        say(f"skipped: {why}")
        return 0
    # So that the daemons are ended then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    hear_ctrl_c()
    with contextlib.ExitStack() as stack:
        root = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tamis-slurm-")))
        root.mkdir(parents=True, exist_ok=True)
        bench = Bench(root, only="least" if given.chain == "least" else None)
        free: SimpleQueue[Cluster] = SimpleQueue()
        for number in range(CLUSTERS):
            place = root / f"cluster-{number}"
            place.mkdir()
            free.put(stack.enter_context(Cluster(place)))

        def on_a_free_one(name: str, stage: str) -> tuple[bool, str]:
            cluster = free.get()
            try:
                if not stage:
                    return try_chain(bench, cluster, root / "chain", name)
                return told_fault(bench, cluster, root, name, stage)
            finally:
                free.put(cluster)

        planned = [(name, stage) for stage in HITS for name in FAULTS]
        if given.only:
            planned = [(name, stage) for name, stage in planned if {name, f"{name}/{stage}"} & set(given.only)]
        pool = ThreadPoolExecutor(CLUSTERS)
        chain = None if given.only else pool.submit(on_a_free_one, given.chain, "")
        faults = [pool.submit(on_a_free_one, name, stage) for name, stage in planned]
        try:
            for done in as_completed([*([chain] if chain else []), *faults]):
                say(done.result()[1])
        except BaseException:
            # The threads wait for what they have started, and Python for the threads.
            OVER.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for child in psutil.Process().children():
                if child.name() not in DAEMONS:
                    kill_tree(child.pid)
            raise
        survived = sum(fault.result()[0] for fault in faults)
        say(f"faults survived / tried: {survived} / {len(faults)}")
        return int(survived < len(faults) or not (chain is None or chain.result()[0]))


if __name__ == "__main__":
    sys.exit(main())
