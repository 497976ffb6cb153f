"""Classifiers that are fine-tuned in the run, or come ready: a fastText file and a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import finished
import numpy as np
import pytest
from running import changed, planned_jobs, run_workflow
from tiny_models import write_encoder

from tamis.classifiers import fasttext
from tamis.classifiers.evaluation import roc_auc

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
]
BAD = ["buy", "now", "cheap", "click", "here", "offer", "free", "shipping", "price", "discount", "order", "today"]


LABELS = {"files": [{"path": "judged.jsonl", "grades": [0, 5]}]}


def _texts(words: list[str], number: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(words, 40)) for _ in range(number)]


def _ready(path: Path, seed: int) -> None:
    """A fastText file of the labels that DCLM's has."""
    import fasttext as library

    classes = (("__label__hq", GOOD), ("__label__cc", BAD))
    lines = [f"{label} {text}\n" for label, words in classes for text in _texts(words, 60, seed)]
    (path.parent / "lines.txt").write_text("".join(lines))
    with fasttext._zeroed_allocations():
        options = {"dim": 8, "epoch": 25, "lr": 0.5, "bucket": 10_000, "thread": 1, "verbose": 0}
        model = library.train_supervised(str(path.parent / "lines.txt"), **options)
    model.save_model(str(path))


def _config() -> dict[str, Any]:
    return {
        "shards": 2,
        "sources": [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"], "kind": "prose"}],
        "pipeline": ["url_dedup", "fine", "ready", "graded"],
        "classifiers": {
            "fine": {
                "model": "head",
                "train": "full",
                "backbone": {"name": "corpus/backbone", "max_tokens": 64},
                "full": {"epochs": 12, "learning_rate": 0.002},
                "labels": LABELS,
                "selection": {"keep_share": {"prose": 0.9}},
            },
            "ready": {"model": "fasttext", "ready": {"path": "hq.bin", "label": "__label__hq"}},
            "graded": {
                "model": "checkpoint",
                "backbone": {"name": "graded", "max_tokens": 32},
                "scores": {"grades": [0, 0.5, 1]},
            },
        },
        "mixtures": {"rest": {"files": 1}},
        "tokenizer": {"vocabulary_size": 300},
    }


@pytest.fixture(scope="module", name="folder")
def _folder(make_folder: Any) -> Path:
    """A finished run."""
    folder = make_folder("ready")
    rows = [{"text": text} for text in _texts(GOOD, 80, 1) + _texts(BAD, 80, 2)]
    (folder / "web.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judged = [(text, 4 + n % 2) for n, text in enumerate(_texts(GOOD, 60, 3))]
    judged += [(text, n % 2) for n, text in enumerate(_texts(BAD, 60, 4))]
    (folder / "judged.jsonl").write_text("".join(json.dumps({"text": t, "label": g}) + "\n" for t, g in judged))
    _ready(folder / "hq.bin", 5)
    write_encoder(folder / "graded", "bert", classes=3)
    run_workflow(folder, _config(), plain=True)
    return folder


def test_all_of_them_are_columns(folder: Path):
    results = folder / "results"
    scored = finished.table(results / "graded/documents")
    assert scored.num_rows == 144
    good = np.array(["because" in text or "explains" in text for text in scored["text"].to_pylist()])
    assert good.sum() == 80
    for name in ("fine", "ready"):
        assert (roc_auc(good, scored[name].to_numpy()) or 0.0) > 0.99, name
    graded = scored["graded"].to_numpy()
    assert 0.0 < graded.min() < graded.max() < 1.0
    assert {"fine", "ready", "graded"} <= set(finished.table(results / "export/rest/parquet").column_names)


def test_the_fine_tuned_model_is_a_folder_that_transformers_loads(folder: Path):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = folder / "results/fine/fine_tuned"
    card = json.loads((folder / "results/fine/card.json").read_text())
    assert card["model"]["train"] == "full"
    assert card["metrics"]["prose"]["roc_auc"] > 0.95
    assert card["grades"]["documents"] > 0
    plain, tokenizer = AutoModelForSequenceClassification.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    scored = finished.table(folder / "results/graded/documents").slice(0, 5)
    for text, score in zip(scored["text"].to_pylist(), scored["fine"].to_pylist(), strict=True):
        given = tokenizer(text, truncation=True, max_length=64, return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            assert plain.eval()(**given).logits.softmax(dim=1)[0, 1].item() == pytest.approx(score, abs=1e-5)
    # The state of the training is gone.
    assert not list(folder.glob("results/fine/.*"))


def test_a_change_runs_what_depends_on_it(folder: Path):
    def planned(**changes: Any) -> set[str]:
        found = planned_jobs(run_workflow(folder, changed(_config(), **changes), "graded", "--dry-run"))
        return {name for name in found if name.split("_")[0] in ("fine", "ready", "graded")}

    moved = planned(classifiers__fine__selection={"keep_share": {"prose": 0.95}})
    assert {"fine_threshold", "fine_apply"} <= moved
    assert not {"fine_tune", "fine_train", "fine_score"} & moved
    assert "fine_tune" in planned(classifiers__fine__full={"epochs": 2})
    assert "graded_embed" in planned(classifiers__graded__scores={"probability": 2})
    kept = (folder / "hq.bin").read_bytes()
    (folder / "hq.bin").touch()
    assert not planned()
    _ready(folder / "hq.bin", 6)
    replaced = planned()
    (folder / "hq.bin").write_bytes(kept)
    assert {"ready_train", "ready_score"} <= replaced
    assert not {"ready_label", "fine_tune", "fine_score"} & replaced


def test_what_cannot_score_is_refused_when_the_workflow_is_parsed(folder: Path):
    write_encoder(folder / "headless", "bert")
    (folder / "cut.bin").write_bytes((folder / "hq.bin").read_bytes()[:-9])
    write_encoder(folder / "cut", "bert")
    (folder / "cut" / "model.safetensors").write_bytes((folder / "cut" / "model.safetensors").read_bytes()[:-9])
    for changes, message in (
        (
            {"classifiers__ready__ready__label": "hq"},
            "classifiers.ready.ready.label: hq.bin has no label 'hq'; it has __label__",
        ),
        ({"classifiers__ready__ready__path": "cut.bin"}, "cut.bin: a fastText model that was cut off"),
        ({"classifiers__ready__ready__path": "no.bin"}, "classifiers.ready.ready.path: no.bin does not exist"),
        ({"classifiers__ready__ready__prepare": "tokens"}, "`prepare: tokens` needs `tokenizer`"),
        ({"classifiers__graded__scores": {"probability": "good"}}, "no label 'good'; it has 3 labels"),
        ({"classifiers__graded__scores": {"grades": [0, 1]}}, "`scores.grades` must give one for each of 3 labels"),
        ({"classifiers__graded__backbone__name": "headless"}, "is a BertModel, not a *ForSequenceClassification"),
        ({"classifiers__graded__backbone__name": "nothing/there"}, "neither a local folder nor in the local cache"),
        ({"classifiers__fine__backbone__name": "cut"}, "cut/model.safetensors was cut off or is damaged"),
        (
            {"classifiers__fine": {"model": "head", "backbone": {"name": "cut"}, "labels": LABELS}},
            "cut/model.safetensors was cut off or is damaged",
        ),
        ({"classifiers__fine__train": "all"}, "classifiers.fine.train: `train` is head or full, not 'all'"),
        ({"classifiers__fine__full": {"learning_rate": 1.0}}, "classifiers.fine.full.learning_rate"),
        (
            {"classifiers__graded": {"model": "checkpoint", "embeddings": "fine"}},
            "classifiers.graded.embeddings: fine makes no embeddings",
        ),
    ):
        output = run_workflow(folder, changed(_config(), **changes), "--dry-run", fails=True)
        assert message in output, output


def test_a_fine_tuned_classifier_that_leaves_is_retired_whole(folder: Path):
    results = folder / "results"
    config = changed(_config(), pipeline=["url_dedup", "ready"])
    config["classifiers"].pop("fine")
    run_workflow(folder, config)
    assert not (results / "fine").exists()
    assert (results / "retired/fine/fine_tuned/model.safetensors").exists()
    assert "Nothing to be done" in run_workflow(folder, None, "--dry-run")
