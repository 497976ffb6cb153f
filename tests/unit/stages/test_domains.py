"""The domain of every document: by kind, by language, by classifier."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from judge_server import judge_server, says
from stage_jobs import domains
from tiny_models import write_roberta

from tamis import shards
from tamis.classifiers import embedding_files
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import load_encoder
from tamis.classifiers.fasttext import Training
from tamis.classifiers.labels import Sampling
from tamis.classifiers.selectors import Density, Selector
from tamis.classifiers.shape import shapes
from tamis.errors import ConfigError, EndpointError, ModelError
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
    return embedded(documents, np.array(counts, dtype=np.float32))


def embedded(documents: pa.Table, vectors: np.ndarray) -> pa.Table:
    """Rows of an embeddings file."""
    return embedding_files.rows(documents["id"].combine_chunks(), vectors, None, shape=shapes(documents["text"]))


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


def texts_of(name: str, number: int, seed: int) -> list[str]:
    """Texts with the words of one domain."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice([*WORDS[name].split(), "word"], 30).tolist()) for _ in range(number)]


def encoded(folder: Path) -> tuple[Backbone, Callable[[pa.Table], pa.Table]]:
    """A tiny encoder, and embeddings of documents by it."""
    backbone = Backbone(name=str(write_roberta(folder / "backbone")), max_tokens=64, batch=4)

    def make(documents: pa.Table) -> pa.Table:
        return embedded(documents, load_encoder(backbone).encode(documents["text"]).vectors)

    return backbone, make


def pages(card: dict[str, Any], kept: pa.Table) -> float:
    """Share of the pages that got their own domain, of a classifier that was measured on all of them."""
    assert all(row["documents"] > 10 for row in card["metrics"].values())
    rows = [row for row in kept.to_pylist() if row["url"] in WORDS]
    return float(np.mean([row["domain"] == row["url"] for row in rows]))


