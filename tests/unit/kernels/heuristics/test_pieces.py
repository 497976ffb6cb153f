"""Pieces between white space, and the words that their sentences are counted by, against Python's own splitting."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.kernels.heuristics.characters import CHARACTER_WORD, MARK, SENTENCE_END, table
from tamis.kernels.heuristics.listed_pieces import encode, listed_pieces, unit_hashes
from tamis.kernels.heuristics.pieces import split_pieces
from tamis.kernels.heuristics.rule_words import rule_words


def _split(text: str) -> tuple[list[str], list[str]]:
    codes = encode(text)
    scratch = [np.empty(1, np.int32) for _ in range(4)]
    starts, ends, count, word_starts, word_ends, words = split_pieces(
        codes, table()[codes], len(codes), listed_pieces(), unit_hashes(), *scratch
    )
    return (
        [text[start:end] for start, end in zip(starts[:count], ends[:count], strict=True)],
        [text[start:end] for start, end in zip(word_starts[:words], word_ends[:words], strict=True)],
    )


def _cut(piece: str) -> list[str]:
    """A piece with each letter that is a word, and its marks, by itself."""
    found, alone = [""], False
    for letter in piece:
        flag = int(table()[ord(letter)])
        if flag & CHARACTER_WORD or (alone and not flag & MARK):
            found.append("")
        found[-1] += letter
        alone = bool(flag & CHARACTER_WORD) or (alone and bool(flag & MARK))
    return [part for part in found if part]


def _ends_sentence(piece: str) -> bool:
    return any(table()[ord(letter)] & SENTENCE_END for letter in piece)


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(list("a.b!B'-1) e.g.筛。\u0e01\u0e49\u200b\x00 \n  ")), max_size=80).map("".join)
)
@example("One (two). Three... e.g. 5. A.B")
@example("...")
@example("筛。子。 ab筛c. ")
def test_they_are_those_of_the_text_split_at_white_space(text: str) -> None:
    pieces, words = _split(text)
    assert pieces == [part for piece in text.split() for part in _cut(piece)]
    # A piece without a mark that ends a sentence stays whole: sentences need no more of it.
    cut = [rule_words(piece) if _ends_sentence(piece) else [piece] for piece in text.split()]
    assert words == [word for parts in cut for word in parts]
