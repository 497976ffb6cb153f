"""Files of a web site that are written for programs and hold no text: `robots.txt` (RFC 9309), `ads.txt` (IAB).

A crawl has them by the thousand, under all sorts of names, and as lists they pass what prose is held to. They are told
by their lines; a page about them has others.
"""

from __future__ import annotations

import re

LOOKED_AT = 65_536
"""Bytes of a file that are looked at."""
LEAST = 0.9
"""Share of the lines with anything but a comment that must be such; sites write a line or two of their own."""

_FORMS = {
    "robots_txt": (
        (b"isallow", b"ISALLOW", b"-agent", b"-Agent", b"-AGENT"),
        re.compile(rb"^[ \t\xef\xbb\xbf]*(?:user-?agent|disallow)[ \t]*:", re.IGNORECASE | re.MULTILINE),
        re.compile(
            rb"\s*(?:user-?agent|(?:dis)?allow|site-?map|crawl-delay|host|no-?index|no-?archive|clean-param|request-rate"
            rb"|visit-time|content-signal|comment|cache-delay|robot-version)[ \t]*:",
            re.IGNORECASE,
        ),
    ),
    "ads_txt": (
        (b"DIRECT", b"Direct", b"RESELLER", b"Reseller", b"reseller"),
        re.compile(rb",[ \t]*(?:direct|reseller)\b", re.IGNORECASE),
        re.compile(
            rb"\s*(?:[\w.-]+\.[a-z]{2,}[ \t]*,[^,]+,[ \t]*(?:direct|reseller)\b"
            rb"|(?:contact|subdomain|inventorypartnerdomain|ownerdomain|managerdomain|placeholder)[ \t]*[=.])",
            re.IGNORECASE,
        ),
    ),
}
"""Reason → bytes of which such a file has some, which are found a hundred times as fast; what it has, and how each of
its lines begins."""


def for_machines(data: bytes) -> str | None:
    """The reason by which a text is listed that is written for programs; None for all others.

    Args:
        data: in UTF-8, or whatever ASCII is a part of.
    """
    head = data[:LOOKED_AT]
    for reason, (hints, has, line) in _FORMS.items():
        if any(hint in head for hint in hints) and has.search(head):
            said = [one for one in head.splitlines() if one.partition(b"#")[0].strip(b" \t\xef\xbb\xbf")]
            return reason if sum(map(bool, map(line.match, said))) >= LEAST * len(said) else None
    return None
