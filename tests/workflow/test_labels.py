"""Where labels come from, as a user meets it: files that are refused before any job, texts that somebody likes."""

from __future__ import annotations

import json

import finished
import numpy as np
import pytest
from running import planned_jobs, run_workflow

pytestmark = pytest.mark.workflow

GOOD = ["because", "the", "reader", "learns", "how", "each", "step", "explains", "itself"]
BAD = ["buy", "now", "cheap", "click", "here", "offer", "free", "shipping", "price"]


def texts(words, number, seed):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(words, 60)) for _ in range(number)]


def config(labels):
    return {
        "sources": [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"], "kind": "prose"}],
        "pipeline": ["url_dedup", "linear_quality"],
        "linear_quality": {
            "applies_to": ["prose"],
            "labels": labels,
            "selection": {"keep_share": {"prose": 0.5}},
        },
    }


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_reference_is_all_that_a_user_must_have(make_folder):
    folder = make_folder("reference")
    write(folder / "web.jsonl", [{"text": text} for text in texts(GOOD, 100, 1) + texts(BAD, 100, 2)])
    write(folder / "liked.jsonl", [{"text": text} for text in texts(GOOD, 60, 3)])
    run_workflow(folder, config({"good": {"reference": "./liked.jsonl"}}), "linear_quality")
    kept = finished.table(folder / "results" / "linear_quality" / "documents")
    assert kept.num_rows == 100
    assert not any("cheap" in text for text in kept["text"].to_pylist())
    card = (folder / "results" / "linear_quality" / "card.md").read_text()
    assert "| good from reference ./liked.jsonl | 60 |" in card
    assert "a sample of the pool, in which there is good text too" in card
    # A text more in the reference: the model is trained anew, and nothing before it runs.
    with (folder / "liked.jsonl").open("a") as file:
        file.write(json.dumps({"text": "one more of these"}) + "\n")
    planned = planned_jobs(run_workflow(folder, None, "linear_quality", "--dry-run"))
    assert planned["linear_quality_train"] == 1
    assert not [name for name in planned if name.startswith(("ingest", "linear_quality_label"))]


def test_label_files_are_refused_before_any_job(make_folder):
    folder = make_folder("refused")
    write(folder / "web.jsonl", [{"text": "a text"}])
    labels = {"files": [{"path": "judged.jsonl", "classes": {"5": "good", "0": "bad"}}]}
    for rows, message in (
        (None, "label file judged.jsonl: cannot be read"),
        ([{"text": "a", "label": 5}, {"text": "b"}], "label file judged.jsonl, line 2: expected a JSON object"),
        ([{"text": f"text {row}", "label": 5} for row in range(30)], "0 texts of class bad and 30 of class good"),
        ([{"id": "0" * 32, "label": 5}], "ids of documents are not looked up"),
        (
            [{"text": f"text {row}", "label": 5 * (row % 2)} for row in range(10)],
            "5 texts of class good and 5 of class bad",
        ),
    ):
        if rows is not None:
            write(folder / "judged.jsonl", rows)
        output = run_workflow(folder, config(labels), "linear_quality", fails=True)
        assert message in output
        assert not (folder / "results").exists()
    graded = {"files": [{"path": "judged.jsonl", "grades": [0, 5]}]}
    for grades, message in (
        ([4], "All 30 grades are 4: nothing can be learnt from one grade"),
        ([3, 4, 5], "on one side of the middle of `grades` [0, 5]: write grades: [3, 5]"),
        ([0, 2], "write grades: [0, 2]"),
    ):
        write(
            folder / "judged.jsonl", [{"text": f"text {row}", "label": grades[row % len(grades)]} for row in range(30)]
        )
        assert message in run_workflow(folder, config(graded), "linear_quality", fails=True)
    output = run_workflow(folder, config({"good": {"reference": "liked"}}), "linear_quality", fails=True)
    assert "linear_quality.labels.good[0].reference: there is no source 'liked'" in output
    output = run_workflow(folder, config({"good": {"reference": "liked/*.txt"}}), "linear_quality", fails=True)
    assert "liked/*.txt matches no file" in output
