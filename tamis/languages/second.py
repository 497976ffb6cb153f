"""A second model for texts of which the first is unsure: lingua (Stahl), n-grams of up to five letters in 75 languages.

It tells single words and pairs of words apart that py3langid's model cannot, at a hundredth of its speed (900 lines/s a
core): it is asked only where the first model's score is low, 1,500 to 3,300 lines/s in all
(benchmarks/languages/run.py). Documents are rarely asked about: the score rises with their length. Its package is no
requirement of tamis (a wheel of 96 MB), and takes up to 1.3 GB of memory and 16 s to load all of its languages, each as
it is needed.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any, Literal

import numpy as np
from pydantic import Field

from tamis.errors import ModelError
from tamis.language_codes import language_code
from tamis.section import Section, Share

_KNOWN = (
    "af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gu he hi hr hu hy id is it ja ka kk ko la lg lt "
    "lv mi mk mn mr ms nl nn no pa pl pt ro ru sk sl sn so sq sr st sv sw ta te th tl tn tr ts uk ur vi xh yo zh zu"
)
KNOWN = frozenset(_KNOWN.split())
"""What it may give; Bokmål is `no`, as the packaged model has it."""


FIRST_COUNTS = 2.0
"""Of 8,574 lines that are not among those of benchmarks/languages/run.py, 83.0 % of those in the 75 languages are right
with it, and 82.5 without; 83.0 and 82.9 with 1.5 and 3."""


MAJORITY = 0.5
"""Of 9,000 lines that are not among those of benchmarks/languages/run.py, asked below .9: without it 83.7 % of those in
the 75 languages are right and 31 % of those in the others, with it 83.6 and 44, at 0.7 83.4 and 49."""


class Second(Section):
    """A second model, asked where the first is unsure."""

    model: Literal["lingua"] = Field(
        "lingua", description="lingua, 75 languages; `pip install 'tamis[lingua]'` (96 MB) brings it."
    )
    below: Share = Field(
        0.9,
        description="Score of the first model below which it is asked, where that names one of the 75 languages.",
    )
    unknown_below: Share = Field(
        0.9,
        description="The same where the first names another language, which the second never gives: unless the text is "
        "undecided it must then be more than half sure. At 0.9 85 % of words, pairs and sentences in the 75 languages "
        "are right and 53 % of those in languages that only the first knows; at 0.4 83 and 65; 64 and 65 without a "
        "second model.",
    )

    def check(self, stage: str) -> None:
        """Hold that the package is there.

        Args:
            stage: key of the stage's section.

        Raises:
            ModelError: it is not.
        """
        if importlib.util.find_spec("lingua") is None:
            msg = (
                f"{stage}.second: the package lingua-language-detector is not installed; install it (pip install "
                "'tamis[lingua]', 96 MB) wherever jobs run, or take `second` out"
            )
            raise ModelError(msg)

    def asked(self, languages: list[str], score: np.ndarray) -> np.ndarray:
        """Of which of n samples it is asked, by the languages and scores of the first model: bool[n]."""
        known = np.array([language in KNOWN for language in languages], bool)
        return np.asarray(score < np.where(known, np.float32(self.below), np.float32(self.unknown_below)))


@functools.cache
def _lingua() -> Any:
    from lingua import LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_all_languages().build()


def identify(sample: str, first: str | None = None, score: float = 0.0) -> tuple[str, float] | None:
    """Language and confidence of a sample; None where there is no word to go by.

    What the first model says counts too, by how sure it is: its language stands where the second gives it at least
    1 / (1 + `FIRST_COUNTS` * score) of the confidence that it has in its own best.

    Args:
        sample: the text.
        first: what the first model says, with this score; None: nobody was asked.
        score: its score.
    """
    values = _lingua().compute_language_confidence_values(sample)
    # Sums of floats in an order that is not fixed: rounded, they are the same every time.
    told = [(_code(one.language), round(one.value, 4)) for one in values]
    code, best = told[0]
    if best <= 0:
        return None
    same = next((value for one, value in told if one == first), 0.0)
    if first is not None and same * (1 + FIRST_COUNTS * round(score, 4)) >= best:
        return first, max(same, round(score, 4))
    return code, best


def outvotes(first: str, found: tuple[str, float]) -> bool:
    """Whether what the second model says stands against a first that was sure enough.

    Args:
        first: what the first says.
        found: what `identify` gave.
    """
    return first in KNOWN or found[1] >= MAJORITY


def _code(language: Any) -> str:
    code = language_code(language.iso_code_639_1.name.lower())
    return "no" if code == "nb" else code
