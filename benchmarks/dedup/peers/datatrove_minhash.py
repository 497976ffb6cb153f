"""datatrove's MinHash in its four steps with its defaults (14 buckets of 8 hashes, 5-grams, English words by spaCy).

Parquet in, Parquet out. Local executor; as many tasks as input files (14 for the buckets), `--workers` at a time.

    python datatrove_minhash.py --input FOLDER --output FOLDER --workers 2
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter


def main() -> None:
    """Run the four steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    shutil.rmtree(given.output, ignore_errors=True)
    work, config = given.output / "work", MinhashConfig()
    files = len(list(given.input.glob("*.parquet")))

    def run(name: str, pipeline: list, tasks: int) -> None:
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=given.workers, logging_dir=str(work / "logs" / name)).run()

    # Only id and text: the column `rank` of tamis' documents would name a file of its own for each document.
    reader = ParquetReader(str(given.input), glob_pattern="*.parquet", read_metadata=False)
    run("signatures", [reader, MinhashDedupSignature(str(work / "signatures"), config=config)], files)
    buckets = MinhashDedupBuckets(str(work / "signatures"), str(work / "buckets"), config=config)
    run("buckets", [buckets], config.num_buckets)
    run("cluster", [MinhashDedupCluster(str(work / "buckets"), str(work / "remove"), config=config)], 1)
    writer = ParquetWriter(str(given.output / "documents"), compression="zstd")
    run("filter", [reader, MinhashDedupFilter(str(work / "remove")), writer], files)


if __name__ == "__main__":
    main()
