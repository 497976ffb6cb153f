"""C4's line rules, as cuts: the section that chooses them, and what the kernel takes of it."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from tamis.edits import Spans
from tamis.section import Section


class LineRules(Section):
    """Which lines go; each rule can be off. Rules and order are those of C4's code and datatrove's `C4QualityFilter`.

    The fields that C4 holds whole documents against ("lorem ipsum", curly brackets) cut lines here; the rules of
    `heuristics.c4` drop documents by them, and by the sentences that are left.
    """

    terminal_punctuation: bool = Field(
        True,
        description="Lines that do not end in . ? ! \" or ', or end in three dots. C4 2.2; FineWeb (3.5) left it out: "
        "this rule alone removes about 30 % of all tokens. Made for English.",
    )
    min_words: int | None = Field(3, ge=1, description="Lines with fewer words. C4 2.2.")
    max_word_length: int | None = Field(1000, ge=1, description="Lines with a longer word, in characters. C4's code.")
    citations: bool = Field(True, description="[1], [edit] and [citation needed] inside of lines. C4 2.2.")
    javascript: bool = Field(True, description='Lines with "javascript". C4 2.2.')
    policy_phrases: tuple[str, ...] = Field(
        ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"),
        description="Lines with one of these, in small letters of ASCII. C4's code.",
    )
    lorem_ipsum: bool = Field(True, description='Lines with "lorem ipsum"; C4 2.2 drops the document.')
    curly_bracket: bool = Field(True, description="Lines with an opening curly bracket; C4 2.2 drops the document.")

    @field_validator("policy_phrases")
    @classmethod
    def _small_letters(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if not phrase or not phrase.isascii() or phrase != phrase.lower():
                raise ValueError(f"{phrase!r}: write it in small letters of ASCII; capitals do not matter")
        return phrases


@functools.cache
def _digits() -> np.ndarray:
    found = np.zeros(0x110000, np.bool_)
    found[[code for code in range(0x20000) if chr(code).isdecimal()]] = True
    return found


def cuts(text: pa.ChunkedArray, chosen: np.ndarray, rules: LineRules) -> tuple[Spans, list[str]]:
    """What the rules cut.

    Args:
        text: n texts.
        chosen: bool[n], rows to look at.
        rules: the section.

    Returns:
        k spans of the texts' bytes, and k reasons.
    """
    from tamis.kernels.c4_cuts import REASONS, c4_cuts
    from tamis.kernels.heuristics.characters import table
    from tamis.kernels.words import buffers

    whole = ("lorem ipsum" if rules.lorem_ipsum else "", "javascript" if rules.javascript else "")
    phrases = [phrase.encode() for phrase in (*whole, *rules.policy_phrases)]
    settings = (
        rules.terminal_punctuation,
        rules.min_words or 0,
        -1 if rules.max_word_length is None else rules.max_word_length,
        rules.citations,
        rules.curly_bracket,
    )
    found = c4_cuts(
        *buffers(text),
        chosen,
        table(),
        _digits(),
        np.array(settings, np.int64),
        np.frombuffer(b"".join(phrases) or b"\0", np.uint8),
        np.cumsum([0, *map(len, phrases)]).astype(np.int64),
    )
    rows, starts, ends, reasons = (np.ascontiguousarray(column) for column in found.T)
    return Spans(rows, starts, ends), [REASONS[reason] for reason in reasons.tolist()]
