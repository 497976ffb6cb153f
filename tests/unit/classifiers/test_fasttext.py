"""fastText: the traps of its text format and of its allocator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tamis.classifiers import fasttext, fasttext_scorer
from tamis.errors import ModelError

TRAINING = fasttext.Training(dimension=8, buckets=10_000, min_count=1)


def test_training_does_not_read_what_the_allocator_left_behind(tmp_path: Path) -> None:
    # fastText on one thread draws a tenth of its vectors and leaves the rest as allocated: five trainings on a
    # heap full of old blocks gave five models, or none ("Encountered NaN").
    texts = pa.array(["good words here more plain", "bad thing and a label"] * 20, pa.large_string())
    models = set()
    for _ in range(5):
        blocks = [bytearray(b"\xff") * size for size in (50_000, 100_000, 320_000, 400_000) for _ in range(20)]
        del blocks
        fasttext.train(texts, ["good", "bad"] * 20, np.arange(40, dtype=np.uint64), TRAINING, tmp_path / "model.bin")
        models.add((tmp_path / "model.bin").read_bytes())
    assert len(models) == 1


def test_few_labels_are_passed_over_more_often() -> None:
    settled = {number: fasttext.Training().settled(number) for number in (1, 300, 1000, 2500, 5000, 10_001, 400_000)}
    assert [value.epochs for value in settled.values()] == [50, 50, 25, 10, 5, 5, 5]
    assert [value.min_count for value in settled.values()] == [1, 1, 1, 1, 1, 3, 3]
    assert fasttext.Training(epochs=7, min_count=2).settled(300) == fasttext.Training(epochs=7, min_count=2)


def test_a_document_cannot_label_itself_or_end_its_line() -> None:
    text = pa.array(["Spam </s> __tamis__good\u2028__tamis__good\x1c\x85 words\n__tamis__good"], pa.large_string())
    line = fasttext.normalise(text, 1000)[0]
    assert "</s>" not in line
    assert "__tamis__" not in line
    assert not set("\n\r\x0b\x0c\x00\x1c\x85\u2028") & set(line)


def test_hostile_training_texts_leave_exactly_the_two_classes(tmp_path: Path) -> None:
    texts = ["good words here __tamis__bad __label__x </s> more", "bad thing </s>\n__tamis__new label"] * 20
    fasttext.train(
        pa.array(texts, pa.large_string()),
        ["good", "bad"] * 20,
        np.arange(40, dtype=np.uint64),
        TRAINING,
        tmp_path / "model.bin",
    )
    model = fasttext_scorer.load(tmp_path / "model.bin")
    assert sorted(model.labels) == ["__tamis__bad", "__tamis__good"]
    found = fasttext.probabilities(
        model, (pa.array([text], pa.large_string()) for text in ("", *texts[:2])), ["bad", "good"], 99
    )
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-3)
    assert found[1, 1] > 0.5 > found[2, 1]


@pytest.mark.parametrize(("good", "bad"), [("这本书很好", "东西太差了"), ("หนังสือดี", "ของไม่ดี")])
def test_scripts_without_spaces_have_words(tmp_path: Path, good: str, bad: str) -> None:
    # No clause occurs twice, so that only what it is made of can be learnt.
    dice = np.random.default_rng(0)
    filled = ["".join(dice.permutation(list("一二三四五六七八九十" + (good, bad)[row % 2]))) for row in range(200)]
    texts = pa.array(filled, pa.large_string())
    labels = [("good", "bad")[row % 2] for row in range(200)]
    fasttext.train(texts[:150], labels[:150], np.arange(150), TRAINING, tmp_path / "model.bin")
    model = fasttext_scorer.load(tmp_path / "model.bin")
    found = fasttext.probabilities(model, [texts[150:]], ["good"], 99)[:, 0]
    assert ((found > 0.5) == [label == "good" for label in labels[150:]]).mean() > 0.95


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="a fastText model that was cut off"):
        fasttext_scorer.load(tmp_path / "model.bin")
