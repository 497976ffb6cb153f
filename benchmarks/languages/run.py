"""Which language is seen in sentences, pairs of words and single words: each way to tell it, with its speed.

    python benchmarks/languages/run.py --texts FOLDER [--results FOLDER]

FOLDER holds `udhr.jsonl.zst` and `tldr.jsonl.zst` (`text` and `lang` in each record): translations of one declaration,
and short pages about commands, of which only the sentences are taken. Of each language and kind at most `MOST` lines
are drawn by a fixed seed. Languages are those that lingua knows, and, apart, those that only the packaged model does;
lines of others say nothing about either. The ways with lingua are left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import zstandard

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tamis.language_codes import language_code  # noqa: E402
from tamis.languages import second  # noqa: E402
from tamis.languages.identify import identify  # noqa: E402
from tamis.languages.packaged import PACKAGED  # noqa: E402
from tamis.stages.language_id import Config  # noqa: E402

MOST = 100
KINDS = ("word", "pair", "sentence")
UNSPACED = frozenset({"ja", "ko", "th", "zh"})
WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0dff]*[^\W\d_]*)*")
MARKUP = re.compile(r"`[^`]*`|<[^>]*>|\{\{.*?\}\}|https?://\S+")

Line = tuple[str, str, str]
"""Language, kind, text."""


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Language and text of every record."""
    for name in ("udhr", "tldr"):
        with zstandard.open(folder / f"{name}.jsonl.zst", "rt", encoding="utf-8") as file:
            for record in map(json.loads, file):
                text = record["text"]
                if name == "tldr":
                    said = [line.strip("->: ") for line in text.split("\n") if line.startswith(("-", ">"))]
                    text = MARKUP.sub("", "\n".join(said))
                code = language_code(record["lang"])
                yield "no" if code == "nb" else code, text


def lines(folder: Path) -> list[Line]:
    """The lines that are judged."""
    dice = random.Random(0)  # noqa: S311 - the same lines every time
    by_language: dict[str, list[str]] = defaultdict(list)
    for language, text in texts(folder):
        by_language[language] += [line.strip() for line in text.split("\n")]
    found = []
    for language, given in sorted(by_language.items()):
        if language not in second.KNOWN | PACKAGED or language == "und":
            continue
        close = language in UNSPACED
        words = [WORD.findall(line) for line in given]
        kinds = {
            "word": {word for one in words for word in one if len(word) >= (2 if close else 5)},
            "pair": {f"{a} {b}" for one in words for a, b in pairwise(one) if len(a + b) >= 9},
            "sentence": {line for line in given if len(line) >= (15 if close else 30)},
        }
        for kind in KINDS:
            choices = sorted(kinds[kind])
            found += [(language, kind, text) for text in dice.sample(choices, min(MOST, len(choices)))]
    return found


def table(given: Sequence[Line], ways: dict[str, Callable[[pa.Array], Sequence[str]]]) -> list[str]:
    """A row a way: share of right labels by kind, and lines a second."""
    column = pa.array([text for _, _, text in given], pa.large_string())
    rows = ["| | words | pairs | sentences | all | lines/s |", "|---|---|---|---|---|---|"]
    for name, way in ways.items():
        way(column.slice(0, 400))  # what is loaded or compiled
        start = time.process_time()
        labels = way(column)
        seconds = time.process_time() - start
        right = {
            kind: [lang == label for (lang, k, _), label in zip(given, labels, strict=True) if k == kind]
            for kind in KINDS
        }
        shares = [sum(ones) / len(ones) for ones in (*right.values(), [one for ones in right.values() for one in ones])]
        rows.append(f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} | {len(given) / seconds:,.0f} |")
    return rows


def of(config: Config) -> Callable[[pa.Array], Sequence[str]]:
    """The labels by a section."""
    return lambda column: identify(column, config)[0]


def lingua_alone(column: pa.Array) -> list[str]:
    """The labels by lingua of every line."""
    return [(second.identify(text) or ("und", 0))[0] for text in column.to_pylist()]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--results", type=Path)
    given = parser.parse_args()
    ways = {
        "the packaged model, as it ships (und below .4)": of(Config()),
        "the packaged model, never und": of(Config(undecided_below=0)),
    }
    if importlib.util.find_spec("lingua") is not None:
        ways |= {
            "and lingua: second: {} (below .9, .9)": of(Config(second={})),
            "and lingua: below .9, .4": of(Config(second={"unknown_below": 0.4})),
            "and lingua: below .5, .5": of(Config(second={"below": 0.5, "unknown_below": 0.5})),
            "lingua alone": lingua_alone,
        }
    every = lines(given.texts)
    told = ["# Languages of lines", ""]
    for title, chosen in (
        ("Languages that lingua knows", [line for line in every if line[0] in second.KNOWN]),
        ("Languages that only the packaged model knows", [line for line in every if line[0] not in second.KNOWN]),
    ):
        languages = len({line[0] for line in chosen})
        told += [f"**{title}**: {len(chosen):,} lines of {languages} languages", "", *table(chosen, ways), ""]
    print("\n".join(told))
    if given.results:
        name = f"{datetime.now(UTC):%Y-%m-%d}-languages-lines.md"
        (given.results / name).write_text("\n".join(told), encoding="utf-8")


if __name__ == "__main__":
    main()
