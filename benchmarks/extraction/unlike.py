"""Main content of pages of a kind that nothing was learnt from: one corpus is left out at a time.

    OMP_NUM_THREADS=1 python benchmarks/extraction/unlike.py FOLDER [--half choose] [--scores FILE] [--seed 0]

FOLDER as for `run.py`. For each corpus a model is learnt as by `train.py`, from the half `choose` of all others, and
measured on the left-out corpus' pages of a half, beside trafilatura and Resiliparse on the same pages; a corpus without
gold text by its snippets. Corpora differ in kind of page, language, age, and in what their annotators take for main
content, as a user's pages do. Choose by the half `choose`; look at the other one once. Intervals as in `run.py`. With
`--scores` what was measured of the peers is kept in a file of `run.py` and not measured again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from pages import CORPORA, GoldPage, host_of, load
from run import EXTRACTORS, column, interval, measured
from train import learn, rows_of, whole_numbers

from tamis.extraction import chosen
from tamis.extraction.model import Model

PEERS = ("resiliparse", "trafilatura")
OWN = ("lines", "cascade")


def kept_scores(path: Path | None) -> dict[str, Any]:
    """What `run.py` has measured, by extractor."""
    return json.loads(path.read_text()) if path and path.exists() else {}


def scores(name: str, pages: list[GoldPage]) -> list[dict[str, float | None]]:
    """What an extractor makes of some pages."""
    return [measured(page, EXTRACTORS[name](page.data)) for page in pages]


def main() -> None:
    """Learn, measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", default="choose", choices=("held-out", "choose"))
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    every = load(options.folder)
    pages = [page for page in every if page.half == options.half]
    corpus = np.array([page.corpus for page in pages])
    found = {name: kept["rows"] for name, kept in kept_scores(options.scores).items() if name in PEERS}
    found |= {name: scores(name, pages) for name in PEERS if name not in found}
    found |= {name: [{}] * len(pages) for name in OWN}
    rows = rows_of(every)
    for left_out in CORPORA:
        learnt = Model.from_json(whole_numbers(learn([row for row in rows if row.corpus != left_out], options.seed)))
        places = np.flatnonzero(corpus == left_out)
        with patch.object(chosen, "model", lambda learnt=learnt: learnt):
            for name in OWN:
                for place, row in zip(places, scores(name, [pages[i] for i in places]), strict=True):
                    found[name][place] = row
    print("\n".join(table(pages, found)))


def table(pages: list[GoldPage], found: dict[str, Any]) -> list[str]:
    """Token F1 by corpus that was left out, its mean over corpora, and snippets of the corpus without gold text."""
    corpus = np.array([page.corpus for page in pages])
    hosts = np.array([host_of(page) for page in pages])
    f1 = {name: column(rows, "f1") for name, rows in found.items()}
    gold = [one for one in CORPORA if not np.isnan(f1[PEERS[0]][corpus == one]).all()]
    means = {name: [np.nanmean(values[corpus == one]) for one in gold] for name, values in f1.items()}
    told = [f"{one} ({(corpus == one).sum()})" for one in gold]
    lines = [f"| learnt without | {' | '.join(told)} | mean of corpora |", "|---" * (len(gold) + 2) + "|"]
    for name, values in means.items():
        lines.append(f"| {name} | {' | '.join(f'{one:.3f}' for one in values)} | {np.mean(values):.3f} |")
    for own in OWN:
        for peer in PEERS:
            cells = []
            for one in gold:
                part = corpus == one
                mean, low, high = interval((f1[own] - f1[peer])[part], hosts[part].tolist())
                cells.append(f"{mean:+.3f} ({low:+.3f} to {high:+.3f})")
            difference = np.mean(means[own]) - np.mean(means[peer])
            lines.append(f"| {own} - {peer} | {' | '.join(cells)} | {difference:+.3f} |")
    lines += ["", "| learnt without | wanted snippets | unwanted |", "|---|---|---|"]
    for one in CORPORA:
        for name, rows in found.items():
            shares = [column(rows, kind)[corpus == one] for kind in ("wanted", "unwanted")]
            if not np.isnan(shares).all():
                lines.append(f"| {one}, {name} | {' | '.join(f'{np.nanmean(share):.3f}' for share in shares)} |")
    return lines


if __name__ == "__main__":
    main()
