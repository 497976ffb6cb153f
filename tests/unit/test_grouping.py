"""Which jobs go as one on a cluster, and the check that no group waits for itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tamis.demand import described
from tamis.engine import group_check
from tamis.grouping import label, steps
from tamis.inventory import inventory

SHARD = r"{shard,\d{5}}"


def rule(name, output, *inputs):
    """A rule as Snakemake holds it."""
    return SimpleNamespace(
        name=name, input=list(inputs), output=[output], log=[], benchmark=None, params=[], group=None
    )


def everywhere(folder):
    return [f"r/{folder}/part-{shard:05d}" for shard in range(3)]


RULES = [
    rule("read", f"r/read/part-{SHARD}"),
    rule("clean", f"r/clean/part-{SHARD}", "r/read/part-{shard}"),
    rule("map", f"r/map/part-{SHARD}", "r/clean/part-{shard}"),
    rule("barrier", "r/map/barrier.json", *everywhere("map")),
    rule("reduce", f"r/reduce/part-{SHARD}", "r/map/barrier.json"),
    rule("apply", f"r/apply/part-{SHARD}", "r/clean/part-{shard}", *everywhere("reduce")),
    rule("embed", f"r/embed/part-{SHARD}", "r/apply/part-{shard}"),
    rule("score", f"r/score/part-{SHARD}", "r/embed/part-{shard}", "r/apply/part-{shard}"),
    rule("report", "r/report", *everywhere("score")),
]


@pytest.fixture(name="found")
def _found():
    rules = described(RULES)
    made = inventory(rules, ["r/report"], "r")
    return {step.rule: step for step in steps(made.groups, rules, alone={"embed"}, local={"barrier"}).values()}


def test_neighbours_go_together_and_a_crossing_parts_them(found):
    assert found["read"].group == found["clean"].group == found["map"].group
    assert found["map"].group < found["reduce"].group < found["apply"].group


def test_long_jobs_single_jobs_and_local_ones_go_alone(found):
    assert found["embed"].group is None
    assert found["report"].group is None
    assert found["barrier"].group is None
    # It stands between two neighbours, which therefore are none any more.
    assert found["apply"].group < found["score"].group


def test_how_many_there_are(found):
    assert found["score"].count == 3
    assert found["report"].count == 1


def test_snakemakes_rules_are_told(found):
    rules = [rule(one.name, one.output[0], *one.input) for one in RULES]
    label(rules, {(step.rule,): step for step in found.values()}, described(RULES))
    told = {one.name: one.group({"shard": "00001"}) if one.group else None for one in rules}
    assert told == {name: step.group for name, step in found.items()}


class Dag:
    """As much of Snakemake's as is looked at."""

    def __init__(self, needs, groups):
        self._dependencies = {job: dict.fromkeys(needs.get(job, ())) for job in "abcd"}
        self.jobs = list(self._dependencies)
        self._of = {job: number for number, group in enumerate(groups, 1) for job in group}

    def get_job_group(self, job):
        return self._of.get(job)


@pytest.mark.parametrize(
    ("groups", "ordered"),
    [([], True), (["ab"], True), (["bc", "ad"], False), (["ac"], False), (["abc"], True), (["ab", "cd"], True)],
)
def test_a_group_that_waits_for_itself_is_found(groups, ordered):
    # a → b → c → d
    assert group_check.can_be_ordered(Dag({"b": "a", "c": "b", "d": "c"}, groups)) is ordered
