"""What the rules say of documents: metrics held against thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.heuristics.rules import RULES, Groups, Rule
from tamis.ledger import dropped_rows

# More than this share of one-character words: a script without spaces.
UNSPACED_SHARE = 0.5


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


def thresholds_of(rule: Rule, languages: pa.Array, config: Groups) -> np.ndarray | None:
    """What a rule holds each document against, by its language.

    Args:
        rule: the rule.
        languages: n codes.
        config: all groups.

    Returns:
        float64[n], NaN where the rule is off; None where it is off for all.
    """
    group = getattr(config, rule.group)
    if group is None:
        return None
    default = getattr(group, rule.field)
    own = {
        language: groups[rule.group][rule.field]
        for language, groups in config.languages.items()
        if rule.field in groups.get(rule.group, ())
    }
    if default is None and not any(value is not None for value in own.values()):
        return None
    thresholds = np.full(len(languages), np.nan if default is None else default, np.float64)
    for language, value in own.items():
        same = pc.fill_null(pc.equal(languages, language), False).to_numpy(zero_copy_only=False)
        thresholds[same] = np.nan if value is None else value
    return thresholds


def decide(metrics: dict[str, dict[str, np.ndarray]], languages: pa.Array, config: Groups) -> Decision:
    """Hold metrics against thresholds.

    Args:
        metrics: from `tamis.heuristics.metrics.measure`, n values each.
        languages: n codes.
        config: all groups.
    """
    n = len(languages)
    decision = Decision(np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan), np.zeros(len(RULES), np.int64))
    for index, rule in enumerate(RULES):
        threshold = thresholds_of(rule, languages, config)
        if threshold is None:
            continue
        value = metrics[rule.group][rule.metric]
        # Comparisons with NaN are false: what is not measured does not fail.
        fails = {"below": value < threshold, "above": value > threshold, "within": value <= threshold}[rule.fails]
        if rule.spaced or rule.unspaced:
            unspaced = metrics[rule.group]["character_word_share"] > UNSPACED_SHARE
            fails &= unspaced if rule.unspaced else ~unspaced
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
