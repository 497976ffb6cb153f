"""How long to wait before something is asked for again over a network."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT, LAST_WAIT = 1.0, 60.0
"""Seconds: bounds of the random wait before the second try, and before any."""

PATIENCE = 600.0
"""Seconds that a server may ask to wait; one that asks for more has run out of what it may give today."""


def jitter(tries: int) -> float:
    """Seconds to wait after so many tries: a random time of up to 1, 2, 4 … 60.

    "Full jitter" (Brooker 2015), which spreads clients best.

    Args:
        tries: that have failed, at least 1.
    """
    # Not for secrets: any spread will do.
    return random.uniform(0.0, min(LAST_WAIT, FIRST_WAIT * 2.0 ** (tries - 1)))  # noqa: S311


def retry_after(value: str | None) -> float | None:
    """Seconds that the header `Retry-After` asks for; None where it says nothing that can be understood."""
    value = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)
