"""A chain on a user's own text: what `tamis init` writes runs to its export, from either format alike."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
from running import environment, run_workflow

from tamis.shards import read_table


def init(folder, *arguments):
    subprocess.run(
        [sys.executable, "-m", "tamis.cli", "init", *arguments, "--output", "test.yaml"],
        check=True,
        cwd=folder,
        env=environment(),
    )


def exported(folder):
    """Id → text of what the mixture exports, and how many documents were dropped by each reason."""
    files = sorted((folder / "results_test" / "export").glob("everything/**/*.parquet"))
    rows = pa.concat_tables([pq.read_table(path, columns=["id", "text"]) for path in files]).to_pylist()
    dropped = [read_table(path, columns=["id", "reason"]) for path in (folder / "results_test").glob("*/dropped/*")]
    return {row["id"]: row["text"] for row in rows}, pa.concat_tables(dropped).sort_by("id").to_pylist()


def test_init_and_run_end_in_the_same_export_from_json_lines_and_parquet(make_folder, corpus):
    lines = make_folder("lines")
    init(lines, "web", "--source", "corpus/web/*.jsonl.zst")
    run_workflow(lines, None)
    texts, dropped = exported(lines)
    assert len(texts) >= 20
    reasons = {row["reason"] for row in dropped}
    # Copies, captures of one URL and texts of bad form were planted.
    assert {"near_duplicate", "url_duplicate"} <= reasons or len(reasons) >= 3, reasons

    records = []
    for path in sorted((corpus / "web").glob("*.jsonl.zst")):
        with pa.input_stream(str(path), compression="zstd") as file:
            for line in file.read().decode("utf-8", "replace").split("\n"):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and isinstance(record.get("text"), str):
                    records.append({name: record.get(name) for name in ("text", "url", "date")})
    columns = make_folder("columns")
    (columns / "web").mkdir()
    pq.write_table(pa.Table.from_pylist(records), columns / "web" / "all.parquet")
    init(columns, "web", "--source", "web/*.parquet")
    run_workflow(columns, None)
    assert exported(columns) == (texts, dropped)
