"""From texts to windows of words and back: fingerprints, the windows that they choose, and the bytes that are cut.

Definitions and steps stand in `tamis/stages/substring_dedup.py`, the decisions on windows in `windows.py`. Memory: 24
bytes a word of 8 MB of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tamis import hashing
from tamis.dedup import scope
from tamis.dedup.windows import PLACES, Repeats, among
from tamis.edits import Spans, edited
from tamis.ids import id_strings
from tamis.schemas import of_kinds

PIECE_BYTES = 8_000_000
"""Text that is split into words at a time: 24 bytes a word."""


@dataclass(frozen=True)
class Scheme:
    """Which windows are compared.

    kinds: documents of other kinds are left out.
    tokens: words of a window.
    within: the scope (`tamis/dedup/scope.py`).
    seed: of the hash keys.
    """

    kinds: tuple[str, ...]
    tokens: int
    within: str | None
    seed: int

    def columns(self) -> list[str]:
        """The columns of documents that are read."""
        return sorted({"kind", "text", *scope.columns(self.within)})


class Piece(NamedTuple):
    """Some documents of a table and their words.

    rows: int64[n], where they stand in the table.
    offsets: int64[n + 1], bytes of each text in `data`.
    data: uint8.
    word_offsets: int64[n + 1].
    starts, ends: int64[words], bytes of each word in `data`.
    """

    rows: np.ndarray
    offsets: np.ndarray
    data: np.ndarray
    word_offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def _pieces(documents: pa.Table, rows: np.ndarray) -> Iterator[Piece]:
    """The given rows (rising), a few at a time."""
    from tamis.kernels.words import buffers, word_spans

    text = documents["text"]
    size = np.diff(buffers(text)[0])[rows]
    number = (np.cumsum(size) - size) // PIECE_BYTES
    for some in np.split(rows, np.flatnonzero(np.diff(number)) + 1):
        if len(some):
            offsets, data = buffers(text.take(pa.array(some)))
            word_offsets, _, starts, ends = word_spans(offsets, data)
            yield Piece(some, offsets, data, word_offsets, starts, ends)


def _compared(documents: pa.Table, scheme: Scheme) -> np.ndarray:
    """Rows of the documents whose windows are compared: int64."""
    return np.flatnonzero(of_kinds(documents, scheme.kinds))


def _winnow(piece: Piece, scopes: np.ndarray, scheme: Scheme) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from tamis.kernels.dedup.substrings import winnow

    return winnow(
        piece.data,
        piece.word_offsets,
        piece.starts,
        piece.ends,
        scopes[piece.rows],
        window=scheme.tokens,
        gram=(scheme.tokens + 1) // 2,
        key=hashing.keys("substring_dedup grams", 1, scheme.seed)[0],
    )


def fingerprints(documents: pa.Table, scheme: Scheme) -> np.ndarray:
    """The fingerprints of some documents, in the order of their texts: uint64.

    Args:
        documents: `Scheme.columns`, n rows.
        scheme: which windows are compared.
    """
    scopes = scope.hashes(documents, scheme.within)
    found = [_winnow(piece, scopes, scheme)[0] for piece in _pieces(documents, _compared(documents, scheme))]
    return np.concatenate([np.zeros(0, np.uint64), *found])


def windows(
    documents: pa.Table, prints: np.ndarray, scheme: Scheme, first_row: int = 0
) -> tuple[pa.Table, dict[str, int]]:
    """The windows of some documents that may be repeated, and how many tokens and fingerprints were looked at.

    Args:
        documents: `Scheme.columns`, n rows of one shard.
        prints: fingerprints that occur at least twice in the corpus, sorted.
        scheme: which windows are compared.
        first_row: row of the first document in its shard.

    Returns:
        `tamis.dedup.windows.PLACES`, in the order of the rows and texts; counts.
    """
    from tamis.kernels.dedup.span_ends import tails
    from tamis.kernels.dedup.substrings import window_hashes

    key_0, key_1 = hashing.keys("substring_dedup windows", 2, scheme.seed)
    scopes = scope.hashes(documents, scheme.within)
    counts = {"tokens": 0, "fingerprints": 0}
    tables = [PLACES.empty_table()]
    for piece in _pieces(documents, _compared(documents, scheme)):
        found, tokens, count = _winnow(piece, scopes, scheme)
        counts["tokens"] += len(piece.starts)
        counts["fingerprints"] += len(found)
        again = among(found, prints)
        places, high, low = window_hashes(
            piece.data, piece.starts, piece.ends, tokens[again], count[again], scheme.tokens, key_0, key_1
        )
        inside = np.searchsorted(piece.word_offsets, places, side="right") - 1
        # A window of another scope is another window.
        scoped = scopes[piece.rows[inside]]
        row, position = piece.rows[inside] + first_row, places - piece.word_offsets[inside]
        last = places + scheme.tokens - 1
        tail = tails(piece.data, piece.ends[last], _next_words(piece, last, inside))
        values = [row, position, high ^ scoped, low + scoped, tail]
        tables.append(pa.table(dict(zip(PLACES.names, values, strict=True))).cast(PLACES))
    return pa.concat_tables(tables), counts


def _next_words(piece: Piece, words: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Where the word after each of some words begins, or its text ends: int64.

    Args:
        piece: some documents.
        words: int64[k], words of it.
        texts: int64[k], which of its texts each stands in.
    """
    here = np.minimum(words + 1, len(piece.starts) - 1)
    return np.where(words + 1 < piece.word_offsets[texts + 1], piece.starts[here], piece.offsets[texts + 1])


