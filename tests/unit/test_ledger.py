import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from outcomes import write_outcome

from tamis import schemas
from tamis.errors import ConservationError, SchemaError
from tamis.ledger import Outputs, add_copies, dropped_rows, outcome_writer


@pytest.fixture(name="outputs")
def _outputs(tmp_path):
    return Outputs(tmp_path / "kept", tmp_path / "dropped", tmp_path / "stats", tmp_path / "edits")


def test_a_row_says_what_was_dropped_and_why(make_documents):
    documents = make_documents(["fünf!", "two"], url=["http://a.example/", None])
    rows = dropped_rows(
        "heuristics", documents, ["few_words", "symbols"], value=[3, np.nan], threshold=5, matched_id="m"
    )
    assert rows.schema == schemas.LEDGER
    first, second = rows.to_pylist()
    assert first == {
        "id": f"{0:032x}",
        "source": "test",
        "url": "http://a.example/",
        "kind": "prose",
        "stage": "heuristics",
        "reason": "few_words",
        "value": 3.0,
        "threshold": 5.0,
        "matched_id": "m",
        "similarity": None,
        "kept_id": None,
        "chars": 5,
    }
    # NaN stands for "no value".
    assert second["value"] is None
    assert second["url"] is None


@pytest.mark.parametrize("make", [list, np.array, pa.array, lambda values: pa.chunked_array([values[:1], values[1:]])])
def test_any_form_of_column_will_do(make_documents, make):
    rows = dropped_rows("s", make_documents(["a", "b", "c"]), "r", similarity=make([0.5, 0.75, 1.0]))
    assert rows["similarity"].to_pylist() == [0.5, 0.75, 1.0]


def test_outcome_is_sorted_and_complete(make_documents, outputs):
    documents = make_documents(["aaa", "bbbb", "cc", "d"])
    kept = documents.take([0, 2])
    dropped = dropped_rows("s", documents.take([3, 1]), "r")
    write_outcome(outputs, "s", 0, documents, kept, dropped)
    assert pq.read_table(outputs.documents)["text"].to_pylist() == ["aaa", "cc"]
    assert pq.read_table(outputs.dropped)["chars"].to_pylist() == [4, 1]
    assert pq.read_table(outputs.edits).schema == schemas.EDITS
    assert outputs.stats.exists()


def test_nothing_is_written_when_a_document_is_missing(make_documents, outputs):
    documents = make_documents(["a", "b"])
    with pytest.raises(ConservationError):
        write_outcome(outputs, "s", 0, documents, documents.slice(1), dropped_rows("s", documents.slice(0, 0), "r"))
    assert list(outputs.documents.parent.iterdir()) == []


def test_nothing_is_written_when_the_schema_is_broken(make_documents, outputs):
    documents = make_documents(["a"])
    none = dropped_rows("s", documents.slice(0, 0), "r")
    with pytest.raises(SchemaError):
        write_outcome(outputs, "s", 0, documents, documents.drop_columns("rank"), none)
    assert list(outputs.documents.parent.iterdir()) == []


def test_cuts_need_an_edits_file(make_documents, tmp_path):
    documents = make_documents(["abc"])
    edits = pa.Table.from_pylist(
        [{"id": documents["id"][0].as_py(), "start": 0, "end": 1, "reason": "r"}], schema=schemas.EDITS
    )
    outputs = Outputs(tmp_path / "kept", tmp_path / "dropped", tmp_path / "stats")
    with pytest.raises(ConservationError, match="no edits file"):
        write_outcome(outputs, "s", 0, documents, documents, dropped_rows("s", documents.slice(0, 0), "r"), edits=edits)


def test_copies_are_added_to_those_named(make_documents):
    documents = make_documents(["a", "b"], copies=[1, 3])
    ids = documents["id"].to_pylist()
    assert add_copies(documents, {ids[1]: 2})["copies"].to_pylist() == [1, 5]
    assert add_copies(documents, {}) is documents
    assert add_copies(documents, {ids[0]: 1}).schema == documents.schema


def test_parts_give_the_files_of_the_whole(make_documents, tmp_path):
    documents = make_documents([f"text {i}" for i in range(7)])
    keep = pa.array([i % 3 != 1 for i in range(7)])

    def files(name, cuts):
        folder = tmp_path / name
        outputs = Outputs(folder / "kept", folder / "dropped", folder / "stats", folder / "edits")
        with outcome_writer(outputs, "s", 0) as writer:
            for start, end in zip([0, *cuts], [*cuts, 7], strict=True):
                part, stays = documents.slice(start, end - start), keep.slice(start, end - start)
                writer.add(part, part.filter(stays), dropped_rows("s", part.filter(pc.invert(stays)), "r"))
            writer.notes["n"] = 1
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    assert files("whole", []) == files("parts", [0, 2, 3, 6])


def test_nothing_is_written_when_a_later_part_fails(make_documents, outputs):
    documents = make_documents(["a", "b", "c"])
    none = dropped_rows("s", documents.slice(0, 0), "r")

    def run(second):
        with outcome_writer(outputs, "s", 0) as writer:
            writer.add(documents.slice(1, 1), documents.slice(1, 1), none)
            writer.add(second, second, none)

    with pytest.raises(SchemaError, match="not sorted"):
        run(documents.slice(0, 1))
    assert list(outputs.documents.parent.iterdir()) == []
    run(documents.slice(2))
    assert pq.read_table(outputs.documents)["text"].to_pylist() == ["b", "c"]
