"""Ids: how they are made, their numbers, home shards, and keyed hashes of them."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis import exchange, ids
from tamis.errors import SchemaError


def test_ids_are_hex_and_their_fields_do_not_run_together() -> None:
    # Changed hashes are other ids: every stage of every run would begin anew.
    assert ids.document_key("example.org/a") == "93c10f93cb1e8977"
    assert ids.content_hash("s", "u", 1, "t") == "233fa9eeb6a3e9be"
    variants = [("s", "u", 1, "t"), ("su", "", 1, "t"), ("s", None, 1, "t"), ("s", "", 1, "t"), ("s", "u", None, "t"),
                ("s", "u", "1t", ""), ("s", "u", 1, "\ud800t")]  # fmt: skip
    found = {ids.content_hash(*fields) for fields in variants}
    assert len(found) == len(variants)
    assert all(re.fullmatch(r"[0-9a-f]{16}", value) for value in found)


@pytest.mark.parametrize(("value", "form"), [("0a" * 16, True), ("0A" * 16, False), ("0a" * 15, False), ("", False),
                                             ("0a" * 16 + "\n", False), ("mbpp/" + "0" * 27, False)])  # fmt: skip
def test_what_has_the_form_of_an_id(value, form):
    assert ids.is_id(value) is form


NUMBERED = pa.array([f"{value:032x}" for value in (0, 1, 2**64 - 1, 2**64, 2**128 - 1)])


def test_id_halves_are_the_numbers_that_the_digits_spell() -> None:
    high, low = ids.id_halves(NUMBERED)
    assert high.tolist() == [0, 0, 0, 1, 2**64 - 1]
    assert low.tolist() == [0, 1, 2**64 - 1, 0, 2**64 - 1]
    high, low = ids.id_halves(pa.chunked_array([NUMBERED.slice(1, 2), NUMBERED.slice(3)]))
    assert low.tolist() == [1, 2**64 - 1, 0, 2**64 - 1]
    assert [len(half) for half in ids.id_halves(pa.array([], pa.string()))] == [0, 0]


@pytest.mark.parametrize("bad", ["abc", "G" * 32, "A" * 32, None])
def test_other_ids_are_refused(bad: str | None) -> None:
    with pytest.raises(SchemaError, match="ids are"):
        ids.id_halves(pa.array(["0" * 32, bad]))


@given(st.lists(st.binary(min_size=16, max_size=16).map(bytes.hex), max_size=5))
@example([])
def test_ids_as_numbers_and_back(values):
    high, low = ids.id_halves(pa.array(values, pa.string()))
    assert ids.id_strings(high, low).to_pylist() == values


MANY = st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), max_size=20)


@given(MANY, st.integers(1, 10_000))
def test_home_shards_of_many_are_those_of_each(values, count):
    found = ids.home_shards(pa.array(values, pa.string()), count).tolist()
    assert found == [ids.home_shard(value, count) for value in values]
    assert all(0 <= shard < count for shard in found)


@given(st.text("0123456789abcdef", min_size=48, max_size=48), st.integers(1, 1000))
def test_captures_of_one_url_share_their_home_shard(letters, count):
    key, one, other = letters[:16], letters[16:32], letters[32:]
    assert ids.home_shard(key + one, count) == ids.home_shard(key + other, count)


def test_largest_key():
    assert ids.home_shard("f" * 32, 10) == (2**64 - 1) % 10


def test_a_keyed_hash_depends_on_id_purpose_and_seed_alone() -> None:
    first = ids.keyed_hash(NUMBERED, "mixtures", 1)
    assert len(set(first.tolist())) == len(NUMBERED)
    assert ids.keyed_hash(NUMBERED.take([4, 0]), "mixtures", 1).tolist() == [first[4], first[0]]
    assert not np.any(first == ids.keyed_hash(NUMBERED, "mixtures", 2))
    assert not np.any(first == ids.keyed_hash(NUMBERED, "validation", 1))
    # A changed hash moves every sample: raise the versions of validation, mixtures, subset and parquet with it.
    assert int(first[1]) == 12603280863426145644


def test_a_keyed_hash_is_uniform_even_over_ids_that_count_up() -> None:
    counting_up = pa.array([f"{i:016x}{0:016x}" for i in range(20_000)])
    hashes = ids.keyed_hash(counting_up, "mixtures", 0)
    counts = np.bincount(exchange.partition_of(hashes, 10), minlength=10)
    assert counts.sum() == 20_000
    assert abs(counts - 2000).max() < 200  # 4.7 standard deviations
    bits = [(hashes >> np.uint64(bit) & np.uint64(1)).mean() for bit in range(64)]
    assert max(abs(bit - 0.5) for bit in bits) < 0.02
