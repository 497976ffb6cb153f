"""Learn which lines of a page are main content: `tamis/extraction/lines.json`.

    python benchmarks/extraction/train.py FOLDER [--leave-out CORPUS] [--output FILE]

FOLDER holds the pages with gold text (see `pages.py`). Learnt from the half `choose` alone; of its hosts every fifth is
kept back, to stop and to set the threshold. The weights are rounded to whole numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import torch
from labels import line_labels
from pages import CORPORA, GoldPage, hashes_of, load, token_scores
from resiliparse.parse.html import HTMLTree

from tamis.extraction.lines import Lines, lines_of, marked_text
from tamis.extraction.marks import mark
from tamis.extraction.pages import parsed

HIDDEN = (48, 16)


def prepared(page: GoldPage) -> tuple[Lines, np.ndarray, list[np.ndarray], np.ndarray] | None:
    """Lines, labels, hashes of the words of each line, hashes of the gold text."""
    tree = parsed(page.data, None)[0]
    mark(tree)
    lines = lines_of(marked_text(tree))
    if lines is None:
        return None
    texts = [lines.shown(i) for i in range(len(lines.starts))]
    words = hashes_of(texts)
    (gold,) = hashes_of([page.text or ""])
    return lines, line_labels(words, gold, hashes_of((page.text or "").split("\n"))), words, gold


class Net(torch.nn.Module):
    """Two hidden layers."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(inputs, HIDDEN[0]), torch.nn.ReLU(), torch.nn.Dropout(0.1),
            torch.nn.Linear(HIDDEN[0], HIDDEN[1]), torch.nn.ReLU(), torch.nn.Linear(HIDDEN[1], 1),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x).squeeze(1)


def is_kept_back(page: GoldPage) -> bool:
    """Every fifth host of the half that is learnt from."""
    return (
        hashlib.blake2b(
            (urlsplit(page.url).hostname or "").encode() + (page.url.encode() if page.corpus == "readability" else b""),
            key=b"inner",
        ).digest()[0]
        % 5
        == 0
    )


def page_f1(scores: np.ndarray, words: list[np.ndarray], gold: np.ndarray, threshold: float) -> float:
    chosen = [one for one, score in zip(words, scores, strict=True) if score > threshold]
    text = np.concatenate(chosen) if chosen else np.empty(0, np.uint64)
    return token_scores(gold, text)[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--leave-out")
    parser.add_argument("--output", type=Path, default=Path("tamis/extraction/lines.json"))
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    if options.cache and options.cache.exists():
        rows = pickle.loads(options.cache.read_bytes())
    else:
        rows = [
            (page, found)
            for page in load(options.folder, CORPORA[:4])
            if page.half == "choose" and (found := prepared(page))
        ]
        for page, _ in rows:
            page.data = b""
        if options.cache:
            options.cache.write_bytes(pickle.dumps(rows))
    rows = [row for row in rows if row[0].corpus != options.leave_out]
    learn = [row for row in rows if not is_kept_back(row[0])]
    check = [row for row in rows if is_kept_back(row[0])]

    def tensors(part):
        x = np.concatenate([found[0].features for _, found in part]).astype(np.float32)
        y = np.concatenate([found[1] for _, found in part]).astype(np.float32)
        weight = []
        for _, (lines, labels, words, gold) in part:
            count = np.array([len(one) for one in words], float)
            weight.append(np.minimum((count + 1) / (len(gold) + 0.3 * count.sum() + 20), 0.3))
        return torch.tensor(x), torch.tensor(y), torch.tensor(np.concatenate(weight), dtype=torch.float32)

    x, y, w = tensors(learn)
    xc, yc, wc = tensors(check)
    w, wc = w / w.mean(), wc / wc.mean()
    mean, deviation = x.mean(0), x.std(0) + 0.5
    net = Net(x.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    batch = 4096
    steps = options.epochs * (len(x) // batch + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    best = (np.inf, None)
    lossf = torch.nn.BCEWithLogitsLoss(reduction="none")
    for epoch in range(options.epochs):
        net.train()
        order = torch.randperm(len(x))
        for start in range(0, len(x), batch):
            pick = order[start : start + batch]
            loss = (lossf(net((x[pick] - mean) / deviation), y[pick]) * w[pick]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        net.eval()
        with torch.no_grad():
            value = float((lossf(net((xc - mean) / deviation), yc) * wc).mean())
        if value < best[0]:
            best = (value, {k: v.clone() for k, v in net.state_dict().items()})
        print(epoch, f"{float(loss.detach()):.4f} {value:.4f}", flush=True)
    net.load_state_dict(best[1])
    layers = [one for one in net.layers if isinstance(one, torch.nn.Linear)]
    w1 = layers[0].weight / deviation
    b1 = layers[0].bias - w1 @ mean
    model = quantised([(w1, b1)] + [(one.weight, one.bias) for one in layers[1:]])
    from tamis.extraction.model import Model

    own = Model.from_json(model)
    scored = []
    for page, (lines, labels, words, gold) in check:
        scored.append((page.corpus, own.scores(lines.features), words, gold, labels))
    unit = model["unit"]
    results = []
    for threshold in np.arange(-1.5, 1.6, 0.25):
        values = [page_f1(s, words, gold, threshold * unit) for _, s, words, gold, _ in scored]
        results.append((np.mean(values), threshold))
        print(
            f"{threshold:+.2f} {np.mean(values):.4f}",
            {
                c: round(float(np.mean([v for v, one in zip(values, scored) if one[0] == c])), 4)
                for c in CORPORA
                if any(one[0] == c for one in scored)
            },
        )
    print("oracle", np.mean([page_f1(labels, words, gold, 0.5) for _, s, words, gold, labels in scored]))
    model["threshold"] = int(max(results)[1] * unit)
    options.output.write_text(json.dumps(model, separators=(",", ":")) + "\n")


def quantised(layers) -> dict:
    """Whole numbers: weights in units of 1/64, sums brought back by shifts."""
    scale = 1.0
    out = []
    for i, (weight, bias) in enumerate(layers):
        weight, bias = weight.detach().double().numpy(), bias.detach().double().numpy()
        unit = 1024.0
        out.append(
            {
                "weights": np.rint(weight * unit).astype(int).tolist(),
                "bias": np.rint(bias * unit * scale).astype(int).tolist(),
            }
        )
        scale *= unit
        if i < len(layers) - 1:
            # A hidden value keeps units of 1/256.
            out[-1]["shift"] = int(np.log2(scale / 256))
            scale = 256.0
    return {"layers": out, "unit": scale}


if __name__ == "__main__":
    main()
