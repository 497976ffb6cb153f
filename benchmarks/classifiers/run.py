"""Coarse classifiers beside TF-IDF and length on labelled sets, and how fast each scores: `make bench-classifiers`.

    python benchmarks/classifiers/run.py --data ../shared/data [--labels 300 5000] [--seeds 20] [--sets report] [--head]
        [--full] [--methods linear words]

For each set and seed: whole groups (copies, pieces of one work) in random order, the first texts to learn from, others
to measure on. Figures are ROC-AUC, means over seeds; the last column is their mean over the sets. `choose` are the sets
on which settings were chosen, `report` those that had no part in it. One process, one thread.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from sets import CHOOSE, REPORT, LabelledSet, load

from tamis.classifiers import fasttext, linear_words
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


def tf_idf(strength: float) -> Method:
    """Words and pairs by TF-IDF under logistic regression, scikit-learn's defaults but for the strength."""

    def run(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        vectors = TfidfVectorizer(ngram_range=(1, 2))
        # The dual solver ends at the same optimum within its tolerance, ten times as fast on such wide features.
        model = LogisticRegression(C=strength, solver="liblinear", dual=True, max_iter=1000)
        model.fit(vectors.fit_transform(learnt), good)
        begin = time.perf_counter()
        return model.decision_function(vectors.transform(tested)), time.perf_counter() - begin

    return run


def by_fasttext(training: fasttext.Training) -> Method:
    """The fastText model as the stage trains it."""

    def run(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
        labels = [CLASSES[int(value)] for value in good]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.bin"
            fasttext.train(column(learnt), labels, np.arange(len(labels)), training, path)
            model = fasttext.load(path)
            begin = time.perf_counter()
            score = fasttext.probabilities(model, [column(tested)], CLASSES, training.max_characters)[:, 1]
            return score, time.perf_counter() - begin

    return run


def judged(texts: Sequence[str], good: np.ndarray) -> pa.Table:
    """Labelled rows of texts."""
    found = [
        Judged(text_id(text), "prose", CLASSES[int(value)], None, len(text), text)
        for text, value in zip(texts, good, strict=True)
    ]
    return of_judgements(Judgements(found, Counter()), Sampling(cap=100_000)).rows


def linear(learnt: Sequence[str], good: np.ndarray, tested: Sequence[str]) -> tuple[np.ndarray, float]:
    """The linear model as the stage trains it, by logits, which do not crowd at 0 and 1."""
    training = linear_words.Training()
    model, _ = linear_words.train(judged(learnt, good), CLASSES, training)
    texts = column(tested)
    model.logits(texts[:1], training.max_characters)
    begin = time.perf_counter()
    return model.logits(texts, training.max_characters), time.perf_counter() - begin


VECTORS: dict[str, np.ndarray] = {}
"""Text → its embedding with the cheap features behind it: a text is encoded once, whatever the seeds."""


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
        begin = time.perf_counter()
        score = encoder.encode(pa.chunked_array([column(tested)])).score()
    print("fine-tuned:", trained.steps, "steps, best", trained.best_step, "validation AUC", trained.validation_auc)
    return np.asarray(score), time.perf_counter() - begin


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


def area(name: str, good: np.ndarray, score: np.ndarray) -> float:
    """ROC-AUC; of length the better way round."""
    found = roc_auc(good, score)
    if found is None:
        return float("nan")
    return max(found, 1.0 - found) if name == "length" else found


def measure(
    labelled: LabelledSet, labels: int, seeds: int, most: int, methods: dict[str, Method]
) -> dict[str, tuple[float, float]]:
    """Method → mean AUC over seeds, and MB scored a second."""
    areas: dict[str, list[float]] = {name: [] for name in methods}
    scored, seconds = 0, dict.fromkeys(methods, 0.0)
    for seed in range(seeds):
        learnt, tested = labelled.split(labels, seed, most)
        given = [labelled.texts[row] for row in learnt]
        asked = [labelled.texts[row] for row in tested]
        scored += sum(len(text.encode("utf-8", "surrogatepass")) for text in asked)
        for name, method in methods.items():
            score, took = method(given, labelled.positive[learnt], asked)
            areas[name].append(area(name, labelled.positive[tested], score))
            seconds[name] += took
    return {
        name: (float(np.mean(areas[name])), scored / 1e6 / seconds[name] if seconds[name] else float("nan"))
        for name in methods
    }


def table(found: dict[str, dict[str, tuple[float, float]]], methods: Sequence[str]) -> list[str]:
    """Markdown: a row a method, a column a set."""
    lines = ["| | " + " | ".join(found) + " | mean | MB/s |", "|---|" + "---|" * (len(found) + 2)]
    for name in methods:
        areas = [row[name][0] for row in found.values()]
        speed = np.nanmean([row[name][1] for row in found.values()]) if name != "length" else float("nan")
        cells = [f"{value:.3f}".lstrip("0") for value in (*areas, float(np.mean(areas)))]
        lines.append(f"| {name} | " + " | ".join(cells) + (" | – |" if np.isnan(speed) else f" | {speed:.0f} |"))
    return lines


def main() -> None:
    """Measure and write a dated table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--labels", type=int, nargs="+", default=[300, 5000])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--most", type=int, default=1000, help="texts to measure on, a seed")
    parser.add_argument("--sets", choices=["report", "choose"], default="report")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of sets; all by default")
    parser.add_argument("--pool", type=int, help="texts of a set that are used at all; all by default")
    parser.add_argument("--methods", nargs="+", default=[""], help="parts of the names of methods; all by default")
    parser.add_argument("--head", action="store_true", help="also the frozen encoder (55 texts a second and core)")
    parser.add_argument("--full", action="store_true", help="also the encoder fine-tuned (10 texts a second and core)")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")
    methods = METHODS | (HEADS if given.head else {})
    methods |= {"encoder, fine-tuned": full} if given.full else {}
    methods = {name: method for name, method in methods.items() if any(part in name for part in given.methods)}
    named = REPORT if given.sets == "report" else CHOOSE
    sets = [load(name, given.data) for name in named if any(part in name for part in given.only)]
    sets = [labelled.cut(given.pool) for labelled in sets] if given.pool else sets
    today = dt.datetime.now(dt.UTC).date()
    command = f"python benchmarks/classifiers/run.py --sets {given.sets} --seeds {given.seeds}"
    what = f"ROC-AUC, mean over {given.seeds} seeds, {given.most} texts measured a seed, one thread. `{command}`."
    lines = [f"# Classifiers on the sets of `{given.sets}`, {today}", "", what]
    for labels in given.labels:
        found = {}
        for labelled in sets:
            if labels > 300 and len(labelled.texts) < 1500:  # it has no more to learn from than before
                continue
            found[labelled.name] = measure(labelled, labels, given.seeds, given.most, methods)
            print(
                labels,
                labelled.name,
                {name: round(value[0], 3) for name, value in found[labelled.name].items()},
                flush=True,
            )
        lines += ["", f"## {labels} labels, or half of the set", "", *table(found, list(methods))]
    output = given.output or Path("benchmarks/results") / f"{today}-classifiers-{given.sets}.md"
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
