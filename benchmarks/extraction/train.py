"""Learn which lines of a page are main content: `tamis/extraction/lines.json`.

    python benchmarks/extraction/train.py FOLDER [--leave-out CORPUS] [--output FILE]

FOLDER holds the pages with gold text (see `pages.py`). Learnt from the half `choose` alone. The threshold is the one
that is best for the pages of each fifth of the hosts when the model is learnt from the other four. `--leave-out` learns
without a corpus and measures on its pages, to see how far what was learnt carries to pages whose gold text has another
idea of main content; it writes nothing but to an `--output` that is named. The weights are rounded to whole numbers.
Another model is another text for every page: bump `VERSION` of `tamis/stages/ingest.py` with it.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from labels import line_labels
from pages import CORPORA, GoldPage, hashes_of, host_of, load, token_scores

from tamis.extraction.features import features_of
from tamis.extraction.lines import lines_of, whole_text
from tamis.extraction.model import Model
from tamis.extraction.pages import html_of

HIDDEN = (24, 12)
"""Of 48 and 16 the F1 of pages not learnt from was lower by .004."""

BATCH = 4_096
EPOCHS = 10
FOLDS = 5
DROPPED, DROPPED_INPUTS = 0.3, 0.1
WEIGHT_UNIT = 1_024
HIDDEN_UNIT = 256
THRESHOLDS = np.arange(-1.0, 1.1, 0.25)


@dataclass
class Row:
    """A page to learn from: features [lines, inputs], share of each line that is main content, words of each."""

    page: GoldPage
    features: np.ndarray
    labels: np.ndarray
    words: list[np.ndarray]
    gold: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """What each line weighs: its part in the page's F1, about, as pages count alike."""
        counts = np.array([len(one) for one in self.words], float)
        return np.minimum((counts + 1) / (len(self.gold) + 0.3 * counts.sum() + 20), 0.3)

    def f1(self, kept: np.ndarray) -> float:
        """Token F1 of the kept lines."""
        chosen = [self.words[i] for i in np.flatnonzero(kept)]
        return token_scores(self.gold, np.concatenate(chosen) if chosen else np.empty(0, np.uint64))[2]


def row_of(page: GoldPage) -> Row | None:
    """What a page has to teach; None where it has no line."""
    lines = lines_of(whole_text(html_of(page.data, None).tree(marks=True)))
    if lines is None or page.text is None:
        return None
    words = hashes_of(lines.shown(i) for i in range(len(lines.starts)))
    (gold,) = hashes_of([page.text])
    labels = line_labels(words, gold, hashes_of(page.text.split("\n")))
    return Row(page, features_of(lines.own), labels, words, gold)


def fold_of(page: GoldPage) -> int:
    """The fifth of the hosts that a page is in."""
    return hashlib.blake2b(host_of(page).encode(), key=b"tamis extraction, inner").digest()[0] % FOLDS


def tensors(rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features, labels, and weights of mean 1."""
    weights = np.concatenate([row.weights for row in rows])
    columns = (
        np.concatenate([row.features for row in rows]),
        np.concatenate([row.labels for row in rows]),
        weights / weights.mean(),
    )
    features, labels, scaled = (torch.tensor(one.astype(np.float32)) for one in columns)
    return features, labels, scaled


def learn(rows: Sequence[Row], seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weights and biases of the layers, for features as they are."""
    torch.manual_seed(seed)
    x, y, weights = tensors(rows)
    mean, deviation = x.mean(0), x.std(0) + 0.5
    x = (x - mean) / deviation
    hidden = [
        part
        for sizes in itertools.pairwise((x.shape[1], *HIDDEN))
        for part in (torch.nn.Linear(*sizes), torch.nn.ReLU(), torch.nn.Dropout(DROPPED))
    ]
    net = torch.nn.Sequential(torch.nn.Dropout(DROPPED_INPUTS), *hidden, torch.nn.Linear(HIDDEN[-1], 1))
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=EPOCHS * (len(x) // BATCH + 1))
    loss_of = torch.nn.BCEWithLogitsLoss(reduction="none")
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for start in range(0, len(x), BATCH):
            pick = order[start : start + BATCH]
            loss = (loss_of(net(x[pick])[:, 0], y[pick]) * weights[pick]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    (first, *others) = [part for part in net if isinstance(part, torch.nn.Linear)]
    scaled = first.weight / deviation
    return [(scaled, first.bias - scaled @ mean), *((one.weight, one.bias) for one in others)]


def whole_numbers(layers: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, Any]:
    """The model's file: weights in units of 1/1024, values of hidden layers in units of 1/256."""
    unit, found = 1, []
    for i, (weights, bias) in enumerate(layers):
        own = {"weights": np.rint(weights.detach().double().numpy() * WEIGHT_UNIT).astype(int).tolist()}
        own["bias"] = np.rint(bias.detach().double().numpy() * WEIGHT_UNIT * unit).astype(int).tolist()
        unit *= WEIGHT_UNIT
        if i < len(layers) - 1:
            own["shift"] = (unit // HIDDEN_UNIT).bit_length() - 1
            unit = HIDDEN_UNIT
        found.append(own)
    return {"unit": unit, "layers": found}


def main() -> None:
    """Learn, set the threshold, write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--leave-out", choices=CORPORA[:4])
    parser.add_argument("--output", type=Path, help="default: tamis/extraction/lines.json, or nothing with --leave-out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pages = [page for page in load(options.folder, CORPORA[:4]) if page.half == "choose"]
    every = [row for page in pages if (row := row_of(page)) is not None]
    rows = [row for row in every if row.page.corpus != options.leave_out]
    scores: dict[int, np.ndarray] = {}
    for fold in range(FOLDS):
        others = learn([row for row in rows if fold_of(row.page) != fold], options.seed)
        model = Model.from_json(whole_numbers(others) | {"threshold": 0})
        scores |= {i: model.scores(row.features) for i, row in enumerate(rows) if fold_of(row.page) == fold}
    best = (0.0, 0.0)
    for threshold in THRESHOLDS:
        f1 = np.array([row.f1(scores[i] > threshold * model.unit) for i, row in enumerate(rows)])
        corpora = np.array([row.page.corpus for row in rows])
        told = ", ".join(f"{one} {f1[corpora == one].mean():.4f}" for one in CORPORA if (corpora == one).any())
        print(f"threshold {threshold:+.2f}: F1 of pages not learnt from {f1.mean():.4f}; {told}", flush=True)
        best = max(best, (float(f1.mean()), float(threshold)))
    print(f"with the lines as labelled: {np.mean([row.f1(row.labels > 0.5) for row in rows]):.4f}")
    values = whole_numbers(learn(rows, options.seed))
    values["threshold"] = int(best[1] * values["unit"])
    if options.leave_out:
        model = Model.from_json(values)
        left = [
            row.f1(model.scores(row.features) > model.threshold)
            for row in every
            if row.page.corpus == options.leave_out
        ]
        print(f"F1 of {len(left)} pages of {options.leave_out}, which was left out: {np.mean(left):.4f}")
    output = options.output or (None if options.leave_out else Path("tamis/extraction/lines.json"))
    if output is not None:
        output.write_text(json.dumps(values, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
