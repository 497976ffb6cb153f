"""The domain of every document: by kind, by language, by classifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from stage_jobs import domains

from tamis import shards
from tamis.classifiers import embedding_files
from tamis.classifiers.fasttext import Training
from tamis.classifiers.labels import LabelFile, Sampling
from tamis.classifiers.selectors import Density, Selector
from tamis.errors import ConfigError, ModelError
from tamis.schemas import DOMAINS
from tamis.shards import read_json
from tamis.stages import domains as stage

Make = Callable[..., pa.Table]

WORDS = {
    "general": "town river history market",
    "math": "theorem matrix lemma integral",
    "code": "import class return function",
    "reasoning": "because therefore suppose hence",
}


def settings(**changes: Any) -> stage.Config:
    labels = stage.Classes(
        **{
            name: (Selector(density=(Density(pattern=rf"\b({words.replace(' ', '|')})\b", at_least=60.0),)),)
            for name, words in WORDS.items()
        }
    )
    values: dict[str, Any] = {
        "labels": labels,
        "sampling": Sampling(min_labels=5, held_out=0.3),
        "training": Training(dimension=8, buckets=10_000, min_count=1),
    }
    return stage.Config(**(values | changes))


def corpus(make_documents: Make) -> pa.Table:
    """Twenty-five pages a learnt domain, and one document for each of the other rules."""
    random = np.random.default_rng(6)
    names = [name for name in WORDS for _ in range(25)]
    texts = [" ".join(random.choice([*WORDS[name].split(), "word"], 30).tolist()) for name in names]
    more = [
        ("code", "en", 0.9),
        ("code", "fr", 0.9),
        ("maths", "de", 0.9),
        ("prose", "fr", 0.9),
        ("prose", "fr", 0.3),
        ("catalogue", "fr", 0.3),
        ("catalogue", "en", 0.9),
        ("licence", "en", 0.9),
        ("licence", "fr", 0.9),
        ("prose", None, None),
    ]
    texts += ["town river history market"] * len(more)
    ids = sorted(f"{value:016x}{value % 83:016x}" for value in random.integers(0, 2**62, len(texts)).tolist())
    return make_documents(
        texts,
        id=ids,
        kind=["prose"] * len(names) + [row[0] for row in more],
        language=["en"] * len(names) + [row[1] for row in more],
        language_score=[0.99] * len(names) + [row[2] for row in more],
        url=names + [f"rule {index}" for index in range(len(more))],
    )


def word_counts(documents: pa.Table) -> pa.Table:
    """Embeddings: how many of each class's words a document has."""
    counts = [
        [sum(word in words.split() for word in text.split()) for words in WORDS.values()]
        for text in documents["text"].to_pylist()
    ]
    return embedding_files.rows(documents["id"].combine_chunks(), np.array(counts, dtype=np.float32), None)


def run(folder: Path, documents: pa.Table, count: int, config: stage.Config) -> dict[str, Any]:
    """Every step over n shards."""
    jobs = domains(folder, documents, config, word_counts, count)
    return {
        "card": read_json(folder / "card.json"),
        **{part: jobs.table(part).sort_by("id") for part in ("kept", "dropped", "scores")},
    }


@pytest.mark.parametrize("features", ["embeddings", "fasttext", "lexical"])
def test_every_document_has_the_domain_of_its_rule(make_documents: Make, tmp_path: Path, features: str) -> None:
    found = run(tmp_path, corpus(make_documents), 2, settings(features=features))
    rows = found["kept"].to_pylist()
    assert len(rows) == 110
    assert found["dropped"].num_rows == 0
    by_url = {row["url"]: row["domain"] for row in rows if row["url"].startswith("rule")}
    assert [by_url[f"rule {index}"] for index in range(10)] == [
        "code",
        "code",
        "math",
        "multilingual",
        "general",
        "multilingual",
        "general",
        "general",
        "multilingual",
        "general",
    ]
    pages = [row for row in rows if row["url"] in WORDS]
    assert np.mean([row["domain"] == row["url"] for row in pages]) > 0.9
    scores = np.stack([found["scores"][name].to_numpy() for name in DOMAINS], axis=1)
    assert scores.sum(axis=1) == pytest.approx(1.0, abs=1e-3)
    for row, score in zip(rows, scores, strict=True):
        assert row["domain_score"] == pytest.approx(score[DOMAINS.index(row["domain"])])


def test_the_card_holds_each_class_against_the_rest(make_documents: Make, tmp_path: Path) -> None:
    card = run(tmp_path, corpus(make_documents), 1, settings())["card"]
    assert set(card["metrics"]) == set(WORDS)
    assert all(row["roc_auc"] > 0.95 and row["documents"] > 10 for row in card["metrics"].values())
    assert any("proxy" in sentence for sentence in card["limits"])
    texts = card["metrics"]["math"]["documents"]
    assert card["confusion"]["classes"] == ["general", "math", "code", "reasoning"]
    assert sum(map(sum, card["confusion"]["texts"])) == texts
    assert sum(card["confusion"]["texts"][1]) == card["metrics"]["math"]["positives"]
    assert card["groups"]["all"][0]["accuracy"] == pytest.approx(1.0 - card["wrong"] / texts, abs=1e-4)
    assert all(row["tf_idf_roc_auc"] > 0.9 for row in card["metrics"].values())
    assert all(row["taken_for"] != row["label"] for row in card["errors"])
    assert len(card["errors"]) == min(card["wrong"], 20)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "### Which is taken for which" in text
    assert "| labelled as | general | math | code | reasoning |" in text


def test_a_card_without_held_out_texts_claims_nothing(make_documents: Make, tmp_path: Path) -> None:
    found = run(tmp_path, corpus(make_documents), 1, settings(sampling=Sampling(min_labels=5, held_out=0.0)))
    assert all(row["roc_auc"] is None for row in found["card"]["metrics"].values())
    assert "nothing is measured" in found["card"]["remarks"][0]
    assert "fewer than 10 texts" in (tmp_path / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("features", ["embeddings", "fasttext", "lexical"])
def test_shards_and_batches_change_nothing(
    make_documents: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: str
) -> None:
    one = run(tmp_path / "one", corpus(make_documents), 1, settings(features=features))
    monkeypatch.setattr(shards, "BATCH_ROWS", 7)
    three = run(tmp_path / "three", corpus(make_documents), 3, settings(features=features))
    assert one["card"] == three["card"]
    assert one["kept"].equals(three["kept"])
    assert one["scores"].equals(three["scores"])


def test_too_few_labels_of_a_domain_are_a_clear_error(make_documents: Make, tmp_path: Path) -> None:
    documents = corpus(make_documents).filter(pa.compute.not_equal(corpus(make_documents)["url"], "reasoning"))
    with pytest.raises(ModelError, match=r"reasoning: 0.*reasoning #1 took 0"):
        run(tmp_path, documents, 1, settings())
    with pytest.raises(ConfigError, match=r"domains\.labels\.general: empty"):
        run(tmp_path, documents, 1, stage.Config())


def test_texts_of_label_files_have_no_embeddings(make_documents: Make, tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"text": "a", "label": "math"}\n')
    labels = settings().labels.model_copy(update={"files": (LabelFile(path=tmp_path / "labels.jsonl"),)})
    with pytest.raises(ConfigError, match="have no embeddings"):
        run(tmp_path, corpus(make_documents), 1, settings(labels=labels))
