"""Coarse classifiers beside TF-IDF and length on labelled sets, and how fast each scores: `make bench-classifiers`.

    python benchmarks/classifiers/run.py --data ../shared/data [--labels 300 5000] [--seeds 20] [--sets report] [--head]
        [--full] [--methods linear words] [--records FILE] [--vectors FOLDER]

For each set and seed: whole groups (copies, pieces of one work) in random order, the first texts to learn from, others
to measure on. Figures are ROC-AUC, means over seeds; the last column is their mean over the sets. `choose` are the sets
on which settings were chosen, `report` those that had no part in it, `outside` others still (`sets.py` says where they
come from; `--data` is that folder). One process, one thread. With `--records` each seed is a line of a file, and a run
that is started again goes on where it was; with `--vectors` embeddings are kept, too.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sets import CHOOSE, OUTSIDE, REPORT, LabelledSet, load

from tamis.classifiers import fasttext, fasttext_scorer, linear_words
from tamis.classifiers.evaluation import roc_auc
from tamis.classifiers.label_files import Judged, Judgements, text_id
from tamis.classifiers.labels import Sampling, of_judgements

CLASSES = ("bad", "good")
Method = Callable[[Sequence[str], np.ndarray, Sequence[str]], tuple[np.ndarray, float]]
"""From texts to learn from, their labels and texts to score: scores, and seconds that scoring took."""

SHIPPED_BEFORE = fasttext.Training(epochs=10, min_count=3)


def column(texts: Sequence[str]) -> pa.Array:
    """Texts as Arrow has them."""
    return pa.array(texts, pa.large_string())


def length(_learnt: Sequence[str], _good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
    """Characters alone; the way round that is better."""
    return np.array([float(len(text)) for text in tested]), 0.0


COUNTED: list[tuple[Any, ...]] = []
"""Texts that were learnt from last and those measured on, their features by TF-IDF, and seconds of the latter."""


def tf_idf(strength: float) -> Method:
    """Words and pairs by TF-IDF under logistic regression, scikit-learn's defaults but for the strength."""

    def run(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        # Features are the same whatever the strength.
        if not COUNTED or COUNTED[0][:2] != (tuple(learnt), tuple(tested)):
            vectors = TfidfVectorizer(ngram_range=(1, 2))
            fitted = vectors.fit_transform(learnt)
            begin = time.process_time()
            asked = vectors.transform(tested)
            COUNTED[:] = [(tuple(learnt), tuple(tested), fitted, asked, time.process_time() - begin)]
        *_, fitted, asked, took = COUNTED[0]
        # The dual solver ends at the same optimum within its tolerance, ten times as fast on such wide features.
        model = LogisticRegression(C=strength, solver="liblinear", dual=True, max_iter=1000).fit(fitted, good)
        begin = time.process_time()
        return model.decision_function(asked), took + time.process_time() - begin

    return run


def by_fasttext(training: fasttext.Training) -> Method:
    """The fastText model as the stage trains it."""

    def run(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
        labels = [CLASSES[int(value)] for value in good]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.bin"
            fasttext.train(column(learnt), labels, np.arange(len(labels)), training, path)
            model = fasttext_scorer.load(path)
            begin = time.process_time()
            score = fasttext.probabilities(model, [column(tested)], CLASSES, training.max_characters)[:, 1]
            return score, time.process_time() - begin

    return run


def judged(texts: Sequence[str], good: np.ndarray) -> pa.Table:
    """Labelled rows of texts."""
    found = [
        Judged(text_id(text), "prose", CLASSES[int(value)], None, len(text), text)
        for text, value in zip(texts, good, strict=True)
    ]
    return of_judgements(Judgements(found, Counter()), Sampling(cap=100_000)).rows


FITTED: list[tuple[tuple[str, ...], linear_words.Model]] = []
"""Texts that were learnt from last, and the model on their words."""


def linear(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
    """The linear model as the stage trains it, by logits, which do not crowd at 0 and 1."""
    training = linear_words.Training()
    # The model on words of a stack is that which the linear stage trains.
    fitted = [model for texts, model in FITTED if texts == tuple(learnt)]
    model = fitted[0] if fitted else linear_words.train(judged(learnt, good), CLASSES, training)[0]
    texts = column(tested)
    model.logits(texts[:1], training.max_characters)
    begin = time.process_time()
    return model.logits(texts, training.max_characters), time.process_time() - begin


VECTORS: dict[str, np.ndarray] = {}
"""Text → its embedding with the cheap features behind it: a text is encoded once, whatever the seeds."""


def keep(labelled: LabelledSet, folder: Path | None) -> None:
    """Have the embeddings of a set at hand, from a file where it was encoded before."""
    if labelled.texts[0] in VECTORS:
        return
    path = folder / (re.sub(r"\W+", "-", f"{labelled.name} {len(labelled.texts)}") + ".npy") if folder else None
    if path is None or not path.exists():
        vectors = seen(labelled.texts)
        if path is not None:
            np.save(path, vectors)
        return
    VECTORS.update(zip(labelled.texts, np.load(path), strict=True))


def seen(texts: Sequence[str]) -> np.ndarray:
    """What the stage's head sees of n texts, n × (hidden + features)."""
    from tamis.classifiers.backbone import Backbone
    from tamis.classifiers.encoder import load_encoder
    from tamis.classifiers.shape import shapes

    if new := sorted(set(texts) - VECTORS.keys()):
        vectors = load_encoder(Backbone()).encode(pa.chunked_array([column(new)])).vectors
        VECTORS.update(zip(new, np.concatenate([vectors, shapes(column(new))], axis=1), strict=True))
    return np.stack([VECTORS[text] for text in texts])


def head(*sees: str, side_by_side: bool = False) -> Method:
    """Models on what a frozen encoder makes of texts, and on words, as the stage fits them, or some of them.

    Args:
        sees: embedding, shape (the cheap features), words.
        side_by_side: whether embedding and features are one vector under one head.
    """

    def run(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
        from tamis.classifiers import stacked
        from tamis.classifiers.shape import FEATURES

        rows = judged(learnt, good)
        hidden = seen(tested).shape[1] - len(FEATURES)
        parts = {"embedding": slice(0, hidden), "shape": slice(hidden, None), "both": slice(0, None)}
        columns = ["both"] if side_by_side else [name for name in sees if name != "words"]
        given = seen(rows["text"].to_pylist())
        words = linear_words.Training() if "words" in sees else None
        stack, _ = stacked.fit(rows, {name: given[:, parts[name]] for name in columns}, CLASSES, 1.0, words)
        if stack.words is not None:
            FITTED[:] = [(tuple(learnt), stack.words)]
        asked = {name: seen(tested)[:, parts[name]] for name in columns}
        every, most = np.arange(len(tested)), words.max_characters if words else 0
        return stack.scores(len(tested), [(every, asked)], [column(tested)], most), 0.0

    return run


def full(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
    """The encoder fine-tuned end to end, as the stage does by default."""
    from tamis.classifiers.backbone import Backbone
    from tamis.classifiers.encoder import load_encoder
    from tamis.classifiers.finetune import fine_tune
    from tamis.classifiers.training_run import Full

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        trained = fine_tune(judged(learnt, good), CLASSES, Backbone(), Full(), path)
        encoder = load_encoder(Backbone(name=str(path)), classifies=True)
        begin = time.process_time()
        score = encoder.encode(pa.chunked_array([column(tested)])).score()
    print("fine-tuned:", trained.steps, "steps, best", trained.best_step, "validation AUC", trained.validation_auc)
    return np.asarray(score), time.process_time() - begin


METHODS: dict[str, Method] = {
    "length": length,
    "TF-IDF, C 1": tf_idf(1.0),
    "TF-IDF, C 10": tf_idf(10.0),
    "fastText, 10 epochs, min_count 3": by_fasttext(SHIPPED_BEFORE),
    "fastText as it ships": by_fasttext(fasttext.Training()),
    "linear": linear,
}


HEADS: dict[str, Method] = {
    "features alone": head("shape"),
    "encoder": head("embedding"),
    "encoder and features side by side, as it was": head("embedding", "shape", side_by_side=True),
    "encoder and features, stacked": head("embedding", "shape"),
    "encoder, features and words, as it ships": head("embedding", "shape", "words"),
}
"""The frozen encoder; its speed is that of encoding, which is not measured here."""


SHORT = {"fastText as it ships": "fastText", "linear": "linear", "encoder, features and words, as it ships": "stack"}
"""What ships, by what it is called beside a difference."""


def area(name: str, good: np.ndarray, score: np.ndarray) -> float:
    """ROC-AUC; of length the better way round."""
    found = roc_auc(good, score)
    if found is None:
        return float("nan")
    return max(found, 1.0 - found) if name == "length" else found


Record = dict[str, Any]
"""Set, labels, seed, bytes measured, and by method its AUC and the CPU seconds that scoring took."""


def measure(labelled: LabelledSet, labels: int, seed: int, most: int, methods: dict[str, Method]) -> Record:
    """Every method on one split of a set."""
    learnt, tested = labelled.split(labels, seed, most)
    given = [labelled.texts[row] for row in learnt]
    asked = [labelled.texts[row] for row in tested]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in asked)
    found: Record = {"set": labelled.name, "labels": labels, "learnt": len(learnt), "seed": seed, "bytes": size}
    for name, method in methods.items():
        score, took = method(given, labelled.positive[learnt], asked)
        found[name] = [area(name, labelled.positive[tested], score), took]
    return found


def table(records: Sequence[Record], sets: Sequence[str], methods: Sequence[str]) -> list[str]:
    """Markdown: a row a method, a column a set."""
    lines = ["| | " + " | ".join(sets) + " | mean | MB/s |", "|---|" + "---|" * (len(sets) + 2)]
    rows = {name: [record for record in records if record["set"] == name] for name in sets}
    learnt = [f"{max(record['learnt'] for record in rows[name])}, {len(rows[name])}" for name in sets]
    lines.append("| labels, seeds | " + " | ".join(learnt) + " | | |")
    for name in methods:
        areas = [float(np.mean([record[name][0] for record in rows[own]])) for own in sets]
        took = sum(record[name][1] for record in records)
        cells = [f"{value:.3f}".lstrip("0") for value in (*areas, float(np.mean(areas)))]
        speed = f"{sum(record['bytes'] for record in records) / 1e6 / took:.0f}" if took else "–"
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {speed} |")
    return lines


def apart(records: Sequence[Record], sets: Sequence[str], ours: Sequence[str], other: str) -> str:
    """Markdown: how far the best of our methods on each set is above another, with its 95 % interval.

    The interval is that of the mean over seeds of the difference on one split (Student's t). Splits of one set share
    texts, so it says how sure the mean over splits is, not what another sample of texts would give.
    """
    from scipy.stats import t

    cells = []
    for name in sets:
        rows = [record for record in records if record["set"] == name]
        best = max(ours, key=lambda method: float(np.mean([record[method][0] for record in rows])))
        each = np.array([record[best][0] - record[other][0] for record in rows])
        # One seed has no interval.
        half = t.ppf(0.975, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else None
        cells.append(f"{each.mean():+.3f}{'' if half is None else f' ± {half:.3f}'} ({SHORT.get(best, best)})")
    return f"| less {other} | " + " | ".join(cells) + " | | |"


def main() -> None:
    """Measure and write a dated table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--labels", type=int, nargs="+", default=[300, 5000])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--most", type=int, default=1000, help="texts to measure on, a seed")
    parser.add_argument("--sets", choices=["report", "choose", "outside"], default="report")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of sets; all by default")
    parser.add_argument("--pool", type=int, help="texts of a set that are used at all; all by default")
    parser.add_argument("--methods", nargs="+", default=[""], help="parts of the names of methods; all by default")
    parser.add_argument("--head", action="store_true", help="also the frozen encoder (55 texts a second and core)")
    parser.add_argument("--full", action="store_true", help="also the encoder fine-tuned (10 texts a second and core)")
    parser.add_argument(
        "--records", type=Path, help="a line a set, number of labels and seed; what it has is not done again"
    )
    parser.add_argument("--vectors", type=Path, help="a folder where embeddings of sets are kept")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")
    methods = (HEADS if given.head else {}) | METHODS
    methods |= {"encoder, fine-tuned": full} if given.full else {}
    methods = {name: method for name, method in methods.items() if any(part in name for part in given.methods)}
    named = {"report": REPORT, "choose": CHOOSE, "outside": OUTSIDE}[given.sets]
    sets = [load(name, given.data) for name in named if any(part in name for part in given.only)]
    sets = [labelled.cut(given.pool) for labelled in sets] if given.pool else sets
    records = read(given.records)
    done = {(record["set"], record["labels"], record["seed"]) for record in records}
    # All sets by one seed after another: whenever it is ended, sets have about as many.
    for seed in range(given.seeds):
        for labels in given.labels:
            for labelled in sets:
                few = labels > 300 and len(labelled.texts) < 1500  # it has no more to learn from than before
                if few or (labelled.name, labels, seed) in done:
                    continue
                if given.head:
                    keep(labelled, given.vectors)
                records.append(measure(labelled, labels, seed, given.most, methods))
                write(given.records, records[-1])
    today = dt.datetime.now(dt.UTC).date()
    command = f"python benchmarks/classifiers/run.py --sets {given.sets} --seeds {given.seeds}"
    what = f"ROC-AUC, mean over {given.seeds} seeds, {given.most} texts measured a seed, one thread. `{command}`."
    lines = [f"# Classifiers on the sets of `{given.sets}`, {today}", "", what]
    for labels in given.labels:
        own = [record for record in records if record["labels"] == labels]
        names = [labelled.name for labelled in sets if any(record["set"] == labelled.name for record in own)]
        own = [record for record in own if record["set"] in names]
        if not own:
            continue
        lines += ["", f"## {labels} labels, or half of the set", "", *table(own, names, list(methods))]
        ours = [name for name in SHORT if name in methods]
        lines += [apart(own, names, ours, other) for other in methods if other.startswith("TF-IDF") and ours]
    output = given.output or Path("benchmarks/results") / f"{today}-classifiers-{given.sets}.md"
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def read(path: Path | None) -> list[Record]:
    """What earlier runs found."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path and path.exists() else []


def write(path: Path | None, record: Record) -> None:
    """Add what was found, and say it."""
    print(
        {name: round(value[0], 3) if isinstance(value, list) else value for name, value in record.items()}, flush=True
    )
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
