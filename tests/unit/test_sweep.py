"""What goes, what is retired, what stays: from a list of files and an inventory."""

from __future__ import annotations

import pytest

from tamis.demand import expression
from tamis.inventory import Group, Inventory, Pattern
from tamis.shards import read_json, write_json
from tamis.sweep import (
    Present,
    carry_out,
    decide,
    look,
    next_record,
    place,
    records,
    run,
    sentences,
    told_since,
)

NAME = r"[a-z0-9_]+"
CONSTRAINTS = {
    "shard": r"\d{5}",
    "file": r"\d{5}",
    "subset": f"validation|mixtures/{NAME}",
    "export": NAME,
    "format": NAME,
}
RULES = {
    "stage_apply": ("stage/documents/part-{shard}.parquet", "logs/stage/apply-{shard}.log"),
    "gone_apply": ("gone/documents/part-{shard}.parquet", "logs/gone/apply-{shard}.log"),
    "subset_write": ("{subset}/documents/part-{file}.parquet", "logs/{subset}/write-{file}.log"),
    "subset_plan": ("{subset}/plan.parquet",),
    "subset_select": ("sampling/{subset}/select/part-{shard}.arrow",),
    "export_write": ("export/{export}/{format}/part-{shard}.parquet",),
}
FOLDERS = ("stage", "gone", "mixtures", "validation", "sampling", "export", "logs")


def made(files=2, mixtures=("all",), formats=("parquet",)):
    """The inventory of one stage of two shards, and of some mixtures with their exports."""
    groups = [Group(rule="stage_apply", number="shard", numbers=2, outputs=RULES["stage_apply"][:1],
                    records=RULES["stage_apply"][1:])]  # fmt: skip
    for name in mixtures:
        names = {"subset": f"mixtures/{name}"}
        folder = f"mixtures/{name}"
        groups += [
            Group(rule="subset_write", names=names, number="file", numbers=files, needs=(0,),
                  outputs=(f"{folder}/documents/part-{{file}}.parquet",), records=(f"logs/{folder}/write-{{file}}.log",)),
            Group(rule="subset_plan", names=names, outputs=(f"{folder}/plan.parquet",), needs=(0,)),
            Group(rule="subset_select", names=names, number="shard", numbers=2, needs=(0,),
                  temporary=(f"sampling/{folder}/select/part-{{shard}}.arrow",)),
        ]  # fmt: skip
        groups += [
            Group(rule="export_write", names={"export": name, "format": each}, number="shard", numbers=files,
                  outputs=(f"export/{name}/{each}/part-{{shard}}.parquet",))
            for each in formats
        ]  # fmt: skip
    patterns = [
        Pattern(
            rule=rule,
            expression=expression(pattern, CONSTRAINTS),
            names=tuple(name for name in ("subset", "export", "format") if f"{{{name}}}" in pattern),
            temporary=rule == "subset_select",
        )
        for rule, rule_patterns in RULES.items()
        for pattern in rule_patterns
    ]
    parents = tuple(expression(p.rpartition("/")[0], CONSTRAINTS) for patterns in RULES.values() for p in patterns)
    return Inventory(groups=tuple(groups), patterns=tuple(patterns), folders=FOLDERS, parents=parents)


def everything(inventory):
    return frozenset([*inventory.outputs(), *inventory.records()])


def test_a_folder_of_what_is_made_and_nothing_else_is_not_stale():
    inventory = made()
    decision = decide(Present(everything(inventory)), inventory)
    assert not decision.stale
    assert (decision.foreign, decision.missing) == ([], [])


def test_parts_beyond_the_number_are_deleted_with_their_logs():
    decision = decide(Present(everything(made(files=4))), made(files=2))
    assert decision.retire == []
    assert decision.delete == sorted(everything(made(files=4)) - everything(made(files=2)))
    assert "mixtures/all/documents/part-00003.parquet" in decision.delete


def test_a_mixture_that_left_is_retired_as_a_whole_and_its_temporary_files_go():
    waiting = "sampling/mixtures/old/select/part-00000.arrow"
    decision = decide(Present(everything(made(mixtures=("all", "old"))) | {waiting}), made())
    assert decision.retire == ["export/old", "logs/mixtures/old", "mixtures/old"]
    assert decision.delete == [waiting]


def test_the_last_mixture_is_retired_by_its_own_name():
    decision = decide(Present(everything(made(mixtures=("all", "old")))), made(mixtures=()))
    assert decision.retire == [
        "export/all", "export/old", "logs/mixtures/all", "logs/mixtures/old", "mixtures/all", "mixtures/old",
    ]  # fmt: skip


def test_a_format_that_left_is_retired_alone():
    assert decide(Present(everything(made(formats=("parquet", "lines")))), made()).retire == ["export/all/lines"]


def test_a_stage_that_left_is_retired():
    gone = {"gone/documents/part-00000.parquet", "logs/gone/apply-00000.log", "gone/sample/part-00000.arrow"}
    assert decide(Present(everything(made()) | gone), made()).retire == ["gone", "logs/gone"]


