"""Whom word lists hit: labelled tweets beside a trained classifier, texts that are not toxic by language, and speed.

    python benchmarks/hygiene/toxicity.py LISTS TEXTS.jsonl.zst... [--labels hate-speech.jsonl.zst] [--seeds 5]
        [--peers] [--read 30]

LISTS is a folder of word lists, or a file of JSON Lines with `id` (the language) and `words`. Of TEXTS the languages
are those that the records say (`lang`). `--labels` are tweets with a label (hate_speech, offensive_language, neither).
The classifier is the stage `linear` (words and pairs), taught by half of the labels, several times. `--peers` asks
datatrove's C4BadWordsFilter, too: whether it drops the same texts, and its speed. `--read` prints some hits to be read,
chosen by hash. In brackets: Wilson's 95 % interval.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from privacy import interval, lines_of

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "benchmarks" / "classifiers"))

from run import by_fasttext, linear  # noqa: E402

from tamis.classifiers import fasttext  # noqa: E402
from tamis.classifiers.evaluation.ranking import roc_auc  # noqa: E402
from tamis.hashing import keys  # noqa: E402
from tamis.kernels.words import buffers, word_hashes  # noqa: E402
from tamis.language_codes import language_code  # noqa: E402
from tamis.text import words  # noqa: E402
from tamis.toxicity.measure import FIRST, HITS, SHARE, Lists, Scheme, measure  # noqa: E402
from tamis.toxicity.word_lists import in_folder  # noqa: E402

DATATROVE_ALLOWS = {"ja": ("sm", "グロ", "女の子"), "zh": ("性",)}
"""What datatrove takes out of the lists."""

# fmt: off
SPELLINGS = frozenset((
    "aint", "gon", "finna", "tryna", "bouta", "boutta", "imma", "ima", "iont", "dat", "dis", "dey", "wit", "yall",
    "tho", "sumn", "bruh", "fam", "fasho", "ova", "neva", "eva", "cuz", "talmbout", "deadass",
))
# fmt: on
"""Spellings that are counted as a sign of African American English, chosen before any text was looked at; none is in a
list. A rough sign: white Southerners and young people write some of them, too."""


def folder_of(given: Path, scratch: Path) -> Path:
    """A folder of lists; made of a file of JSON Lines where that is given."""
    if given.is_dir():
        return given
    for row in lines_of(given):
        (scratch / row["id"]).write_text("\n".join(row["words"]) + "\n", encoding="utf-8")
    return scratch


def scheme(folder: Path, *, c4: bool) -> Scheme:
    """The lists of a folder."""
    return Scheme(in_folder(str(folder), ()), DATATROVE_ALLOWS if c4 else {}, frozenset(), c4)


def table_of(texts: Sequence[str], languages: Sequence[str]) -> pa.Table:
    """Documents of texts."""
    return pa.table(
        {
            "text": pa.array(texts, pa.large_string()),
            "language": pa.array([language_code(one) for one in languages], pa.string()),
            "source": pa.array([""] * len(texts), pa.string()),
        }
    )


def counted(documents: pa.Table, lists: Lists) -> tuple[dict[str, np.ndarray], pa.Table]:
    """Measured columns, null as NaN, and the entries that were found."""
    found, entries = measure(documents, np.ones(documents.num_rows, bool), lists)
    columns = {name: found[name].cast(pa.float64()).to_numpy() for name in (HITS, SHARE)}
    return {**columns, FIRST: np.array(found[FIRST].to_pylist(), object)}, entries


def marked(text: str) -> bool:
    """Whether a text has a spelling of `SPELLINGS`."""
    return not SPELLINGS.isdisjoint(re.sub(r"['’]", "", text.lower()).split()) or bool(
        SPELLINGS.intersection(words(text))
    )


def labelled(rows: Sequence[dict[str, Any]], lists: Lists, seeds: int) -> None:
    """Print what lists and classifiers say of labelled tweets, and of whom they are wrong."""
    texts = [row["text"] for row in rows]
    label = np.array([row["label"] for row in rows])
    found, _ = counted(table_of(texts, ["en"] * len(texts)), lists)
    hit = found[HITS] > 0
    every = np.ones(len(label), bool)
    tasks = {
        "hate or offensive against neither": (label != "neither", every),
        "hate against neither": (label == "hate_speech", label != "offensive_language"),
        "hate against all others": (label == "hate_speech", every),
    }
    heads = "| task | texts | method | AUC | precision | recall |\n|---|---|---|---|---|---|"
    print(f"\nlabels; lists on all texts, classifiers on halves, means of {seeds} seeds\n\n{heads}")
    wrong: list[tuple[str, np.ndarray, np.ndarray]] = []
    for task, (toxic, among) in tasks.items():
        line, right = f"| {task} | {among.sum():,} |", int((hit & toxic & among).sum())
        recall = right / int((toxic & among).sum())
        area = roc_auc(toxic[among], found[HITS][among])
        shares = f"{interval(right, int((hit & among).sum()))} | {interval(right, int((toxic & among).sum()))}"
        print(f"{line} hits > 0 | {area:.3f} | {shares} |")
        print(f"{line} share of words | {roc_auc(toxic[among], found[SHARE][among]):.3f} | – | – |")
        wrong.append((f"{task}, hits > 0", hit, among & ~toxic))
        for name, method in (("linear", linear), ("fastText", by_fasttext(fasttext.Training()))):
            areas, precisions = [], []
            for seed in range(seeds):
                order = np.random.default_rng(seed).permutation(np.flatnonzero(among))
                learnt, tested = order[: len(order) // 2], order[len(order) // 2 :]
                score, _ = method([texts[i] for i in learnt], toxic[learnt], [texts[i] for i in tested])
                areas.append(roc_auc(toxic[tested], score))
                # The bound beyond which as many toxic texts lie as have hits.
                bound = np.sort(score[toxic[tested]])[::-1][int(np.ceil(recall * toxic[tested].sum())) - 1]
                precisions.append(float(toxic[tested][score >= bound].mean()))
                if name == "linear" and seed == 0:
                    goes, asked = _spread(score >= bound, tested, len(texts)), _spread(True, tested, len(texts))
                    wrong.append((f"{task}, linear, as many toxic ones", goes, asked & ~toxic))
            mean = f"{np.mean(areas):.3f} (sd {np.std(areas):.3f})"
            print(f"{line} {name}, taught by half | {mean} | {np.mean(precisions):.3f} at that recall | {recall:.3f} |")
    dialect = np.array([marked(text) for text in texts])
    print(f"\n{dialect.sum():,} texts with spellings\n\n| of those that are none, share that goes | with | without |")
    print("|---|---|---|")
    for name, goes, clean in wrong:
        cells = [interval(int((goes & clean & of).sum()), int((clean & of).sum())) for of in (dialect, ~dialect)]
        print(f"| {name} | {cells[0]} | {cells[1]} |")
    neither = [text for text, own in zip(texts, label, strict=True) if own == "neither"]
    print("\nentries in most texts that are neither:")
    print(most(counted(table_of(neither, ["en"] * len(neither)), lists)[1], 25))


def _spread(values: np.ndarray | bool, rows: np.ndarray, count: int) -> np.ndarray:
    found = np.zeros(count, bool)
    found[rows] = values
    return found


def most(entries: pa.Table, count: int) -> str:
    """The entries that are in most documents."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in entries.to_pylist():
        sums[row["language"], row["entry"]] += row["documents"]
    return ", ".join(f"{entry} ({language}) {number}" for (language, entry), number in sums.most_common(count))


