"""Side by side in one run: the near-duplicate step of tamis and of its peers, Parquet in, Parquet out, two cores.

    make bench-dedup
    make bench-dedup ARGS="--documents 500000 --peers datatrove text-dedup rensa --rounds 1"
    make bench-dedup ARGS="--parts kernels recall bands paragraphs lines empty"

Parts: `minhash` (tamis, peer, tamis, peer … `--rounds` times; the ratio is the median over pairs of peer's seconds /
tamis' seconds just before it), `paragraphs` (the same against dolma's Bloom filter), `lines` (line pruning alone),
`kernels` (signatures, MB/s), `levels` (signatures against known Jaccard), `bands` (42 × 6 against others),
`recall` (real corpora against brute force), `order` (paragraphs before MinHash against MinHash before paragraphs),
`line-growth` (what line pruning cuts of prose as a corpus doubles), `urls` (URL de-duplication, rows
a second), `empty` (all jobs over one word).

tamis runs through Snakemake from ingest's documents, with `--cores 2`: start of Snakemake, all jobs and writing the
kept documents count. Peers read the same files of documents. Nothing here asserts a time. Prints tables and writes
them with machine, versions and commands to benchmarks/results/<date>-dedup.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import kernels
import line_growth
import order
import overhead
import real_corpora
import tamis_workflow as workflow
import urls
from corpus import write as write_corpus
from peers.environments import REQUIREMENTS, interpreter, version

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
MINHASH_PEERS = {
    "datatrove": ("datatrove", "datatrove_minhash.py"),
    "text-dedup": ("text-dedup", "text_dedup_minhash.py"),
    "rensa": ("rensa", "rensa_minhash.py"),
}
PARAGRAPH_PEERS = {
    "dolma, attributes only": ("dolma", "dolma_paragraphs.py"),
    "dolma, documents rewritten": ("dolma", "dolma_paragraphs.py", "--rewrite"),
}
"""Row of the table → the peer, its script and options."""

PREPARED = {"dolma": "--prepare"}
"""Peers that cannot read Parquet: their own input is made beforehand and its making is not counted."""

PARTS = (
    "minhash",
    "paragraphs",
    "lines",
    "kernels",
    "levels",
    "bands",
    "recall",
    "order",
    "line-growth",
    "urls",
    "empty",
)


@dataclass
class Timing:
    """One program, run a few times."""

    name: str
    costs: list[workflow.Cost] = field(default_factory=list)
    own: list[workflow.Cost] = field(default_factory=list)
    kept: int = 0

    def row(self, documents: int, megabytes: float) -> list[str]:
        """Cells of the table."""
        middle = median(cost.seconds for cost in self.costs)
        processors = median(cost.cpu for cost in self.costs)
        pairs = list(zip(self.costs, self.own, strict=False))
        times = f"{median(cost.seconds / own.seconds for cost, own in pairs):.1f}" if pairs else "1"
        work = f"{median(cost.cpu / own.cpu for cost, own in pairs):.1f}" if pairs else "1"
        each = " ".join(f"{cost.seconds:.1f}" for cost in self.costs)
        return [self.name, f"{middle:.1f}", f"{documents / middle:,.0f}", f"{megabytes / middle:.1f}", times,
                f"{processors:.1f}", work, f"{self.kept:,}" if self.kept else "–", each]  # fmt: skip


HEAD = (
    "",
    "seconds (median)",
    "documents/s",
    "MB/s",
    "times slower",
    "CPU s",
    "times more CPU",
    "documents kept",
    "each run, s",
)
STEPS = ("step", "jobs", "seconds", "CPU s", "most memory, MB")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def machine() -> str:
    """Processor, cores, memory, load, versions."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    packages = ("numba", "numpy", "pyarrow", "snakemake")
    versions = ", ".join(f"{name} {version(Path(sys.executable), name)}" for name in packages)
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()  # fmt: skip
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} "
        f"{platform.release().split('-')[0]}; Python {platform.python_version()}, {versions}; tamis at {commit}; "
        f"load before: {load}"
    )


