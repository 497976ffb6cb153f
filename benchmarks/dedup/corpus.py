"""Make a corpus of about 3 kB a document with near-copies at known exact Jaccard; nothing is downloaded.

The text is generated: words are pseudo-words of syllables, drawn by a Zipf-Mandelbrot law (frequency ∝ 1/(rank +
2.7)^1.07 over 50,000 words, short words first), set in sentences and paragraphs; document lengths are log-normal
(median 430 words, sigma 0.6). Words are independent of each other, so unrelated documents share hardly any 5-word
n-gram. Three documents in ten end in one of 200 boilerplate
paragraphs. It is fair for speed (word lengths, word
frequencies, document lengths), and says nothing about how duplicates look in the wild: `real_corpora.py` measures
that.

One document in five is a near-copy of another: words in the middle of it are replaced so that the exact Jaccard
similarity of their word 5-gram sets comes close to one of 20 levels (0.05, 0.10 … 1.00); a copy at 1.00 is re-wrapped
and in another case. The exact value, computed from the two word sequences, is in `pairs.parquet` (id_a, id_b, level,
jaccard). One copy in eight is of one of a few dozen originals a block, which have about six copies each.

    python benchmarks/dedup/corpus.py FOLDER --documents 50000 [--format parquet|jsonl] [--seed 0]

writes FOLDER/input/*.parquet (id, url, text, date) and FOLDER/pairs.parquet. The same arguments give the same bytes:
block b of 10,000 documents depends on the seed and b only, so a larger corpus begins with the smaller one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

VOCABULARY = 50_000
BLOCK = 10_000
NGRAM = 5
LEVELS = tuple(level / 20 for level in range(1, 21))
COPIES_SHARE = 0.2
BOILERPLATE = 200
BOILERPLATE_SHARE = 0.3
BOILERPLATE_WORDS = 30

# How a word stands in the text, as four flags of its form: capital letter, comma, end of sentence, end of paragraph.
CAPITAL, COMMA, STOP, PARAGRAPH = 1, 2, 4, 8
FORMS = 16


def vocabulary(size: int = VOCABULARY) -> list[str]:
    """`size` different lower-case pseudo-words; the first are the shortest, as in a language."""
    generator = np.random.Generator(np.random.Philox(key=[7, 0]))
    onsets = ["", "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr", "pl", "ch"]
    vowels = ["a", "e", "i", "o", "u", "ea", "ou"]
    codas = ["", "", "n", "r", "s", "t", "l", "nd"]
    words: dict[str, None] = {}
    while len(words) < size:
        syllables = 1 + (len(words) > 150) + (len(words) > 6_000)
        picks = generator.random((4096, syllables, 3))
        for row in picks:
            word = "".join(
                onsets[int(a * len(onsets))] + vowels[int(b * len(vowels))] + codas[int(c * len(codas))]
                for a, b, c in row
            )
            words.setdefault(word)
            if 1 + (len(words) > 150) + (len(words) > 6_000) != syllables or len(words) == size:
                break
    return list(words)


def _spellings(words: list[str]) -> pa.Array:
    """Every word in every form: entry word·FORMS + form, with the white space that follows it."""
    spelled = []
    for word in words:
        for form in range(FORMS):
            written = word.capitalize() if form & CAPITAL else word
            end = "." if form & STOP else "," if form & COMMA else ""
            spelled.append(written + end + ("\n\n" if form & PARAGRAPH else " "))
    return pa.array(spelled)


def _frequencies() -> np.ndarray:
    weights = 1.0 / (np.arange(VOCABULARY) + 2.7) ** 1.07
    return np.cumsum(weights) / weights.sum()


def _draw(generator: np.random.Generator, count: int, cumulative: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(cumulative, generator.random(count)), VOCABULARY - 1).astype(np.int64)


def _forms(generator: np.random.Generator, words: int) -> np.ndarray:
    """Punctuation of one document: sentences of about 17 words, paragraphs of about 90."""
    chance = generator.random(words)
    forms = np.where(chance < 0.06, STOP, np.where(chance < 0.12, COMMA, 0))
    forms = np.where(chance < 0.011, STOP | PARAGRAPH, forms)
    forms[-1] = STOP
    forms[1:] |= np.where(forms[:-1] & STOP, CAPITAL, 0)
    forms[0] |= CAPITAL
    return forms


def ngram_set(words: np.ndarray, ngram: int = NGRAM) -> np.ndarray:
    """The distinct n-grams of a word sequence as rows of numbers packed in bytes."""
    windows = np.lib.stride_tricks.sliding_window_view(words, ngram)
    return np.unique(np.ascontiguousarray(windows).view(f"V{8 * ngram}").reshape(-1))


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Exact Jaccard similarity of the n-gram sets of two word sequences."""
    a, b = ngram_set(one), ngram_set(other)
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)


