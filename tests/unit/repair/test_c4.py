"""Line rules cut what datatrove's C4 filter leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter
from documents import make_documents
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.edits import edited
from tamis.repair.c4 import LineRules, cuts

WORDS = (
    "word", "Ein", "schönes", "字", "x" * 1001, "JavaScript", "javascript", "lorem", "ipsum", "Lorem Ipsum", "{", "[12]",
    "[]", "[edit]", "[citation needed]", "[x]", "[1", "Terms of Use", "uses", "cookies", "privacy policy", "\u0661", "[\u0661]",
)  # fmt: skip
ENDS = (".", "?", "!", '"', "'", "...", "…", ",", "", " ", ". ", ".[3]", ". [3]", "。", "}")
BREAKS = ("\n", "\n\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", " \n\t")
LINE = st.tuples(
    st.lists(st.sampled_from(WORDS), max_size=6), st.sampled_from(ENDS), st.sampled_from(BREAKS), st.sampled_from((" ", "\t", "\xa0", ""))
).map(lambda parts: parts[3] + parts[3].join(parts[0]) + " ".join(parts[0]) + parts[1] + parts[2])  # fmt: skip
TEXT = st.lists(LINE, max_size=6).map("".join)


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def after(text: str, rules: LineRules) -> tuple[str, list[str]]:
    documents = make_documents([text])
    spans, reasons = cuts(documents["text"], np.ones(1, np.bool_), rules)
    return edited(documents, spans, reasons)[0]["text"][0].as_py(), reasons


def theirs(text: str, rules: LineRules, **more: object) -> Document | None:
    document = Document(text=text, id="0")
    given = {
        "remove_citations": rules.citations,
        "filter_no_terminal_punct": rules.terminal_punctuation,
        "min_words_per_line": rules.min_words or -1,
        "max_word_length": rules.max_word_length or -1,
        "filter_javascript": rules.javascript,
        "filter_policy": bool(rules.policy_phrases),
        "min_num_sentences": -1,
        "filter_lorem_ipsum": False,
        "filter_curly_bracket": False,
    }
    return document if C4QualityFilter(**given | more).filter(document) is True else None


@given(TEXT, st.booleans(), st.sampled_from((None, 2, 3)), st.sampled_from((None, 7, 1000)), st.booleans())
@settings(max_examples=80)
@example("One two three. [1]\n\nMenu\n\nThis stays here.\n", True, 3, 1000, True)
@example("The end is near.[1]\r\nuse cookies or not.\rA b c...", True, 3, 1000, True)
def test_lines_that_stay_are_those_of_datatrove(
    text: str, terminal: bool, words: int | None, longest: int | None, citations: bool
) -> None:
    rules = LineRules(
        terminal_punctuation=terminal,
        min_words=words,
        max_word_length=longest,
        citations=citations,
        lorem_ipsum=False,
        curly_bracket=False,
    )
    # A line of which nothing is left but blanks is none.
    expected = theirs(text, rules)
    assert expected is not None
    assert lines_of(after(text, rules)[0]) == lines_of(expected.text)


@given(TEXT)
@settings(max_examples=40)
def test_what_datatrove_drops_documents_for_cuts_lines(text: str) -> None:
    found, reasons = after(text, LineRules())
    dropped = theirs(text, LineRules(), filter_lorem_ipsum=True, filter_curly_bracket=True) is None
    assert dropped == (not {"c4_lorem_ipsum", "c4_curly_bracket"}.isdisjoint(reasons))
    assert "{" not in found
    assert "lorem ipsum" not in found.lower()


def test_blank_lines_go_with_what_stood_before_them() -> None:
    text = "A title\n\n\nThis is the first one.\n\nmenu\n\nAnd this the second.\nshare\n"
    found, reasons = after(text, LineRules())
    assert found == "This is the first one.\n\nAnd this the second.\n"
    assert reasons == ["c4_no_terminal_punctuation"] * 3
    nothing = LineRules(
        terminal_punctuation=False, min_words=None, max_word_length=None, citations=False, javascript=False,
        policy_phrases=(), lorem_ipsum=False, curly_bracket=False,
    )  # fmt: skip
    assert after(text + "{} javascript", nothing) == (text + "{} javascript", [])


def test_phrases_are_small_letters() -> None:
    with pytest.raises(ValidationError, match="small letters of ASCII"):
        LineRules(policy_phrases=("Terms",))
