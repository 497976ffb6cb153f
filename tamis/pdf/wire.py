"""How the process that reads PDFs and its owner talk: lengths, a JSON object, then bytes."""

from __future__ import annotations

from struct import Struct

ASKED = Struct("<Q")
"""Bytes of the PDF that follow."""

ANSWERED = Struct("<IQ")
"""Bytes of a JSON object (fields of `PdfText` but the text, or of `NoText`), and of text in UTF-8."""
