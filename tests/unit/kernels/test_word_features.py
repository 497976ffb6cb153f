"""Features of words and pairs: the kernel against plain Python over the one definition of words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.kernels.hashes import hash64
from tamis.kernels.word_features import linear_scores, word_features
from tamis.kernels.words import WORD_KEY, buffers
from tamis.text import words

MASK = (1 << 64) - 1


def mixed(value: int) -> int:
    """SplitMix64's finaliser in whole numbers."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def expected(text: str, bits: int) -> list[int]:
    hashes = []
    for word in words(text):
        data = np.frombuffer(word.encode(), np.uint8)
        hashes.append(int(hash64(data, 0, len(data), WORD_KEY)))
    pairs = [mixed(one * 0xD1342543DE82EF95 + other & MASK) for one, other in pairwise(hashes)]
    order = [hashes[:1], *(list(step) for step in zip(hashes[1:], pairs, strict=True))]
    return list(dict.fromkeys(value >> 64 - bits for step in order for value in step))


def found(texts: list[str], bits: int) -> list[list[int]]:
    bounds, features = word_features(*buffers(pa.array(texts, pa.large_string())), bits)
    return [features[start:end].tolist() for start, end in pairwise(bounds)]


@given(st.lists(st.text(), max_size=5), st.sampled_from([4, 20]))
def test_features_are_those_of_plain_python(texts: list[str], bits: int) -> None:
    assert found(texts, bits) == [expected(text, bits) for text in texts]


def test_worked_examples() -> None:
    texts = ["", "one", "One ONE one", "b a", "a b", "永和九年", "Straße STRASSE"]
    sizes = [len(row) for row in found(texts, 20)]
    assert sizes == [0, 1, 2, 3, 3, 7, 2]
    assert found(["b a"], 20) != found(["a b"], 20)


@pytest.mark.parametrize("rows", [1, 7])
def test_scores_are_the_product_at_unit_length_and_do_not_know_the_company(rows: int) -> None:
    random = np.random.default_rng(4)
    texts = [
        " ".join(random.choice(["alpha", "beta", "gamma", "δ", "語"], size)) for size in (0, 1, 5, 300, 9000, 12, 2)
    ]
    model = np.abs(random.normal(size=(1 << 12, 2))).astype(np.float32)
    model[::3] = 0.0
    whole = linear_scores(*buffers(pa.array(texts, pa.large_string())), model)
    for text, score in zip(texts, whole, strict=True):
        weight, square = model[expected(text, 12)].astype(np.float64).sum(axis=0) if words(text) else (0.0, 0.0)
        assert score == pytest.approx(weight / np.sqrt(square) if square else 0.0)
    for start in range(0, len(texts), rows):
        part = linear_scores(*buffers(pa.array(texts, pa.large_string()).slice(start, rows)), model)
        assert np.array_equal(part, whole[start : start + rows])