@pytest.mark.parametrize("features", ["embeddings", "fasttext"])
def test_label_files_and_references_teach_whatever_is_seen(make_documents: Make, tmp_path: Path, features: str) -> None:
    judged = [{"text": text, "topic": name} for name in ("math", "code") for text in texts_of(name, 40, 1)]
    graded = [{"text": text, "topic": 5} for text in texts_of("reasoning", 40, 2)]
    (tmp_path / "judged.jsonl").write_text("".join(json.dumps(row) + "\n" for row in judged + graded))
    liked = [{"text": text} for text in texts_of("general", 40, 3)]
    (tmp_path / "liked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in liked))
    classes = {"math": "math", "code": "code", "5": "reasoning"}
    labels = {
        "general": {"reference": str(tmp_path / "liked.jsonl")},
        "files": [{"path": str(tmp_path / "judged.jsonl"), "label": "topic", "classes": classes}],
    }
    config = settings(labels=stage.Classes.model_validate(labels), features=features)
    config.check_files()
    backbone, embeddings = encoded(tmp_path)
    found = domains(tmp_path / "run", corpus(make_documents), config, embeddings, 3, backbone)
    card = read_json(tmp_path / "run" / "card.json")
    assert pages(card, found.table("kept")) > 0.85
    assert any("taken as they are given" in limit for limit in card["limits"])
    assert not any("weak" in limit for limit in card["limits"])


def test_a_reference_is_learnt_against_the_pool(make_documents: Make, tmp_path: Path) -> None:
    for name in ("math", "code", "reasoning"):
        rows = [{"text": text} for text in texts_of(name, 60, 4)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels: dict[str, Any] = {name: {"reference": str(tmp_path / f"{name}.jsonl")} for name in WORDS}
    labels["general"] = {"sample": "pool"}
    config = settings(labels=stage.Classes.model_validate(labels), features="fasttext")
    found = domains(tmp_path / "run", corpus(make_documents), config, word_counts, 2)
    card = read_json(tmp_path / "run" / "card.json")
    # What the pool holds of the other domains is labelled general, so their figures are too low, and the card says so.
    assert any("true figures are higher" in limit for limit in card["limits"])
    rows = {row["url"]: [] for row in found.table("kept").to_pylist()}
    for row in found.table("kept").to_pylist():
        rows[row["url"]].append(row["domain"])
    assert rows["general"].count("general") >= 24


def test_a_judge_names_domains(make_documents: Make, tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("{text}")

    def answers(body: dict[str, Any], _: Any) -> Any:
        words = body["messages"][0]["content"].split()
        best = max(WORDS, key=lambda name: sum(word in WORDS[name].split() for word in words))
        return says(f"I looked at {len(words)} words.\nDomain: {best.upper()}")

    documents = corpus(make_documents)
    with judge_server(answers) as server:
        judge = {"url": server.url, "model": "m", "prompt": str(tmp_path / "prompt.md"), "answers": "class"}
        judge |= {"cache": str(tmp_path / "kept"), "documents": 500, "agreement": 0.1}
        config = settings(labels=stage.Classes.model_validate({"judge": judge}))
        config.check_files()
        one = domains(tmp_path / "one", documents, config, word_counts, 1)
        asked = len(server.requests)
        three = domains(tmp_path / "three", documents, config, word_counts, 3)
        assert len(server.requests) == asked
    card = read_json(tmp_path / "one" / "card.json")
    assert pages(card, one.table("kept")) > 0.9
    assert card == read_json(tmp_path / "three" / "card.json")
    assert one.table("kept").sort_by("id").equals(three.table("kept").sort_by("id"))
    assert set(card["judge"]["given"]) == set(WORDS)
    assert card["judge"]["agreement"]["kappa"] == 1.0
    # What rule 2 decides is not asked about, nor what is neither prose nor maths.
    assert sum(card["judge"]["given"].values()) == 102
    # Another address makes no job anew.
    assert server.url not in str(config.for_scoring().model_dump())
    assert server.url not in str(config.for_documents().model_dump())


def test_a_judge_that_names_no_domain_ends_the_run(make_documents: Make, tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("{text}")
    with judge_server(lambda body, _: says("Domain: history")) as server:
        judge = {"url": server.url, "model": "m", "prompt": str(tmp_path / "prompt.md"), "answers": "class"}
        config = settings(labels=stage.Classes.model_validate({"judge": judge | {"cache": str(tmp_path / "kept")}}))
        with pytest.raises(EndpointError, match=r"no class: .* is to be general or math or code or reasoning"):
            domains(tmp_path / "run", corpus(make_documents), config, word_counts)


def test_labels_that_cannot_name_a_domain_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"text": "a", "label": "math"}\n')
    (tmp_path / "prompt.md").write_text("{text}")
    path, judge = str(tmp_path / "labels.jsonl"), {"url": "http://x", "model": "m", "prompt": tmp_path / "prompt.md"}

    def refusal(**values: Any) -> str:
        config = settings(**values | {"labels": stage.Classes.model_validate(values["labels"])})
        try:
            config.check()
            config.check_files()
        except ConfigError as error:
            return str(error)
        return "nothing"

    assert "`grades` are for good and bad" in refusal(labels={"files": [{"path": path, "grades": [0, 5]}]})
    assert "0 texts of class general and 1 of class math" in refusal(labels={"files": [{"path": path}]})
    said = refusal(labels={"judge": judge | {"answers": "grade_0_5"}})
    assert "grade_0_5 tells good from bad" in said
    said = refusal(labels={"judge": judge | {"answers": "class", "documents": 10}})
    assert "10 cannot give each of four classes" in said
    said = refusal(labels={"files": [{"path": path}]}, features="lexical")
    assert "selectors alone decide" in said
    said = refusal(labels={"general": {"sample": "pool"}, "math": {"sample": "pool"}, "files": [{"path": path}]})
    assert "general and math are both a sample of the pool" in said
