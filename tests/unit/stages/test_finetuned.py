"""Fine-tuned encoders and ready models as stages: from documents to ledger, and the same for any number of shards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError
from stage_jobs import classify
from tiny_models import write_encoder

from tamis.classifiers import fasttext
from tamis.classifiers.kinds import AnyClassifier, AnyEncoder, FineTuned, Head
from tamis.errors import ConfigError, ModelError
from tamis.shards import read_json

Make = Callable[..., pa.Table]
GOOD = ["the", "reader", "learns", "because", "each", "step", "explains"]
BAD = ["fixed", "bug", "crash", "release", "version"]


def corpus(make_documents: Make) -> pa.Table:
    """Sixty good and sixty bad prose pages, thirty of each without a label, two pages of other kinds."""
    random = np.random.default_rng(3)
    texts = [" ".join(random.choice(words, 12)) for words in (GOOD, BAD) for _ in range(60)]
    texts += [" ".join(random.choice(words, 12)) for words in (GOOD, BAD) for _ in range(30)]
    urls = [f"{name}/{index}" for name in ("good", "bad") for index in range(60)] + [f"o/{n}" for n in range(60)]
    ids = sorted(f"{value:016x}{value % 97:016x}" for value in random.integers(0, 2**62, 182).tolist())
    return make_documents(
        [*texts, "x + y", "Licence"], id=ids, url=[*urls, None, None], kind=["prose"] * 180 + ["maths", "licence"]
    )


LABELS = {"good": [{"urls": ["good*"]}], "bad": [{"urls": ["bad*"]}]}
COMMON = {
    "labels": LABELS,
    "sampling": {"min_labels": 10, "held_out": 0.2},
    "selection": {"keep_share": {"prose": 0.5}},
    "applies_to": ["prose"],
}


def section(**values: Any) -> Any:
    return TypeAdapter(AnyClassifier).validate_python(COMMON | values)


def run(folder: Path, documents: pa.Table, shards: int, config: Any) -> dict[str, Any]:
    jobs = classify(folder, documents, config, shards)
    found = {"model": (folder / "model").read_bytes(), "card": read_json(folder / "card.json")}
    return found | {part: jobs.table(part).sort_by("id") for part in ("kept", "dropped", "scores")}


def tuned(folder: Path) -> FineTuned:
    found = section(
        model="head",
        train="full",
        backbone={"name": str(folder), "max_tokens": 64, "batch": 8},
        full={"epochs": 6, "learning_rate": 2e-3},
    )
    assert isinstance(found, FineTuned)
    return found


@pytest.fixture(name="encoder", scope="module")
def _encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("models") / "tiny-roberta", "roberta")


@pytest.fixture(name="outcome", scope="module")
def _outcome(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, dict[str, Any]]:
    from documents import make_documents

    folder = tmp_path_factory.mktemp("one")
    return folder, run(folder, corpus(make_documents), 1, tuned(encoder))


def test_a_fine_tuned_encoder_keeps_the_good_half(outcome: tuple[Path, dict[str, Any]]) -> None:
    folder, found = outcome
    kept = [row for row in found["kept"].to_pylist() if row["kind"] == "prose"]
    assert len(kept) == 90
    assert np.mean(["bug" not in row["text"] and "crash" not in row["text"] for row in kept]) > 0.95
    card = found["card"]
    assert card["metrics"]["prose"]["roc_auc"] > 0.95
    assert card["model"]["train"] == "full"
    assert card["model"]["backbone"] == "tiny-roberta"
    # The validation part is of the training side, the card's figures are of the other.
    held_out = sum(row["documents"] for row in card["labels"] if row["held_out"])
    assert card["metrics"]["all"]["documents"] == held_out
    assert card["model"]["texts"] + card["model"]["validated"] == 120 - held_out - card["label_origin"].get(
        "same text once more", 0
    )
    assert (folder / "fine_tuned" / "model.safetensors").is_file()


def test_shards_change_no_bit_of_a_fine_tuned_encoder(
    outcome: tuple[Path, dict[str, Any]], encoder: Path, make_documents: Make, tmp_path: Path
) -> None:
    other = run(tmp_path, corpus(make_documents), 3, tuned(encoder))
    for part, value in outcome[1].items():
        same = value.equals(other[part]) if isinstance(value, pa.Table) else value == other[part]
        assert same, part


def test_a_model_that_was_exchanged_does_not_score(encoder: Path, make_documents: Make, tmp_path: Path) -> None:
    config = tuned(encoder)
    jobs = classify(tmp_path, corpus(make_documents), config, 1)
    (tmp_path / "fine_tuned" / "config.json").write_text("{}")
    model = {"model": tmp_path / "model", "card": tmp_path / "card.json", "tuned": tmp_path / "fine_tuned.json"}
    with pytest.raises(ModelError, match=r"config\.json: not the file"):
        jobs.each_shard("score", documents="documents", **model, scores="scores")


def test_too_few_labels_stop_before_training(encoder: Path, make_documents: Make, tmp_path: Path) -> None:
    config = tuned(encoder).model_copy(update={"labels": tuned(encoder).labels.model_copy(update={"bad": ()})})
    with pytest.raises(ConfigError, match=r"quality\.labels\.bad: empty"):
        classify(tmp_path, corpus(make_documents), config, 1)
    with pytest.raises(ModelError, match="neither a local folder"):
        tuned(tmp_path / "nowhere").check_files("quality")
    (encoder.parent / "cut").mkdir()
    for path in encoder.iterdir():
        (encoder.parent / "cut" / path.name).write_bytes(
            path.read_bytes()[: -1 if path.suffix == ".safetensors" else None]
        )
    with pytest.raises(ModelError, match="cut off or is damaged"):
        tuned(encoder.parent / "cut").check_files("quality")


def test_train_says_what_learns() -> None:
    either = TypeAdapter(AnyEncoder)
    assert isinstance(either.validate_python({}), Head)
    assert isinstance(either.validate_python({"train": "head"}), Head)
    assert isinstance(either.validate_python({"train": "full"}), FineTuned)
    assert isinstance(either.validate_python(FineTuned()), FineTuned)
    again = either.validate_python(json.loads(FineTuned(full={"epochs": 2}).model_dump_json()))
    assert again == FineTuned(full={"epochs": 2})
    for wrong, said in (
        ({"train": "all"}, "`train` is head or full"),
        ({"train": "full", "penalty": 1.0}, "Extra inputs"),
        ({"train": "head", "full": {}}, "Extra inputs"),
    ):
        with pytest.raises(ValidationError, match=said):
            either.validate_python(wrong)


def ready_model(folder: Path) -> Path:
    """A fastText file of DCLM's labels, trained on words of the corpus."""
    import fasttext as library

    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    lines = [
        f"{label} {' '.join(random.choice(words, 12))}\n"
        for _ in range(60)
        for label, words in (("__label__hq", GOOD), ("__label__cc", BAD))
    ]
    (folder / "lines").write_text("".join(lines), encoding="utf-8")
    with fasttext._zeroed_allocations():
        model = library.train_supervised(
            str(folder / "lines"), dim=8, epoch=25, lr=0.5, bucket=10_000, thread=1, verbose=0
        )
    model.save_model(str(folder / "model.bin"))
    return folder / "model.bin"


