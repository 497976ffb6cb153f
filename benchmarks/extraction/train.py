"""Learn which lines of a page are main content: `tamis/extraction/lines.json`.

    python benchmarks/extraction/train.py FOLDER [--output FILE]

FOLDER holds the pages with gold text (see `pages.py`). Learnt from the half `choose` alone. What is to be good is the
choice on pages of a kind that was not learnt from, which `unlike.py` measures by leaving out one corpus at a time:
corpora count alike, however many pages they have, and a line's score is held against the bound that its page has
(`tamis.extraction.model`), as it will be. Pages that have no gold text but snippets are learnt from where trafilatura's
text has all that are wanted and none that is not. The weights are rounded to whole numbers. Another model is another
text for every page: bump `VERSION` of `tamis/stages/ingest.py` with it.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from labels import line_labels
from pages import CORPORA, GoldPage, hashes_of, load
from run import EXTRACTORS

from tamis.extraction.features import features_of
from tamis.extraction.lines import lines_of, whole_text
from tamis.extraction.model import FILE, RELATIVE, RELATIVE_OF
from tamis.extraction.pages import html_of

HIDDEN = (24, 12)
"""(16, 8) and (48, 16) were .004 and .005 worse on corpora not learnt from."""

PAGES = 16
"""Of a step."""

EPOCHS = 12
DROPPED, DROPPED_INPUTS = 0.3, 0.1
SMALL = 0.003
"""Weight of the squares of scores: it holds them near 0, where a bound can move."""

WEIGHT_UNIT = 1_024
HIDDEN_UNIT = 256
THRESHOLD = -1
"""Log odds that a line may lie below its page's part of the bound. On corpora not learnt from -1.25 was .003 worse on
average, -.75 .001."""


@dataclass
class Row:
    """A page to learn from.

    Attributes:
        corpus: whose it is.
        features: [lines, inputs].
        labels: share of each line that is main content.
        weights: what each line weighs: its part in the page's F1, about, as pages count alike.
        mass: letters and digits of each.
    """

    corpus: str
    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    mass: np.ndarray


def main_content(page: GoldPage) -> str | None:
    """The main content of a page; trafilatura's where snippets say that it is right, None where nobody knows."""
    if page.text is not None:
        return page.text
    text = EXTRACTORS["trafilatura"](page.data)
    flat = " ".join(text.split())
    there, not_there = ([" ".join(one.split()) in flat for one in some] for some in (page.wanted, page.unwanted))
    return text if text and all(there) and not any(not_there) else None


def row_of(page: GoldPage) -> Row | None:
    """What a page has to teach; None where it has no line or no known main content."""
    lines = lines_of(whole_text(html_of(page.data, None).tree(marks=True)))
    text = main_content(page)
    if lines is None or text is None:
        return None
    words = hashes_of(lines.shown(i) for i in range(len(lines.starts)))
    (gold,) = hashes_of([text])
    labels = line_labels(words, gold, hashes_of(text.split("\n")))
    counts = np.array([len(one) for one in words], float)
    weights = np.minimum((counts + 1) / (len(gold) + 0.3 * counts.sum() + 20), 0.3)
    return Row(page.corpus, features_of(lines.own), labels, weights, lines.own.mass)


def rows_of(pages: Sequence[GoldPage]) -> list[Row]:
    """What the pages of the half `choose` have to teach."""
    return [row for page in pages if page.half == "choose" and (row := row_of(page)) is not None]


def joined(arrays: Sequence[np.ndarray]) -> torch.Tensor:
    """Arrays of pages one behind the other, as float32."""
    return torch.tensor(np.concatenate(arrays).astype(np.float32))


def weights_of(rows: Sequence[Row]) -> list[np.ndarray]:
    """Weights of the lines of each page, of mean 1, so that corpora count alike."""
    pages = Counter(row.corpus for row in rows)
    weights = [row.weights / pages[row.corpus] for row in rows]
    mean = np.concatenate(weights).mean()
    return [one / mean for one in weights]


def above_bound(scores: torch.Tensor, mass: torch.Tensor, pages: torch.Tensor) -> torch.Tensor:
    """How far scores lie above the bounds of their pages (`Model.bound`), in log odds.

    Args:
        scores: of lines.
        mass: of the same.
        pages: number of the page of each.
    """
    likely = torch.sigmoid(scores) * mass
    sums = torch.zeros(2, int(pages[-1]) + 1).index_add(1, pages, torch.stack([likely * scores, likely]))
    return scores - (RELATIVE / RELATIVE_OF * sums[0] / sums[1] + THRESHOLD)[pages]


def learn(rows: Sequence[Row], seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weights and biases of the layers, for features as they are."""
    torch.manual_seed(seed)
    dice = np.random.default_rng(seed)
    every = joined([row.features for row in rows])
    mean, deviation = every.mean(0), every.std(0) + 0.5
    weights = weights_of(rows)
    hidden = [
        part
        for sizes in itertools.pairwise((every.shape[1], *HIDDEN))
        for part in (torch.nn.Linear(*sizes), torch.nn.ReLU(), torch.nn.Dropout(DROPPED))
    ]
    net = torch.nn.Sequential(torch.nn.Dropout(DROPPED_INPUTS), *hidden, torch.nn.Linear(HIDDEN[-1], 1))
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=EPOCHS * -(-len(rows) // PAGES))
    loss_of = torch.nn.BCEWithLogitsLoss(reduction="none")
    for _ in range(EPOCHS):
        for picked in np.split(order := dice.permutation(len(rows)), range(PAGES, len(order), PAGES)):
            some = [rows[i] for i in picked]
            pages = torch.tensor(np.repeat(np.arange(len(some)), [len(row.labels) for row in some]))
            scores = net((joined([row.features for row in some]) - mean) / deviation)[:, 0]
            above = above_bound(scores, joined([row.mass for row in some]), pages)
            lost = loss_of(above, joined([row.labels for row in some])) * joined([weights[i] for i in picked])
            loss = lost.mean() + SMALL * (scores * scores).mean()
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
    return {"unit": unit, "layers": found, "threshold": THRESHOLD * unit}


def main() -> None:
    """Learn and write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=FILE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = rows_of(load(options.folder, CORPORA))
    print(f"learning from {len(rows)} pages, {sum(len(row.labels) for row in rows)} lines")
    options.output.write_text(json.dumps(whole_numbers(learn(rows, options.seed)), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
