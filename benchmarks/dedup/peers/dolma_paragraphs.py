"""dolma's Bloom-filter paragraph de-duplication, with or without its mixer, which rewrites the documents.

dolma reads gzip JSON lines under documents/ and writes attributes beside them. Making those lines from Parquet
(`--prepare`, once) is not counted. With `--rewrite`, its mixer then cuts the spans of the attributes out of the
documents, in as many streams as there are workers, and writes gzip JSON lines.

    python dolma_paragraphs.py --input FOLDER --output FOLDER --workers 2 [--rewrite]
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path


def prepare(source: Path, folder: Path) -> None:
    """The documents as gzip JSON lines, once; by the project's interpreter: dolma's NumPy is too old for pyarrow."""
    import pyarrow.parquet as pq

    documents = folder / "documents"
    if documents.exists():
        return
    documents.mkdir(parents=True)
    for path in sorted(source.glob("*.parquet")):
        with gzip.open(documents / f"{path.stem}.json.gz", "wt", compresslevel=1, encoding="utf-8") as file:
            for batch in pq.ParquetFile(path).iter_batches(1_000, columns=["id", "text"]):
                for row in batch.to_pylist():
                    file.write(json.dumps({"id": row["id"], "text": row["text"], "source": "benchmark"}) + "\n")


def dolma(config: dict, output: Path, command: str) -> None:
    """Run one of dolma's commands."""
    path = output / f"{command}.json"
    path.write_text(json.dumps(config))
    subprocess.run([str(Path(sys.executable).parent / "dolma"), "-c", str(path), command], check=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--prepare", action="store_true", help="only make the JSON lines")
    parser.add_argument("--rewrite", action="store_true", help="also run the mixer")
    given = parser.parse_args()
    if given.prepare:
        prepare(given.input, given.output)
        return
    shutil.rmtree(given.output / "attributes", ignore_errors=True)
    (given.output / "bloom.bin").unlink(missing_ok=True)
    config = {
        "documents": [str(given.output / "documents" / "*.json.gz")],
        "dedupe": {"name": "paragraphs", "paragraphs": {"attribute_name": "duplicate_paragraphs"}, "skip_empty": True},
        "bloom_filter": {
            "file": str(given.output / "bloom.bin"),
            "read_only": False,
            "estimated_doc_count": 10_000_000,
            "desired_false_positive_rate": 1e-6,
        },
        "processes": given.workers,
    }
    dolma(config, given.output, "dedupe")
    if not given.rewrite:
        return
    shutil.rmtree(given.output / "rewritten", ignore_errors=True)
    files = sorted(str(path) for path in (given.output / "documents").glob("*.json.gz"))
    cut = {"span": "$.attributes.duplicate_paragraphs", "min_score": 0.5, "replacement": ""}
    streams = [
        {
            "name": f"stream-{number}",
            "documents": files[number :: given.workers],
            "attributes": ["paragraphs"],
            "output": {"path": str(given.output / "rewritten"), "max_size_in_bytes": 1_000_000_000},
            "span_replacement": [cut],
        }
        for number in range(given.workers)
    ]
    dolma({"streams": streams, "processes": given.workers}, given.output, "mix")


if __name__ == "__main__":
    main()
