"""A takedown that comes after a run reaches everything that the run delivered."""

from __future__ import annotations

import finished
import pytest
from running import planned, run_workflow

from tamis.urls import url_key

pytestmark = pytest.mark.workflow


def addresses(folder):
    return {url_key(row["url"]) for row in finished.rows(folder) if row["url"]}


def test_a_changed_list_reaches_every_later_output(make_folder, small):
    folder = make_folder("takedown")
    results = folder / "results"
    takedowns = folder / "takedowns.txt"
    takedowns.write_text("# nothing yet\n", encoding="utf-8")
    config = small | {"pipeline": ["remove", "minhash_dedup"], "remove": {"urls": ["takedowns.txt"]}}
    run_workflow(folder, config)
    assert planned(folder, config) == {}
    gone = sorted(addresses(results / "minhash_dedup" / "documents"))[7]
    takedowns.write_text(f"# asked for\n{gone}\n", encoding="utf-8")
    jobs = planned(folder, config)
    assert not [name for name in jobs if name.startswith("ingest")], jobs
    assert {"remove_apply", "minhash_dedup_apply", "report_page"} <= set(jobs)
    run_workflow(folder, config)
    for stage in ("remove", "minhash_dedup"):
        assert gone not in addresses(results / stage / "documents")
    reasons = {row["reason"] for row in finished.rows(results / "remove" / "dropped")}
    assert reasons == {"removed_url"}
    takedowns.write_text("neither address nor comment\n", encoding="utf-8")
    output = run_workflow(folder, config, fails=True)
    assert "takedowns.txt, line 1: 'neither address nor comment' is not an address" in output
