"""What is made is followed back from what is wanted, and told in patterns."""

from __future__ import annotations

from tamis.demand import Described, expression
from tamis.inventory import inventory, is_exchange, pack, unpack


def rules(shards=3, audit=False):
    """A small workflow: map → barrier → apply over shards, an audit, sets by name, and a stage that nobody asks for."""
    shard, subset, number, file = r"{shard,\d{5}}", r"{subset,validation|mixtures/a}", "{shard}", r"{file,\d{5}}"
    audits = ["r/stage/audit/barrier.json"] if audit else []
    return [
        Described("map", ("in.jsonl",), (f"r/stage/map/part-{shard}.arrow",), (), (f"r/logs/stage/map-{number}.log",)),
        Described("audit", (f"r/stage/map/part-{number}.arrow",), (f"r/stage/audit/part-{shard}.arrow",), (), ()),
        Described(
            "barrier",
            (lambda wildcards: [f"r/{wildcards.folder}/part-{index:05d}.arrow" for index in range(shards)],),
            ("r/{folder,stage/map|stage/audit}/barrier.json",),
            (),
            (),
        ),
        Described(
            "apply",
            (f"r/stage/map/part-{number}.arrow", "r/stage/map/barrier.json", *audits),
            (f"r/stage/documents/part-{shard}.parquet", f"r/stage/dropped/part-{shard}.parquet"),
            (),
            (),
        ),
        Described(
            "select",
            ("r/stage/documents/part-{shard}.parquet",),
            (),
            (f"r/sampling/{subset}/part-{shard}.arrow",),
            (),
        ),
        Described(
            "write",
            (lambda wildcards: [f"r/sampling/{wildcards.subset}/part-{index:05d}.arrow" for index in range(shards)],),
            (f"r/{subset}/documents/part-{file}.parquet",),
            (),
            (),
        ),
        Described("other", ("r/missing",), ("r/other/documents/part-{shard,\\d{5}}.parquet",), (), ()),
    ]


ROOTS = ["r/mixtures/a/documents/part-00000.parquet", "r/mixtures/a/documents/part-00001.parquet"]


def test_what_the_wanted_files_need_is_made_and_nothing_else():
    found = inventory(rules(), ROOTS, "r")
    folders = {path.rpartition("/")[0] for path in found.outputs()}
    assert folders == {"stage/map", "stage/documents", "stage/dropped", "mixtures/a/documents"}
    assert sorted(found.temporary()) == [f"sampling/mixtures/a/part-0000{index}.arrow" for index in range(3)]
    assert sorted(found.records()) == [f"logs/stage/map-0000{index}.log" for index in range(3)]
    assert found.below("mixtures/a") == [path.removeprefix("r/") for path in ROOTS]
    assert found.jobs()["stage/dropped/part-00002.parquet"] == "apply shard=00002"


def test_a_step_that_is_switched_on_is_followed_with_its_barrier():
    found = set(inventory(rules(audit=True), ROOTS, "r").outputs())
    assert {"stage/audit/barrier.json", "stage/audit/part-00002.arrow"} <= found


def test_more_shards_are_more_numbers_not_more_patterns():
    few, many = inventory(rules(2), ROOTS, "r"), inventory(rules(2000), ROOTS, "r")
    assert len(few.groups) == len(many.groups)
    assert len(list(many.outputs())) > 1000 * len(few.groups) / 2
    assert len(many.model_dump_json()) < len(few.model_dump_json()) + 100


def test_the_folders_that_tamis_owns_are_known_in_any_configuration():
    assert inventory(rules(), [], "r").folders == (
        "annealing", "logs", "mixtures", "other", "sampling", "stage", "validation",
    )  # fmt: skip


def test_what_is_made_before_a_file():
    found = inventory(rules(), ROOTS, "r")
    assert {group.rule for group in found.behind("stage/documents/part-00001.parquet")} == {"map", "barrier"}


def test_a_pattern_as_an_expression():
    assert expression("a.b/{x,\\d{5}}-{y}") == r"a\.b/(?P<x>\d{5})\-(?P<y>.+)"
    assert expression("{x}/{x}", {"x": "[ab]"}) == "(?P<x>[ab])/(?P=x)"


def test_exchange_files():
    assert is_exchange("a/map/part-00000.arrow")
    assert is_exchange("a/map/barrier.json")
    assert not is_exchange("a/stats/part-00000.json")


def test_packing_gives_back_what_was_packed():
    value = {"a": ["ü" * 1000], "b": {"c": None}}
    assert unpack(pack(value)) == value
    assert len(pack(value)) < 100
