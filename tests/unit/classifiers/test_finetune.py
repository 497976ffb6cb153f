"""Fine-tuning: it learns, the same bytes come out after any kill, and what cannot be trained is refused."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tiny_models import write_encoder

from tamis.checksums import sha256
from tamis.classifiers import evaluation, finetune
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import load_encoder
from tamis.classifiers.finetune import FILES, Trained, check_labels, divide_training, fine_tune
from tamis.classifiers.labels import LABELLED, as_labelled
from tamis.classifiers.training_run import Full, rate
from tamis.errors import ModelError
from tamis.hashing import keyed_uint64

CLASSES = ("bad", "good")
WORDS = {
    "good": ["matrix", "because", "explains", "theorem", "proof"],
    "bad": ["BUY", "NOW!!!", "$99", "CLICK", "WIN"],
}


def labelled(
    count: int, *, seed: int = 0, share_good: float = 0.5, grades: Any = None, noise: bool = False
) -> pa.Table:
    """Texts of random words, of which the class decides some; with `noise` none."""
    random = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        label = "good" if index < share_good * count else "bad"
        own = WORDS[random.choice(CLASSES) if noise else label]
        filling = ["".join(map(chr, random.integers(97, 123, 4))) for _ in range(6)]
        words = random.permutation([*filling, *random.choice(own, 3)])
        rows.append((f"{seed:08x}{index:024x}", "prose", label, grades and grades[label], " ".join(words)))
    ids, kinds, labels, graded, texts = zip(*rows, strict=True)
    # Another page each: the first half of an id is that of its page.
    ids = [f"{keyed_uint64('page', [value])[0]:016x}{value[16:]}" for value in ids]
    columns = {"id": ids, "kind": kinds, "label": labels, "grade": graded, "key": keyed_uint64("key", ids)}
    columns |= {"characters": [len(text) for text in texts], "text": texts}
    return as_labelled({name: pa.array(values, LABELLED.field(name).type) for name, values in columns.items()})


@pytest.fixture(name="backbone", scope="module")
def _backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder = write_encoder(tmp_path_factory.mktemp("models") / "tiny", "roberta")
    return Backbone(name=str(folder), max_tokens=64, batch=8)


FAST = Full(epochs=6, learning_rate=2e-3, checkpoint_steps=5)


def hashes(folder: Path) -> dict[str, str]:
    return {name: sha256(folder / name) for name in FILES}


@pytest.fixture(name="model", scope="module")
def _model(tmp_path_factory: pytest.TempPathFactory, backbone: Backbone) -> tuple[Path, Trained]:
    folder = tmp_path_factory.mktemp("trained") / "model"
    return folder, fine_tune(labelled(160), CLASSES, backbone, FAST, folder)


def scores(folder: Path, backbone: Backbone, rows: pa.Table) -> np.ndarray:
    chosen = backbone.model_copy(update={"name": str(folder)})
    found = load_encoder(chosen, classifies=True).encode(rows["text"]).score()
    assert found is not None
    return found


def test_it_learns_and_the_encoder_scores_with_what_was_saved(model: tuple[Path, Trained], backbone: Backbone) -> None:
    folder, trained = model
    unseen = labelled(80, seed=9)
    found = scores(folder, backbone, unseen)
    positive = np.array([label == "good" for label in unseen["label"].to_pylist()])
    assert (evaluation.roc_auc(positive, found) or 0.0) > 0.95
    assert trained.texts + trained.validated == 160
    assert trained.validated == 24
    assert trained.validation_auc == max(row["auc"] for row in trained.history)
    assert trained.steps <= trained.planned
    # A text's score has the same bits in any company.
    assert np.array_equal(scores(folder, backbone, unseen.take(list(range(79, -1, -1))))[::-1], found)
    assert np.array_equal(scores(folder, backbone, unseen.slice(11, 1)), found[11:12])


def test_others_load_it_with_transformers(model: tuple[Path, Trained], backbone: Backbone) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder, _ = model
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    plain, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert plain.config.id2label == {0: "bad", 1: "good"}
    unseen = labelled(5, seed=3)
    given = tokenizer(unseen["text"].to_pylist(), return_tensors="pt", padding=True, return_token_type_ids=False)
    with torch.inference_mode():
        expected = plain.eval()(**given).logits.softmax(dim=1)[:, 1].numpy()
    assert scores(folder, backbone, unseen) == pytest.approx(expected, abs=1e-5)
    # A long text is cut by who reads it, not by what the training read.
    assert len(tokenizer("x" * 500)["input_ids"]) > 64
    for name in ("config.json", "tokenizer_config.json", "tokenizer.json"):
        assert str(folder.parent) not in (folder / name).read_text()
        assert str(Path(backbone.name).parent) not in (folder / name).read_text()


def test_the_same_labels_give_the_same_bytes_in_any_order(
    model: tuple[Path, Trained], backbone: Backbone, tmp_path: Path
) -> None:
    rows = labelled(160)
    shuffled = rows.take(np.random.default_rng(1).permutation(160))
    again = fine_tune(shuffled, CLASSES, backbone, FAST, tmp_path / "again")
    assert hashes(tmp_path / "again") == hashes(model[0])
    assert again == model[1]
    other = fine_tune(rows, CLASSES, backbone, FAST.model_copy(update={"seed": 1}), tmp_path / "other")
    assert other.weights_sha256 != again.weights_sha256


class StoppedError(Exception):
    """Stands in for whatever ends a job."""


@pytest.mark.parametrize("stops", [[3], [5], [12, 14], [9, 10, 20, 31]])
def test_a_stopped_training_goes_on_to_the_same_bytes(
    model: tuple[Path, Trained], backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: list[int]
) -> None:
    import torch

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("state must not be pickled")

    for module, name in ((torch, "load"), (torch, "save"), (pickle, "load"), (pickle, "dump")):
        monkeypatch.setattr(module, name, forbidden)
    folder, done = tmp_path / "model", []
    for stop in stops:

        def stopping(step: int, stop: int = stop) -> None:
            done.append(step)
            if step == stop:
                raise StoppedError

        with pytest.raises(StoppedError):
            fine_tune(labelled(160), CLASSES, backbone, FAST, folder, stopping)
        assert not folder.exists()
    trained = fine_tune(labelled(160), CLASSES, backbone, FAST, folder, done.append)
    assert hashes(folder) == hashes(model[0])
    assert trained == model[1]
    # At most the steps since the last state are done twice.
    assert len(done) - trained.steps <= sum(stop % 5 for stop in stops)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_killed_process_goes_on_to_the_same_bytes(
    model: tuple[Path, Trained], backbone: Backbone, tmp_path: Path
) -> None:
    script = (
        "import os, signal, sys, test_finetune as t\n"
        "from pathlib import Path\n"
        "from tamis.classifiers.backbone import Backbone\n"
        "kill = lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == 13 else None\n"
        "backbone = Backbone(name=sys.argv[1], max_tokens=64, batch=8)\n"
        "t.fine_tune(t.labelled(160), t.CLASSES, backbone, t.FAST, Path(sys.argv[2]), kill)\n"
    )
    paths = [str(Path(__file__).parent), *sys.path]
    folder = tmp_path / "model"
    ended = subprocess.run(
        [sys.executable, "-c", script, backbone.name, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert (tmp_path / ".model.training" / "state.json").is_file()
    steps: list[int] = []
    fine_tune(labelled(160), CLASSES, backbone, FAST, folder, steps.append)
    assert steps[0] == 11
    assert hashes(folder) == hashes(model[0])


def stop_at(step: int) -> Any:
    def stopping(done: int) -> None:
        if done == step:
            raise StoppedError

    return stopping


def test_state_of_another_training_or_damaged_is_not_used(
    model: tuple[Path, Trained], backbone: Backbone, tmp_path: Path
) -> None:
    folder, scratch = tmp_path / "model", tmp_path / ".model.training"
    others = {"other texts": labelled(160, seed=5), "other grades": labelled(160, grades={"good": 0.9, "bad": 0.1})}
    for damage in (*others, "weights", "json", "cut", "missing"):
        rows = others.get(damage, labelled(160))
        with pytest.raises(StoppedError):
            fine_tune(rows, CLASSES, backbone, FAST, folder, stop_at(11))
        (state,) = scratch.glob("*.safetensors")
        content = state.read_bytes()
        if damage == "weights":
            state.write_bytes(content[:-9] + bytes([content[-9] ^ 64]) + content[-8:])
        elif damage == "cut":
            state.write_bytes(content[:100])
        elif damage == "missing":
            state.unlink()
        elif damage == "json":
            (scratch / "state.json").write_text("{")
        steps: list[int] = []
        fine_tune(labelled(160), CLASSES, backbone, FAST, folder, steps.append)
        assert steps[0] == 1, damage
        assert hashes(folder) == hashes(model[0]), damage


def test_it_stops_where_it_no_longer_helps_and_keeps_the_best_weights(backbone: Backbone, tmp_path: Path) -> None:
    rows = labelled(160, noise=True)
    full = Full(epochs=30, learning_rate=2e-3, patience=2, evaluate_steps=4)
    trained = fine_tune(rows, CLASSES, backbone, full, tmp_path / "model")
    assert trained.steps < trained.planned
    assert trained.steps == trained.best_step + 2 * 4
    # What was saved are the weights of the best measurement: they give its AUC.
    validation = rows.sort_by([("key", "ascending"), ("id", "ascending")])
    validation = validation.filter(pa.array(divide_training(validation, full)))
    positive = np.array([label == "good" for label in validation["label"].to_pylist()])
    found = scores(tmp_path / "model", backbone, validation)
    assert evaluation.roc_auc(positive, found) == pytest.approx(trained.validation_auc, abs=1e-3)


def test_every_class_weighs_the_same(backbone: Backbone, tmp_path: Path) -> None:
    # Nothing tells the classes apart, so all that can be learnt is how many there are of each.
    rows = labelled(240, share_good=0.1, noise=True)
    full = Full(epochs=3, learning_rate=1e-3, patience=9)
    fine_tune(rows, CLASSES, backbone, full, tmp_path / "model")
    assert scores(tmp_path / "model", backbone, rows).mean() == pytest.approx(0.5, abs=0.15)


def test_grades_are_learnt_as_they_are(backbone: Backbone, tmp_path: Path) -> None:
    rows = labelled(160, grades={"good": 0.7, "bad": 0.2})
    fine_tune(rows, CLASSES, backbone, Full(epochs=8, learning_rate=2e-3), tmp_path / "model")
    found = scores(tmp_path / "model", backbone, labelled(80, seed=9))
    assert found[:40].mean() == pytest.approx(0.7, abs=0.1)
    assert found[40:].mean() == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_other_families_and_a_checkpoint_that_classified_something_else(tmp_path: Path, family: str) -> None:
    # The head of four labels is replaced by a new one of two.
    folder = write_encoder(tmp_path / family, family, classes=4)
    backbone = Backbone(name=str(folder), max_tokens=64, batch=8)
    trained = fine_tune(labelled(160), CLASSES, backbone, FAST, tmp_path / "model")
    assert trained.validation_auc > 0.9
    assert scores(tmp_path / "model", backbone, labelled(4)).shape == (4,)


def test_validation_keeps_copies_together_and_gives_each_class_its_share() -> None:
    rows = labelled(60)
    copies = rows["text"].to_pylist()
    copies[1], copies[31] = copies[0] + " x", copies[30] + " x"
    rows = rows.set_column(
        rows.schema.get_field_index("text"), LABELLED.field("text"), pa.array(copies, pa.large_string())
    )
    for seed in range(20):
        held = divide_training(rows, Full(validation=0.3, seed=seed))
        assert held[0] == held[1]
        assert held[30] == held[31]
        assert held[:30].sum() == held[30:].sum() == 9


def test_labels_that_cannot_train_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    nowhere = Backbone(name=str(tmp_path / "nowhere"))
    for rows, said in (
        (labelled(40, share_good=1.0), "got bad: 0, good: 40"),
        (labelled(40, share_good=0.0), "got bad: 40, good: 0"),
        (labelled(14), "got bad: 7, good: 7"),
        (labelled(16).slice(0, 0), "got bad: 0, good: 0"),
    ):
        with pytest.raises(ModelError, match=f"too few labelled texts .*{said}"):
            fine_tune(rows, CLASSES, nowhere, Full(), tmp_path / "model")
    check_labels(["good"] * 8 + ["bad"] * 8, CLASSES)
    same = labelled(40)
    copy = pa.array([same["text"][0].as_py()] * 20 + same["text"].to_pylist()[20:], pa.large_string())
    same = same.set_column(same.schema.get_field_index("text"), LABELLED.field("text"), copy)
    with pytest.raises(ModelError, match="no text of class good is left to validate with"):
        fine_tune(same, CLASSES, nowhere, Full(), tmp_path / "model")


def test_a_loss_that_is_no_number_saves_nothing(backbone: Backbone, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = write_encoder(tmp_path / "broken", "roberta")
    tensors = load_file(folder / "model.safetensors")
    tensors["encoder.layer.1.output.dense.weight"][0] = np.nan
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    broken = backbone.model_copy(update={"name": str(folder)})
    with pytest.raises(ModelError, match=r"no number after 0 steps .*nothing was saved\. Lower .*learning_rate"):
        fine_tune(labelled(160), CLASSES, broken, FAST, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_a_backbone_that_is_not_whole_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = write_encoder(tmp_path / "part", "roberta")
    tensors = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in tensors.items() if "layer.1." not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks the weights .*layer\.1.*would be random"):
        fine_tune(labelled(160), CLASSES, backbone.model_copy(update={"name": str(folder)}), FAST, tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no \*\.safetensors weights"):
        fine_tune(labelled(160), CLASSES, backbone.model_copy(update={"name": str(folder)}), FAST, tmp_path / "model")


def test_the_rate_rises_and_falls_as_transformers_schedule_does() -> None:
    import torch
    from transformers import get_linear_schedule_with_warmup

    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_linear_schedule_with_warmup(optimiser, 10, 100)
    theirs = []
    for _ in range(100):
        theirs.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    ours = [rate(step, 100, 10) for step in range(100)]
    # Theirs begins with a step of rate 0.
    assert ours[:9] == pytest.approx(theirs[1:10])
    assert ours[10:] == pytest.approx(theirs[10:])
    assert max(ours) == 1.0
    assert rate(0, 5, 0) == 1.0


def test_one_step_is_that_of_a_plain_loop(backbone: Backbone, tmp_path: Path) -> None:
    """The first step against torch by hand: no dropout, one batch of everything, the same new layer."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = write_encoder(
        tmp_path / "still", "roberta", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.0
    )
    still = backbone.model_copy(update={"name": str(folder)})
    full = Full(epochs=1, batch=1024, learning_rate=1e-3, warmup=0.0, validation=0.2, max_gradient_norm=1e9)
    rows = labelled(40).sort_by([("key", "ascending"), ("id", "ascending")])
    fine_tune(rows, CLASSES, still, full, tmp_path / "model")
    learnt = rows.filter(pa.array(~divide_training(rows, full)))

    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    _, mine = finetune._model(torch, still, CLASSES, 0)
    plain.load_state_dict(mine.state_dict())
    decays = [each for each in plain.parameters() if each.dim() > 1]
    others = [each for each in plain.parameters() if each.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": decays, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=1e-3
    )
    given = tokenizer(learnt["text"].to_pylist(), return_tensors="pt", padding=True, return_token_type_ids=False)
    target = torch.tensor([CLASSES.index(label) for label in learnt["label"].to_pylist()])
    torch.nn.functional.cross_entropy(plain.train()(**given).logits, target).backward()
    optimiser.step()
    found = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").state_dict()
    for name, tensor in plain.state_dict().items():
        assert torch.allclose(found[name], tensor, atol=2e-5), name
