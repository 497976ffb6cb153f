"""The words that a reader sees, against regular expressions that say what is hidden."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import text
from tamis.kernels.hashes import hash64
from tamis.kernels.visible_words import ENTITIES, LATEX, LONGEST_TAG, TAGS, visible_hashes
from tamis.kernels.words import WORD_KEY

HIDDEN = [
    (re.compile(rf"</?(?:{'|'.join(TAGS.split())})(?=[\s/>])[^<>]{{0,{LONGEST_TAG - 1}}}>", re.IGNORECASE), " "),
    (re.compile(rf"&(?:{'|'.join(ENTITIES.split())});|&#[a-z0-9]{{1,8}};", re.IGNORECASE), " "),
    (re.compile(rf"\\(?:{'|'.join(LATEX.split())})(?![a-z0-9])", re.IGNORECASE), " "),
    (re.compile(r"\\[dt]frac(?![a-z0-9])", re.IGNORECASE), r"\\frac"),
]
"""What is hidden, in ASCII."""


def hashed(word: str) -> int:
    data = np.frombuffer(word.encode(), dtype=np.uint8)
    return int(hash64(data, 0, len(data), WORD_KEY))


def plain(written: str) -> list[str]:
    for expression, instead in HIDDEN:
        written = expression.sub(instead, written)
    return text.words(written)


def seen(written: str) -> list[int]:
    return visible_hashes(pa.array([written], pa.large_string()))[1].tolist()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<p class='stem'>Which <em>one</em>?</p>", ["which", "one"]),
        ("x < y and vector<int> z", ["x", "y", "and", "vector", "int", "z"]),
        ("for (i=0; i<a; i++)", ["for", "i", "0", "i", "a", "i"]),
        ("Tom&rsquo;s &#39;cat&#x27; &amp; dog; AT&T;", ["tom", "s", "cat", "dog", "at", "t"]),
        (
            r"\left(\dfrac{1}{2}\right) \quad \text{cm} \leftarrow \times",
            ["frac", "1", "2", "cm", "leftarrow", "times"],
        ),
        ("<a href='x' " + "y" * 300 + "> z", ["a", "href", "x", "y" * 300, "z"]),
        ("<p class=stem <b>bold</b>", ["p", "class", "stem", "bold"]),
        ("一个<br/>水池", ["一", "个", "水", "池"]),
        ("", []),
    ],
)
def test_what_a_reader_sees(written, expected):
    assert seen(written) == [hashed(word) for word in expected]


PIECES = st.lists(
    st.one_of(
        st.sampled_from(["<", ">", "</", "/>", "&", ";", "#", "\\", "_", "=", " ", "\n"]),
        st.sampled_from(
            ["p", "div", "em", "class='a'", "amp", "quot", "39", "left", "text", "dfrac", "frac", "word", "B", "a few"]
        ),
    ),
    max_size=30,
).map("".join)


@given(PIECES)
def test_the_kernel_hides_what_the_expressions_hide(written):
    assert seen(written) == [hashed(word) for word in plain(written)]


@given(st.lists(PIECES, max_size=5))
def test_rows_are_seen_apart(texts):
    offsets, hashes = visible_hashes(pa.array(texts, pa.large_string()))
    assert [hashes[a:b].tolist() for a, b in pairwise(offsets)] == [seen(one) for one in texts]
