"""TF-IDF with logistic regression against scikit-learn's own, and what is said of a better baseline."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tamis.classifiers.evaluation import baselines, roc_auc
from tamis.classifiers.labels import as_labelled

CLASSES = ("bad", "good")


def labelled(texts: list[str], labels: list[str], held_out: list[bool]) -> pa.Table:
    rows = as_labelled(
        {
            "id": pa.array([f"{n:032x}" for n in range(len(texts))]),
            "kind": pa.array(["prose"] * len(texts)),
            "label": pa.array(labels, pa.string()),
            "key": pa.array(range(len(texts)), pa.uint64()),
            "characters": pa.array([len(text) for text in texts]),
            "text": pa.array(texts, pa.large_string()),
        }
    )
    return rows.append_column("held_out", pa.array(held_out, pa.bool_()))


def corpus(classes: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts whose words lean towards a class, with letters, digits, marks and words of one letter among them."""
    random = np.random.default_rng(seed)
    words = np.array([*(f"Word{n}" for n in range(400)), "a", "I", "don't", "x-ray", "9", "2026", "Straße", "naïve"])
    texts, labels = [], []
    for number in range(600):
        lean = random.random(len(words)) ** (1 + 0.7 * ((np.arange(len(words)) + number) % classes == 0))
        texts.append(" ".join(random.choice(words, 30 + number % 50, p=lean / lean.sum())))
        labels.append(["bad", "good", "other"][number % classes])
    return texts, labels


@pytest.mark.parametrize("seed", range(3))
def test_two_classes_are_ranked_as_by_scikit_learn(seed: int) -> None:
    texts, labels = corpus(2, seed)
    rows = labelled(texts, labels, [n >= 300 for n in range(600)])
    learnt, tested = rows.slice(0, 300), rows.slice(300)
    vectors = TfidfVectorizer(ngram_range=(1, 2))
    model = LogisticRegression().fit(vectors.fit_transform(texts[:300]), labels[:300])
    wanted = model.decision_function(vectors.transform(texts[300:]))
    found = baselines.tf_idf(baselines.split(rows, tested), tested, CLASSES, 100_000)
    assert found is not None
    positive = np.array(labels[300:]) == "good"
    ours, theirs = roc_auc(positive, found[:, 1]), roc_auc(positive, wanted)
    assert ours is not None
    assert theirs is not None
    assert 0.6 < theirs < 0.99
    assert ours == pytest.approx(theirs, abs=0.005)
    assert np.corrcoef(found[:, 1], wanted)[0, 1] > 0.99
    assert (found[:, 0] == -found[:, 1]).all()
    assert learnt.num_rows == 300


def test_each_of_several_classes_is_ranked_against_the_rest() -> None:
    texts, labels = corpus(3)
    rows = labelled(texts, labels, [n >= 400 for n in range(600)])
    classes, tested = ("bad", "good", "other"), rows.slice(400)
    found = baselines.tf_idf(rows.slice(0, 400), tested, classes, 100_000)
    assert found is not None
    vectors = TfidfVectorizer(ngram_range=(1, 2))
    features, asked = vectors.fit_transform(texts[:400]), vectors.transform(texts[400:])
    for column, name in enumerate(classes):
        model = LogisticRegression().fit(features, np.array(labels[:400]) == name)
        positive = np.array(labels[400:]) == name
        theirs = roc_auc(positive, model.decision_function(asked))
        assert roc_auc(positive, found[:, column]) == pytest.approx(theirs, abs=0.01)


def test_rows_in_another_order_and_more_at_a_time_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = corpus(2)
    rows = labelled(texts, labels, [n >= 500 for n in range(600)])
    learnt, tested = rows.slice(0, 500), rows.slice(500)
    one = baselines.tf_idf(learnt, tested, CLASSES, 100)
    monkeypatch.setattr(baselines, "TOGETHER", 7)
    order = np.random.default_rng(1).permutation(500)
    other = baselines.tf_idf(learnt.take(pa.array(order)), tested, CLASSES, 100)
    assert one is not None
    assert other is not None
    assert one.tobytes() == other.tobytes()


def test_texts_without_a_word_are_no_trouble() -> None:
    rows = labelled(["", "word", "...", "a"], ["good", "bad", "good", "bad"], [False] * 4)
    found = baselines.tf_idf(rows, rows, CLASSES, 100)
    assert found is not None
    assert np.isfinite(found).all()


def test_where_nothing_was_learnt_there_is_no_tf_idf() -> None:
    texts, labels = corpus(2)
    every = labelled(texts, labels, [True] * 600)
    assert baselines.tf_idf(baselines.split(every, every), every, CLASSES, 100) is None
    # One class alone, nothing to score, and a model that was tested on what it may have learnt.
    good = labelled(texts, ["good"] * 600, [n > 500 for n in range(600)])
    assert baselines.tf_idf(good, good, CLASSES, 100) is None
    assert baselines.tf_idf(every, every.slice(0, 0), CLASSES, 100) is None
    assert baselines.split(good, good) is None


def test_a_baseline_that_is_better_by_chance_is_not_said_to_be_better() -> None:
    random = np.random.default_rng(0)
    positive = np.arange(200) < 100
    score, length = random.random(200), np.where(positive, 10, 20) + random.integers(0, 15, 200)
    far = positive + random.random(200)
    rows = {row["baseline"]: row for row in baselines.compared(positive, score, length, far)}
    assert list(rows) == [baselines.TF_IDF, baselines.LENGTH]
    assert rows[baselines.TF_IDF]["roc_auc"] == 1.0
    assert rows[baselines.TF_IDF]["beyond_chance"]
    # The good ones are the shorter ones: the baseline ranks the other way round.
    assert rows[baselines.LENGTH]["roc_auc"] > 0.8
    near = {row["baseline"]: row for row in baselines.compared(positive, far, length, far + random.random(200) * 1e-9)}
    assert not any(row["beyond_chance"] for row in near.values())
