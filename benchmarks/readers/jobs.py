"""What ingest takes, all of its jobs, by format: MB of text a second of CPU, beside datatrove's readers in one run.

    python benchmarks/readers/jobs.py [--megabytes 60] [--runs 3] [--formats parquet jsonl text code] [--peer] [FILE …]

Jobs run as the workflow runs them, a process each, one after the other, and their CPU seconds (user and system) are
added up, imports included; wall seconds say little on a shared machine. `ids` is a digest of all rows that came out.
The corpus is made here (`run.py`) but for code, which is SymPy's, installed beside this project, and for files that are
named. The peer reads the same files into its `Document`s, which is less than ingest does: no id but the number of
the record, no kind, no order, and nothing is written; `reading only` is what compares with it. It has no reader of text
files, so it is given one of three lines; its reader of JSON Lines wants orjson. With `--write` its documents go to its
Parquet writer, too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter
from run import corpus

from tamis.checksums import canonical
from tamis.readers import AnySource
from tamis.readers.units import remember
from tamis.stages import ingest

SHARDS = 2

READ_ONLY = """
import sys
from pathlib import Path
from tamis.job import settle_without_pandas
settle_without_pandas()
from pydantic import TypeAdapter
from tamis.readers import AnySource
from tamis.readers.observed import Reading
section = TypeAdapter(AnySource).validate_json(sys.argv[1])
size = 0
def convert(items):
    global size
    for item in items:
        size += len(item.data) if hasattr(item, "data") else item.text.nbytes
    return iter(())
files = [str(path) for path in section.input_files()]
for _ in Reading(section, files, lambda _: None, Path("/")).tables(convert):
    pass
print(size)
"""

PEER = """
import sys
from datatrove.utils.logging import logger
logger.remove()
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.readers.base import BaseDiskReader
from datatrove.pipeline.writers import ParquetWriter
class TextReader(BaseDiskReader):
    name = "text"
    def read_file(self, filepath):
        with self.data_folder.open(filepath, "r", encoding="utf-8") as file:
            yield self.get_document_from_dict({"text": file.read()}, filepath, 0)
kind, folder, output = sys.argv[1:]
readers = {"parquet": ParquetReader, "jsonl": JsonlReader, "text": TextReader, "code": TextReader}
reader = readers[kind](folder, id_key="none")
documents = reader.run()
if output:
    documents = ParquetWriter(output).run(documents)
print(sum(len(document.text) for document in documents))
"""


def taken(command: list[str]) -> tuple[float, float, str]:
    """CPU and wall seconds of a process, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - start, done.stdout


def job(step: str, params: dict[str, Any], values: dict[str, object], files: dict[str, list[Path]]) -> float:
    """CPU seconds of one job."""
    given = {"stage": "ingest", "version": ingest.VERSION, "config": ingest.Config().model_dump(mode="json"), **params}
    command = [sys.executable, "-m", "tamis.job", "ingest", step, "--params", canonical(given)]
    command += [f"{name}={value}" for name, value in values.items()]
    for name, paths in files.items():
        command += ["--files", name, *map(str, paths), "--end"]
    return taken(command)[0]


def ingested(section: Any, folder: Path) -> dict[str, float]:
    """CPU seconds of each step of ingest, over all its jobs."""
    steps = dict.fromkeys(("map", "keys", "rank", "apply"), 0.0)
    units = ingest.units([section], ingest.Config())
    remember(units, folder)
    maps = [folder / f"ingest/map/part-{number:05d}.arrow" for number in range(len(units))]
    for number, unit in enumerate(units):
        places = {
            "output": maps[number],
            "skipped": folder / f"skipped/part-{number:05d}.parquet",
            "read_counts": folder / f"read/part-{number:05d}.json",
        }
        steps["map"] += job("map", unit.params() | {"shards": SHARDS}, places, {})
    keys = [folder / f"keys/part-{shard:05d}.npy" for shard in range(SHARDS)]
    for shard, path in enumerate(keys):
        steps["keys"] += job("keys", {"shards": SHARDS}, {"shard": shard, "output": path}, {"barrier": maps})
    ranks = folder / "ranks.npy"
    steps["rank"] = job(
        "rank", {"units": len(units), "read_folder": str(folder / "read")}, {"output": ranks}, {"barrier": keys}
    )
    for shard in range(SHARDS):
        places = {
            name: folder / f"{name}/part-{shard:05d}.{'json' if name == 'stats' else 'parquet'}"
            for name in ("kept", "dropped", "stats")
        }
        steps["apply"] += job(
            "apply",
            {"shards": SHARDS},
            {"shard": shard, "ranks": ranks, **places},
            {"barrier": maps, "keys_barrier": keys},
        )
    return steps


