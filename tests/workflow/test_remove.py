"""A takedown that comes after a run reaches everything that the run delivered."""

from __future__ import annotations

import finished
import pytest
from running import planned, run_workflow

from tamis.report import tables
from tamis.report.layout import Results
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
    # A page that stands for copies of it.
    copies = [row for row in finished.rows(results / "minhash_dedup" / "dropped") if row["url"]]
    stands = {row["id"]: row for row in finished.rows(results / "minhash_dedup" / "documents") if row["url"]}
    known = min({row["kept_id"] for row in copies} & stands.keys())
    gone = url_key(stands[known]["url"])
    twins = {row["id"] for row in copies if row["kept_id"] == known and url_key(row["url"]) != gone}
    assert twins
    takedowns.write_text(f"# asked for\n{gone}\n", encoding="utf-8")
    jobs = planned(folder, config)
    assert not [name for name in jobs if name.startswith("ingest")], jobs
    assert {"remove_apply", "minhash_dedup_apply", "report_page"} <= set(jobs)
    run_workflow(folder, config)
    for stage in ("remove", "minhash_dedup"):
        assert gone not in addresses(results / stage / "documents")
    reasons = {row["reason"] for row in finished.rows(results / "remove" / "dropped")}
    assert reasons == {"removed_url"}
    # What had gone as a copy of that page is looked at again, and the run says so; one of the copies stays, at least.
    back = twins & {row["id"] for row in finished.rows(results / "minhash_dedup" / "documents")}
    assert back
    noted = tables.read_notes(Results.open(results))["remove"]
    assert noted["copies_readmitted"] == len(back)
    assert noted["copies_of_removed"] >= len(twins)
    assert "copies that came back" in (results / "report" / "index.html").read_text(encoding="utf-8")
    takedowns.write_text("neither address nor comment\n", encoding="utf-8")
    output = run_workflow(folder, config, fails=True)
    assert "takedowns.txt, line 1: 'neither address nor comment' is not an address" in output
