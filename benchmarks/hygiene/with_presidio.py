"""Spans by presidio's pattern recognizers, without a language model: python with_presidio.py texts.json spans.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tldextract
from presidio_analyzer import predefined_recognizers as recognizers

KINDS = {
    "EmailRecognizer": "email",
    "IpRecognizer": "ip_address",
    "PhoneRecognizer": "phone_number",
    "CreditCardRecognizer": "payment_card",
    "IbanRecognizer": "iban",
    "UsSsnRecognizer": "national_id",
}
LEAST = 0.4
"""Score from which a span counts: what presidio gives a telephone number by shape alone."""


def main() -> None:
    """Read texts, write spans."""
    # Its own list of suffixes, not the network's.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    given, made = map(Path, sys.argv[1:])
    tools = [(kind, getattr(recognizers, name)()) for name, kind in KINDS.items()]
    found = []
    for text in json.loads(given.read_text(encoding="utf-8")):
        spans = []
        for kind, tool in tools:
            results = tool.analyze(text, tool.supported_entities, None) or ()
            spans += [(one.start, one.end, kind) for one in results if one.score >= LEAST]
        found.append(spans)
    made.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
