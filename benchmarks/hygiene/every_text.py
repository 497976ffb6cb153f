"""Every text at hand as files that decontamination.py reads: corpora, chats, pairs, labels, pages, a run's documents.

    python benchmarks/hygiene/every_text.py DATA RESULTS OUT

DATA holds folders `text`, `chat`, `pairs`, `labels` and `web` of `*.jsonl.zst`, in `web` also `*.warc.gz`; of a record
the `text`, or else all of its strings; of a page of an archive its main content. RESULTS is the folder of a run, of
which the documents as ingested are taken. OUT gets a `*.jsonl.zst` a file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tamis.readers.record import Record  # noqa: E402
from tamis.readers.warc import WarcSource  # noqa: E402
from tamis.shards import table_batches  # noqa: E402


def strings(value: Any) -> Iterator[str]:
    """Every string of a record, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def of_lines(path: Path) -> Iterator[str]:
    """The texts of a file of records."""
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        for line in file.read().split("\n"):
            record = json.loads(line) if line else {}
            yield record["text"] if isinstance(record.get("text"), str) else "\n".join(strings(record))


def of_archive(path: Path) -> Iterator[str]:
    """The main content of the pages of a web archive."""
    source = WarcSource(name="web", format="warc", paths=(str(path),))
    yield from (found.text for found in source.read(path) if isinstance(found, Record))


def write(path: Path, texts: Iterable[str]) -> None:
    """Write texts that are not empty."""
    many = 0
    with zstandard.open(path, "wt", encoding="utf-8") as file:
        for text in texts:
            if text.strip():
                file.write(json.dumps({"text": text}) + "\n")
                many += 1
    print(f"{path.name}: {many:,}")


def main() -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for folder in ("text", "chat", "pairs", "labels", "web"):
        for path in sorted((given.data / folder).glob("*.jsonl.zst")):
            if not path.name.endswith(".pairs.jsonl.zst"):
                write(given.out / f"{folder}-{path.name}", of_lines(path))
    for path in sorted((given.data / "web").glob("*.warc.gz")):
        write(given.out / f"web-{path.name.partition('.')[0]}-main.jsonl.zst", of_archive(path))
    documents = sorted((given.results / "ingest" / "documents").glob("*.parquet"))
    read = (text for path in documents for batch in table_batches(path, ["text"]) for text in batch["text"].to_pylist())
    write(given.out / "run-documents.jsonl.zst", read)


if __name__ == "__main__":
    main()