def test_unfinished_and_unread_files_and_empty_folders_go():
    unfinished = {"stage/documents/.part-00001.parquet.ab12_9xz.tmp", ".layout.json.ab12_9xz.tmp"}
    waiting = {"sampling/mixtures/all/select/part-00001.arrow"}
    inventory = made()
    # The top of the folder belongs to tamis by the names of its files alone.
    inventory = inventory.model_copy(
        update={"groups": (*inventory.groups, Group(rule="layout", outputs=("layout.json",)))}
    )
    present = Present(
        everything(inventory) | unfinished | waiting,
        empty=frozenset({"mixtures/old/documents", "mixtures/old", "mixtures/mine/somewhere"}),
    )
    decision = decide(present, inventory)
    assert set(decision.delete) == unfinished | waiting | {"mixtures/old"}
    assert decision.foreign == []


def test_the_state_of_a_training_goes_with_what_it_was_for():
    trained = Group(rule="fine_tune", outputs=("fine/fine_tuned.json", "fine/fine_tuned/model.safetensors"))
    pattern = Pattern(rule="fine_tune", expression=r"(?:fine|other)/fine_tuned\.json")
    inventory = made()
    inventory = inventory.model_copy(
        update={"groups": (*inventory.groups, trained), "patterns": (*inventory.patterns, pattern)}
    )
    names = (".fine_tuned.training/state.json", ".fine_tuned.training/.state.json.ab12_9xz.tmp")
    present = Present(everything(made()) | {f"{stage}/{name}" for stage in ("fine", "other", "mine") for name in names})
    decision = decide(present, inventory)
    # A killed training goes on by it, nobody else's is touched.
    assert decision.delete == sorted(f"other/{name}" for name in names)
    assert decision.foreign == sorted(f"mine/{name}" for name in names)


@pytest.mark.parametrize(
    "path", ["mixtures/all/notes.txt", "mixtures/mine/a.txt", "stage/documents/.hidden.parquet", "export/README.md"]
)
def test_somebody_elses_files_stay_and_are_named(path):
    decision = decide(Present(everything(made()) | {path}), made())
    assert not decision.stale
    assert decision.foreign == [path]


@pytest.mark.parametrize("path", ["own.txt", ".tamis.lock", "results.tar"])
def test_files_beside_the_folders_are_nobodys_business(path):
    decision = decide(Present(everything(made()) | {path}), made())
    assert (decision.stale, decision.foreign) == (False, [])


def test_somebody_elses_file_in_a_mixture_that_left_keeps_its_place():
    left = everything(made(mixtures=("all", "old"))) | {"mixtures/old/notes.txt"}
    decision = decide(Present(left), made())
    assert decision.retire == ["export/old", "logs/mixtures/old", "mixtures/old/documents", "mixtures/old/plan.parquet"]
    assert decision.foreign == ["mixtures/old/notes.txt"]


def test_a_run_of_one_target_looks_at_its_own_places_only():
    left = everything(made(files=4, mixtures=("all", "old"))) | {"stage/documents/part-00007.parquet"}
    decision = decide(Present(left), made(), scope=["stage"])
    assert (decision.delete, decision.retire) == (["stage/documents/part-00007.parquet"], [])
    assert place("logs/sampling/mixtures/all/x.log") == "mixtures"
    assert place("stage/documents/part-00000.parquet") == "stage"


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """A results folder as `made()` describes, with two mixtures and somebody's link to files outside."""
    results, outside = tmp_path / "results", tmp_path / "outside"
    outside.mkdir()
    (outside / "part-00009.parquet").write_text("theirs")
    for name in [*everything(made(files=3, mixtures=("all", "old"))), "mixtures/all/notes.txt"]:
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(name)
    (results / "mixtures/linked").symlink_to(outside)
    (results / "stage/documents/part-00008.parquet").symlink_to(outside / "part-00009.parquet")
    write_json(results / "layout.json", {"inventory": made().model_dump(mode="json")})
    return results


def test_a_sweep_moves_deletes_and_follows_no_link(folder):
    swept = run(folder / "layout.json", None, folder / next_record(folder, "all"))
    assert "mixtures/old → retired/mixtures/old" in swept["retired"]
    assert (folder / "retired/mixtures/old/plan.parquet").read_text() == "mixtures/old/plan.parquet"
    assert not (folder / "mixtures/all/documents/part-00002.parquet").exists()
    assert swept["foreign"] == ["mixtures/all/notes.txt", "mixtures/linked", "stage/documents/part-00008.parquet"]
    assert (folder / "mixtures/linked/part-00009.parquet").read_text() == "theirs"
    assert not decide(look(folder, FOLDERS), made()).stale
    assert read_json(folder / "swept/all-00001.json") == swept
    assert next_record(folder, "all") == "swept/all-00002.json"
    told = "\n".join(told_since(folder, set()))
    assert "mixtures/old → retired/mixtures/old" in told
    assert "mixtures/all/documents/part-00002.parquet" in told
    assert "mixtures/all/notes.txt" in told
    assert told_since(folder, records(folder)) == []


def test_what_is_retired_twice_is_not_overwritten(folder):
    for text in ("first", "second", "third"):
        path = folder / "mixtures/old/plan.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        carry_out(folder, decide(look(folder, FOLDERS), made()))
    kept = [(folder / f"retired/mixtures/{name}/plan.parquet").read_text() for name in ("old", "old.2", "old.3")]
    assert kept == ["first", "second", "third"]


def test_long_lists_are_cut_short_in_the_terminal():
    (text,) = sentences({"deleted": [f"stage/documents/part-{index:05d}.parquet" for index in range(50)]})
    assert text.startswith("50 deleted")
    assert text.endswith("and 30 more")
