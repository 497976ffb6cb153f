"""Embeddings of a tiny RoBERTa, and the classifiers that see them, from documents to ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from stage_jobs import classify
from tiny_models import write_roberta

from tamis.classifiers import embedding_files, encoder, linear_words
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.cascade import Cascade
from tamis.classifiers.good_bad import Labels
from tamis.classifiers.kinds import Checkpoint, Encoder, Head
from tamis.classifiers.labels import LabelFile, Sampling
from tamis.classifiers.selectors import Selector
from tamis.classifiers.thresholds import Selection
from tamis.errors import ModelError
from tamis.schemas import with_column
from tamis.shards import read_json, read_table, write_table
from tamis.stages import classifier
from tamis.stages import embeddings as stage

Make = Callable[..., pa.Table]


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_roberta(tmp_path_factory.mktemp("models") / "tiny-roberta")


def settings(folder: Path, kind: type[Encoder] = Head, **changes: Any) -> Encoder:
    values: dict[str, Any] = {
        "model": "head" if kind is Head else "checkpoint",
        "applies_to": ("prose",),
        "embed": ("prose", "maths"),
        "backbone": Backbone(name=str(folder), max_tokens=32, batch=8),
        "labels": Labels(good=(Selector(urls=("good*",)),), bad=(Selector(urls=("bad*",)),)),
        "sampling": Sampling(min_labels=10, held_out=0.3),
        "selection": Selection(keep_share={"prose": 0.5}),
    }
    return kind(**(values | changes))


def corpus(make_documents: Make) -> pa.Table:
    """Prose of capitals (good) and of digits (bad), a third of it unlabelled, a maths page and a licence."""
    random = np.random.default_rng(4)
    texts = [
        "".join(random.choice(list("ABCDEF " if index % 2 else "012345 "), 20 + index % 30)) for index in range(120)
    ]
    urls = [f"{('bad', 'good')[index % 2] if index < 80 else 'other'}/{index}" for index in range(120)]
    ids = sorted(f"{value:016x}{value % 89:016x}" for value in random.integers(0, 2**62, 122).tolist())
    return make_documents(
        [*texts, "x + y", "Licence"], id=ids, url=[*urls, None, None], kind=["prose"] * 120 + ["maths", "licence"]
    )


def run(folder: Path, documents: pa.Table, shards: int, config: Encoder) -> dict[str, Any]:
    """Every step over n shards; the outcome of all shards together."""
    jobs = classify(folder, documents, config, shards, "transformer_quality")
    return {
        "card": read_json(folder / "card.json"),
        "model": (folder / "model").read_bytes(),
        **{part: jobs.table(part).sort_by("id") for part in ("kept", "dropped", "scores", "embeddings")},
    }


@pytest.fixture(name="outcome", scope="module")
def _outcome(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> dict[str, Any]:
    from documents import make_documents

    return run(tmp_path_factory.mktemp("one"), corpus(make_documents), 1, settings(folder))


def test_the_good_half_is_kept_and_other_kinds_pass_unscored(outcome: dict[str, Any]) -> None:
    kept = outcome["kept"].to_pylist()
    prose = [row for row in kept if row["kind"] == "prose"]
    assert len(prose) == 60
    assert sum(row["text"].strip()[:1].isalpha() for row in prose) >= 58
    assert {row["kind"]: row["transformer_quality"] for row in kept if row["kind"] != "prose"} == {
        "maths": None,
        "licence": None,
    }
    assert outcome["card"]["metrics"]["prose"]["roc_auc"] > 0.95
    assert outcome["card"]["model"]["backbone"] == "tiny-roberta"


def test_a_kind_without_labels_is_ranked_by_what_the_others_taught_or_passes(
    make_documents: Make, folder: Path, tmp_path: Path
) -> None:
    for unlabelled, missing in (("score", 1), ("pass", 2)):
        config = settings(folder, applies_to=("prose", "maths"), unlabelled=unlabelled)
        found = run(tmp_path / unlabelled, corpus(make_documents), 1, config)
        assert found["scores"]["transformer_quality"].null_count == missing
        assert any("kind maths" in sentence for sentence in found["card"]["limits"]) == (unlabelled == "score")
        assert "maths" not in found["card"]["metrics"]


def test_embedded_kinds_are_more_than_scored_ones(outcome: dict[str, Any]) -> None:
    assert outcome["embeddings"].num_rows == 121
    assert embedding_files.matrix(outcome["embeddings"]).shape == (121, 32)


def test_shards_change_no_bit(outcome: dict[str, Any], make_documents: Make, folder: Path, tmp_path: Path) -> None:
    other = run(tmp_path, corpus(make_documents), 3, settings(folder))
    for part, value in outcome.items():
        same = value.equals(other[part]) if isinstance(value, pa.Table) else value == other[part]
        assert same, part


def test_a_checkpoint_scores_by_itself_and_the_labels_only_measure_it(make_documents: Make, tmp_path: Path) -> None:
    # Fresh classification heads score nearly the same everywhere: the stage must carry the logits, not learn.
    classifier = write_roberta(tmp_path / "classifier", classes=2, seed=5)
    found = run(tmp_path / "run", corpus(make_documents), 2, settings(classifier, Checkpoint))
    assert read_json(tmp_path / "run/model") == {"kinds": ["prose"], "head": None}
    scores = found["scores"]["transformer_quality"].drop_null().to_numpy()
    assert len(scores) == 120
    assert 0.0 < scores.min() < scores.max() < 1.0
    assert found["card"]["metrics"]["all"]["documents"] == 80
    silent = run(tmp_path / "silent", corpus(make_documents), 1, settings(classifier, Checkpoint, labels=Labels()))
    assert silent["scores"].equals(found["scores"])
    assert silent["card"]["metrics"]["all"]["roc_auc"] is None


def test_label_files_teach_without_being_documents(make_documents: Make, folder: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    lines = [
        json.dumps(
            {
                "text": "".join(random.choice(list("ABCDEF " if index % 2 else "012345 "), 30)),
                "label": ("bad", "good")[index % 2],
            }
        )
        for index in range(80)
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines))
    config = settings(folder, labels=Labels(files=(LabelFile(path=tmp_path / "labels.jsonl"),)))
    found = run(tmp_path / "run", corpus(make_documents), 1, config)
    prose = [row for row in found["kept"].to_pylist() if row["kind"] == "prose"]
    assert sum(row["text"].strip()[:1].isalpha() for row in prose) >= 55


def test_other_weights_than_the_described_ones_are_refused(make_documents: Make, tmp_path: Path) -> None:
    config = settings(write_roberta(tmp_path / "model"))
    stage.run_backbone(config, output=tmp_path / "backbone.json")
    write_roberta(tmp_path / "model", seed=9)
    write_table(tmp_path / "in.parquet", make_documents(["a"]))
    with pytest.raises(ModelError, match="describes weights"):
        stage.run_embed(
            config,
            documents=tmp_path / "in.parquet",
            backbone=tmp_path / "backbone.json",
            embeddings=tmp_path / "out.parquet",
        )


class Counting:
    """Counts the texts that are encoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts = 0
        encode = encoder.Encoder.encode_tokens

        def counted(own: Any, tokens: Any) -> Any:
            self.texts += len(tokens)
            return encode(own, tokens)

        monkeypatch.setattr(encoder.Encoder, "encode_tokens", counted)


