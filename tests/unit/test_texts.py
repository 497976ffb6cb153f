"""Documents files that name the file with their texts: read as if they held them, or refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from outcomes import write_outcome

from tamis import provenance, shards
from tamis.errors import ConservationError, ShardMismatchError, SourceError
from tamis.ledger import Outputs, dropped_rows, outcome_writer

ROWS = 3_000


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    """Many batches and row groups in little text; the one is no multiple of the other."""
    monkeypatch.setattr(shards, "BATCH_ROWS", 200)
    monkeypatch.setattr(shards, "ROW_GROUP_ROWS", 500)


def corpus(make_documents, first=0):
    numbers = range(first, first + ROWS)
    texts = [f"Text {number} says {'much ' * (number % 40)}and no more." for number in numbers]
    return make_documents(texts, id=[f"{number * 7919:032x}" for number in numbers])


def outputs(results, stage, shard=0):
    part = f"part-{shard:05d}"
    folder = results / stage
    return Outputs(
        folder / f"documents/{part}.parquet", folder / f"dropped/{part}.parquet", folder / f"stats/{part}.json"
    )


def made(results, documents, *, text_of="ingest", shard=0):
    """`ingest` keeps all, `first` one of three, `second` of these nine of ten, `third` none; the last is of `third`.

    Both selectors read what the stage before wrote; their texts are those of `text_of`, or their own where it is None.
    """
    write_outcome(
        outputs(results, "ingest", shard),
        "ingest",
        shard,
        documents,
        documents,
        dropped_rows("ingest", documents[:0], "r"),
    )
    before = "ingest"
    for stage, modulus, most in (("first", 3, 1), ("second", 10, 9), ("third", 1, 0)):
        with (
            provenance.job({"stage": stage, "version": 1, "text_of": text_of}),
            outcome_writer(outputs(results, stage, shard), stage, shard) as writer,
        ):
            for batch in shards.document_batches(outputs(results, before, shard).documents):
                stays = pa.array(batch["rank"].to_numpy() % (modulus * 7) < most * 7)
                gone = dropped_rows(stage, batch.filter(pc.invert(stays)), "r")
                writer.add(batch, batch.filter(stays), gone)
        before = stage
    return {stage: outputs(results, stage, shard).documents for stage in ("ingest", "first", "second", "third")}


@pytest.fixture(name="folders")
def _folders(tmp_path, make_documents):
    documents = corpus(make_documents)
    return tuple(made(tmp_path / name, documents, text_of=held) for name, held in (("own", None), ("named", "ingest")))


def test_all_readers_see_the_same_rows_in_the_same_batches(folders):
    own, named = folders
    for stage, path in own.items():
        one, other = (list(shards.document_batches(found)) for found in (path, named[stage]))
        assert len(one) == len(other)
        assert all(a.equals(b) for a, b in zip(one, other, strict=True)), stage
        assert shards.read_documents(path).equals(shards.read_documents(named[stage]))
        assert shards.column_names(path) == shards.column_names(named[stage])
        for columns in (["text"], ["rank", "text", "id"], ["rank"]):
            assert shards.read_table(path, columns).equals(shards.read_table(named[stage], columns)), (stage, columns)
            parts = [list(shards.table_batches(found, columns)) for found in (path, named[stage])]
            assert len(parts[0]) == len(parts[1])
            assert all(a.equals(b) for a, b in zip(*parts, strict=True)), (stage, columns)


def test_ledgers_and_counts_are_the_same_and_texts_are_written_once(folders):
    own, named = folders
    for stage in ("first", "second", "third"):
        for kind in ("dropped", "stats"):
            one, other = (found[stage].parents[1] / kind for found in (own, named))
            assert [path.read_bytes() for path in one.iterdir()] == [path.read_bytes() for path in other.iterdir()]
    assert named["ingest"].read_bytes() == own["ingest"].read_bytes()
    assert b"much much" not in named["second"].read_bytes()
    assert named["first"].stat().st_size < own["first"].stat().st_size


def test_neither_path_nor_the_number_of_shards_is_in_the_file(tmp_path, make_documents, folders):
    moved = made(tmp_path / "elsewhere", corpus(make_documents))
    assert moved["second"].read_bytes() == folders[1]["second"].read_bytes()
    (tmp_path / "elsewhere").rename(tmp_path / "moved")
    assert shards.read_documents(tmp_path / "moved/second/documents/part-00000.parquet").num_rows


def refused(path, *words):
    for read in (shards.read_documents, lambda path: [*shards.document_batches(path)]):
        with pytest.raises(SourceError) as caught:
            read(path)
        assert all(word in str(caught.value) for word in words), caught.value
    # Who does not ask for texts needs none.
    assert shards.read_table(path, ["id", "rank"]).num_rows == shards.row_count(path)


def test_a_missing_file_of_texts_is_named(folders):
    _, named = folders
    named["ingest"].unlink()
    refused(named["second"], str(named["ingest"]), "missing", f"it holds the texts of {named['second']}")


def test_another_file_in_its_place_is_refused(tmp_path, make_documents, folders):
    _, named = folders
    # Of another shard, of another run with as many rows, and with fewer rows.
    other = made(tmp_path / "other", corpus(make_documents), shard=1)["ingest"]
    later = made(tmp_path / "later", corpus(make_documents, first=1))["ingest"]
    fewer = made(tmp_path / "fewer", corpus(make_documents)[:-1])["ingest"]
    right = named["ingest"].read_bytes()
    for path in (later, fewer):
        named["ingest"].write_bytes(path.read_bytes())
        refused(named["second"], str(named["ingest"]), "its seal is", f"Delete {named['second']}")
    named["ingest"].write_bytes(right)
    assert shards.read_documents(named["second"]).num_rows
    # Outside of jobs files do not say where they belong; the texts are the same, and so is what is read.
    named["ingest"].write_bytes(other.read_bytes())
    assert shards.read_documents(named["second"]).num_rows


def test_rows_that_the_other_file_lacks_are_noticed_even_if_its_seal_fits(folders, monkeypatch):
    _, named = folders
    whole = shards.read_table(named["ingest"])
    chosen = shards.read_table(named["second"], ["id"])["id"]
    monkeypatch.setattr("tamis.texts.Holder.opened", lambda self: None)
    for lost in (chosen[0], chosen[len(chosen) // 2], chosen[-1]):
        shards.write_table(named["ingest"], whole.filter(pc.not_equal(whole["id"], lost)))
        refused(named["second"], f"documents of {named['second']} are not in it")
    last = np.flatnonzero(pc.equal(whole["id"], chosen[-1]).to_numpy())[0]
    shards.write_table(named["ingest"], whole[:last])
    refused(named["second"], f"documents of {named['second']} are not in it")


def test_a_job_compares_who_made_the_texts(folders):
    _, named = folders
    made_by = provenance.identity({"stage": "ingest", "version": 2})
    with (
        provenance.job({"stage": "next", "version": 1, "reads": {"ingest/documents": made_by}}),
        pytest.raises(ShardMismatchError, match="expected ingest"),
    ):
        shards.read_documents(named["second"])


def test_a_stage_that_changes_texts_may_not_leave_them_to_another(tmp_path, make_documents):
    documents = corpus(make_documents)
    made(tmp_path, documents)
    # As long as before, which counts of characters do not tell.
    texts = ["x" * len(text) for text in documents["text"].to_pylist()]
    kept = documents.set_column(2, "text", pa.array(texts, pa.large_string()))
    out = outputs(tmp_path, "fourth")
    with (
        provenance.job({"stage": "fourth", "version": 1, "text_of": "ingest"}),
        pytest.raises(ConservationError, match="changes texts"),
    ):
        write_outcome(out, "fourth", 0, documents, kept, dropped_rows("fourth", documents[:0], "r"))
    assert not out.documents.exists()
