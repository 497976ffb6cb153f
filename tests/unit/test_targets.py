"""What a target asks for: its files, what was lost, and a sweep where something is stale."""

from __future__ import annotations

import pytest

from tamis.demand import Described
from tamis.sweep import look
from tamis.targets import Targets, asked_again

SHARD, NUMBER = r"{shard,\d{5}}", "{shard}"
STAGE = [f"documents/part-{index:05d}.parquet" for index in range(2)]


def rules(results):
    """Ingest, then a stage, each with documents and a ledger; ingest has an exchange file as well."""
    made = {
        "ingest": ((), ("documents/part-{}.parquet", "dropped/part-{}.parquet", "map/part-{}.arrow")),
        "stage": ((f"{results}/ingest/documents/part-{NUMBER}.parquet",), ("documents/part-{}.parquet", "dropped/part-{}.parquet")),
    }  # fmt: skip
    return [
        Described(name, inputs, tuple(f"{results}/{name}/{output.format(SHARD)}" for output in outputs), (), ())
        for name, (inputs, outputs) in made.items()
    ]


@pytest.fixture(name="results")
def _results(tmp_path):
    """A finished folder."""
    folder = tmp_path / "results"
    for path in targets(folder).inventory.outputs():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x")
    return folder


def targets(folder, *, looks=True):
    files = {name: [f"{folder}/{name}/{path}" for path in STAGE] for name in ("ingest", "stage")}
    return Targets(rules(folder), files | {"all": files["stage"]}, str(folder), looks=looks)


def asked(folder, target="all", **how):
    found = targets(folder, **how).asked(target)(None)
    return [path.removeprefix(f"{folder}/") for path in ([found] if isinstance(found, str) else found)]


def test_a_finished_folder_and_an_empty_one_ask_for_the_files_of_the_target(results, tmp_path):
    assert asked(results) == [f"stage/{path}" for path in STAGE]
    assert asked(tmp_path / "none") == [f"stage/{path}" for path in STAGE]


def test_what_was_lost_is_asked_for_but_no_exchange_file(results):
    for name in (
        "ingest/dropped/part-00001.parquet",
        "ingest/map/part-00000.arrow",
        "stage/dropped/part-00000.parquet",
    ):
        (results / name).unlink()
    again = ["ingest/dropped/part-00001.parquet", "stage/dropped/part-00000.parquet"]
    assert asked(results) == [*(f"stage/{path}" for path in STAGE), *again]
    assert asked(results, "ingest") == [*(f"ingest/{path}" for path in STAGE), *again[:1]]


def test_what_was_not_made_yet_is_not_asked_for(results):
    for path in [*results.glob("stage/*/*"), results / "ingest/dropped/part-00000.parquet"]:
        path.unlink()
    made = targets(results).inventory
    missing = set(made.outputs()) - look(results, made.folders).files
    assert asked_again(made, look(results, made.folders), missing) == ["ingest/dropped/part-00000.parquet"]


def test_a_sweep_is_asked_for_where_something_is_stale_and_each_has_a_number_of_its_own(results):
    (results / "stage/documents/part-00002.parquet").write_text("left over")
    assert asked(results) == ["swept/all-00001.json"]
    assert asked(results, "stage") == ["swept/stage-00001.json"]
    assert asked(results, "ingest") == [f"ingest/{path}" for path in STAGE]
    (results / "swept").mkdir()
    (results / "swept/all-00009.json").write_text("{}")
    assert asked(results) == ["swept/all-00010.json"]


def test_the_process_of_a_single_job_does_not_look(results):
    (results / "stage/documents/part-00002.parquet").write_text("left over")
    (results / "ingest/dropped/part-00001.parquet").unlink()
    assert asked(results, looks=False) == [f"stage/{path}" for path in STAGE]
