"""A second run is held against the index of the first."""

from __future__ import annotations

import finished
import pytest
from running import changed, planned, run_workflow

pytestmark = pytest.mark.workflow


def test_a_run_against_the_index_of_another(make_folder, small):
    folder = make_folder("against")
    first = small | {"output_dir": "first", "minhash_dedup": {"write_index": True}}
    against = {"against": ["first/minhash_dedup/index"]}
    second = small | {"output_dir": "second", "shards": 3, "minhash_dedup": against}
    assert "first/minhash_dedup/index/index.json is missing" in run_workflow(folder, second, "--dry-run", fails=True)
    run_workflow(folder, first)
    jobs = planned(folder, changed(first, minhash_dedup__write_index=False))
    # The index is made no more, so that it goes, and the reports say what is there.
    reports = {"report_layout", "report_stats", "report_database", "report_manifest", "report_page"}
    assert {"sweep"} <= set(jobs) <= reports | {"sweep"}
    output = run_workflow(folder, changed(second, minhash_dedup__seed=1), "--dry-run", fails=True)
    assert "seed is 0 there and 1 here" in output
    run_workflow(folder, second)
    held = {row["id"] for row in finished.rows(folder / "first" / "minhash_dedup" / "documents")}
    dropped = list(finished.rows(folder / "second" / "minhash_dedup" / "dropped"))
    assert len(dropped) > len(held)
    assert {row["reason"] for row in dropped} == {"in_earlier_corpus"}
    assert {row["matched_id"] for row in dropped} <= held
    # What stays for them is another run's.
    assert {row["kept_id"] for row in dropped} == {None}
    assert min(row["similarity"] for row in dropped) >= 0.7
