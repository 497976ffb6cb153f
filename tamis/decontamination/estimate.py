"""From what an audit found again to what a run has missed."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, lgamma


def _missed(found: int, hits: int, misses: int) -> Iterator[float]:
    """The chance that 0, 1, 2 … were missed.

    Recall has a beta distribution after the audit (Jeffreys' prior), and how many stay hidden until `found` + 1 are
    found a negative binomial one: beta negative binomial together.
    """
    n, a, b = found + 1, hits + 0.5, misses + 0.5
    start = lgamma(a + n) + lgamma(a + b) - lgamma(a) - lgamma(b) - lgamma(n)
    many = 0
    while True:
        terms = start + lgamma(many + n) - lgamma(many + 1) + lgamma(b + many) - lgamma(a + b + n + many)
        yield exp(terms)
        many += 1


def missed(found: int, hits: int, planted: int) -> tuple[float, int, int]:
    """How many were missed where `found` were found.

    Args:
        found: of the run.
        hits: of the audit.
        planted: by the audit; at least one.

    Returns:
        The best estimate, and the 95 % interval. At most a thousand times what was found, where the audit found next to
        nothing.
    """
    most = 1000 * (found + 10)
    low = high = None
    total = 0.0
    for many, chance in enumerate(_missed(found, hits, planted - hits)):
        total += chance
        low = many if low is None and total >= 0.025 else low
        if total >= 0.975 or many >= most:
            high = many
            break
    # With Jeffreys' recall, as the interval has it.
    recall = (hits + 0.5) / (planted + 1)
    return found * (1 - recall) / recall, low or 0, high or 0
