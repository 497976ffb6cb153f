"""What the rules say of documents: metrics held against thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.heuristics.groups import ByGroup, Groups
from tamis.heuristics.rules import CHARACTER_WORDS, RULES, UNSPACED_SHARE, Rule
from tamis.ledger import dropped_rows
from tamis.schemas import of_kinds

NONE_FITTED: Mapping[str, ByGroup] = {}


@dataclass(frozen=True)
class Decision:
    """What the rules say of n documents.

    Attributes:
        rule: index into `RULES` of the first failing rule, -1 where none fails; int64[n].
        value: what that rule measured; float64[n], NaN where none fails.
        threshold: what it was held against; float64[n], NaN where none fails.
        failures: how many documents fail each rule, first or not; int64[len(RULES)].
    """

    rule: np.ndarray
    value: np.ndarray
    threshold: np.ndarray
    failures: np.ndarray


def thresholds_of(
    rule: Rule, languages: pa.Array | pa.ChunkedArray, config: Groups, fitted: Mapping[str, ByGroup] = NONE_FITTED
) -> np.ndarray | None:
    """What a rule holds each document against, by its language.

    Args:
        rule: the rule.
        languages: n codes.
        config: all groups; `languages` there goes before what is fitted.
        fitted: language → group → thresholds.

    Returns:
        float64[n], NaN where the rule is off; None where it is off for all.
    """
    group = getattr(config, rule.group)
    if group is None:
        return None
    default = getattr(group, rule.field)
    own = {
        language: groups[rule.group][rule.field]
        for given in (fitted, config.languages)
        for language, groups in given.items()
        if rule.field in groups.get(rule.group, ())
    }
    if default is None and not any(value is not None for value in own.values()):
        return None
    thresholds = np.full(len(languages), np.nan if default is None else default, np.float64)
    for language, value in own.items():
        same = pc.fill_null(pc.equal(languages, language), False).to_numpy(zero_copy_only=False)
        thresholds[same] = np.nan if value is None else value
    return thresholds


def asked(rule: Rule, documents: pa.Table, metrics: Mapping[str, np.ndarray], config: Groups) -> np.ndarray:
    """Which of n documents a rule means: of its group's kinds, and in a script of its kind; bool[n]."""
    where = of_kinds(documents, getattr(config, rule.group).applies_to)
    if rule.spaced or rule.unspaced:
        # Comparisons with NaN are false: a text without words is in no script.
        unspaced = metrics[CHARACTER_WORDS] > UNSPACED_SHARE
        where &= unspaced if rule.unspaced else ~unspaced
    return where


def beyond(rule: Rule, value: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """Which of n values a rule does not let pass; NaN always passes."""
    if rule.fails == "below":
        return value < threshold
    return value > threshold if rule.fails == "above" else value <= threshold


def decide(
    documents: pa.Table,
    metrics: Mapping[str, np.ndarray],
    config: Groups,
    fitted: Mapping[str, ByGroup] = NONE_FITTED,
) -> Decision:
    """Hold metrics against thresholds.

    Args:
        documents: n documents, of which kind and language are looked at.
        metrics: what `tamis.heuristics.metrics.measure` gives of them.
        config: all groups.
        fitted: language → group → thresholds, for languages that have none under `languages`.
    """
    n = documents.num_rows
    decision = Decision(np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan), np.zeros(len(RULES), np.int64))
    for index, rule in enumerate(RULES):
        threshold = thresholds_of(rule, documents["language"], config, fitted)
        if threshold is None:
            continue
        value = metrics[rule.column]
        fails = beyond(rule, value, threshold) & asked(rule, documents, metrics, config)
        decision.failures[index] = fails.sum()
        first = fails & (decision.rule < 0)
        decision.rule[first] = index
        decision.value[first] = value[first]
        decision.threshold[first] = threshold[first]
    return decision


def select(documents: pa.Table, decision: Decision) -> tuple[pa.Table, pa.Table]:
    """Documents that fail no rule, and ledger rows of the others.

    Args:
        documents: n documents.
        decision: what the rules say of them.
    """
    fails = decision.rule >= 0
    ledger = dropped_rows(
        "heuristics",
        documents.filter(pa.array(fails)),
        [RULES[index].reason for index in decision.rule[fails]],
        value=decision.value[fails],
        threshold=decision.threshold[fails],
    )
    return documents.filter(pa.array(~fails)), ledger