def near_copy(generator: np.random.Generator, words: np.ndarray, level: float, cumulative: np.ndarray) -> np.ndarray:
    """Replace words so that the Jaccard similarity to the original is about `level`.

    m of n n-grams go and m others come: (n - m)/(n + m) = level. A run of k words takes k + 4 n-grams with it; up to
    eight runs are spread over the document, so that a copy is not just another ending.
    """
    ngrams = len(words) - NGRAM + 1
    lost = round(ngrams * (1 - level) / (1 + level))
    copy = words.copy()
    runs = min(8, lost // (2 * NGRAM)) or (1 if lost else 0)
    if not runs:
        return copy
    stretch = len(words) // runs
    left = lost
    for run in range(runs):
        length = max(1, min(left // (runs - run) - (NGRAM - 1), stretch - 2 * NGRAM))
        begin = run * stretch + (stretch - length) // 2
        copy[begin : begin + length] = _draw(generator, length, cumulative)
        left -= length + NGRAM - 1
    return copy


class Maker:
    """Makes blocks of documents."""

    def __init__(self, seed: int = 0) -> None:
        """Prepare the vocabulary and the boilerplate."""
        self.seed = seed
        self.cumulative = _frequencies()
        self.spellings = _spellings(vocabulary())
        generator = np.random.Generator(np.random.Philox(key=[seed, 2**32]))
        self.boilerplate = _draw(generator, BOILERPLATE * BOILERPLATE_WORDS, self.cumulative).reshape(BOILERPLATE, -1)
        # A foot has the same punctuation wherever it stands.
        self.foot_forms = np.zeros(BOILERPLATE_WORDS, np.int64)
        self.foot_forms[[0, 12]], self.foot_forms[[11, -1]] = CAPITAL, STOP

    def _sequences(
        self, generator: np.random.Generator, count: int
    ) -> tuple[list[np.ndarray], list[np.ndarray], list[tuple[int, int, float, float]]]:
        """Words and forms of `count` documents, and (copy, original, level, jaccard) of the near-copies."""
        lengths = np.clip(np.exp(generator.normal(np.log(430), 0.6, count)), 40, 6_000).astype(np.int64)
        drawn = _draw(generator, int(lengths.sum()), self.cumulative)
        sequences = np.split(drawn, np.cumsum(lengths)[:-1])
        foot = generator.random(count) < BOILERPLATE_SHARE
        # Few feet are very common, as in crawls.
        which = (generator.random(count) ** 3 * BOILERPLATE).astype(np.int64)
        sequences = [
            np.concatenate([words, self.boilerplate[which[i]]]) if foot[i] else words
            for i, words in enumerate(sequences)
        ]
        forms = [_forms(generator, len(words)) for words in sequences]
        for i in np.flatnonzero(foot):
            forms[i][-BOILERPLATE_WORDS:] = self.foot_forms
            forms[i][-BOILERPLATE_WORDS - 1] = STOP | PARAGRAPH
        truth: list[tuple[int, int, float, float]] = []
        copies = np.flatnonzero(generator.random(count) < COPIES_SHARE)
        originals = np.setdiff1d(np.arange(count), copies)
        if not len(originals):
            return sequences, forms, truth
        # One copy in eight is of one of a few originals: clusters.
        popular = originals[: max(1, len(originals) // 200)]
        for number, copy in enumerate(copies.tolist()):
            level = LEVELS[number % len(LEVELS)]
            pool = popular if generator.random() < 0.125 else originals
            original = int(pool[int(generator.random() * len(pool))])
            sequences[copy] = near_copy(generator, sequences[original], level, self.cumulative)
            # Copies keep paragraphs and punctuation, but for those that differ in nothing else.
            forms[copy] = forms[original] if level < 1 else _forms(generator, len(sequences[copy]))
            truth.append((copy, original, level, jaccard(sequences[copy], sequences[original])))
        return sequences, forms, truth

    def block(self, index: int, count: int = BLOCK) -> tuple[pa.Table, pa.Table]:
        """Documents (id, url, text, date) and near-copies (id_a, id_b, level, jaccard) of one block."""
        generator = np.random.Generator(np.random.Philox(key=[self.seed, index]))
        # A short last block is the beginning of the whole one.
        sequences, forms, truth = self._sequences(generator, BLOCK)
        sequences, forms = sequences[:count], forms[:count]
        truth = [row for row in truth if row[0] < count and row[1] < count]
        entries = np.concatenate(sequences) * FORMS + np.concatenate(forms)
        offsets = np.concatenate([[0], np.cumsum([len(words) for words in sequences])])
        pieces = self.spellings.take(pa.array(entries))
        text = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pieces), "")
        numbers = [index * BLOCK + i for i in range(count)]
        names = [f"document-{number:08d}" for number in numbers]
        documents = pa.table(
            {
                "id": names,
                "url": [f"https://site{number % 997}.example.org/{number}" for number in numbers],
                "text": pc.utf8_rtrim_whitespace(text),
                "date": [f"20{10 + number % 14:02d}-01-01T00:00:00Z" for number in numbers],
            }
        )
        pairs = pa.table(
            {
                "id_a": pa.array([names[row[0]] for row in truth], pa.string()),
                "id_b": pa.array([names[row[1]] for row in truth], pa.string()),
                "level": pa.array([row[2] for row in truth], pa.float64()),
                "jaccard": pa.array([row[3] for row in truth], pa.float64()),
            }
        )
        return documents, pairs


def blocks(documents: int, seed: int = 0) -> Iterator[tuple[pa.Table, pa.Table]]:
    """All blocks of a corpus."""
    maker = Maker(seed)
    for index in range(-(-documents // BLOCK)):
        yield maker.block(index, min(BLOCK, documents - index * BLOCK))


def write(folder: Path, documents: int, *, form: str = "parquet", seed: int = 0) -> int:
    """Write a corpus unless it is there; returns bytes of text."""
    done = folder / "corpus.json"
    what = {"documents": documents, "format": form, "seed": seed}
    if done.exists() and (found := json.loads(done.read_text())) | what == found:
        return int(found["text_bytes"])
    (folder / "input").mkdir(parents=True, exist_ok=True)
    text_bytes, pairs = 0, []
    for index, (table, known) in enumerate(blocks(documents, seed)):
        text_bytes += pc.sum(pc.binary_length(table["text"])).as_py()
        pairs.append(known)
        stem = folder / "input" / f"block-{index:05d}"
        if form == "parquet":
            pq.write_table(table, stem.with_suffix(".parquet"), compression="zstd", compression_level=1)
        else:
            with stem.with_suffix(".jsonl").open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())
    pq.write_table(pa.concat_tables(pairs), folder / "pairs.parquet")
    done.write_text(json.dumps(what | {"text_bytes": text_bytes}))
    return text_bytes


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    size = write(given.folder, given.documents, form=given.format, seed=given.seed)
    print(
        f"{given.documents:,} documents, {size / 1e6:,.0f} MB of text, {size / given.documents:,.0f} bytes a document"
    )


if __name__ == "__main__":
    main()
