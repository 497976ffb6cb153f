"""What an answer means: strictly its last line; agreement against scikit-learn; cost by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tamis.classifiers.judge.answers import Answer, Meaning, NoAnswer, agreement, meaning, used
from tamis.classifiers.judge.section import Price


def answer(text, finish="stop", tokens=(10, 2)):
    return Answer(text, finish, "served", tokens)


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("Grade: 4", 4),
        ("It has two parts and 3 examples.\n\nGrade: 0", 0),
        ("**Grade: 5**", 5),
        ("Grade: **5**.", 5),
        ("Educational score: 3/5", 3),
        ("Score = 2 out of 5", 2),
        ("1 point", 1),
        ("4.0", 4),
        ("4", 4),
        ("  Grade: 4  \r\n\r\n", 4),
        ("<think>5 or 1?</think>\n2", 2),
    ],
)
def test_a_grade_is_read(text, grade):
    assert meaning("grade_0_5", answer(text)) == Meaning(grade >= 3, grade / 5, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("It teaches well.", "no number"),
        ("Grade: four", "no number"),
        ("I would give this 4", "prose"),
        ("Grade: 4\nBecause it has 2 examples.", "prose"),
        ("Grade: 4\nBecause it teaches.", "no number"),
        ("Grade (0-5): 4", "prose"),
        ('{"grade": 4}', "prose"),
        ("Grade: 6", "out of range"),
        ("Grade: -1", "out of range"),
        ("Grade: 4/10", "prose"),
        ("85", "out of range"),
        ("Grade: 3.5", "no whole grade"),
        ("Grade: 4 5", "prose"),
        ("Grade: \uff14", "no number"),
        ("Grade: 4" + "0" * 5000, "prose"),
        ("Grade: 4\x1b[2J", "prose"),
    ],
)
def test_whatever_is_no_grade_is_named(text, problem):
    assert meaning("grade_0_5", answer(text)) == Meaning(None, None, problem)


def test_yes_and_no():
    for text, good in (("Answer: yes", True), ("NO", False), ("Because.\n**Answer: No.**", False)):
        assert meaning("yes_no", answer(text)) == Meaning(good, None, None)
    for text in ("yes and no", "Answer: yes, because", "yes\nit is", "5", "oui", "I would not say yes"):
        assert meaning("yes_no", answer(text)).problem == "neither yes nor no"


DOMAINS = ("general", "math", "code", "reasoning")


def test_a_class_is_named():
    for text, place in (("Domain: math", 1), ("GENERAL", 0), ("Because.\n**Reasoning.**", 3)):
        assert meaning("class", answer(text), DOMAINS) == Meaning(place, None, None)
    for text in ("Domain: math or code", "history", "1", "Domain: math\nbecause of lemmas", "not code"):
        assert meaning("class", answer(text), DOMAINS).problem == "no class"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_classes_have_no_order_that_agreement_could_go_by(pairs):
    found = agreement([(Meaning(one, None, None), Meaning(other, None, None)) for one, other in pairs], "class")
    with np.errstate(all="ignore"):
        expected = cohen_kappa_score(*zip(*pairs, strict=True), labels=range(4))
    assert (found["kappa"] is None) == bool(np.isnan(expected))
    assert found["kappa"] is None or found["kappa"] == pytest.approx(expected, abs=1e-4)


def test_what_is_not_whole_teaches_nothing_even_if_it_ends_well():
    assert meaning("grade_0_5", answer("Grade: 4", "length")).problem == "cut"
    assert meaning("yes_no", answer("yes", "content_filter")).problem == "withheld"
    assert meaning("yes_no", NoAnswer("not JSON", "<html>")).problem == "not JSON"


@given(st.text())
def test_no_answer_whatever_makes_it_fail(text):
    for form in ("grade_0_5", "yes_no"):
        found = meaning(form, answer(text))
        assert (found.place is None) == (found.problem is not None)
        assert found.grade is None or (form == "grade_0_5" and found.grade in {0.0, 0.2, 0.4, 0.6, 0.8, 1.0})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_agreement_is_that_of_scikit_learn(pairs):
    meanings = [tuple(Meaning(level >= 3, level / 5, None) for level in pair) for pair in pairs]
    found = agreement([*meanings, (Meaning(None, None, "empty"), Meaning(True, 1.0, None))])
    one, other = zip(*pairs, strict=True)
    assert found["documents"] == len(pairs)
    assert found["same"] == pytest.approx(np.mean(np.equal(one, other)), abs=1e-4)
    with np.errstate(all="ignore"):
        expected = cohen_kappa_score(one, other, weights="quadratic", labels=range(6))
    if np.isnan(expected):
        assert found["kappa"] is None
    else:
        assert found["kappa"] == pytest.approx(expected, abs=1e-4)


def test_agreement_of_nobody_is_none():
    assert agreement([]) is None
    assert agreement([(Meaning(None, None, "cut"), Meaning(True, None, None))]) is None


def test_cost():
    answers = [answer("yes", tokens=(1_000_000, 10)), answer("no", tokens=(500_000, 90)), NoAnswer("not JSON", "")]
    assert used(answers, Price(input=2.0, output=1000.0)) == {
        "read": 1_500_000,
        "written": 100,
        "uncounted": 0,
        "cost": 3.1,
    }
    assert used(answers, None)["cost"] is None
    # What is not counted cannot be paid for: no figure rather than one that is too low.
    assert used([*answers, answer("yes", tokens=None)], Price(input=2.0, output=1.0)) == {
        "read": 1_500_000,
        "written": 100,
        "uncounted": 1,
        "cost": None,
    }