def _spans(
    documents: pa.Table, rows: np.ndarray, begin: np.ndarray, end: np.ndarray, joined: np.ndarray, owned: np.ndarray
) -> Spans:
    """The bytes of runs of tokens, with what follows the last word of each as far as it stands at the owner.

    Args:
        documents: n documents.
        rows: int64[k], row of each run, rising.
        begin: int64[k], its first token.
        end: int64[k], the token after its last.
        joined: bool[k], whether it goes on from the run before; the gap between them is its own.
        owned: uint64[k], what follows it at the owner, from `tamis.kernels.dedup.span_ends.tails`.
    """
    from tamis.kernels.dedup.span_ends import agreed_ends
    from tamis.kernels.words import buffers

    offsets, _ = buffers(documents["text"])
    starts, ends = np.empty((2, len(rows)), dtype=np.int64)
    for piece in _pieces(documents, np.unique(rows)):
        span = slice(*np.searchsorted(rows, [piece.rows[0], piece.rows[-1] + 1]))
        inside = np.searchsorted(piece.rows, rows[span])
        first, last = piece.word_offsets[inside] + begin[span], piece.word_offsets[inside] + end[span] - 1
        text_starts, text_ends = piece.offsets[inside], piece.offsets[inside + 1]
        goes_on = joined[span]
        # Pieces that go on from each other are one cut: what stands before the first of them decides.
        head = np.maximum.accumulate(np.where(goes_on, 0, np.arange(len(first))))
        before = np.where(begin[span][head] > 0, piece.ends[first[head] - 1], text_starts)
        after = agreed_ends(
            piece.data,
            before,
            piece.starts[first[head]],
            piece.ends[last],
            _next_words(piece, last, inside),
            text_starts,
            text_ends,
            owned[span],
        )
        shift = offsets[rows[span]] - text_starts
        starts[span] = np.where(goes_on, piece.ends[first - 1], piece.starts[first]) + shift
        ends[span] = np.where(np.r_[goes_on[1:], False], piece.ends[last], after) + shift
    return Spans(rows, starts, ends)


def cut(documents: pa.Table, repeats: Repeats, scheme: Scheme) -> tuple[pa.Table, pa.Table, int]:
    """Cut the text.

    Args:
        documents: n documents.
        repeats: of them.
        scheme: which windows are compared.

    Returns:
        The n documents with their new text, the rows of `schemas.EDITS`, and how many tokens were cut.
    """
    from tamis.kernels.dedup.substrings import cover

    first, last, begin, joined = cover(
        repeats.row,
        repeats.position,
        repeats.owner_high,
        repeats.owner_low,
        repeats.owner_position,
        scheme.tokens,
    )
    end = repeats.position[last] + scheme.tokens
    after, edits = edited(
        documents,
        _spans(documents, repeats.row[first], begin, end, joined, repeats.owner_tail[last]),
        "repeated_span",
        count=repeats.documents[first],
        matched_id=id_strings(repeats.owner_high[first], repeats.owner_low[first]),
    )
    return after, edits, int((end - begin).sum())
