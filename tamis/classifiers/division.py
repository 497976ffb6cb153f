"""Which labelled texts teach and which measure: each text once, copies together, a share of every class exactly.

Of equal texts only one stays, and none of them where their labels differ. Near-copies (exact Jaccard of word 5-gram
sets at or above `NEAR`, found by MinHash bands) and captures of one page (the same first half of the id) form a group,
and a group is on one side as a whole: a classifier that had learnt a page by heart would otherwise be measured on its
copy. Groups are held out in the order of a keyed hash until each class and kind has its share, so that ten
labels give two to measure on, and not by chance none. Folds of a cross-validation hold groups as a whole, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import hashing
from tamis.hashing import keyed_uint64

NEAR = 0.7
NGRAM = 5
BANDS, ROWS = 42, 6
"""As in `minhash_dedup`: a pair at 0.7 meets in a band with probability .995."""


def sets_of(text: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The sets of word 5-grams of n texts.

    Returns:
        int64[n + 1] bounds, the sets one after another (uint64, sorted within each), uint64[n, 2] hashes of the sets,
        uint64[n, BANDS] band hashes.
    """
    from tamis.kernels.dedup.minhash import band_rows, write_sets
    from tamis.kernels.folded_characters import character_table
    from tamis.kernels.words import WORD_KEY, buffers

    offsets, data = buffers(text)
    count = len(offsets) - 1
    keys = hashing.keys("label copies sets", 3)
    numbers = hashing.keys("label copies permutations", 2 * BANDS * ROWS).astype(np.uint32)
    sizes, sets = np.zeros(count, np.int64), np.zeros((count, 2), np.uint64)
    bands = np.zeros((count, BANDS), np.uint64)
    band_rows(
        offsets,
        data,
        WORD_KEY,
        character_table(),
        NGRAM,
        keys,
        numbers[: BANDS * ROWS] | np.uint32(1),
        numbers[BANDS * ROWS :],
        hashing.keys("label copies bands", BANDS),
        sizes,
        sets,
        bands,
    )
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    grams = np.empty(bounds[-1], np.uint64)
    write_sets(offsets, data, WORD_KEY, character_table(), NGRAM, keys[0], np.arange(count), bounds, grams, 0)
    for row in range(count):
        grams[bounds[row] : bounds[row + 1]].sort()
    return bounds, grams, sets, bands


def groups_of(rows: pa.Table) -> np.ndarray:
    """The group of each of n labelled texts: the position of its first member, int64[n]."""
    found = np.arange(rows.num_rows)

    def root(at: int) -> int:
        while found[at] != at:
            found[at] = found[found[at]]
            at = found[at]
        return at

    def join(one: int, other: int) -> None:
        one, other = root(one), root(other)
        found[max(one, other)] = min(one, other)

    pages = pc.utf8_slice_codeunits(rows["id"], 0, 16).to_numpy()
    first: dict[str, int] = {}
    for row, page in enumerate(pages):
        join(first.setdefault(page, row), row)
    bounds, grams, _, bands = sets_of(rows["text"])
    full = np.flatnonzero(np.diff(bounds) > 0)
    for band in range(BANDS):
        order = full[np.argsort(bands[full, band], kind="stable")]
        keys = bands[order, band]
        # Each text is compared with the first one of its bucket, which over all bands joins what belongs together.
        start = 0
        for place in range(1, len(order)):
            if keys[place] != keys[start]:
                start = place
            elif root(order[start]) != root(order[place]) and _near(grams, bounds, order[start], order[place]):
                join(order[start], order[place])
    return np.array([root(row) for row in range(rows.num_rows)], dtype=np.int64)


def _near(grams: np.ndarray, bounds: np.ndarray, one: int, other: int) -> bool:
    ours, theirs = (grams[bounds[row] : bounds[row + 1]] for row in (one, other))
    common = len(np.intersect1d(ours, theirs, assume_unique=True))
    return common >= NEAR * (len(ours) + len(theirs) - common)


def each_once(rows: pa.Table) -> tuple[pa.Table, Counter[str]]:
    """Labelled texts without copies: of the same text the one with the smallest key, none where labels differ.

    A class alone and a grade on the same side of the middle do not differ; the grade says more and stays.

    Args:
        rows: of `tamis.classifiers.labels.LABELLED`.

    Returns:
        The rows that stay, in their order, and what was left out.
    """
    same: dict[tuple[int, str], list[int]] = {}
    lengths, texts = rows["characters"].to_pylist(), rows["text"].to_pylist()
    for row, text in enumerate(zip(lengths, texts, strict=True)):
        same.setdefault(text, []).append(row)
    key, ids = rows["key"].to_numpy(), rows["id"].to_pylist()
    taught = list(zip(rows["label"].to_pylist(), rows["grade"].to_pylist(), strict=True))
    stays = np.zeros(rows.num_rows, dtype=bool)
    counts: Counter[str] = Counter()
    for copies in same.values():
        grades = {taught[row] for row in copies if taught[row][1] is not None}
        if len({taught[row][0] for row in copies}) > 1 or len(grades) > 1:
            counts["same text with two labels"] += len(copies)
            continue
        stays[min(copies, key=lambda row: (taught[row][1] is None, key[row], ids[row]))] = True
        counts["same text once more"] += len(copies) - 1
    return rows.filter(pa.array(stays, pa.bool_())), +counts


