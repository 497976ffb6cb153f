"""How fast the rules of form are: MB of text a second of CPU, one process, beside another checkout in turns.

    python benchmarks/heuristics/run.py [--against CHECKOUT] [--texts FILE …] [--megabytes 40] [--rounds 5] [--peer 200]

`measure` is all metrics of documents in memory, `score` the job from Parquet to scores, `apply` the job from documents
and scores to documents and ledger; a checkout from before the two were apart has `apply` alone, which measures. Texts
are JSON Lines (.jsonl, .jsonl.zst), repeated up to so many megabytes; without any they are made here: sentences of
words by Zipf's law, in paragraphs, with quotes and lists. The first round compiles and is not counted. `--peer` has
datatrove's four filters (repetition, Gopher's quality, C4's, FineWeb's, as FineWeb's pipeline has them: what one drops
the next does not see) look at so many of the texts in the same process, after `measure`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

HERE = Path(__file__).resolve()
VOCABULARY = 20_000
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
COMMON = "the of and to in is that it was for on are as with his they at be this from have or by"


def made_texts(size: int) -> list[str]:
    """Texts of so many bytes in all, the same every time."""
    dice = random.Random(0)  # noqa: S311 - a corpus
    common = COMMON.split()
    rare = ["".join(dice.choices(LETTERS, range(26, 0, -1), k=dice.randint(3, 11))) for _ in range(VOCABULARY)]
    words = common + rare
    weights = [1 / (place + 3) for place in range(len(words))]
    texts: list[str] = []
    total = 0
    while total < size:
        drawn = iter(dice.choices(words, weights, k=4000))
        parts = []
        for _ in range(dice.randint(2, 20)):
            if dice.random() < 0.15:
                parts += [f"- {next(drawn)} {next(drawn)}" for _ in range(dice.randint(2, 5))]
                continue
            sentences = []
            for _ in range(dice.randint(1, 6)):
                own = [next(drawn) for _ in range(dice.randint(4, 25))]
                own[len(own) // 2] += dice.choice(["", "", ",", "'s", ";", " -"])
                sentence = " ".join(own).capitalize() + dice.choice([".", ".", ".", "?", "!"])
                sentences.append(f'"{sentence}"' if dice.random() < 0.1 else sentence)
            parts.append(" ".join(sentences))
        texts.append("\n\n".join(parts))
        total += len(texts[-1])
    return texts


def read_texts(paths: list[Path], size: int) -> list[str]:
    """Texts of files, over and over, up to so many bytes."""
    found = []
    for path in paths:
        with pa.input_stream(str(path), compression="zstd" if path.suffix == ".zst" else None) as file:
            found += [json.loads(line).get("text") or "" for line in file.read().decode().split("\n") if line]
    texts: list[str] = []
    total = 0
    while total < size:
        for text in found:
            texts.append(text)
            total += len(text.encode())
            if total >= size:
                break
    return texts


def write_documents(path: Path, texts: list[str]) -> None:
    """A documents file of prose in English."""
    from tamis.schemas import conform_documents
    from tamis.shards import write_table

    rows = len(texts)
    columns: dict[str, Any] = {
        "id": [f"{row:032x}" for row in range(rows)],
        "kind": ["prose"] * rows,
        "text": pa.array(texts, pa.large_string()),
        "source": ["bench"] * rows,
        "url": pa.nulls(rows, pa.string()),
        "date": pa.nulls(rows, pa.timestamp("s", "UTC")),
        "metadata": pa.nulls(rows, pa.string()),
        "parent": pa.nulls(rows, pa.string()),
        "copies": pa.array([1] * rows, pa.int32()),
        "ingested_characters": pa.array([len(text) for text in texts], pa.int64()),
        "rank": pa.array(range(rows), pa.int64()),
        "language": ["en"] * rows,
    }
    write_table(path, conform_documents(pa.table(columns), str(path)))


def timed(step: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    step()
    return time.process_time() - start


def four_filters(texts: list[str]) -> int:
    """How many texts datatrove's filters keep, one text at a time."""
    from datatrove.data import Document
    from datatrove.pipeline import filters

    chain = [
        filters.GopherRepetitionFilter(),
        filters.GopherQualityFilter(),
        filters.C4QualityFilter(filter_no_terminal_punct=False),
        filters.FineWebQualityFilter(),
    ]
    documents = [Document(text=text, id=str(row)) for row, text in enumerate(texts)]
    return sum(all(each.filter(document) is True for each in chain) for document in documents)


def child(documents: Path, rounds: int, peer: int) -> list[dict[str, float]]:
    """Run the jobs of the checkout that is imported here."""
    from tamis.heuristics.metrics import measure
    from tamis.shards import read_documents
    from tamis.stages import heuristics

    pa.set_cpu_count(1)
    config = heuristics.Config()
    table = read_documents(documents)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = {part: folder / part for part in ("kept", "dropped", "stats")}
        scores = {"scores": folder / "scores"} if hasattr(heuristics, "run_score") else {}
        for _ in range(rounds):
            spent = {"measure": timed(lambda: measure(table, config))}
            if peer:
                few = table["text"].to_pylist()[:: max(1, len(table) // peer)][:peer]
                spent["datatrove"] = timed(lambda few=few: four_filters(few))  # type: ignore[misc]
                # Seconds of as many bytes as all texts have.
                spent["datatrove"] *= table["text"].nbytes / max(sum(len(text.encode()) for text in few), 1)
            if scores:
                spent["score"] = timed(lambda: heuristics.run_score(config, documents=documents, **scores))
            spent["apply"] = timed(lambda: heuristics.run_apply(config, shard=0, documents=documents, **scores, **out))
            found.append(spent)
        size = sum(path.stat().st_size for path in scores.values())
    return [{**spent, "bytes of scores": size} for spent in found]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--texts", type=Path, nargs="*", default=[])
    parser.add_argument("--megabytes", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", type=int, default=0, help="texts that datatrove's filters look at; none by default")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(given.child, 2, given.peer)))
        return
    size = given.megabytes * 10**6
    texts = read_texts(given.texts, size) if given.texts else made_texts(size)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    checkouts = [HERE.parents[2], *([given.against.resolve()] if given.against else [])]
    spent: dict[Path, list[dict[str, float]]] = {checkout: [] for checkout in checkouts}
    with tempfile.TemporaryDirectory() as name:
        documents = Path(name) / "documents.parquet"
        write_documents(documents, texts)
        for number in range(given.rounds + 1):
            for checkout in checkouts if number % 2 else checkouts[::-1]:
                environment = os.environ | {"PYTHONPATH": str(checkout)}
                command = [sys.executable, str(HERE), "--child", str(documents), "--peer", str(given.peer)]
                answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                if number:
                    # The second in a process: code is loaded, memory is there.
                    spent[checkout].append(json.loads(answer.stdout)[-1])
    print(f"{len(texts):,} documents, {megabytes:.1f} MB; MB a second of CPU, median of {given.rounds} (least, most)")
    for checkout, rounds in spent.items():
        print(checkout)
        for step in rounds[0]:
            values = [round_[step] for round_ in rounds]
            if step == "bytes of scores":
                print(f"  {values[0] / len(texts):.0f} bytes of scores a document")
                continue
            speeds = sorted(megabytes / value for value in values)
            print(f"  {step:9} {statistics.median(speeds):7.2f} ({speeds[0]:.2f}, {speeds[-1]:.2f})")
    if given.against:
        new, old = spent.values()
        ratios = [before["measure"] / after["measure"] for after, before in zip(new, old, strict=True)]
        print(f"measure: {statistics.median(ratios):.2f} times as fast, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
