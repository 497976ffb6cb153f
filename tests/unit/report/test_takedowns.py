"""What a takedown brings back, and what goes with it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tamis import exchange, schemas
from tamis.dedup import earlier
from tamis.ids import document_key
from tamis.inventory import Group, Inventory
from tamis.ledger import dropped_rows
from tamis.report import layout, story, takedowns, terminal
from tamis.report.layout import Layout, Results
from tamis.report.measures import measures
from tamis.shards import part_name, write_json, write_table
from tamis.stages import remove, url_dedup
from tamis.urls import url_key

KEPT, TWIN, OTHER, THIRD = (f"{number:032x}" for number in (16, 17, 18, 19))


@pytest.fixture(name="results")
def _results(tmp_path, make_documents):
    """A finished run of three stages on two shards; `KEPT` is removed, and ledgers of the run before lie beside it."""
    layout = Layout(stages=("ingest", "url_dedup", "remove", "minhash_dedup", "extracts"), shards=2)
    documents = {name: make_documents([f"text {name}"], id=[name]) for name in (KEPT, TWIN, OTHER, THIRD)}

    def ledger(stage, shard, rows):
        found = [
            dropped_rows(stage, documents[name], "copy", kept_id=kept, matched_id=KEPT) for name, kept in rows.items()
        ]
        path = tmp_path / stage / "dropped" / f"{part_name(shard)}.parquet"
        write_table(path, pa.concat_tables([schemas.empty(schemas.LEDGER), *found]))
        return path

    for shard in range(2):
        before = [
            ledger("minhash_dedup", shard, {TWIN: KEPT, OTHER: KEPT} if shard else {THIRD: OTHER}),
            ledger("extracts", shard, {THIRD: None}),
            tmp_path / "no_such_stage" / "dropped" / f"{part_name(shard)}.parquet",
        ]
        target = tmp_path / "new" / part_name(shard)
        remove.run_apply(
            remove.Config(),
            shard=shard,
            shards=2,
            documents=_documents_of(tmp_path, shard, documents),
            earlier=tuple(before),
            kept=target / "kept.parquet",
            dropped=target / "dropped.parquet",
            stats=target / "stats.json",
            stood=tmp_path / "remove" / "stood_for" / f"{part_name(shard)}.arrow",
        )
        # The stages run again without it: TWIN stays, OTHER is a copy of TWIN now.
        ledger("remove", shard, {} if shard else {KEPT: None})
        ledger("minhash_dedup", shard, {OTHER: TWIN} if shard else {})
        ledger("url_dedup", shard, {} if shard else {THIRD: KEPT})
        write_table(
            tmp_path / "minhash_dedup" / "documents" / f"{part_name(shard)}.parquet", documents[TWIN].slice(0, shard)
        )
    return Results(tmp_path, layout)


def _documents_of(folder, shard, documents):
    path = folder / f"in-{shard}.parquet"
    write_table(path, documents[THIRD])
    return path


def test_copies_that_come_back_and_that_go_with_it(results):
    found = takedowns.readmitted(results)
    assert found == {"copies_of_removed": 2, "copies_readmitted": 1, "copies_left_out": 1}
    said = {measure.name: (measure.value, measure.detail) for measure in measures({"remove": found})}
    assert said["copies that came back"][0] == "1"
    assert said["copies that came back"][1].startswith("of 2 documents that the run before dropped")
    assert said["copies that went too"][0] == "1"


def test_a_run_with_fewer_shards_looks_at_all_ledgers_of_the_run_before(tmp_path, make_documents):
    """What the run before wrote as shard 2 of 3 is looked at by shard 0 of 2, and what it kept may lie anywhere now."""
    folder = tmp_path / "minhash_dedup"
    documents = make_documents(["one", "two", "three"], id=[KEPT, TWIN, OTHER])
    for shard, name in enumerate((TWIN, OTHER, THIRD)):
        row = make_documents(["a text"], id=[name])
        rows = dropped_rows("minhash_dedup", row, "copy", kept_id=KEPT, matched_id=KEPT)
        write_table(folder / "dropped" / f"{part_name(shard)}.parquet", rows)
    for shard in range(2):
        source = tmp_path / f"in-{shard}.parquet"
        write_table(source, documents.slice(0, 0))
        new = tmp_path / "new" / part_name(shard)
        remove.run_apply(
            remove.Config(),
            shard=shard,
            shards=2,
            documents=source,
            earlier=(folder / "dropped" / f"{part_name(shard)}.parquet",),
            kept=new / "kept.parquet",
            dropped=new / "dropped.parquet",
            stats=new / "stats.json",
            stood=tmp_path / "remove" / "stood_for" / f"{part_name(shard)}.arrow",
        )
        gone = documents.slice(0, 1 - shard)
        ledger = dropped_rows("remove", gone, pa.array(["removed_id"] * len(gone)))
        write_table(tmp_path / "remove" / "dropped" / f"{part_name(shard)}.parquet", ledger)
        # Both twins are in the second shard now.
        write_table(folder / "documents" / f"{part_name(shard)}.parquet", documents.slice(1, 2 * shard))
    results = Results(tmp_path, Layout(stages=("ingest", "remove", "minhash_dedup"), shards=2))
    assert takedowns.readmitted(results) == {"copies_of_removed": 3, "copies_readmitted": 2, "copies_left_out": 0}


def test_nothing_is_said_where_nothing_was_removed(results):
    for shard in range(2):
        write_table(
            results.folder / "remove" / "dropped" / f"{part_name(shard)}.parquet", schemas.empty(schemas.LEDGER)
        )
    assert takedowns.readmitted(results) == {}
    assert measures({"remove": {}}) == []


def test_a_ledger_that_is_damaged_does_not_stop_a_takedown(tmp_path, caplog):
    path = tmp_path / "part-00000.parquet"
    path.write_bytes(b"PAR1 nothing that was sealed PAR1")
    assert list(remove.stood_for([path])) == []
    assert "are not looked at" in caplog.text


PAGES = ("https://a.example/1", "https://a.example/2", "https://a.example/3")
PART = f"{part_name(0)}.parquet"


def snapshot(folder, make_documents, number, against=(), gone=(), stages=("ingest", "remove", "url_dedup")):
    """Run url_dedup over a snapshot of `PAGES`, as the workflow does, and lay beside it what a run says of itself."""
    ids = [document_key(url_key(url)) + f"{number:016x}" for url in PAGES]
    documents = make_documents([f"{url} of {number}" for url in PAGES], id=ids, url=list(PAGES)).sort_by("id")
    write_table(folder / "ingest" / "documents" / PART, documents)
    removed = pc.is_in(documents["url"], value_set=pa.array(list(gone), pa.string()))
    taken = documents.filter(removed)
    ledger = dropped_rows("remove", taken, pa.array(["removed_url"] * len(taken), pa.string()))
    write_table(folder / "remove" / "dropped" / PART, ledger)
    write_table(folder / "remove" / "documents" / PART, documents.filter(pc.invert(removed)))
    before = stages[stages.index("url_dedup") - 1]
    stage = folder / "url_dedup"
    config = url_dedup.Config(against=[str(path / "url_dedup" / "index") for path in against], write_index=True)
    url_dedup.run_held(ledgers=str(stage / "dropped"), output=stage / "held.arrow")
    outcome = {"kept": stage / "documents" / PART, "dropped": stage / "dropped" / PART, "stats": stage / "stats.json"}
    url_dedup.run_apply(config, shard=0, shards=1, documents=folder / before / "documents" / PART, **outcome)
    index = stage / "index" / f"{part_name(0)}.arrow"
    url_dedup.run_index(config, documents=outcome["kept"], output=index)
    url_dedup.run_describe(config, parts=(index,), output=stage / "index" / earlier.FILE)
    # The index is planned, as report_stats has to take it: it may be written later than that.
    planned = Inventory(groups=(Group(rule="url_dedup_index", outputs=("url_dedup/index/index.json",)),))
    write_json(folder / layout.FILE, Layout(stages=stages, shards=1, inventory=planned).model_dump(mode="json"))
    write_json(folder / "manifest.json", {"configuration": {"url_dedup": config.model_dump(mode="json")}})
    return Results.open(folder)


def said_of(results, url):
    """What `tamis why` says of a page, in one line."""
    (name,) = story.resolve(results, url).ids
    return " ".join(terminal.story(story.tell(results, name)).split())


def test_a_page_that_an_earlier_run_takes_down_comes_back_in_the_later_one(tmp_path, make_documents):
    first, second = tmp_path / "first", tmp_path / "second"
    snapshot(first, make_documents, 1)
    later = snapshot(second, make_documents, 2, against=[first])
    assert takedowns.returned(later, "url_dedup") == {}
    assert "removed it" not in said_of(later, PAGES[0])
    earlier_run = snapshot(first, make_documents, 1, gone=PAGES[:1])
    described = (first / "url_dedup" / "index" / earlier.FILE).rename(tmp_path / "not_there_yet.json")
    assert takedowns.readmitted(earlier_run) == {"left_of_index": 1}
    described.rename(first / "url_dedup" / "index" / earlier.FILE)
    assert f"has removed it since ({first}/remove): run this one again" in said_of(later, PAGES[0])
    assert "removed it" not in said_of(later, PAGES[1])
    later = snapshot(second, make_documents, 2, against=[first])
    assert takedowns.returned(later, "url_dedup") == {"held_before": 3, "held_no_more": 1}
    assert "url_dedup kept" in said_of(later, PAGES[0])
    (measure,) = measures({"url_dedup": takedowns.returned(later, "url_dedup")})
    assert (measure.name, measure.value) == ("documents that came back", "1")
    noted = exchange.read_batch(second / "url_dedup" / "held.arrow", 0, 1)
    assert {row["matched_id"][16:] for row in noted.to_pylist()} == {f"{1:016x}"}


def test_a_takedown_behind_a_stage_leaves_its_index_and_is_said_to(tmp_path, make_documents):
    first, second = tmp_path / "first", tmp_path / "second"
    stages = ("ingest", "url_dedup", "remove")
    found = takedowns.readmitted(snapshot(first, make_documents, 1, gone=PAGES[:1], stages=stages))
    assert found == {"held_by_index": 1}
    (measure,) = measures({"remove": found})
    assert (measure.name, measure.value) == ("removed, and still in an index", "1")
    later = snapshot(second, make_documents, 2, against=[first])
    assert "behind url_dedup, whose index still holds it: put remove in front" in said_of(later, PAGES[0])
