"""Whether a text is source code, by a linear model over figures of its form (`tamis.kernels.code_form`).

The weights are of a logistic regression, fitted by `benchmarks/kinds/run.py --fit` on files of source distributions,
whose endings say what they are (forty programming languages, with their licence headers, docstrings and comments), and
on prose, manuals, mails, licences and markup of mathematics. What it gives on projects that were not learnt from stands
in `benchmarks/results`.
"""

from __future__ import annotations

import functools

import numpy as np

INTERCEPT = -2.796
WEIGHTS = {
    "punctuation !": 2.578,
    'punctuation "': 9.987,
    "punctuation #": 0.961,
    "punctuation $": -4.915,
    "punctuation %": -1.467,
    "punctuation &": -5.030,
    "punctuation '": 2.035,
    "punctuation (": 7.157,
    "punctuation )": 7.244,
    "punctuation *": 0.857,
    "punctuation +": 6.035,
    "punctuation ,": 3.013,
    "punctuation -": 4.828,
    "punctuation .": 1.372,
    "punctuation /": -5.489,
    "punctuation :": 2.738,
    "punctuation ;": 5.139,
    "punctuation <": 1.855,
    "punctuation =": 8.009,
    "punctuation >": 0.090,
    "punctuation ?": -4.472,
    "punctuation @": -4.413,
    "punctuation [": 0.838,
    "punctuation \\": -4.914,
    "punctuation ]": 1.022,
    "punctuation ^": -1.384,
    "punctuation _": 0.249,
    "punctuation `": -7.137,
    "punctuation {": -0.389,
    "punctuation |": 0.900,
    "punctuation }": -1.035,
    "punctuation ~": 1.615,
    "first lower": -1.536,
    "first upper": -4.452,
    "first digit": -2.026,
    "first #": 2.940,
    "first /": 4.421,
    "first *": -1.331,
    "first -": -3.735,
    "first <": -4.509,
    "first @": 0.878,
    "first closing": 0.845,
    "first quote": 0.231,
    "first .": 0.205,
    "first ;": 9.045,
    "first %": -0.351,
    "first beyond": -4.792,
    "first other": -3.599,
    "last lower": 1.312,
    "last upper": -0.274,
    "last digit": 0.284,
    "last ;": 2.628,
    "last {": 1.449,
    "last }": 1.835,
    "last )": 0.301,
    "last ,": 0.758,
    "last :": -3.679,
    "last .": -1.001,
    "last !?": -2.007,
    "last (": 4.763,
    "last >": -1.338,
    "last =": -3.256,
    "last \\": 1.248,
    "last quote": 0.982,
    "last beyond": -1.620,
    "last other": 1.400,
    "pair word space word": -2.974,
    "pair word(": 1.700,
    "pair word.word": 0.126,
    "pair word_word": 9.415,
    "pair aB": 4.174,
    "pair ==": -6.649,
    "pair ::": -5.782,
    "pair ->": 2.730,
    "pair =>": 4.070,
    "pair //": 2.637,
    "pair &&": 0.740,
    "pair ||": 0.893,
    "pair  = ": 7.014,
    "pair );": 3.033,
    "pair ()": -4.323,
    "pair []": 0.889,
    "pair {}": 1.230,
    "pair , word": -5.167,
    "pair </": 0.441,
    "pair />": -0.147,
    "pair --": -2.445,
    "pair :=": 1.768,
    "pair +=": 0.793,
    "pair word[": 0.513,
    "pair $word": -4.204,
    "pair @word": 0.900,
    "pair %word": 0.442,
    "pair #word": 0.951,
    "pair !=": 0.664,
    "pair word:word": 7.054,
    "pair digit,": 0.940,
    "pair word = ": 4.644,
    "letters": 2.143,
    "capitals": 4.089,
    "digits": -2.675,
    "beyond ASCII": 3.675,
    "indented lines": 2.059,
    "tabs": 4.230,
    "line length": -1.505,
    "short lines": 2.957,
    "blank lines": -3.843,
}


@functools.cache
def _weights() -> np.ndarray:
    from tamis.kernels.code_form import NAMES

    return np.array([WEIGHTS[name] for name in NAMES])


def code_scores(data: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """How much texts look like source code: the logarithm of the odds; minus infinity for less than three lines.

    Args:
        data: uint8, UTF-8 of the texts.
        bounds: int64[n, 2], where each of them, or its beginning, begins and ends.

    Returns:
        float64[n].
    """
    from tamis.kernels.code_form import scores

    return scores(data, bounds, _weights()) + INTERCEPT


def code_score(data: bytes) -> float:
    """`code_scores` of one text."""
    return float(code_scores(np.frombuffer(data, np.uint8), np.array([[0, len(data)]], np.int64))[0])
