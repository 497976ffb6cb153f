"""What a run will cost is a straight line through two samples, and never less than nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.scaling import Room, Sampled, Work, in_order, line, scaled, whole

POSITIVE = st.floats(0.001, 1000)


@given(a=POSITIVE, b=POSITIVE, first=st.integers(1, 20), second=st.integers(1, 20), small=st.integers(1, 1000))
def test_a_line_is_found_again(a, b, first, second, small):
    large = 3 * small + 1
    found = line((first, small, a * first + b * small), (second, large, a * second + b * large))
    assert found[0] * second + found[1] * large == pytest.approx(a * second + b * large)
    if abs(first * large - second * small) > 0.02 * second * large:
        assert found == pytest.approx((a, b), rel=1e-3)


def test_neither_part_of_it_is_negative():
    # More seconds in the smaller sample: kernels that were compiled there, say.
    assert line((2, 100, 30.0), (2, 300, 10.0)) == (5.0, 0.0)
    # More than three times the seconds for three times the text.
    assert line((2, 100, 1.0), (2, 300, 9.0)) == (0.0, 0.03)
    # The same sample twice: all of it is the jobs'.
    assert line((2, 100, 8.0), (2, 100, 8.0)) == (4.0, 0.0)
    assert line((0, 0, 0.0), (0, 0, 0.0)) == (0.0, 0.0)


def sampled(characters, jobs, seconds, megabytes=200.0, resolve=1.0):
    work = {("stage", "map"): Work(jobs, seconds, megabytes), ("stage", "resolve"): Work(1, resolve, 100.0)}
    rooms = {"stage": Room(kept=characters, exchange=characters // 2, files=3)}
    return Sampled({"web": characters}, characters // 10, work, rooms)


def test_an_estimate_worked_by_hand():
    # 1 second a job and 1 a thousand characters; the one job of `resolve` takes 1 second whatever the text.
    small, large = sampled(1_000, 2, 3.0), sampled(4_000, 2, 6.0)
    found = scaled(small, large, 100_000, {("stage", "map"): 10}, cores=4, shards=10, sample_shards=2)
    stage = found.stages[0]
    assert found.documents == 10_000
    assert stage.jobs == 11
    assert stage.seconds == pytest.approx(10 + 100 + 1)
    # 110 seconds on 4 cores, then one job that nothing runs beside.
    assert stage.elapsed == pytest.approx(27.5 + 1)
    assert (stage.kept, stage.exchange) == (100_000, 50_000)
    assert stage.megabytes == 200
    assert found.peak_disk(keep_exchange=True) == found.peak_disk(keep_exchange=False) == 150_000


def test_memory_that_grows_with_a_shard_is_followed_and_other_memory_is_not():
    small, large = sampled(1_000, 2, 1.0, 300), sampled(3_000, 2, 1.0, 500)
    found = scaled(small, large, 30_000, {("stage", "map"): 10}, cores=1, shards=10, sample_shards=2)
    # 0.2 MB a character of a shard: 1,500 in the sample, 3,000 in the whole.
    assert found.stages[0].megabytes == pytest.approx(500 + 0.2 * 1_500)
    same = scaled(sampled(1_000, 2, 1.0, 480), large, 30_000, {}, cores=1, shards=10, sample_shards=2)
    assert same.stages[0].megabytes == 500


def test_exchange_files_that_go_leave_room_for_those_of_the_next_stage():
    work = {("a", "map"): Work(1, 1, 1), ("b", "map"): Work(1, 1, 1)}
    rooms = {"a": Room(10, 70, 1), "b": Room(10, 50, 1)}
    one = Sampled({"web": 100}, 10, work, rooms)
    found = scaled(one, one, 100, {}, cores=1, shards=1, sample_shards=1)
    found.stages = in_order(found.stages, ["b", "a"])
    assert [stage.name for stage in found.stages] == ["b", "a"]
    assert found.peak_disk(keep_exchange=True) == 140
    assert found.peak_disk(keep_exchange=False) == 90


def test_the_whole_is_reckoned_source_by_source():
    assert whole(Sampled({"a": 100, "b": 10}, 1, {}, {}), {"a": 2.0, "b": 50.0}) == 700
