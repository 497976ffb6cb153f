"""Integers and bf16 in the encoder: how much faster than plain `transformers`, and what they cost in accuracy.

    python benchmarks/backbone/int8.py --data ../shared/data [--tokens 256] [--texts 64] [--rounds 5] [--threads 2]
    python benchmarks/backbone/int8.py --data ../shared/data --areas [--stage] [--seeds 10] [--pool 400] [--labels 200]

Speed: texts of several corpora as they stand, tokenizing included. Each way has a process of its own that stays; the
ways take turns with the same texts, so that other programs disturb all alike, and a ratio is of two neighbours in time.
With few texts batches are not full: a corpus should have a hundred and more.
`transformers` is what its documentation shows: `AutoModel` in fp32, batches padded to their longest text, the mean of
the token vectors; `sorted` the same with texts in the order of their lengths, as sentence-transformers has them.

Areas: ROC-AUC of a head on the embedding alone (`--stage`: of what `transformer_quality` has) on the sets of
benchmarks/classifiers, with embeddings of fp32 and of int8 or bf16; mean over seeds of the split.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Self

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "classifiers"))

CORPORA = {
    "web pages (c4)": "text/c4_demo",
    "web pages (gold)": "web/wcxb.S.gold",
    "Brown": "text/nltk-brown",
    "German laws": "text/gesetze",
    "PEPs": "text/peps",
    "tweets": "text/hate-speech",
}
WAYS = ("transformers", "sorted", "fp32", "bf16", "int8")
RATIOS = (
    ("transformers", "fp32"),
    ("transformers", "bf16"),
    ("transformers", "int8"),
    ("sorted", "int8"),
    ("fp32", "int8"),
)
BATCH = 32


def corpus(path: Path, number: int) -> list[str]:
    """Evenly spread texts of a corpus, as they stand."""
    from sets import _read

    rows = [row["text"] for row in _read(path) if row.get("text")]
    return [rows[place * len(rows) // number] for place in range(min(number, len(rows)))]


def plain(tokens: int, threads: int, *, ordered: bool) -> Callable[[list[str]], np.ndarray]:
    """The library as its documentation shows it."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from tamis.classifiers.backbone import Backbone, model_folder

    torch.set_num_threads(threads)
    folder = model_folder(Backbone())
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def encode(texts: list[str]) -> np.ndarray:
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row])) if ordered else list(range(len(texts)))
        found = np.zeros((len(texts), model.config.hidden_size), np.float32)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            given = tokenizer(
                [texts[row] for row in rows], padding=True, truncation=True, max_length=tokens, return_tensors="pt"
            )
            with torch.inference_mode():
                hidden = model(**given).last_hidden_state
            weight = given["attention_mask"].unsqueeze(-1).float()
            vectors = (hidden * weight).sum(dim=1) / weight.sum(dim=1)
            found[rows] = torch.nn.functional.normalize(vectors, dim=1).numpy()
        return found

    return encode


def ours(tokens: int, threads: int, dtype: str) -> Callable[[list[str]], np.ndarray]:
    """The encoder of the stage."""
    import pyarrow as pa

    from tamis.classifiers.backbone import Backbone
    from tamis.classifiers.encoder import load_encoder

    encoder = load_encoder(Backbone.model_validate({"max_tokens": tokens, "threads": threads, "dtype": dtype}))
    return lambda texts: encoder.encode(pa.chunked_array([pa.array(texts, pa.large_string())])).vectors


