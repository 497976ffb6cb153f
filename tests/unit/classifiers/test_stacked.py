"""The stack: what it trusts, that nothing it learns its trust from was learnt by heart, and that a text's bits are its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tamis.classifiers import linear_words, stacked
from tamis.classifiers.evaluation import roc_auc
from tamis.classifiers.label_files import Judged, Judgements
from tamis.classifiers.labels import Sampling, of_judgements
from tamis.errors import ModelError

CLASSES = ("bad", "good")
WORDS = linear_words.Training()


def labelled(texts: list[str], good: np.ndarray, grades: list[float | None] | None = None) -> pa.Table:
    """Rows in the order of the texts, the id saying which."""
    judged = [
        Judged(f"{row:016x}{row:016x}", "prose", CLASSES[int(value)], grades and grades[row], len(text), text)
        for row, (text, value) in enumerate(zip(texts, good, strict=True))
    ]
    return of_judgements(Judgements(judged, {}), Sampling()).rows.sort_by("id")


def vectors_for(good: np.ndarray, seed: int, shift: float = 1.0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    found = random.normal(size=(len(good), 6)).astype(np.float32)
    found[:, 0] += shift * (2.0 * good - 1.0)
    return {"embedding": found}


def noise(number: int, seed: int, words: int = 60) -> list[str]:
    """Texts of words of their own, of which nothing can be learnt but the text itself."""
    random = np.random.default_rng(seed)
    return [" ".join(f"w{word}" for word in random.integers(0, 10**9, words)) for _ in range(number)]


def telling(good: np.ndarray, seed: int, apart: int = 30) -> list[str]:
    """Texts whose words say which class they are of."""
    random = np.random.default_rng(seed)
    found = [random.integers(0, 60, 12 if apart < 30 else 30) + apart * value for value in good.astype(int)]
    return [" ".join(f"w{word}" for word in words) for words in found]


def score(stack: stacked.Stack, vectors: dict[str, np.ndarray], texts: list[str]) -> np.ndarray:
    text = pa.array(texts, pa.large_string())
    return stack.scores(len(texts), [(np.arange(len(texts)), vectors)], [text], WORDS.max_characters)


def test_words_that_are_known_by_heart_are_not_trusted() -> None:
    good = np.arange(400) % 2 == 1
    texts, vectors = noise(400, 1), vectors_for(good, 2)
    stack, told = stacked.fit(labelled(texts, good), vectors, CLASSES, 1.0, WORDS)
    assert stack.words is not None
    # On what it has learnt the words' model is perfect, and says so surely.
    known = stack.words.logits(pa.array(texts, pa.large_string()), WORDS.max_characters)
    assert roc_auc(good, known) == 1.0
    assert told["trust"]["words"] < 0.3 * told["trust"]["embedding"]
    # And however little they differ out of fold, what is trusted of them stays small beside what is known by heart.
    assert stack.trust["words"] * known.std() < 0.3 * told["trust"]["embedding"] / stacked.LEAST
    fresh = np.arange(400) % 2 == 1
    alone, _ = stacked.fit(labelled(texts, good), vectors, CLASSES, 1.0, None)
    asked, others = vectors_for(fresh, 3), noise(400, 4)
    assert roc_auc(fresh, score(stack, asked, others)) > roc_auc(fresh, score(alone, asked, others)) - 0.01


def test_near_copies_are_out_of_fold_together() -> None:
    good = np.tile(np.arange(60) % 2 == 1, 2)
    texts = noise(60, 1)
    copies = [text.rsplit(" ", 1)[0] + f" other{row}" for row, text in enumerate(texts)]
    _, told = stacked.fit(labelled([*texts, *copies], good), vectors_for(good, 2), CLASSES, 1.0, WORDS)
    # A model that had seen the copy would be right about every text.
    assert told["trust"]["words"] < 0.5 * told["trust"]["embedding"]


def test_what_knows_more_is_trusted_more_and_both_know_most() -> None:
    good, fresh = np.arange(160) % 2 == 1, np.arange(400) % 2 == 1
    areas: dict[str, Any] = {}
    for name, words in (("both", WORDS), ("vectors", None)):
        rows = labelled(telling(good, 5, 6), good)
        stack, told = stacked.fit(rows, vectors_for(good, 2, 0.5), CLASSES, 1.0, words)
        areas[name] = roc_auc(fresh, score(stack, vectors_for(fresh, 3, 0.5), telling(fresh, 6, 6)))
        if words:
            assert told["trust"]["words"] > told["trust"]["embedding"] > 0.0
            assert stack.words is not None
            logits = stack.words.logits(pa.array(telling(fresh, 6, 6), pa.large_string()), WORDS.max_characters)
            areas["words"] = roc_auc(fresh, logits)
    assert areas["both"] > areas["words"] > areas["vectors"]


def test_trust_is_what_another_library_finds() -> None:
    from scipy.optimize import minimize

    random = np.random.default_rng(0)
    share = random.choice([0.0, 0.25, 1.0], 200)
    weight = random.uniform(0.5, 1.5, 200)
    logits = random.normal(size=(200, 3)) * (1.0, 4.0, 0.2) + np.outer(share - 0.5, (2.0, 3.0, 0.3))
    for sign in (1.0, -1.0):
        rows = logits * (1.0, 1.0, sign) / logits.std(axis=0)

        used = [0, 1, 2] if sign > 0.0 else [0, 1]

        def loss(at: np.ndarray, rows: np.ndarray = rows[:, used]) -> float:
            z = rows @ at[:-1] + at[-1]
            each = np.logaddexp(0.0, z) - share * z
            apart = at[:-1] - at[:-1].mean()
            pull = stacked.EQUAL / 200 * apart @ apart + stacked.RIDGE * at[:-1] @ at[:-1]
            return float((each * weight).mean() + 0.5 * pull)

        peer = minimize(loss, np.full(len(used) + 1, 0.5), method="BFGS").x
        weights, bias = stacked.trusted(rows, share, weight)
        assert weights == pytest.approx([*peer[:-1], 0.0][:3], abs=1e-4)
        assert bias == pytest.approx(peer[-1], abs=1e-4)
        assert peer[:-1].min() > 0.0


def test_few_texts_weigh_models_nearly_the_same_and_none_exactly() -> None:
    random = np.random.default_rng(1)
    apart = []
    for number in (10, 1000):
        share = (np.arange(number) % 2).astype(float)
        logits = random.normal(size=(number, 2)) + np.outer(share, (4.0, 1.0))
        weights, _ = stacked.trusted(logits / logits.std(axis=0), share, np.ones(number))
        apart.append(weights[0] / weights[1])
    assert 1.0 <= apart[0] < 0.6 * apart[1]
    assert stacked.trusted(np.zeros((0, 3)), np.zeros(0), np.zeros(0))[0].tolist() == [1.0, 1.0, 1.0]
    # Models that are always wrong out of fold, as with a handful of labels, are all that there is.
    wrong = -np.stack([share, share], axis=1) + 0.01 * random.normal(size=(1000, 2))
    assert stacked.trusted(wrong, share, np.ones(1000))[0].tolist() == [1.0, 1.0]


def test_a_score_is_the_weighted_sum_and_has_the_same_bits_in_any_company(tmp_path: Path) -> None:
    good = np.arange(120) % 2 == 1
    vectors = vectors_for(good, 2) | {"shape": np.random.default_rng(3).normal(size=(120, 4)).astype(np.float32)}
    texts = telling(good, 1)
    stack, told = stacked.fit(labelled(texts, good), vectors, CLASSES, 1.0, WORDS)
    assert list(told["trust"]) == ["embedding", "shape", "words"]
    stacked.write(tmp_path / "model", stack)
    stack = stacked.load(tmp_path / "model", ["embedding", "shape"], CLASSES, words=True)
    whole = score(stack, vectors, texts)
    text = pa.array(texts, pa.large_string())
    total = np.full(120, stack.bias) + stack.trust["words"] * stack.words.logits(text, WORDS.max_characters)
    for name, head in stack.heads.items():
        logits = ((vectors[name] - head.mean) / head.scale) @ head.weights.T + head.bias
        total += stack.trust[name] * (logits[:, 1] - logits[:, 0])
    assert whole == pytest.approx(1 / (1 + np.exp(-total)), abs=1e-6)
    order = np.random.default_rng(4).permutation(120)
    places = [
        (order[start : start + 50], {k: v[order[start : start + 50]] for k, v in vectors.items()})
        for start in (0, 50, 100)
    ]
    again = stack.scores(120, places, [text.slice(0, 7), text.slice(7, 90), text.slice(97)], WORDS.max_characters)
    assert np.array_equal(whole, again)
    one = stack.scores(1, [(np.arange(1), {k: v[5:6] for k, v in vectors.items()})], [text.slice(5, 1)], 20_000)
    assert one[0] == whole[5]


def test_the_model_has_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    good = np.arange(90) % 3 == 1
    rows, vectors = labelled(telling(good, 1), good), vectors_for(good, 2)
    order = np.random.default_rng(0).permutation(90)
    for name, given, seen in (
        ("one", rows, vectors),
        ("two", rows.take(order), {"embedding": vectors["embedding"][order]}),
    ):
        stacked.write(tmp_path / name, stacked.fit(given, seen, CLASSES, 1.0, WORDS)[0])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_handful_of_labels_grades_and_texts_without_words() -> None:
    good = np.arange(6) % 2 == 1
    stack, _ = stacked.fit(labelled(telling(good, 1), good), vectors_for(good, 2), CLASSES, 1.0, WORDS)
    found = score(stack, vectors_for(good, 9), ["", "!!!", "\n", "w1", "w2", "w70"])
    assert np.isfinite(found).all()
    # One page six times: there is no fold that the others could teach.
    rows = labelled(["the same text again and again in these pages " + str(row % 2) for row in range(6)], good)
    same, told = stacked.fit(rows, vectors_for(good, 2), CLASSES, 1.0, WORDS)
    assert set(told["trust"].values()) == {1.0}
    assert np.isfinite(score(same, vectors_for(good, 9), telling(good, 9))).all()
    grades: list[float | None] = [0.1, 0.9] * 30
    good = np.arange(60) % 2 == 1
    graded, _ = stacked.fit(labelled(telling(good, 1), good, grades), vectors_for(good, 2), CLASSES, 1.0, WORDS)
    plain, _ = stacked.fit(labelled(telling(good, 1), good), vectors_for(good, 2), CLASSES, 1.0, WORDS)
    fresh = vectors_for(good, 3), telling(good, 4)
    assert np.abs(score(graded, *fresh) - 0.5).mean() < np.abs(score(plain, *fresh) - 0.5).mean()
    for words in (WORDS, None):
        with pytest.raises(ModelError, match="bad and good"):
            stacked.fit(labelled(telling(good, 1), good | True), vectors_for(good, 2), CLASSES, 1.0, words)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load, save_file

    path = tmp_path / "model"
    good = np.arange(20) % 2 == 1
    stack, _ = stacked.fit(labelled(telling(good, 1), good), vectors_for(good, 2), CLASSES, 1.0, WORDS)
    with pytest.raises(ModelError, match="not a head of embedding"):
        stacked.load(path, ["embedding"], CLASSES, words=True)
    stacked.write(path, stack)
    with pytest.raises(ModelError, match="not a head of embedding, shape"):
        stacked.load(path, ["embedding", "shape"], CLASSES, words=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="not a head of embedding"):
        stacked.load(path, ["embedding"], CLASSES, words=True)
    tensors = load(whole)
    for name, value in (
        ("embedding/mean", np.zeros(5)),
        ("embedding/bias", np.full(2, np.nan)),
        ("stack/bias", np.array([np.inf])),
    ):
        save_file(tensors | {name: value}, path)
        with pytest.raises(ModelError, match="no finite numbers of one size"):
            stacked.load(path, ["embedding"], CLASSES, words=True)
    save_file(tensors | {"features": np.zeros((4, 2), np.float32)}, path)
    with pytest.raises(ModelError, match="expected 1048576 x 2"):
        stacked.load(path, ["embedding"], CLASSES, words=True)
