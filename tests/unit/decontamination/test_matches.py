"""Matches against an overlap worked out plainly, and what stands behind a question."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from decontamination_by_hand import extended
from hypothesis import given
from hypothesis import strategies as st

from tamis.decontamination.benchmarks import Item
from tamis.decontamination.index import Scheme, build, read_index, write_index
from tamis.decontamination.matches import Finder, _count
from tamis.decontamination.rarity import FLOOR, Holding, rarity
from tamis.text import words

SCHEME = Scheme(extended=True, seed=3, threshold=0.6, exact_below=4, min_words=2, min_information=0.0)


def item(name, question, **more):
    values = {"answers": (), "solution": "", "choices": (), "passage": ""} | more
    return Item(benchmark="b", id=name, question=question, **values)


def found(items, texts, scheme=SCHEME):
    """Row → item → best score."""
    benchmarks = build(items, scheme)
    column = pa.chunked_array([pa.array(texts, pa.large_string())])
    every = np.ones(len(texts), bool)
    holding = Holding(benchmarks.arrays)
    holding.add(column, every)
    weights = rarity(benchmarks.arrays, int(holding.counts[-1]), holding.counts[:-1])
    scores = {}
    for match in Finder(benchmarks, weights).find(column, every)[0]:
        for owner in benchmarks.owners_of(match.probe):
            key = match.row, owner
            scores[key] = max(scores.get(key, 0.0), match.score)
    return scores


def weights_of(texts):
    """Word → its weight, by the definition."""
    passages = [
        set(found[at : at + 256]) for text in texts for found in [words(text)] for at in range(0, len(found), 256)
    ]
    many = max(len(passages), 1000) + 1
    return lambda word: FLOOR + np.log(many / (sum(word in passage for passage in passages) + 1)) / np.log(many)


def plain(items, texts):
    """Row → item → every score that a seed of it leads to and that is enough."""
    weight = weights_of(texts)
    scores = {}
    for row, text in enumerate(texts):
        document = words(text)
        for number, one in enumerate(items):
            probe = words(one.question)
            size = min(3, len(probe))
            for i in range(len(probe) - size + 1):
                for d in range(len(document) - size + 1):
                    if size < 2 or probe[i : i + size] != document[d : d + size]:
                        continue
                    ways = extended(probe, document, i + size, d + size, 1), extended(probe, document, i - 1, d - 1, -1)
                    places = {*range(i, i + size), *(place for way in ways for place, _ in way)}
                    score = sum(weight(probe[place]) for place in places) / sum(map(weight, probe))
                    if score >= (0.6 if len(probe) >= 4 else 0.9999):
                        scores.setdefault((row, number), []).append(score)
    return scores


WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=25).map(" ".join)
QUESTIONS = st.lists(
    st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=12).map(" ".join), min_size=1, max_size=4
)


@given(QUESTIONS, st.lists(WORDS, min_size=1, max_size=4))
def test_what_is_found_is_an_overlap(questions, texts):
    items = [item(str(number), question) for number, question in enumerate(questions)]
    expected = plain(items, texts)
    for key, score in found(items, texts).items():
        assert min(abs(score - other) for other in expected[key]) < 1e-5


@given(QUESTIONS, WORDS, WORDS)
def test_what_stands_there_word_for_word_is_found(questions, before, after):
    items = [item(str(number), question) for number, question in enumerate(questions)]
    for number, question in enumerate(questions):
        if len(question.split()) >= 2:
            assert found(items, [f"{before} {question} {after}"])[0, number] == pytest.approx(1.0, abs=1e-5)


def test_short_texts_have_a_bound_of_their_own():
    scheme = Scheme(
        extended=True, seed=3, threshold=0.9, exact_below=4, min_words=2, min_information=0.0, short_below=10, short_threshold=0.7
    )  # fmt: skip
    items = [item("short", "a b c d e f g h"), item("long", "k l m n o p q r s t u v"), item("exact", "x y z")]
    texts = ["a b c d OTHER f g h", "k l m n OTHER p q r OTHER t u v", "x OTHER z", "a b c d", "x y z", "a b c d e f"]
    scores = found(items, texts, scheme)
    assert scores.keys() == {(0, 0), (4, 2)}
    assert 0.8 < scores[0, 0] < 0.9
    assert found(items, texts, SCHEME).keys() == {(0, 0), (5, 0), (1, 1), (4, 2)}


def test_words_of_short_texts_are_counted():
    """A title weighs as much as nearly all of the question that asks for its language, and asks nothing."""
    scheme = Scheme(
        extended=True, seed=3, threshold=0.5, exact_below=4, min_words=2, min_information=0.0, short_below=8, short_threshold=0.5
    )  # fmt: skip
    common = ["of the language is what said by " * 300] * 30
    title, longer = "return from a distant jade island", "word " * 9 + "return from a distant jade island"
    items = [item("asks", f"what is the language of {title}"), item("long", f"{longer} what is the language of it")]
    texts = [title, f"what is OTHER language of {title}", f"is the language of {title}", longer, *common]
    assert {key for key in found(items, texts, scheme) if key[0] < 4} == {(1, 0), (2, 0), (3, 1)}


def test_a_phrase_is_no_question_unless_its_answer_follows():
    scheme = Scheme(
        extended=True, seed=3, threshold=0.6, exact_below=7, min_words=2, min_information=1.0, phrase_information=14.0
    )  # fmt: skip
    items = [
        item("phrase", "make a cake with nuts", answers=("butter it",)),
        item("says", "gryphons devour zinc", answers=("no",)),
        item("longer", "make a cake with nuts in it", answers=("no",)),
    ]
    texts = ["make a cake with nuts", "make a cake with nuts and then butter it", "gryphons devour zinc"]
    texts += ["make a cake with nuts in it", *["make a cake with nuts"] * 400]
    assert {key for key in found(items, texts, scheme) if key[0] < 4} == {(1, 0), (2, 1), (3, 2)}


def test_a_phrase_with_its_choices_is_a_question():
    scheme = Scheme(
        extended=True, seed=3, threshold=0.6, exact_below=7, min_words=2, min_information=1.0, phrase_information=99.0
    )  # fmt: skip
    probe = item("phrase", "make a cake with nuts", choices=("butter it now", "sugar then wine"))
    assert found([probe], ["make a cake with nuts"], scheme) == {}
    (score,) = found([probe], ["make a cake with nuts butter it OTHER sugar then wine"], scheme).values()
    assert 0.8 < score < 0.95


def test_a_short_text_may_be_interrupted_by_a_few_words():
    scheme = Scheme(
        extended=True, seed=3, threshold=0.6, exact_below=4, min_words=2, min_information=0.0, short_below=12, short_threshold=0.8
    )  # fmt: skip
    probe = item("short", "a b c d e f g h")
    letters = [f"a b c d {' '.join(['x'] * count)} e f g h" for count in (4, 5)]
    assert found([probe], letters, scheme).keys() == {(0, 0)}


def test_the_index_survives_the_disk(tmp_path):
    items = [
        item("x", "one two three four five", answers=("six seven",), choices=("six seven", "eight")),
        item("y", "Is it?"),
    ]
    made = build(items, SCHEME)
    write_index(tmp_path / "index.arrow", made)
    again = read_index(tmp_path / "index.arrow", SCHEME)
    for one, other in zip(made.arrays, again.arrays, strict=True):
        assert np.array_equal(one, other)
    assert (made.names, made.answers, made.choices) == (again.names, again.answers, again.choices)
    assert again.searchable.tolist() == [True, True]


def test_words_are_counted_whole():
    numbers = np.array([1, 256, 1, 256, 65536], np.int32).tobytes()
    assert _count(numbers, np.array([1, 256], np.int32).tobytes()) == 2
    assert _count(numbers, np.array([256], np.int32).tobytes()) == 2
    assert _count(numbers, b"") == 0
