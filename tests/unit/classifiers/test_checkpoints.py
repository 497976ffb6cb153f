"""Ready checkpoints: what is refused from the headers alone, and how logits become one score."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file
from tiny_models import write_encoder

from tamis.classifiers.backbone import Backbone
from tamis.classifiers.checkpoints import KNOWN, UNUSABLE, Checkpoint, Scores, inspect, scoring, weights
from tamis.classifiers.encoder import load_encoder
from tamis.errors import ModelError

GRADED = Checkpoint("BertForSequenceClassification", ("Low", "Medium", "High"), multi_label=False)
BINARY = Checkpoint("BertForSequenceClassification", ("neutral", "toxic"), multi_label=False)
SINGLE = Checkpoint("BertForSequenceClassification", ("LABEL_0",), multi_label=False)
MULTI = Checkpoint("BertForSequenceClassification", ("toxic", "insult", "threat"), multi_label=True)


def of(checkpoint: Checkpoint, logits: list[list[float]], name: str = "a", **scores: Any) -> list[float]:
    return scoring(Scores(**scores), checkpoint, name).of(np.array(logits, dtype=np.float32)).tolist()


def softmax(row: list[float]) -> np.ndarray:
    values = np.exp(np.array(row))
    return values / values.sum()


def test_a_score_is_a_probability_an_expected_grade_or_the_output_itself() -> None:
    logits = [[0.5, -1.0, 2.0], [0.0, 0.0, 0.0], [-9.0, 9.0, 1.0]]
    shares = [softmax(row) for row in logits]
    assert of(GRADED, logits, probability="High") == pytest.approx([row[2] for row in shares], abs=1e-6)
    assert of(GRADED, logits, probability=1) == pytest.approx([row[1] for row in shares], abs=1e-6)
    grades = {"High": 1.0, "Low": 0.0, "Medium": 0.5}
    assert of(GRADED, logits, grades=grades) == pytest.approx([row @ [0.0, 0.5, 1.0] for row in shares], abs=1e-6)
    assert of(GRADED, logits, grades=[0.0, 2.0, 5.0]) == pytest.approx([row @ [0, 2, 5] for row in shares], abs=1e-6)
    assert of(GRADED, logits, logit="High") == [2.0, 0.0, 1.0]
    # Each label has a probability of its own.
    sigmoid = [1.0 / (1.0 + np.exp(-row[1])) for row in logits]
    assert of(MULTI, logits, probability="insult") == pytest.approx(sigmoid, abs=1e-6)
    assert of(MULTI, [[300.0, -300.0, 0.0]], probability="toxic") == [1.0]
    assert of(MULTI, [[300.0, -300.0, 0.0]], probability="insult") == [0.0]


def test_what_is_not_said_follows_from_the_number_of_labels() -> None:
    assert of(SINGLE, [[2.5], [-1.0]]) == [2.5, -1.0]
    assert of(BINARY, [[0.0, 0.0]]) == [0.5]
    assert of(BINARY, [[0.0, 3.0]]) == pytest.approx([softmax([0.0, 3.0])[1]])
    assert of(GRADED, [[0.0, 0.0, 0.0]]) == [1.0]
    with pytest.raises(ModelError, match=r"0: toxic, 1: insult, 2: threat\) a probability; name one"):
        of(MULTI, [[0.0, 0.0, 0.0]])


def test_well_known_checkpoints_are_scored_as_their_makers_do() -> None:
    toxic = Checkpoint("BertForSequenceClassification", (*"abcde", "toxic")[::-1], multi_label=True)
    assert of(toxic, [[1.0, 0.0, 9.0, 9.0, 9.0, 9.0]], "unitary/toxic-bert") == pytest.approx([0.7310586])
    edu = "HuggingFaceFW/fineweb-edu-classifier"
    assert of(SINGLE, [[4.25]], edu) == [4.25]
    with pytest.raises(ModelError, match="has 2 labels, known are 1"):
        of(BINARY, [[0.0, 0.0]], edu)
    for name, known in KNOWN.items():
        labels = ("toxic", *(f"label {n}" for n in range(known.labels - 1)))
        scoring(Scores(), Checkpoint("BertForSequenceClassification", labels, multi_label="toxic" in name), name)


@pytest.mark.parametrize(
    ("checkpoint", "scores", "said"),
    [
        (BINARY, {"probability": "spam"}, r"no label 'spam'; it has 2 labels \(0: neutral, 1: toxic\)"),
        (BINARY, {"probability": 2}, "no label 2"),
        (BINARY, {"grades": [1.0]}, "one for each of 2 labels .*given are 1 of them"),
        (BINARY, {"grades": {"neutral": 1.0, "bad": 0.0}}, r"given are \['neutral', 'bad'\]"),
        (SINGLE, {"probability": 0}, r"a regression, so .* use `scores\.logit`"),
        (MULTI, {"grades": [0.0, 1.0, 2.0]}, "no expected grade"),
        (Checkpoint("X", ("a", "a"), multi_label=False), {"probability": "a"}, "no label 'a'"),
    ],
)
def test_labels_that_are_not_there_are_refused(checkpoint: Checkpoint, scores: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        scoring(Scores(**scores), checkpoint, "name")


@pytest.mark.parametrize(
    "scores",
    [{"probability": 0, "logit": 0}, {"probability": -1}, {"probability": True}, {"grades": [float("nan")]}, {"of": 1}],
)
def test_scores_that_mean_nothing_are_refused(scores: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Scores(**scores)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A checkpoint of three labels in the form that transformers writes, without its library."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    config = {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "id2label": {"0": "Low", "1": "Medium", "2": "High"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    tensors = {
        "bert.embeddings.word_embeddings.weight": np.zeros((9, 4), np.float32),
        "classifier.weight": np.zeros((3, 4), np.float32),
        "classifier.bias": np.zeros(3, np.float32),
    }
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def changed(folder: Path, **config: Any) -> None:
    value = json.loads((folder / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(value))


def test_a_folder_says_what_it_holds(folder: Path) -> None:
    assert inspect(folder, "name") == GRADED
    changed(folder, problem_type="multi_label_classification")
    assert inspect(folder, "name").multi_label
    changed(folder, id2label=None, num_labels=3)
    assert inspect(folder, "name").labels == ("LABEL_0", "LABEL_1", "LABEL_2")


def without_head(folder: Path) -> None:
    tensors = {name: value for name, value in load_file(folder / "model.safetensors").items() if "bert" in name}
    save_file(tensors, folder / "model.safetensors")


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def cut_header(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:30])


def emptied(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def longer(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"\0")


def bomb(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + b"{}")


def nested(folder: Path) -> None:
    header = b"[" * 50_000
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


def no_list(folder: Path) -> None:
    header = json.dumps({"classifier.weight": {"shape": 3, "data_offsets": []}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def elsewhere(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    index = {"weight_map": {"classifier.weight": "../../etc/passwd"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def tokenizer_code(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": "own.py"}}))


def no_json(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\xff\xfe{")


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_config, r"config\.json cannot be read as JSON"),
        (no_json, r"config\.json cannot be read as JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "no JSON object"),
        (lambda folder: changed(folder, auto_map={"AutoModel": "own.py"}), "code of its own .*never run"),
        (tokenizer_code, r"tokenizer_config\.json names code of its own"),
        (lambda folder: changed(folder, architectures=["BertModel"]), "is a BertModel, not a .*would be random"),
        (lambda folder: changed(folder, architectures=["BertForMaskedLM"]), "is a BertForMaskedLM"),
        (lambda folder: changed(folder, architectures=None), "names no architecture"),
        (lambda folder: changed(folder, id2label={"0": "a", "1": "b"}), "names 2 labels, the head's weights are for 3"),
        (lambda folder: changed(folder, id2label={"1": "a", "2": "b"}), "does not number its labels from 0"),
        (lambda folder: changed(folder, id2label=["a"]), "does not number its labels from 0"),
        (lambda folder: changed(folder, id2label=None, num_labels="many"), "does not number its labels from 0"),
        (without_head, "no classification head .*would be random"),
        (cut, "was cut off or is damaged"),
        (cut_header, "was cut off or is damaged"),
        (emptied, "was cut off or is damaged"),
        (longer, "was cut off or is damaged"),
        (bomb, "was cut off or is damaged"),
        (nested, "no safetensors file"),
        (no_list, "no safetensors file"),
        (pickled, r"no model\.safetensors, only pytorch_model\.bin, pickled weights, which can run code"),
        (elsewhere, "does not say which files hold the weights"),
        (no_tokenizer, "no tokenizer"),
    ],
)
def test_what_cannot_score_is_refused_from_its_headers(
    folder: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=said):
        inspect(folder, "name")


def test_weights_in_several_files_are_found_through_their_index(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    placed = {}
    for number, (name, value) in enumerate(tensors.items()):
        placed[name] = f"model-{number:05d}.safetensors"
        save_file({name: value}, folder / placed[name])
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    assert inspect(folder, "name") == GRADED
    assert set(weights(folder, "name")) == set(tensors)
    (folder / placed["classifier.weight"]).unlink()
    with pytest.raises(ModelError, match=r"no safetensors file .*fetch it again"):
        inspect(folder, "name")


def test_a_checkpoint_with_a_head_of_its_own_is_named_and_refused(folder: Path) -> None:
    (name,) = UNUSABLE
    with pytest.raises(ModelError, match=r"names no architecture.*label file"):
        inspect(folder, name)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("labels", [1, 2, 4])
def test_checkpoints_as_transformers_writes_them_score_as_it_does(tmp_path: Path, family: str, labels: int) -> None:
    import pyarrow as pa
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = write_encoder(tmp_path / family, family, classes=labels)
    settings = Backbone(name=str(folder), max_tokens=64, batch=4)
    found = load_encoder(settings, classifies=True).encode(pa.array(["one text", "another, longer text of words"]))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for row, text in enumerate(["one text", "another, longer text of words"]):
        given = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            logits = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).logits[0].numpy()
        score = found.score()
        assert score is not None
        expected = logits[0] if labels == 1 else softmax(logits) @ np.arange(labels)
        assert score[row] == pytest.approx(expected, abs=1e-5)


def test_the_loader_uses_the_mapping_and_refuses_the_same_folders(tmp_path: Path) -> None:
    import pyarrow as pa

    folder = write_encoder(tmp_path / "m", "bert", classes=3)
    settings = Backbone(name=str(folder), max_tokens=64, batch=4)
    text = pa.array(["one text", "another"])
    probability = load_encoder(settings, classifies=True, scores=Scores(probability="LABEL_2")).encode(text)
    assert probability.logits is not None
    assert probability.score() == pytest.approx([softmax(row)[2] for row in probability.logits.tolist()], abs=1e-6)
    with pytest.raises(ModelError, match="no label 'LABEL_3'"):
        load_encoder(settings, classifies=True, scores=Scores(probability="LABEL_3"))
    changed(folder, auto_map={})
    with pytest.raises(ModelError, match="code of its own"):
        load_encoder(settings, classifies=True)
