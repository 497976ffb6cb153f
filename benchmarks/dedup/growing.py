"""A corpus that grows snapshot by snapshot against the same corpus made at once: what stays, and what it costs.

    python benchmarks/dedup/growing.py CONFIG.yaml… [--shards 2] [--results FOLDER] [--settings exact defaults]

Each file names the `sources` of one snapshot, oldest first (names are given once over all files). De-duplication
alone is run (`url_dedup`, `minhash_dedup`, `paragraph_dedup`, `line_pruning`), first over all sources, then over each
snapshot `against` those before it, both with `keep: [oldest, source_priority]`. `exact` has the settings under which
the paragraphs of both are equal, `defaults` those of the stages. What `--results` holds already is not made again (its
cost is then missing).
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

STAGES = ("url_dedup", "minhash_dedup", "paragraph_dedup", "line_pruning")
EXACT = {"paragraph_dedup": {"min_documents": 1, "near_copy_share": None, "min_characters": 0}}
USED = re.compile(r"used ([0-9.]+) s of CPU")
"""The last line of a job's log."""
SETTINGS: dict[str, dict[str, Any]] = {"exact": EXACT, "defaults": {}}


@dataclass
class Run:
    """What a run kept after each stage, and what it took: CPU seconds of all its processes, seconds by the clock."""

    cpu: float
    seconds: float
    texts: dict[str, dict[str, tuple[int, bytes]]] = field(default_factory=dict)
    """Stage → id → length and hash of the text that it kept."""
    jobs: Counter[str] = field(default_factory=Counter)
    """Stage → jobs."""
    used: Counter[str] = field(default_factory=Counter)
    """Stage → CPU seconds that its jobs say they used."""

    def characters(self, stage: str) -> int:
        """Of what it kept."""
        return sum(length for length, _ in self.texts[stage].values())


def run(folder: Path, name: str, config: dict[str, Any]) -> Run:
    """Run a configuration, and read what each stage kept."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config | {"output_dir": str(folder / name)}), encoding="utf-8")
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [Path(sys.executable).parent / "tamis", "run", "--configfile", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = Run(cpu, seconds)
    for stage in STAGES:
        found.texts[stage] = {}
        for part in sorted((folder / name / stage / "documents").glob("*.parquet")):
            for batch in pq.ParquetFile(part).iter_batches(4096, columns=["id", "text"]):
                texts = [
                    (len(text), blake2b(text.encode(), digest_size=12).digest()) for text in batch["text"].to_pylist()
                ]
                found.texts[stage] |= dict(zip(batch["id"].to_pylist(), texts, strict=True))
    for log in (folder / name / "logs").rglob("*.log"):
        if said := USED.search(log.read_text(encoding="utf-8", errors="replace")):
            stage = log.relative_to(folder / name / "logs").parts[0]
            found.jobs[stage] += 1
            found.used[stage] += float(said[1])
    return found


def settings(more: dict[str, Any], against: list[str], shards: int) -> dict[str, Any]:
    """The sections of one run."""
    sections = {stage: more.get(stage, {}) | {"write_index": True} for stage in STAGES}
    for stage in STAGES:
        sections[stage]["against"] = [f"{earlier}/{stage}/index" for earlier in against]
    common = {"pipeline": list(STAGES), "shards": shards, "ingest": {"keep": ["oldest", "source_priority"]}}
    return common | sections


def compare(folder: Path, snapshots: list[list[Any]], more: dict[str, Any], shards: int) -> None:
    """Make the corpus at once and grown, and print both."""
    whole = run(
        folder,
        "whole",
        settings(more, [], shards) | {"sources": [source for sources in snapshots for source in sources]},
    )
    grown: list[Run] = []
    for number, sources in enumerate(snapshots):
        against = [str(folder / f"run-{before}") for before in range(number)]
        grown.append(run(folder, f"run-{number}", settings(more, against, shards) | {"sources": sources}))
    print("| after | documents at once | grown | in one alone | with another text | characters at once | grown |")
    print("|---|---|---|---|---|---|---|")
    for stage in STAGES:
        together: dict[str, tuple[int, bytes]] = {}
        for one in grown:
            together |= one.texts[stage]
        once = whole.texts[stage]
        alone = len(once.keys() ^ together.keys())
        other = sum(once[name] != together[name] for name in once.keys() & together.keys())
        sizes = f"{whole.characters(stage):,} | {sum(one.characters(stage) for one in grown):,}"
        print(f"| `{stage}` | {len(once):,} | {len(together):,} | {alone:,} | {other:,} | {sizes} |")
    costs = ", ".join(f"{one.cpu:.0f}" for one in grown)
    share = grown[-1].cpu / whole.cpu
    print(f"\nCPU seconds: at once {whole.cpu:.0f}, snapshots {costs}; the last costs {share:.1%} of all at once.\n")
    print("| stage | jobs at once | CPU s | jobs of the last | CPU s |")
    print("|---|---|---|---|---|")
    last = grown[-1]
    for stage in sorted(whole.jobs, key=lambda name: -whole.used[name]):
        cells = [f"{one.jobs[stage]} | {one.used[stage]:.1f}" for one in (whole, last)]
        print(f"| `{stage}` | {' | '.join(cells)} |")
    print(f"| all else | | {whole.cpu - whole.used.total():.1f} | | {last.cpu - last.used.total():.1f} |\n")


def main() -> None:
    """Compare under the settings that are exact, and under the defaults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("snapshots", nargs="+", type=Path, help="a YAML file with the sources of each, oldest first")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--results", type=Path, help="where the runs go; a temporary folder by default")
    chosen = parser.parse_args()
    snapshots = [yaml.safe_load(path.read_text(encoding="utf-8"))["sources"] for path in chosen.snapshots]
    with tempfile.TemporaryDirectory() as temporary:
        for name in chosen.settings:
            print(f"## {name}\n", flush=True)
            folder = (chosen.results or Path(temporary)) / name
            folder.mkdir(parents=True, exist_ok=True)
            compare(folder, snapshots, SETTINGS[name], chosen.shards)


if __name__ == "__main__":
    main()