def test_a_ready_fasttext_file_needs_no_labels(make_documents: Make, tmp_path: Path) -> None:
    ready = {"path": str(ready_model(tmp_path / "m")), "label": "__label__hq"}
    silent = section(model="fasttext", ready=ready, labels={})
    silent.check("quality")
    silent.check_files("quality")
    found = run(tmp_path / "silent", corpus(make_documents), 2, silent)
    kept = [row["text"] for row in found["kept"].to_pylist() if row["kind"] == "prose"]
    assert len(kept) == 90
    assert not any("bug" in text for text in kept)
    assert found["card"]["metrics"]["all"]["documents"] == 0
    assert found["card"]["model"]["label"] == "__label__hq"
    assert len(found["card"]["model"]["model_sha256"]) == 64
    # Labels only measure it: all of them, since it has learnt from none.
    measured = run(tmp_path / "measured", corpus(make_documents), 1, section(model="fasttext", ready=ready))
    assert measured["scores"].equals(found["scores"])
    assert measured["card"]["metrics"]["prose"]["roc_auc"] == 1.0
    assert all(row["held_out"] for row in measured["card"]["labels"])
    assert measured["card"]["metrics"]["all"]["documents"] > 100


def test_a_ready_file_is_checked_before_anything_runs(tmp_path: Path) -> None:
    path = ready_model(tmp_path / "m")
    wrong = section(model="fasttext", ready={"path": str(path), "label": "__label__good"})
    with pytest.raises(ConfigError, match=r"education\.ready\.label: .* it has __label__(hq|cc), __label__(hq|cc)"):
        wrong.check_files("education")
    with pytest.raises(ValidationError, match="`training` does nothing where the model is `ready`"):
        section(model="fasttext", ready={"path": "m", "label": "x"}, training={"dimension": 8})
    # The params of a job hold every setting.
    again = TypeAdapter(AnyClassifier).validate_python(wrong.model_dump(mode="json"))
    assert again == wrong


