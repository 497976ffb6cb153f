import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import schemas, stats
from tamis.errors import ConservationError
from tamis.ledger import dropped_rows

TEXTS = ["zehn Zeich", "fünf!", "三个字", "drop me", "and me too"]


def edits_of(*rows):
    names = ("id", "start", "end", "reason", "replacement")
    return pa.Table.from_pylist([dict(zip(names, row, strict=False)) for row in rows], schema=schemas.EDITS)


def count(stage, shard, documents, kept, dropped, edits, *, notes=None):
    tally = stats.Tally(stage, shard)
    tally.add(documents, kept, dropped, edits)
    return tally.value(notes)


def split(documents, keep):
    mask = pa.array([rank in keep for rank in documents["rank"].to_pylist()], pa.bool_())
    gone = pc.invert(mask)
    return documents.filter(mask), dropped_rows("test", documents.filter(gone), "rule")


def totals(value):
    sums = {}
    for row in value["counts"]:
        documents, characters = sums.get(row["outcome"], (0, 0))
        sums[row["outcome"]] = (documents + row["documents"], characters + row["characters"])
    return sums


def test_hand_worked_counts(make_documents):
    documents = make_documents(TEXTS, kind=["prose", "prose", "prose", "code", "prose"])
    kept, dropped = split(documents, {0, 1, 2})
    value = count("test", 7, documents, kept, dropped, edits_of(), notes={"b": 2.0, "a": 1.0})
    # Characters, not bytes: "fünf!" has 5, "三个字" has 3.
    assert totals(value) == {"in": (5, 35), "kept": (3, 18), "dropped": (2, 17)}
    assert {
        "source": "test",
        "kind": "code",
        "outcome": "dropped",
        "reason": "rule",
        "documents": 1,
        "characters": 7,
    } in (value["counts"])
    assert (value["stage"], value["shard"], list(value["notes"])) == ("test", 7, ["a", "b"])


def test_cuts_count_and_cuts_of_dropped_documents_do_not(make_documents):
    documents = make_documents(["abcdef", "xyz"])
    kept, dropped = split(documents, {0})
    kept = kept.set_column(kept.schema.get_field_index("text"), "text", pa.array(["aef"], pa.large_string()))
    ids = documents["id"].to_pylist()
    edits = edits_of((ids[0], 1, 4, "line"), (ids[1], 0, 2, "line"))
    value = count("test", 0, documents, kept, dropped, edits)
    assert totals(value)["cut"] == (1, 3)


def test_added_characters_are_part_of_the_sum(make_documents):
    documents = make_documents(["call 555"])
    masked = documents.set_column(
        documents.schema.get_field_index("text"), "text", pa.array(["call <PHONE>"], pa.large_string())
    )
    name = documents["id"][0].as_py()
    none = dropped_rows("test", documents.slice(0, 0), "rule")
    value = count("test", 0, documents, masked, none, edits_of((name, 5, 8, "phone", "<PHONE>")))
    common = {"source": "test", "kind": "prose", "reason": "phone", "documents": 1}
    assert value["counts"][-2:] == [
        {**common, "outcome": "cut", "characters": 3},
        {**common, "outcome": "added", "characters": 7},
    ]
    with pytest.raises(ConservationError, match="test, shard 0: 8 characters read"):
        count("test", 0, documents, masked, none, edits_of((name, 5, 8, "phone")))
    with pytest.raises(ConservationError, match=r"8 characters read \+ 6 added is not 12 kept \+ 0 dropped \+ 3 cut"):
        count("test", 0, documents, masked, none, edits_of((name, 5, 8, "phone", "<PHON>")))


