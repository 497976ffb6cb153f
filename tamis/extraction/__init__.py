"""Extraction: the bytes of an HTML page to its text.

`Extractor` is the door: it hands pages to a process of its own, which is killed and started anew where a page takes too
long, too much memory or breaks a parser; C code cannot be interrupted from inside. What comes back is a `Page` or a
`Refused`, never an exception for what a page holds.
"""

from __future__ import annotations

from tamis.extraction.extractor import Extractor, shared
from tamis.extraction.outcome import Page, Refused
from tamis.extraction.settings import Extraction

__all__ = ["Extraction", "Extractor", "Page", "Refused", "shared"]
