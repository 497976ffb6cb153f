"""How fast sources are read into rows of the exchange: MB of text a second of CPU, one process, by format.

    python benchmarks/readers/run.py [--megabytes 60] [--tree FOLDER_OR_ARCHIVE …]

The corpus is made here: documents of about 1.3 kB, with URL, date and three other fields. Line feeds alone and the same
lines through a loop over `split` show what passing over empty lines costs.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.readers import Record, Source
from tamis.readers.code.source import CodeSource
from tamis.readers.columns import Columns
from tamis.readers.jsonl import JsonlSource
from tamis.readers.lines import BLOCK, lines
from tamis.readers.observed import Reading
from tamis.readers.parquet import ParquetSource
from tamis.stages.ingest import documents_of

WORDS = [
    "the",
    "harbour",
    "was",
    "quiet",
    "in",
    "morning",
    "and",
    "boats",
    "had",
    "not",
    "come",
    "back",
    "from",
    "sea",
    "where",
    "wind",
    "blew",
    "all",
    "night",
    "over",
    "long",
    "waves",
    "of",
    "grey",
    "water",
    "under",
    "a",
    "low",
    "sky",
    "that",
    "nobody",
    "on",
    "shore",
    "could",
    "look",
    "at",
    "without",
    "thinking",
    "how",
    "far",
    "it",
    "is",
    "to",
    "other",
    "side",
]


def corpus(size: int) -> list[dict[str, object]]:
    """Rows of so many bytes of text in all."""
    dice = random.Random(0)  # noqa: S311 - a corpus, the same every time
    rows: list[dict[str, object]] = []
    left = size
    while left > 0:
        paragraphs = [
            " ".join(dice.choices(WORDS, k=dice.randint(20, 90))).capitalize() + "." for _ in range(dice.randint(1, 7))
        ]
        text = "\n\n".join(paragraphs)
        left -= len(text)
        url = f"https://www.site{dice.randrange(5000)}.example/{dice.choice(WORDS)}/{dice.randrange(10**8)}.html"
        date = f"20{dice.randint(10, 24)}-0{dice.randint(1, 9)}-1{dice.randint(0, 9)}T01:02:03Z"
        rows.append(
            {"text": text, "url": url, "date": date, "id": len(rows), "score": dice.random(), "tags": ["a", "b"]}
        )
    return rows


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of a call, the better of two."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def ingested(source: Source, path: Path) -> int:
    """Read a file as a job does; how many documents it has."""
    found = source.read_together(path, Counter())
    records = (item for item in found if isinstance(item, Record | Columns))
    return sum(table.num_rows for table in documents_of(records, "s", 0))


def by_split(path: Path) -> int:
    """The lines of a file as a loop over `split` gives them."""
    count = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            for line in block.split(b"\n"):
                count += not line
    return count


def read_as_code(tree: str) -> None:
    """Read a tree or archive as the job of a unit does, hashes included, and print its speed."""
    source = CodeSource(name="s", paths=(tree,))
    files = [str(path) for path in source.input_files()]
    size = records = 0

    def read() -> None:
        nonlocal size, records
        size = records = 0
        reading = Reading(source, files, lambda _: None, Path(tempfile.gettempdir()))
        for table in reading.tables(lambda found: documents_of(found, "s", 0)):
            size += table["text"].nbytes
            records += table.num_rows

    taken = seconds(read)
    print(f"code, {tree}: {len(files)} files, {records} documents, {size / 1e6:.0f} MB, {size / 1e6 / taken:.1f} MB/s")


def main() -> None:
    """Make the files, read them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--tree", nargs="*", default=[], help="code to read, and nothing else")
    given = parser.parse_args()
    for tree in given.tree:
        read_as_code(tree)
    if given.tree:
        return
    rows = corpus(given.megabytes * 10**6)
    size = sum(len(str(row["text"])) for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        compressed = Path(folder, "a.jsonl.zst")
        with pa.CompressedOutputStream(pa.OSFile(str(compressed), "wb"), "zstd") as file:
            file.write(path.read_bytes())
        table = Path(folder, "a.parquet")
        pq.write_table(pa.Table.from_pylist(rows), table, compression="zstd")
        empty = Path(folder, "empty.jsonl")
        empty.write_bytes(b"\n" * 20_000_000)
        json_source = JsonlSource(name="s", paths=("x",))
        parquet_source = ParquetSource(name="s", paths=("x",), url_column="url", date_column="date")
        print(f"{len(rows)} documents, {size / 1e6:.0f} MB of text; CPU of one process\n")
        for name, source, file_path in (
            ("jsonl", json_source, path),
            ("jsonl.zst", json_source, compressed),
            ("parquet", parquet_source, table),
        ):
            taken = seconds(lambda source=source, file_path=file_path: ingested(source, file_path))
            print(f"{name}: {size / 1e6 / taken:.1f} MB/s")
        passed = seconds(lambda: sum(1 for _ in lines(empty, BLOCK)))
        looped = seconds(lambda: by_split(empty))
        print(
            f"line feeds alone: {20 / passed:.0f} M/s, a loop over split {20 / looped:.1f} M/s, "
            f"{looped / passed:.0f} times"
        )


if __name__ == "__main__":
    main()
