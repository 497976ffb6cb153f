"""The heuristics' words: worked examples, the tables of characters, spaCy as the reference."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.kernels.heuristics import characters
from tamis.kernels.heuristics.characters import LETTER, LINE_BREAK, SPACE, SYMBOL, TERMINAL, table
from tamis.kernels.heuristics.rule_words import rule_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't (really) stop.", "Do n't ( really ) stop ."),
        ("I cannot, you'd", "I can not , you 'd"),
        ("I'd've they couldn't've", "I 'd 've they could n't 've"),
        ("the cat's pyjamas", "the cat 's pyjamas"),
        ("e.g. Mr. Fox, i.e. U.S. and NATO.", "e.g. Mr. Fox , i.e. U.S. and NATO ."),
        ("well-known re-use a--b x-1", "well - known re - use a -- b x-1"),
        ("either/or, key=value", "either / or , key = value"),
        ("https://a.example/b-c/d?e=f and who@mail.example", "https://a.example/b-c/d?e=f and who@mail.example"),
        ("one.Two three.four", "one . Two three.four"),
        ("Wait... what…no", "Wait ... what … no"),
        ("$5.00, 10km, 50%, 3+4", "$ 5.00 , 10 km , 50 % , 3 + 4"),
        ("(see above): fine", "( see above ): fine"),
        ("=====", "= = = = ="),
        ("\u201cIt\u2019s\u201d", "\u201c It \u2019s \u201d"),
        ("筛子 ab筛c", "筛 子 ab 筛 c"),
        ("", ""),
        (" \n\t\u00a0", ""),
    ],
)
def test_worked_examples(text: str, words: str) -> None:
    assert rule_words(text) == words.split()


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(list("a.b'-:(),/1A筛\u0e01\u0e49\x00 \n")), max_size=60).map("".join)
)
@example("(" * 300 + ")" * 300)
def test_words_are_the_text_without_its_white_space(text: str) -> None:
    words = rule_words(text)
    assert "".join(words) == "".join(text.split())
    assert not any(word == "" or any(letter.isspace() for letter in word) for word in words)


@given(st.lists(st.text(st.characters(exclude_categories=("Z", "Cc", "Cs")), min_size=1, max_size=12), max_size=12))
def test_pieces_between_white_space_do_not_see_each_other(pieces: list[str]) -> None:
    pieces = [piece for piece in pieces if not any(letter.isspace() for letter in piece)]
    assert rule_words(" ".join(pieces)) == [word for piece in pieces for word in rule_words(piece)]


def test_tables_mean_what_python_and_the_oracle_mean() -> None:
    text = pytest.importorskip("datatrove.utils.text")
    flags = table()
    everything = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert all(bool(flags[ord(c)] & SPACE) == c.isspace() for c in everything)
    assert all(bool(flags[ord(c)] & LETTER) == c.isalpha() for c in everything if ord(c) < 0xE0000)
    assert {c for c in everything if flags[ord(c)] & LINE_BREAK} == {
        c for c in everything if len(f"a{c}b".splitlines()) > 1
    }
    assert {c for c in everything if flags[ord(c)] & TERMINAL} == set(text.TERMINAL_PUNCTUATION)
    assert {c for c in everything if flags[ord(c)] & SYMBOL} == set(text.PUNCTUATION_SET)
    assert len(characters.table()) == 0x110000


def _sentences() -> list[str]:
    """Made-up English with the marks of letters, price lists, documentation."""
    chosen = random.Random(7)  # noqa: S311 - text for a test
    pieces = (
        "The mill, the sieve and the miller's boy don't agree.",
        '"Why not?" she asked (quietly).',
        "It's 5% off: $3.50!",
        "See https://docs.example.org/a/b.html#c for more...",
        "A well-known, two-year-old re-use; cf. Dr. Foo et al., 1999.",
        "- item one [1]",
        "x = y + 1",
        "e-mail: who@where.example",
        "I'd've said so, but they're gone.",
        "End.Start again",
        "and/or either/or 3-4 10km 12:30 4x4",
        "**bold** _emphasis_ `code`",
        "U.S. and U.K. (2001-2003) vs. the E.U.",
        "We cannot; you can't; he won't.",
        "Section 3.2.1, p. 17.",
        "\u201cQuotes\u201d \u2014 and dashes\u2026",
    )
    return [" ".join(chosen.choices(pieces, k=12)) for _ in range(60)]


def test_words_are_spacy_s_on_ordinary_english() -> None:
    spacy = pytest.importorskip("spacy")
    tokenizer = spacy.blank("en").tokenizer
    total = wrong = 0
    for text in _sentences():
        theirs = [token.text for token in tokenizer(text) if token.text.strip()]
        ours = rule_words(text)
        total += len(theirs)
        wrong += len(_ends(theirs) ^ _ends(ours))
    assert wrong / total < 0.005


def _ends(words: list[str]) -> set[int]:
    position = 0
    ends = set()
    for word in words:
        position += len(word)
        ends.add(position)
    return ends
