"""Classifiers of one's own: a section each, a column of the documents each, and what becomes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import finished
import numpy as np
import pytest
from running import changed, environment, planned_jobs, run_workflow
from scipy.stats import rankdata

pytestmark = pytest.mark.workflow

GOOD = [
    "because",
    "the",
    "reader",
    "learns",
    "how",
    "each",
    "step",
    "explains",
    "itself",
    "and",
    "why",
    "it",
    "follows",
    "from",
    "what",
    "came",
    "before",
]
BAD = [
    "buy",
    "now",
    "cheap",
    "click",
    "here",
    "offer",
    "free",
    "shipping",
    "price",
    "discount",
    "order",
    "today",
    "deal",
    "sale",
]


def _texts(words: list[str], number: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(words, 60)) for _ in range(number)]


def _config() -> dict[str, Any]:
    labels = {"good": {"reference": "./liked.jsonl"}}
    return {
        "shards": 2,
        "sources": [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"], "kind": "prose"}],
        "pipeline": ["url_dedup", "liking", "meaning", "worth", "agreed", "filter"],
        "classifiers": {
            "liking": {"model": "linear", "labels": labels, "sampling": {"min_labels": 10}},
            "meaning": {
                "model": "head",
                "backbone": {"name": "corpus/backbone", "max_tokens": 32},
                "labels": labels,
                "sampling": {"min_labels": 10},
                "selection": {"keep_share": {"prose": 0.9}},
            },
            "worth": {"model": "head", "embeddings": "meaning", "labels": labels, "sampling": {"min_labels": 10}},
            "agreed": {
                "model": "ensemble",
                "of": ["liking", "worth"],
                "applies_to": ["prose"],
                "selection": {"keep_share": {"prose": 0.95}},
            },
        },
        "filter": {"keep": {"liked": "liking > 0.2 OR worth > 2"}},
        "tokenizer": {"vocabulary_size": 300},
        "annealing": {"best": {"weights": None, "tokens": 0.1, "rank_by": "liking", "files": 1}},
        "mixtures": {"rest": {"files": 1}},
    }


@pytest.fixture(scope="module", name="folder")
def _folder(make_folder: Any) -> Path:
    """A finished run."""
    folder = make_folder("classifiers")
    rows = [{"text": text} for text in _texts(GOOD, 100, 1) + _texts(BAD, 100, 2)]
    (folder / "web.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    liked = [{"text": text} for text in _texts(GOOD, 60, 3)]
    (folder / "liked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in liked))
    # As users start them, what no other test starts so: the ensemble.
    run_workflow(folder, _config(), "worth")
    run_workflow(folder, _config(), plain=True)
    return folder


def test_every_classifier_is_a_column_that_stages_and_sets_can_use(folder: Path):
    results = folder / "results"
    scored = finished.table(results / "liking/documents")
    # Where nothing is selected nothing goes; `meaning` drops a tenth.
    assert scored.num_rows == 200
    assert finished.table(results / "meaning/documents").num_rows == 180
    assert {"liking", "meaning", "worth"} <= set(finished.table(results / "worth/documents").column_names)
    good = np.array(["cheap" not in text for text in scored["text"].to_pylist()])
    liking = scored["liking"].to_numpy()
    assert liking[good].min() > liking[~good].max()
    dropped = finished.table(results / "filter/dropped")
    assert set(dropped["reason"].to_pylist()) == {"liked"}
    best = finished.table(results / "annealing/best/documents")
    # Documents are taken by their score, the highest first; the last is one that the rest of the budget has room for.
    rest = finished.table(results / "mixtures/rest/documents")
    assert np.sort(best["liking"].to_numpy())[1] >= rest["liking"].to_numpy().max()
    assert "worth" in finished.table(results / "export/rest/parquet").column_names
    # The encoder of the other is used.
    assert not (results / "worth/backbone.json").exists()
    assert json.loads((results / "worth/card.json").read_text())["model"]["max_tokens"] == 32


def test_every_classifier_says_how_good_it_is_and_what_would_stay(folder: Path):
    results = folder / "results"
    page = (results / "report/index.html").read_text(encoding="utf-8")
    for name, read in (("liking", 200), ("meaning", 200), ("worth", 180)):
        card = json.loads((results / name / "card.json").read_text())
        assert {"web", "texts of files"} == {row["group"] for row in card["groups"]["source"]}
        assert card["metrics"]["all"]["tf_idf_roc_auc"] > 0.6
        found = json.loads((results / name / "retention.json").read_text())
        assert found["documents"] == read
        scores = finished.table(results / name / "scores")
        stay = scores.filter(np.array(scores[name].to_pylist()) >= 0.5)
        half = found["at"].index(0.5)
        assert found["groups"][0]["documents_at"][half] == stay.num_rows
        assert found["groups"][0]["characters_at"][half] == sum(stay["characters"].to_pylist())
        assert f"<h3>{name}: retention</h3>" in page
        assert "would stay at which score" in (results / name / "retention.md").read_text()
    assert page.count("training: seconds") == 3
    assert "held-out texts in groups" in page


def _asked(folder: Path, *question: str) -> str:
    """What the command line answers about the results, on one line."""
    command = [sys.executable, "-m", "tamis.cli", *question, "--results", str(folder / "results")]
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
    return " ".join(found.stdout.split())


def test_an_ensemble_ranks_over_all_shards_and_drops_like_any_other(folder: Path):
    results = folder / "results"
    before = finished.table(results / "worth/documents").sort_by("id")
    ranked = [(rankdata(before[name].to_numpy()) - 0.5) / 180 for name in ("liking", "worth")]
    scores = finished.table(results / "agreed/scores").sort_by("id")
    np.testing.assert_allclose(scores["agreed"].to_numpy(), np.mean(ranked, axis=0), rtol=0, atol=1e-7)
    np.testing.assert_allclose(scores["rank_worth"].to_numpy(), ranked[1], rtol=0, atol=1e-7)
    dropped = finished.table(results / "agreed/dropped")
    assert dropped.num_rows == 9
    assert set(dropped["reason"].to_pylist()) == {"below_keep_share"}
    assert dropped["value"].to_numpy().max() <= dropped["threshold"].to_numpy().min()
    row = dropped.slice(0, 1).to_pylist()[0]
    told = _asked(folder, "why", row["id"])
    assert f"{row['value']:.4g}"[:5] in told
    assert "rank_worth" in told
    assert "agreed" in _asked(folder, "waterfall")
    page = (results / "report/index.html").read_text(encoding="utf-8")
    assert "<h3>agreed: members</h3>" in page
    assert "agreed" in finished.table(results / "export/rest/parquet").column_names


def test_another_selection_scores_nothing_again(folder: Path):
    config = changed(_config(), classifiers__liking__selection={"keep_share": {"prose": 0.95}})
    planned = planned_jobs(run_workflow(folder, config, "liking", "--dry-run"))
    assert {name for name in planned if name.startswith("liking_")} == {"liking_threshold", "liking_apply"}
    config = changed(_config(), classifiers__agreed__selection={"min_score": {"prose": 0.1}})
    planned = planned_jobs(run_workflow(folder, config, "agreed", "--dry-run"))
    assert {name for name in planned if "_" in name} == {"agreed_threshold", "agreed_apply"}


def test_what_is_wrong_with_a_classifier_is_said_with_its_key(folder: Path):
    for changes, message in (
        ({"classifiers__liking__model": "bert"}, "classifiers.liking: say what it is with `model`"),
        ({"classifiers__liking__labels": {}}, "classifiers.liking.labels.good: empty"),
        (
            {"classifiers__worth__embeddings": "later"},
            "classifiers.worth.embeddings: later is no classifier that stands",
        ),
        (
            {"classifiers__worth__backbone": {"batch": 8}},
            "classifiers.worth.embeddings: meaning brings its own backbone",
        ),
        (
            {"classifiers__liking__cascade": {"score": "worth", "above": 0.5}},
            "classifiers.liking.cascade.score: worth is no classifier that stands before it",
        ),
        (
            {"classifiers__agreed__of": ["liking", "later"]},
            "classifiers.agreed.of: later is no classifier that stands before agreed in pipeline; known: liking, meaning",
        ),
        ({"classifiers__agreed__of": ["liking"]}, "classifiers.agreed.of: names 1 classifiers"),
        ({"classifiers__agreed__labels": {}}, "classifiers.agreed.labels: there is no such key"),
        (
            {"classifiers__agreed__applies_to": ["prose", "licence"]},
            "classifiers.agreed.applies_to: none of liking, worth scores licence",
        ),
        (
            {"classifiers__liking_train": {"model": "linear"}},
            "classifiers.liking_train: names that begin with liking_ are those of its steps",
        ),
        ({"classifiers__text": {"model": "linear"}}, "classifiers.text: tamis itself uses this name"),
        ({"pipeline": ["url_dedup", "likin"]}, "pipeline: there is no stage 'likin', did you mean 'liking'?"),
        ({"annealing__best__rank_by": "language"}, "language is no score"),
        (
            {"annealing__best__rank_by": "lurking"},
            "annealing.best: needs lurking, which no stage of the pipeline makes",
        ),
    ):
        output = run_workflow(folder, changed(_config(), **changes), "--dry-run", fails=True)
        assert message in output, output


def test_a_classifier_that_leaves_the_configuration_is_retired_whole(folder: Path):
    results = folder / "results"
    config = changed(_config(), pipeline=["url_dedup", "liking"], filter={"keep": {}}, classifiers__worth=None)
    config["classifiers"].pop("meaning")
    config["classifiers"].pop("agreed")
    run_workflow(folder, config)
    assert not (results / "worth").exists()
    assert not (results / "meaning").exists()
    assert (results / "retired/meaning/card.json").exists()
    assert not (results / "agreed").exists()
    assert (results / "retired/agreed/members.json").exists()
    assert {"liking", "text"} <= set(finished.table(results / "export/rest/parquet").column_names)
    assert "worth" not in finished.table(results / "export/rest/parquet").column_names
    assert "Nothing to be done" in run_workflow(folder, None, "--dry-run")
