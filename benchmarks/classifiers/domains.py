"""The classifier of `domains` on labelled sets of several classes: one head, and stacks of each class against the rest.

    python benchmarks/classifiers/domains.py --data ../shared/data [--labels 160 600] [--seeds 5]

Accuracy is that of classes of one weight (the mean over classes of the share of its texts that are taken for it), AUC
the mean over classes of each against the rest, log loss that of classes of one weight. No set had a part in choosing
settings of `domains`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from run import column, seen
from sets import IMAGINATIVE, SCHOLARLY, _english_web, _pieces, _read, _texts
from sklearn.metrics import roc_auc_score

from tamis.classifiers import linear_head, linear_words, stacked
from tamis.classifiers.label_files import Judged, Judgements, text_id
from tamis.classifiers.labels import Sampling, of_judgements
from tamis.classifiers.shape import FEATURES

Rows = Iterator[tuple[str, str, str]]
"""Text, class, group."""


def _named(texts: Iterator[tuple[str, bool, str]], name: str, most: int) -> Rows:
    return ((text, name, group) for text, _, group in islice(texts, most))


def _domains(data: Path) -> Rows:
    """As in `domains`: pages and books, chapters and solutions, PEPs and pages of documentation, questions of logic."""
    yield from _named(_pieces(_english_web(data), True, "page", 1), "general", 400)
    yield from _named(_pieces(_texts(data, "text/classic-books.jsonl.zst"), True, "book", 4), "general", 200)
    yield from _named(_pieces(_texts(data, "text/stacks.S.jsonl.zst"), True, "chapter", 6), "math", 300)
    yield from _named(_pieces(_texts(data, "benchmarks/math.jsonl.zst"), True, "problem", 1), "math", 300)
    yield from _named(_pieces(_texts(data, "text/peps.jsonl.zst"), True, "pep", 1), "code", 400)
    pages = (row["text"] for row in _read(data / "web/wcxb.S.gold.jsonl.zst") if row["page_type"] == "documentation")
    yield from _named(_pieces(pages, True, "documentation", 1), "code", 100)
    logic = _texts(data, "benchmarks/logiqa.jsonl.zst", "benchmarks/agieval_lsat_lr.jsonl.zst")
    yield from _named(_pieces(logic, True, "question", 1), "reasoning", 500)


def _by_field(path: str, field: str, classes: dict[str, str]) -> Callable[[Path], Rows]:
    def rows(data: Path) -> Rows:
        for number, row in enumerate(_read(data / path)):
            if row[field] in classes:
                yield row["text"], classes[row[field]], f"{path} {number}"

    return rows


GENRES = dict.fromkeys(IMAGINATIVE, "fiction") | dict.fromkeys(SCHOLARLY, "scholarly")
GENRES |= dict.fromkeys(("news", "editorial", "reviews"), "press") | dict.fromkeys(("hobbies", "lore"), "leisure")
SETS: dict[str, Callable[[Path], Rows]] = {
    "domains": _domains,
    "Brown: four genres": _by_field("text/nltk-brown.jsonl.zst", "label", GENRES),
    "pages: five types": _by_field(
        "web/wcxb.S.gold.jsonl.zst",
        "page_type",
        {name: name for name in ("article", "service", "forum", "listing", "documentation")},
    ),
    "licences: four sorts": _by_field(
        "text/licensedb.jsonl.zst",
        "category",
        {name: name for name in ("Permissive", "Proprietary Free", "Copyleft Limited", "Copyleft")},
    ),
    "tweets: three": _by_field(
        "text/hate-speech.jsonl.zst",
        "label",
        {name: name for name in ("hate_speech", "offensive_language", "neither")},
    ),
}


def judged(texts: Sequence[str], names: Sequence[str]) -> pa.Table:
    """Labelled rows of texts."""
    found = [
        Judged(text_id(text), "prose", name, None, len(text), text) for text, name in zip(texts, names, strict=True)
    ]
    return of_judgements(Judgements(found, Counter()), Sampling(cap=100_000)).rows


def against_rest(rows: pa.Table, name: str) -> pa.Table:
    """The rows with one class and all others."""
    label = pa.array([each if each == name else "" for each in rows["label"].to_pylist()])
    return rows.set_column(rows.schema.get_field_index("label"), "label", label)


def one_head(sees: slice, penalty: float) -> Callable[..., np.ndarray]:
    """Softmax regression on a vector, as the stage had it."""

    def run(rows: pa.Table, given: np.ndarray, asked: np.ndarray, _texts: pa.Array, classes: list[str]) -> np.ndarray:
        labels = rows["label"].to_pylist()
        truth = linear_head.truth_of(labels, [None] * len(labels), classes)
        weight = linear_head.group_weights(labels, [""] * len(labels))
        head = linear_head.fit(given[:, sees], truth, classes, weight, penalty)
        return head.probabilities(asked[:, sees])

    return run


def stacks(
    parts: dict[str, slice], words: linear_words.Training | None, *, odds: bool = False
) -> Callable[..., np.ndarray]:
    """A stack a class, of it against the rest; their probabilities, or their odds, divided by their sum."""

    def run(rows: pa.Table, given: np.ndarray, asked: np.ndarray, texts: pa.Array, classes: list[str]) -> np.ndarray:
        found = []
        for name in classes:
            vectors = {part: given[:, where] for part, where in parts.items()}
            stack, _ = stacked.fit(against_rest(rows, name), vectors, ("", name), 1.0, words)
            own = {part: asked[:, where] for part, where in parts.items()}
            most = words.max_characters if words else 0
            found.append(stack.scores(len(asked), [(np.arange(len(asked)), own)], [texts], most))
        probability = np.stack(found, axis=1).astype(np.float64)
        if odds:
            probability = probability / np.maximum(1.0 - probability, 1e-7)
        return probability / probability.sum(axis=1, keepdims=True)

    return run


HIDDEN = slice(0, -len(FEATURES))
SHAPE = slice(-len(FEATURES), None)
METHODS: dict[str, Callable[..., np.ndarray]] = {
    "one head on the embedding (before)": one_head(HIDDEN, 0.3),
    "one head on the embedding, penalty 1": one_head(HIDDEN, 1.0),
    "one head on embedding and features": one_head(slice(0, None), 0.3),
    "embedding and features, stacked": stacks({"embedding": HIDDEN, "shape": SHAPE}, None),
    "words alone": stacks({}, linear_words.Training()),
    "embedding, features and words, stacked": stacks({"embedding": HIDDEN, "shape": SHAPE}, linear_words.Training()),
    "the same, by their odds": stacks({"embedding": HIDDEN, "shape": SHAPE}, linear_words.Training(), odds=True),
}


def load(name: str, data: Path, most: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Texts that differ, their classes and groups; at most so many, in a random order that is always the same."""
    found: dict[str, tuple[str, str, str]] = {}
    for text, label, group in SETS[name](data):
        if key := " ".join(text.lower().split()):
            found.setdefault(key, (text, label, group))
    order = np.random.default_rng(0).permutation(len(found))[:most]
    rows = list(found.values())
    texts, labels, groups = zip(*(rows[row] for row in order), strict=True)
    return list(texts), np.array(labels), np.array(groups)


