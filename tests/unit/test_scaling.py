"""What a run will cost: lines through samples, never less than nothing, and what does not grow in a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.scaling import WAITING, Holds, Learnt, Room, Sampled, Step, Work, in_order, line, memory, scaled

POSITIVE = st.floats(0.001, 1000)


@given(a=POSITIVE, b=POSITIVE, jobs=st.tuples(*[st.integers(1, 20)] * 3), small=st.integers(1, 1000))
def test_a_line_is_found_again(a, b, jobs, small):
    points = [(n, x, a * n + b * x) for n, x in zip(jobs, (small, 3 * small + 1, 9 * small + 5), strict=True)]
    found = line(points)
    n, x, y = points[-1]
    assert found[0] * n + found[1] * x == pytest.approx(y, rel=0.02)
    # Where the jobs cost next to nothing, or the text, nobody can tell how much.
    if all(0.05 * y < part < 0.95 * y for n, x, y in points for part in (a * n, b * x)):
        assert found == pytest.approx((a, b), rel=1e-2)


def test_noise_of_one_sample_is_not_drawn_out():
    # 1 second a job and 1 a thousand characters, and a tenth too much in the sample in the middle.
    a, b = line([(2, 1_000, 3.0), (2, 3_000, 5.5), (2, 9_000, 11.0)])
    assert a * 2 + b * 27_000 == pytest.approx(29, rel=0.05)


def test_neither_part_of_it_is_negative():
    # More seconds in the smaller sample, and more than three times the seconds for three times the text.
    assert line([(2, 100, 30.0), (2, 300, 10.0)])[1] == 0.0
    assert line([(2, 100, 1.0), (2, 300, 9.0)])[0] == 0.0
    # The same sample twice, or one alone: all of it is the jobs'.
    assert line([(2, 100, 8.0), (2, 100, 8.0)]) == line([(2, 100, 8.0)]) == (4.0, 0.0)
    assert line([(0, 0, 0.0), (0, 0, 0.0)]) == (0.0, 0.0)


def sampled(characters, jobs, seconds, megabytes=200.0, resolve=1.0):
    work = {("stage", "map"): Work(jobs, seconds, megabytes), ("stage", "resolve"): Work(1, resolve, 100.0)}
    rooms = {"stage": Room(kept=characters, exchange=characters // 2, files=3)}
    return Sampled({"web": characters}, {"web": characters // 10}, work, rooms)


def steps(jobs, **more):
    return {("stage", "map"): Step(jobs, **more), ("stage", "resolve"): Step(1, shared=False)}


def test_an_estimate_worked_by_hand():
    # 1 second a job and 1 a thousand characters; the one job of `resolve` takes 1 second whatever the text.
    samples = [sampled(1_000, 2, 3.0), sampled(4_000, 2, 6.0)]
    found = scaled(samples, {"web": 25.0}, steps(10), 4)
    stage = found.stages[0]
    assert (found.documents, found.characters) == (10_000, 100_000)
    assert stage.jobs == 11
    assert stage.seconds == pytest.approx(10 + 100 + 1)
    # 110 seconds on 4 cores, then one job that nothing runs beside.
    assert stage.elapsed == pytest.approx(27.5 + 1)
    assert (stage.kept, stage.exchange) == pytest.approx((100_000, 50_000))
    assert stage.megabytes == 200
    assert found.peak_disk(keep_exchange=True) == found.peak_disk(keep_exchange=False) == pytest.approx(150_000)


def test_what_a_training_costs_ends_with_its_bound():
    key = ("tokenizer", "train")

    def trained(characters, seen, megabytes):
        work = {key: Work(1, 1 + seen / 1_000, megabytes)}
        return Sampled({"web": characters}, {"web": 1}, work, {}, learnt={key: {"text": Learnt(seen, 5_000)}})

    # Half of the text is seen, and of a corpus of 90,000 characters no more than 5,000.
    samples = [trained(2_000, 1_000, 100), trained(6_000, 3_000, 140)]
    found = scaled(samples, {"web": 15.0}, {key: Step(1, shared=False)}, 1).stages[0]
    assert found.seconds == pytest.approx(6)
    # 140 MB for 3,000 characters and 20 for each thousand more.
    assert found.megabytes == pytest.approx(180)


def test_what_does_not_grow_with_the_corpus_is_learnt_again_as_it_was():
    key = ("linear_quality", "train")
    one = {"good prose": Learnt(300, 1_500), "bad prose": Learnt(1_500, 1_500)}
    samples = [
        Sampled({"web": size}, {"web": 1}, {key: Work(1, 3.0, 100)}, {}, learnt={key: one}) for size in (1_000, 3_000)
    ]
    assert scaled(samples, {"web": 100.0}, {key: Step(1, shared=False)}, 1).stages[0].seconds == pytest.approx(3)


def test_memory_that_grows_with_a_shard_is_followed_and_other_memory_is_not():
    points = [(500.0, 300.0), (1_500.0, 500.0)]
    # 0.2 MB a character of a shard, where what is held grows on.
    assert memory(points, 3_000, None) == pytest.approx(500 + 0.2 * 1_500)
    assert memory([(500.0, 480.0), (1_500.0, 500.0)], 3_000, None) == 500
    # A shard that holds less takes no more.
    assert memory(points, 1_000, None) == 500


def test_memory_of_a_batch_ends_with_it_and_that_of_a_row_group_too():
    # A batch of 4 million characters, a row group of 16 million; 50 bytes a character of the samples.
    holds, points = Holds(4e6, 16e6), [(1e6, 200.0), (2e6, 250.0)]
    assert memory(points, 3e6, holds) == pytest.approx(300)
    assert memory(points, 8e6, holds) == pytest.approx(350 + WAITING * 4e6)
    full = 350 + WAITING * 12e6
    assert memory(points, 1e9, holds) == memory(points, 1e11, holds) == pytest.approx(full)
    # A sample that has filled them both is all there is.
    assert memory([(1e7, 200.0), (2e7, 250.0)], 1e9, holds) == 250


def test_exchange_files_that_go_leave_room_for_those_of_the_next_stage():
    work = {("a", "map"): Work(1, 1, 1), ("b", "map"): Work(1, 1, 1)}
    rooms = {"a": Room(10, 70, 1), "b": Room(10, 50, 1)}
    found = scaled([Sampled({"web": 100}, {"web": 10}, work, rooms)], {}, {}, 1)
    found.stages = in_order(found.stages, ["b", "a"])
    assert [stage.name for stage in found.stages] == ["b", "a"]
    assert found.peak_disk(keep_exchange=True) == pytest.approx(140)
    assert found.peak_disk(keep_exchange=False) == pytest.approx(90)


def test_the_whole_is_reckoned_source_by_source():
    found = scaled([Sampled({"a": 100, "b": 10}, {"a": 1, "b": 5}, {}, {})], {"a": 2.0, "b": 50.0}, {}, 1)
    assert (found.characters, found.documents) == (700, 252)