def by_language(texts: Iterable[Path], ours: Lists, c4: Lists) -> None:
    """Print the share of documents with hits, by file and language."""
    print("\n| texts | language | documents | with hits | by C4's rule | entries in most |\n|---|---|---|---|---|---|")
    for path in texts:
        rows = lines_of(path)
        documents = table_of([row["text"] for row in rows], [row.get("lang") or "und" for row in rows])
        (found, _), (by_c4, _) = counted(documents, ours), counted(documents, c4)
        places = defaultdict(list)
        for place, language in enumerate(documents["language"].to_pylist()):
            places[language].append(place)
        for language, own in sorted(places.items(), key=lambda item: (-len(item[1]), item[0])):
            hits, theirs = found[HITS][own], by_c4[HITS][own]
            if np.isnan(hits).all() or (not (hits > 0).any() and len(own) < 20):
                continue
            first = Counter(found[FIRST][own][hits > 0].tolist())
            said = ", ".join(f"{name} {number}" for name, number in first.most_common(5))
            ways = " | ".join(interval(int((one > 0).sum()), len(own)) for one in (hits, theirs))
            print(f"| {path.name.partition('.')[0]} | {language} | {len(own):,} | {ways} | {said} |")


def speed(texts: Iterable[Path], ours: Lists, c4: Lists) -> None:
    """Print the speed of one core, and of that the share that normalising takes."""
    print("\n| texts | MB | MB a CPU second | c4 | words alone |\n|---|---|---|---|---|")
    for path in texts:
        rows = lines_of(path)
        documents = table_of([row["text"] for row in rows], [row.get("lang") or "en" for row in rows])
        size = sum(len(row["text"].encode()) for row in rows) / 1e6
        took = []
        for work in (
            lambda given: counted(given, ours),
            lambda given: counted(given, c4),
            lambda given: word_hashes(*buffers(given["text"])),
        ):
            work(documents.slice(0, 1))
            each = []
            for _ in range(3):
                begin = time.process_time()
                work(documents)
                each.append(time.process_time() - begin)
            took.append(min(each))
        print(
            f"| {path.name.partition('.')[0]} | {size:.1f} | " + " | ".join(f"{size / one:.0f}" for one in took) + " |"
        )


