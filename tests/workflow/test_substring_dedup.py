"""Repeated spans are cut across shards in a run that asks for it; a run that does not has no job of it."""

from __future__ import annotations

import json

import finished
import pytest
from running import changed, planned, run_workflow

pytestmark = pytest.mark.workflow

STAGE = "substring_dedup"


def outcome(results):
    keys = [("id", "ascending"), ("start", "ascending")]
    return finished.table(results / STAGE / "documents").sort_by("id"), finished.table(
        results / STAGE / "edits"
    ).sort_by(keys)


def test_a_run_with_the_stage(make_folder, small, config, corpus):
    folder = make_folder("spans")
    asked = small | {
        "sources": config["sources"],
        "pipeline": ["url_dedup", STAGE],
        STAGE: {"tokens": 20, "min_characters": 0},
    }
    three = asked | {"output_dir": "three", "shards": 3, "partitions": 2}
    assert not [name for name in planned(folder, changed(three, pipeline=["url_dedup"])) if STAGE in name]
    run_workflow(folder, three)
    assert planned(folder, three) == {}
    run_workflow(folder, asked | {"output_dir": "one", "shards": 1}, plain=True)
    documents, edits = outcome(folder / "three")
    for table, other in zip((documents, edits), outcome(folder / "one"), strict=True):
        assert table.equals(other)

    before = {row["id"]: row for row in finished.rows(folder / "three" / "url_dedup" / "documents")}
    after = {row["id"]: row["text"] for row in documents.to_pylist()}
    truth = json.loads((corpus / "truth.json").read_text(encoding="utf-8"))
    for text in [truth["banners"]["exact"], *truth["repeated"]]:
        assert sum(text in row["text"] for row in before.values()) >= 5
        assert sum(text in text_after for text_after in after.values()) == 1
    # What was cut stands in the document that it names, character for character, and that comes earlier in keep order.
    for row in edits.to_pylist():
        cut = before[row["id"]]["text"][row["start"] : row["end"]]
        assert cut in before[row["matched_id"]]["text"]
        assert before[row["matched_id"]]["rank"] <= before[row["id"]]["rank"]
    assert edits.num_rows > 50

    jobs = planned(folder, changed(three, **{f"{STAGE}__tokens": 30}))
    assert {f"{STAGE}_map", f"{STAGE}_apply"} <= jobs.keys()
    assert not [name for name in jobs if name.startswith(("ingest", "url_dedup"))]