def digest(folder: Path) -> tuple[str, int]:
    """A digest of all rows in the order of their ids, and the bytes of their texts."""
    tables = [pq.read_table(path) for path in sorted((folder / "kept").glob("*.parquet"))]
    rows = pa.concat_tables(tables).sort_by("id")
    hashed = hashlib.sha256()
    for row in rows.to_pylist():
        hashed.update(json.dumps(row, sort_keys=True, default=str).encode())
    return hashed.hexdigest()[:12], sum(len(text.encode()) for text in rows["text"].to_pylist())


def made(name: str, megabytes: int, folder: Path) -> tuple[str, str]:
    """The files of a format in a folder; pattern or folder of the source, and the folder for the peer."""
    if name == "code":
        # A part of it whose files are all UTF-8, as the peer's are.
        tree = Path(next(path for path in sys.path if path.endswith("site-packages")), "sympy")
        for path in tree.rglob("*.py"):
            copy = folder / path.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        return str(folder), str(folder)
    rows = corpus(megabytes * 10**6)
    if name == "text":
        for number, row in enumerate(rows):
            place = folder / f"{number // 1000:03d}"
            place.mkdir(exist_ok=True)
            (place / f"{number}.txt").write_text(str(row["text"]))
        return f"{folder}/*/*.txt", str(folder)
    if name == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet", compression="zstd")
        return f"{folder}/a.parquet", str(folder)
    with pa.CompressedOutputStream(pa.OSFile(str(folder / "a.jsonl.zst"), "wb"), "zstd") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows).encode())
    return f"{folder}/a.jsonl.zst", str(folder)


def measure(name: str, path: str, peer: str | None, runs: int, *, write: bool) -> None:
    """Print the rows of one format."""
    section = TypeAdapter(AnySource).validate_python({"name": "s", "format": name, "paths": [path]})
    given = section.model_dump_json()
    steps: list[dict[str, float]] = []
    reading: list[float] = []
    peers: list[float] = []
    size, told = 0, ""
    for _ in range(runs):
        # The two take turns.
        with tempfile.TemporaryDirectory() as folder:
            steps.append(ingested(section, Path(folder)))
            told, size = digest(Path(folder))
        reading.append(taken([sys.executable, "-c", READ_ONLY, given])[0])
        if peer is not None:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    peers.append(taken([sys.executable, "-c", PEER, name, peer, folder if write else ""])[0])
                except SystemExit as error:
                    print(f"{name}: datatrove is left out: {str(error).strip().splitlines()[-1]}", file=sys.stderr)
                    peer = None
    whole = statistics.median(sum(one.values()) for one in steps)
    parts = ", ".join(f"{step} {statistics.median(one[step] for one in steps):.2f}" for step in steps[0])
    rows = [
        ("tamis, all of ingest", whole, f"{parts}; ids {told}"),
        ("tamis, reading only", statistics.median(reading), ""),
    ]
    if peers:
        what = "reading and its Parquet writer" if write else "reading only"
        rows.append((f"datatrove, {what}", statistics.median(peers), ""))
    for what, seconds, more in rows:
        print(f"| {name} | {what} | {size / 1e6:.1f} | {seconds:.2f} | {size / 1e6 / seconds:.1f} | {more} |")


def main() -> None:
    """Make the files, read them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--formats", nargs="*", default=["parquet", "jsonl", "text", "code"])
    parser.add_argument("--peer", action="store_true", help="datatrove beside it")
    parser.add_argument("--write", action="store_true", help="let datatrove write Parquet")
    parser.add_argument(
        "--path", help="instead of what is made here, a file, pattern or folder of the one format named"
    )
    given = parser.parse_args()
    print("| format | what | MB of text | CPU seconds | MB a CPU second | |\n|---|---|---|---|---|---|")
    for name in given.formats:
        with tempfile.TemporaryDirectory() as folder:
            path, peer = (given.path, None) if given.path else made(name, given.megabytes, Path(folder))
            measure(name, path, peer if given.peer else None, given.runs, write=given.write)


if __name__ == "__main__":
    main()
