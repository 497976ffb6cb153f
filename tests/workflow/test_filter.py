"""Conditions of a user's own decide across shards, are refused before anything runs, and rerun what follows them."""

from __future__ import annotations

import json

import finished
import pytest
from running import changed, planned, run_workflow

pytestmark = pytest.mark.workflow

KEEP = {
    "long_enough": "length(text) >= 400 -- characters",
    "no_seconds": "url IS NULL OR NOT regexp_matches(url, '2$')",
    "shell": "text NOT LIKE '%{results} $(touch executed) `touch executed`%'",
}


def test_a_run_with_the_stage(make_folder, small, config):
    folder = make_folder("filter")
    asked = small | {
        "sources": config["sources"],
        "pipeline": ["url_dedup", "filter"],
        "filter": {"applies_to": ["prose", "code"], "keep": KEEP},
    }
    three = asked | {"output_dir": "three", "shards": 3}
    run_workflow(folder, three)
    assert planned(folder, three) == {}
    run_workflow(folder, asked | {"output_dir": "one", "shards": 1}, plain=True)
    assert not list(folder.rglob("executed"))

    expected = {}
    for row in finished.rows(folder / "three" / "url_dedup" / "documents"):
        if row["kind"] in ("prose", "code"):
            short, second = len(row["text"]) < 400, (row["url"] or "").endswith("2")
            expected[row["id"]] = "long_enough" if short else "no_seconds" if second else None
    gone = {name: reason for name, reason in expected.items() if reason}
    assert set(gone.values()) == {"long_enough", "no_seconds"}
    for results in (folder / "three", folder / "one"):
        assert {row["id"]: row["reason"] for row in finished.rows(results / "filter" / "dropped")} == gone
        kept = {row["id"] for row in finished.rows(results / "filter" / "documents")}
        assert kept == {row["id"] for row in finished.rows(results / "url_dedup" / "documents")} - gone.keys()
    assert "long_enough" in (folder / "three" / "report" / "index.html").read_text(encoding="utf-8")
    parts = [json.loads(path.read_text()) for path in (folder / "three" / "filter" / "stats").glob("*.json")]
    assert sum(part["notes"]["fails_no_seconds"] for part in parts) >= list(gone.values()).count("no_seconds")

    jobs = planned(folder, changed(three, filter__keep=KEEP | {"no_seconds": "url IS NULL"}))
    assert "filter_apply" in jobs
    assert not [name for name in jobs if name.startswith(("ingest", "url_dedup"))]


def test_wrong_expressions_are_refused_before_anything_runs(make_folder, small):
    folder = make_folder("refused_filter")
    keep = {
        "german": "language = 'de'",
        "files": "text IN (FROM read_text('/etc/passwd'))",
        "shell": "$(touch executed)",
    }
    config = small | {"pipeline": ["filter", "language_id"], "filter": {"keep": keep}}
    output = run_workflow(folder, config, "--dry-run", fails=True)
    assert "Traceback" not in output
    for line in (
        "filter.keep.german: reads language, which no stage before filter makes",
        "filter.keep.files: must not use subqueries",
        "filter.keep.shell: is no SQL expression",
    ):
        assert line in output, output
    assert not (folder / "results").exists()
    assert not list(folder.rglob("executed"))


def test_an_expression_without_an_answer_names_itself_and_the_document(make_folder, small):
    folder = make_folder("failing_filter")
    config = small | {"pipeline": ["filter"], "filter": {"keep": {"number": "text::INTEGER > 3"}}}
    output = run_workflow(folder, config, "filter", fails=True)
    assert "filter.keep.number has no answer for the document" in output
    assert "TRY_CAST" in output
    assert not list((folder / "results" / "filter").rglob("*.parquet"))
