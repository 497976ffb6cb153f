"""Extractors on pages whose main content people marked: token F1, snippets, pages a second.

    OMP_NUM_THREADS=1 python benchmarks/extraction/run.py FOLDER --date 2026-11-28 [--scores FILE]

FOLDER holds the pages with gold text (see `pages.py`). Without the variable a second thread waits for work, and counts.
The table is of the half `held-out`, which nothing was learnt from or chosen on; `--half choose` measures the other one.
Intervals are paired bootstraps over hosts (95 %, 4,000 draws). With `--scores` what was measured of an extractor is
kept in a file and not measured again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import trafilatura
from pages import CORPORA, GoldPage, hashes_of, host_of, load, token_scores

from tamis.extraction import Extraction, Extractor, Page
from tamis.extraction.charset import decoded
from tamis.extraction.pages import extract

DRAWS = 4_000
BASELINES = ("resiliparse", "trafilatura", "trafilatura, recall")


def _own(extractor: Any) -> Callable[[bytes], str]:
    settings = Extraction(extractor=extractor)

    def text(data: bytes) -> str:
        found = extract(data, url=None, charset=None, settings=settings)
        return found.text if isinstance(found, Page) else ""

    return text


EXTRACTORS: dict[str, Callable[[bytes], str]] = {
    "resiliparse": _own("resiliparse"),
    "trafilatura": _own("trafilatura"),
    "trafilatura, recall": lambda data: trafilatura.extract(decoded(data, None)[0], favor_recall=True) or "",
    "lines": _own("lines"),
    "cascade": _own("cascade"),
}


def measured(page: GoldPage, text: str) -> dict[str, float | None]:
    """Token scores against the gold text, and the shares of snippets that are there."""
    flat = " ".join(text.split())
    row: dict[str, float | None] = {"wanted": None, "unwanted": None, "f1": None, "precision": None, "recall": None}
    if page.text is not None:
        gold, own = hashes_of([page.text, text])
        row["precision"], row["recall"], row["f1"] = token_scores(gold, own)
    for name, snippets in (("wanted", page.wanted), ("unwanted", page.unwanted)):
        if snippets:
            row[name] = sum(" ".join(one.split()) in flat for one in snippets) / len(snippets)
    return row


def interval(differences: np.ndarray, hosts: list[str]) -> tuple[float, float, float]:
    """Mean of paired differences and its 95 % interval, drawing hosts."""
    names, index = np.unique(hosts, return_inverse=True)
    sums, counts = np.bincount(index, differences), np.bincount(index)
    dice = np.random.default_rng(0)
    draws = dice.integers(0, len(names), (DRAWS, len(names)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(differences.mean()), float(low), float(high)


def column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    """A score of all pages, NaN where a page has none."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], float)


def bounded(pages: list[GoldPage]) -> float:
    """Pages a second of wall time through the process that is killed where a page is too dear."""
    with Extractor() as extractor:
        extractor.extract(b"<p>Warm.</p>")
        start = time.perf_counter()
        for page in pages:
            extractor.extract(page.data)
        return len(pages) / (time.perf_counter() - start)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--date", required=True)
    parser.add_argument("--half", default="held-out", choices=("held-out", "choose"))
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--only", nargs="+", default=list(EXTRACTORS))
    options = parser.parse_args()
    pages = [page for page in load(options.folder) if page.half == options.half]
    kept: dict[str, Any] = {}
    if options.scores and options.scores.exists():
        kept = json.loads(options.scores.read_text())
    for name in options.only:
        if name in kept:
            continue
        function = EXTRACTORS[name]
        function(pages[0].data)
        rows, seconds = [], []
        for page in pages:
            start = time.process_time()
            text = function(page.data)
            seconds.append(time.process_time() - start)
            rows.append(measured(page, text))
        kept[name] = {"rows": rows, "seconds": seconds}
        if options.scores:
            options.scores.write_text(json.dumps(kept))
    print("\n".join(table(pages, {name: kept[name] for name in options.only}, options)))


def table(pages: list[GoldPage], kept: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """The page of results."""
    corpus = np.array([page.corpus for page in pages])
    hosts = np.array([host_of(page) for page in pages])
    gold = np.array([page.text is not None for page in pages])
    lines = [f"# Main content of web pages: {options.half} half, {len(pages)} pages of {len(set(hosts))} hosts", ""]
    lines += [f"{options.date}. `python benchmarks/extraction/run.py FOLDER --date {options.date}`.", ""]
    names = [one for one in CORPORA if gold[corpus == one].any()]
    count = {one: int((corpus == one).sum()) for one in CORPORA}
    head = ["extractor", f"token F1, all {gold.sum()}", *(f"{one} ({count[one]})" for one in names)]
    head += ["precision", "recall", "wanted snippets", "unwanted", "pages a second of CPU", "no word right"]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, found in kept.items():
        f1 = column(found["rows"], "f1")
        cells = [f"{np.nanmean(f1):.3f}", *(f"{np.nanmean(f1[corpus == one]):.3f}" for one in names)]
        cells += [
            f"{np.nanmean(column(found['rows'], one)):.3f}" for one in ("precision", "recall", "wanted", "unwanted")
        ]
        cells += [f"{len(pages) / sum(found['seconds']):.0f}", str(int((f1[gold] == 0).sum()))]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "Differences of token F1, paired, with 95 % intervals:", "", f"| | all | {' | '.join(names)} |"]
    lines.append("|---" * (len(names) + 2) + "|")
    known = [one for one in BASELINES if one in kept]
    for name in kept:
        for other in known:
            if name in BASELINES:
                continue
            difference = column(kept[name]["rows"], "f1") - column(kept[other]["rows"], "f1")
            cells = []
            for part in (gold, *(gold & (corpus == one) for one in names)):
                mean, low, high = interval(difference[part], hosts[part].tolist())
                cells.append(f"{mean:+.3f} ({low:+.3f} to {high:+.3f})")
            lines.append(f"| {name} - {other} | {' | '.join(cells)} |")
    groups = sorted({(page.corpus, page.group) for page in pages if page.corpus in ("wcxb", "waddle")})
    lines += ["", f"| corpus, group | pages | {' | '.join(kept)} |", "|---" * (len(kept) + 2) + "|"]
    for one, group in groups:
        part = np.array([(page.corpus, page.group) == (one, group) for page in pages])
        cells = [f"{np.nanmean(column(found['rows'], 'f1')[part]):.3f}" for found in kept.values()]
        lines.append(f"| {one}, {group} | {part.sum()} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
