"""Speed of extractors, page by page in turns, so that other work on the machine slows all of them alike.

    python benchmarks/extraction/speed.py FOLDER [--pages 200] [--rounds 3]

FOLDER as for `run.py`; pages of all corpora, every so many. Each extractor has the process that a run gives it, whose
CPU time is counted, pipe and all. What compares is the ratio: CPU seconds vary by a third with what else runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from pages import load

from tamis.extraction import Extraction, Extractor

EXTRACTORS = ("resiliparse", "lines", "cascade", "trafilatura")


def cpu_seconds(extractor: Extractor) -> float:
    """What the process of an extractor has taken so far."""
    return int(Path(f"/proc/{extractor.pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=["resiliparse", "lines", "cascade"], choices=EXTRACTORS)
    options = parser.parse_args()
    pages = [page.data for page in load(options.folder)]
    chosen = pages[:: max(len(pages) // options.pages, 1)]
    extractors = [Extractor(Extraction(extractor=one)) for one in options.only]
    spent = []
    for _ in range(options.rounds):
        for extractor in extractors:
            extractor.extract(chosen[0])
        before = [cpu_seconds(extractor) for extractor in extractors]
        for page in chosen:
            for extractor in extractors:
                extractor.extract(page)
        spent.append([cpu_seconds(extractor) - start for extractor, start in zip(extractors, before, strict=True)])
    rates = len(chosen) / np.array(spent)
    ratios = rates / rates[:, :1]
    print(f"{len(chosen)} pages, {sum(map(len, chosen)) / len(chosen) / 1e3:.0f} kB each, {options.rounds} rounds\n")
    print(f"| extractor | pages a CPU second, median and range | of {options.only[0]}'s |\n|---|---|---|")
    for name, rate, ratio in zip(options.only, rates.T, ratios.T, strict=True):
        print(
            f"| {name} | {np.median(rate):.0f} ({rate.min():.0f} to {rate.max():.0f}) | {np.median(ratio):.2f} "
            f"({ratio.min():.2f} to {ratio.max():.2f}) |"
        )


if __name__ == "__main__":
    main()
