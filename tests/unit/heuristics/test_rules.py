"""The table of rules."""

from __future__ import annotations

from tamis.heuristics.rules import RULES, Groups


def test_reasons_are_distinct_snake_case_names() -> None:
    reasons = [rule.reason for rule in RULES]
    assert len(set(reasons)) == len(reasons)
    assert all(reason.replace("_", "a").isalnum() and reason == reason.lower() for reason in reasons)


def test_every_rule_reads_a_threshold_of_its_group() -> None:
    groups = Groups()
    for rule in RULES:
        assert rule.field in type(getattr(groups, rule.group)).model_fields
