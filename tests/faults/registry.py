"""The classes of faults: a name, how many cases a full run tries, and the function that tries one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.case import Case

Try = Callable[[Case, int], None]
"""Breaks something and asserts what must hold; takes the case and its number, from 0."""


@dataclass(frozen=True)
class Fault:
    """A class of faults."""

    name: str
    about: str
    cases: int
    attempt: Try
    seconds: float
    quick: int
    heavy: bool


FAULTS: dict[str, Fault] = {}


def fault(name: str, cases: int, *, seconds: float = 240, quick: int = 0, heavy: bool = False) -> Callable[[Try], Try]:
    """Enter a class of faults; its docstring says what is broken.

    Args:
        name: without spaces; `name/7` is its eighth case.
        cases: how many a full run tries.
        seconds: longest that one may take; a case that takes longer did not survive.
        quick: the number of the case that stands for the class where there is time for one.
        heavy: whether that case runs a chain from nothing, or most of one; then it comes after those that do not.
    """

    def enter(attempt: Try) -> Try:
        about = (attempt.__doc__ or name).strip().splitlines()[0]
        FAULTS[name] = Fault(name, about, cases, attempt, seconds, quick, heavy)
        return attempt

    return enter