def serve(way: str, tokens: int, threads: int) -> None:
    """Encode what comes a line at a time, and answer with seconds of the clock and of processors."""
    encode = plain(tokens, threads, ordered=way == "sorted") if way in WAYS[:2] else ours(tokens, threads, way)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        texts = json.loads(line)
        clock, processor = time.perf_counter(), time.process_time()
        encode(texts)
        answer = time.perf_counter() - clock, time.process_time() - processor
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class Way:
    """A way in a process of its own."""

    def __init__(self, way: str, tokens: int, threads: int) -> None:
        """Start it, and wait until the model is loaded."""
        command = [sys.executable, __file__, "--serve", way, "--tokens", str(tokens), "--threads", str(threads)]
        clean = {name: value for name, value in os.environ.items() if name not in ("MKL_CBWR", "OMP_NUM_THREADS")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("no pipes")
        self._asks, self._answers = self._process.stdin, self._process.stdout
        self._answer()

    def _answer(self) -> str:
        if not (line := self._answers.readline()):
            raise RuntimeError("a way ended; run it with --serve to see why")
        return line

    def seconds(self, texts: list[str]) -> tuple[float, float]:
        """Of the clock and of processors, for these texts."""
        self._asks.write(json.dumps(texts) + "\n")
        self._asks.flush()
        clock, processor = json.loads(self._answer())
        return clock, processor

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._asks.close()
        self._process.wait()


def speeds(given: argparse.Namespace) -> Iterator[str]:
    """Markdown: a row a corpus."""
    clock = "the clock" if given.clock else "processors"
    yield (
        f"{given.tokens} tokens, {given.texts} texts a corpus, {given.rounds} rounds, threads a way: {given.threads}. "
        f"Seconds are those of {clock}; documents/s are medians, ratios medians (lowest to highest) over rounds."
    )
    yield ""
    ratios = [pair for pair in RATIOS if set(pair) <= set(given.ways)]
    heads = [*(f"{way}, documents/s" for way in given.ways), *(f"{slow} : {fast}" for slow, fast in ratios)]
    yield "| corpus | " + " | ".join(heads) + " |"
    yield "|---|" + "---|" * len(heads)
    whole: dict[tuple[str, str], list[float]] = {pair: [] for pair in ratios}
    with ExitStack() as stack:
        running = {way: stack.enter_context(Way(way, given.tokens, given.threads)) for way in given.ways}
        for name, path in CORPORA.items():
            if not any(part in name for part in given.only):
                continue
            own = corpus(given.data / f"{path}.jsonl.zst", given.texts)
            found: dict[str, list[float]] = {way: [] for way in given.ways}
            # The first time, shapes of batches are new to the libraries.
            for turn in range(given.rounds + 1):
                for way in given.ways:
                    took = running[way].seconds(own if turn else own[::4])[0 if given.clock else 1]
                    if turn:
                        found[way].append(took)
            cells = [f"{len(own) / median(found[way]):.1f}" for way in given.ways]
            for slow, fast in ratios:
                each = [one / other for one, other in zip(found[slow], found[fast], strict=True)]
                whole[slow, fast].append(median(each))
                cells.append(f"{median(each):.2f} ({min(each):.2f} to {max(each):.2f})")
            yield f"| {name} | " + " | ".join(cells) + " |"
    means = [f"{np.exp(np.mean(np.log(whole[pair]))):.2f}" for pair in ratios]
    yield "| geometric mean | " + " | ".join([*("" for _ in given.ways), *means]) + " |"


def embedded(texts: Sequence[str], tokens: int, other: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Embeddings by arithmetic, and cheap features."""
    import pyarrow as pa

    from tamis.classifiers.shape import shapes

    columns = pa.array(texts, pa.large_string())
    return {dtype: ours(tokens, 1, dtype)(list(texts)) for dtype in ("fp32", other)}, shapes(columns)


def areas(given: argparse.Namespace) -> Iterator[str]:
    """Markdown: a row a set."""
    from run import CLASSES, area, column, judged
    from sets import CHOOSE, REPORT, load

    from tamis.classifiers import linear_words, stacked

    warnings.filterwarnings("ignore", module="sklearn")
    words = linear_words.Training() if given.stage else None
    what = "embedding, cheap features and words" if given.stage else "embedding alone"
    yield (
        f"{given.tokens} tokens, {given.labels} labels, {given.pool} texts a set, {what}, mean over {given.seeds} "
        "seeds. Distance: 1 less the cosine of the two embeddings of a text, mean and largest."
    )
    yield ""
    other = given.dtype
    yield f"| set | fp32 | {other} | difference | distance |"
    yield "|---|---|---|---|---|"
    every = []
    for name in (name for name in [*CHOOSE, *REPORT] if any(part in name for part in given.only)):
        labelled = load(name, given.data).cut(given.pool)
        vectors, shape = embedded(labelled.texts, given.tokens, other)
        cosine = (vectors["fp32"].astype(np.float64) * vectors[other]).sum(axis=1)
        place = {text: row for row, text in enumerate(labelled.texts)}
        found: dict[str, list[float]] = {dtype: [] for dtype in vectors}
        for seed in range(given.seeds):
            learnt, tested = labelled.split(given.labels, seed, 1000)
            rows = judged([labelled.texts[row] for row in learnt], labelled.positive[learnt])
            taught = np.array([place[text] for text in rows["text"].to_pylist()])
            asked = [column([labelled.texts[row] for row in tested])] if words else []
            for dtype, own in vectors.items():
                sees = {"embedding": own} | ({"shape": shape} if words else {})
                stack, _ = stacked.fit(rows, {part: value[taught] for part, value in sees.items()}, CLASSES, 1.0, words)
                seen: dict[str, Any] = {part: value[tested] for part, value in sees.items()}
                most = words.max_characters if words else 0
                score = stack.scores(len(tested), [(np.arange(len(tested)), seen)], asked, most)
                found[dtype].append(area("encoder", labelled.positive[tested], score))
        every.append([float(np.mean(found[dtype])) for dtype in ("fp32", other)])
        yield _row(name, *every[-1]) + f" {1 - cosine.mean():.4f}, {1 - cosine.min():.4f} |"
    yield _row("mean", *np.mean(every, axis=0)) + " |"
    yield f"| largest difference | | | {max(abs(one - other) for one, other in every):.4f} | |"


def _row(name: str, fp32: float, other: float) -> str:
    return f"| {name} | {fp32:.4f} | {other:.4f} | {other - fp32:+.4f} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--clock", action="store_true", help="seconds of the clock, where nothing else runs")
    parser.add_argument("--areas", action="store_true", help="measure accuracy instead of speed")
    parser.add_argument("--dtype", choices=["int8", "bf16"], default="int8", help="what to measure the accuracy of")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pool", type=int, default=400)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--stage", action="store_true", help="measure what `transformer_quality` has, not a head alone")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of corpora or sets")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.tokens, given.threads)
        return
    from tamis.machine import this_processor

    sys.stdout.write(
        f"{this_processor()}; {os.cpu_count()} cores; Python {platform.python_version()}, torch {version('torch')}, "
        f"transformers {version('transformers')}\n\n"
    )
    for line in areas(given) if given.areas else speeds(given):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
