"""The choice among the scores of domains."""

from __future__ import annotations

import numpy as np

from tamis.classifiers.domain_rules import choose
from tamis.schemas import DOMAINS


def test_a_learnt_domain_needs_its_least_probability() -> None:
    score = np.array(
        [[0.3, 0.4, 0.2, 0.1, 0.0], [0.1, 0.6, 0.2, 0.1, 0.0], [0.4, 0.4, 0.2, 0.0, 0.0], [0.45, 0.0, 0.0, 0.0, 0.55]],
        dtype=np.float32,
    )
    assert [DOMAINS[index] for index in choose(score, 0.5)] == ["general", "math", "general", "multilingual"]
    assert [DOMAINS[index] for index in choose(score, 0.3)] == ["math", "math", "general", "multilingual"]
