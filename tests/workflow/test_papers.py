"""Papers and parallel corpora through the workflow, and an included file that changes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import finished
import pytest
from pdf_files import pdf
from running import planned_jobs, run_workflow

pytestmark = pytest.mark.workflow

MAIN = b"\\documentclass{article}\n\\begin{document}\nThe main file. \\input{part}\n\\end{document}\n"


def test_papers_and_pairs_become_documents(tmp_path: Path) -> None:
    for number in range(2):
        folder = tmp_path / "papers" / f"2101.0000{number}"
        folder.mkdir(parents=True)
        (folder / "main.tex").write_bytes(MAIN.replace(b"main", b"main%d" % number, 1))
        (folder / "part.tex").write_text(f"Part {number}.")
        (folder / "loose.tex").write_text("Included by nobody.")
    lines = [(72, 700 - 12 * line, 10, f"Line {line} of a page that has some words") for line in range(9)]
    (tmp_path / "a.pdf").write_bytes(pdf([lines]))
    (tmp_path / "scan.pdf").write_bytes(pdf([b""]))
    (tmp_path / "x.de").write_text("Eins.\nZwei.\n")
    (tmp_path / "x.en").write_text("One.\n\n")
    config = {
        "output_dir": "results_test",
        "shards": 2,
        "pipeline": ["url_dedup"],
        "sources": [
            {"name": "tex", "format": "latex", "paths": ["papers"]},
            {"name": "pdf", "format": "pdf", "paths": ["*.pdf"]},
            {"name": "pairs", "format": "parallel", "paths": ["x.*"]},
        ],
    }
    run_workflow(tmp_path, config, "ingest")
    results = tmp_path / "results_test" / "ingest"
    rows = finished.rows(results / "documents")
    assert Counter((row["source"], row["kind"]) for row in rows) == {
        ("tex", "maths"): 2,
        ("pdf", "prose"): 1,
        ("pairs", "prose"): 2,
    }
    texts = {row["url"]: row["text"] for row in rows if row["url"]}
    assert texts["https://arxiv.org/abs/2101.00001"] == "The main1 file. Part 1."
    pairs = {json.loads(row["metadata"])["language"]: row["text"] for row in rows if row["source"] == "pairs"}
    assert pairs == {"de": "Eins.", "en": "One."}
    skipped = finished.rows(results / "skipped")
    assert Counter(row["reason"] for row in skipped) == {"not_included": 2, "no_text_layer": 1, "empty_side": 1}

    (tmp_path / "papers" / "2101.00001" / "part.tex").write_text("Another part.")
    (tmp_path / "x.en").write_text("One.\nTwo.\n")
    jobs = planned_jobs(run_workflow(tmp_path, config, "ingest"))
    assert jobs["ingest_map"] == 2
    texts = {row["url"] or row["text"]: row["text"] for row in finished.rows(results / "documents")}
    assert texts["https://arxiv.org/abs/2101.00001"] == "The main1 file. Another part."
    assert "Zwei." in texts