def divide(rows: pa.Table, share: float, seed: int) -> tuple[pa.Table, Counter[str]]:
    """Hold out a share of labelled texts.

    Args:
        rows: of `tamis.classifiers.labels.LABELLED`; their order does not matter to what is held out.
        share: of each class and kind, from 0 to 1; at least one text where there are four and the share is not 0.
        seed: of the order in which groups are held out.

    Returns:
        The rows that stay with a column `held_out`, and what was left out as a copy.
    """
    rows, counts = each_once(rows)
    group = groups_of(rows)
    classes = [
        f"{label}\0{kind}" for label, kind in zip(rows["label"].to_pylist(), rows["kind"].to_pylist(), strict=True)
    ]
    held_out = held(group, classes, rows["id"].to_pylist(), share, seed)
    copies = rows.num_rows - len(np.unique(group))
    return rows.append_column("held_out", pa.array(held_out, pa.bool_())), counts + Counter({"near-copies": copies})


def held(group: np.ndarray, classes: Sequence[str], ids: Sequence[str], share: float, seed: int) -> np.ndarray:
    """Which of n texts are held out: n booleans.

    Args:
        group: n numbers; texts with the same one are on one side.
        classes: n names; each gives `share` of its texts.
        ids: n ids.
        share: from 0 to 1.
        seed: of the order of the groups.
    """
    members: dict[int, list[int]] = {}
    for row, number in enumerate(group.tolist()):
        members.setdefault(number, []).append(row)
    key = keyed_uint64(f"held out {seed}", [value[:16] for value in ids])
    order = sorted(members.values(), key=lambda rows: min((int(key[row]), ids[row]) for row in rows))
    total = Counter(classes)
    left = {name: max(round(share * number), int(share > 0 and number >= 4)) for name, number in total.items()}
    result = np.zeros(len(group), dtype=bool)
    for rows in order:
        wanted = Counter(classes[row] for row in rows)
        if all(left[name] >= number for name, number in wanted.items()):
            result[rows] = True
            left = {name: number - wanted[name] for name, number in left.items()}
    return result


def in_order(rows: pa.Table) -> pa.Table:
    """Labelled texts in the order of their key."""
    return rows.take(order_of(rows))


def order_of(rows: pa.Table) -> pa.Array:
    """The places of labelled texts in the order of their key."""
    return pc.sort_indices(rows, [("key", "ascending"), ("id", "ascending")])


def folds_of(rows: pa.Table, number: int, most: int) -> np.ndarray:
    """Deal training texts out to folds, every class evenly, copies into one.

    Args:
        rows: n labelled texts in the order of their key.
        number: of folds.
        most: texts that are dealt out, the first.

    Returns:
        int64[n], the fold of each, -1 beyond those that are dealt out.
    """
    dealt_out = rows.slice(0, most)
    group = groups_of(dealt_out)
    ids, labels = dealt_out["id"].to_pylist(), dealt_out["label"].to_pylist()
    # In the order of class and hash: classes and folds differ in size by as little as copies allow.
    first = sorted(set(group.tolist()))
    key = keyed_uint64("linear model folds", [ids[row] for row in first])
    dealt = sorted(zip([labels[row] for row in first], key.tolist(), [ids[row] for row in first], first, strict=True))
    place = {row: fold % number for fold, (*_, row) in enumerate(dealt)}
    fold = np.full(rows.num_rows, -1)
    fold[: dealt_out.num_rows] = [place[row] for row in group.tolist()]
    return fold


def each_fold(fold: np.ndarray, share: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What is learnt from and what is tested, fold by fold; folds whose others have one class only are left out.

    Args:
        fold: int64[n], from `folds_of`.
        share: n, how good each text is, from 0 to 1.

    Yields:
        Two times n booleans.
    """
    for number in range(int(fold.max(initial=-1)) + 1):
        learnt, tested = (fold >= 0) & (fold != number), fold == number
        if tested.any() and len(set((share[learnt] >= 0.5).tolist())) == 2:
            yield learnt, tested
