"""How much of word lists stands in texts, by document and by entry."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.language_codes import labels_of
from tamis.toxicity.word_lists import C4_LANGUAGES, folded, read_entries, trie

WORDS, HITS, SHARE, DISTINCT, FIRST = "toxic_words", "toxic_hits", "toxic_share", "toxic_distinct", "toxic_first"
COLUMNS: dict[str, pa.DataType] = {
    WORDS: pa.int64(),
    HITS: pa.int64(),
    DISTINCT: pa.int64(),
    SHARE: pa.float64(),
    FIRST: pa.string(),
}
"""What is measured of a document: words that are in hits, hits, different entries, the share of words that are in hits,
and the first entry in the text. All are null where no list is of the document's language."""

ENTRIES = pa.schema(
    [
        ("language", pa.string()),
        ("source", pa.string()),
        ("entry", pa.string()),
        ("documents", pa.int64()),
        ("hits", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Scheme:
    """Which entries are looked for, and how.

    Attributes:
        lists: language → files.
        allow: language → entries that are not looked for, in any list of it.
        inside_words: languages of whose lists entries are found anywhere.
        c4: whether C4's rule decides where an entry may stand.
    """

    lists: Mapping[str, Sequence[str]]
    allow: Mapping[str, Sequence[str]]
    inside_words: frozenset[str]
    c4: bool


@dataclass(frozen=True)
class _Searched:
    """The lists for documents of one language that are looked for in the same way."""

    arrays: tuple[np.ndarray, ...]
    names: list[str]
    matching: int


@dataclass
class Lists:
    """Word lists, read when a document of their language comes.

    A list is for all documents that may be labelled with its language (`tamis.language_codes.labels_of`): one of `no`
    also for those labelled `nb`. The entries of several lists are one list; where any of them is for inside of words,
    all are.
    """

    scheme: Scheme
    _found: dict[str, _Searched | None] = field(default_factory=dict)

    def of(self, language: str) -> _Searched | None:
        """The entries for documents of a language; None where no list is for them."""
        if language not in self._found:
            codes = [code for code in self.scheme.lists if language in labels_of((code,))]
            self._found[language] = self._read(codes) if codes else None
        return self._found[language]

    def _read(self, codes: Sequence[str]) -> _Searched:
        from tamis.kernels import listed_words as kernel

        prepared = str if self.scheme.c4 else folded
        anywhere = self.scheme.inside_words | (C4_LANGUAGES if self.scheme.c4 else frozenset())
        entries: dict[str, None] = {}
        for code in codes:
            allowed = {prepared(entry).casefold() for entry in self.scheme.allow.get(code, ())}
            for path in self.scheme.lists[code]:
                own = (prepared(entry) for entry in read_entries(path))
                entries |= dict.fromkeys(entry for entry in own if entry.casefold() not in allowed)
        ways = (kernel.C4_ANYWHERE, kernel.C4) if self.scheme.c4 else (kernel.ANYWHERE, kernel.BORDERS)
        if self.scheme.c4:
            # Texts are in small letters there, entries as they are written: one with a capital is never found.
            entries = {entry: None for entry in entries if entry == entry.lower()}
        arrays, names = trie(entries, kernel.folding(c4=self.scheme.c4))
        return _Searched(arrays, names, ways[0] if anywhere.intersection(codes) else ways[1])


def normalised(text: pa.Array, *, c4: bool) -> pa.Array:
    """Texts in NFKC, as far as the kernel's table does not see to it; by C4's rule as they are, but for final sigmas.

    A text with more than 30 combining marks in a row stays as it is: to put marks in order takes quadratic time.
    """
    from tamis.kernels.listed_words import folding, to_normalise
    from tamis.kernels.words import buffers

    if c4:
        capital = pc.match_substring(text, "Σ").to_numpy(zero_copy_only=False)
        return _replaced(text, np.flatnonzero(capital), str.lower)
    return _replaced(text, np.flatnonzero(to_normalise(*buffers(text), folding(c4=False))), _nfkc)


def _nfkc(text: str) -> str:
    """NFKC, by line: nothing becomes one with what stands in another, and most lines need nothing."""
    if unicodedata.is_normalized("NFKC", text):
        return text
    return "\n".join(
        line if unicodedata.is_normalized("NFKC", line) else unicodedata.normalize("NFKC", line)
        for line in text.split("\n")
    )


def _replaced(text: pa.Array, rows: np.ndarray, change: Callable[[str], str]) -> pa.Array:
    """Texts, some of them changed by a function of one text."""
    mask = np.zeros(len(text), bool)
    before = text.take(pa.array(rows)).to_pylist()
    after = [change(one) for one in before]
    changed = np.array([one is not other for one, other in zip(before, after, strict=True)], bool)
    mask[rows[changed]] = True
    if not mask.any():
        return text
    chosen = pa.array([one for one, differs in zip(after, changed.tolist(), strict=True) if differs], text.type)
    return pc.replace_with_mask(text, pa.array(mask), chosen)


def _groups(documents: pa.Table, asked: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Language, source and rows of the documents that are looked at."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    keys = zip(documents["language"].to_pylist(), documents["source"].to_pylist(), strict=True)
    for row, (key, looked_at) in enumerate(zip(keys, asked.tolist(), strict=True)):
        if looked_at:
            rows[key].append(row)
    yield from ((*key, np.array(found, np.int64)) for key, found in sorted(rows.items()))


def measure(documents: pa.Table, asked: np.ndarray, lists: Lists) -> tuple[pa.Table, pa.Table]:
    """Count the entries of the lists in documents.

    Args:
        documents: n documents with a language.
        asked: which of them are looked at: n booleans.
        lists: the lists.

    Returns:
        n rows with the columns `COLUMNS`, and rows of `ENTRIES`: each entry that was found, by language and source.
    """
    from tamis.kernels.listed_words import folding, search
    from tamis.kernels.words import buffers

    n = documents.num_rows
    c4 = lists.scheme.c4
    measured = np.zeros((n, 5), np.int64)
    judged = np.zeros(n, bool)
    first = np.full(n, None, object)
    found: dict[str, list[object]] = {name: [] for name in ENTRIES.names}
    groups = [(*group, lists.of(group[0])) for group in _groups(documents, asked)]
    looked_at = np.zeros(n, bool)
    for *_, rows, searched in groups:
        looked_at[rows] = searched is not None
    # Only texts that are searched are normalised.
    text = documents["text"].combine_chunks()
    offsets, data = buffers(normalised(pc.if_else(pa.array(looked_at), text, pa.scalar("", text.type)), c4=c4))
    for language, source, rows, searched in groups:
        if searched is None:
            continue
        by_entry = np.zeros((len(searched.names), 2), np.int64)
        search(offsets, data, rows, folding(c4=c4), searched.matching, *searched.arrays, measured, by_entry)
        judged[rows] = True
        first[rows] = [searched.names[number] if number >= 0 else None for number in measured[rows, 4].tolist()]
        for number in np.flatnonzero(by_entry[:, 0]).tolist():
            row = (language, source, searched.names[number], *by_entry[number].tolist())
            for name, value in zip(ENTRIES.names, row, strict=True):
                found[name].append(value)
    words, hits, covered, distinct = measured[:, :4].T
    share = np.where(words > 0, covered / np.maximum(words, 1), 0.0)
    values = {WORDS: covered, HITS: hits, DISTINCT: distinct, SHARE: share, FIRST: first}
    columns = {name: pa.array(values[name], kind, mask=~judged) for name, kind in COLUMNS.items()}
    return pa.table(columns), pa.table(found, schema=ENTRIES)
