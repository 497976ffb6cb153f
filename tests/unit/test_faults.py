"""The verdicts of the harness in tests/faults: what counts as survived, and what does not."""

from __future__ import annotations

import pytest

from tests.faults import bench
from tests.faults.case import Case, Ended, NotSurvived, opened
from tests.faults.damage import DAMAGES

NAME = "url_dedup/documents/part-00000.parquet"


@pytest.fixture(name="case")
def _case(tmp_path):
    with opened("example/0", bench.Bench(tmp_path), 0, 60) as case:
        yield case


def test_an_error_must_name_the_file_and_what_to_do(case: Case):
    said = f"tamis: url_dedup apply failed: results/{NAME}: 3 bytes, expected 90. Delete it and run again."
    case.must_say(Ended(1, said), NAME)
    for code, text in (
        (0, said),
        (1, said.replace("part-00000", "part-00001")),
        (1, said.replace("Delete it and run again.", "")),
        (1, f"{said}\nTraceback (most recent call last):\n"),
        # Snakemake names every file of a job that failed.
        (
            1,
            f"Error in rule x:\n    input: results/{NAME}\n    message: None\nShutting down, this might take some time.\n",
        ),
    ):
        with pytest.raises(NotSurvived):
            case.must_say(Ended(code, text), NAME)


def test_other_missing_and_left_over_files_are_differences(case: Case):
    folder = case.results / "mixtures" / "first"
    folder.mkdir(parents=True)
    for name in "abc":
        (folder / name).write_text(name)
    (case.results / "logs").mkdir()
    expected = bench.delivered(case.results)
    assert len(expected) == 3
    (folder / "a").write_text("other")
    (folder / "b").unlink()
    (folder / "d").write_text("d")
    (case.results / "logs" / "new.log").write_text("")
    assert bench.differences(bench.delivered(case.results), expected) == [
        "mixtures/first/b is missing",
        "mixtures/first/d was left over",
        "mixtures/first/a has other bytes",
    ]


@pytest.mark.parametrize("way", DAMAGES)
def test_a_damage_changes_the_file_and_not_its_time(case: Case, way):
    path = case.folder / "part-00000.arrow"
    path.with_name("part-00001.arrow").write_bytes(b"y" * 7000)
    path.write_bytes(b"x" * 9000)
    before = path.stat().st_mtime_ns
    DAMAGES[way](path, case.dice)
    if way == "delete":
        assert not path.exists()
    else:
        assert path.read_bytes() != b"x" * 9000
        assert path.stat().st_mtime_ns == before
