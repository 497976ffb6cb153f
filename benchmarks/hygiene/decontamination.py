"""Recall by disguise, documents flagged wrongly, speed and memory of `decontamination`, its 13-gram mode and datatrove.

    python benchmarks/hygiene/decontamination.py BENCHMARKS TEXTS [--planted 1500] [--rounds 100] [--peers 250]

BENCHMARKS and TEXTS are folders of `*.jsonl.zst`: items (`id`, `question`, `answer`, perhaps `choices`, `solution`,
`context`), and documents (`text`). Printed as Markdown:

* every document of TEXTS that is flagged, to be read: which of them are right is for the reader to say;
* recall of planted items (`tamis.decontamination.audit`) of ten benchmarks, by disguise, form and length;
* in `--rounds` blind rounds, an audit of 200 a disguise and other planted items: how often the interval of what was
  missed covers what was missed;
* MB of text a second of CPU time, and the memory of the index;
* datatrove's filter (12-grams of spaCy's words) on the same planted documents, `--peers` of each disguise.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import zstandard

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tamis.decontamination.audit import Planted, found_again, plant  # noqa: E402
from tamis.decontamination.benchmarks import Benchmark, Item, read_items  # noqa: E402
from tamis.decontamination.estimate import missed  # noqa: E402
from tamis.decontamination.index import PARTS, Benchmarks, build  # noqa: E402
from tamis.decontamination.matches import Finder, by_row, gravest  # noqa: E402
from tamis.decontamination.rarity import Holding, rarity  # noqa: E402
from tamis.kernels.contamination import Rarity  # noqa: E402
from tamis.kernels.visible_words import visible_hashes  # noqa: E402
from tamis.readers.values import clean_text  # noqa: E402
from tamis.stages.decontamination import Config  # noqa: E402

TEN = (
    "gsm8k", "mmlu", "humaneval", "mbpp", "math", "arc_challenge", "boolq", "triviaqa_subset", "winogrande",
    "agieval_lsat_rc",
)  # fmt: skip
"""The benchmarks whose items are planted."""
FOUND_BY = {"answer": "answer", "choices": "choices", "solution": "solution", "context": "passage"}


def read_benchmark(path: Path) -> list[Item]:
    """The items of one file."""
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        fields = json.loads(file.readline())
    named: Any = {key: name for name, key in FOUND_BY.items() if name in fields} | {"id": "id"}
    return read_items(Benchmark(name=path.name.partition(".")[0], paths=(str(path),), fields=named))


def read_texts(folder: Path) -> tuple[list[str], list[str]]:
    """The texts of all files, and the file of each."""
    texts, files = [], []
    for path in sorted(folder.glob("*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as file:
            for line in file.read().split("\n"):
                cleaned = clean_text(json.loads(line)["text"]) if line else None
                if cleaned and cleaned[0]:
                    texts.append(cleaned[0].decode())
                    files.append(path.name.partition(".")[0])
    return texts, files


class Way:
    """One method with its index and the rarity of words in the corpus."""

    def __init__(self, name: str, config: Config, items: Sequence[Item], column: pa.ChunkedArray) -> None:
        """Index the items and count the corpus."""
        self.name = name
        begin = time.process_time()
        self.index: Benchmarks = build(items, config.scheme())
        self.building = time.process_time() - begin
        every = np.ones(len(column), bool)
        Holding(self.index.arrays).add(column[:10], every[:10])
        holding = Holding(self.index.arrays)
        begin = time.process_time()
        for first in range(0, len(column), 4096):
            holding.add(column[first : first + 4096], every[first : first + 4096])
        self.counting = time.process_time() - begin
        self.rarity: Rarity = rarity(self.index.arrays, int(holding.counts[-1]), holding.counts[:-1])

    def flagged(self, column: pa.ChunkedArray) -> tuple[dict[int, Any], float]:
        """The gravest match of each document that has any, and the CPU seconds that looking took."""
        Finder(self.index, self.rarity).find(column[:10], np.ones(10, bool))
        finder, found = Finder(self.index, self.rarity), {}
        begin = time.process_time()
        for first in range(0, len(column), 4096):
            some = column[first : first + 4096]
            for row, matches in by_row(finder.find(some, np.ones(len(some), bool))[0]):
                found[first + row] = gravest(matches)
        return found, time.process_time() - begin


def shown(rows: dict[Any, list[int]], heads: Sequence[str]) -> None:
    """Print found of planted by key."""
    print(f"\n| {' | '.join(heads)} | planted | found | recall |\n|{' --- |' * (len(heads) + 3)}")
    for key, (found, planted) in sorted(rows.items()):
        print(f"| {' | '.join(key)} | {planted} | {found} | {found / planted:.4f} |")


def recall(planted: Sequence[Planted], found: Sequence[bool], items: Sequence[Item], words: Sequence[int]) -> None:
    """Print recall by disguise and by benchmark."""
    by_disguise: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    by_benchmark: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for one, has, size in zip(planted, found, words, strict=True):
        length = "12 words and more" if size >= 12 else "shorter"
        changed = "words_changed" if one.disguise == "words_changed" else "other disguises"
        for rows, key in (
            (by_disguise, (length, one.form, one.disguise)),
            (by_benchmark, (length, one.form, changed, items[one.item].benchmark)),
        ):
            rows[key][0] += has
            rows[key][1] += 1
    shown(by_disguise, ("length", "form", "disguise"))
    shown({key: row for key, row in by_benchmark.items() if key[0] != "shorter"}, ("length", "form", "disguise", "of"))


def coverage(planted: Sequence[Planted], found: Sequence[bool], items: Sequence[Item], rounds: int) -> None:
    """Print how often the interval of what is missed covers what is missed.

    Planted items are drawn apart for the audit (200 a disguise) and for the truth (5 to 100 of a benchmark).
    """
    random = Random(1)  # noqa: S311
    rows: dict[str, list[bool]] = defaultdict(list)
    for _ in range(rounds):
        order = random.sample(range(len(planted)), len(planted))
        chosen = order[: 8 * 200]
        audit, truth = defaultdict(list), defaultdict(list)
        for place in chosen:
            audit[items[planted[place].item].benchmark].append(found[place])
        for place in order[8 * 200 :]:
            truth[items[planted[place].item].benchmark].append(found[place])
        for benchmark, flags in truth.items():
            some = flags[: random.randrange(5, 100)]
            hits = audit[benchmark]
            _, low, high = missed(sum(some), sum(hits), len(hits))
            rows[benchmark].append(low <= len(some) - sum(some) <= high)
    print("\n| benchmark | rounds | interval covers what was missed |\n| --- | --- | --- |")
    for benchmark, covered in sorted(rows.items()):
        print(f"| {benchmark} | {len(covered)} | {sum(covered)} |")


def datatrove(
    planted: Sequence[Planted], documents: Sequence[str], items: Sequence[Item], plain: Sequence[str]
) -> None:
    """Print what datatrove's filter finds of planted documents and flags of plain ones, with its queries."""
    from datatrove.data import Document
    from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
    from datatrove.utils.hashing import HashConfig

    # Its xxhash wants text where the library wants bytes; which hash it is makes no difference to what is found.
    config = NGramsDecontConfig(find_query_ngrams=True, hash_config=HashConfig(hash_fc="sha1"))
    # Its own constructor wants lighteval, which is for downloading tasks.
    indexer = object.__new__(NGramsDecontIndexer)
    looking = NGramsDecontFilter(".", config)
    indexer.config, indexer.tokenizer, indexer.hash_func = config, looking.tokenizer, looking.hash_func
    hashes: dict[int, str] = {}
    for number in {one.item for one in planted}:
        item = items[number]
        answer = item.solution or next(iter(item.answers), "")
        hashes |= dict.fromkeys(indexer.compute_hashes(answer, item.question), item.benchmark)
    looking._index_hashes = hashes  # noqa: SLF001
    begin = time.process_time()
    found = [looking.filter(Document(text=text, id="")) is not True for text in documents]
    seconds = time.process_time() - begin
    rows: Counter[tuple[str, str]] = Counter()
    for one, has in zip(planted, found, strict=True):
        size = "12 words and more" if len(one.text.split()) >= 12 else "shorter"
        rows.update({(size, one.disguise): has, (size, f"{one.disguise} planted"): 1})
    print("\n| length | disguise | planted | found |\n| --- | --- | --- | --- |")
    for (size, disguise), has in sorted(rows.items()):
        if not disguise.endswith("planted"):
            print(f"| {size} | {disguise} | {rows[size, f'{disguise} planted']} | {has} |")
    wrong = sum(looking.filter(Document(text=text, id="")) is not True for text in plain)
    size = sum(len(text.encode()) for text in documents) / 1e6
    print(
        f"\n{size / seconds:.2f} MB a CPU second; of {len(plain)} documents without planted items {wrong} are flagged."
    )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--planted", type=int, default=1500, help="items a disguise")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--peers", type=int, default=0, help="documents a disguise that datatrove looks at")
    chosen = parser.parse_args()
    items = [item for path in sorted(chosen.benchmarks.glob("*.jsonl.zst")) for item in read_benchmark(path)]
    texts, files = read_texts(chosen.texts)
    column = pa.chunked_array([pa.array(texts, pa.large_string())])
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(items):,} items; {len(texts):,} documents of {size:.0f} MB")
    carriers = [text for text in texts if 200 < len(text) < 20_000][::7]
    some = [number for number, item in enumerate(items) if item.benchmark in TEN]
    planted, documents = plant([items[number] for number in some], carriers, chosen.planted)
    planted = [one._replace(item=some[one.item]) for one in planted]
    words = np.diff(visible_hashes(pa.array([one.text for one in planted], pa.large_string()))[0]).tolist()
    for name, config in (("overlap", Config()), ("ngram", Config(method="ngram", min_words=8))):
        way = Way(name, config, items, column)
        flagged, seconds = way.flagged(column)
        print(
            f"\n## {name}\n\nIndex {way.index.bytes / 1e6:.0f} MB, {len(way.index.parts):,} probes, built in "
            f"{way.building:.0f} CPU s; {way.index.searchable.mean():.2%} of items are looked for. Counting "
            f"{size / way.counting:.0f}, looking {size / seconds:.0f}, both {size / (way.counting + seconds):.0f} MB a "
            f"CPU second.\n\n{len(flagged)} of {len(texts):,} documents are flagged, "
            f"{1e4 * len(flagged) / len(texts):.2f} in 10,000:\n"
        )
        for row, match in sorted(flagged.items(), key=lambda pair: pair[1].score)[:40]:
            text = texts[row].encode()
            start = sum(len(one.encode()) for one in texts[:row])
            span = text[match.start - start : match.end - start].decode("utf-8", "replace")
            print(
                f"- {files[row]}: {way.index.names[match.item]}, {PARTS[match.part]}, {match.score:.2f}: {span[:150]!r}"
            )
        found = found_again(planted, documents, way.index, way.rarity, range(len(PARTS)))
        recall(planted, found, items, words)
        if name == "overlap":
            coverage(planted, found, items, chosen.rounds)
    if chosen.peers:
        print("\n## datatrove, 12-grams, queries too")
        every = max(1, chosen.planted // chosen.peers)
        datatrove(planted[::every], documents[::every], items, texts[::30])


if __name__ == "__main__":
    main()
