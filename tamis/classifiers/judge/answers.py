"""What an answer means, how far two answers agree, and what answers cost.

Only the last line counts, and only where it is the answer and nothing else: a model that reasons names other numbers on
the way. Whatever is not of that form is malformed, is counted by kind, and teaches nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tamis.classifiers.judge.section import Judge, Price

BEST = 5
"""The best grade; 0 is the worst."""

GOOD_FROM = 0.5
"""Grades from the middle on are good, as in label files: 3, 4 and 5."""

_MARKS = re.compile(r"[*_`#>\"'“”]")
_NAMED = r"(?:[^\W\d_][^\d:=]{0,60}[:=]\s*)?"
_GRADE = re.compile(_NAMED + r"([-+]?[0-9]{1,9}(?:[.,][0-9]{1,9})?)(?:\s*/\s*5|\s+out of 5)?(?:\s+points?)?")
_CLASS = re.compile(_NAMED + r"([a-z_]{1,60})", re.IGNORECASE)
_YES_NO = re.compile(_NAMED + r"(yes|no)", re.IGNORECASE)

CUT, FILTERED = "length", "content_filter"
"""How an endpoint says that an answer is not whole."""


class Answer(NamedTuple):
    """What a model answered."""

    text: str
    finish: str
    """Why the answer ended there, as the endpoint says: `stop`, `length` …"""
    served: str
    """The model that answered, as the endpoint names it."""
    tokens: tuple[int, int] | None
    """Tokens read and written, where the endpoint counts them."""


class NoAnswer(NamedTuple):
    """What came in place of an answer of the model."""

    problem: str
    """Its kind, in a few words of ours."""
    said: str
    """The beginning of what the endpoint said."""


class Meaning(NamedTuple):
    """What an answer says of a text: its class and perhaps a grade from 0 to 1, or why it says nothing."""

    place: int | None
    """Of the class among all, of two the worse first: 1 is good."""
    grade: float | None
    problem: str | None


def meaning(form: str, answer: Answer | NoAnswer, classes: Sequence[str] = ()) -> Meaning:
    """What an answer says.

    Args:
        form: `yes_no`, `grade_0_5` or `class`.
        answer: or what came in its place.
        classes: names of the classes, for `class`.
    """
    if isinstance(answer, NoAnswer):
        return Meaning(None, None, answer.problem)
    problem = _not_whole(answer)
    if problem is not None:
        return Meaning(None, None, problem)
    line = _MARKS.sub("", answer.text.strip().splitlines()[-1]).strip().rstrip(".! ")
    if form == "class":
        return _class(line, classes)
    return _yes_no(line) if form == "yes_no" else _grade(line)


def _class(line: str, classes: Sequence[str]) -> Meaning:
    found = _CLASS.fullmatch(line)
    name = None if found is None else found[1].lower()
    return Meaning(classes.index(name), None, None) if name in classes else Meaning(None, None, "no class")


def _yes_no(line: str) -> Meaning:
    found = _YES_NO.fullmatch(line)
    if found is None:
        return Meaning(None, None, "neither yes nor no")
    return Meaning(int(found[1].lower() == "yes"), None, None)


def _grade(line: str) -> Meaning:
    found = _GRADE.fullmatch(line)
    if found is None:
        return Meaning(None, None, "prose" if re.search("[0-9]", line) else "no number")
    number = float(found[1].replace(",", "."))
    if not 0 <= number <= BEST:
        return Meaning(None, None, "out of range")
    if not number.is_integer():
        return Meaning(None, None, "no whole grade")
    return Meaning(int(number / BEST >= GOOD_FROM), number / BEST, None)


def _not_whole(answer: Answer) -> str | None:
    if answer.finish == FILTERED:
        return "withheld"
    if answer.finish == CUT:
        return "cut"
    return None if answer.text.strip() else "empty"


def agreement(pairs: Sequence[tuple[Meaning, Meaning]], form: str = "grade_0_5") -> dict[str, Any] | None:
    """How far first and second answers agree.

    Args:
        pairs: of the documents that were asked twice.
        form: of the answers.

    Returns:
        documents that have two answers that say something; the share of equal ones; Cohen's kappa (Cohen 1960; weighted
        by the squared distance where the answers are grades, Cohen 1968), None where it is not defined because all
        answers are the same. None where no document has two.
    """
    both = [pair for pair in pairs if all(each.problem is None for each in pair)]
    if not both:
        return None
    one, other = ([_level(each) for each in side] for side in zip(*both, strict=True))
    same = sum(ours == theirs for ours, theirs in zip(one, other, strict=True)) / len(both)
    return {"documents": len(both), "same": round(same, 4), "kappa": _kappa(one, other, ordered=form != "class")}


def _level(found: Meaning) -> int:
    return int(found.place or 0) if found.grade is None else round(found.grade * BEST)


def _kappa(one: Sequence[int], other: Sequence[int], *, ordered: bool) -> float | None:
    """Kappa, with quadratic weights where levels are ordered, which for two levels is plain kappa."""
    ours, theirs, number = Counter(one), Counter(other), len(one)

    def distance(a: int, b: int) -> int:
        return (a - b) ** 2 if ordered else int(a != b)

    apart = sum(distance(a, b) for a, b in zip(one, other, strict=True)) / number
    by_chance = sum(distance(a, b) * ours[a] * theirs[b] for a in ours for b in theirs) / number**2
    return None if by_chance == 0 else round(1 - apart / by_chance, 4)


def used(answers: Sequence[Answer | NoAnswer], price: Price | None) -> dict[str, Any]:
    """Tokens of answers, and what they cost.

    Args:
        answers: each once.
        price: of a million tokens.

    Returns:
        tokens `read` and `written`; `uncounted`, answers whose tokens the endpoint did not count; `cost`, None without
        a price or with uncounted answers.
    """
    given = [answer for answer in answers if isinstance(answer, Answer)]
    counted = [answer.tokens for answer in given if answer.tokens is not None]
    read, written = (sum(tokens[side] for tokens in counted) for side in (0, 1))
    uncounted = len(given) - len(counted)
    cost = None
    if price is not None and not uncounted:
        cost = round((read * price.input + written * price.output) / 1e6, 6)
    return {"read": read, "written": written, "uncounted": uncounted, "cost": cost}


def summary(
    judge: Judge,
    first: Sequence[Meaning],
    pairs: Sequence[tuple[Meaning, Meaning]],
    answers: Sequence[Answer | NoAnswer],
    classes: Sequence[str] = (),
) -> dict[str, Any]:
    """What a card says of a judge: the same for the same answers, whether they were asked for or kept.

    Args:
        judge: the settings.
        first: what each judged document got.
        pairs: of the documents that were asked twice.
        answers: all, each once.
        classes: names of the classes, where answers are such.
    """
    return {
        "model": judge.model,
        "answers": judge.answers,
        "documents": len(first),
        "given": _named(Counter(_word(judge.answers, each, classes) for each in first if each.problem is None)),
        "malformed": _named(Counter(each.problem for each in first if each.problem is not None)),
        "agreement": agreement(pairs, judge.answers),
        "tokens": used(answers, judge.price),
        "served": _named(Counter(answer.served for answer in answers if isinstance(answer, Answer))),
    }


def _word(form: str, found: Meaning, classes: Sequence[str]) -> str:
    if form == "class":
        return classes[_level(found)]
    return ("no", "yes")[_level(found)] if form == "yes_no" else str(_level(found))


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
