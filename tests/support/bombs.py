"""Files that are small on disk and large when decoded, made here, and the memory that reading one takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

READ = r"""
import json, re, sys
from pathlib import Path
from pydantic import TypeAdapter
from tamis.readers import AnySource
from tamis.job import settle_without_pandas
from tamis.stages import ingest
settle_without_pandas()
given = json.loads(sys.argv[1])
folder = Path(given["folder"])
ingest.run_map(source=given["source"], priority=0, files=[given["file"]], shards=2, output=folder / "rows.arrow",
               skipped=folder / "skipped.parquet", read_counts=folder / "read.json")
# `getrusage` would count the memory of the process that started this one.
print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak_bytes(folder: Path, file: Path, source: dict[str, object], *, seconds: int = 300) -> int:
    """Largest memory of a job that reads a file, in bytes; what it wrote lies in the folder."""
    given = {"folder": str(folder), "file": str(file), "source": {"name": "s", "paths": [str(file)]} | source}
    done = subprocess.run(
        [sys.executable, "-c", READ, json.dumps(given)], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout.split()[-1]) * 1024


def skipped(folder: Path) -> list[dict[str, object]]:
    """The records that were listed."""
    return pq.read_table(folder / "skipped.parquet").to_pylist()


def zstd(path: Path, blocks: Iterator[bytes]) -> Path:
    """A compressed file of blocks that come one after the other."""
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as file:
        for block in blocks:
            file.write(block)
    return path
