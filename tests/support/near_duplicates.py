"""Near-duplicates by brute force, and texts that are some."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tamis import hashing
from tamis.dedup.minhash import signatures
from tamis.text import words


def ngrams(text: str, n: int = 5) -> frozenset[tuple[str, ...]]:
    """The set of word n-grams, by definition: strings, no hashes."""
    found = words(text)
    return frozenset(tuple(found[i : i + n]) for i in range(max(1, len(found) - n + 1))) if found else frozenset()


def jaccard(one: frozenset, other: frozenset) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if one or other else 0.0


def greedy(texts: list[str], threshold: float, n: int = 5) -> dict[int, tuple[int, float]]:
    """Brute force: dropped document → the kept one it names and the similarity; the texts stand in keep order.

    A document with the n-gram set of an earlier one that was dropped names what that one was dropped for.
    """
    sets = [ngrams(text, n) for text in texts]
    kept: list[int] = []
    dropped: dict[int, tuple[int, float]] = {}
    for i, own in enumerate(sets):
        if sets.index(own) in dropped:
            dropped[i] = dropped[sets.index(own)]
            continue
        near = [(jaccard(own, sets[k]), -k) for k in kept]
        near = [pair for pair in near if pair[0] >= threshold]
        if near and own:
            best = max(near)
            dropped[i] = (-best[1], best[0])
        else:
            kept.append(i)
    return dropped


def components(texts: list[str], threshold: float, n: int = 5) -> dict[int, tuple[int, float, int]]:
    """Brute force: dropped document → the neighbour it names, their similarity, the first of its connected component.

    A document names the most similar one with another n-gram set, of equal ones the first; where the kept document has
    its own set, it names that. Of documents with equal sets only the first is named.
    """
    sets = [ngrams(text, n) for text in texts]
    first = list(range(len(texts)))
    for i in range(len(texts)):
        for k in range(i):
            if sets[i] and jaccard(sets[i], sets[k]) >= threshold:
                low, high = sorted((first[i], first[k]))
                first = [low if f == high else f for f in first]
    dropped = {}
    for i, kept in enumerate(first):
        if kept == i:
            continue
        near = [(jaccard(sets[i], sets[k]), -k) for k in range(len(texts)) if sets[k] != sets[i] or k == kept]
        similarity, neighbour = max(pair for pair in near)
        dropped[i] = (-neighbour, similarity, kept)
    return dropped


# One value a band and 256 of them: a pair at Jaccard 0.5 is missed once in 10^77, so recall is certain.
CERTAIN = {"bands": 256, "rows": 1, "threshold": 0.5, "bucket_candidates": 10**6}


def spread(count: int, seed: int = 0) -> list[str]:
    """Ids over all shards whose order is not that of the ranks; the second half is the document's number."""
    return [
        f"{half:016x}{i:016x}"
        for i, half in enumerate(hashing.keyed_uint64(f"{seed}", map(str, range(count))).tolist())
    ]


def sentence(seed: int, count: int) -> list[str]:
    return [f"w{value}" for value in np.random.default_rng(seed).integers(0, 10**6, count)]


def with_changes(words: list[str], changes: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    changed = list(words)
    for place in random.choice(len(words), changes, replace=False):
        changed[place] = f"new{random.integers(10**9)}"
    return changed


def corpus(clusters: int = 40) -> list[str]:
    """Clusters of near-copies on both sides of 0.7, exact copies, and texts of their own."""
    random = np.random.default_rng(3)
    texts = []
    for cluster in range(clusters):
        base = sentence(cluster, int(random.integers(3, 160)))
        for copy in range(int(random.integers(1, 8))):
            changes = int(random.integers(0, 1 + len(base) // 20))
            texts.append(" ".join(with_changes(base, changes, 1000 * cluster + copy)))
    order = random.permutation(len(texts))
    return [texts[i] for i in order] + ["", "!", texts[0].upper()]


def leave_scope_out_of_bands(monkeypatch) -> None:
    """As if band hashes of different scopes met by chance."""
    make = signatures.signatures

    def without_scope(*arguments) -> pa.Table:
        table = make(*arguments)
        bands = signatures.band_matrix(table) ^ table["scope"].to_numpy()[:, None]
        column = pa.FixedSizeListArray.from_arrays(pa.array(bands.reshape(-1)), bands.shape[1])
        return table.set_column(table.schema.get_field_index("bands"), "bands", column)

    monkeypatch.setattr(signatures, "signatures", without_scope)
