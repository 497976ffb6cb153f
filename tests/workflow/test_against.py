"""A run is held against the indexes of earlier ones: what they hold goes, and a corpus that grows is that made at once."""

from __future__ import annotations

import json

import finished
import pytest
import zstandard
from running import changed, planned, run_workflow

pytestmark = pytest.mark.workflow


def test_a_run_against_the_index_of_another(make_folder, small):
    folder = make_folder("against")
    first = small | {"output_dir": "first", "minhash_dedup": {"write_index": True}}
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

    def run(name, files, **more):
        given = common | {"output_dir": name, "sources": [source | {"paths": files}]} | more
        for stage in stages:
            given[stage] = given.get(stage, {}) | {"write_index": True}
        run_workflow(folder, given)
        return {stage: list(finished.rows(folder / name / stage / "documents")) for stage in stages}

    whole = run("whole", ["old.jsonl", "new.jsonl"], shards=2)
    old = run("old", ["old.jsonl"], shards=3, partitions=2)
    against = {stage: common.get(stage, {}) | {"against": [f"old/{stage}/index"]} for stage in stages}
    new = run("new", ["new.jsonl"], shards=2, **against)
    for stage in stages[:3]:
        texts = [{row["id"]: row["text"] for row in rows[stage]} for rows in (whole, old, new)]
        assert texts[0] == texts[1] | texts[2]
        dropped = [row["reason"] for row in finished.rows(folder / "new" / stage / "dropped")]
        if stage != "paragraph_dedup":
            assert "in_earlier_corpus" in dropped
    owners = {row["matched_id"] for row in finished.rows(folder / "new" / "paragraph_dedup" / "edits")}
    assert owners & {row["id"] for row in old["paragraph_dedup"]}
    # What is frequent in all is cut in the new part as in the whole; the old part stays as it was.
    pruned = {row["id"]: row["text"] for row in whole["line_pruning"]}
    assert {row["id"]: row["text"] for row in new["line_pruning"]}.items() <= pruned.items()
    notes = json.loads((folder / "new" / "line_pruning" / "stats" / "part-00000.json").read_text())["notes"]
    assert notes["ngrams_frequent_only_now"] > 0
