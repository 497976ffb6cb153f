"""What of the section measures, and what only decides."""

from __future__ import annotations

from typing import Any

import pytest

from tamis.checksums import canonical
from tamis.heuristics.groups import MEASURING
from tamis.stages.heuristics import Config

DECIDING: list[dict[str, Any]] = [
    {"gopher_quality": {"min_words": 7, "min_stop_words": None}},
    {"size": {"applies_to": ["code"]}, "code": {"generated_lines": 50}},
    {"languages": {"de": {"gopher_quality": {"min_alphabetic_words": 0.7}}, "fi": {}}},
    {"thresholds": "fitted", "fitting": {"min_documents": 3, "yardstick": "de"}},
    *({group: off} for group in MEASURING for off in (None, False)),
]
MEASURED: list[dict[str, Any]] = [
    {"words": "tokens"},
    {"as_datatrove": True},
    {"gopher_quality": {"stop_words": {"en": ["the"]}}},
    {"c4": {"min_line_words": None}},
    {"c4": {"policy_phrases": ["terms"]}},
    {"fineweb": {"short_line": 40}},
    {"code": {"generated_marks": ["made by"]}},
    {"code": {"long_line": 500}},
]


def scoring(config: dict[str, Any]) -> str:
    return canonical(Config.model_validate(config).for_scoring().model_dump(mode="json"))


@pytest.mark.parametrize("changes", DECIDING, ids=str)
def test_what_only_decides_is_not_among_what_measuring_uses(changes: dict[str, Any]) -> None:
    assert scoring(changes) == scoring({})


@pytest.mark.parametrize("changes", MEASURED, ids=str)
def test_what_changes_a_figure_is(changes: dict[str, Any]) -> None:
    assert scoring(changes) != scoring({})
    # What is given beside it still does not count.
    assert scoring({"size": None} | changes) == scoring(changes)
