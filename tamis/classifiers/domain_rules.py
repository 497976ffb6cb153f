"""Which domain a document has: the rules that look at its kind and language, and the choice among scores.

`tamis/stages/domains.py` says what the rules are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.classifiers.selectors import holds
from tamis.language_codes import labels_of
from tamis.schemas import DOMAINS

TAUGHT = ("general", "math", "code", "reasoning")
"""Domains that the classifier tells apart; multilingual is decided by the language."""

CLASSIFIED = "prose"
"""The kind that is left to the classifier."""

RULED_BY = ("id", "kind", "language", "language_score")
"""Columns of the documents that the rules look at, with the id."""

POSITION = {name: column for column, name in enumerate(DOMAINS)}

LEAST_CERTAINTY = np.float32(0.6)


def foreign(documents: pa.Table, main_languages: Sequence[str], min_language_score: float) -> np.ndarray:
    """Documents in a language outside the main ones, sure enough or catalogues: n booleans."""
    language = documents["language"]
    main = sorted(labels_of(main_languages))
    other = holds(pc.is_valid(language)) & ~holds(pc.is_in(language, value_set=pa.array(main, pa.string())))
    sure = holds(pc.greater_equal(documents["language_score"], min_language_score))
    return other & (sure | holds(pc.equal(documents["kind"], "catalogue")))


def rule_scores(
    documents: pa.Table, main_languages: Sequence[str], min_language_score: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rules 1 to 3.

    Args:
        documents: n documents, the columns `RULED_BY`.
        main_languages: languages that are not multilingual.
        min_language_score: least score of another language.

    Returns:
        n × domains float32, and n booleans: which documents are left to the classifier (their rows are 0).
    """
    score = np.zeros((documents.num_rows, len(DOMAINS)), dtype=np.float32)
    kind = documents["kind"].to_numpy(zero_copy_only=False)
    other = foreign(documents, main_languages, min_language_score) & ~np.isin(kind, ["code", "maths"])
    certainty = pc.fill_null(pc.cast(documents["language_score"], pa.float32()), 0.0).to_numpy()
    score[kind == "code", POSITION["code"]] = 1.0
    score[kind == "maths", POSITION["math"]] = 1.0
    # At a half or less another domain would win; an unsure catalogue is still one of translations.
    sure = np.clip(certainty[other], LEAST_CERTAINTY, 1.0)
    score[other, POSITION["multilingual"]] = sure
    score[other, POSITION["general"]] = np.float32(1.0) - sure
    score[np.isin(kind, ["licence", "catalogue"]) & ~other, POSITION["general"]] = 1.0
    return score, (kind == CLASSIFIED) & ~other


def choose(score: np.ndarray, min_probability: float) -> np.ndarray:
    """The domain of each row of n × domains: the largest, unless it is learnt and below `min_probability`."""
    chosen = score.argmax(axis=1)
    best = score[np.arange(len(score)), chosen]
    learnt = np.array([POSITION[name] for name in ("math", "code", "reasoning")])
    unsure = np.isin(chosen, learnt) & (best < min_probability)
    chosen[unsure] = POSITION["general"]
    return chosen