def test_only_texts_not_seen_before_are_encoded_with_the_same_bits(
    make_documents: Make, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(folder).for_embedding()

    def replaced(documents: pa.Table, texts: dict[int, str]) -> pa.Table:
        found = [texts.get(row, text) for row, text in enumerate(documents["text"].to_pylist())]
        return documents.set_column(documents.column_names.index("text"), "text", pa.array(found, pa.large_string()))

    documents = replaced(corpus(make_documents), {5: "ABC " * 300})
    files = {name: tmp_path / "results/fine" / name for name in ("embeddings/part-00000.parquet", "backbone.json")}
    embeddings, backbone = files.values()
    stage.run_backbone(config, output=backbone)

    def embed(rows: pa.Table, config: Any = config) -> tuple[pa.Table, int]:
        write_table(tmp_path / "in.parquet", rows)
        counting = Counting(monkeypatch)
        stage.run_embed(config, documents=tmp_path / "in.parquet", backbone=backbone, embeddings=embeddings)
        monkeypatch.undo()
        return read_table(embeddings), counting.texts

    whole, texts = embed(documents)
    assert texts == 121
    # As the workflow does before a job runs again.
    embeddings.unlink()
    # Another text beyond what the encoder reads, another one inside, a document less.
    rows = replaced(documents, {5: "ABC " * 300 + "012", 7: "012" + documents["text"][7].as_py()})
    again, texts = embed(rows.slice(1))
    assert texts == 1
    same = [row for row in range(1, 121) if row != 7]
    vectors = [table.drop_columns(["shape"]) for table in (again, whole)]
    assert vectors[0].filter(pa.array([row in same for row in range(1, 121)])).equals(vectors[1].take(pa.array(same)))
    fresh = tmp_path / "fresh/fine/embeddings/part-00000.parquet"
    stage.run_embed(config, documents=tmp_path / "in.parquet", backbone=backbone, embeddings=fresh)
    assert fresh.read_bytes() == embeddings.read_bytes()
    # Other settings have other vectors, and what is damaged is not used.
    longer = settings(folder, backbone=Backbone(name=str(folder), max_tokens=16, batch=8)).for_embedding()
    assert embed(rows, longer)[1] == 121
    kept = [*(tmp_path / "results/.kept").rglob("*.parquet")]
    assert len(kept) == 1
    data = bytearray(kept[0].read_bytes())
    data[len(data) // 2] ^= 1
    kept[0].unlink()
    kept[0].write_bytes(data)
    assert embed(rows, longer)[1] == 121


def test_another_arithmetic_embeds_again_and_is_named(make_documents: Make, folder: Path, tmp_path: Path) -> None:
    import torch

    if not torch.cpu.get_capabilities().get("avx512_vnni"):
        pytest.skip("the processor has no VNNI; there int8 is refused")
    exact, rounded = (
        settings(folder, backbone=Backbone(name=str(folder), max_tokens=64, batch=8, dtype=dtype))
        for dtype in ("fp32", "int8")
    )
    assert exact.for_embedding() != rounded.for_embedding()
    found = run(tmp_path / "one", corpus(make_documents), 1, rounded)
    assert found["card"]["model"]["dtype"] == "int8"
    described = read_json(tmp_path / "one/backbone.json")
    assert described["settings"]["dtype"] == "int8"
    assert described["int8"]["layers"] == 12
    other = run(tmp_path / "three", corpus(make_documents), 3, rounded)
    assert other["embeddings"].equals(found["embeddings"])
    assert other["scores"].equals(found["scores"])
    # Over what was kept in fp32 nothing is reused.
    again = run(tmp_path / "exact", corpus(make_documents), 1, exact)
    assert not again["embeddings"]["embedding"].equals(found["embeddings"]["embedding"])
    assert run(tmp_path / "exact", corpus(make_documents), 1, rounded)["embeddings"].equals(found["embeddings"])


def test_a_cascade_encodes_only_what_the_cheap_classifier_is_unsure_of(
    make_documents: Make, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = pa.array(np.arange(122) / 121.0, pa.float32())
    documents = with_column(corpus(make_documents), "fasttext_quality", cheap)
    cascade = Cascade(score="fasttext_quality", above=0.25, below=0.75, audit=0.0)
    counting = Counting(monkeypatch)
    found = run(tmp_path, documents, 1, settings(folder, cascade=cascade, embed=("prose",)))
    inside = (cheap.to_numpy() >= 0.25) & (cheap.to_numpy() <= 0.75)
    assert found["embeddings"].num_rows == int(inside[:120].sum())
    assert found["scores"]["transformer_quality"].null_count == 122 - int(inside[:120].sum())
    # The labelled texts outside are encoded for training alone.
    assert counting.texts == int(inside[:120].sum()) + int((~inside[:80]).sum())


def test_a_head_sees_what_the_encoder_is_not_told(make_documents: Make, folder: Path, tmp_path: Path) -> None:
    # The encoder reads the same of all; good texts are longer, and those of a file are of the same sort.
    random = np.random.default_rng(7)
    ids = sorted(f"{value:016x}{value % 89:016x}" for value in random.integers(0, 2**62, 160).tolist())
    good = np.arange(160) % 2 == 1
    texts = [
        "ABC " * 300 + " ".join(f"w{word}" for word in random.integers(0, 9999, 300 if value else 60)) for value in good
    ]
    urls = [f"{'good' if value else 'bad'}/{row}" if row < 80 else None for row, value in enumerate(good)]
    documents = make_documents(texts, id=ids, url=urls, kind=["prose"] * 160)
    lines = [{"text": texts[row] + " x", "label": "good" if good[row] else "bad"} for row in range(80, 120)]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    labels = settings(folder).labels.model_copy(update={"files": (LabelFile(path=tmp_path / "labels.jsonl"),)})
    areas = {}
    for features in (True, False):
        config = settings(folder, labels=labels, features=features, words=None)
        found = run(tmp_path / str(features), documents, 2, config)
        areas[features] = found["card"]["metrics"]["all"]["roc_auc"]
        score = found["scores"]["transformer_quality"].to_numpy()
        assert (score[good].min() > score[~good].max()) == features
    assert areas == {True: 1.0, False: 0.5}


def test_words_know_what_the_encoder_does_not_reach(make_documents: Make, folder: Path, tmp_path: Path) -> None:
    # All texts have one start and one form; what tells them apart stands behind it, and in texts of a file, too.
    random = np.random.default_rng(8)
    ids = sorted(f"{value:016x}{value % 89:016x}" for value in random.integers(0, 2**62, 160).tolist())
    good = np.arange(160) % 2 == 1
    texts = ["ABC " * 300 + " ".join(random.choice(list("ghijkl" if value else "klmnop"), 60)) for value in good]
    urls = [f"{'good' if value else 'bad'}/{row}" if row < 80 else None for row, value in enumerate(good)]
    documents = make_documents(texts, id=ids, url=urls, kind=["prose"] * 160)
    lines = [{"text": texts[row] + " q", "label": "good" if good[row] else "bad"} for row in range(80, 120)]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    labels = settings(folder).labels.model_copy(update={"files": (LabelFile(path=tmp_path / "labels.jsonl"),)})
    for words in (linear_words.Training(), linear_words.Training(max_characters=1200), None):
        config = settings(folder, labels=labels, words=words)
        found = run(tmp_path / str(words and words.max_characters), documents, 2, config)
        score = found["scores"]["transformer_quality"].to_numpy()
        reached = words is not None and words.max_characters > 1200
        assert (score[good].min() > score[~good].max()) == reached
        model = found["card"]["model"]
        assert model["sees"] == ["embedding", "shape", *(["words"] if words else [])]
        assert ("max_characters" in model.get("words", {})) == bool(words)
        if reached:
            assert model["trust"]["words"] > 5 * model["trust"]["embedding"]


def test_a_model_for_other_vectors_is_refused(make_documents: Make, folder: Path, tmp_path: Path) -> None:
    run(tmp_path, corpus(make_documents), 1, settings(folder))
    path = tmp_path / "embeddings/part-00000.parquet"
    rows = read_table(path)
    wider = embedding_files.rows(
        rows["id"].combine_chunks(),
        np.zeros((rows.num_rows, 384), np.float32),
        None,
        shape=embedding_files.matrix(rows, "shape"),
    )
    write_table(path, wider)
    with pytest.raises(ModelError, match="32 numbers, the embeddings have 384; the backbone changed"):
        classifier.run_score(
            settings(folder),
            name="transformer_quality",
            documents=tmp_path / "documents/part-00000.parquet",
            model=tmp_path / "model",
            card=tmp_path / "card.json",
            scores=tmp_path / "scores.parquet",
            embeddings=(path,),
        )


def test_steps_depend_only_on_what_they_use(folder: Path) -> None:
    config = settings(folder)
    relabelled = settings(folder, labels=Labels(good=(Selector(urls=("x*",)),)), selection=Selection(keep_share={}))
    assert relabelled.for_embedding() == config.for_embedding()
    assert settings(folder, selection=Selection(keep_share={})).for_scoring() == config.for_scoring()
    assert relabelled.for_scoring() != config.for_scoring()


def test_scoring_what_is_not_embedded_is_refused() -> None:
    with pytest.raises(ValidationError, match="`embed` lacks"):
        Head(applies_to=("prose", "code"), embed=("prose",))
