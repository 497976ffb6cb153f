"""text-dedup's MinHash, its own command line, with 42 bands of 6 rows (5-grams, its other defaults).

Parquet in; its output is a `datasets` folder of Arrow files, which it cannot write as Parquet, so nothing is converted.

    python text_dedup_minhash.py --input FOLDER --output FOLDER --workers 2
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--bands", type=int, default=42)
    parser.add_argument("--rows", type=int, default=6)
    given = parser.parse_args()
    shutil.rmtree(given.output, ignore_errors=True)
    given.output.mkdir(parents=True)
    command = [sys.executable, "-m", "text_dedup.minhash", "--path", "parquet", "--split", "train"]
    command += ["--data_files", str(given.input / "*.parquet"), "--column", "text", "--ngram", "5"]
    command += ["--num_perm", str(given.bands * given.rows), "--b", str(given.bands), "--r", str(given.rows)]
    command += ["--threshold", "0.7", "--num_proc", str(given.workers)]
    # A cache of its own: nothing of an earlier run is reused.
    command += ["--cache_dir", str(given.output / "cache"), "--output", str(given.output / "documents")]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
