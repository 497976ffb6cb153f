"""Training and held-out texts: copies on one side, exact shares, no text twice."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from tamis.classifiers import division
from tamis.classifiers.label_files import Judged, Judgements
from tamis.classifiers.labels import Sampling, of_judgements
from tamis.text import words


def labelled(texts: list[str], labels: list[str], ids: list[str] | None = None) -> pa.Table:
    ids = ids or [f"{row:016x}{row:016x}" for row in range(len(texts))]
    rows = zip(ids, labels, texts, strict=True)
    judged = [Judged(name, "prose", label, None, len(text), text) for name, label, text in rows]
    return of_judgements(Judgements(judged, {}), Sampling(cap=100_000)).rows


def near_texts() -> list[str]:
    """Forty texts, each with an edited copy of it: pairs from nothing in common to nearly everything."""
    random = np.random.default_rng(5)
    texts = []
    for number in range(40):
        base = [f"w{value}" for value in random.integers(0, 5000, 120)]
        other = list(base)
        for place in random.choice(120, number // 2, replace=False):
            other[place] = "changed"
        texts += [" ".join(base), " ".join(other)]
    return texts


@cache
def ngrams(text: str) -> frozenset[tuple[str, ...]]:
    found = words(text)
    return frozenset(zip(*(found[start:] for start in range(5)), strict=False))


def jaccard(one: str, other: str) -> float:
    return len(ngrams(one) & ngrams(other)) / len(ngrams(one) | ngrams(other))


def test_groups_are_what_brute_force_joins() -> None:
    rows = labelled(near_texts(), ["good"] * 80)
    group = division.groups_of(rows)
    texts = rows["text"].to_pylist()
    expected = {
        frozenset((one, other)) for one, other in combinations(range(80), 2) if jaccard(texts[one], texts[other]) >= 0.7
    }
    assert {
        frozenset((one, other)) for one, other in combinations(range(80), 2) if group[one] == group[other]
    } == expected
    assert 3 < len(expected) < 35


def test_copies_and_captures_are_on_one_side_and_shares_are_exact() -> None:
    texts = near_texts()
    ids = [f"{row // 5:016x}{row:016x}" for row in range(80)]
    rows, _ = division.divide(labelled(texts, ["good", "bad"] * 40, ids), 0.2, 0)
    side = dict(zip(rows["text"].to_pylist(), rows["held_out"].to_pylist(), strict=True))
    for one, other in combinations(side, 2):
        if jaccard(one, other) >= 0.7:
            assert side[one] == side[other]
    for page in range(16):
        assert (
            len(
                {
                    held
                    for name, held in zip(rows["id"].to_pylist(), rows["held_out"].to_pylist(), strict=True)
                    if int(name[:16], 16) == page
                }
            )
            == 1
        )
    plain, _ = division.divide(
        labelled([f"text number {row}" for row in range(100)], ["good"] * 70 + ["bad"] * 30), 0.2, 0
    )
    held = plain.filter(plain["held_out"])["label"].to_pylist()
    assert (held.count("good"), held.count("bad")) == (14, 6)


@pytest.mark.parametrize("seed", range(5))
def test_ten_labels_give_something_to_measure_on(seed: int) -> None:
    rows, _ = division.divide(labelled([f"text {row}" for row in range(10)], ["good", "bad"] * 5), 0.1, seed)
    assert sorted(rows.filter(rows["held_out"])["label"].to_pylist()) == ["bad", "good"]
    none, _ = division.divide(labelled(["a", "b"], ["good", "bad"]), 0.0, seed)
    assert not any(none["held_out"].to_pylist())


def test_the_same_text_teaches_once_and_not_at_all_under_two_labels() -> None:
    rows, counts = division.divide(labelled(["a", "a", "b", "b", "c"], ["good", "good", "good", "bad", "bad"]), 0.2, 0)
    assert sorted(rows["text"].to_pylist()) == ["a", "c"]
    assert counts == {"same text once more": 1, "same text with two labels": 2}


def test_no_labels_at_all_divide_into_nothing() -> None:
    rows, counts = division.divide(labelled([], []), 0.2, 0)
    assert (rows.num_rows, rows.column_names[-1]) == (0, "held_out")
    assert not +counts
    empty, _ = division.divide(labelled(["", "!"], ["good", "bad"]), 0.5, 0)
    assert empty.num_rows == 2


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows = labelled(near_texts(), ["good", "bad"] * 40)
    shuffled = rows.take(np.random.default_rng(1).permutation(80))
    one, other = (division.divide(table, 0.3, 2)[0].sort_by("id") for table in (rows, shuffled))
    assert one.equals(other)
