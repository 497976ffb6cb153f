"""A run is held against the indexes of earlier ones: what they hold goes, and a corpus that grows is that made at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import finished
import pytest
import zstandard
from running import ROOT, changed, environment, planned, run_workflow

from tamis import exchange
from tamis.report import tables
from tamis.report.layout import Results
from tamis.shards import read_table

pytestmark = pytest.mark.workflow


def test_a_run_against_the_index_of_another(make_folder, small):
    folder = make_folder("against")
    takedowns = folder / "takedowns.txt"
    takedowns.write_text("# nothing yet\n", encoding="utf-8")
    pipeline = {"pipeline": ["remove", *small["pipeline"]], "remove": {"ids": ["takedowns.txt"]}}
    first = small | {"output_dir": "first", "minhash_dedup": {"write_index": True}} | pipeline
    against = {"against": ["first/minhash_dedup/index"]}
    second = small | {"output_dir": "second", "shards": 3, "minhash_dedup": against}
    assert "first/minhash_dedup/index/index.json is missing" in run_workflow(folder, second, "--dry-run", fails=True)
    run_workflow(folder, first)
    jobs = planned(folder, changed(first, minhash_dedup__write_index=False))
    # The index is made no more, so that it goes, and the reports say what is there.
    reports = {"report_layout", "report_stats", "report_database", "report_manifest", "report_page"}
    assert {"sweep"} <= set(jobs) <= reports | {"sweep"}
    output = run_workflow(folder, changed(second, minhash_dedup__seed=1), "--dry-run", fails=True)
    assert "seed is 0 there and 1 here" in output
    run_workflow(folder, second)
    held = {row["id"] for row in finished.rows(folder / "first" / "minhash_dedup" / "documents")}
    dropped = list(finished.rows(folder / "second" / "minhash_dedup" / "dropped"))
    assert len(dropped) > len(held)
    assert {row["reason"] for row in dropped} == {"in_earlier_corpus"}
    assert {row["matched_id"] for row in dropped} <= held
    # What stays for them is another run's.
    assert {row["kept_id"] for row in dropped} == {None}
    assert min(row["similarity"] for row in dropped) >= 0.7
    # A document is taken down from the first run, which has nothing else like it.
    held = Counter(row["matched_id"] for row in dropped)
    gone = min(row["id"] for row in dropped if row["matched_id"] == row["id"] and held[row["id"]] == 1)
    takedowns.write_text(f"{gone}\n", encoding="utf-8")
    run_workflow(folder, first)
    assert "removed, and in no index" in (folder / "first" / "report" / "index.html").read_text(encoding="utf-8")
    why = [sys.executable, "-m", "tamis.cli", "why", gone, "--results", "second"]
    said = subprocess.run(why, cwd=folder, env=environment(ROOT), capture_output=True, text=True, check=True).stdout
    assert "which an earlier run holds" in said
    assert "That run has removed it since (first/remove): run this one again" in said
    run_workflow(folder, second)
    after = list(finished.rows(folder / "second" / "minhash_dedup" / "dropped"))
    assert gone not in {row["matched_id"] for row in after}
    assert {row["id"] for row in finished.rows(folder / "second" / "minhash_dedup" / "documents")} >= {gone}
    noted = tables.read_notes(Results.open(folder / "second"))["minhash_dedup"]
    assert (noted["held_before"], noted["held_no_more"]) == (len(dropped), 1)
    assert "documents that came back" in (folder / "second" / "report" / "index.html").read_text(encoding="utf-8")


def test_a_corpus_that_grows_is_the_one_made_at_once(make_folder, small):
    folder = make_folder("growing")
    records = []
    for path in sorted((folder / "corpus" / "web").glob("*.jsonl.zst")):
        for line in zstandard.decompress(path.read_bytes()).splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
    records = [record for record in records if isinstance(record, dict) and record.get("date") and record.get("text")]
    records.sort(key=lambda record: str(record["date"]))
    assert len(records) > 100
    for name, some in (("old", records[: len(records) // 2]), ("new", records[len(records) // 2 :])):
        text = "".join(f"{json.dumps(record)}\n" for record in some)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    source = {key: value for key, value in small["sources"][0].items() if key != "paths"}
    stages = ["url_dedup", "minhash_dedup", "paragraph_dedup", "line_pruning"]
    common = {
        "pipeline": stages,
        "ingest": {"keep": ["oldest"]},
        "paragraph_dedup": {"min_documents": 1, "near_copy_share": None, "min_characters": 0},
    }
    # The runs that grow write texts where they are edited alone, the one that is made at once everywhere.
    apart = {"materialize": "on_edit"}

    def run(name, files, **more):
        given = common | {"output_dir": name, "sources": [source | {"paths": files}]} | more
        for stage in stages:
            given[stage] = given.get(stage, {}) | {"write_index": True}
        run_workflow(folder, given)
        parts = {stage: sorted((folder / name / stage / "documents").iterdir()) for stage in stages}
        return {
            stage: [row for path in paths for row in read_table(path).to_pylist()] for stage, paths in parts.items()
        }

    whole = run("whole", ["old.jsonl", "new.jsonl"], shards=2)
    old = run("old", ["old.jsonl"], shards=3, partitions=2, **apart)
    assert "text" not in finished.table(folder / "old" / "minhash_dedup" / "documents").column_names
    against = {stage: common.get(stage, {}) | {"against": [f"old/{stage}/index"]} for stage in stages}
    new = run("new", ["new.jsonl"], shards=2, **against, **apart)
    for stage in stages[:3]:
        texts = [{row["id"]: row["text"] for row in rows[stage]} for rows in (whole, old, new)]
        assert texts[0] == texts[1] | texts[2]
        dropped = [row["reason"] for row in finished.rows(folder / "new" / stage / "dropped")]
        if stage != "paragraph_dedup":
            assert "in_earlier_corpus" in dropped
            # Noted before the ledgers were written, of which there were none.
            assert exchange.read_batch(folder / "new" / stage / "held.arrow", 0, 1).num_rows == 0
    owners = {row["matched_id"] for row in finished.rows(folder / "new" / "paragraph_dedup" / "edits")}
    assert owners & {row["id"] for row in old["paragraph_dedup"]}
    # What is frequent in all is cut in the new part as in the whole; the old part stays as it was.
    pruned = {row["id"]: row["text"] for row in whole["line_pruning"]}
    assert {row["id"]: row["text"] for row in new["line_pruning"]}.items() <= pruned.items()
    notes = json.loads((folder / "new" / "line_pruning" / "stats" / "part-00000.json").read_text())["notes"]
    assert notes["ngrams_frequent_only_now"] > 0
