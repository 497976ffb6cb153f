"""The linear model: scikit-learn's own decisions, cross-validation that copies do not fool, files that are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tamis.classifiers import linear_words
from tamis.classifiers.division import folds_of
from tamis.classifiers.label_files import Judged, Judgements
from tamis.classifiers.labels import Sampling, of_judgements
from tamis.classifiers.linear_words import Training
from tamis.errors import ModelError

CLASSES = ("bad", "good")


def labelled(number: int = 120, seed: int = 3) -> pa.Table:
    random = np.random.default_rng(seed)
    words = {"good": [f"w{index}" for index in range(60)], "bad": [f"w{index}" for index in range(40, 100)]}
    judged = []
    for row in range(number):
        name = CLASSES[row % 2]
        text = " ".join(random.choice(words[name], 30))
        judged.append(Judged(f"{row:016x}{row:016x}", "prose", name, None, len(text), text))
    return of_judgements(Judgements(judged, {}), Sampling()).rows


def test_scores_are_those_of_scikit_learn_on_the_same_features() -> None:
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression

    rows = labelled()
    model, chosen = linear_words.train(rows, CLASSES, Training())
    occurring = linear_words.occurrences(rows["text"], 20_000)
    features = TfidfTransformer().fit_transform(occurring)
    # Another solver, on the strength that was chosen.
    peer = LogisticRegression(C=chosen["strength"], solver="newton-cg", tol=1e-8)
    wide = __import__("scipy.sparse").sparse.hstack([features, np.ones((rows.num_rows, 1))]).tocsr()
    peer.set_params(fit_intercept=False).fit(wide, [label == "good" for label in rows["label"].to_pylist()])
    assert model.logits(rows["text"], 20_000) == pytest.approx(peer.decision_function(wide), abs=0.02)
    probability = model.scores([rows["text"].slice(0, 7), rows["text"].slice(7)], 20_000)
    assert probability == pytest.approx(1 / (1 + np.exp(-model.logits(rows["text"], 20_000))), abs=1e-6)
    good = np.array([label == "good" for label in rows["label"].to_pylist()])
    assert probability[good].min() > probability[~good].max()


def test_strong_regularisation_is_chosen_where_labels_say_nothing() -> None:
    rows = labelled()
    noise = rows.set_column(
        rows.schema.get_field_index("label"),
        "label",
        pa.array(np.random.default_rng(1).permutation(rows["label"].to_pylist()).tolist()),
    )
    assert linear_words.train(rows, CLASSES, Training())[1]["strength"] > 1.0
    assert linear_words.train(noise, CLASSES, Training())[1]["strength"] == 1.0


def test_copies_lie_in_one_fold() -> None:
    rows = labelled(60)
    twice = pa.concat_tables(
        [rows, rows.set_column(0, "id", pa.array([f"{row:016x}{9:016x}" for row in range(100, 160)]))]
    )
    fold = folds_of(twice, 4, 5000)
    assert np.array_equal(fold[:60], fold[60:])
    good = np.array([label == "good" for label in rows["label"].to_pylist()])
    assert {*np.bincount(fold[:60][good]), *np.bincount(fold[:60][~good])} <= {7, 8}
    assert np.bincount(fold[:60]).tolist() == [15, 15, 15, 15]
    assert folds_of(twice, 4, 70)[70:].tolist() == [-1] * 50


def test_a_grade_is_a_mixture_of_both_classes() -> None:
    rows = labelled()
    grades = pa.array([None if row % 3 else 0.5 for row in range(rows.num_rows)], pa.float64())
    graded = rows.set_column(rows.schema.get_field_index("grade"), "grade", grades)
    model, _ = linear_words.train(graded, CLASSES, Training(strengths=(16.0,)))
    plain, _ = linear_words.train(rows, CLASSES, Training(strengths=(16.0,)))
    half = np.array([row % 3 == 0 for row in range(rows.num_rows)])
    distance = [np.abs(found.scores([rows["text"]], 20_000)[half] - 0.5).mean() for found in (model, plain)]
    assert distance[0] < 0.5 * distance[1]


def test_the_model_has_the_same_bytes_again_and_whatever_the_order(tmp_path: Path) -> None:
    rows = labelled()
    for name, given in (("one", rows), ("other", rows.take(np.random.default_rng(0).permutation(rows.num_rows)))):
        linear_words.write(tmp_path / name, linear_words.train(given, CLASSES, Training())[0])
    assert (
        hashlib.sha256((tmp_path / "one").read_bytes()).digest()
        == hashlib.sha256((tmp_path / "other").read_bytes()).digest()
    )
    again = linear_words.load(tmp_path / "one")
    assert np.array_equal(again.features, linear_words.train(rows, CLASSES, Training())[0].features)


def test_only_the_start_of_a_text_is_read() -> None:
    model, _ = linear_words.train(labelled(), CLASSES, Training())
    long = pa.array(["w1 w2 w3 " + "w99 " * 500, "w1 w2 w3 "], pa.large_string())
    one, other = model.scores([long], 9)
    assert one == other
    assert model.scores([long], 3000)[0] < other


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "model.safetensors"
    with pytest.raises(ModelError, match="not a linear model"):
        linear_words.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not a linear model"):
        linear_words.load(path)
    for weights, bias in ((np.zeros(5, np.float32), 0.0), (np.full((1 << 20, 2), np.nan, np.float32), 0.0)):
        save_file({"features": weights, "bias": np.array([bias], np.float32)}, path)
        with pytest.raises(ModelError, match="expected 1048576 x 2 finite float32"):
            linear_words.load(path)


def test_one_class_and_texts_without_words() -> None:
    rows = labelled()
    one = rows.filter(pa.compute.equal(rows["label"], "good"))
    with pytest.raises(ModelError, match="bad and good"):
        linear_words.train(one, CLASSES, Training())
    model, _ = linear_words.train(rows, CLASSES, Training())
    assert np.isfinite(model.scores([pa.array(["", "!!!", "\n"], pa.large_string())], 100)).all()
    assert len(model.scores([], 100)) == 0
