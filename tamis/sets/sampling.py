"""Sampling that depends on documents alone: keys of the order, and exact token budgets over streamed rows.

A sample is a prefix of a total order: (key, id), where the key is a keyed hash of the id (`tamis.ids.keyed_hash`)
or a score turned round (the best first). A budget in tokens is met exactly, without holding the corpus:

1. passes over the streamed rows narrow down the stretch of keys in which the budget runs out, by 16 bits a
   pass, until at most `HELD_ROWS` rows remain (no pass at all below that many);
2. one pass finds in that stretch the first document that no longer fits: the crossing;
3. one pass keeps the `WINDOW` documents from the crossing on; each that fits in what is left is taken
   (first fit), and at the end one more if that comes nearer to the budget than stopping short.

Rows are 36 bytes each and stay in numpy; memory is one shard of rows plus `HELD_ROWS`. Nothing depends on
shards, on the order of rows or on floating point sums. Ties of keys end in the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.ids import id_halves

HELD_ROWS = 1_000_000
"""Rows of one group that are sorted in memory (36 MB); more are narrowed down by another pass first."""

WINDOW = 4096
"""Documents looked at after the first one that does not fit the budget."""

DIGIT_BITS = 16


def score_keys(scores: pa.Array | pa.ChunkedArray, ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Keys whose order is: highest score first, then smallest id; documents without a score last.

    Args:
        scores: n float32 values; null and NaN count as "no score".
        ids: n document ids.

    Returns:
        uint64 array: 32 bits of the score turned round, then the first 32 bits of the id. Rows that are still
        equal are told apart by the whole id.
    """
    values = pc.fill_null(scores.cast(pa.float32()), float("nan")).to_numpy(zero_copy_only=False)
    # Adding 0 turns -0.0 into 0.0: equal scores must give equal keys.
    bits = (values + np.float32(0)).astype(np.float32).view(np.uint32)
    ascending = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    descending = np.where(np.isnan(values), np.uint32(0xFFFFFFFF), ~ascending).astype(np.uint64)
    high, _ = id_halves(ids)
    return (descending << np.uint64(32)) | (high >> np.uint64(32))


@dataclass(frozen=True)
class Rows:
    """What sampling knows of n documents: the order's key, the id's halves, tokens, and the group (-1: of none)."""

    key: np.ndarray
    high: np.ndarray
    low: np.ndarray
    tokens: np.ndarray
    group: np.ndarray

    def where(self, choice: np.ndarray | slice) -> Rows:
        """The rows of a mask, of positions or of a slice."""
        return Rows(self.key[choice], self.high[choice], self.low[choice], self.tokens[choice], self.group[choice])

    def ordered(self) -> Rows:
        """The rows by (key, id)."""
        return self.where(np.lexsort((self.low, self.high, self.key)))

    def __len__(self) -> int:
        return len(self.key)


Stream = Callable[[], Iterator[Rows]]
"""Gives the rows of all shards anew, one shard at a time."""


def joined(parts: Sequence[Rows]) -> Rows:
    """All rows of several parts."""
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__dataclass_fields__))


@dataclass(frozen=True)
class Cut:
    """Which rows of one group a budget takes: all before `crossing` in (key, id) order, and some of those after."""

    crossing: tuple[int, int, int] | None
    """Key and id halves of the first row that did not fit; None when everything fits."""
    extra: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    """Id halves of the rows after the crossing that were taken to fill the budget."""

    def takes(self, rows: Rows) -> np.ndarray:
        """Which of n rows of this group are taken: a mask."""
        if self.crossing is None:
            return np.ones(len(rows), dtype=bool)
        chosen = ~_not_before(rows, self.crossing)
        if self.extra:
            highs = np.array([high for high, _ in self.extra], dtype=np.uint64)
            for position in np.flatnonzero(np.isin(rows.high, highs)):
                chosen[position] |= (int(rows.high[position]), int(rows.low[position])) in self.extra
        return chosen


NOTHING = Cut(crossing=(0, 0, 0))
"""Takes no row."""


def _not_before(rows: Rows, crossing: tuple[int, int, int]) -> np.ndarray:
    """Which rows are at or after the crossing."""
    key, high, low = (np.uint64(value) for value in crossing)
    same_key = rows.key == key
    later_id = (rows.high > high) | ((rows.high == high) & (rows.low >= low))
    return (rows.key > key) | (same_key & later_id)


@dataclass
class _Search:
    """The stretch of keys [start, start + 2**bits) in which the budget of one group runs out."""

    target: int
    rows: int
    start: int = 0
    bits: int = 64
    before: int = 0  # tokens of the rows before the stretch

    def inside(self, rows: Rows) -> np.ndarray:
        if self.bits == 64:
            return np.ones(len(rows), dtype=bool)
        last = np.uint64(self.start + (1 << self.bits) - 1)
        return (rows.key >= np.uint64(self.start)) & (rows.key <= last)

    def digits(self, rows: Rows) -> np.ndarray:
        return ((rows.key - np.uint64(self.start)) >> np.uint64(self.bits - DIGIT_BITS)).astype(np.int64)

    def narrow(self, tokens: np.ndarray, counts: np.ndarray) -> None:
        """Go down to the digit in which the budget runs out, given tokens and rows of each digit."""
        running = self.before + np.cumsum(tokens)
        digit = int(np.searchsorted(running, self.target, side="right"))
        self.before = int(running[digit] - tokens[digit])
        self.rows = int(counts[digit])
        self.bits -= DIGIT_BITS
        self.start += digit << self.bits


