"""The choice among the scores of domains."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tamis.classifiers.domain_rules import choose, foreign
from tamis.schemas import DOMAINS


def test_main_languages_are_those_of_their_macrolanguage_too() -> None:
    languages = ["no", "nn", "nb", "da", "zh", "yue", None]
    documents = pa.table(
        {"language": languages, "language_score": pa.array([0.9] * 7, pa.float32()), "kind": ["prose"] * 7}
    )
    assert foreign(documents, ("nb", "zh"), 0.65).tolist() == [False, True, False, True, False, False, False]
    assert foreign(documents, ("no",), 0.65).tolist() == [False, False, False, True, True, True, False]


def test_a_learnt_domain_needs_its_least_probability() -> None:
    score = np.array(
        [[0.3, 0.4, 0.2, 0.1, 0.0], [0.1, 0.6, 0.2, 0.1, 0.0], [0.4, 0.4, 0.2, 0.0, 0.0], [0.45, 0.0, 0.0, 0.0, 0.55]],
        dtype=np.float32,
    )
    assert [DOMAINS[index] for index in choose(score, 0.5)] == ["general", "math", "general", "multilingual"]
    assert [DOMAINS[index] for index in choose(score, 0.3)] == ["math", "math", "general", "multilingual"]
