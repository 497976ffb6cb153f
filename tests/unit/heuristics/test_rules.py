"""The table of rules."""

from __future__ import annotations

from tamis.heuristics.groups import MEASURING, Groups
from tamis.heuristics.rules import COLUMNS, METRICS, RULES


def test_reasons_are_distinct_snake_case_names() -> None:
    reasons = [rule.reason for rule in RULES]
    assert len(set(reasons)) == len(reasons)
    assert all(reason.replace("_", "a").isalnum() and reason == reason.lower() for reason in reasons)


def test_every_rule_reads_a_threshold_of_its_group() -> None:
    groups = Groups()
    for rule in RULES:
        assert rule.field in type(getattr(groups, rule.group)).model_fields


def test_every_rule_reads_a_column_of_the_scores_and_every_column_is_there_once() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS) == sum(map(len, METRICS.values()))
    assert {rule.column for rule in RULES} <= set(COLUMNS)


def test_every_field_of_a_group_decides_or_measures() -> None:
    groups = Groups()
    for group in METRICS:
        decide = {rule.field for rule in RULES if rule.group == group} | {"applies_to"}
        assert not decide & set(MEASURING[group])
        assert decide | set(MEASURING[group]) == set(type(getattr(groups, group)).model_fields)