def documents_in(folder: Path) -> int:
    """Documents of a folder that a peer wrote: Parquet, or Arrow files of `datasets`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if arrow := sorted(folder.glob("documents/*.arrow")):
        return sum(batch.num_rows for path in arrow for batch in pa.ipc.open_stream(path))
    return sum(pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))


def run_peer(python: Path, script: str, source: Path, output: Path, cores: int, *more: str) -> workflow.Cost:
    """What one run of a peer took."""
    command = [str(python), str(HERE / "peers" / script), "--input", str(source), "--output", str(output)]
    return workflow.measured([*command, "--workers", str(cores), *more], output.parent)


def duel(given: argparse.Namespace, stage: str, peers: dict[str, tuple[str, ...]]) -> str:
    """tamis, peer, tamis, peer … and the table of it."""
    folder = given.work / f"{given.documents}"
    megabytes = write_corpus(folder / "corpus", given.documents) / 1e6
    runner = workflow.Runner(
        folder / stage, workflow.parquet_source(folder / "corpus"), [stage], given.shards, given.cores
    )
    runner.ingest()
    runner.run(stage)  # Compiles kernels where they are not cached yet; not counted.
    mine, others = Timing("tamis"), []
    versions = []
    for name, (peer, script, *more) in peers.items():
        python = interpreter(peer, given.environments) if peer in given.peers else None
        if python is None:
            continue
        versions.append(f"{peer} {version(python, peer)}")
        timing = Timing(name)
        for _ in range(given.rounds):
            own = runner.run(stage)
            output = folder / f"{stage}-{peer}"
            if (prepared := PREPARED.get(peer)) is not None:
                run_peer(Path(sys.executable), script, runner.documents("ingest"), output, given.cores, prepared)
            cost = run_peer(python, script, runner.documents("ingest"), output, given.cores, *more)
            mine.costs.append(own)
            timing.costs.append(cost)
            timing.own.append(own)
            timing.kept = documents_in(output)
            load = os.getloadavg()[0]
            print(
                f"tamis {own}, {name} {cost}, times slower {cost.seconds / own.seconds:.1f}, load {load:.1f}",
                flush=True,
            )
        others.append(timing)
        if not given.keep:
            shutil.rmtree(output)
    if not mine.costs:
        mine.costs.append(runner.run(stage))
    mine.kept = documents_in(runner.documents(stage))
    rows = [timing.row(given.documents, megabytes) for timing in (mine, *others)]
    steps = table(STEPS, runner.steps(stage))
    return (
        f"{given.documents:,} documents, {megabytes:,.0f} MB of text, {given.shards} shards, {given.cores} cores. "
        f"{', '.join(sorted(set(versions)))}.\n\n{table(HEAD, rows)}\n\nSeconds in the jobs of tamis' last run "
        f"(summed over jobs, {runner.last.seconds:.1f} s by the clock, {runner.last.cpu:.1f} CPU s with "
        f"Snakemake):\n\n{steps}"
    )


def lines(given: argparse.Namespace) -> str:
    """Line pruning alone."""
    folder = given.work / f"{given.documents}"
    megabytes = write_corpus(folder / "corpus", given.documents) / 1e6
    source = workflow.parquet_source(folder / "corpus")
    runner = workflow.Runner(folder / "line_pruning", source, ["line_pruning"], given.shards, given.cores)
    runner.ingest()
    runner.run("line_pruning")
    seconds = [runner.run("line_pruning").seconds for _ in range(given.rounds)]
    crossing = sum(path.stat().st_size for path in (runner.results / "line_pruning" / "map").glob("*.arrow")) / 1e6
    return (
        f"{given.documents:,} documents, {megabytes:,.0f} MB: {median(seconds):.1f} s, "
        f"{megabytes / median(seconds):.0f} MB/s on {given.cores} cores; {1000 * crossing / megabytes:.0f} MB cross "
        f"per GB of text.\n\n{table(STEPS, runner.steps('line_pruning'))}"
    )


def growth(given: argparse.Namespace) -> str:
    """Line pruning as a corpus doubles."""
    head, rows, listed = line_growth.report(given.text, given.work)
    return (
        f"{table(head, rows)}\n\nHow the lines of prose begin that the defaults cut at the largest size:\n\n"
        + "\n".join(f"* {line}" for line in listed)
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="pairs of runs for each peer")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--peers", nargs="*", choices=sorted(REQUIREMENTS), default=sorted(REQUIREMENTS))
    parser.add_argument("--work", type=Path, default=ROOT / "results_bench" / "dedup", help="scratch folder")
    parser.add_argument("--environments", type=Path, default=ROOT / "results_bench" / "environments")
    parser.add_argument("--text", type=Path, default=ROOT.parent / "shared" / "data" / "text", help="real corpora")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--keep", action="store_true", help="keep what peers wrote")
    given = parser.parse_args()
    given.work, given.environments = given.work.resolve(), given.environments.resolve()
    given.work.mkdir(parents=True, exist_ok=True)
    makers = {
        "minhash": ("Near-duplicates", lambda: duel(given, "minhash_dedup", MINHASH_PEERS)),
        "paragraphs": ("Paragraphs", lambda: duel(given, "paragraph_dedup", PARAGRAPH_PEERS)),
        "lines": ("Line pruning", lambda: lines(given)),
        "kernels": ("Signature kernel, one core", lambda: table(*kernels.speed(given.text))),
        "levels": ("Signatures against known Jaccard", lambda: table(*kernels.levels(given.work))),
        "bands": ("Bands and rows", lambda: table(*kernels.bands(given.work))),
        "recall": (
            "Real corpora against brute force",
            lambda: "\n\n".join(
                f"{title}:\n\n{table(head, rows)}" for title, head, rows in real_corpora.report(given.text, given.work)
            ),
        ),
        "order": ("Paragraphs first, or documents first", lambda: table(*order.report(given.text, given.work))),
        "line-growth": ("Line pruning as a corpus of prose doubles", lambda: growth(given)),
        "urls": ("Captures of URLs, one core", lambda: table(*urls.report(given))),
        "empty": ("Fixed overhead", lambda: overhead.empty(given.work, given.shards, given.cores)),
    }
    texts = [f"# De-duplication, {dt.datetime.now(dt.UTC):%Y-%m-%d}", machine()]
    texts.append(f'Command: `make bench-dedup ARGS="{" ".join(sys.argv[1:])}"`')
    for part in given.parts:
        title, make = makers[part]
        texts.append(f"## {title}\n\n{make()}")
        print(texts[-1] + "\n", flush=True)
    given.results.mkdir(parents=True, exist_ok=True)
    path = given.results / f"{dt.datetime.now(dt.UTC):%Y-%m-%d}-dedup.md"
    number = 2
    while path.exists():  # Earlier results of the day stay.
        path = given.results / f"{dt.datetime.now(dt.UTC):%Y-%m-%d}-dedup-{number}.md"
        number += 1
    path.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    print(f"written: {path}")


if __name__ == "__main__":
    main()
