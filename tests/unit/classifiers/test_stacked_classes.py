"""A stack a class: what each is taught by, that probabilities are those of one text, and what a damaged file says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from tamis.classifiers import linear_words, stacked_classes
from tamis.classifiers.label_files import Judged, Judgements
from tamis.classifiers.labels import Sampling, of_judgements
from tamis.errors import ModelError

CLASSES = ("general", "math", "code")
WORDS = linear_words.Training()
TELLING = {"general": "river town", "math": "lemma proof", "code": "import return"}


def labelled(number: int, seed: int) -> tuple[pa.Table, dict[str, np.ndarray], list[str]]:
    """Rows, vectors and texts: vectors tell code from the rest, words tell math from general."""
    random = np.random.default_rng(seed)
    names = [CLASSES[row % 3] for row in range(number)]
    words = [f"w{word}" for word in range(50)]
    texts = [
        " ".join([*random.choice(words, 30), *random.choice(TELLING["general" if name == "code" else name].split(), 4)])
        for name in names
    ]
    vectors = random.normal(size=(number, 6)).astype(np.float32)
    vectors[:, 0] += [3.0 if name == "code" else -3.0 for name in names]
    judged = [
        Judged(f"{row:016x}{row:016x}", "prose", name, None, len(text), text)
        for row, (name, text) in enumerate(zip(names, texts, strict=True))
    ]
    rows = of_judgements(Judgements(judged, {}), Sampling()).rows.sort_by("id")
    return rows, {"embedding": vectors, "shape": random.normal(size=(number, 3)).astype(np.float32)}, texts


def asked(model: stacked_classes.Stacks, vectors: dict[str, np.ndarray], texts: list[str]) -> np.ndarray:
    text = pa.array(texts, pa.large_string())
    return model.probabilities(len(texts), [(np.arange(len(texts)), vectors)], [text], WORDS.max_characters)


def accuracy(probability: np.ndarray) -> float:
    return float(np.mean(probability.argmax(axis=1) == np.arange(len(probability)) % 3))


def test_words_and_vectors_together_know_what_neither_knows() -> None:
    rows, vectors, _ = labelled(240, 1)
    _, fresh, texts = labelled(300, 2)
    both, told = stacked_classes.fit(rows, vectors, CLASSES, 1.0, WORDS)
    alone, _ = stacked_classes.fit(rows, vectors, CLASSES, 1.0, None)
    assert accuracy(asked(both, fresh, texts)) > 0.93
    # Of vectors a coin decides between two of the classes.
    assert 0.5 < accuracy(asked(alone, fresh, texts)) < 0.8
    plain = LogisticRegression().fit(vectors["embedding"], [row % 3 for row in range(240)])
    assert abs(accuracy(asked(alone, fresh, texts)) - accuracy(plain.predict_proba(fresh["embedding"]))) < 0.1
    assert set(told["trust"]) == set(told["strength"]) == set(CLASSES)
    assert told["trust"]["code"]["embedding"] > told["trust"]["code"]["shape"]
    assert told["trust"]["math"]["words"] > told["trust"]["math"]["shape"]


def test_a_text_has_the_same_bits_in_any_company_and_from_a_file(tmp_path: Path) -> None:
    rows, vectors, texts = labelled(120, 1)
    model, _ = stacked_classes.fit(rows, vectors, CLASSES, 1.0, WORDS)
    whole = asked(model, vectors, texts)
    assert whole.dtype == np.float32
    assert whole.sum(axis=1) == pytest.approx(1.0, abs=1e-6)
    stacked_classes.write(tmp_path / "model", model)
    again = stacked_classes.load(tmp_path / "model", ["embedding", "shape"], CLASSES, words=True)
    order = np.random.default_rng(5).permutation(120)
    shuffled = {name: seen[order] for name, seen in vectors.items()}
    assert np.array_equal(asked(again, shuffled, [texts[row] for row in order]), whole[order])
    # Labelled texts come in any order.
    other, _ = stacked_classes.fit(rows.take(pa.array(order)), shuffled, CLASSES, 1.0, WORDS)
    stacked_classes.write(tmp_path / "other", other)
    assert (tmp_path / "other").read_bytes() == (tmp_path / "model").read_bytes()


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    rows, vectors, texts = labelled(60, 1)
    model, _ = stacked_classes.fit(rows, vectors, CLASSES, 1.0, None)
    path = tmp_path / "model"
    stacked_classes.write(path, model)
    with pytest.raises(ModelError, match="not a head of embedding"):
        stacked_classes.load(path, ["embedding"], (*CLASSES, "reasoning"), words=False)
    with pytest.raises(ModelError, match="not a head of embedding"):
        stacked_classes.load(path, ["embedding", "shape"], CLASSES, words=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="Delete it and run the workflow again"):
        stacked_classes.load(path, ["embedding", "shape"], CLASSES, words=False)
    wider = vectors | {"embedding": np.zeros((60, 384), np.float32)}
    with pytest.raises(ModelError, match="6 numbers, the embeddings have 384"):
        asked(model, wider, texts)
