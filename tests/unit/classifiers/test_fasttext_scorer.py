"""Scores of a fastText model without the library are the library's, for any text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.classifiers import fasttext, fasttext_scorer
from tamis.errors import ModelError

FORMS = {
    "as it ships": ({}, ("good", "bad")),
    "words alone": ({"word_ngrams": 1}, ("good", "bad")),
    "runs of three": ({"word_ngrams": 3, "dimension": 7}, ("good", "bad")),
    "rare words left out, six grades": ({"min_count": 25}, tuple(f"grade{n}" for n in range(6))),
}
WORDS = [
    "the",
    "Sky",
    "scatters",
    "light,",
    "buy",
    "cheap",
    "watches",
    "Größe",
    "ÉTÉ",
    "中文",
    "don't",
    "😀",
    "</s>",
    "ﬁ",
]
TEXTS = [
    "",
    " \n\t ",
    "The sky, scatters LIGHT; buy!",
    "Größe\u2028ÉTÉ\x85中文\x1c😀 \0nul",
    "</s> buy __tamis__good __label__x",
    "İstanbul ǅ ß ẞ Σας",
    "a" * 500,
    "word " * 500,
]


def line(number: int) -> str:
    """Words in an order that goes on changing; the first ones say what class it is."""
    dice = np.random.default_rng(number)
    return " ".join(["sky" if number % 2 else "cheap", *dice.choice(WORDS, 12).tolist(), f"only{number}"])


@pytest.fixture(name="model", scope="module", params=FORMS)
def _model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options, classes = FORMS[request.param]
    training = fasttext.Training.model_validate({"dimension": 16, "buckets": 10_000} | options)
    path = tmp_path_factory.mktemp("model") / "model.bin"
    texts = pa.array([line(number) for number in range(120)], pa.large_string())
    labels = [classes[number % len(classes)] for number in range(120)]
    fasttext.train(texts, labels, np.arange(120), training, path)
    return path


def by_library(library: Any, text: str, most: int, labels: tuple[str, ...]) -> np.ndarray:
    """What the library says of the line that stands in the training file for a text."""
    (written,) = fasttext.normalise(pa.array([text], pa.large_string()), most)
    found = {label: value for value, label in library.f.predict(written + "\n", len(labels), 0.0, "strict")}
    return np.array([found[label] for label in labels])


def test_probabilities_are_the_librarys(model: Path) -> None:
    library, scorer = fasttext.load(model), fasttext_scorer.load(model)
    assert set(scorer.labels) == set(library.f.getLabels("strict")[0])
    texts = [*TEXTS, *(line(number) for number in range(115, 125))]
    for most in (3, 40, 3000):
        found = scorer.probabilities(pa.array(texts, pa.large_string()), most)
        expected = np.stack([by_library(library, text, most, scorer.labels) for text in texts])
        assert found == pytest.approx(expected, abs=2e-5)
        assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    # Words tell classes apart, so that equality says something.
    assert np.ptp(found[-10:, 0]) > 0.1


@given(
    text=st.text(
        st.one_of(st.sampled_from(" \n,.aAéЖ中\uff0cไ"), st.characters(exclude_categories=["Cs"])), max_size=60
    )
)
def test_any_text_has_the_librarys_probabilities(model: Path, text: str) -> None:
    library, scorer = loaded(model)
    found = scorer.probabilities(pa.array([text], pa.large_string()), 50)[0]
    assert found == pytest.approx(by_library(library, text, 50, scorer.labels), abs=2e-5)


LOADED: dict[Path, tuple[Any, fasttext_scorer.Scorer]] = {}


def loaded(model: Path) -> tuple[Any, fasttext_scorer.Scorer]:
    """Both readers of a model, read once."""
    return LOADED.setdefault(model, (fasttext.load(model), fasttext_scorer.load(model)))


def test_a_text_has_the_same_bits_in_any_company(model: Path) -> None:
    scorer = fasttext_scorer.load(model)
    texts = [line(number) for number in range(30)]
    together = scorer.probabilities(pa.chunked_array([texts[:7], texts[7:]], pa.large_string()), 100)
    alone = [scorer.probabilities(pa.array([text], pa.large_string()), 100)[0] for text in reversed(texts)]
    assert together.tobytes() == np.stack(alone[::-1]).tobytes()
    assert scorer.probabilities(pa.array([], pa.large_string()), 100).shape == (0, len(scorer.labels))


@pytest.mark.parametrize(
    ("options", "quantise"), [({"loss": "ova"}, False), ({"loss": "hs"}, False), ({"maxn": 3}, False), ({}, True)]
)
def test_another_kind_of_model_is_refused(tmp_path: Path, options: dict[str, Any], *, quantise: bool) -> None:
    import fasttext as library

    (tmp_path / "lines").write_text("".join(f"__tamis__{n % 2} w{n}\n" for n in range(400)), encoding="utf-8")
    settings = {"thread": 1, "verbose": 0, "dim": 4, "bucket": 1_000, "minn": 2 if "maxn" in options else 0}
    with fasttext._zeroed_allocations():
        made = library.train_supervised(str(tmp_path / "lines"), label="__tamis__", **settings, **options)
    if quantise:
        made.quantize()
    made.save_model(str(tmp_path / "model.bin"))
    with pytest.raises(ModelError, match="no classifier of softmax over whole words"):
        fasttext_scorer.load(tmp_path / "model.bin")


def test_a_model_that_was_cut_off_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.bin").write_bytes(model.read_bytes()[:-4])
    with pytest.raises(ModelError, match="cut off"):
        fasttext_scorer.load(tmp_path / "cut.bin")
