"""dolma's Bloom-filter paragraph de-duplication: attributes only, it rewrites no document.

dolma reads gzip JSON lines under documents/ and writes attributes beside them. Making those lines from Parquet
(`--prepare`, once) is not counted, and rewriting the documents (its mixer) is left out; both in its favour.

    python dolma_paragraphs.py --input FOLDER --output FOLDER --workers 2
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


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--prepare", action="store_true", help="only make the JSON lines")
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
    (given.output / "dolma.json").write_text(json.dumps(config))
    command = [str(Path(sys.executable).parent / "dolma"), "-c", str(given.output / "dolma.json"), "dedupe"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
