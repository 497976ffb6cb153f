"""Eight bytes at a time against one at a time."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.kernels.code_form import NAMES, figures
from tamis.kernels.eight_bytes import among, eight_bytes, small_words

BYTES = st.lists(st.one_of(st.sampled_from(b"az `{!\x1f\xa0\xe1\x7f"), st.integers(0, 255)), min_size=8, max_size=8)


def as_number(data: bytes) -> np.uint64:
    return eight_bytes.py_func(np.frombuffer(data, np.uint8), 0)


@given(BYTES, st.sampled_from([(0x20, 0x20), (0x61, 0x7A), (0x2C, 0x2C), (0, 0x7F)]))
def test_bytes_among_two_characters(data: list[int], ends: tuple[int, int]) -> None:
    found = int(among.py_func(as_number(bytes(data)), *map(np.uint64, ends)))
    assert found == sum(0x80 << 8 * place for place, byte in enumerate(data) if ends[0] <= byte <= ends[1])


@pytest.mark.parametrize(
    "data", [b"abcdefgh", b" abc def", b"abc def ", b"abc  def", b"abcdefg1", b"        ", b"a b c d "]
)
def test_small_words_by_hand(data: bytes) -> None:
    match = re.match(rb"(?:[a-z]| (?=[a-z]|\Z)){8}", data)
    whole = match is not None
    passed = 8 - data.endswith(b" ") if whole else 0
    with np.errstate(over="ignore"):
        found = small_words.py_func(as_number(data))
    assert tuple(map(int, found)) == (passed, data[:passed].count(b" "))


LINES = st.lists(st.text("abz  XY,1é", max_size=60).map(lambda line: f"x{line}x"), min_size=1, max_size=4)


@given(LINES)
def test_words_are_counted_alike_wherever_they_stand(lines: list[str]) -> None:
    text = "\n".join(lines)
    data = np.frombuffer(text.encode(), np.uint8)
    shown = dict(zip(NAMES, figures(data).tolist(), strict=True))
    visible = len(re.findall(r"\S", text))
    pairs = len(re.findall(r"(?<=[a-zA-Zé]) (?=[a-zA-Zé])", text))
    assert shown["letters"] ** 2 * visible == pytest.approx(len(re.findall(r"[a-zA-Z]", text)), abs=1e-3)
    assert shown["pair word space word"] ** 2 * visible == pytest.approx(pairs, abs=1e-3)
