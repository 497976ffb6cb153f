"""What equal bits on every processor cost: documents a second of the packaged MiniLM, portable and not.

    python benchmarks/backbone/portable.py [--tokens 64 256] [--rounds 5]

Each way runs in a process of its own, since its arithmetic is settled once a process; the ways take turns, and a table
of medians is printed. Seconds are those of the processor, on one thread, which other programs disturb less than the
clock's.
`alone` is the way when texts go one at a time, which is taken where a text's place in a batch changes its bits.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from statistics import median

WAYS = {"as fast as can be": {}, "alone": {"batch": 1}, "portable": {"portable": True}}
TEXT = "The sum of two even numbers is even, because both are multiples of two and so is what they add up to. " * 40


def measure(settings: dict[str, object], documents: int) -> float:
    """Documents a second of processor time in this process, once it has warmed up."""
    import pyarrow as pa

    from tamis.classifiers.backbone import Backbone
    from tamis.classifiers.encoder import load_encoder

    encoder = load_encoder(Backbone.model_validate(settings))
    texts = pa.chunked_array([pa.array([f"{number} {TEXT}" for number in range(documents)], pa.large_string())])
    encoder.encode(texts)
    start = time.process_time()
    encoder.encode(texts)
    return documents / (time.process_time() - start)


def in_own_process(settings: dict[str, object], documents: int) -> float:
    """`measure` in a fresh interpreter."""
    given = json.dumps({"settings": settings, "documents": documents})
    done = subprocess.run([sys.executable, __file__, "--one", given], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Print the table, or measure once for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        sys.stdout.write(f"{measure(**json.loads(given.one))}\n")
        return
    from tamis.machine import this_processor

    rows = [
        f"{this_processor()}; {os.cpu_count()} cores; Python {platform.python_version()}, torch {version('torch')}, "
    ]
    rows[0] += f"transformers {version('transformers')}; {given.rounds} rounds"
    rows += ["", "| tokens | way | documents/s (median, all) | times as long |", "|---|---|---|---|"]
    for tokens in given.tokens:
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(given.rounds):
            for way, settings in WAYS.items():
                found[way].append(in_own_process({"max_tokens": tokens, **settings}, max(32, 4096 // tokens)))
        fastest = median(next(iter(found.values())))
        for way, speeds in found.items():
            each = ", ".join(f"{speed:.1f}" for speed in sorted(speeds))
            rows.append(f"| {tokens} | {way} | {median(speeds):.1f} ({each}) | {fastest / median(speeds):.1f} |")
    sys.stdout.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
