"""Every kernel that walks bytes of texts, on bytes that are no UTF-8: none reads or writes outside of its arrays.

    NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(mktemp -d) python tests/fuzz/kernels.py --rounds 2000

Offsets are valid, bytes are anything: what a file with a damaged page, or a column that somebody else wrote, can hold.
Kernels are called as the stages call them. Python itself may refuse such a text later; that is no fault of a kernel.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from tamis.classifiers.fasttext_scorer import characters
from tamis.dedup import frequent_lines, paragraphs, winnowing
from tamis.dedup.minhash import signatures
from tamis.errors import ConservationError
from tamis.heuristics import metrics
from tamis.heuristics.groups import Groups
from tamis.heuristics.sections import Code
from tamis.kernels import fasttext_sums, json_structure, language_walk, lines, spans, word_features, words
from tamis.kernels.damage import damaged
from tamis.kernels.dedup.minhash import write_sets
from tamis.kernels.folded_characters import character_table
from tamis.languages import packaged
from tamis.repair import c4
from tamis.repair.marks import tables

KINDS = ("prose",)
PIECES = (
    b"word", b"the ", b" ", b"\n", b"\n\n", b"\r\n", b"\r", b"\t", b"\0", b".", b"...", "…".encode(), "ß".encode(),
    "\u0130".encode(), "\u0301".encode(), "字".encode(), "ก".encode(), "😀".encode(), "\U0010ffff".encode(),
    b"http://a.example/x", b"{", b"}", b"[1]", b"#", b"- ", b"lorem ipsum", b"don't", b"U.S.", b":-)", b"1,000.5", b"AAAA",
    b"\x80", b"\xbf", b"\xc0", b"\xc2", b"\xc3", b"\xe0", b"\xe2\x80", b"\xed\xa0\x80", b"\xef\xbf", b"\xf0\x9f",
    b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xfb", b"\xfe", b"\xff",
)  # fmt: skip


def text(dice: random.Random) -> bytes:
    """Bytes: random ones, well-formed and broken pieces of texts, one of them many times, cut anywhere."""
    size = dice.choice((0, 1, 2, 3, 7, 8, 9, 31, 200, 600))
    match dice.randrange(4):
        case 0:
            made = dice.randbytes(size)
        case 1:
            made = b"".join(dice.choices(PIECES, k=size // 2 + 1))
        case 2:
            made = dice.choice(PIECES) + dice.choice(PIECES) * size
        case _:
            made = bytes(dice.choices(range(0x78, 0x100), k=size))
    return made[dice.randrange(3) : len(made) - dice.randrange(3)]


def column(texts: Sequence[bytes]) -> pa.Array:
    """A text column of such bytes, which nobody has checked."""
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    # At the very end of its memory: what reads on after the last byte is caught.
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(texts)))


def documents(texts: pa.Array) -> pa.Table:
    """A documents table with the columns that kernels' callers look at."""
    rows = range(len(texts))
    return pa.table(
        {
            "id": [f"{row:032x}" for row in rows],
            "rank": pa.array(rows, pa.int64()),
            "kind": ["prose"] * len(texts),
            "source": ["s"] * len(texts),
            "url": pa.nulls(len(texts), pa.string()),
            "parent": pa.nulls(len(texts), pa.string()),
            "copies": pa.array([1] * len(texts), pa.int32()),
            "text": texts,
        }
    )


def heuristics(texts: pa.Array, dice: random.Random) -> None:
    """The metrics of all groups of rules."""
    language = pa.array(["en"] * len(texts))
    metrics.measure_prose(texts, language, Groups(words=dice.choice(("pieces", "tokens"))))
    metrics.measure_code(texts, Code())
    metrics.measure_size(texts)


def language(texts: pa.Array, dice: random.Random) -> None:
    """Samples of words, and the language of what they hold."""
    bounds, data, wide = language_walk.samples(*words.buffers(texts), dice.choice((1, 5, 1000)))
    language_walk.lower_shouting(bounds, data, wide)
    language_walk.walk(bounds, data, *packaged.model()["arrays"])


def cuts(texts: pa.Array, dice: random.Random) -> None:
    """Lines and paragraphs, their hashes, and texts without some of them."""
    offsets, data = words.buffers(texts)
    for by_line in (True, False):
        units = lines.find_units(offsets, data, np.ones(len(texts), np.bool_), by_line=by_line)
        lines.unit_characters(data, units.starts, units.ends)
        gone = np.array([dice.random() < 0.3 for _ in units.starts], np.bool_)
        starts, ends = lines.cut_spans(units.offsets, units.starts, units.ends, units.breaks, gone)
        rows = np.repeat(np.arange(len(texts)), np.diff(units.offsets))[gone]
        spans.characters_of(offsets, data, rows, starts, ends)
        spans.replace_spans(offsets, data, rows, starts, ends)
        spans.replace_spans(offsets, data, rows, starts, ends, pa.array(["<x>"] * len(rows), pa.large_string()))
        unit = "line" if by_line else "automatic"
        paragraphs.find_paragraphs(documents(texts), paragraphs.Scheme(KINDS, unit=unit, min_words=1))