def checkpoint(folder: Path, **values: Any) -> Any:
    return section(
        model="checkpoint", backbone={"name": str(folder), "max_tokens": 64, "batch": 8}, embed=["prose"], **values
    )


def test_a_checkpoint_scores_by_the_label_that_is_named(make_documents: Make, tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "graded", "bert", classes=3, seed=4)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "Low", "1": "Medium", "2": "High"}
    config["label2id"] = {"Low": 0, "Medium": 1, "High": 2}
    (folder / "config.json").write_text(json.dumps(config))
    columns = {}
    for name, scores in (
        ("high", {"probability": "High"}),
        ("low", {"probability": 0}),
        ("medium", {"probability": "Medium"}),
        ("expected", {"grades": {"Low": 0.0, "Medium": 0.5, "High": 1.0}}),
        ("plain", {}),
    ):
        found = run(tmp_path / name, corpus(make_documents), 1, checkpoint(folder, scores=scores))
        columns[name] = found["scores"]["quality"].drop_null().to_numpy()
        assert found["card"]["metrics"]["all"]["documents"] > 100
    assert columns["high"] + columns["low"] + columns["medium"] == pytest.approx(np.ones(180), abs=1e-5)
    assert columns["expected"] == pytest.approx(columns["high"] + columns["medium"] / 2, abs=1e-5)
    # Where nothing is said the places are the grades.
    assert columns["plain"] == pytest.approx(2 * columns["expected"], abs=1e-5)
    assert not np.allclose(columns["high"], columns["low"])


def test_a_checkpoint_is_checked_before_anything_runs(encoder: Path, tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "binary", "bert", classes=2)
    checkpoint(folder).check_files("quality")
    with pytest.raises(ModelError, match=r"no label 'toxic'; it has 2 labels \(0: LABEL_0, 1: LABEL_1\)"):
        checkpoint(folder, scores={"probability": "toxic"}).check_files("quality")
    with pytest.raises(ModelError, match="is a RobertaModel"):
        checkpoint(encoder).check_files("quality")
    with pytest.raises(ModelError, match=r"quality\.backbone .*neither a local folder nor in the local cache"):
        checkpoint(tmp_path / "nowhere").check_files("quality")
    # What may be fetched is checked when it has been.
    later = checkpoint(folder)
    online = later.backbone.model_copy(update={"name": "nobody/nothing", "online": True})
    later.model_copy(update={"backbone": online}).check_files("quality")
