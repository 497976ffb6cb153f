"""CPU seconds of `privacy` and `decontamination` on hostile text at growing sizes.

    python benchmarks/hygiene/hostile.py [--megabytes 1] [--doublings 3]

Texts of one piece again and again: digits, fragments of addresses, suspects without end, seeds of benchmark items, one
word, tags that stay open. The first look is at a small text, which loads kernels and lists, and does not count. `ratio`
is what the last doubling took, so 2 where time is in proportion to the text.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tamis.decontamination.benchmarks import Item  # noqa: E402
from tamis.decontamination.index import build  # noqa: E402
from tamis.decontamination.matches import Finder  # noqa: E402
from tamis.decontamination.rarity import Holding, rarity  # noqa: E402
from tamis.privacy.detect import private_spans  # noqa: E402
from tamis.stages.decontamination import Config as Decontamination  # noqa: E402
from tamis.stages.privacy import Config as Privacy  # noqa: E402

QUESTION = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
PRIVATE = (
    "1", "1 ", "12.", "1-", "0", "(", "a@", "a@b.de ", "@", "://a:", "a:b@", "-----BEGIN ", "key=", "::", "2001:",
    "(at)", " dot ", "%40", "DE12 ", "0123 456 789 ", "+", "tel 030 123 4567 ", "sk-", "ghp_", "abcdef12",
    "eyJa.", "4539 ",
)  # fmt: skip
ITEMS = (
    "1", "one ", "one two three four five ", f"{QUESTION} ", "one two three four five x ", "five four three two one ",
    "<p ", "&lt;", "\\left( ", "語", "sixteen one two three ",
)  # fmt: skip


def privacy() -> Callable[[str], None]:
    """Look for everything private."""
    config = Privacy()

    def look(text: str) -> None:
        column = pa.array([text], pa.large_string())
        private_spans(column, np.ones(1, bool), config.kinds, config.phone_regions)

    return look


def decontamination() -> Callable[[str], None]:
    """Look for a hundred items that share their seeds with the text."""
    words = QUESTION.split()
    items = [
        Item("b", str(shift), " ".join(words[shift % 16 :] + words[: shift % 16] + [f"w{shift}"]), (), "", (), "")
        for shift in range(100)
    ]
    index = build(items, Decontamination().scheme())

    def look(text: str) -> None:
        column = pa.chunked_array([pa.array([text], pa.large_string())])
        every = np.ones(1, bool)
        holding = Holding(index.arrays)
        holding.add(column, every)
        weights = rarity(index.arrays, int(holding.counts[-1]), holding.counts[:-1])
        Finder(index, weights).find(column, every)

    return look


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=1.0, help="of the smallest text")
    parser.add_argument("--doublings", type=int, default=3)
    given = parser.parse_args()
    sizes = [given.megabytes * 2**doubling for doubling in range(given.doublings + 1)]
    for name, make, pieces in (("privacy", privacy, PRIVATE), ("decontamination", decontamination, ITEMS)):
        look = make()
        print(f"\n## {name}\n\n| piece | {' | '.join(f'{size:g} MB' for size in sizes)} | ratio |")
        print("| --- |" + " --- |" * (len(sizes) + 1))
        for piece in pieces:
            look(piece * 2000)
            seconds = []
            for size in sizes:
                text = piece * int(size * 1e6 / len(piece.encode()))
                begin = time.process_time()
                look(text)
                seconds.append(time.process_time() - begin)
            shown = " | ".join(f"{one:.2f}" for one in seconds)
            print(f"| `{piece}` | {shown} | {seconds[-1] / seconds[-2]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
