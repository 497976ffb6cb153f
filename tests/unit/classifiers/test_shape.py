"""Cheap features of a text are those that plain Python counts, in any company."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tamis.classifiers.shape import FEATURES, FUNCTION_WORDS, READ, shapes

ENDS = (*'.!?:;")', "”", "’", "…", "。", "！", "？")  # noqa: RUF001 - the marks themselves


def by_hand(text: str) -> list[float]:
    start = text[:READ]
    words = re.findall(r"(?:[0-9A-Za-z]|[^\x00-\x7f])+", start)
    lower = [re.sub("[A-Z]", lambda match: match[0].lower(), word) for word in words]
    lines = [line.strip("".join(map(chr, range(33)))) for line in start.split("\n")]
    lines = [line for line in lines if line]
    read, count, held = max(len(start), 1), max(len(words), 1), max(len(lines), 1)
    marks = sum(33 <= ord(mark) <= 126 and not mark.isalnum() for mark in start)
    return [
        float(np.log1p(len(text))),
        float(np.log1p(len(words))),
        sum("0" <= mark <= "9" for mark in start) / read,
        sum("A" <= mark <= "Z" for mark in start) / read,
        marks / read,
        sum(map(len, words)) / count,
        len(set(lower)) / count,
        sum(word in FUNCTION_WORDS for word in lower) / count,
        sum(len(word) <= 3 for word in words) / count,
        float(np.log1p(read / held)),
        100 * start.count("!") / read,
        100 * start.count("?") / read,
        start.count("://") / count,
        sum(line.endswith(ENDS) for line in lines) / held,
        sum(ord(mark) > 127 for mark in start) / read,
    ]


TEXTS = [
    "",
    " \n\t",
    "The cat and the DOG: is it 3 o'clock?\n\n- one\n- two!\nhttps://example.org/a://b",
    "一つの文。\n菜单 首页\nДобрый день! “Да”",  # noqa: RUF001
    "x" * 5_000 + ".",
    "word " * 900,
    "\n".join(f"line {number} ends." for number in range(600)),
]


def test_they_are_those_that_plain_python_counts() -> None:
    found = shapes(pa.array(TEXTS, pa.large_string()))
    assert found.shape == (len(TEXTS), len(FEATURES))
    np.testing.assert_allclose(found, np.array([by_hand(text) for text in TEXTS]), rtol=1e-6, atol=1e-7)


@given(st.lists(st.text(max_size=200), max_size=6))
def test_any_text_in_any_company(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    found: Any = shapes(pa.array(texts, pa.large_string()))
    assert np.isfinite(found).all()
    for row, text in enumerate(texts):
        np.testing.assert_allclose(found[row], by_hand(text), rtol=1e-6, atol=1e-7)
        assert (shapes(pa.array([text], pa.large_string()))[0] == found[row]).all()


def test_a_start_with_its_whole_length_is_the_text() -> None:
    text = "A line of words, and more of them.\n" * 300
    whole = shapes(pa.array([text], pa.large_string()))
    start = shapes(pa.array([text[:READ]], pa.large_string()), np.array([len(text)]))
    assert (whole == start).all()
