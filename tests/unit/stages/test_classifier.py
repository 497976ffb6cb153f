"""Classifiers that see words, fastText and linear, from documents to ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from stage_jobs import classify

from tamis.classifiers import fasttext, thresholds
from tamis.classifiers.good_bad import Labels
from tamis.classifiers.kinds import FastText, Linear
from tamis.classifiers.labels import Sampling
from tamis.classifiers.selectors import Selector
from tamis.errors import ConfigError, ModelError
from tamis.shards import read_json, read_table, write_json, write_table
from tamis.stages import classifier as stage

Make = Callable[..., pa.Table]

CONFIG = FastText(
    labels=Labels(good=(Selector(urls=("good*",)),), bad=(Selector(urls=("bad*",)),)),
    sampling=Sampling(min_labels=10, held_out=0.3),
    training=fasttext.Training(dimension=8, buckets=10_000, min_count=1),
    selection=thresholds.Selection(keep_share={"prose": 0.5}),
)


def corpus(make_documents: Make) -> pa.Table:
    """Sixty good and sixty bad prose pages, sixty pages of neither (half like each), five licences."""
    random = np.random.default_rng(11)
    good, bad = (
        ["the", "reader", "learns", "because", "each", "step", "explains"],
        ["fixed", "bug", "crash", "release", "version"],
    )

    def text(words: list[str]) -> str:
        return " ".join(random.choice(words, 40).tolist())

    texts = [text(good) for _ in range(60)] + [text(bad) for _ in range(60)]
    texts += [text(good if index % 2 else bad) for index in range(60)] + ["Permission is granted"] * 5
    urls = [f"{name}/{index}" for name in ("good", "bad", "other") for index in range(60)] + [None] * 5
    ids = sorted(f"{value:016x}{value % 97:016x}" for value in random.integers(0, 2**62, 185).tolist())
    return make_documents(texts, id=ids, url=urls, kind=["prose"] * 180 + ["licence"] * 5)


LINEAR = Linear.model_validate(
    CONFIG.model_dump(exclude={"model", "training"}) | {"training": {"strengths": [1.0, 16.0]}}
)


def run(folder: Path, documents: pa.Table, shards: int, config: Any = CONFIG) -> dict[str, Any]:
    """Every step over n shards; the outcome of all shards together."""
    jobs = classify(folder, documents, config, shards)
    return {
        "model": (folder / "model").read_bytes(),
        "card": read_json(folder / "card.json"),
        "text": (folder / "card.md").read_text(encoding="utf-8"),
        **{part: jobs.table(part).sort_by("id") for part in ("kept", "dropped", "scores")},
    }


@pytest.fixture(name="config", scope="module", params=[CONFIG, LINEAR], ids=["fasttext", "linear"])
def _config(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(name="outcome", scope="module")
def _outcome(tmp_path_factory: pytest.TempPathFactory, config: Any) -> dict[str, Any]:
    from documents import make_documents

    return run(tmp_path_factory.mktemp("one"), corpus(make_documents), 1, config)


def test_the_good_half_is_kept_and_the_ledger_says_why_the_rest_is_not(outcome: dict[str, Any]) -> None:
    prose = [row for row in outcome["kept"].to_pylist() if row["kind"] == "prose"]
    assert len(prose) == 90
    assert all("learns" in row["text"] or "reader" in row["text"] or "step" in row["text"] for row in prose)
    dropped = outcome["dropped"].to_pylist()
    assert len(dropped) == 90
    assert {row["reason"] for row in dropped} == {"below_keep_share"}
    assert all(row["value"] < row["threshold"] for row in dropped)


def test_kinds_outside_pass_untouched_and_unscored(outcome: dict[str, Any]) -> None:
    licences = [row for row in outcome["kept"].to_pylist() if row["kind"] == "licence"]
    column = outcome["scores"].column_names[-1]
    assert [row[column] for row in licences] == [None] * 5
    assert outcome["scores"][column].null_count == 5
    assert not {row["id"] for row in licences} & set(outcome["dropped"]["id"].to_pylist())


def test_the_card_states_what_was_learnt_from_what(outcome: dict[str, Any]) -> None:
    card = outcome["card"]
    assert card["metrics"]["all"]["roc_auc"] == 1.0
    assert card["metrics"]["prose"]["length_roc_auc"] is not None
    assert card["label_origin"] == {"bad #1": 60, "good #1": 60, "claimed by two classes": 0}
    assert sum(row["documents"] for row in card["labels"]) == 120
    assert card["metrics"]["all"]["documents"] == sum(row["documents"] for row in card["labels"] if row["held_out"])
    assert "| good #1 | 60 |" in outcome["text"]


def test_shards_change_nothing(outcome: dict[str, Any], config: Any, make_documents: Make, tmp_path: Path) -> None:
    other = run(tmp_path, corpus(make_documents), 3, config)
    for part, value in outcome.items():
        same = value.equals(other[part]) if isinstance(value, pa.Table) else value == other[part]
        assert same, part


def test_the_selection_is_no_part_of_what_scores_depend_on() -> None:
    moved = CONFIG.model_copy(update={"selection": thresholds.Selection(keep_share={"prose": 0.9})})
    assert moved.for_scoring() == CONFIG.for_scoring()
    assert moved.model_copy(update={"applies_to": ("code",)}).for_scoring() != CONFIG.for_scoring()


def test_too_few_or_no_labels_are_clear_errors(make_documents: Make, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="good #1 took 60"):
        run(tmp_path, corpus(make_documents), 1, CONFIG.model_copy(update={"sampling": Sampling(min_labels=100)}))
    with pytest.raises(ConfigError, match=r"quality\.labels\.good: empty"):
        run(tmp_path, corpus(make_documents), 1, FastText())


def test_a_reference_against_the_pool_and_its_card(make_documents: Make, tmp_path: Path) -> None:
    documents = corpus(make_documents)
    liked = [row["text"] for row in documents.to_pylist() if (row["url"] or "").startswith("good")]
    (tmp_path / "liked.jsonl").write_text("".join(json.dumps({"text": f"{text} reader"}) + "\n" for text in liked))
    labels = Labels.model_validate({"good": {"reference": f"{tmp_path}/liked.jsonl"}})
    outcome = run(tmp_path / "run", documents, 2, LINEAR.model_copy(update={"labels": labels}))
    card = outcome["card"]
    assert card["label_origin"]["bad from the pool"] == 180
    assert card["label_origin"][f"good from reference {tmp_path}/liked.jsonl"] == 60
    assert card["limits"][0].startswith("Good is what is like the reference")
    assert len(card["limits"]) == 2
    # Half of the pool is like the reference; the other half goes.
    prose = [row for row in outcome["kept"].to_pylist() if row["kind"] == "prose"]
    assert np.mean(["bug" not in row["text"] for row in prose]) > 0.95


@pytest.mark.parametrize("base", [CONFIG, LINEAR], ids=["fasttext", "linear"])
def test_grades_are_learnt_and_ranked(base: Any, make_documents: Make, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    with (tmp_path / "grades.jsonl").open("w") as file:
        for _ in range(240):
            grade = int(random.integers(0, 6))
            # The better the grade, the more of its hundred different words are good ones.
            words = [f"good{word}" for word in random.permutation(300)[: 20 * grade]]
            words += [f"bad{word}" for word in random.permutation(300)[: 100 - 20 * grade]]
            file.write(json.dumps({"text": " ".join(random.permutation(words)), "score": grade}) + "\n")
    labels = Labels.model_validate({"files": [{"path": tmp_path / "grades.jsonl", "label": "score", "grades": [0, 5]}]})
    labels.check_files("stage", base.sampling)
    card = run(tmp_path / "run", corpus(make_documents), 1, base.model_copy(update={"labels": labels}))["card"]
    assert card["grades"]["documents"] == 72
    assert card["grades"]["spearman"] > 0.9
    assert card["limits"][0].startswith("Labels from files")


def test_a_card_without_held_out_texts_claims_nothing(make_documents: Make, tmp_path: Path) -> None:
    config = LINEAR.model_copy(update={"sampling": Sampling(min_labels=10, held_out=0.0)})
    outcome = run(tmp_path, corpus(make_documents), 1, config)
    assert outcome["card"]["metrics"]["all"]["precision"] is None
    assert any("nothing is measured" in sentence for sentence in outcome["card"]["limits"])
    assert "| all | 0 | 0 | – |" in outcome["text"]


def test_an_empty_shard_passes_through(make_documents: Make, tmp_path: Path) -> None:
    outcome = run(tmp_path / "full", corpus(make_documents), 1)
    write_table(tmp_path / "in.parquet", make_documents([]))
    (tmp_path / "model").write_bytes(outcome["model"])
    write_json(
        tmp_path / "card.json", {"kinds": ["prose"], "model_sha256": hashlib.sha256(outcome["model"]).hexdigest()}
    )
    stage.run_label(CONFIG, name="quality", documents=tmp_path / "in.parquet", output=tmp_path / "labels.arrow")
    stage.run_score(
        CONFIG,
        name="quality",
        documents=tmp_path / "in.parquet",
        model=tmp_path / "model",
        card=tmp_path / "card.json",
        scores=tmp_path / "scores.parquet",
    )
    assert read_table(tmp_path / "scores.parquet").num_rows == 0