def measure(name: str, data: Path, labels: int, seeds: int, most: int) -> dict[str, tuple[float, ...]]:
    """Method → mean accuracy, AUC and log loss."""
    texts, truth, groups = load(name, data, most)
    classes = sorted(set(truth.tolist()))
    found: dict[str, list[tuple[float, ...]]] = {method: [] for method in METHODS}
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        _, group = np.unique(groups, return_inverse=True)
        order = np.lexsort((random.permutation(len(group)), random.permutation(group.max() + 1)[group]))
        edge = min(labels, len(order) // 2)
        learnt = order[:edge]
        tested = np.array([row for row in order[edge:] if group[row] not in set(group[learnt].tolist())])
        rows = judged([texts[row] for row in learnt], truth[learnt].tolist())
        given = seen(rows["text"].to_pylist())
        asked_texts = [texts[row] for row in tested]
        asked = seen(asked_texts)
        for method, run in METHODS.items():
            probability = run(rows, given, asked, column(asked_texts), classes)
            taken = np.array(classes)[probability.argmax(axis=1)]
            own = truth[tested]
            right = float(np.mean([(taken[own == each] == each).mean() for each in classes]))
            areas = [roc_auc_score(own == each, probability[:, place]) for place, each in enumerate(classes)]
            sure = [-np.log(np.maximum(probability[own == each, at], 1e-7)).mean() for at, each in enumerate(classes)]
            found[method].append((right, float(np.mean(areas)), float(np.mean(sure))))
    return {method: tuple(np.mean(values, axis=0).tolist()) for method, values in found.items()}


def main() -> None:
    """Measure and write a dated table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--labels", type=int, nargs="+", default=[160, 600])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--most", type=int, default=900, help="texts of a set that are used")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of sets; all by default")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")
    today = dt.datetime.now(dt.UTC).date()
    names = [name for name in SETS if any(part in name for part in given.only)]
    what = (
        f"Accuracy of classes of one weight / AUC of each against the rest / log loss, mean over {given.seeds} seeds, "
        f"at most {given.most} texts a set; MiniLM of 64 tokens. `python benchmarks/classifiers/domains.py`."
    )
    lines = [
        f"# Classes of several, as `domains` tells them apart, {today}",
        "",
        what,
    ]
    for labels in given.labels:
        found = {}
        for name in names:
            found[name] = measure(name, given.data, labels, given.seeds, given.most)
            print(
                labels,
                name,
                {method: [round(v, 3) for v in values] for method, values in found[name].items()},
                flush=True,
            )
        lines += ["", f"## {labels} labels, or half of the set", ""]
        lines += ["| | " + " | ".join(names) + " | mean |", "|---|" + "---|" * (len(names) + 1)]
        for method in METHODS:
            pairs = [found[name][method] for name in names]
            pairs.append(tuple(np.mean(pairs, axis=0).tolist()))
            cells = ["/".join(f"{value:.3f}".lstrip("0") for value in pair) for pair in pairs]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
    output = given.output or Path("benchmarks/results") / f"{today}-classifiers-domains.md"
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
