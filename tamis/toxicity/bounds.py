"""Bounds on what was counted, and which documents lie beyond them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.language_codes import language_code
from tamis.section import Section
from tamis.toxicity.measure import DISTINCT, HITS, SHARE

ScoreName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class Bounds(Section):
    """What a document may have at most; null, or no name: no bound."""

    max_hits: int | None = Field(
        None, ge=0, description="Occurrences of entries, at most; C4 has 0. A long text has more of anything."
    )
    max_distinct: int | None = Field(None, ge=0, description="Different entries, at most.")
    max_share: Annotated[float, Field(ge=0.0, le=1.0)] | None = Field(
        None, description="Share of the words that stand in entries, at most, 0 to 1."
    )
    max_scores: dict[ScoreName, float] = Field(
        {}, description="Classifier → its score, at most; a document without that score passes."
    )

    @property
    def any(self) -> bool:
        """Whether there is a bound."""
        return any(True for _ in self.each())

    def each(self) -> Iterator[tuple[str, str, float]]:
        """Reason, column and value of every bound, in the order in which they are asked."""
        for reason, value in ((HITS, self.max_hits), (DISTINCT, self.max_distinct), (SHARE, self.max_share)):
            if value is not None:
                yield reason, reason, value
        yield from ((f"score_{name}", name, value) for name, value in sorted(self.max_scores.items()))

    def label(self) -> str:
        """The bounds in a few words."""
        names = {HITS: "hits", DISTINCT: "different entries", SHARE: "share"}
        return " or ".join(f"{names.get(column, column)} > {value:g}" for _, column, value in self.each()) or "no bound"


class Beyond(NamedTuple):
    """Which of n documents lie beyond a bound: the place of the first among `reasons` (-1: none), value and bound."""

    reasons: list[str]
    which: np.ndarray
    value: np.ndarray
    bound: np.ndarray


def beyond(rows: pa.Table, bounds: Bounds, languages: Mapping[str, Bounds], asked: np.ndarray) -> Beyond:
    """Hold documents against bounds.

    Args:
        rows: n rows of a score file, with a language.
        bounds: for all languages that have none of their own.
        languages: language → bounds.
        asked: which documents are looked at: n booleans.
    """
    n = rows.num_rows
    found = Beyond([], np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan))
    given = [language_code(language) for language in languages]
    own = pc.fill_null(pc.index_in(rows["language"], value_set=pa.array(given, pa.string())), -1).to_numpy()
    for place, held in ((-1, bounds), *enumerate(languages.values())):
        mine = asked & (own == place)
        for reason, column, bound in held.each() if mine.any() else ():
            # Null is not a number, and no number is beyond a bound then.
            value = rows[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
            where = mine & (found.which < 0) & (value > bound)
            if reason not in found.reasons:
                found.reasons.append(reason)
            found.which[where] = found.reasons.index(reason)
            found.value[where] = value[where]
            found.bound[where] = bound
    return found
