"""Word lists are counted alike for any number of shards; page and terminal say whom a bound would drop; lists are inputs."""

from __future__ import annotations

import json
import subprocess
import sys

import finished
import pytest
from running import environment, planned, run_workflow

pytestmark = pytest.mark.workflow

STAGE = "toxicity"
ENGLISH = (
    "Letter {} of the harbour says that the tide was {} inches high and that the ships came in late in the evening."
)
GERMAN = "Brief {} aus dem Hafen sagt, dass die Flut {} Zoll hoch war und dass die Schiffe erst spät am Abend kamen."


def corpus(folder):
    for name, insult in (("ports", "bilge"), ("pubs", "bilge rat")):
        texts = [ENGLISH.format(number, 3 * number) + f" {insult}!" * (number % 3) for number in range(12)]
        texts += [GERMAN.format(number, 3 * number) + " Bilge." * (number % 2) for number in range(4)]
        lines = [json.dumps({"text": text, "url": f"https://{name}.example/{at}"}) for at, text in enumerate(texts)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "lists").mkdir()
    (folder / "lists" / "en").write_text("bilge rat\nscurvy <dog>\n", encoding="utf-8")


def test_a_run_with_the_stage(make_folder):
    folder = make_folder("lists")
    corpus(folder)
    asked = {
        "sources": [{"name": name, "format": "jsonl", "paths": [f"{name}.jsonl"]} for name in ("ports", "pubs")],
        "pipeline": ["language_id", STAGE],
        STAGE: {"folders": ["lists"], "max_hits": 1},
    }
    three = asked | {"output_dir": "three", "shards": 3, "partitions": 2}
    run_workflow(folder, three)
    alone = asked | {"output_dir": "one", "shards": 1}
    run_workflow(folder, alone, STAGE, f"one/{STAGE}/retention.parquet", plain=True)
    for kind in ("documents", "dropped", "scores"):
        one, other = (finished.table(folder / name / STAGE / kind).sort_by("id") for name in ("three", "one"))
        assert one.equals(other)
    for name in ("retention.parquet", "entries.parquet"):
        assert (folder / "three" / STAGE / name).read_bytes() == (folder / "one" / STAGE / name).read_bytes()

    results = folder / "three"
    dropped = finished.rows(results / STAGE / "dropped")
    assert sorted(row["url"] for row in dropped) == sorted(f"https://pubs.example/{at}" for at in (2, 5, 8, 11))
    assert {(row["reason"], row["value"], row["threshold"]) for row in dropped} == {("toxic_hits", 2.0, 1.0)}
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert 'id="toxicity"' in page
    assert "<td>bilge rat</td>" in page
    told = subprocess.run(
        [sys.executable, "-m", "tamis.cli", "waterfall", "--results", "three"],
        cwd=folder, env=environment(), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    rows = [line.split() for line in told.splitlines()]
    # Documents, with a list, with hits; dropped; beyond hits > 0, hits > 2 and a share of .01.
    assert ["pubs", "16", "12", "66.67%", "25.00%", "50.00%", "0.00%", "50.00%"] in rows
    assert ["ports", "16", "12", "0.00%", "0.00%", "0.00%", "0.00%", "0.00%"] in rows
    assert ["de", "8", "0", "–", "0.00%", "0.00%", "0.00%", "0.00%"] in rows

    # Another bound counts nothing again, another list does.
    bound = three | {STAGE: asked[STAGE] | {"max_hits": 0}}
    again = planned(folder, bound).keys()
    assert {f"{STAGE}_apply", f"{STAGE}_report"} <= again
    assert not {f"{STAGE}_score", "language_id_apply", "ingest_map"} & again
    (folder / "lists" / "en").write_text("bilge\n", encoding="utf-8")
    assert f"{STAGE}_score" in planned(folder, three)
