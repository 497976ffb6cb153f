"""What the rules say of documents: metrics held against thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tamis.heuristics.rules import RULES, Groups
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


def decide(metrics: dict[str, dict[str, np.ndarray]], config: Groups) -> Decision:
    """Hold metrics against thresholds.

    Args:
        metrics: from `tamis.heuristics.metrics.measure`, n values each.
        config: all groups.
    """
    n = len(metrics["size"]["characters"])
    decision = Decision(np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan), np.zeros(len(RULES), np.int64))
    for index, rule in enumerate(RULES):
        threshold = getattr(getattr(config, rule.group), rule.field)
        if threshold is None:
            continue
        value = metrics[rule.group][rule.metric]
        # Comparisons with NaN are false: what is not measured does not fail.
        fails = {"below": value < threshold, "above": value > threshold, "within": value <= threshold}[rule.fails]
        if rule.spaced:
            fails &= ~(metrics[rule.group]["character_word_share"] > UNSPACED_SHARE)
        decision.failures[index] = fails.sum()
        first = fails & (decision.rule < 0)
        decision.rule[first] = index
        decision.value[first] = value[first]
        decision.threshold[first] = threshold
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
