"""rensa (Rust MinHash and LSH) with the n-grams that it needs made in Python; 42 bands of 6 rows.

Parquet in, Parquet out. Two processes make lower-cased word 5-grams as strings and rensa's signatures of them; one
goes through rensa's LSH index in order of input: a document is dropped when a kept earlier one shares a bucket.
Nothing is verified.

    python rensa_minhash.py --input FOLDER --output FOLDER --workers 2
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rensa import RMinHash, RMinHashLSH

WORDS = re.compile(r"\w+")
NGRAM, BANDS, ROWS, SEED = 5, 42, 6, 42


def ngrams(text: str) -> list[str]:
    """Word 5-grams as strings; a short text is one n-gram."""
    words = WORDS.findall(text.lower())
    return [" ".join(words[i : i + NGRAM]) for i in range(max(1, len(words) - NGRAM + 1))]


def sketches(path: Path) -> list[RMinHash]:
    """The signatures of one file."""
    found = []
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1_000, columns=["text"]):
            for text in batch["text"].to_pylist():
                sketch = RMinHash(BANDS * ROWS, SEED)
                sketch.update(ngrams(text))
                found.append(sketch)
    return found


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    shutil.rmtree(given.output, ignore_errors=True)
    given.output.mkdir(parents=True)
    files = sorted(given.input.glob("*.parquet"))
    index, number = RMinHashLSH(0.7, BANDS * ROWS, BANDS), 0
    with multiprocessing.Pool(given.workers) as pool:
        for path, found in zip(files, pool.imap(sketches, files), strict=True):
            keep = []
            for sketch in found:
                keep.append(not index.query(sketch))
                if keep[-1]:
                    index.insert(number, sketch)
                number += 1
            pq.write_table(pq.read_table(path).filter(pa.array(keep)), given.output / path.name, compression="zstd")


if __name__ == "__main__":
    main()