def damage(texts: pa.Array, dice: random.Random) -> None:
    """Lines that show a sign of damage, and those that C4 cuts."""
    chosen = np.array([dice.random() < 0.9 for _ in range(len(texts))], np.bool_)
    damaged(*words.buffers(texts), chosen, *tables(dice.choice(("NFC", None))), dice.choice((1, 0xFFFF)))
    c4.cuts(pa.chunked_array([texts]), chosen, c4.LineRules(min_words=dice.choice((None, 1, 3))))


def copies(texts: pa.Array, dice: random.Random) -> None:
    """Words, their features, n-grams, signatures and windows."""
    words.word_hashes(*words.buffers(texts))
    bits = dice.choice((1, 10))
    word_features.word_features(*words.buffers(texts), bits)
    word_features.linear_scores(*words.buffers(texts), np.ones((1 << bits, 2), np.float32))
    scheme = signatures.Scheme(ngram=dice.choice((1, 5)), bands=2, rows=2, seed=0, within=None)
    made = signatures._signatures(documents(texts), scheme)
    bounds = signatures._bounds(made["size"].to_numpy())
    rows = np.arange(len(texts))
    key = scheme.set_keys()[0]
    grams = np.empty(bounds[-1], np.uint64)
    write_sets(*words.buffers(texts), words.WORD_KEY, character_table(), scheme.ngram, key, rows, bounds, grams, 0)
    windows = winnowing.Scheme(KINDS, tokens=dice.choice((2, 5)), within=None, seed=0)
    prints = winnowing.fingerprints(documents(texts), windows)
    winnowing.windows(documents(texts), np.unique(prints), windows)


LAST = (np.uint32(3_617_362_777), 0)


def sums(texts: pa.Array, dice: random.Random) -> None:
    """fastText's words and runs of words, in texts that are cut."""
    known = np.frombuffer(b"word\0the\0\xc3\x9f\0", np.uint8)
    bounds = np.array([[0, 4], [5, 8], [9, 11]])
    slots = np.zeros(8, np.int64)
    fasttext_sums.numbered(known, bounds, slots)
    numbers = np.ones((len(bounds) + dice.choice((0, 1, 7)), 2), np.float32)
    found = np.zeros((len(texts), 2))
    model = characters(), known, bounds, slots, LAST, dice.choice((1, 2, 5)), numbers
    fasttext_sums.sums(*words.buffers(texts), dice.choice((1, 100)), *model, found)


def frequent(texts: pa.Array, dice: random.Random) -> None:
    """Lines by their n-grams."""
    scheme = frequent_lines.Scheme(
        kinds=KINDS,
        ngram=3,
        min_words=1,
        sample_modulus=1,
        buckets=1,
        min_characters=0,
        coverage=0.5,
        unit_coverage=dice.choice((None, 0.5)),
    )
    (counted,) = frequent_lines.count_ngrams([documents(texts)], scheme)
    try:
        frequent_lines.Pruner(counted, scheme).prune(documents(texts))
    except (UnicodeDecodeError, pa.ArrowInvalid, ConservationError):
        # Cutting looks whether texts are still texts.
        return


def json(texts: pa.Array, dice: random.Random) -> None:
    """The structure of lines of JSON."""
    json_structure.structure(words.buffers(texts)[1])


TARGETS: tuple[Callable[[pa.Array, random.Random], None], ...] = (
    heuristics, language, cuts, damage, copies, sums, frequent, json,
)  # fmt: skip


def main() -> None:
    """Run all targets on random texts; the first fault ends it with a traceback and the round's number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for number in range(given.rounds):
        dice = random.Random(f"{given.seed} {number}")  # noqa: S311 - a test, the same every time
        texts = column([text(dice) for _ in range(dice.randrange(1, 6))])
        for target in TARGETS:
            try:
                target(texts, dice)
            except Exception as error:
                error.add_note(
                    f"round {number}, {target.__name__}: {[value.as_buffer().to_pybytes() for value in texts]}"
                )
                raise
    print(f"{given.rounds} rounds of {len(TARGETS)} targets")


if __name__ == "__main__":
    main()
