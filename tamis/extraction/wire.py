"""How the extracting process and its owner talk: lengths, a JSON object, then bytes."""

from __future__ import annotations

from struct import Struct

HEADER = Struct("<IQ")
"""Of a page: bytes of its JSON object (url, charset), bytes of HTML."""

REPLY = Struct("<IQ")
"""Of an outcome: bytes of its JSON object (fields of `Page` but the text, or of `Refused`), bytes of text in UTF-8."""

READY = b"!"
"""What the extracting process says once it can take pages."""
