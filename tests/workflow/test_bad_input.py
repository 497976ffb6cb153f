"""Damaged input: a clear error that names the file, never a smaller corpus in silence."""

from __future__ import annotations

import gzip
import json

import finished
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from running import run_workflow

pytestmark = pytest.mark.workflow


def source(path, **more):
    return {
        "sources": [{"name": "one", "format": "jsonl", "paths": [path]} | more],
        "pipeline": ["url_dedup"],
        "shards": 1,
    }


def test_a_truncated_gz_fails_and_is_named(make_folder):
    folder = make_folder("truncated")
    whole = gzip.compress(b"".join(json.dumps({"text": f"Text {n} of many."}).encode() + b"\n" for n in range(5000)))
    (folder / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    output = run_workflow(folder, source("cut.jsonl.gz"), "ingest", fails=True)
    assert "cut.jsonl.gz: cut short or damaged" in output
    assert not list((folder / "results").rglob("*.parquet"))


def test_a_broken_parquet_fails_and_is_named(make_folder):
    folder = make_folder("parquet")
    pq.write_table(pa.table({"text": ["x"] * 1000}), folder / "broken.parquet")
    (folder / "broken.parquet").write_bytes((folder / "broken.parquet").read_bytes()[:-10])
    output = run_workflow(folder, source("broken.parquet", format="parquet"), "ingest", fails=True)
    assert "broken.parquet: not a whole Parquet file" in output


def test_an_empty_source_fails_and_is_named(make_folder):
    folder = make_folder("empty")
    (folder / "empty.jsonl").write_bytes(b"\n\n")
    output = run_workflow(folder, source("empty.jsonl"), "ingest", fails=True)
    assert "source 'one'" in output
    assert not list((folder / "results" / "ingest").glob("documents/*"))


def test_a_repaired_input_continues(make_folder):
    folder = make_folder("repaired")
    path = folder / "later.jsonl.gz"
    whole = gzip.compress(b'{"text": "A short text, but a whole one."}\n' * 3)
    path.write_bytes(whole[:-9])
    run_workflow(folder, source(path.name), "url_dedup", fails=True)
    path.write_bytes(whole)
    run_workflow(folder, None, "url_dedup")
    documents = finished.table(folder / "results" / "url_dedup" / "documents")
    assert documents["copies"].to_pylist() == [3]
