"""Repeated n-grams: datatrove's own counters as the reference."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.heuristics.metrics import measure_prose
from tamis.kernels.heuristics.listed_pieces import encode
from tamis.kernels.heuristics.repetition import text_hash
from tamis.stages.heuristics import Config

reference = pytest.importorskip("datatrove.pipeline.filters.gopher_repetition_filter")

# Pieces that give the same letters with other borders between them, short and long.
PIECES = [
    "a",
    "b",
    "ab",
    "ba",
    "aab",
    "abab",
    "abababab",
    "the",
    "miller",
    "had",
    "three",
    "sons",
    "x" * 15,
    "x" * 16,
    "x",
]


def expected(text: str, *, own: bool) -> dict[str, float]:
    """What datatrove counts, of words between blanks; of our `own` no n-gram that occurs once is a frequent one."""
    words = text.split()
    found = {f"duplicate_{n}_grams": reference.find_all_duplicate(words, n) / len(text) for n in range(5, 11)}
    for n in (2, 3, 4):
        grams = reference.get_n_grams(words, n)
        found[f"top_{n}_gram"] = reference.find_top_duplicate(grams) / len(text) if grams else np.nan
        if own and grams and len(set(grams)) == len(grams):
            found[f"top_{n}_gram"] = 0.0
    return found


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=120), st.integers(1, 6))
def test_repeats_are_those_of_datatrove(pieces: list[str], times: int) -> None:
    text = " ".join(pieces * times)
    # Words between blanks are datatrove's too, where there is no punctuation.
    for own in (True, False):
        found = measured(text, as_datatrove=not own)
        for name, value in expected(text, own=own).items():
            np.testing.assert_equal(found[name][0], value, name)


def measured(text: str, *, as_datatrove: bool = False) -> dict[str, np.ndarray]:
    """The metrics of one text."""
    return measure_prose(pa.array([text], pa.large_string()), pa.array(["en"]), Config(as_datatrove=as_datatrove))


LINES = ["The cat sat.", "A dog", "no", "筛子", "  indented words", "x", "a)", "---", "| 12 | 13 |", "250", " ", ""]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=60))
def test_repeated_lines_and_paragraphs_are_those_of_datatrove_that_hold_a_word(lines: list[str]) -> None:
    text = "\n".join(lines)
    if not text.strip():
        return
    for own in (False, True):
        found = measured(text, as_datatrove=not own)
        for unit, parts in (
            ("line", re.split("\n+", text)),
            ("paragraph", re.split("\n{2,}", text.strip())),
        ):
            # Two letters in a row, or a character that is a word.
            held = [part for part in parts if not own or re.search(r"[^\W\d_]{2}|[\u4e00-\u9fff]", part)]
            repeated, characters = reference.find_duplicates(held)
            assert found[f"duplicate_{unit}_share"][0] == repeated / max(1, len(held))
            assert found[f"duplicate_{unit}_characters"][0] == characters / len(text)


def test_equal_letters_with_other_borders_are_a_repeat() -> None:
    text = "ab c d e f g h " + "a bc d e f g h"
    found = measure_prose(pa.array([text], pa.large_string()), pa.array(["en"]), Config())
    assert found["duplicate_7_grams"][0] == 8 / len(text)
    assert found["duplicate_5_grams"][0] > 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab\n é😀"), max_size=9), min_size=2, max_size=60, unique=True))
def test_hashes_of_different_lines_differ(lines: list[str]) -> None:
    codes = encode("".join(lines))
    bounds = np.cumsum([0, *map(len, lines)])
    hashes = {int(text_hash(codes, first, last)) for first, last in pairwise(bounds)}
    assert len(hashes) == len(lines)


def test_every_character_and_the_length_count_in_the_hash_of_a_line() -> None:
    text = "The cat stretched, looked out of the window"
    codes = encode(text)
    whole = text_hash(codes, 0, len(codes))
    others = {int(text_hash(codes, 0, end)) for end in range(len(codes))}
    for at in range(len(codes)):
        changed = codes.copy()
        changed[at] ^= 1
        others.add(int(text_hash(changed, 0, len(codes))))
    assert len(others) == 2 * len(codes)
    assert int(whole) not in others
    # The same characters at another place of the array.
    assert text_hash(encode("??" + text), 2, len(codes) + 2) == whole
