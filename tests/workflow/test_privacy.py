"""Private values are replaced alike for any number of shards, and stand in nothing that the run tells of itself."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import finished
import pyarrow.parquet as pq
import pytest
from running import environment, planned, run_workflow

pytestmark = pytest.mark.workflow

STAGE = "privacy"
MAIL, OTHER = "anna.huber@web.de", "ben@gmx.net"
KEY = "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"
PHONE, CARD, ADDRESS = "+49 30 2345678", "4539 1488 0343 6467", "81.2.69.142"
VALUES = (MAIL, OTHER, KEY, PHONE, CARD, ADDRESS)
LETTER = "Letter {} of the harbour. Write to {}, or to {}, or again to {}. The tide of day {} was {} inches high."
PLANTED = (
    f"Call {PHONE} and say that card {CARD} is lost; {MAIL} knows.",
    f"export TOKEN={KEY}\ncurl http://{ADDRESS}/harbour",
    "Nothing here is private: user@example.com, 192.0.2.7, version 10.20.30.41.",
)
DROPPED = " ".join([MAIL, OTHER, *(f"person{number}@web.de" for number in range(9))])


def corpus(folder):
    texts = [LETTER.format(number, MAIL, OTHER, MAIL, number, 3 * number) for number in range(40)]
    texts += [*PLANTED, DROPPED]
    path = folder / "planted.jsonl.gz"
    lines = [json.dumps({"text": text, "url": f"https://h.example/{n}"}) for n, text in enumerate(texts)]
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def why(folder, name):
    told = subprocess.run(
        [sys.executable, "-m", "tamis.cli", "why", name, "--results", "three"],
        cwd=folder, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return told.stdout


def test_a_run_with_the_stage(make_folder):
    folder = make_folder("private")
    corpus(folder)
    asked = {
        "sources": [{"name": "letters", "format": "jsonl", "paths": ["planted.jsonl.gz"]}],
        "pipeline": ["paragraph_dedup", STAGE],
        STAGE: {"max_spans": 8},
        "tokenizer": {"vocabulary_size": 400},
        "mixtures": {"all": {"by": "kind", "weights": {"prose": 1}, "tokens": 20_000, "files": 1}},
        "export": {"shards": 1},
    }
    three = asked | {"output_dir": "three", "shards": 3, "partitions": 2}
    run_workflow(folder, three, plain=True)
    assert planned(folder, three) == {}
    run_workflow(folder, asked | {"output_dir": "one", "shards": 1})
    for kind, order in (("documents", ["id"]), ("dropped", ["id"]), ("edits", ["id", "start"])):
        keys = [(name, "ascending") for name in order]
        one, other = (finished.table(folder / name / STAGE / kind).sort_by(keys) for name in ("three", "one"))
        assert one.equals(other)
    exports = [sorted(path for path in (folder / name / "export").rglob("*.parquet")) for name in ("three", "one")]
    assert [path.read_bytes() for path in exports[0]] == [path.read_bytes() for path in exports[1]]
    texts = {row["url"]: row["text"] for path in exports[0] for row in pq.read_table(path).to_pylist()}
    assert texts["https://h.example/0"] == LETTER.format(0, "[EMAIL_1]", "[EMAIL_2]", "[EMAIL_1]", 0, 0)
    assert texts["https://h.example/40"] == "Call [PHONE_1] and say that card [CARD_1] is lost; [EMAIL_1] knows."
    assert texts["https://h.example/41"] == "export TOKEN=[SECRET_1]\ncurl http://[IP_1]/harbour"
    assert texts["https://h.example/42"] == PLANTED[2]
    results = folder / "three"
    dropped = finished.rows(results / STAGE / "dropped")
    assert [(row["url"], row["reason"], row["value"], row["threshold"]) for row in dropped] == [
        ("https://h.example/43", "too_many_spans", 11.0, 8.0)
    ]

    # Everything but the tables: page, counts, manifest, database of views, logs, the tokenizer.
    told = [path for path in results.rglob("*") if path.is_file() and path.suffix not in (".parquet", ".arrow", ".npy")]
    assert {"index.html", "manifest.json", "tamis.duckdb", "tokenizer.json"} <= {path.name for path in told}
    shown = {path: path.read_text(encoding="utf-8", errors="replace") for path in told}
    shown |= {number: why(folder, f"https://h.example/{number}") for number in (0, 40, 41, 42, 43)}
    shown |= {kind: str(finished.rows(results / STAGE / kind)) for kind in ("dropped", "edits", "documents")}
    for where, text in shown.items():
        for value in VALUES:
            assert value not in text, where
    page = shown[results / "report" / "index.html"]
    assert "[EMAIL_2]" in page
    assert "█" * len(MAIL) in page
    assert "█" * len(MAIL) in shown[43]
