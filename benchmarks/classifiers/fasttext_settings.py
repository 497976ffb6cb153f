"""fastText's settings: accuracy on labelled sets against documents scored a second, and the default among them.

    python benchmarks/classifiers/fasttext_settings.py --data ../shared/data [--seeds 5] [--labels 300 5000]

Each row changes the default in one thing or two. Accuracy is ROC-AUC on the sets on which settings are chosen, as in
`run.py`; speed is that of the job `score` as the workflow runs it, two processes side by side, Parquet in, scores out,
on documents of 3 kB whose words the model knows, by the CPU time of the busier one, so that other work beside it counts
for little. The default is measured before and after every other model: a row's speed is its ratio to the two beside it,
times the median of all of the default.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from run import CLASSES, area, by_fasttext, column
from sets import CHOOSE, REPORT, LabelledSet, load

from tamis import checksums
from tamis.classifiers import fasttext
from tamis.classifiers.kinds import FastText
from tamis.shards import write_json, write_table
from tamis.stages import classifier

DEFAULT = "as it ships"
SETTINGS: dict[str, dict[str, int]] = {
    DEFAULT: {},
    "dimension 8": {"dimension": 8},
    "dimension 16": {"dimension": 16},
    "dimension 64": {"dimension": 64},
    "dimension 100": {"dimension": 100},
    "5 epochs": {"epochs": 5},
    "10 epochs": {"epochs": 10},
    "100 epochs": {"epochs": 100},
    "min_count 3": {"min_count": 3},
    "50,000 buckets": {"buckets": 50_000},
    "1,000,000 buckets": {"buckets": 1_000_000},
    "dimension 16, 100 epochs": {"dimension": 16, "epochs": 100},
    "dimension 100, 50 epochs, min_count 1": {"dimension": 100, "epochs": 50, "min_count": 1},
}
CHARACTERS = 3000
GOAL = 20_000
"""Documents a second on two cores."""


def texts(data: Path, number: int) -> tuple[list[str], np.ndarray]:
    """Pieces of prose of 3,000 characters, and whether each is of a book: to learn from first, then to score."""
    labelled = load("books or web", data)
    rows = np.random.default_rng(0).permutation(len(labelled.texts))
    long = [row for row in rows if len(labelled.texts[row]) >= 2_000][:number]
    # Cut to one length; shorter ones are filled up with their own beginning.
    return [(labelled.texts[row] * 2)[:CHARACTERS] for row in long], labelled.positive[long]


def corpus(folder: Path, given: Sequence[str], shards: int, documents: int) -> list[Path]:
    """A file of documents for each process: the words of all texts in stretches of another order each."""
    words = [text.split(" ") for text in given]
    paths = []
    for shard in range(shards):
        random = np.random.default_rng(shard)
        made = []
        for one, other in random.integers(0, len(words), (documents, 2)).tolist():
            half = len(words[one]) // 2
            made.append(" ".join([*words[one][:half], *words[other][half:]])[:CHARACTERS])
        ids = [f"{value:016x}{shard:016x}" for value in range(documents)]
        table = pa.table(
            {"id": ids, "kind": ["prose"] * documents, "source": ["web"] * documents, "text": column(made)}
        )
        paths.append(folder / f"part-{shard:05d}.parquet")
        write_table(paths[-1], table)
    return paths


def trained(folder: Path, given: Sequence[str], good: np.ndarray, training: fasttext.Training) -> Path:
    """The model with its card."""
    folder.mkdir()
    labels = [CLASSES[int(value)] for value in good]
    fasttext.train(column(given), labels, np.arange(len(labels)), training, folder / "model")
    write_json(folder / "card.json", {"kinds": ["prose"], "model_sha256": checksums.sha256(folder / "model")})
    return folder


def score(config: FastText, documents: Path, model: Path) -> float:
    """Score one shard in this process; returns the CPU seconds it took."""
    scores = model / f"scores-{documents.name}"
    begin = time.process_time()
    classifier.run_score(
        config, name="quality", documents=documents, model=model / "model", card=model / "card.json", scores=scores
    )
    return time.process_time() - begin


def speed(pool: ProcessPoolExecutor, training: fasttext.Training, files: Sequence[Path], model: Path) -> float:
    """CPU seconds of the process that took most to score its file."""
    config = FastText(training=training)
    return max(pool.map(score, [config] * len(files), files, [model] * len(files)))


def speeds(data: Path, settings: dict[str, fasttext.Training], rounds: int, documents: int) -> dict[str, float]:
    """Documents a second on two cores, by setting; passes of the training change nothing of it."""
    given, good = texts(data, 2_000)
    form = {name: each.settled(len(given)).model_copy(update={"epochs": 2}) for name, each in settings.items()}
    distinct = {each.model_dump_json(): each for each in form.values()}
    usual = form[DEFAULT].model_dump_json()
    ratio: dict[str, list[float]] = {key: [] for key in distinct if key != usual}
    of_default: list[float] = []
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2, get_context("spawn")) as pool:
        folder = Path(name)
        files = corpus(folder, given, 2, documents)
        models = {
            key: trained(folder / f"model {place}", given, good, training)
            for place, (key, training) in enumerate(distinct.items())
        }

        def take(key: str) -> float:
            return speed(pool, distinct[key], files, models[key])

        take(usual)
        for _ in range(rounds):
            before = take(usual)
            for key, found in ratio.items():
                own, after = take(key), take(usual)
                found.append(own / ((before + after) / 2))
                before = after
                of_default.append(after)
    rate = 2 * documents / median(of_default)
    relative = {usual: 1.0} | {key: median(found) for key, found in ratio.items()}
    return {name: rate / relative[each.model_dump_json()] for name, each in form.items()}


def accuracy(
    labelled: LabelledSet, labels: int, seeds: int, settings: dict[str, fasttext.Training]
) -> dict[str, float]:
    """Mean AUC over seeds, by setting."""
    areas: dict[str, list[float]] = {name: [] for name in settings}
    for seed in range(seeds):
        learnt, tested = labelled.split(labels, seed, 1000)
        given, asked = ([labelled.texts[row] for row in rows] for rows in (learnt, tested))
        for name, training in settings.items():
            found, _ = by_fasttext(training)(given, labelled.positive[learnt], asked)
            areas[name].append(area(name, labelled.positive[tested], found))
    return {name: float(np.mean(values)) for name, values in areas.items()}


def table(found: dict[str, dict[str, float]], fast: dict[str, float]) -> list[str]:
    """Markdown: a row a setting, a column a set."""
    lines = ["| | " + " | ".join(found) + " | mean | documents/s |", "|---|" + "---|" * (len(found) + 2)]
    for name, rate in fast.items():
        areas = [row[name] for row in found.values()]
        cells = [f"{value:.3f}".lstrip("0") for value in (*areas, float(np.mean(areas)))]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {rate:,.0f} ({rate / fast[DEFAULT]:.2f}) |")
    return lines


def main() -> None:
    """Measure and write a dated table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--labels", type=int, nargs="+", default=[300, 5000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", choices=["report", "choose"], default="choose")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of sets; all by default")
    parser.add_argument("--settings", nargs="+", default=[""], help="parts of the names of settings; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="of measuring speed")
    parser.add_argument("--documents", type=int, default=20_000, help="that each of two processes scores")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    named = [name for name in SETTINGS if name == DEFAULT or any(part in name for part in given.settings)]
    settings = {name: fasttext.Training.model_validate(SETTINGS[name]) for name in named}
    fast = speeds(given.data, settings, given.rounds, given.documents)
    print({name: round(rate) for name, rate in fast.items()}, flush=True)
    sets = [
        load(name, given.data)
        for name in (REPORT if given.sets == "report" else CHOOSE)
        if any(part in name for part in given.only)
    ]
    today = dt.datetime.now(dt.UTC).date()
    what = (
        f"ROC-AUC, mean over {given.seeds} seeds; documents of 3 kB scored a second on two cores, Parquet in, scores "
        f"out (goal {GOAL:,}), in brackets as a share of the default's. "
        f"`python benchmarks/classifiers/fasttext_settings.py --sets {given.sets} --seeds {given.seeds}`."
    )
    lines = [
        f"# fastText: accuracy against speed on the sets of `{given.sets}`, {today}",
        "",
        what,
    ]
    for labels in given.labels:
        found = {}
        for labelled in sets:
            if labels > 300 and len(labelled.texts) < 1500:  # it has no more to learn from than before
                continue
            found[labelled.name] = accuracy(labelled, labels, given.seeds, settings)
            print(
                labels,
                labelled.name,
                {name: round(value, 3) for name, value in found[labelled.name].items()},
                flush=True,
            )
        lines += ["", f"## {labels} labels, or half of the set", "", *table(found, fast)]
    output = given.output or Path("benchmarks/results") / f"{today}-fasttext-settings-{given.sets}.md"
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
