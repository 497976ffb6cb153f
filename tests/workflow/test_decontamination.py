"""Items of a benchmark are found across shards, counted on the page, and a changed benchmark is looked for again."""

from __future__ import annotations

import json

import finished
import pytest
from running import changed, planned, run_workflow

from tamis.shards import read_json

pytestmark = pytest.mark.workflow

STAGE = "decontamination"


def test_a_run_with_the_stage(make_folder, small, config, corpus):
    folder = make_folder("benchmarks")
    truth = json.loads((corpus / "truth.json").read_text(encoding="utf-8"))
    items = [{"q": text, "n": number} for number, text in enumerate(truth["repeated"])]
    items.append(
        {"q": "Which item of eleven or more words in all stands in no document of this corpus at all?", "n": 99}
    )
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    asked = small | {
        "sources": config["sources"],
        "pipeline": ["url_dedup", STAGE],
        STAGE: {
            "benchmarks": [{"name": "spans", "paths": ["items.jsonl"], "fields": {"question": "q", "id": "n"}}],
            "audit": 10,
        },
    }
    three = asked | {"output_dir": "three", "shards": 3, "partitions": 2}
    run_workflow(folder, three)
    assert planned(folder, three) == {}
    run_workflow(folder, asked | {"output_dir": "one", "shards": 1}, plain=True)
    tables = [read_json(folder / name / STAGE / "contamination.json") for name in ("three", "one")]
    assert tables[0] == tables[1]
    (row,) = tables[0]["benchmarks"]
    assert (row["items"], row["hit_items"]) == (len(items), len(items) - 1)
    assert row["recall"] > 0.8
    for kind in ("documents", "dropped", "found"):
        one, other = (finished.table(folder / name / STAGE / kind).sort_by("id") for name in ("three", "one"))
        if kind == "found":
            order = [(name, "ascending") for name in ("id", "start", "item", "part")]
            one, other = one.sort_by(order), other.sort_by(order)
        assert one.equals(other)
    dropped = finished.rows(folder / "three" / STAGE / "dropped")
    assert len(dropped) == row["documents"] >= 5
    assert {entry["matched_id"].partition("/")[0] for entry in dropped} == {"spans"}
    page = (folder / "three" / "report" / "index.html").read_text(encoding="utf-8")
    assert 'id="contamination"' in page

    path.write_text("".join(json.dumps(item) + "\n" for item in items[:1]), encoding="utf-8")
    assert {f"{STAGE}_index", f"{STAGE}_apply"} <= planned(folder, three).keys()
    path.write_text('{"q": null, "n": 1}\n', encoding="utf-8")
    said = run_workflow(folder, three, "-n", fails=True)
    assert "record 1: q is null or has no word" in said
    nothing = changed(three, **{f"{STAGE}__benchmarks": []})
    assert "none is given, so nothing would be taken out" in run_workflow(folder, nothing, "-n", fails=True)
