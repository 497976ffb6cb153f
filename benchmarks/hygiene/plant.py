"""Plant values of every kind into real text, beside as many that look like them and are none.

    python benchmarks/hygiene/plant.py TEXTS.jsonl.zst... --output planted.jsonl [--each 400] [--seed 0]

TEXTS are JSON Lines with `text`. Passages of up to 1,500 characters without an @ are taken from them at random, from
each file alike; each is given one to four values or look-alikes, between two words or on a line of its own. A line of
the output is {"text", "spans": [{"start", "end", "kind"}], "traps": [likewise]}; places are characters. Digits of the
real text stay where they are: what a detector finds there counts as wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zstandard
from forms import KINDS
from forms_shared import Made

PASSAGE = 1_500
_GAP = re.compile(r"(?<=[\w,.;])[ \n]+(?=\w)")


def passages(paths: Sequence[Path], dice: random.Random) -> Iterator[str]:
    """Passages of real text without end, from each file alike."""
    texts: list[list[str]] = []
    for path in paths:
        with zstandard.open(path, "rt", encoding="utf-8", errors="replace") as file:
            found = [json.loads(line)["text"] for line in file]
        texts.append([text for text in found if text.strip()])
    while True:
        text = dice.choice(dice.choice(texts))
        start = dice.randrange(max(1, len(text) - PASSAGE))
        passage = text[start : start + dice.randint(200, PASSAGE)]
        if "@" not in passage and len(_GAP.findall(passage)) > 4:
            yield passage


def planted(passage: str, items: Sequence[tuple[str, bool, Made]], dice: random.Random) -> dict[str, Any]:
    """A passage with some items in it: kind, whether it is one, and what to write."""
    gaps = [match.span() for match in _GAP.finditer(passage)]
    places = sorted(dice.sample(gaps, min(len(items), len(gaps))))
    text, at = "", 0
    found: dict[str, Any] = {"spans": [], "traps": []}
    for (start, end), (kind, real, (before, value, after)) in zip(places, items, strict=False):
        left, right = ("\n", "\n") if dice.random() < 0.35 else (" ", " ")
        text += passage[at:start] + left + before
        found["spans" if real else "traps"].append({"start": len(text), "end": len(text) + len(value), "kind": kind})
        text += value + after + right
        at = end
    return {"text": text + passage[at:], **found}


def corpus(paths: Sequence[Path], each: int, seed: int) -> list[dict[str, Any]]:
    """Documents with `each` values and `each` look-alikes of every kind."""
    dice = random.Random(seed)  # noqa: S311 - the same corpus every time
    items: list[tuple[str, bool, Made]] = []
    for kind, (makers, traps) in KINDS.items():
        chosen = dice.choices([maker for maker, _ in makers], [share for _, share in makers], k=each)
        items += [(kind, True, maker(dice)) for maker in chosen]
        items += [(kind, False, traps[number % len(traps)](dice)) for number in range(each)]
    dice.shuffle(items)
    source = passages(paths, dice)
    documents = []
    while items:
        count = min(dice.randint(1, 4), len(items))
        documents.append(planted(next(source), [items.pop() for _ in range(count)], dice))
    return documents


def main() -> None:
    """Write the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--each", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    documents = corpus(given.texts, given.each, given.seed)
    with given.output.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)


if __name__ == "__main__":
    main()
