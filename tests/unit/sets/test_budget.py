"""Plans worked out by hand, and what every plan must keep to."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import ConfigError
from tamis.sets.budget import Scarcity, exact, normalised, targets

HALVES = normalised({"general": 0.5, "math": 0.3, "code": 0.2})


def plan(available: list[int], budget: float | str, **settings: object) -> list[tuple[int, int, str]]:
    values: dict = {"scarcity": "shrink", "epoch_cap": 4.0, "share_of": None} | settings
    return [(t.asked, t.target, t.outcome) for t in targets("mixtures.x", HALVES, available, budget, **values)]


def test_enough_of_everything_gives_what_was_asked() -> None:
    assert plan([900, 900, 900], 1000) == [(500, 500, "met"), (300, 300, "met"), (200, 200, "met")]


def test_shrink_keeps_the_weights_and_lowers_the_total() -> None:
    # maths has 150 of 300: half of everything.
    assert plan([900, 150, 900], 1000) == [(500, 250, "shrunk"), (300, 150, "shrunk"), (200, 100, "shrunk")]


def test_repeat_takes_documents_again() -> None:
    assert plan([900, 150, 900], 1000, scarcity="repeat") == [
        (500, 500, "met"),
        (300, 300, "repeated"),
        (200, 200, "met"),
    ]


def test_repeat_stops_at_the_cap_and_then_shrinks() -> None:
    # 50 x 3 = 150 of 300.
    assert plan([900, 50, 900], 1000, scarcity="repeat", epoch_cap=3.0) == [
        (500, 250, "shrunk"),
        (300, 150, "repeated and shrunk"),
        (200, 100, "shrunk"),
    ]


def test_fail_names_every_short_group() -> None:
    with pytest.raises(
        ConfigError, match=r"mixtures\.x: 'math' has 150 of 300 tokens; 'code' has 1 of 200 tokens\. Ask"
    ):
        plan([900, 150, 1], 1000, scarcity="fail")
    assert plan([500, 300, 200], 1000, scarcity="fail")[1] == (300, 300, "met")


def test_a_group_of_nothing_is_refused_whatever_the_policy() -> None:
    for scarcity in ("shrink", "repeat", "fail"):
        with pytest.raises(ConfigError, match=r"mixtures\.x: no tokens left for 'code'"):
            plan([900, 900, 0], 10, scarcity=scarcity)


def test_max_and_shares() -> None:
    assert [target for _, target, _ in plan([900, 150, 900], "max")] == [250, 150, 100]
    assert [target for _, target, _ in plan([900, 150, 900], 0.1)] == [25, 15, 10]
    assert [target for _, target, _ in plan([900, 150, 900], 0.1, share_of=2000)] == [100, 60, 40]
    assert [target for _, target, _ in plan([900, 150, 900], "max", scarcity="repeat", epoch_cap=1.5)] == [
        375,
        225,
        150,
    ]
    # Repeats make more possible than there is: the documents of the largest group too.
    assert plan([250, 150, 100], "max", scarcity="repeat", epoch_cap=2.0)[0] == (500, 500, "repeated")


def test_weights_mean_the_decimal_that_was_written() -> None:
    weights = normalised({"a": 0.1, "b": 0.2, "c": 0.7})
    assert weights == {"a": Fraction(1, 10), "b": Fraction(1, 5), "c": Fraction(7, 10)}
    assert sum(normalised({"a": 0.3333333333, "b": 0.3333333333, "c": 0.3333333334}).values()) == 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 10**12)), min_size=1, max_size=5),
    st.one_of(st.integers(1, 10**13), st.just("max"), st.floats(0.001, 1.0)),
    st.sampled_from(["shrink", "repeat"]),
    st.floats(1, 10),
)
def test_no_target_exceeds_the_cap_and_weights_hold(
    groups: list[tuple[int, int]], budget: float | str, scarcity: Scarcity, cap: float
) -> None:
    total = sum(weight for weight, _ in groups)
    weights = {str(i): Fraction(weight, total) for i, (weight, _) in enumerate(groups)}
    available = [tokens for _, tokens in groups]
    found = targets("x", weights, available, budget, scarcity=scarcity, epoch_cap=cap, share_of=None)
    for target, have in zip(found, available, strict=True):
        assert target.target <= have * (exact(cap) if scarcity == "repeat" else 1)
        assert target.target <= target.asked
        assert ("repeated" in target.outcome) == (target.target > have)
    size = sum(target.target for target in found)
    assert all(abs(target.target - target.weight * size) <= len(found) for target in found)