@pytest.mark.parametrize("column", ["source", "kind"])
def test_each_source_and_kind_is_accounted_for_by_itself(make_documents, column):
    documents = make_documents(["abcd", "abcd"], **{column: ["code", "prose"]})
    changed = documents.set_column(documents.schema.get_field_index("text"), "text", [["ab", "abcdef"]])
    first, second = documents["id"].to_pylist()
    none = dropped_rows("test", documents.slice(0, 0), "rule")
    # Two characters went from one document and two came to the other: over all documents nothing is missing.
    with pytest.raises(
        ConservationError, match=f"4 characters read .* of {'source' if column == 'source' else '.*kind'} 'code'"
    ):
        count("test", 0, documents, changed, none, edits_of())
    honest = edits_of((first, 2, 4, "r"), (second, 4, 4, "r", "ef"))
    assert totals(count("test", 0, documents, changed, none, honest)) == {
        "in": (2, 8), "kept": (2, 8), "cut": (1, 2), "added": (1, 2)
    }  # fmt: skip
    with pytest.raises(ConservationError, match="4 characters read"):
        count("test", 0, documents, changed, none, edits_of((second, 2, 4, "r"), (first, 4, 4, "r", "ef")))
    moved = documents.set_column(documents.schema.get_field_index(column), column, [["prose", "code"]])
    assert count("test", 0, documents, moved, none, edits_of())
    with pytest.raises(ConservationError, match="read 1 documents, kept 0"):
        count(
            "test",
            0,
            documents,
            documents.set_column(documents.schema.get_field_index(column), column, [["prose"] * 2]),
            none,
            edits_of(),
        )


@pytest.mark.parametrize("reason", [None, ""])
def test_nothing_goes_without_a_reason(make_documents, reason):
    documents = make_documents(["abc", "def"])
    none = dropped_rows("test", documents.slice(0, 0), "rule")
    with pytest.raises(ConservationError, match="dropped without a reason"):
        count(
            "test", 0, documents, documents.slice(1), dropped_rows("test", documents.slice(0, 1), [reason]), edits_of()
        )
    changed = documents.set_column(documents.schema.get_field_index("text"), "text", [["xyz", "def"]])
    with pytest.raises(ConservationError, match="cut without a reason"):
        count("test", 0, documents, changed, none, edits_of((documents["id"][0].as_py(), 0, 3, reason, "xyz")))


def test_a_vanished_document_fails(make_documents):
    documents = make_documents(TEXTS)
    kept, dropped = split(documents, {0, 1})
    with pytest.raises(ConservationError, match="read 5 documents, kept 1 and dropped 3"):
        count("test", 0, documents, kept.slice(0, 1), dropped, edits_of())
    with pytest.raises(ConservationError, match="read 5 documents, kept 2 and dropped 2"):
        count("test", 0, documents, kept, dropped.slice(1), edits_of())


def test_a_document_kept_and_dropped_at_once_fails(make_documents):
    documents = make_documents(["same", "size"])
    kept = documents.slice(0, 1)
    with pytest.raises(ConservationError, match="ids are not the ids read"):
        count("test", 0, documents, kept, dropped_rows("test", kept, "rule"), edits_of())


def test_an_exchanged_id_fails(make_documents):
    documents = make_documents(["same", "size"])
    changed = documents.set_column(0, "id", pa.array([documents["id"][0].as_py(), "f" * 32]))
    with pytest.raises(ConservationError, match="ids are not the ids read"):
        count("test", 0, documents, changed, dropped_rows("test", documents.slice(0, 0), "rule"), edits_of())


def test_text_cut_without_an_edits_row_fails(make_documents):
    documents = make_documents(["abcdef"])
    cut = documents.set_column(documents.schema.get_field_index("text"), "text", pa.array(["abc"], pa.large_string()))
    with pytest.raises(ConservationError, match="6 characters read"):
        count("test", 0, documents, cut, dropped_rows("test", documents.slice(0, 0), "rule"), edits_of())


def test_nothing_in_nothing_out(make_documents):
    documents = make_documents([])
    assert count("test", 0, documents, documents, dropped_rows("test", documents, "rule"), edits_of())["counts"] == []


@given(st.lists(st.tuples(st.text(max_size=20), st.booleans()), max_size=20))
def test_any_honest_split_balances(make_documents, rows):
    documents = make_documents([text for text, _ in rows])
    kept, dropped = split(documents, {at for at, (_, keep) in enumerate(rows) if keep})
    sums = totals(count("test", 0, documents, kept, dropped, edits_of()))
    assert sums.get("kept", (0, 0))[1] == sum(len(text) for text, keep in rows if keep)
    assert sums.get("dropped", (0, 0))[0] == sum(not keep for _, keep in rows)
