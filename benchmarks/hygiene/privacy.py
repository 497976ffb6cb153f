"""Recall and precision of `privacy` on planted values and on labels, beside datatrove, presidio and dolma; and speed.

    python benchmarks/hygiene/privacy.py TEXTS.jsonl.zst... [--each 400] [--seed 0] [--labels presidio.jsonl.zst]
        [--speed TEXTS.jsonl.zst...] [--presidio path/to/python] [--dolma path/to/python]

Values and look-alikes are planted by `plant.py`. A value counts as found where at least nine tenths of it are covered,
whatever the kind; a span is wrong where it touches no planted value, in a look-alike or in the real text around. In
brackets: Wilson's 95 % interval. `--presidio` names an interpreter with presidio-analyzer, whose pattern recognizers
run there without a language model (`with_presidio.py`), `--dolma` one with dolma, whose tagger of expressions runs
(`with_dolma.py`); a peer that is not given is named as not run. Speeds are of a second look: the first
loads lists and metadata, .1 s that a job pays once.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import zstandard
from plant import corpus

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tamis.kernels.spans import characters_of  # noqa: E402
from tamis.kernels.words import buffers  # noqa: E402
from tamis.privacy.detect import private_spans  # noqa: E402
from tamis.stages.privacy import Config  # noqa: E402

Spans = list[tuple[int, int, str]]
LABELS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone_number",
    "CREDIT_CARD": "payment_card",
    "IBAN_CODE": "iban",
    "US_SSN": "national_id",
}


def tamis(texts: Sequence[str]) -> list[Spans]:
    """Spans of each text, by characters."""
    config = Config()
    column = pa.array(texts, pa.large_string())
    spans, kinds = private_spans(column, np.ones(len(texts), bool), config.kinds, config.phone_regions)
    first, last = characters_of(*buffers(column), *spans)
    found: list[Spans] = [[] for _ in texts]
    for row, start, end, kind in zip(spans.rows.tolist(), first.tolist(), last.tolist(), kinds, strict=True):
        found[row].append((start, end, kind))
    return found


def datatrove(texts: Sequence[str]) -> list[Spans]:
    """Likewise, of datatrove's formatter: e-mail and public IPv4 addresses."""
    from datatrove.pipeline.formatters.pii import PIIFormatter

    formatter = PIIFormatter()
    found: list[Spans] = []
    for text in texts:
        spans: Spans = []
        for kind, replacer in (("email", formatter.emails_replacer), ("ip_address", formatter.ip_replacer)):
            for match in replacer.regex.finditer(text):
                if replacer.validator is None or replacer.validator(match[0]):
                    spans.append((match.start(), match.end(), kind))
        found.append(spans)
    return found


def elsewhere(python: str, script: str) -> Callable[[Sequence[str]], list[Spans]]:
    """Likewise, of a tool in another environment."""

    def run(texts: Sequence[str]) -> list[Spans]:
        with tempfile.TemporaryDirectory() as folder:
            given, made = Path(folder, "texts.json"), Path(folder, "spans.json")
            given.write_text(json.dumps(list(texts)), encoding="utf-8")
            subprocess.run([python, str(Path(__file__).with_name(script)), given, made], check=True)
            return [[(start, end, kind) for start, end, kind in spans] for spans in json.loads(made.read_text())]

    return run


def interval(right: int, of: int) -> str:
    """A share with Wilson's interval."""
    if not of:
        return "–"
    share, z = right / of, 1.96
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return f"{share:.3f} [{max(0.0, middle - half):.3f}, {min(1.0, middle + half):.3f}]"


def table(documents: Sequence[dict[str, Any]], found: Sequence[Spans], kinds: Iterable[str]) -> list[str]:
    """Lines of a table: kind, values, recall, spans, precision."""
    values, right, spans, wrong = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for document, own in zip(documents, found, strict=True):
        for value in document["spans"]:
            values[value["kind"]] += 1
            size = value["end"] - value["start"]
            covered = sum(max(0, min(end, value["end"]) - max(start, value["start"])) for start, end, _ in own)
            right[value["kind"]] += covered >= 0.9 * size
        for start, end, kind in own:
            spans[kind] += 1
            wrong[kind] += not any(start < value["end"] and end > value["start"] for value in document["spans"])
    return [
        f"| {kind} | {values[kind]} | {interval(right[kind], values[kind])} | {spans[kind]} | "
        f"{interval(spans[kind] - wrong[kind], spans[kind])} |"
        for kind in kinds
    ]


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Records of a compressed file of JSON Lines."""
    with zstandard.open(path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        return [json.loads(line) for line in file if line.strip()]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--each", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--speed", nargs="*", type=Path, default=[])
    parser.add_argument("--presidio", help="an interpreter that has presidio-analyzer and tldextract")
    parser.add_argument("--dolma", help="an interpreter that has dolma")
    given = parser.parse_args()
    documents = corpus(given.texts, given.each, given.seed)
    kinds = sorted({span["kind"] for document in documents for span in document["spans"]})
    tools: dict[str, Callable[[Sequence[str]], list[Spans]]] = {"tamis": tamis, "datatrove": datatrove}
    for peer in ("presidio", "dolma"):
        if python := getattr(given, peer):
            tools[peer] = elsewhere(python, f"with_{peer}.py")
        else:
            print(f"{peer} is not run: --{peer} names no interpreter that has it")
    texts = [document["text"] for document in documents]
    for name, tool in tools.items():
        print(f"\n{name}, planted\n\n| kind | values | recall | spans | precision |\n|---|---|---|---|---|")
        print("\n".join(table(documents, tool(texts), kinds)))
    if given.labels:
        labelled = [
            {"text": row["text"], "spans": [span | {"kind": LABELS.get(span["type"], "")} for span in row["spans"]]}
            for row in lines_of(given.labels)
        ]
        for name, tool in tools.items():
            print(f"\n{name}, labels\n\n| kind | values | recall | spans | precision |\n|---|---|---|---|---|")
            found = tool([row["text"] for row in labelled])
            print("\n".join(table(labelled, found, sorted(set(LABELS.values())))))
    for path in given.speed:
        column = [row["text"] for row in lines_of(path)]
        size = sum(len(text.encode()) for text in column)
        tamis(column[:2000])
        start = time.process_time()
        found = tamis(column)
        seconds = time.process_time() - start
        counts = Counter(kind for spans in found for _, _, kind in spans)
        print(f"{path.name}: {size / 1e6:.1f} MB, {size / seconds / 1e6:.0f} MB/s of CPU, {dict(counts.most_common())}")


if __name__ == "__main__":
    main()
