"""URL de-duplication: rows a second of the decision alone (no text) and of a whole job, on one core.

The rows are made up: pages of many hosts, three in four captured once, the others 2 to 30 times (a Zipf law, as in
crawls over several months); a share of the re-captures is written in another way (scheme, host in capitals, tracking
parameter, fragment), which is what costs: a page written in two ways is spelled out. Ids have what ingest gives them:
one first half for all captures of a page.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

from tamis import hashing
from tamis.schemas import conform_documents
from tamis.shards import read_json, write_table
from tamis.stages import url_dedup as stage

ROWS = 2_000_000
ROUNDS = 5
REWRITTEN = (0.0, 1 / 50, 1 / 8)
HEAD = ("", "re-captures written in another way", "rows", "dropped", "seconds (median)", "rows/s", "CPU s")


def documents_of(rows: int, text: str, rewritten: float) -> pa.Table:
    """A shard of captures, sorted by id.

    Args:
        rows: how many.
        text: of each document.
        rewritten: share of the re-captures whose address is written in another way.
    """
    random = np.random.default_rng(0)
    captures = np.where(random.random(rows) < 0.75, 1, np.minimum(1 + random.zipf(2.0, rows), 30))
    page = np.repeat(np.arange(rows), captures)[:rows]
    again = np.r_[False, page[1:] == page[:-1]]
    other = np.where(again & (random.random(rows) < rewritten), random.integers(1, 5, rows), 0)
    host = [f"www.site-{number}.example.org" for number in range(20_000)]
    urls = []
    for number, way in zip(page.tolist(), other.tolist(), strict=True):
        name = host[number * 7919 % len(host)]
        path = f"/articles/2024/{number % 12 + 1:02d}/a-title-of-some-words-{number}?page={number % 3}"
        match way:
            case 0:
                urls.append(f"https://{name}{path}")
            case 1:
                urls.append(f"http://{name}{path}")
            case 2:
                urls.append(f"https://{name.upper()}{path}")
            case 3:
                urls.append(f"https://{name}{path}&utm_source=feed")
            case _:
                urls.append(f"https://{name}{path}#comments")
    half = hashing.keyed_uint64("benchmark pages", (str(number) for number in range(rows)))[page]
    content = random.integers(0, 1 << 63, rows)
    ids = [f"{one:016x}{two:016x}" for one, two in zip(half.tolist(), content.tolist(), strict=True)]
    table = pa.table(
        {
            "id": ids,
            "kind": pa.array(["prose"] * rows),
            "text": pa.array([text] * rows, pa.large_string()),
            "source": pa.array(["crawl"] * rows),
            "url": urls,
            "date": pa.nulls(rows, pa.timestamp("s", "UTC")),
            "metadata": pa.nulls(rows, pa.string()),
            "parent": pa.nulls(rows, pa.string()),
            "copies": pa.array(np.ones(rows, np.int32)),
            "ingested_characters": pa.array(np.full(rows, len(text))),
            "rank": pa.array(random.permutation(rows)),
        }
    )
    return conform_documents(table.sort_by("id"), "made-up captures")


def measured(name: str, rewritten: float, run: Callable[[], int], rounds: int) -> list[str]:
    """Cells of one row: a run that is not counted, then the median of some."""
    run()
    walls, works = [], []
    for _ in range(rounds):
        wall, work = time.perf_counter(), time.process_time()
        dropped = run()
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - work)
    return [name, f"{100 * rewritten:g} %", f"{ROWS:,}", f"{dropped:,}", f"{median(walls):.2f}",
            f"{ROWS / median(walls):,.0f}", f"{median(works):.2f}"]  # fmt: skip


def report(given: argparse.Namespace) -> tuple[tuple[str, ...], list[list[str]]]:
    """Head and rows of the table."""
    config = stage.Config()
    folder = given.work / "urls"
    rows = []
    for rewritten in REWRITTEN:
        shutil.rmtree(folder, ignore_errors=True)
        text = "The text of a page, short, so that its size is not what is measured. " * 3
        documents = documents_of(ROWS, text, rewritten)
        decided = documents.drop_columns(["text"]).combine_chunks()
        write_table(folder / "in.parquet", documents)
        del documents
        rows.append(measured("decision", rewritten, partial(decision, decided, config), ROUNDS))
        rows.append(measured("whole job", rewritten, partial(job, folder, config), 3))
    shutil.rmtree(folder)
    return HEAD, rows


def decision(documents: pa.Table, config: stage.Config) -> int:
    """Decide and count the dropped."""
    return int((stage.survivors(documents, config) != np.arange(documents.num_rows)).sum())


def job(folder: Path, config: stage.Config) -> int:
    """The job of one shard; counts the dropped."""
    names = {name: folder / f"{name}.parquet" for name in ("kept", "dropped")}
    stage.run_apply(config, shard=0, documents=folder / "in.parquet", **names, stats=folder / "stats.json")
    counts = read_json(folder / "stats.json")["counts"]
    return sum(row["documents"] for row in counts if row["outcome"] == "dropped")
