"""Spans by dolma's tagger `pii_regex_with_counts_fast_v2`: python with_dolma.py texts.json spans.json.

Of the package the modules of this tagger only are imported, because all taggers together want fastText, models and the
network: `pip install --no-deps dolma` and `pip install msgspec necessary nltk uniseg zstandard omegaconf smart_open
requests` are enough.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path

KINDS = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone_number", "IP_ADDRESS": "ip_address"}


def main() -> None:
    """Read texts, write spans."""
    found = importlib.util.find_spec("dolma")
    if found is None or found.origin is None:
        raise SystemExit(f"{sys.executable} has no package dolma; pip install --no-deps dolma")
    for name in ("dolma", "dolma.core", "dolma.taggers"):
        package = types.ModuleType(name)
        package.__path__ = [str(Path(found.origin).parent.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    pii = importlib.import_module("dolma.taggers.pii")
    data_types = importlib.import_module("dolma.core.data_types")
    tagger = pii.FastPiiRegex()
    given, made = map(Path, sys.argv[1:])
    result = []
    for text in json.loads(given.read_text(encoding="utf-8")):
        spans = tagger.predict(data_types.Document(source="", version="", id="", text=text)).spans
        result.append([(one.start, one.end, KINDS[one.type]) for one in spans if one.type in KINDS])
    made.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
