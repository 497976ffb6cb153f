"""How often the interval of what was missed holds it: separate injections into samples of real documents.

    python benchmarks/hygiene/injections.py BENCHMARKS TEXTS [--rounds 100] [--documents 1500] [--one-disguise]

In each round documents of TEXTS are drawn, and items of ten benchmarks put into some of them: 5 to 60 of each, each in
a disguise and a form drawn for it (or all of a round in one disguise, which no audit can know). Then a run's own steps:
words are counted in this corpus, its documents searched, 200 items a disguise planted into copies of other documents
and looked for, and the missed of each benchmark estimated. Items, carriers, places and disguises of both differ in
every round. A round covers where what is missing of the injected items lies in the interval.
Formats as for decontamination.py.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
from decontamination import TEN, read_benchmark, read_texts

from tamis.decontamination.audit import LONGEST, Planted, found_again, plant
from tamis.decontamination.benchmarks import Item
from tamis.decontamination.disguises import DISGUISES
from tamis.decontamination.estimate import missed
from tamis.decontamination.index import PARTS, build
from tamis.decontamination.rarity import Holding, rarity
from tamis.stages.decontamination import Config

AUDITED = 200
"""Items a disguise, as `audit` has it."""


def injected(
    items: list[Item], some: list[int], documents: list[str], random: Random, only: str | None
) -> tuple[list[Planted], list[str]]:
    """Items in disguises, each in a document of its own."""
    by_benchmark = defaultdict(list)
    for number in some:
        by_benchmark[items[number].benchmark].append(number)
    chosen = [
        number for of in by_benchmark.values() for number in random.sample(of, min(len(of), random.randrange(5, 60)))
    ]
    planted, texts = [], []
    for number in chosen:
        disguise = only or random.choice(list(DISGUISES))
        form = random.choice(("question", "item"))
        text = items[number].question if form == "question" else items[number].full
        carrier = random.choice(documents)
        at = random.choice([0, len(carrier), *(place for place, sign in enumerate(carrier) if sign == "\n")])
        written = DISGUISES[disguise](text, random, carrier[:5000].split()[:500])
        before = f"{carrier[:at]}\n\n"
        start = len(before.encode())
        planted.append(Planted(number, disguise, form, text, start, start + len(written.encode())))
        texts.append(f"{before}{written}\n\n{carrier[at:]}")
    return planted, texts


def main() -> None:
    """Print coverage by benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--documents", type=int, default=1500, help="of a round")
    parser.add_argument("--one-disguise", action="store_true", help="all items of a round in one disguise")
    given = parser.parse_args()
    items = [item for path in sorted(given.benchmarks.glob("*.jsonl.zst")) for item in read_benchmark(path)]
    some = [number for number, item in enumerate(items) if item.benchmark in TEN]
    texts = [text[:LONGEST] for text in read_texts(given.texts)[0] if len(text) > 200]
    index = build(items, Config().scheme())
    parts = range(len(PARTS))
    rows: dict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
    for turn in range(given.rounds):
        random = Random(f"injection {turn}")  # noqa: S311
        documents = random.sample(texts, given.documents)
        only = random.choice(list(DISGUISES)) if given.one_disguise else None
        planted, holding_items = injected(items, some, documents[: given.documents // 2], random, only)
        corpus = pa.chunked_array([pa.array(documents + holding_items, pa.large_string())])
        holding = Holding(index.arrays)
        holding.add(corpus, np.ones(len(corpus), bool))
        weights = rarity(index.arrays, int(holding.counts[-1]), holding.counts[:-1])
        hits = found_again(planted, holding_items, index, weights, parts)
        order = random.sample(some, len(some))
        audit, copies = plant([items[number] for number in order], documents[given.documents // 2 :], AUDITED)
        audit = [one._replace(item=order[one.item]) for one in audit]
        seen = found_again(audit, copies, index, weights, parts)
        for benchmark in TEN:
            own = [has for one, has in zip(planted, hits, strict=True) if items[one.item].benchmark == benchmark]
            known = [has for one, has in zip(audit, seen, strict=True) if items[one.item].benchmark == benchmark]
            _, low, high = missed(sum(own), sum(known), len(known))
            rows[benchmark].append((len(own), len(own) - sum(own), low, high))
    print("| benchmark | rounds | covered | injected | missed | mean width |\n|" + " --- |" * 6)
    every = [row for own in rows.values() for row in own]
    for name, own in [*sorted(rows.items()), ("all", every)]:
        covered = sum(low <= gone <= high for _, gone, low, high in own)
        width = sum(high - low for *_, low, high in own) / len(own)
        many, gone = (sum(one[place] for one in own) for place in (0, 1))
        print(f"| {name} | {len(own)} | {covered} | {many} | {gone} | {width:.1f} |")


if __name__ == "__main__":
    main()
