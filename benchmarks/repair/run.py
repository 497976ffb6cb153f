"""How much of real text `text_repair` changes, and how fast, beside datatrove's FTFY formatter.

    python benchmarks/repair/run.py FILE... [--samples 5] [--peers]

Each FILE is JSON Lines, compressed with zstd, with `text` in each record. Printed are, by file, the texts, those that
change, changes by reason and MB/s of CPU time; with `--peers` how many times as long datatrove takes; then some changes
of each reason to read, at most one of a text.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

import zstandard

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from documents import make_documents  # noqa: E402

from tamis.readers.values import clean_text  # noqa: E402
from tamis.stages.text_repair import Config, repair  # noqa: E402


def texts_of(path: Path) -> list[str]:
    """The texts of a file as a reader gives them."""
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        found = [json.loads(line).get("text") for line in file]
    cleaned = [clean_text(text) for text in found if isinstance(text, str) and text.strip()]
    return [one[0].decode() for one in cleaned if one[0]]


def main() -> None:
    """Print the table and the changes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    given = parser.parse_args()
    config = Config()
    repair(make_documents(["schÃ¶n \xad"]), config)  # compiled
    read: list[tuple[str, dict[str, object], str]] = []
    print("| | texts | changed | MB/s |" + (" datatrove takes × |" if given.peers else ""))
    for path in given.files:
        texts = texts_of(path)
        documents = make_documents(texts)
        size = sum(len(text.encode()) for text in texts)
        start = time.process_time()
        _, rows = repair(documents, config)
        seconds = time.process_time() - start
        ids = documents["id"].to_pylist()
        reasons = Counter(rows["reason"].to_pylist())
        line = f"| {path.name} | {len(texts):,} | {len(set(rows['id'].to_pylist())):,} | {size / seconds / 1e6:.0f} |"
        if given.peers:
            from datatrove.pipeline.formatters import FTFYFormatter

            formatter = FTFYFormatter(normalization="NFC")
            start = time.process_time()
            for text in texts:
                formatter.format(text)
            line += f" {(time.process_time() - start) / seconds:.0f} |"
        print(line, dict(reasons.most_common()))
        known = dict(zip(ids, texts, strict=True))
        read += [(path.name, row, known[row["id"]]) for row in rows.to_pylist()]
    dice = random.Random(0)  # noqa: S311 - the same changes every time
    dice.shuffle(read)
    shown: Counter[str] = Counter()
    seen: set[tuple[str, object, object]] = set()
    for name, row, text in read:
        key = (name, row["id"], row["reason"])
        if shown[str(row["reason"])] < given.samples and key not in seen:
            seen.add(key)
            shown[str(row["reason"])] += 1
            start, end = int(str(row["start"])), int(str(row["end"]))
            before, after = text[max(0, start - 30) : start], text[end : end + 30]
            print(f"{row['reason']}: {name}: {before!r} [{text[start:end]!r} -> {row['replacement']!r}] {after!r}")


if __name__ == "__main__":
    main()