def beside_datatrove(texts: Iterable[Path], folder: Path, c4: Lists) -> None:
    """Print whether datatrove's filter drops the same texts, and its speed."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import c4_filters

    def local(url: str, **_: object) -> str:
        return str(folder / url.rpartition("/")[2])

    print("\n| texts | documents | dropped by both | by one only | datatrove, MB a CPU second |\n|---|---|---|---|---|")
    with patch.object(c4_filters, "cached_asset_path_or_download", local):
        theirs = c4_filters.C4BadWordsFilter(fail_on_missing_language=False)
        for path in texts:
            rows = [row for row in lines_of(path) if (folder / language_code(row.get("lang") or "und")).exists()]
            if not rows:
                continue
            languages = [language_code(row["lang"]) for row in rows]
            documents = [
                Document(row["text"], "", metadata={"language": one}) for row, one in zip(rows, languages, strict=True)
            ]
            theirs.filter(documents[0])
            begin = time.process_time()
            drops = np.array([theirs.filter(one) is not True for one in documents])
            took = time.process_time() - begin
            own = counted(table_of([row["text"] for row in rows], languages), c4)[0][HITS] > 0
            size = sum(len(row["text"].encode()) for row in rows) / 1e6
            both, one = int((drops & own).sum()), int((drops ^ own).sum())
            print(f"| {path.name.partition('.')[0]} | {len(rows):,} | {both} | {one} | {size / took:.1f} |")


def read(texts: Iterable[Path], lists: Lists, count: int) -> None:
    """Print some documents with hits around the first one, to be read."""
    found = []
    for path in texts:
        rows = lines_of(path)
        measured, _ = counted(
            table_of([row["text"] for row in rows], [row.get("lang") or "und" for row in rows]), lists
        )
        for row, entry in zip(rows, measured[FIRST].tolist(), strict=True):
            if entry is not None:
                found.append((path.name.partition(".")[0], row, entry))
    key = int(keys("toxicity-read", 1)[0])
    order = sorted(range(len(found)), key=lambda place: (place * 0x9E3779B97F4A7C15 ^ key) % (1 << 61))
    print(f"\n{len(found):,} documents with hits; {min(count, len(found))} to be read")
    for number, place in enumerate(order[:count], 1):
        name, row, entry = found[place]
        # The entry as it is looked for is not always as it is written.
        at = row["text"].casefold().find(entry.casefold())
        around = row["text"][max(0, at - 120) : at + 120].replace("\n", " ")
        print(f"{number}. [{name}, {row.get('lang')}, {row.get('label', '')}] {entry!r}: …{around}…")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", type=Path)
    parser.add_argument("texts", nargs="*", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--read", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder_of(given.lists, Path(scratch))
        ours, c4 = Lists(scheme(folder, c4=False)), Lists(scheme(folder, c4=True))
        if given.labels:
            labelled(lines_of(given.labels), ours, given.seeds)
        if given.texts:
            by_language(given.texts, ours, c4)
            speed(given.texts, ours, c4)
        if given.peers:
            beside_datatrove(given.texts, folder, c4)
        if given.read:
            read(given.texts, ours, given.read)


if __name__ == "__main__":
    main()
