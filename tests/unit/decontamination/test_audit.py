"""The audit: the same in every run, and its recall is that of what can be found."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from tamis.decontamination.audit import audited, plant, smallest
from tamis.decontamination.benchmarks import Item
from tamis.decontamination.disguises import CHANGED, DISGUISES
from tamis.decontamination.index import Scheme, build
from tamis.decontamination.rarity import Holding, rarity

LETTERS = "bcdfghklmnprstvz"
TEXTS = [f"Line {n} of a page.\nIt goes on <b>here</b> and there.\n" * 8 for n in range(5)]


def word(random):
    return "".join(random.choice(LETTERS) + random.choice("aeiou") for _ in range(3))


def an_item(number, size, benchmark="long"):
    random = Random(f"{benchmark} {number}")  # noqa: S311
    question = " ".join(word(random) for _ in range(size))
    return Item(benchmark, str(number), question, ("yes",), "", (), "")


ITEMS = [*(an_item(n, 30) for n in range(20)), *(an_item(n, 2, "short") for n in range(20))]
SCHEME = Scheme(True, 5, 0.75, 12, 4, 15.0)


def run(count=10, parts=range(4)):
    benchmarks = build(ITEMS, SCHEME)
    holding = Holding(benchmarks.arrays)
    holding.add(pa.chunked_array([pa.array(TEXTS, pa.large_string())]), np.ones(len(TEXTS), bool))
    weights = rarity(benchmarks.arrays, int(holding.counts[-1]), holding.counts[:-1])
    return audited(ITEMS, benchmarks, weights, TEXTS, count, parts)


def test_what_is_too_short_counts_as_missed():
    value = run()
    assert value["planted"] == 10 * len(DISGUISES)
    found, planted = Counter(), Counter()
    for row in value["rows"]:
        found[row["benchmark"]] += row["found"]
        planted[row["benchmark"]] += row["planted"]
    assert planted == {"long": 40, "short": 40}
    assert found["long"] == 40
    assert found["short"] == 0
    for row in value["by_disguise"]:
        assert row["low"] <= row["recall"] <= row["high"]


def test_it_is_the_same_in_every_run():
    assert run() == run()


def test_parts_that_do_not_count_are_not_found():
    assert sum(row["found"] for row in run(parts=[2, 3])["rows"]) == 0


def test_nothing_is_planted_where_nothing_is_asked():
    assert run(count=0)["planted"] == 0


@pytest.mark.parametrize("disguise", DISGUISES)
def test_items_stand_where_they_are_said_to(disguise):
    planted, documents = plant(ITEMS, TEXTS, 4)
    chosen = [(one, text) for one, text in zip(planted, documents, strict=True) if one.disguise == disguise]
    assert len(chosen) == 4
    for one, text in chosen:
        written = text.encode()[one.start : one.end].decode()
        assert text.replace(f"\n\n{written}\n\n", "") in TEXTS or written == ""
        if disguise == "verbatim":
            assert written == one.text
        elif disguise != "words_changed":
            assert written != one.text or len(one.text.split()) < 10


@pytest.mark.parametrize("size", [1, 12, 20, 100])
def test_a_twentieth_of_the_words_is_changed(size):
    text = an_item(0, size).question
    for seed in range(10):
        after = DISGUISES["words_changed"](text, Random(seed), ["XX"])  # noqa: S311
        same = sum(one in after.split() for one in text.split())
        assert max(1, round(CHANGED * size)) * 2 >= after.count("XX")
        assert size - same <= max(1, round(CHANGED * size))


def test_the_chosen_documents_do_not_depend_on_shards():
    ids = [f"{n:032x}" for n in range(50)]
    whole = pa.table({"id": ids, "text": pa.array([f"text {n}" for n in range(50)], pa.large_string())})
    at_once = smallest([whole], 7)
    assert at_once.num_rows == 7
    parts = [smallest([whole.take(list(range(n, 50, 3)))], 7) for n in range(3)]
    assert smallest(parts, 7).equals(at_once)
    assert smallest([whole.slice(0, 3), whole.slice(3)], 7).equals(at_once)
    assert smallest([whole], 0).num_rows == 0
    assert smallest([], 3).num_rows == 0
