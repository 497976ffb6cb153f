"""Encodings that a file names for itself, as far as they are harmless."""

from __future__ import annotations

import re

ENCODINGS = frozenset(
    {
        "utf-8",
        "utf8",
        "utf-8-sig",
        "ascii",
        "us-ascii",
        "latin-1",
        "latin1",
        "big5",
        "gbk",
        "gb2312",
        "gb18030",
        "euc-jp",
        "euc-kr",
        "shift-jis",
        "koi8-r",
        "koi8-u",
        *(f"iso-8859-{part}" for part in range(1, 17)),
        *(f"{prefix}{page}" for prefix in ("cp", "windows-") for page in (437, 850, 866, *range(1250, 1259))),
    }
)
"""Encodings that a member may name. Python knows others, which decompress, decode escapes or take quadratic time."""

CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
"""Python's coding line (PEP 263)."""