def totals(stream: Stream, groups: int) -> tuple[list[int], list[int]]:
    """Documents and tokens of each group; rows of no group are left out."""
    documents = np.zeros(groups, dtype=np.int64)
    tokens = np.zeros(groups, dtype=np.int64)
    for rows in stream():
        known = rows.where(rows.group >= 0)
        np.add.at(documents, known.group, 1)
        np.add.at(tokens, known.group, known.tokens)
    return [int(value) for value in documents], [int(value) for value in tokens]


def _narrowed(stream: Stream, searches: dict[int, _Search]) -> None:
    """Narrow every search until its stretch holds at most `HELD_ROWS` rows."""
    while wide := {group: s for group, s in searches.items() if s.rows > HELD_ROWS and s.bits > 0}:
        tokens = {group: np.zeros(1 << DIGIT_BITS, dtype=np.int64) for group in wide}
        counts = {group: np.zeros(1 << DIGIT_BITS, dtype=np.int64) for group in wide}
        for rows in stream():
            for group, search in wide.items():
                mine = rows.where(rows.group == group)
                mine = mine.where(search.inside(mine))
                digits = search.digits(mine)
                np.add.at(tokens[group], digits, mine.tokens)
                np.add.at(counts[group], digits, 1)
        for group, search in wide.items():
            search.narrow(tokens[group], counts[group])


def _crossings(stream: Stream, searches: dict[int, _Search]) -> dict[int, tuple[int, int, int]]:
    """The first row of each group with which the budget would be exceeded."""
    held: dict[int, list[Rows]] = {group: [] for group in searches}
    for rows in stream():
        for group, search in searches.items():
            mine = rows.where(rows.group == group)
            held[group].append(mine.where(search.inside(mine)))
    found = {}
    for group, search in searches.items():
        rows = joined(held[group]).ordered()
        running = search.before + np.cumsum(rows.tokens)
        at = int(np.searchsorted(running, search.target, side="right"))
        found[group] = (int(rows.key[at]), int(rows.high[at]), int(rows.low[at]))
        search.before = int(running[at] - rows.tokens[at])
    return found


def _windows(stream: Stream, crossings: dict[int, tuple[int, int, int]]) -> dict[int, Rows]:
    """The `WINDOW` rows of each group from its crossing on."""
    held: dict[int, Rows] = {}
    for rows in stream():
        for group, crossing in crossings.items():
            mine = rows.where(rows.group == group)
            mine = mine.where(_not_before(mine, crossing))
            both = joined([held[group], mine]) if group in held else mine
            held[group] = both.ordered().where(slice(WINDOW))
    return held


def _first_fit(window: Rows, left: int) -> frozenset[tuple[int, int]]:
    """Take each row that fits in what is left, then one more if that comes nearer to the budget."""
    taken = []
    smallest: tuple[int, int] | None = None  # tokens and position, of the rows not taken
    for position, tokens in enumerate(window.tokens.tolist()):
        if tokens <= left:
            taken.append(position)
            left -= tokens
        elif smallest is None or tokens < smallest[0]:
            smallest = (tokens, position)
    if smallest is not None and smallest[0] - left < left:
        taken.append(smallest[1])
    return frozenset((int(window.high[position]), int(window.low[position])) for position in taken)


def budget_cuts(stream: Stream, targets: Sequence[int], available: Sequence[tuple[int, int]]) -> list[Cut]:
    """Which rows of each group meet its token budget.

    Args:
        stream: rows with groups 0 … len(targets) - 1.
        targets: tokens wanted of each group.
        available: (documents, tokens) of each group, from `totals`.

    Returns:
        One cut a group: the documents before the first that does not fit, in the order (key, id), then first fit
        over the next `WINDOW`, then one more document if that comes nearer to the target.
    """
    cuts: dict[int, Cut] = {}
    searches: dict[int, _Search] = {}
    for group, (target, (documents, tokens)) in enumerate(zip(targets, available, strict=True)):
        if target <= 0:
            cuts[group] = NOTHING
        elif tokens <= target:
            cuts[group] = Cut(crossing=None)
        else:
            searches[group] = _Search(target=target, rows=documents)
    if searches:
        _narrowed(stream, searches)
        crossings = _crossings(stream, searches)
        windows = _windows(stream, crossings)
        for group, search in searches.items():
            extra = _first_fit(windows[group], search.target - search.before)
            cuts[group] = Cut(crossings[group], extra)
    return [cuts[group] for group in range(len(targets))]
