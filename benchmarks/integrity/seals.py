"""What it costs a stage to seal what it writes and to check what it reads.

    PYTHONPATH=tests/support python benchmarks/integrity/seals.py FOLDER [--documents 60000] [--pairs 7]

makes documents as `benchmarks/dedup/corpus.py` does, runs `url_dedup`, which does little but read and write, on them in
this process, by turns with and without seals and checks, and writes and reads text through exchange files in the same
way. It prints CPU seconds of each (user and system), the median of the pairs' ratios, the smallest and the largest.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1] / "dedup"))

import corpus
from in_process import documents_table

from tamis import checksums, exchange, parquet_seal, shards
from tamis.schemas import with_column
from tamis.stages import url_dedup


def nothing(*_: Any) -> None:
    """Neither seals nor checks."""


class Unchecked:
    """A Parquet file of which nothing is checked."""

    check = nothing

    def __init__(self, path: Path) -> None:
        """Read the footer."""
        self.metadata = pq.read_metadata(path)


@contextmanager
def without() -> Iterator[None]:
    """Files are written and read as they were before there were seals; trailers hold zeros."""
    options = shards._options  # noqa: SLF001

    def plain(names: Any) -> dict[str, Any]:
        return options(names) | {"write_page_checksum": False}

    with ExitStack() as stack:
        for where, name, instead in (
            (shards, "_options", plain),
            (parquet_seal, "seal", nothing),
            (parquet_seal, "SealedParquet", Unchecked),
            (checksums.xxhash, "xxh3_64_intdigest", lambda _: 0),
        ):
            stack.enter_context(patch.object(where, name, instead))
        yield


def seconds(work: Callable[[], None]) -> float:
    """CPU seconds of this process for a piece of work."""
    before = time.process_time()
    work()
    return time.process_time() - before


def documents(folder: Path, count: int) -> Path:
    """A shard of generated documents, made when it is not there."""
    path = folder / "documents" / "part-00000.parquet"
    if not path.exists():
        corpus.write(folder, count)
        files = sorted((folder / "input").glob("*.parquet"))
        texts = pa.concat_tables(pq.read_table(one, columns=["text"]) for one in files)["text"]
        table = documents_table(texts.to_pylist())
        shards.write_table(path, with_column(table, "language", pa.array(["en"] * table.num_rows)))
    return path


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=60_000)
    parser.add_argument("--pairs", type=int, default=7)
    given = parser.parse_args()
    path = documents(given.folder, given.documents)
    out = given.folder / "out"
    outputs = {name: out / name / "part-00000.parquet" for name in ("kept", "dropped", "stats")}
    crossed = out / "map" / "part-00000.arrow"

    def urls() -> None:
        url_dedup.run_apply(url_dedup.Config(), shard=0, documents=path, **outputs)

    rows = shards.read_table(path, ["id", "rank", "text"])
    partition = np.arange(rows.num_rows) % 64

    def crossing() -> None:
        exchange.scatter(crossed, rows, partition, 64)
        for index in range(64):
            exchange.read_batch(crossed, index, 64)

    size = pc.sum(pc.binary_length(rows["text"])).as_py() / 1e6
    sys.stdout.write(f"{rows.num_rows} documents, {size:.0f} MB of text\n\n")
    sys.stdout.write("| work | without, CPU s | with | ratio | smallest to largest |\n|---|---|---|---|---|\n")
    for name, work in (("url_dedup", urls), ("text through the exchange", crossing)):
        work()
        plain: list[float] = []
        sealed: list[float] = []
        for number in range(given.pairs):
            for which in (plain, sealed) if number % 2 else (sealed, plain):
                with without() if which is plain else ExitStack():
                    which.append(seconds(work))
        ratios = [one / other for one, other in zip(sealed, plain, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        sys.stdout.write(f"| {name} | {median(plain):.2f} | {median(sealed):.2f} | {median(ratios):.3f} | {spread} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
