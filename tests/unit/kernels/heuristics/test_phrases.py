"""Phrases in lines and marks in files: Python's own search as the reference."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tamis.heuristics.metrics import measure_code, measure_prose
from tamis.heuristics.sections import Code
from tamis.kernels.heuristics.listed_pieces import encode
from tamis.kernels.heuristics.phrases import opening, openings
from tamis.stages.heuristics import Config

PHRASES = ("use cookies", "no", "x", "privacy policy")
# What phrases are made of, whole and in part, in both cases, and what folds to one of their letters.
PARTS = ["use cookies", "USE COOKIES", "use", "coo\u212aies", " ", "n", "o", "No", "x", "privacy", "Policy", "é", "中"]


def small(text: str) -> str:
    """ASCII letters and the Kelvin sign in small, all others as they are."""
    return re.sub("[A-Z\u212a]", lambda found: found[0].lower(), text)


LINE = st.lists(st.sampled_from(PARTS), min_size=1).map("".join).filter(str.strip)


@given(st.lists(LINE, min_size=1, max_size=6))
def test_a_line_is_left_out_for_the_phrases_that_it_holds(lines: list[str]) -> None:
    config = Config(c4={"policy_phrases": list(PHRASES), "min_line_words": None, "terminal_lines_only": False})
    text = pa.array(["\n".join(lines)], pa.large_string())
    # None of these lines holds the end of a sentence, so that each that stays is one.
    stay = [line for line in lines if not any(phrase in small(line.strip()) for phrase in PHRASES)]
    assert measure_prose(text, pa.array(["en"]), config)["sentences"][0] == len(stay)


@given(st.lists(st.sampled_from([*PARTS, "_", "\n"])).map("".join))
def test_the_first_line_with_a_mark_is_found(text: str) -> None:
    found = measure_code(pa.array([text], pa.large_string()), Code(generated_marks=("use cookies", "no", "x")))
    plain = re.search(r"(?<![\w])(?:use cookies|no|x)(?![\w])", re.sub("[A-Z]", lambda its: its[0].lower(), text))
    line = found["generated_mark_line"][0]
    assert np.isnan(line) if plain is None else line == 1 + text[: plain.start()].count("\n")


def test_a_screen_holds_every_way_to_begin() -> None:
    codes, bounds = encode("kind" + "no" + "x").copy(), np.array([0, 4, 6, 7])
    screen = openings(codes, bounds)
    for text in ("kin", "KIN", "\u212aIn", "no!", "NO\0", "x..", "Xé中"):
        assert screen[opening(*encode(text))], text
    for text in ("kim", "ion", "nix"):
        assert not screen[opening(*encode(text))], text
