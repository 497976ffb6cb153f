"""Labels from a judge, as a user meets it: a local endpoint, the whole chain, and what is asked when it runs again."""

from __future__ import annotations

import json
import shutil

import finished
import numpy as np
import pyarrow.parquet as pq
import pytest
from judge_server import fails, judge_server, says
from running import planned_jobs, run_workflow

pytestmark = pytest.mark.workflow

GOOD = ["because", "the", "reader", "learns", "how", "each", "step", "explains", "itself"]
BAD = ["buy", "now", "cheap", "click", "here", "offer", "free", "shipping", "price"]
KEY = "sk-workflow-secret"


def grades(body, _):
    return says("Grade: 5" if "reader" in body["messages"][0]["content"] else "Grade: 0")


def config(url, /, **judge):
    given = {"url": url, "model": "m", "prompt": "ask.md", "answers": "grade_0_5", "documents": 80, "retries": 0}
    return {
        "sources": [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"], "kind": "prose"}],
        "pipeline": ["url_dedup", "education"],
        "classifiers": {
            "education": {
                "model": "linear",
                "applies_to": ["prose"],
                "labels": {"judge": given | {"agreement": 0.1, "api_key_env": "TEST_JUDGE_KEY"} | judge},
                "selection": {"keep_share": {"prose": 0.5}},
            }
        },
    }


@pytest.fixture(name="folder")
def _folder(make_folder, monkeypatch):
    monkeypatch.setenv("TEST_JUDGE_KEY", KEY)
    folder = make_folder("judge")
    random = np.random.default_rng(3)
    rows = [{"text": " ".join(random.choice(words, 60))} for words in (GOOD, BAD) for _ in range(100)]
    (folder / "web.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "ask.md").write_text("What is it worth?\n{text}\n")
    return folder


def test_a_chain_with_a_judge_asks_for_nothing_twice(folder, monkeypatch):
    with judge_server(grades) as server:
        run_workflow(folder, config(server.url), "education", plain=True)
        assert len(server.requests) == 88
        assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
        kept = finished.table(folder / "results" / "education" / "documents")
        assert kept.num_rows == 100
        assert not any("cheap" in text for text in kept["text"].to_pylist())
        names = ("model", "card.json", "card.md", "thresholds.json")
        made = {name: (folder / "results" / "education" / name).read_bytes() for name in names}
        assert b"## Judge" in made["card.md"]

        # What changes no answer runs nothing.
        quiet = {"concurrency": 2, "requests_per_minute": 100.0, "retries": 9, "timeout": 9, "cache": "elsewhere"}
        quiet |= {"price": {"input": 1, "output": 1}, "max_malformed": 0.5, "api_key_env": None}
        dry = run_workflow(folder, config("http://other.invalid/v1", **quiet), "education", "--dry-run")
        assert planned_jobs(dry) == {}

        # From nothing, and with another number of shards: the same bytes, and not one request.
        shutil.rmtree(folder / "results")
        # What asks for nothing needs no key.
        with monkeypatch.context() as without:
            without.delenv("TEST_JUDGE_KEY")
            run_workflow(folder, config(server.url) | {"shards": 3}, "education")
        assert len(server.requests) == 88
        assert made == {name: (folder / "results" / "education" / name).read_bytes() for name in names}

        # More documents are the same ones and some more; a changed prompt is another question.
        run_workflow(folder, config(server.url, documents=100) | {"shards": 3}, "education")
        assert 88 + 20 <= len(server.requests) <= 88 + 20 + 10
        (folder / "ask.md").write_text("What is this worth?\n{text}\n")
        planned = planned_jobs(run_workflow(folder, None, "education", "--dry-run"))
        assert planned["education_judge"] == planned["education_train"] == 1
        assert not [name for name in planned if name.startswith(("ingest", "url_dedup", "education_label"))]
    for path in folder.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_an_endpoint_that_dies_half_way_is_said_and_continued(folder):
    with judge_server(lambda body, n: grades(body, n) if n < 30 else fails(503, "out of memory")) as server:
        output = run_workflow(folder, config(server.url, concurrency=1), fails=True)
        assert "503 out of memory" in output
        assert "30 answers are kept in judgements/" in output
        assert "the same command continues from there" in output
        assert not (folder / "results" / "education" / "judged.arrow").exists()
        assert not (folder / "results" / "education" / "model").exists()
        # Page and counts of what was done before.
        assert "What is done so far: results/stopped/index.html" in output
        assert "503 out of memory" in (folder / "results" / "stopped" / "index.html").read_text(encoding="utf-8")
        counts = pq.read_table(folder / "results" / "stopped" / "stats.parquet")
        assert set(counts["stage"].to_pylist()) == {"ingest", "url_dedup"}
        server.behaviour = grades
        run_workflow(folder, None)
        assert not (folder / "results" / "stopped").exists()
        assert len(server.requests) == 31 + 58
    assert finished.table(folder / "results" / "education" / "documents").num_rows == 100


DOMAINS = {
    "general": "town river history market",
    "math": "theorem matrix lemma integral",
    "code": "import class return function",
    "reasoning": "because therefore suppose hence",
}


def test_domains_learn_from_a_judge_and_from_files_beside_embeddings(make_folder):
    folder = make_folder("judged-domains")
    random = np.random.default_rng(4)

    def lines(number):
        chosen = [(name, " ".join(random.choice(words.split(), 40))) for name, words in DOMAINS.items()] * number
        return [{"text": f"{text} {place}", "label": name} for place, (name, text) in enumerate(chosen)]

    (folder / "web.jsonl").write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in lines(40)))
    (folder / "judged.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines(30)))
    (folder / "ask.md").write_text("What is it about?\n{text}\n")

    def named(body, _):
        words = set(body["messages"][0]["content"].split())
        return says(f"Domain: {max(DOMAINS, key=lambda name: len(words & set(DOMAINS[name].split())))}")

    def chain(url):
        files = [{"path": "judged.jsonl"}]
        meaning = {"math": "good", "code": "good", "general": "bad", "reasoning": "bad"}
        judge = {"url": url, "model": "m", "prompt": "ask.md", "answers": "class", "documents": 80}
        return {
            "sources": [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"], "kind": "prose"}],
            "pipeline": ["language_id", "meaning", "domains"],
            "classifiers": {
                "meaning": {
                    "model": "head",
                    "backbone": {"name": "corpus/backbone", "max_tokens": 32},
                    "labels": {"files": [files[0] | {"classes": meaning}]},
                }
            },
            # Of words in no order no language is sure.
            "domains": {
                "embeddings": "meaning",
                "min_language_score": 1.0,
                "labels": {"judge": judge, "files": files},
            },
        }

    with judge_server(named) as server:
        run_workflow(folder, chain(server.url), "domains")
        assert len(server.requests) == 84
        rows = finished.rows(folder / "results/domains/documents")
        assert len(rows) == 160
        right = [row["text"].split()[0] in DOMAINS[row["domain"]].split() for row in rows]
        assert np.mean(right) > 0.95
        card = json.loads((folder / "results/domains/card.json").read_text())
        assert sum(card["judge"]["given"].values()) == 80
        assert card["model"]["sees"] == ["embedding", "shape", "words"]
        assert planned_jobs(run_workflow(folder, chain("http://other.invalid/v1"), "domains", "--dry-run")) == {}
        changed = chain(server.url)
        changed["domains"]["min_probability"] = 0.9
        planned = planned_jobs(run_workflow(folder, changed, "domains", "--dry-run"))
        assert {name for name in planned if "_" in name} == {"domains_apply"}


def test_what_is_wrong_with_a_judge_is_refused_before_any_job(folder, monkeypatch):
    with judge_server(grades) as server:
        (folder / "no_place.md").write_text("What is it worth?")
        for judge, message in (
            ({"prompt": "no_place.md"}, "classifiers.education.labels.judge.prompt: no_place.md holds {text} 0 times"),
            ({"prompt": "missing.md"}, "missing.md cannot be read"),
            ({"documents": 30}, "labels.judge.documents: 30 cannot give each of two classes"),
            ({"cache": "results/judgements"}, "results/judgements lies in output_dir"),
            ({"url": "http://me:secret@host/v1"}, "an address holds no user, password"),
            ({"api_key_env": "sk-secret"}, "no name of an environment variable"),
        ):
            output = run_workflow(folder, config(server.url, **judge), "education", fails=True)
            assert message in output
            assert "secret" not in output
            assert not (folder / "results" / "ingest").exists()
        monkeypatch.delenv("TEST_JUDGE_KEY")
        output = run_workflow(folder, config(server.url), "education", fails=True)
        message = "classifiers.education.labels.judge.api_key_env: the environment variable TEST_JUDGE_KEY is not set"
        assert message in output
        assert not (folder / "results" / "ingest").exists()
        assert not server.requests
